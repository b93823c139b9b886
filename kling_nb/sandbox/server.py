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
from functools import partial
from typing import Any

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from .app import Rules, Seen, Service
from .faults import Closing, Script
from .shapes import Shapes
from .world import Clock, World


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


# A line that was just accepted takes three turns of the loop to be known, and one more to be closed.
_TURNS = 6


class Sandbox:
    """A stand-in for the hosted service on loopback: no key of yours, no cost, real files.

    ``time_scale`` makes jobs that much faster than the published latency. ``validation`` says when a bad
    value surfaces: "late" (as published: fixed sets at once, the rest as a failed job), "early" (all at
    once) or "lazy" (all as failed jobs). ``shapes`` takes the switches of ``Shapes``.
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
        shapes: Mapping[str, Any] | None = None,
        retired: tuple[str, ...] = ("kling-text2image",),
        forbidden: tuple[str, ...] = (),
        spend_limit: float | None = None,
    ) -> None:
        self.key = key or f"SG_{secrets.token_hex(8)}"
        self.time_scale, self.clock = time_scale, Clock(clock)
        self.base_url = self.output_url = ""
        self._ports, script = (port, output_port), Script()
        self._world = World(self.clock, time_scale, balance, retention, workers)
        rules = Rules(
            self.key, validation, retired, forbidden, spend_limit, requests_per_minute, Shapes(**shapes or {})
        )
        self._service = Service(self._world, rules, script, self._nap)
        # Everything that arrived; (slug, parameter) of what was sent that no page lists; tracebacks from the
        # sandbox's own handlers and painters, of which a test asserts that there are none.
        self.seen, self.ignored, self.errors = self._service.seen, self._world.ignored, self._world.errors
        self.script, self.clear_faults = script.add, script.clear
        self._thread: threading.Thread | None = None
        self._closed = False

    def start(self) -> Sandbox:
        """Begin to serve; a second call changes nothing."""
        if self._closed:
            raise RuntimeError("this sandbox was closed; make a new one")
        if self._thread is None:
            sockets = [_bound(port) for port in self._ports]
            self.base_url, self.output_url = (f"http://127.0.0.1:{line.getsockname()[1]}" for line in sockets)
            self._world.service_url, self._world.output_url = self.base_url, self.output_url
            ready = threading.Event()
            serving = partial(_on_own_loop, self._serve(sockets, ready))
            self._thread = threading.Thread(target=serving, name="kling-sandbox", daemon=True)
            self._thread.start()
            ready.wait()
        return self

    def close(self) -> None:
        """Stop serving; no thread, socket or file stays behind."""
        if self._closed:
            return
        self._closed = True
        if self._thread:
            self._loop.call_soon_threadsafe(self._stop.set)
            self._thread.join()
        self._world.close()

    def __enter__(self) -> Sandbox:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<Sandbox {self.base_url or 'not started'}>"

    @property
    def balance(self) -> float:
        self._world.settle()
        return round(self._world.balance, 6)

    def posts(self, slug: str | None = None) -> list[Seen]:
        """The submits that arrived, v1 and v2, accepted or not."""
        posts = [s for s in self.seen if s.method == "POST" and s.path.startswith(("/v1/", "/v2/"))]
        return [post for post in posts if slug in (None, post.path[4:])]

    def join(self, timeout: float = 60.0) -> None:
        """Wait until everything submitted so far is painted, so that only the clock decides."""
        self._world.join(timeout)

    async def _serve(self, sockets: list[socket.socket], ready: threading.Event) -> None:
        """uvicorn without its signals and ticking: serve until told to stop, then let go at once."""
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        quiet: dict[str, Any] = {"log_config": None, "access_log": False, "log_level": "warning"}
        origins = [
            uvicorn.Server(uvicorn.Config(app, http=_Line, ws="none", lifespan="off", **quiet))
            for app in (self._service.service_origin(), self._service.output_origin())
        ]
        for origin, line in zip(origins, sockets, strict=True):
            origin.config.load()
            origin.lifespan = origin.config.lifespan_class(origin.config)
            await origin.startup([line])
        ready.set()
        await self._stop.wait()
        # A server that closes while a line is being accepted forgets that line: first no more are taken in.
        for line in sockets:
            with contextlib.suppress(NotImplementedError):
                self._loop.remove_reader(line.fileno())
        for _ in range(_TURNS):
            for connection in [each for origin in origins for each in origin.server_state.connections]:
                connection.transport.abort()
            await asyncio.sleep(0)
        for server in [server for origin in origins for server in origin.servers]:
            server.close()
        for origin, line in zip(origins, sockets, strict=True):
            if origin.server_state.tasks:
                await asyncio.wait(origin.server_state.tasks, timeout=2)
            line.close()
        await asyncio.sleep(0)

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
