"""The handle of a job: what a person holds, watches, waits for and stops.

Its state is written on the engine's thread only and may be read from any. Every change is a `JobEvent`, and
cards, log lines and `events()` all see the same ones.
"""

from __future__ import annotations

import asyncio
import logging
import math
import sys
import threading
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any, ClassVar, Protocol, TypeAlias

from ..clock import Clock
from ..errors import JobTimeout, KlingError, Stopped
from ..keep.ledger import Record
from ..kernel import in_kernel
from ..markup import short, time_text
from ..model import Request, Untyped
from ..states import JobEvent, State
from .engine import Engine
from .estimate import Curve, Estimate
from .feed import Feed, Following
from .polling import Plan, plan_for

_log = logging.getLogger("kling_nb")
Listener = Callable[[JobEvent], None]


@dataclass(frozen=True)
class Remembered:
    """A request as the ledger remembers it, or one of which only the job's id is known."""

    slug: str = "resumed job"
    title: str = "Resumed job"
    kind: str | None = None
    timeout: float = 900.0
    latency: tuple[float, float] | None = None
    given: Mapping[str, Any] = field(default_factory=dict)

    def pictures(self) -> tuple[tuple[str, Any], ...]:
        """None that could be sent again."""
        return ()

    def values(self) -> dict[str, Any]:
        """What was asked."""
        return dict(self.given)

    def body(self, urls: Mapping[str, str] | None = None) -> dict[str, Any]:
        """A remembered request is for looking at, not for sending."""
        del urls
        raise KlingError("This request is only remembered, so it can not be sent. Make it anew.")


Asked: TypeAlias = Request | Untyped | Remembered


class Driver(Protocol):
    """Who asks the service on a job's behalf."""

    async def refresh(self, job: Job) -> None:
        """Ask once and tell the job."""
        ...


