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
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from threading import Lock
from typing import Any, Literal

from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response, StreamingResponse
from starlette.types import Message, Receive, Scope, Send

from .shapes import reshape

Place = Literal[
    "submit", "status", "result", "download", "upload", "credits", "history", "sync", "models", "any"
]  # fmt: skip
Kind = Literal[
    "status", "html", "empty", "drop_before", "drop_after", "slow", "cut", "truncated",
    "fail", "stuck", "shape", "foreign_host", "expire", "redirect", "storm", "none",
]  # fmt: skip
Nap = Callable[[float], Awaitable[None]]

TOO_MANY = {
    "error": "rate_limit_exceeded",
    "error_description": "Too many requests. Please try again later.",
    "status_code": 429,
}

_Dice = tuple[dict[str, Any], ...]
_REFUSING: _Dice = ({"kind": "status", "code": 429}, {"kind": "status", "code": 503}, {"kind": "drop_before"})
_READING: _Dice = (
    *({"kind": "status", "code": 500}, {"kind": "html", "code": 502}, {"kind": "empty", "code": 504}),
    *({"kind": "html", "code": 200}, {"kind": "drop_after"}, {"kind": "slow", "seconds": 0.05}),
)
# What a storm does besides refusing, to calls that do not merely read.
_STORMS: Mapping[str, _Dice] = {
    "submit": ({"kind": "drop_after"}, {"kind": "fail", "detail": "a storm broke it"}),
    "sync": (),
    "upload": (),
    "download": ({"kind": "cut", "size": 4096}, {"kind": "slow", "seconds": 0.05}),
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
        """Add faults to those still to come."""
        with self._lock:
            self._left += [(fault, 0) for fault in faults]

    def clear(self) -> None:
        with self._lock:
            self._left.clear()
            self._calls.clear()

    def strike(self, place: Place, slug: str | None, request: str | None) -> Fault:
        """The fault this call meets; one of kind "none" where all goes well."""
        with self._lock:
            call = self._calls[place] = self._calls.get(place, 0) + 1
            for index, (fault, met) in enumerate(self._left):
                spent = fault.times is not None and met >= fault.after + fault.times
                if spent or not _aims_at(fault, place, slug, request):
                    continue
                self._left[index] = (fault, met + 1)
                struck = _weather(fault, place, call) if fault.kind == "storm" else fault
                if met >= fault.after and struck:
                    return replace(struck, on=place)
        return Fault(place, "none")


def _aims_at(fault: Fault, place: Place, slug: str | None, request: str | None) -> bool:
    return fault.on in (place, "any") and fault.slug in (None, slug) and fault.request in (None, request)


def _weather(fault: Fault, place: Place, call: int) -> Fault | None:
    dice = random.Random(f"{fault.seed}:{place}:{call}")  # noqa: S311  weather, not cryptography
    if dice.random() >= fault.rate:
        return None
    return replace(fault, **dice.choice((*_REFUSING, *_STORMS.get(place, _READING))))


async def before(fault: Fault, request: Request, nap: Nap) -> Response | None:  # noqa: PLR0911  one a kind
    """What the caller gets instead of an answer; the service never sees such a request."""
    headers = dict(fault.headers)
    match fault.kind:
        case "status":
            return _refusal(fault, headers)
        case "html":
            page = "<!doctype html><title>Gateway</title><h1>Something went wrong</h1>"
            return HTMLResponse(fault.body or page, fault.code or 200, headers)
        case "empty":
            return Response(None, fault.code or 200, headers)
        case "drop_before":
            return Dropped()
        case "redirect":
            return RedirectResponse(fault.url + request.url.path, fault.code or 307)
        case "expire":
            return JSONResponse({"error": f"Request {request.path_params.get('request_id')} not found"}, 404)
        case "slow":
            await nap(fault.seconds)
    return None


def after(fault: Fault, answer: Response, nap: Nap) -> Response:  # noqa: PLR0911  one a kind
    """What the wire makes of the service's answer."""
    body = bytes(answer.body)
    match fault.kind:
        case "drop_after":
            return Dropped()
        case "cut":
            return Cut(answer, fault.size)
        case "slow" if fault.per_second:
            pieces = _trickle(body, max(1, int(fault.per_second / 10)), nap)
            return StreamingResponse(pieces, answer.status_code, dict(answer.headers))
        case "truncated":
            return _same(answer, body[: fault.size])
        case "shape":
            told = json.dumps(reshape(fault.shape, json.loads(body), fault.on))
            return _same(answer, told.encode(), 200 if fault.shape == "failed_200" else None)
        case "foreign_host":
            return _same(answer, re.sub(rb"http://127\.0\.0\.1:\d+", fault.url.encode(), body))
    return answer


def _refusal(fault: Fault, headers: dict[str, str]) -> Response:
    code = fault.code or 500
    if isinstance(fault.body, (str, bytes)):
        return Response(fault.body, code, headers)
    usual = TOO_MANY if code == 429 else {"error": "Something went wrong. Please try again."}
    return JSONResponse(usual if fault.body is None else fault.body, code, headers)


def _same(answer: Response, body: bytes, code: int | None = None) -> Response:
    headers = {name: value for name, value in answer.headers.items() if name != "content-length"}
    return Response(body, code or answer.status_code, headers)


async def _trickle(body: bytes, step: int, nap: Nap) -> AsyncIterator[bytes]:
    """Ten pieces a second."""
    for start in range(0, len(body), step):
        with contextlib.suppress(Closing):
            await nap(0.1)
        yield body[start : start + step]


class Closing(Exception):
    """The sandbox closed while an answer was waiting: its line is gone."""


class Dropped(Response):
    """The line goes dead with a reset: no answer at all."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002
        scope["state"]["reset"]()
        await _gone(receive)


class Cut(Response):
    """The whole length is announced, ``size`` bytes arrive, then the line closes."""

    def __init__(self, whole: Response, size: int) -> None:
        super().__init__(status_code=whole.status_code)
        self._whole, self._size = whole, size

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def part(message: Message) -> None:
            if "body" in message:
                message.update(body=message["body"][: self._size], more_body=True)
            await send(message)

        await self._whole(scope, receive, part)
        scope["state"]["hang_up"]()
        await _gone(receive)


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
