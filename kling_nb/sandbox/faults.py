"""Things that go wrong, as values: what strikes where, how often, and how it looks on the wire.

Fault("status", "status", code=502)                       one 502 on the next status poll
Fault("submit", "drop_after")                             accepted, then the answer is lost
Fault("download", "cut", size=1000, times=2)              two downloads break off after 1000 bytes
Fault("result", "shape", shape="no_url", after=3)         the fourth result has no URL in it
Fault.storm(seed=7, rate=0.1)                             one call in ten goes wrong, the same way each run
"""

from __future__ import annotations

import contextlib
import json
import random
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from threading import Lock
from typing import Any, Literal

from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.types import Receive, Scope, Send

from .shapes import reshape

Place = Literal["submit", "status", "result", "download", "upload", "credits", "history", "sync", "any"]
Kind = Literal[
    "status", "html", "empty", "drop_before", "drop_after", "slow", "cut", "truncated",
    "fail", "stuck", "shape", "foreign_host", "expire", "redirect", "storm",
]  # fmt: skip
Nap = Callable[[float], Awaitable[None]]

_STORM_ANYWHERE: tuple[dict[str, Any], ...] = (
    {"kind": "status", "code": 429},
    {"kind": "status", "code": 503},
    {"kind": "drop_before"},
)
_STORM_READING: tuple[dict[str, Any], ...] = (
    {"kind": "status", "code": 500},
    {"kind": "html", "code": 502},
    {"kind": "empty", "code": 504},
    {"kind": "html", "code": 200},
    {"kind": "drop_after"},
    {"kind": "slow", "seconds": 0.05},
)
_STORM_MENU: Mapping[str, tuple[dict[str, Any], ...]] = {
    "submit": (*_STORM_ANYWHERE, {"kind": "drop_after"}, {"kind": "fail", "detail": "a storm broke it"}),
    "sync": _STORM_ANYWHERE,
    "upload": _STORM_ANYWHERE,
    "download": (*_STORM_ANYWHERE, {"kind": "cut", "size": 4096}, {"kind": "slow", "seconds": 0.05}),
}


@dataclass(frozen=True)
class Fault:
    """One mishap: ``kind`` strikes ``on`` a place, ``times`` times (None = always) after ``after`` calls.

    ``slug`` and ``request`` narrow it to one model or one request id. The remaining fields belong to
    single kinds: ``code``/``body``/``headers`` (status, html, empty), ``seconds`` or ``per_second``
    (slow; bytes per second), ``size`` (cut, truncated: bytes that arrive), ``detail`` (fail),
    ``shape`` (shape), ``url`` (foreign_host, redirect: another origin), ``seed``/``rate`` (storm).
    """

    on: Place
    kind: Kind
    times: int | None = 1
    after: int = 0
    slug: str | None = None
    request: str | None = None
    code: int | None = None
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)
    seconds: float = 0.0
    per_second: float = 0.0
    size: int = 100
    detail: str = "The worker stopped with an error."
    shape: str = "no_url"
    url: str = "https://elsewhere.example"
    seed: int = 0
    rate: float = 0.0

    @classmethod
    def storm(cls, seed: int, rate: float, on: Place = "any") -> Fault:
        """Weather for big tests: each call goes wrong with probability ``rate``, decided by ``seed``."""
        return cls(on, "storm", times=None, seed=seed, rate=rate)


