"""The doors of the service: routes, the order of checks, and every answer as the pages have it."""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import mimetypes
import traceback
import uuid
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from . import faults, history, limits
from .faults import Nap, Place, Script
from .history import Reader
from .limits import Contract
from .pace import Pace
from .shapes import Shapes, reshape
from .world import Job, World

Handler = Callable[[Request], Awaitable[Response]]


@dataclass
class Seen:
    """One request that arrived. ``status`` is None while unanswered, and for good when the line was cut."""

    method: str
    path: str
    origin: str
    headers: dict[str, str]
    body: Any
    at: float
    status: int | None = None


@dataclass(frozen=True)
class Rules:
    """What this sandbox allows, besides the contract."""

    key: str
    validation: str = "late"
    retired: tuple[str, ...] = ()
    forbidden: tuple[str, ...] = ()
    spend_limit: float | None = None
    shapes: Shapes = field(default_factory=Shapes)


class Refusal(Exception):
    """An error answer, raised from wherever the check is."""

    def __init__(
        self, code: int, body: str | dict[str, Any], headers: Mapping[str, str] | None = None
    ) -> None:
        self.response = JSONResponse({"error": body} if isinstance(body, str) else body, code, headers)


class Service:
    """Both origins of one sandbox over one world."""

    def __init__(self, world: World, rules: Rules, script: Script, pace: Pace, nap: Nap) -> None:
        self.world, self.rules, self.script, self.pace, self.nap = world, rules, script, pace, nap
        self.seen: list[Seen] = []
        self.errors: list[str] = []

    def service_origin(self) -> ASGIApp:
        history_at = "/inference-request/request-history"
        doors: list[tuple[str, str, Place, Handler]] = [
            ("/v1/get-user-credits", "GET", "credits", self.credits),
            ("/v1/requests/{request_id}", "GET", "result", self.result),
            ("/v2/requests/{request_id}/status", "GET", "status", self.status),
            ("/v2/requests/{request_id}", "GET", "result", self.result),
            ("/v2/{slug}", "POST", "submit", self.submit),
            ("/v1/{slug}", "POST", "sync", self.sync),
            ("/upload-asset", "POST", "upload", self.upload),
            (history_at, "GET", "history", self.history),
            (history_at + "/{request_id}", "GET", "history", self.history_row),
            ("/inference-request/generations", "GET", "history", self.generations),
            ("/inference-request/recent-generations", "GET", "history", self.recent),
        ]
        routes = [Route(path, self._door(place, go), methods=[verb]) for path, verb, place, go in doors]
        routes.append(Route("/inference-model-information/list", self.models, methods=["GET"]))
        return self._origin("service", routes)

    def output_origin(self) -> ASGIApp:
        door = self._door("download", self.download, locked=False)
        return self._origin("output", [Route("/{name:path}", door, methods=["GET", "HEAD"])])

    def _origin(self, name: str, routes: list[Route]) -> ASGIApp:
        app = Starlette(routes=routes, exception_handlers={HTTPException: _no_such_door})

        async def watch(scope: Scope, receive: Receive, send: Send) -> None:
            await self._watch(name, app, scope, receive, send)

        return watch

    async def _watch(self, origin: str, app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
        scope["state"]["nap"] = self.nap
        body = await Request(scope, receive).body()
        seen = _sight(scope, origin, body, self.world.clock.now())
        self.seen.append(seen)

        async def told(message: Message) -> None:
            seen.status = message.get("status", seen.status)
            await send(message)

        await app(scope, _replay(body, receive), told)

    def _door(self, place: Place, handler: Handler, *, locked: bool = True) -> Handler:
        async def door(request: Request) -> Response:
            fault = self.script.strike(place, *map(request.path_params.get, ("slug", "request_id")))
            request.state.fault = fault
            try:
                early = await faults.before(fault, request, self.nap)
                return early or faults.after(
                    fault, await self._answer(request, place, handler, locked=locked), place
                )
            except faults.Closing:
                return faults.Dropped()
            except Exception:  # noqa: BLE001  kept in sandbox.errors, where tests look
                self.errors.append(traceback.format_exc())
                return JSONResponse({"error": "Internal server error"}, 500)

        return door

    async def _answer(self, request: Request, place: Place, handler: Handler, *, locked: bool) -> Response:
        try:
            if locked:
                self._check_key(request)
                self._check_pace(place)
            return await handler(request)
        except Refusal as refusal:
            return refusal.response

    def _check_key(self, request: Request) -> None:
        key = request.headers.get("x-api-key")
        if key is None and "authorization" not in request.headers:
            raise Refusal(401, "Missing Authorization or x-api-key in header")
        if key != self.rules.key:
            raise Refusal(401, "Unauthorized. API key is invalid or may have expired. Please check your key.")

    def _check_pace(self, place: Place) -> None:
        if place not in ("submit", "sync") and not self.rules.shapes.polls_count:
            return
        wait = self.pace.take(self.world.clock.now())
        if wait > 0:
            until = self.world.clock.utc(self.world.clock.now() + wait).isoformat(timespec="milliseconds")
            headers = {"x-rate-limit-reset-at-utc": until} if self.rules.shapes.reset_header else None
            text = "Too many requests. Please try again later."
            body = {"error": "rate_limit_exceeded", "error_description": text, "status_code": 429}
            raise Refusal(429, body, headers)

    async def _admit(self, request: Request) -> Job:
        """The checks of a submit, in the order of the service; what passes becomes a job."""
        body = await _json_body(request)
        contract = self._model(request.path_params["slug"])
        wrong = limits.problems(contract, body)
        for problem in wrong:
            if problem.fixed and self.rules.validation != "lazy":
                raise Refusal(406, problem.text)
        if not wrong:
            self._check_money(limits.cost(contract, body))
        elif self.rules.validation == "early":
            raise Refusal(400, wrong[0].text)
        fault = request.state.fault
        failure = fault.detail if fault and fault.kind == "fail" else None
        return self.world.submit(contract, body, failure=failure, stuck=bool(fault and fault.kind == "stuck"))

    def _model(self, slug: str) -> Contract:
        if slug in self.rules.retired:
            raise Refusal(410, f"Model {slug} has been retired")
        contract = limits.contracts().get(slug)
        if contract is None:
            raise Refusal(404, f"Model {slug} not found")
        if slug in self.rules.forbidden:
            raise Refusal(403, f"You do not have permission to use {slug}")
        return contract

    def _check_money(self, price: float) -> None:
        left = self.world.available()
        if price > left:
            raise Refusal(406, f"Insufficient credits. Available: ${left:.4f}, required: ${price:.4f}")
        cap = self.rules.spend_limit
        if cap is not None and self.world.spent() + price > cap:
            raise Refusal(406, f"Team spend limit reached: monthly limit of ${cap:.2f}")

    async def submit(self, request: Request) -> Response:
        job = await self._admit(request)
        answer = {"request_id": job.id, "status": "QUEUED"}
        return JSONResponse(
            answer | {"poll_url": f"{self.world.service_url}/v1/requests/{job.id}"} | self._urls(job)
        )

    async def sync(self, request: Request) -> Response:
        job = await self._admit(request)
        while (state := self.world.state(job)) not in ("COMPLETED", "FAILED"):
            await self.nap(0.01)
        if state == "FAILED":
            wrong = limits.problems(limits.contracts()[job.slug], job.body)
            raise Refusal(400 if wrong else 500, str(job.failure))
        return self._sync_answer(job)

    def _sync_answer(self, job: Job) -> Response:
        headers = {
            "x-request-id": job.id,
            "x-cost": f"{job.price}",
            "x-remaining-credits": f"{job.remaining:.6f}",
            "x-generation-time": f"{self.world.metrics(job)['inference_time']}",
            "x-seed-value": f"{int(job.id[:8], 16)}",
            "x-rate-limit-reset-at-utc": self.world.clock.utc().isoformat(timespec="milliseconds"),
        }
        page = limits.contracts()[job.slug].response
        as_json = self.rules.shapes.sync == "json" or (self.rules.shapes.sync == "page" and "JSON" in page)
        if as_json or job.media_object is None:
            return JSONResponse(self._completed(job), headers=headers)
        data, content_type = self.world.content(job)
        return Response(data, media_type=content_type, headers=headers)

    def _job(self, request: Request) -> Job:
        name = request.path_params["request_id"]
        job = self.world.find(name)
        if job is None:
            raise Refusal(404, f"Request {name} not found")
        return job

    async def status(self, request: Request) -> Response:
        job = self._job(request)
        state = self.world.state(job)
        if state == "FAILED":
            return self._failed(job)
        if state == "COMPLETED":
            metrics = {"inference_time": self.world.metrics(job)["inference_time"]}
            return JSONResponse({"status": state, "request_id": job.id, "metrics": metrics})
        return self._waiting(job, state)

    async def result(self, request: Request) -> Response:
        job = self._job(request)
        state = self.world.state(job)
        if state == "FAILED":
            return self._failed(job)
        if state != "COMPLETED":
            return self._waiting(job, state)
        code, body = reshape(self.rules.shapes.result, 200, self._completed(job))
        return JSONResponse(body, code)

    def _waiting(self, job: Job, state: str) -> Response:
        return JSONResponse({"status": state, "request_id": job.id} | self._urls(job) | {"metrics": {}})

    def _failed(self, job: Job) -> Response:
        body = {
            "status": "FAILED",
            "error": job.failure,
            "metrics": self.world.metrics(job),
            "request_id": job.id,
        }
        return JSONResponse(body, 422)

    def _completed(self, job: Job) -> dict[str, Any]:
        media = job.media_object
        kind = limits.contracts()[job.slug].kind
        part = {"video": media} if kind == "video" else {"images": [media]} if media else {}
        head = {"status": "COMPLETED", "request_id": job.id, "error": None, "output": job.output}
        return {**head, **part, "metrics": self.world.metrics(job)}

    def _urls(self, job: Job) -> dict[str, str]:
        url = f"{self.world.service_url}/v2/requests/{job.id}"
        return {"status_url": f"{url}/status", "response_url": url}

    async def credits(self, request: Request) -> Response:  # noqa: ARG002
        if not self.rules.shapes.balance_record:
            raise Refusal(404, "No credits found for the user")
        self.world.settle()
        return JSONResponse({"credits": round(self.world.balance, 6), "free-credits": 0.0})

    async def upload(self, request: Request) -> Response:
        body = await _json_body(request)
        urls = body.get("data_urls")
        if not isinstance(urls, list) or not urls:
            raise Refusal(400, "data_urls must be a list of data URLs")
        kept = [self._asset(url) for url in urls]
        if self.rules.shapes.upload == "urls":
            return JSONResponse({"urls": kept})
        return JSONResponse({"file_urls": kept, "message": "Files uploaded successfully"})

    def _asset(self, url: object) -> str:
        head, _, data = str(url).partition(",")
        try:
            content = base64.b64decode(data, validate=True)
        except binascii.Error:
            content = b""
        if not (head.startswith("data:") and head.endswith(";base64") and content):
            raise Refusal(400, "data_urls must hold base64 data URLs")
        content_type = head.removeprefix("data:").removesuffix(";base64")
        suffix = mimetypes.guess_extension(content_type) or ".bin"
        name = f"assets/artist@example.com/{content_type.split('/')[0]}s/{_content_id(content)}{suffix}"
        return self.world.keep(name, content, content_type)

    async def history(self, request: Request) -> Response:
        return self._listed(history.query, request)

    async def generations(self, request: Request) -> Response:
        return self._listed(history.generations, request)

    async def recent(self, request: Request) -> Response:
        return self._listed(history.recent, request)

    def _listed(self, read: Reader, request: Request) -> Response:
        try:
            return JSONResponse(read(self.world, request.query_params, self.rules.shapes))
        except ValueError as error:
            raise Refusal(400, str(error)) from None

    async def history_row(self, request: Request) -> Response:
        job = self.world.jobs.get(request.path_params["request_id"])
        if job is None:
            raise Refusal(404, "Request not found")
        return JSONResponse(history.row(self.world, job))

    async def models(self, request: Request) -> Response:  # noqa: ARG002
        known = [
            {"slug": c.slug, "is_depreciated": False, "parameters_schema": c.parameters}
            for c in limits.contracts().values()
        ]
        gone = [
            {"slug": slug, "is_depreciated": True, "parameters_schema": None} for slug in self.rules.retired
        ]
        return JSONResponse(known + gone)

    async def download(self, request: Request) -> Response:
        if "x-api-key" in request.headers:
            raise Refusal(400, "This host takes no API key; a client must not send one here")
        found = self.world.file(request.path_params["name"])
        if found is None:
            return Response(
                status_code=404, media_type="text/plain", headers={"access-control-allow-origin": "*"}
            )
        return _ranged(*found, request.headers.get("range"))


def _content_id(content: bytes) -> uuid.UUID:
    return uuid.UUID(bytes=hashlib.sha256(content).digest()[:16], version=4)


def _ranged(data: bytes, content_type: str, wanted: str | None) -> Response:
    """The file, or the single byte range of it that was asked for."""
    headers = {"accept-ranges": "bytes", "access-control-allow-origin": "*", "content-type": content_type}
    if not wanted or not wanted.startswith("bytes=") or "," in wanted:
        return Response(data, headers=headers)
    first, _, last = wanted.removeprefix("bytes=").partition("-")
    try:
        start = int(first) if first else max(0, len(data) - int(last))
        stop = min(int(last) + 1, len(data)) if first and last else len(data)
    except ValueError:
        return Response(data, headers=headers)
    if start >= len(data) or start >= stop:
        return Response(status_code=416, headers={"content-range": f"bytes */{len(data)}"})
    headers["content-range"] = f"bytes {start}-{stop - 1}/{len(data)}"
    return Response(data[start:stop], 206, headers)


async def _json_body(request: Request) -> dict[str, Any]:
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        raise Refusal(406, "Invalid content type")
    try:
        body = json.loads(await request.body())
    except ValueError:
        raise Refusal(400, "Request body is not valid JSON") from None
    if not isinstance(body, dict):
        raise Refusal(400, "Request body must be a JSON object")
    return body


async def _no_such_door(request: Request, error: Exception) -> Response:  # noqa: ARG001
    if isinstance(error, HTTPException) and error.status_code == 405:
        page = "<!doctype html><title>405 Method Not Allowed</title><h1>Method Not Allowed</h1>"
        return HTMLResponse(page, 405, dict(error.headers or {}))
    return JSONResponse({"error": "Bad request"}, 400)


def _sight(scope: Scope, origin: str, body: bytes, at: float) -> Seen:
    headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
    try:
        told = json.loads(body) if body else None
    except ValueError:
        told = None
    return Seen(scope["method"], scope["path"], origin, headers, told, at)


def _replay(body: bytes, receive: Receive) -> Receive:
    """The body again for the handler, then the line itself: faults wait there for the disconnect."""
    held: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def again() -> Message:
        return held.pop() if held else await receive()

    return again
