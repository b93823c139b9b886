"""What both clients share: the parts, joined, and the verbs as coroutines for the engine's loop."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

import httpx

from .clock import Clock, SystemClock
from .errors import InvalidRequest, KlingError, Problem
from .jobs.direct import run_direct
from .jobs.engine import engine
from .jobs.estimate import published
from .jobs.job import Asked, Forgotten, Job
from .jobs.runner import Runner
from .keep.store import Store
from .model.catalogue import request_for
from .service import wire
from .service.api import Api, default_chance
from .service.downloads import Downloads
from .service.transport import Transport
from .service.uploads import Uploads, read_all
from .settings import Settings

_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{3,127}")


class Core:
    """Owns the connections, the store and the jobs of one client."""

    def __init__(
        self,
        settings: Settings,
        *,
        transport: httpx.AsyncBaseTransport | None = None,
        clock: Clock | None = None,
        chance: Callable[[], float] | None = None,
        on_close: Callable[[], None] | None = None,
    ) -> None:
        self.settings = settings
        self.engine = engine()
        self.jobs: list[Job] = []
        self._clock = clock or SystemClock()
        self._transport = Transport(settings, self._clock, transport)
        self._runner = self._joined(chance or default_chance())
        self._on_close = on_close
        self._closed = False

    def _joined(self, chance: Callable[[], float]) -> Runner:
        api = Api(self.settings, self._transport, self._clock, chance)
        downloads = Downloads(self._transport, self._clock, chance)
        scale = self.settings.time_scale
        return Runner(api, Uploads(api), downloads, Store(self.settings.media), self._clock, chance, scale)

    def begin(self, model: Any, params: Mapping[str, Any]) -> Job:
        """Check a request and start its job; the submit goes on by itself. Raises `InvalidRequest`."""
        request = request_for(model, params)
        latency = published(request.latency, self.settings.time_scale)
        return self._started(Job(request, self.engine, self._clock, self._runner, **self._times(latency)))

    def resume(self, request_id: str) -> Job:
        """A handle from an id: the one at hand if the job is watched already, else a new one."""
        name = _checked_id(request_id)
        known = next((job for job in reversed(self.jobs) if job.request_id == name), None)
        if known is not None and (known.watching or known.outputs):
            return known
        request: Asked = known.request if known else Forgotten()
        again = Job(request, self.engine, self._clock, self._runner, request_id=name, **self._times(None))
        return self._started(again)

    @property
    def is_sandbox(self) -> bool:
        """True when a stand-in was leased for this client."""
        return self._on_close is not None

    async def run_sync(self, model: Any, params: Mapping[str, Any], timeout: float | None) -> Any:
        """The v1 call; see `run_direct`."""
        request = request_for(model, params)
        return await run_direct(self._runner, request, timeout or float(request.timeout))

    async def credits(self) -> wire.Credits:
        """The balance."""
        return await self._runner.api.credits()

    async def upload(self, picture: Any) -> str:
        """The hosted address of one picture."""
        (read,) = read_all([("picture", picture)]).values()
        return await self._runner.uploads.url_of(read)

    async def history(self, request_id: str | None, filters: Mapping[str, Any]) -> list[wire.HistoryRow]:
        """One past request by its id, or a page of them."""
        if request_id is None:
            return await self._runner.api.history_page(filters)
        row = await self._runner.api.history(_checked_id(request_id))
        return [row] if row else []

    async def close(self) -> None:
        """Stop watching every job and close the connections. The jobs themselves go on."""
        if self._closed:
            return
        self._closed = True
        for job in self.jobs:
            job._stop_here()
        await self._transport.close()
        if self._on_close:
            self._on_close()

    def _times(self, estimate: Any) -> dict[str, Any]:
        return {"estimate": estimate, "timeout": self.settings.timeout}

    def _started(self, job: Job) -> Job:
        if self._closed:
            raise KlingError(
                "This client is closed.", todo="Make a new one; every job can be resumed by its id."
            )
        self.jobs.append(job)
        self.engine.start(self._runner.drive(job))
        return job


def accepted(job: Job) -> Job:
    """The job itself once the service has taken it; raises what kept it from being taken."""
    if job.error is not None and job.request_id is None:
        raise job.error.with_traceback(None)
    return job


def _checked_id(request_id: str) -> str:
    name = request_id.strip() if isinstance(request_id, str) else ""
    if not _ID.fullmatch(name):
        what = f"{request_id!r} is not the id of a request. Use the text that job.request_id holds."
        raise InvalidRequest([Problem("request_id", what)], "this call")
    return name
