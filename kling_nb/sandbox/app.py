"""The doors of the service: routes, the order of checks, and every answer as the pages have it."""

from __future__ import annotations

import base64
import binascii
import json
import mimetypes
import re
import traceback
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route

from . import faults, history, limits
from .faults import Nap, Place, Script
from .history import Reader
from .limits import Contract
from .shapes import Shapes, reshape
from .world import Job, World, repeatable_id

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
    requests_per_minute: int | None = None
    shapes: Shapes = field(default_factory=Shapes)


class Refusal(Exception):
    """An error answer, raised from wherever the check is."""

    def __init__(self, code: int, body: Any, headers: Mapping[str, str] | None = None) -> None:
        self.response = JSONResponse({"error": body} if isinstance(body, str) else body, code, headers)


class Service:
    """Both origins of one sandbox over one world."""

    def __init__(self, world: World, rules: Rules, script: Script, nap: Nap) -> None:
        self.world, self.rules, self.script, self.nap = world, rules, script, nap
        self.seen: list[Seen] = []
        self._counted: deque[float] = deque()

    def service_origin(self) -> Starlette:
        past = "/inference-request/request-history"
        return self._origin(
            "service",
            ("GET", "/v1/get-user-credits", "credits", self.credits),
            ("GET", "/v1/requests/{request_id}", "result", self.result),
            ("GET", "/v2/requests/{request_id}/status", "status", self.status),
            ("GET", "/v2/requests/{request_id}", "result", self.result),
            ("POST", "/v2/{slug}", "submit", self.submit),
            ("POST", "/v1/{slug}", "sync", self.sync),
            ("POST", "/upload-asset", "upload", self.upload),
            ("GET", past, "history", partial(self.listed, history.query)),
            ("GET", past + "/{request_id}", "history", self.history_row),
            ("GET", "/inference-request/generations", "history", partial(self.listed, history.generations)),
            ("GET", "/inference-request/recent-generations", "history", partial(self.listed, history.recent)),
            ("GET", "/inference-model-information/list", "models", self.models),
        )

    def output_origin(self) -> Starlette:
        return self._origin("output", ("GET", "/{name:path}", "download", self.download))

    def _origin(self, name: str, *doors: tuple[str, str, Place, Handler]) -> Starlette:
        routes = [Route(path, self._door(name, place, go), methods=[verb]) for verb, path, place, go in doors]
        return Starlette(routes=routes, exception_handlers={HTTPException: partial(self._no_such_door, name)})

    def _door(self, origin: str, place: Place, handler: Handler) -> Handler:
        async def door(request: Request) -> Response:
            seen = await self._sight(origin, request)
            fault = self.script.strike(place, *map(request.path_params.get, ("slug", "request_id")))
            request.state.fault = fault
            try:
                early = await faults.before(fault, request, self.nap)
                answer = early or faults.after(fault, await self._answer(request, place, handler), self.nap)
            except faults.Closing:
                answer = faults.Dropped()
            except Exception:  # noqa: BLE001  kept in sandbox.errors, where tests look
                self.world.errors.append(traceback.format_exc())
                answer = JSONResponse({"error": "Internal server error"}, 500)
            seen.status = None if isinstance(answer, faults.Dropped) else answer.status_code
            return answer

        return door

    async def _sight(self, origin: str, request: Request) -> Seen:
        try:
            told = json.loads(await request.body())
        except ValueError:
            told = None
        headers, now = dict(request.headers), self.world.clock.now()
        self.seen.append(Seen(request.method, request.url.path, origin, headers, told, now))
        return self.seen[-1]

    async def _no_such_door(self, origin: str, request: Request, error: Exception) -> Response:
        seen = await self._sight(origin, request)
        seen.status = 405 if isinstance(error, HTTPException) and error.status_code == 405 else 400
        if seen.status == 405:
            return HTMLResponse("<!doctype html><title>405</title><h1>Method Not Allowed</h1>", 405)
        return JSONResponse({"error": "Bad request"}, 400)

    async def _answer(self, request: Request, place: Place, handler: Handler) -> Response:
        try:
            if place not in ("download", "models"):
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
        """So many calls in any minute of the sandbox's clock; those that are refused do not count."""
        limit, clock, shapes = self.rules.requests_per_minute, self.world.clock, self.rules.shapes
        if limit is None or not (place in ("submit", "sync") or shapes.polls_count):
            return
        while self._counted and self._counted[0] <= clock.now() - 60:
            self._counted.popleft()
        if len(self._counted) >= limit:
            opens = clock.utc(self._counted[0] + 60).isoformat(timespec="milliseconds")
            headers = {"x-rate-limit-reset-at-utc": opens} if shapes.reset_header else None
            raise Refusal(429, faults.TOO_MANY, headers)
        self._counted.append(clock.now())

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
        failure = fault.detail if fault.kind == "fail" else None
        return self.world.submit(contract, body, failure=failure, stuck=fault.kind == "stuck")

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
        if cap is not None and sum(job.charged for job in self.world.jobs.values()) + price > cap:
            raise Refusal(406, f"Team spend limit reached: monthly limit of ${cap:.2f}")

    async def submit(self, request: Request) -> Response:
        job = await self._admit(request)
        poll = f"{self.world.service_url}/v1/requests/{job.id}"
        return JSONResponse({"request_id": job.id, "status": "QUEUED", "poll_url": poll} | self._urls(job))

    async def sync(self, request: Request) -> Response:
        job = await self._admit(request)
        while (state := self.world.state(job)) not in ("COMPLETED", "FAILED"):
            await self.nap(0.01)
        contract, shape = limits.contracts()[job.slug], self.rules.shapes.sync
        if state == "FAILED":
            raise Refusal(400 if limits.problems(contract, job.body) else 500, str(job.failure))
        headers = {
            "x-request-id": job.id,
            "x-cost": f"{job.price}",
            "x-remaining-credits": f"{job.remaining:.6f}",
            "x-generation-time": f"{self.world.metrics(job)['inference_time']}",
            "x-seed-value": f"{int(job.id[:8], 16)}",
            "x-rate-limit-reset-at-utc": self.world.clock.utc().isoformat(timespec="milliseconds"),
        }
        as_json = shape == "json" or (shape == "page" and "JSON" in contract.response)
        media = job.media_object
        if as_json or media is None:
            return JSONResponse(self._completed(job), headers=headers)
        return Response(self.world.content_of(media["url"]), 200, headers, media["content_type"])

    def _job(self, request: Request) -> tuple[Job, str]:
        name = request.path_params["request_id"]
        job = self.world.find(name)
        if job is None:
            raise Refusal(404, f"Request {name} not found")
        return job, self.world.state(job)

    async def status(self, request: Request) -> Response:
        job, state = self._job(request)
        if state != "COMPLETED":
            return self._unfinished(job, state)
        metrics = {"inference_time": self.world.metrics(job)["inference_time"]}
        return JSONResponse({"status": state, "request_id": job.id, "metrics": metrics})

    async def result(self, request: Request) -> Response:
        job, state = self._job(request)
        if state != "COMPLETED":
            return self._unfinished(job, state)
        return JSONResponse(reshape(self.rules.shapes.result, self._completed(job)))

    def _unfinished(self, job: Job, state: str) -> Response:
        """What both polls say while there is nothing to fetch, and when there never will be."""
        if state == "FAILED":
            told = {"error": job.failure, "metrics": self.world.metrics(job), "request_id": job.id}
            return JSONResponse({"status": state} | told, 422)
        return JSONResponse({"status": state, "request_id": job.id} | self._urls(job) | {"metrics": {}})

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
        name = repeatable_id(content) + (mimetypes.guess_extension(content_type) or ".bin")
        folder = f"assets/artist@example.com/{content_type.split('/')[0]}s"
        return self.world.keep(f"{folder}/{name}", content, content_type)

    async def listed(self, read: Reader, request: Request) -> Response:
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
        known = {contract.slug: contract.parameters for contract in limits.contracts().values()}
        gone = dict.fromkeys(self.rules.retired)
        return JSONResponse(
            [
                {"slug": slug, "is_depreciated": slug in gone, "parameters_schema": parameters}
                for slug, parameters in (known | gone).items()
            ]
        )

    async def download(self, request: Request) -> Response:
        if "x-api-key" in request.headers:
            raise Refusal(400, "This host takes no API key; a client must not send one here")
        found = self.world.file(request.path_params["name"])
        if found is None:
            return Response(status_code=404, headers={"access-control-allow-origin": "*"})
        return _ranged(*found, request.headers.get("range"))


def _ranged(data: bytes, content_type: str, wanted: str | None) -> Response:
    """The file, or the single byte range of it that was asked for."""
    headers = {"accept-ranges": "bytes", "access-control-allow-origin": "*", "content-type": content_type}
    asked = re.fullmatch(r"bytes=(?=.*\d)(\d*)-(\d*)", wanted or "")
    if asked is None:
        return Response(data, headers=headers)
    first, last = asked.groups()
    start = int(first) if first else max(0, len(data) - int(last))
    stop = min(int(last) + 1, len(data)) if first and last else len(data)
    if start >= stop:
        return Response(status_code=416, headers={"content-range": f"bytes */{len(data)}"})
    return Response(
        data[start:stop], 206, headers | {"content-range": f"bytes {start}-{stop - 1}/{len(data)}"}
    )


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
