"""What both clients share: the parts, joined, and the verbs as coroutines for the engine's loop."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Callable, Mapping
from datetime import datetime
from functools import partial
from typing import Any
from weakref import WeakSet

import httpx

from .clock import Clock, SystemClock
from .errors import InvalidRequest, JobFailed, KlingError, Problem, SubmitUnknown
from .jobs.budget import Budget
from .jobs.engine import engine, tick
from .jobs.experience import Experience
from .jobs.job import Asked, Job, Remembered
from .jobs.listing import JobList
from .jobs.purchase import Buyer, Take, on_disk
from .jobs.runner import Runner
from .jobs.watcher import Watcher, shared
from .keep.ledger import Ledger, Record
from .keep.store import Store
from .markup import time_text
from .model.catalogue import find, request_for
from .service import wire
from .service.api import Api
from .service.downloads import Downloads
from .service.transport import Transport
from .service.uploads import Uploads, read_all
from .settings import Settings
from .states import State

# Seconds from which on a pause is worth a word.
_LONG_PAUSE = 5.0
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{3,127}")


class Core:
    """Owns the connections, the store and the jobs of one client."""

    def __init__(
        self,
        settings: Settings,
        *,
        transport: httpx.AsyncBaseTransport | None = None,
        clock: Clock | None = None,
        on_close: Callable[[], None] | None = None,
    ) -> None:
        self.settings, self._whose = settings, (settings.account, settings.base_url)
        self.engine = engine()
        self.jobs: list[Job] = []
        self._clock = clock or SystemClock()
        self.ledger = Ledger(settings.home / "ledger.sqlite3", self._clock.wall)
        self._experience = Experience(self.ledger, settings.time_scale)
        self._transport = Transport(settings, self._clock, transport)
        self.budget = Budget(settings.spend_limit, self.jobs)
        self._runner = self._joined()
        self._on_close = on_close
        self._quiet_until = 0.0
        self.closed = False
        _cores.add(self)

    def _joined(self) -> Runner:
        settings, clock, ledger = self.settings, self._clock, self.ledger
        watcher = self._watcher()

        def told(status: int, pause: float | None) -> None:
            watcher.told(status, pause)
            self._mention(watcher.quiet)

        api = Api(settings, self._transport, clock, told)
        store, downloads = Store(settings.media), Downloads(self._transport, clock)
        buyer = Buyer(api, Uploads(api), store, ledger, watcher, self.budget, clock, *self._whose)
        return Runner(api, downloads, store, ledger, buyer, watcher)

    def _mention(self, quiet: float) -> None:
        """A pause that the service asked for holds up every job, so every job says so."""
        until = self._clock.monotonic() + quiet
        if quiet < _LONG_PAUSE or until < self._quiet_until + 1.0:  # said already
            return
        self._quiet_until = until
        for job in self.jobs:
            if job.watching:
                job._publish(job.state, f"The service asked for a pause of {time_text(quiet)}.")

    def _watcher(self) -> Watcher:
        """The one watcher of this account in this process; a clock of one's own has one of its own."""
        rate, speed = self.settings.requests_per_minute, self.settings.time_scale
        make = partial(Watcher, self._clock, rate, time_scale=speed)
        if not isinstance(self._clock, SystemClock):
            return make()
        return shared((*self._whose, id(self.engine), rate, speed), make)

    def begin(self, model: Any, params: Mapping[str, Any], take: Take = 1, *, reserved: bool = False) -> Job:
        """Check a request and start its job; the submit goes on by itself. Raises `InvalidRequest`.

        A job that is `reserved` is counted against the spend limit by whoever begins it.
        """
        request = request_for(model, params)
        job = self._handle(request)
        job._reserved = reserved
        return self._started(job, _checked_take(take) if self.settings.reuse else "new")

    def resume(self, request_id: str) -> Job:
        """A handle from an id: the one at hand if the job is watched already, else a new one."""
        name = _checked_id(request_id)
        known = next((job for job in reversed(self.jobs) if job.request_id == name), None)
        if known is not None and _stands(known):
            return known
        record = self.ledger.by_request(self.settings.base_url, name)
        job = self._of_record(record) if record else self._handle(Remembered(), request_id=name)
        job._wake()
        return job if record else self._started(job)

    def listed(self, **filters: Any) -> JobList:
        """What the ledger knows of this account, newest first."""
        self._check_open()
        rows = self.ledger.rows(*self._whose, **_filters(filters))
        return JobList([self._of_record(row) for row in rows])

    def waiting(self) -> int:
        """How many jobs may have been paid whose media is not on disk, and that no client here watches."""
        here = [core for core in tuple(_cores) if core.ledger.path == self.ledger.path]
        watched = {job._row for core in here for job in core.jobs if job.watching}
        return sum(row.id not in watched for row in self.ledger.waiting(*self._whose))

    async def recover(self, timeout: float | None = None) -> JobList:
        """Collect every paid job whose media is not on disk; see the client."""
        begun = time.monotonic()
        rows = self.ledger.waiting(*self._whose)
        jobs = [job for job in [await self._recovered(row) for row in rows] if job is not None]
        for job in jobs:
            job._wake()
        for job in jobs:
            # One that the service never ends must not keep the others from being told of.
            await tick(job._feed.whole, begun + job._limit(timeout) - time.monotonic())
        return JobList(jobs, _recovery_title(jobs))

    async def _recovered(self, record: Record) -> Job | None:
        live = self._live(record)
        if live is not None:
            return live
        if record.request_id is None:
            record = self.ledger.get(record.id)  # others may have been at work since the list was read
        if record.request_id is not None:
            return self._of_record(record)
        if self._runner.buyer._is_at_work(record):
            return None
        if record.sent is None:
            self.ledger.given_up(record, "its process ended before anything was sent")
            return None
        try:
            record = await self._runner.buyer.reconcile(record)
        except KlingError as error:
            job = self._handle(_remembered(record))
            job._recorded(record)
            job._end(State.UNKNOWN, error)
            return job
        return self._of_record(record)

    def _handle(self, request: Asked, **more: Any) -> Job:
        estimate, plan = self._experience.of(request)
        more |= {"estimate": estimate, "plan": plan, "timeout": self.settings.timeout}
        return Job(request, self.engine, self._clock, self._runner, **more)

    def _of_record(self, record: Record) -> Job:
        """The handle of a row: the live one, a finished one, or one that wakes when somebody waits for it."""
        live = self._live(record)
        if live is not None:
            return live
        job = self._handle(_remembered(record), request_id=record.request_id)
        job._recorded(record)
        job.state = record.state
        made = on_disk(record)
        if made is not None:
            job._made(*made, record.seconds)
        elif record.state is State.FAILED:
            job._end(State.FAILED, JobFailed(record.error, detail=record.error, request_id=record.request_id))
        elif record.request_id:
            job._dormant = self._started
        else:
            job._end(State.UNKNOWN, SubmitUnknown(f"The answer to the submit of {record.slug} was lost."))
        return job

    def _live(self, record: Record) -> Job | None:
        mine = (job for job in reversed(self.jobs) if job._row == record.id)
        return next(filter(_stands, mine), None)

    @property
    def is_sandbox(self) -> bool:
        """True when a stand-in was leased for this client."""
        return self._on_close is not None

    async def run_sync(self, model: Any, params: Mapping[str, Any], timeout: float | None) -> Any:
        """The v1 call."""
        request = request_for(model, params)
        return await self._runner.run_sync(request, timeout or float(request.timeout))

    async def credits(self) -> wire.Credits:
        """The balance."""
        return await self._runner.api.credits()

    async def upload(self, picture: Any) -> str:
        """The hosted address of one picture."""
        (read,) = read_all([("picture", picture)]).values()
        return wire.Address(await self._runner.buyer.uploads.url_of(read))

    async def history(self, request_id: str | None, filters: Mapping[str, Any]) -> list[wire.HistoryRow]:
        """One past request by its id, or a page of them."""
        if request_id is None:
            return await self._runner.api.history_page(filters)
        row = await self._runner.api.history(_checked_id(request_id))
        return [row] if row else []

    async def close(self) -> None:
        """Stop watching every job and close the connections. The jobs themselves go on."""
        if self.closed:
            return
        self.closed = True
        for job in self.jobs:
            job._stop_here()
        tasks = [job._task for job in self.jobs if job._task is not None and not job._task.done()]
        for task in tasks:
            # A submit that is on its way is let through: cut off, nobody would know what it bought.
            if task not in self._runner.api.posting:
                task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for job in self.jobs:
            if not job.is_over:
                job._end_stopped()
        await self._transport.close()
        self.ledger.close()
        if self._on_close:
            self._on_close()

    def _started(self, job: Job, take: Take = 1) -> Job:
        self._check_open()
        self.jobs.append(job)
        self.engine.start(self._runner.drive(job, take))
        return job

    def _check_open(self) -> None:
        if self.closed:
            todo = "Make a new one; every job can be resumed by its id."
            raise KlingError("This client is closed.", todo=todo)


