"""The sandbox itself: two origins on loopback in one background thread."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import socket
import struct
import sys
import threading
from collections.abc import Callable, Coroutine, Mapping
from types import TracebackType
from typing import Any

import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.h11_impl import H11Protocol

from .app import Rules, Seen, Service
from .faults import Closing, Fault, Script
from .pace import Pace
from .shapes import Shapes
from .world import Clock, World

RETIRED = ("kling-text2image",)


class _Line(H11Protocol):
    """One connection that a handler may reset or hang up on."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self.app_state = {**self.app_state, "reset": self.reset, "hang_up": transport.close}

    def reset(self) -> None:
        """Close so that the other side sees a reset, not a polite end."""
        line = self.transport.get_extra_info("socket")
        linger = struct.pack("hh" if sys.platform == "win32" else "ii", 1, 0)
        with contextlib.suppress(OSError):
            line.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        self.transport.abort()


class _Origin(uvicorn.Server):
    """uvicorn without its signals and ticking: it serves until told to stop, then lets go at once."""

    def __init__(self, app: ASGIApp, stop: asyncio.Event) -> None:
        super().__init__(
            uvicorn.Config(app, http=_Line, ws="none", loop="asyncio", lifespan="off", log_config=None,
                           access_log=False, log_level="warning")
        )  # fmt: skip
        self._stop, self.ready = stop, asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.ready.set()

    async def main_loop(self) -> None:
        await self._stop.wait()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        for server in self.servers:
            server.close()
        for line in list(self.server_state.connections):
            line.transport.abort()
        if self.server_state.tasks:
            await asyncio.wait(self.server_state.tasks, timeout=2)
        for sock in sockets or ():
            sock.close()


class Sandbox:
    """A stand-in for the hosted service on loopback: no key of yours, no cost, real files.

    ``time_scale`` makes jobs that much faster than the published latency. ``validation`` says when a bad
    value surfaces: "late" (as published: fixed sets at once, the rest as a failed job), "early" (all at
    once) or "lazy" (all as failed jobs). ``shapes`` takes a ``Shapes`` or a dict of its switches.
    """

    def __init__(
        self,
        port: int = 0,
        *,
        output_port: int = 0,
        time_scale: float = 20.0,
        key: str | None = None,
        balance: float = 100.0,
        clock: Callable[[], float] | None = None,
        validation: str = "late",
        retention: float = 3600.0,
        workers: int = 4,
        requests_per_minute: int | None = None,
        shapes: Shapes | Mapping[str, Any] | None = None,
        retired: tuple[str, ...] = RETIRED,
        forbidden: tuple[str, ...] = (),
        spend_limit: float | None = None,
    ) -> None:
        self.key = key or f"SG_{secrets.token_hex(8)}"
        self.time_scale = time_scale
        self.clock = Clock(clock)
        self._ports = (port, output_port)
        self._world = World(self.clock, time_scale, balance, retention, workers)
        self._script = Script()
        rules = Rules(self.key, validation, retired, forbidden, spend_limit, Shapes.of(shapes))
        self._service = Service(self._world, rules, self._script, Pace(requests_per_minute), self._nap)
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._closed = False

    def start(self) -> Sandbox:
        """Begin to serve; a second call changes nothing."""
        if self._closed:
            raise RuntimeError("this sandbox was closed; make a new one")
        if self._thread is None:
            sockets = [_bound(port) for port in self._ports]
            self._world.service_url, self._world.output_url = map(_address, sockets)
            ready = threading.Event()
            serving = (self._serve(sockets, ready),)
            self._thread = threading.Thread(
                target=_on_own_loop, args=serving, name="kling-sandbox", daemon=True
            )
            self._thread.start()
            ready.wait()
        return self

    def close(self) -> None:
        """Stop serving; no thread, socket or file stays behind."""
        if self._closed:
            return
        self._closed = True
        if self._thread and self._loop:
            self._loop.call_soon_threadsafe(self._stop.set)
            self._thread.join()
        self._world.close()

    def __enter__(self) -> Sandbox:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<Sandbox {self.base_url or 'not started'}>"

    @property
    def base_url(self) -> str:
        return self._world.service_url

    @property
    def output_url(self) -> str:
        return self._world.output_url

    @property
    def balance(self) -> float:
        self._world.settle()
        return round(self._world.balance, 6)

    @property
    def seen(self) -> list[Seen]:
        return self._service.seen

    @property
    def errors(self) -> list[str]:
        """Tracebacks from the sandbox's own handlers and painters; a test asserts that there are none."""
        return self._service.errors + self._world.errors

    @property
    def ignored(self) -> list[tuple[str, str]]:
        """(slug, parameter) of everything sent that the model's page does not list."""
        return self._world.ignored

    def posts(self, slug: str | None = None) -> list[Seen]:
        """The submits that arrived, v1 and v2, accepted or not."""
        paths = (f"/v1/{slug}", f"/v2/{slug}") if slug else ("/v1/", "/v2/")
        return [
            seen for seen in self.seen
            if seen.method == "POST" and (seen.path in paths if slug else seen.path.startswith(paths))
        ]  # fmt: skip

    def script(self, *faults: Fault) -> None:
        """Add faults to those still to come."""
        self._script.add(*faults)

    def clear_faults(self) -> None:
        self._script.clear()

    def join(self, timeout: float = 60.0) -> None:
        """Wait until everything submitted so far is painted, so that only the clock decides."""
        self._world.join(timeout)

    async def _serve(self, sockets: list[socket.socket], ready: threading.Event) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        apps = (self._service.service_origin(), self._service.output_origin())
        origins = [_Origin(app, self._stop) for app in apps]
        serving = [
            asyncio.ensure_future(origin.serve([sock])) for origin, sock in zip(origins, sockets, strict=True)
        ]
        for origin in origins:
            await origin.ready.wait()
        ready.set()
        await asyncio.gather(*serving)

    async def _nap(self, seconds: float) -> None:
        """Sleep, unless the sandbox closes: then the connection is gone and so is the reason to wait."""
        with contextlib.suppress(asyncio.TimeoutError):
            await asyncio.wait_for(self._stop.wait(), seconds)
            raise Closing


def _on_own_loop(work: Coroutine[Any, Any, None]) -> None:
    # Not asyncio.run: a notebook may have replaced it for the whole process (nest_asyncio does).
    loop = asyncio.new_event_loop()
    try:
        loop.run_until_complete(work)
    finally:
        loop.run_until_complete(loop.shutdown_default_executor())
        loop.close()


def _bound(port: int) -> socket.socket:
    # asyncio switches delays off only on sockets that say they are TCP: without it each answer takes 40 ms.
    line = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    if sys.platform != "win32":
        line.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    line.bind(("127.0.0.1", port))
    return line


def _address(line: socket.socket) -> str:
    return f"http://127.0.0.1:{line.getsockname()[1]}"