class Script:
    """The faults still to come, struck in order; each call meets at most one."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._left: list[tuple[Fault, int]] = []
        self._calls: dict[str, int] = {}

    def add(self, *faults: Fault) -> None:
        with self._lock:
            self._left += [(fault, 0) for fault in faults]

    def clear(self) -> None:
        with self._lock:
            self._left.clear()
            self._calls.clear()

    def strike(self, place: Place, slug: str | None, request: str | None) -> Fault | None:
        """The fault this call meets, if any."""
        with self._lock:
            call = self._calls[place] = self._calls.get(place, 0) + 1
            for index, (fault, met) in enumerate(self._left):
                if not _aims_at(fault, place, slug, request) or _spent(fault, met):
                    continue
                self._left[index] = (fault, met + 1)
                struck = _weather(fault, place, call) if fault.kind == "storm" else fault
                if met >= fault.after and struck:
                    return struck
        return None


def _aims_at(fault: Fault, place: Place, slug: str | None, request: str | None) -> bool:
    return fault.on in (place, "any") and fault.slug in (None, slug) and fault.request in (None, request)


def _spent(fault: Fault, met: int) -> bool:
    return fault.times is not None and met >= fault.after + fault.times


def _weather(fault: Fault, place: Place, call: int) -> Fault | None:
    dice = random.Random(f"{fault.seed}:{place}:{call}")  # noqa: S311  weather, not cryptography
    if dice.random() >= fault.rate:
        return None
    menu = _STORM_MENU.get(place, _STORM_ANYWHERE + _STORM_READING)
    return replace(fault, on=place, **dice.choice(menu))


async def before(fault: Fault | None, request: Request, nap: Nap) -> Response | None:  # noqa: PLR0911  one a kind
    """What the caller gets instead of an answer; the service never sees such a request."""
    match fault:
        case Fault(kind="status"):
            return _answer(fault, fault.code or 500)
        case Fault(kind="html"):
            page = "<!doctype html><title>Gateway</title><h1>Something went wrong</h1>"
            return HTMLResponse(fault.body or page, fault.code or 200, dict(fault.headers))
        case Fault(kind="empty"):
            return Response(status_code=fault.code or 200, headers=dict(fault.headers))
        case Fault(kind="drop_before"):
            return Dropped()
        case Fault(kind="redirect"):
            return RedirectResponse(fault.url + request.url.path, fault.code or 307)
        case Fault(kind="expire"):
            name = request.path_params.get("request_id", "")
            return JSONResponse({"error": f"Request {name} not found"}, 404)
        case Fault(kind="slow", per_second=0):
            await nap(fault.seconds)
    return None


def after(fault: Fault | None, response: Response, place: Place) -> Response:  # noqa: PLR0911  one a kind
    """What the wire makes of the service's answer."""
    match fault:
        case Fault(kind="drop_after"):
            return Dropped()
        case Fault(kind="cut"):
            return Cut(response, fault.size)
        case Fault(kind="slow", per_second=pace) if pace:
            return Trickle(response, pace)
        case Fault(kind="truncated"):
            return _same(response, bytes(response.body)[: fault.size])
        case Fault(kind="shape"):
            return _reshaped(response, fault.shape, place)
        case Fault(kind="foreign_host"):
            return _renamed(response, fault.url)
    return response


def _answer(fault: Fault, code: int) -> Response:
    if isinstance(fault.body, (str, bytes)):
        return Response(fault.body, code, dict(fault.headers))
    limit = {
        "error": "rate_limit_exceeded",
        "error_description": "Too many requests. Please try again later.",
        "status_code": 429,
    }
    usual = limit if code == 429 else {"error": "Something went wrong. Please try again."}
    return JSONResponse(usual if fault.body is None else fault.body, code, dict(fault.headers))


def _same(response: Response, body: bytes) -> Response:
    headers = {name: value for name, value in response.headers.items() if name != "content-length"}
    return Response(body, response.status_code, headers)


def _reshaped(response: Response, shape: str, place: Place) -> Response:
    code, body = reshape(shape, response.status_code, json.loads(bytes(response.body)), place)
    return JSONResponse(body, code)


def _renamed(response: Response, origin: str) -> Response:
    def rename(value: Any) -> Any:
        if isinstance(value, dict):
            return {name: rename(item) for name, item in value.items()}
        if isinstance(value, list):
            return [rename(item) for item in value]
        if isinstance(value, str) and value.startswith("http://127.0.0.1:"):
            return origin + "/" + value.split("/", 3)[3]
        return value

    return JSONResponse(rename(json.loads(bytes(response.body))), response.status_code)


class Closing(Exception):
    """The sandbox closed while an answer was waiting: its line is gone."""


class Dropped(Response):
    """The line goes dead with a reset: no answer at all."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002
        scope["state"]["reset"]()
        while (await receive())["type"] != "http.disconnect":
            pass


class Cut(Response):
    """The whole length is announced, ``size`` bytes arrive, then the line closes."""

    def __init__(self, whole: Response, size: int) -> None:
        self._whole, self._size = whole, size
        super().__init__(bytes(whole.body), whole.status_code)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        part = bytes(self._whole.body)[: self._size]
        await send(
            {"type": "http.response.start", "status": self.status_code, "headers": self._whole.raw_headers}
        )
        await send({"type": "http.response.body", "body": part, "more_body": True})
        scope["state"]["hang_up"]()
        while (await receive())["type"] != "http.disconnect":
            pass


class Trickle(Response):
    """The answer in ten pieces a second, ``pace`` bytes a second."""

    def __init__(self, whole: Response, pace: float) -> None:
        self._whole, self._pace = whole, pace
        super().__init__(bytes(whole.body), whole.status_code)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002
        body, step = bytes(self._whole.body), max(1, int(self._pace / 10))
        await send(
            {"type": "http.response.start", "status": self.status_code, "headers": self._whole.raw_headers}
        )
        for start in range(0, len(body), step):
            with contextlib.suppress(Closing):
                await scope["state"]["nap"](0.1)
            await send({"type": "http.response.body", "body": body[start : start + step], "more_body": True})
        await send({"type": "http.response.body", "body": b""})