class Job:
    """A submitted request.

    Show it as the last line of a cell for a live card; `await job` or `job.result()` for its media. Waiting
    shows a card (or, where nobody looks, one line per state) unless one is there already.

    Attributes: `request`; `request_id` (None until the service gave one); `state`; `media` (an `Image` or
    a `Video`, already on disk), `outputs` (all of them, when a model makes several) or `value` (what a model
    without files answered); `error`; `metrics` (the service's own words: `cost` in US dollars, times in
    seconds); `note` (the latest remark for a person); `estimate` (a range of seconds, or None); `take` (which
    try at the same request it is); `reused` (True when it was made earlier and nothing was bought now).
    """

    shown_by: ClassVar[Callable[[Job, bool], bool] | None] = None
    """Put in by a notebook: shows a job, with its media at the end or without; True when that is live."""

    def __init__(
        self,
        request: Asked,
        engine: Engine,
        clock: Clock,
        driver: Driver,
        *,
        estimate: Estimate | None = None,
        plan: Plan | None = None,
        request_id: str | None = None,
        timeout: float | None = None,
    ) -> None:
        self.request = request
        self.request_id = request_id
        self.estimate = estimate
        self.plan = plan or plan_for(Curve.from_published(None))
        self.state = State.QUEUED if request_id else State.SUBMITTING
        self.resumed = request_id is not None
        self.outputs: tuple[Any, ...] = ()
        self.value: Any = None
        self.error: KlingError | None = None
        self.metrics: dict[str, Any] = {}
        self.note = ""
        self.take = 1
        self.reused = False
        self._reserved = False
        self._row: int | None = None
        self._dormant: Callable[[Job], object] | None = None
        self._engine, self._clock, self._driver = engine, clock, driver
        self._timeout = timeout
        self._begun, self._ended = clock.monotonic(), math.nan
        self._feed: Feed[JobEvent] = Feed(engine)
        self._listeners: list[Listener] = []
        self._task: asyncio.Task[None] | None = None
        self._stop_wanted = False
        self._is_shown = False
        self._lines = _Lines(request.slug)

    # What it is

    @property
    def model(self) -> str:
        """The slug of the model."""
        return self.request.slug

    @property
    def title(self) -> str:
        """The model's name for a person."""
        return self.request.title

    @property
    def prompt(self) -> str:
        """The prompt; empty for a request without one."""
        return str(self.request.values().get("prompt", ""))

    @property
    def media(self) -> Any:
        """The first file it made, as an `Image` or a `Video`; None before it is on disk."""
        return self.outputs[0] if self.outputs else None

    @property
    def cost(self) -> float | None:
        """What it cost in US dollars, once the service has said."""
        cost = self.metrics.get("cost")
        return float(cost) if isinstance(cost, (int, float)) else None

    @property
    def history(self) -> tuple[JobEvent, ...]:
        """What has happened so far; `events()` has the rest too."""
        return tuple(self._feed.items)

    @property
    def elapsed(self) -> float:
        """Seconds since the submit (since the resume, for a resumed job), standing still once it is over."""
        return (self._clock.monotonic() if math.isnan(self._ended) else self._ended) - self._begun

    @property
    def is_over(self) -> bool:
        """True when nothing more will come: finished, failed, or no longer watched."""
        return not math.isnan(self._ended)

    @property
    def watching(self) -> bool:
        """True while the service is being asked about it."""
        return not self.is_over

    def __repr__(self) -> str:
        return f"<Job {self.model} {self.state} {short(self.prompt, 40)!r}>"

    def _ipython_display_(self) -> None:
        self._wake()
        if not self._present(media=True):
            print(f"{self.model}: {short(self.prompt, 60)}")  # noqa: T201 - the plain form of a card

    # Waiting

    def wait(self, timeout: float | None = None) -> State:
        """Block until the job is over and return its state.

        `timeout` is in seconds; None means the model page's own (600 s for images, 900 s for video) and
        `math.inf` for ever. Raises `JobTimeout` when it runs out; the job goes on and can be waited for
        again. An interrupt ends the wait, not the job.
        """
        self._wait(timeout, media=True)
        return self.state

    def result(self, timeout: float | None = None) -> Any:
        """Block until the media is on disk and return it as an `Image` or a `Video`.

        Raises `JobFailed` with the service's words, `JobTimeout` (the job goes on), `Stopped`,
        `SubmitUnknown`, `DownloadFailed` or the error that ended the watch.
        """
        self._wait(timeout, media=False)
        return self._outcome()

    def __await__(self) -> Generator[Any, None, Any]:
        return self.aresult().__await__()

    async def aresult(self, timeout: float | None = None) -> Any:
        """What `await job` does, with a `timeout` in seconds of its own; raises what `result` raises."""
        with self._waiting(timeout, media=False) as (events, report):
            async for event in events:
                report(event)
        return self._outcome()

    def events(self, timeout: float | None = None) -> Following[JobEvent]:
        """All that happened and will happen, for `for` and for `async for`; ends with the job.

        Yields on change only. Leaving the loop early, or `timeout` seconds without an end, harms nothing.
        """
        self._wake()
        return Following(self._feed, timeout)

    def status(self) -> State:
        """Ask the service once, now, and return the state."""
        if not self.is_over and self.request_id:
            self._engine.call(self._driver.refresh(self))
        return self.state

    def stop(self) -> None:
        """Stop watching. There is no cancel at the service: the job goes on and is billed.

        `client.resume(request_id)` brings it back. Returns at once, from any thread.
        """
        self._engine.loop.call_soon_threadsafe(self._stop_here)

    def add_listener(self, listener: Listener) -> Callable[[], None]:
        """Have `listener` called on the engine's thread with each event; returns the way to remove it."""
        self._listeners.append(listener)

        def remove() -> None:
            with suppress(ValueError):  # called twice
                self._listeners.remove(listener)

        return remove

    # The blocking and the awaiting side

    def _wait(self, timeout: float | None, *, media: bool) -> None:
        with self._waiting(timeout, media=media) as (events, report):
            for event in events:
                report(event)

    @contextmanager
    def _waiting(
        self, timeout: float | None, *, media: bool
    ) -> Iterator[tuple[Following[JobEvent], Listener]]:
        limit = self._limit(timeout)
        events = self.events(limit)
        with parting(self._goes_on):
            yield events, self._reporter(media=media)
        if not self.is_over:
            raise JobTimeout(
                f"{self.model} was not finished after {time_text(limit)}.",
                request_id=self.request_id,
                again="Do not submit it again: the job goes on.",
                todo=f"Wait again with job.result(), or from anywhere with {self._way_back()}.",
            )

    def _outcome(self) -> Any:
        if self.error is not None:
            raise self.error.with_traceback(None)
        return self.media if self.outputs else self.value

    def _limit(self, timeout: float | None) -> float:
        default = self._timeout or float(self.request.timeout)
        return default if timeout is None else float(timeout)

    def _goes_on(self) -> str:
        return (
            "The wait was interrupted; the job goes on at the service and is billed, and its file is still "
            f"fetched while this kernel lives. job.result() waits again; later {self._way_back()} brings it "
            "back."
        )

    def _way_back(self) -> str:
        return f'client.resume("{self.request_id}")' if self.request_id else "this handle"

    # Showing

    def _present(self, *, media: bool) -> bool:
        if Job.shown_by is None or threading.current_thread() is not threading.main_thread():
            return False
        shown = Job.shown_by(self, media)
        self._is_shown = self._is_shown or shown
        return shown

    def _reporter(self, *, media: bool) -> Listener:
        live = self._is_shown or self._present(media=media)
        return (lambda _: None) if live else self._lines

    # The engine's side

    def _wake(self) -> None:
        """A job out of the ledger is watched from the moment somebody waits for it."""
        start, self._dormant = self._dormant, None
        if start is not None:
            start(self)

    def _recorded(self, record: Record) -> None:
        """What the ledger says of it; when it was accepted earlier, its time runs since then."""
        self._row, self.take = record.id, record.take
        self.request_id = record.request_id or self.request_id
        self.metrics = self.metrics or dict(record.metrics)
        if record.accepted is not None:
            self._begun = self._clock.monotonic() - max(0.0, self._clock.wall() - record.accepted)

    def _made(self, outputs: tuple[Any, ...], value: Any, seconds: float | None) -> None:
        """It was finished before this handle was made."""
        self.outputs, self.value = outputs, value
        self.reused, self.state = True, State.COMPLETED
        self._ended = self._begun + (seconds or 0.0)
        self._is_shown = True  # nothing of it is news
        event = JobEvent(self.state, self.elapsed, "", self.request_id, dict(self.metrics), is_last=True)
        self._feed.add(event, last=True)

    def _publish(self, state: State, note: str = "", *, last: bool = False) -> None:
        if self.is_over:
            return
        ran = state.is_final or (state is State.PROCESSING and note)
        if ran and self.state is State.QUEUED and not self.resumed:
            # It did run between two questions; whoever counts states sees the same ones each time.
            self._publish(State.PROCESSING)
        self.state, self.note = state, note
        if last:
            self._ended = self._clock.monotonic()
        event = JobEvent(state, self.elapsed, note, self.request_id, dict(self.metrics), last)
        self._feed.add(event, last=last)
        for listener in tuple(self._listeners):
            try:
                listener(event)
            except Exception:  # noqa: BLE001 - a card that breaks must not cost the others their news
                _log.exception("a listener of a job failed")

    def _end(self, state: State, error: KlingError | None = None, note: str = "") -> None:
        if self.is_over:
            return
        self.error = error
        self._publish(state, note if error is None else error.what, last=True)

    def _stop_here(self) -> None:
        if self.is_over or self._stop_wanted:
            return
        self._stop_wanted = True
        # A submit on its way is let through first: cancelled, nobody would know what it bought.
        if self.state is State.SUBMITTING:
            return
        if self._task is not None:
            self._task.cancel()
        self._end_stopped()

    def _end_stopped(self) -> None:
        if self.request_id is None:
            self._end(self.state, Stopped("Stopped before it was submitted.", charged="no"))
            return
        error = Stopped(
            "No longer watched: the job goes on at the service, which knows no cancel.",
            request_id=self.request_id,
            todo=f"{self._way_back()} brings it back.",
        )
        self._end(self.state, error)