# Those of this process that somebody still holds.
_cores: WeakSet[Core] = WeakSet()


def _stands(job: Job) -> bool:
    """True while a job can be handed out again: it is watched, or all it made is on disk."""
    made = (each.path.is_file() for each in job.outputs)
    return job.watching or (job.state is State.COMPLETED and all(made))


def accepted(job: Job) -> Job:
    """The job itself once the service has taken it; raises what kept it from being taken."""
    if job.error is not None and job.request_id is None and not job.outputs:
        raise job.error.with_traceback(None)
    return job


def _checked_id(request_id: str) -> str:
    name = request_id.strip() if isinstance(request_id, str) else ""
    if not _ID.fullmatch(name):
        what = f"{request_id!r} is not the id of a request. Use the text that job.request_id holds."
        raise InvalidRequest([Problem("request_id", what)], "this call")
    return name


def _checked_take(take: Any) -> Take:
    if take == "new" or (isinstance(take, int) and not isinstance(take, bool) and take >= 1):
        return take  # type: ignore[no-any-return]
    what = f'{take!r} is not a take. Use 1, 2, 3 ... for one that can be found again, or "new" for another.'
    raise InvalidRequest([Problem("take", what)], "this call")


def _checked_state(state: State | str) -> State:
    try:
        return State(str(state).upper())
    except ValueError:
        what = f"{state!r} is not a state. It is one of {', '.join(State)}."
        raise InvalidRequest([Problem("state", what)], "this call") from None


def _remembered(record: Record) -> Remembered:
    try:
        model = find(record.slug)
    except InvalidRequest:
        return Remembered(record.slug, record.slug, given=record.params)
    return Remembered(model.slug, model.title, model.kind, model.timeout, model.latency, record.params)


def _filters(given: Mapping[str, Any]) -> dict[str, Any]:
    """Filters as the ledger takes them: a model in any form, a state by its word, times as dates."""
    found = {name: value for name, value in given.items() if value is not None}
    if "model" in found:
        model = found.pop("model")
        found["slug"] = model if isinstance(model, str) else find(model).slug
    if "state" in found:
        found["state"] = _checked_state(found["state"])
    for name in ("since", "until"):
        if isinstance(found.get(name), datetime):
            found[name] = found[name].timestamp()
    return found


def _recovery_title(jobs: list[Job]) -> str:
    if not jobs:
        return "Nothing to recover: every paid job is on disk."
    saved = sum(job.state is State.COMPLETED for job in jobs)
    running = sum(job.watching for job in jobs)
    title = f"Recovered {saved} of {len(jobs)}." if saved < len(jobs) else f"Recovered {saved}."
    return f"{title} {running} still running: recover() asks again." if running else title
