"""Doing a job: buy it once, ask until it ends, bring the files home, and write all of it down."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from ..errors import (
    JobFailed,
    KlingError,
    RequestExpired,
    ServiceUnreachable,
    SubmitUnknown,
    UnexpectedAnswer,
)
from ..keep.arrivals import Arrival
from ..keep.beside import write_beside
from ..keep.ledger import Ledger, LedgerError
from ..keep.store import BrokenMedia, Store
from ..markup import sentence
from ..media.trouble import MediaError
from ..service import wire
from ..service.api import Api
from ..service.downloads import Downloads
from ..service.retry import TRANSIENT
from ..service.transport import Lost, Undelivered
from ..service.uploads import local, read_all
from ..service.wire import Answer, Status
from ..states import State
from .job import Asked, Job
from .purchase import Buyer, Take
from .watcher import Watcher

E = TypeVar("E", bound=KlingError)

# A record lives one hour at the service; after that and a margin there is nothing left to ask for.
_RECORD_LIFE = 3600.0 + 300.0
# A record may take a moment to appear after the submit was answered.
_SETTLING = 10.0
# Unanswered questions in a row after which a record that must be gone is given up.
_ENOUGH = 8


@dataclass(frozen=True)
class Runner:
    """The parts a job needs, joined. All of it runs on the engine's thread."""

    api: Api
    downloads: Downloads
    store: Store
    ledger: Ledger
    buyer: Buyer
    watcher: Watcher
    under_way: dict[Path, asyncio.Task[Any]] = field(default_factory=dict)

    async def drive(self, job: Job, take: Take) -> None:
        """Take a job from where it stands to its end; every error ends in the job, none escapes."""
        job._task = asyncio.current_task()
        try:
            await self._begin(job, take)
            if job.reused:
                job._end(State.COMPLETED, note='made earlier; take="new" buys another')
            elif job._stop_wanted:
                job._end_stopped()
            else:
                await self._watch(job)
        except SubmitUnknown as error:
            job._end(State.UNKNOWN, error)
        except KlingError as error:
            ran = job.request_id is not None and not isinstance(error, JobFailed)
            job._end(job.state if ran else State.FAILED, error)
        except Exception as error:  # noqa: BLE001 - a fault of ours must still end the wait, and say so
            job._end(job.state, _our_fault(job, error))

    async def refresh(self, job: Job) -> None:
        """Ask once about a job and tell it what was said; passing faults change nothing."""
        try:
            status = wire.status_of(await self.api.status(job.request_id or ""))
        except (Undelivered, Lost):
            return
        if status and status.state and not status.state.is_final and status.state is not job.state:
            job._publish(status.state)

    async def run_sync(self, request: Asked, limit: float) -> Any:
        """The v1 call: submit and return what came back, an `Image`, a `Video`, or a JSON value.

        `limit` is in seconds. Nothing can be resumed: when the answer is lost, `SubmitUnknown` is raised.
        """
        pictures = await asyncio.to_thread(read_all, local(request.pictures()))
        await asyncio.to_thread(self.store.check)
        urls = await self.buyer.uploads.urls_of(pictures)
        answer = await self.api.run_sync(request.slug, request.body(urls), limit)
        body = answer.json()
        # Without an id of its own, the next such file would take the place of this one.
        request_id = answer.headers.get("x-request-id") or str(uuid.uuid4())
        url = next((output.url for output in wire.outputs_of(body)), None)
        prompt = str(request.values().get("prompt", ""))
        arrival = Arrival(self.store, request.slug, request_id, prompt, self.downloads.writer, url)
        if answer.media_type.startswith(("image/", "video/")):
            return await asyncio.to_thread(arrival.keep, answer.content)
        if url:
            return await self.fetch(arrival)
        value = _value(request, body)
        if value is None:
            what = "The answer to the synchronous call holds no media."
            raise UnexpectedAnswer(what, request_id=request_id, charged="yes", **answer.said())
        return value

    async def fetch(self, arrival: Arrival) -> Any:
        """One file brought home whole, as an `Image` or a `Video`; once, for all handles of this client."""
        task = self.under_way.get(arrival.part)
        if task is None or task.done():
            task = asyncio.get_running_loop().create_task(self._fetch(arrival))
            self.under_way[arrival.part] = task
            task.add_done_callback(lambda done: self._fetched(arrival.part, done))
        # One handle that is stopped must not take the file away from the others.
        return await asyncio.shield(task)

    def _fetched(self, part: Path, done: asyncio.Task[Any]) -> None:
        self.under_way.pop(part, None)
        if not done.cancelled():
            done.exception()  # heard, also when every handle that waited for it was stopped

    async def _fetch(self, arrival: Arrival) -> Any:
        for is_last in (False, True):
            done = await asyncio.to_thread(arrival.found)
            if done is not None:
                return done
            arrival.adopt()
            await self.downloads.fetch(arrival.url or "", arrival.part)
            try:
                return await asyncio.to_thread(arrival.settle)
            except BrokenMedia:
                # What was continued may have been a piece of something else: once more from the start.
                arrival.part.unlink(missing_ok=True)
                if is_last:
                    raise
        raise AssertionError("the last try returns or raises")

    async def _begin(self, job: Job, take: Take) -> None:
        if job.request_id is None:
            await self.buyer.buy(job, take)
        elif job._row is None:
            record = self.ledger.adopt(self.buyer.account, self.buyer.service, job.model, job.request_id)
            job._recorded(record)
        if not job.reused:
            job._publish(State.QUEUED)

    async def _watch(self, job: Job) -> None:
        try:
            status = await self._poll(job)
            job.metrics = dict(status.metrics)
            if status.state is State.COMPLETED:
                status = await self._result(job)
        except RequestExpired:
            row = await self.api.history(job.request_id or "")
            if row is None and job._row is not None:
                # Perhaps a slip of the pen: nothing to remember, and nothing for a recovery to look for.
                with contextlib.suppress(LedgerError):
                    self.ledger.forget(job._row)
            if row is None or row.state is None or not row.state.is_final:
                raise
            metrics = {"cost": row.cost, "total_time": row.seconds}
            job.metrics = {name: value for name, value in metrics.items() if value is not None}
            status = Status(row.state, row.error, job.metrics, {"output": row.url})
        await self._conclude(job, status)

    async def _poll(self, job: Job) -> Status:
        failures, at_once = 0, job.resumed
        with self.watcher.open(job.plan) as ticket:
            while True:
                await ticket.turn(job.elapsed, failures, at_once=at_once)
                at_once = False
                status, failures = await self._ask(job, self.api.status, failures)
                if status and status.state and status.state.is_final:
                    return status
                if status and status.state and (status.state is not job.state or job.note):
                    self._moved(job, status.state)

    async def _ask(
        self, job: Job, question: Callable[[str], Any], failures: int
    ) -> tuple[Status | None, int]:
        """One question about a job: what was said, or None and one more failure when the fault may pass."""
        try:
            answer: Answer = await question(job.request_id or "")
        except (Undelivered, Lost) as error:
            self._missed(job, failures + 1, f"no answer ({error})")
            return None, failures + 1
        if job.is_over:
            # Stopped while the answer was on its way.
            raise asyncio.CancelledError
        self.api.told(answer.status, answer.pause)
        status = wire.status_of(answer)
        if status is not None:
            return status, 0
        if not _may_pass(answer, job):
            raise _with_way_back(wire.error_of(answer, job.request_id, "Asking about the job"), job)
        self._missed(job, failures + 1, f"HTTP {answer.status} instead of an answer")
        return None, failures + 1

    def _missed(self, job: Job, failures: int, why: str) -> None:
        if job.elapsed > _RECORD_LIFE and failures > _ENOUGH:
            raise _with_way_back(ServiceUnreachable(f"The service gave no news of the job: {why}."), job)
        times = "once" if failures == 1 else f"{failures} times in a row"
        job._publish(job.state, f"{why[0].upper()}{why[1:]}, {times}; still asking.")

    def _moved(self, job: Job, state: State) -> None:
        if state is not job.state and job._row is not None:
            with contextlib.suppress(LedgerError):
                self.ledger.moved(job._row, state)
        job._publish(state)

    async def _conclude(self, job: Job, status: Status) -> None:
        job.metrics |= status.metrics
        if status.state is State.FAILED:
            error = _failed(job, status)
            self._written(job, State.FAILED, error=error.what)
            job._end(State.FAILED, error)
            return
        if wire.outputs_of(status.body):
            job._publish(State.PROCESSING, "Finished at the service; fetching the file.")
            job.outputs = await self._collect(job, status.body)
        else:
            job.value = _value(job.request, status.body)
            if job.value is None:
                raise _no_output(job, status.body)
        files = await asyncio.to_thread(_described, job.outputs)
        self._written(job, State.COMPLETED, outputs=files or [{"value": job.value}])
        await asyncio.to_thread(self._describe, job)
        job._end(State.COMPLETED)

    def _describe(self, job: Job) -> None:
        """Lay its record beside each file: a courtesy, which never costs the file."""
        if job._row is None:
            return
        with contextlib.suppress(LedgerError, MediaError):
            record = self.ledger.get(job._row)
            for made in job.outputs:
                write_beside(made.path, record)

    def _written(self, job: Job, state: State, **more: Any) -> None:
        if job._row is None:
            return
        # What is on disk is no failure because its record can not be kept; a later recovery mends that.
        with contextlib.suppress(LedgerError):
            self.ledger.ended(job._row, state, request_id=job.request_id, metrics=job.metrics, **more)

    async def _collect(self, job: Job, body: Any) -> tuple[Any, ...]:
        what = self.store, job.model, job.request_id or "", job.prompt, self.downloads.writer
        named = enumerate(wire.outputs_of(body))
        return tuple([await self.fetch(Arrival(*what, output.url, index)) for index, output in named])

    async def _result(self, job: Job) -> Status:
        """The result of a job that is said to be finished, asked for until it says so itself."""
        failures, at_once = 0, True
        with self.watcher.open(job.plan) as ticket:
            while True:
                await ticket.turn(job.elapsed, max(1, failures), at_once=at_once)
                result, failures = await self._ask(job, self.api.result, failures)
                if result and result.state and result.state.is_final:
                    return result
                if not at_once and job.elapsed > _RECORD_LIFE:
                    raise _no_output(job, result and result.body)
                at_once = False