class _Lines:
    """One line per change of state, for logs and for notebooks that nobody watches; each is said once."""

    def __init__(self, model: str) -> None:
        self._model, self._last = model, State.SUBMITTING
        self._heard: set[int] = set()

    def __call__(self, event: JobEvent) -> None:
        # Each wait follows the events from the first on; what an earlier one has said is left out.
        news = id(event) not in self._heard and event.state is not self._last
        self._heard.add(id(event))
        if news:
            self._last = event.state
            remark = f" ({event.note})" if event.note and event.state is State.COMPLETED else ""
            print(f"{self._model}: {event.state}{remark}", file=_plain_stream(), flush=True)


def say(sentence: str) -> None:
    """Tell a person one sentence; from another thread nobody would see it where it belongs."""
    if threading.current_thread() is threading.main_thread():
        print(sentence, file=_plain_stream(), flush=True)


@contextmanager
def parting(words: str | Callable[[], str]) -> Iterator[None]:
    """When the block is interrupted, say what becomes of that which it waits for."""
    try:
        yield
    except (KeyboardInterrupt, asyncio.CancelledError):
        say(words if isinstance(words, str) else words())
        raise


def _plain_stream() -> Any:
    # In a kernel the words belong to the cell; a script's own output stays clean for pipes.
    return sys.stdout if in_kernel() else sys.stderr