def _described(outputs: tuple[Any, ...]) -> list[dict[str, Any]]:
    """Files as the ledger keeps them."""
    return [{"path": str(each.path), "sha256": _digest(each.path), "url": each.url} for each in outputs]


def _digest(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:  # piece by piece: a long clip at 2K would weigh on the memory of a batch
        while chunk := file.read(1 << 20):
            digest.update(chunk)
    return digest.hexdigest()


def _may_pass(answer: Answer, job: Job) -> bool:
    """True for an answer that says nothing about the job and may be different next time."""
    if answer.status == 404:
        return not job.resumed and job.elapsed < _SETTLING
    # A page with 200 is some proxy's; what is neither success nor refusal is nobody's answer.
    return answer.status in TRANSIENT or answer.status < 400 or answer.status >= 500


def _failed(job: Job, status: Status) -> JobFailed:
    detail = status.error or "no reason given"
    return JobFailed(
        sentence(f"{job.model} failed at the service: {detail}"),
        detail=detail,
        request_id=job.request_id,
        metrics=dict(status.metrics),
        charged="yes" if (status.metrics.get("cost") or 0) else "no",
    )


def _value(request: Asked, body: Any) -> Any:
    return None if request.kind in ("image", "video") else wire.value_of(body)


def _no_output(job: Job, body: Any) -> UnexpectedAnswer:
    what = "The service says the job is finished, but its result names no file."
    return _with_way_back(UnexpectedAnswer(what, status=200, body=body, charged="yes"), job)


def _with_way_back(error: E, job: Job) -> E:
    """The same error, saying that the job itself was accepted and how to come back to it."""
    if not isinstance(error, RequestExpired):
        error.charged = "yes" if error.charged == "yes" else "maybe"
        error.todo = f"{error.todo} The job may still run: {job._way_back()} brings it back.".strip()
    error.request_id = job.request_id
    return error


def _our_fault(job: Job, error: Exception) -> KlingError:
    failure = KlingError(
        f"Something unforeseen broke while watching the job: {type(error).__name__}: {error}.",
        charged="maybe" if job.request_id is None else "yes",
        todo=f"{job._way_back()} tries again. Please report this.",
    )
    failure.__cause__ = error
    return failure
