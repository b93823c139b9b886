"""Many jobs at once: rows go out a few at a time, end one by one, and stay in their order.

There is no task and no thread of the batch's own: when a row ends, its job's last event starts the next one.
All of that happens on the engine's thread; any other thread only reads.
"""

from __future__ import annotations

import asyncio
import hashlib
import math
import threading
import time
import uuid
from collections import Counter, deque
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from concurrent.futures import Executor, Future
from contextlib import contextmanager, suppress
from functools import partial
from importlib import import_module
from itertools import count
from typing import Any, ClassVar, overload

from ..errors import (
    InsufficientCredits,
    InvalidRequest,
    JobTimeout,
    KlingError,
    Problem,
    SpendLimitReached,
    Stopped,
    Unauthorized,
)
from ..keep.ledger import LedgerError
from ..markup import money_text, short, time_text
from ..media import Image
from ..states import JobEvent
from .budget import Budget, SpendLimit, expected_cost
from .engine import tick
from .feed import Feed, Following
from .job import parting, say
from .remote import Host, Outcome, left_alone, lend, outcome_of, run_row
from .row import NotSubmitted, Row
from .sweep import differences, takes, wishes

# Errors after which no other row can fare better: asking on would only hammer the service.
_HOPELESS = (Unauthorized, InsufficientCredits, SpendLimitReached, SpendLimit, LedgerError)


class BatchFailed(KlingError):
    """Some rows of a batch have no result; `rows` maps their numbers to their errors."""

    rows: Mapping[int, KlingError] = {}
    again = "Running the same batch again is safe: what is there already is not bought again."

    @property
    def charged_text(self) -> str:
        """Whether the rows without a result cost money, as a sentence; those with one did."""
        return f"{super().charged_text.rstrip('.')} for these rows."

    def __str__(self) -> str:
        # The list ends its line, so the advice begins one.
        return "\n".join(super().__str__().rsplit("\n ", 1))


class Batch(Sequence[Row]):
    """Many jobs at once, as a sequence of `Row`s in the order they were asked for.

    It runs in the background from the moment it is made. Show it as the last line of a cell for a live table;
    `await batch` or `batch.results()` for the media in order, `batch.as_completed()` for rows as they end.
    Equal rows are takes 1, 2, 3 of the same request, so the same batch run again buys nothing twice.
    """

    shown_by: ClassVar[Callable[[Batch], bool] | None] = None
    """Put in by a notebook: shows a batch; True when that is live."""

    def __init__(
        self,
        core: Host,
        requests: Any,
        *,
        model: Any = None,
        max_active: int | None = None,
        stop_after_failures: int | None = None,
        spend_limit: float | None = None,
        executor: Executor | None = None,
    ) -> None:
        _check(max_active=max_active, stop_after_failures=stop_after_failures, spend_limit=spend_limit)
        if core.closed:
            raise KlingError("This client is closed.", todo="Make a new one; what was bought is found again.")
        asked = wishes(requests, model)
        self._differ = differences(asked)
        self._rows = tuple(map(Row, count(), asked, self._differ.labels))
        self._core, self._engine, self._executor = core, core.engine, executor
        self._most = max_active or core.settings.max_active
        self._patience = stop_after_failures or math.inf
        limits = (spend_limit, core.settings.spend_limit)
        self._limit = min((each for each in limits if each is not None), default=None)
        self._budget = Budget(self._limit, ())
        self._check_spending()
        self._queue: deque[Row] = deque()
        self._running: dict[Row, Future[Outcome] | None] = {}
        self._failures = 0
        self._why_halted = ""
        self._begun, self._ended = time.monotonic(), math.nan
        self._over: Feed[Row] = Feed(self._engine)
        self._is_shown = self._is_told = False
        if executor is not None:
            lend(core)
        self._engine.start(self._begin())

    # What it is

    def __len__(self) -> int:
        return len(self._rows)

    @overload
    def __getitem__(self, at: int) -> Row: ...
    @overload
    def __getitem__(self, at: slice) -> tuple[Row, ...]: ...
    def __getitem__(self, at: int | slice) -> Row | tuple[Row, ...]:
        return self._rows[at]

    @property
    def is_over(self) -> bool:
        """True when no row will change any more."""
        return self._over.whole.done()

    @property
    def errors(self) -> list[Row]:
        """The rows that ended without a result, each with its `error`."""
        return [row for row in self._rows if row.error is not None]

    @property
    def cost(self) -> float:
        """US dollars that this batch has cost so far, as the service said; what is reused costs nothing."""
        return math.fsum(row.cost or 0.0 for row in self._rows if row.is_over and not row.reused)

    @property
    def expected_cost(self) -> float | None:
        """US dollars that all rows would cost by the published averages; None when one has none."""
        prices = [expected_cost(row.request) for row in self._rows if row.request is not None]
        known = [price for price in prices if price is not None]
        return math.fsum(known) if len(known) == len(prices) else None

    @property
    def elapsed(self) -> float:
        """Seconds since it was made, standing still once it is over."""
        return (time.monotonic() if math.isnan(self._ended) else self._ended) - self._begun

    @property
    def counts(self) -> dict[str, int]:
        """How many rows there are of each `status`."""
        return dict(Counter(row.status for row in self._rows))

    @property
    def note(self) -> str:
        """Why nothing more is submitted; empty while that is not so."""
        return self._why_halted

    def __repr__(self) -> str:
        # While it runs, counts would make every output of the same notebook another one.
        return f"<Batch of {summary(self)}>" if self.is_over else f"<Batch of {_rows_text(len(self))}>"

    def _ipython_display_(self) -> None:
        if not self._present():
            # Counts only after a wait: before it they depend on who is quicker.
            told = summary(self) if self._is_told else _rows_text(len(self))
            print(f"Batch of {told}")  # noqa: T201 - the plain form of a table

    # Waiting

    def wait(self, timeout: float | None = None) -> None:
        """Block until every row is over; `timeout` is in seconds, None waits as long as it takes.

        Raises `JobTimeout` when it runs out; the batch goes on. An interrupt ends the wait, not the batch.
        """
        with self._waiting(timeout):
            self._engine.wait(self._over.whole, timeout)

    def results(self, timeout: float | None = None, *, strict: bool = False) -> list[Any]:
        """Block until every row is over: what each made, in order, and None for a row without a result.

        `errors` lists those; with `strict` they raise `BatchFailed` instead. Raises `JobTimeout` like `wait`.
        """
        self.wait(timeout)
        return self._outcome(strict=strict)

    def __await__(self) -> Generator[Any, None, list[Any]]:
        return self.aresults().__await__()

    async def aresults(self, timeout: float | None = None, *, strict: bool = False) -> list[Any]:
        """What `await batch` does, with the parameters of `results`."""
        with self._waiting(timeout):
            await tick(self._over.whole, timeout)
        return self._outcome(strict=strict)

    def as_completed(self, timeout: float | None = None) -> Following[Row]:
        """Every row once, in the order in which they end, for `for` and for `async for`.

        Leaving the loop early, or `timeout` seconds without an end, harms nothing.
        """
        return Following(self._over, timeout)

    def stop(self) -> None:
        """Submit nothing more and stop watching what runs. There is no cancel: running jobs go on, billed.

        The same batch again, or `client.recover()`, brings them back. Returns at once, from any thread.
        """
        self._engine.loop.call_soon_threadsafe(self._stop_here)

    # What to do with it

    def to_dataframe(self) -> Any:
        """A pandas DataFrame, one line a row: its parameters, then what became of it; seconds, US dollars.

        Raises `KlingError` when pandas is not installed.
        """
        try:
            pandas = import_module("pandas")
        except ImportError as error:
            what = "A DataFrame needs pandas, which is not installed."
            raise KlingError(what, todo="pip install pandas") from error
        names = dict.fromkeys(name for row in self._rows for name in row.params)
        columns = {f"param_{name}" if name in _FACTS else name: name for name in names}
        asked = {title: [row.params.get(name) for row in self._rows] for title, name in columns.items()}
        facts = {title: [read(row) for row in self._rows] for title, read in _FACTS.items()}
        return pandas.DataFrame({"model": [row.model for row in self._rows], **asked, **facts})

    def contact_sheet(self, columns: int | None = None, width: int = 1600) -> Image:
        """All rows on one picture, each with its number and what differs, as a PNG in the media folder.

        `width` is in pixels. A sweep gets one column for each value of its last parameter unless `columns`
        says otherwise. Clips are shown by their first frame; a row without a picture says why. Does not wait.
        Raises `MediaError` for a size that can not be drawn.
        """
        from ..media.sheet import Cell, draw_sheet

        cells = [Cell(f"[{row.index}] {row.label}", row.media, _instead(row)) for row in self._rows]
        named = "".join(f"\n{cell.label} {cell.media and cell.media.path.name} {cell.note}" for cell in cells)
        digest = hashlib.sha256(f"{columns} {width}{named}".encode("utf-8", "replace")).hexdigest()[:8]
        path = self._core.settings.media / f"contact-sheet-{digest}.png"
        title = " · ".join(filter(None, (self._differ.common, _rows_text(len(self)))))
        return draw_sheet(cells, path, title=title, columns=columns or self._differ.period, width=width)

    # The waiting side

    def _present(self) -> bool:
        if Batch.shown_by is None or threading.current_thread() is not threading.main_thread():
            return False
        shown = Batch.shown_by(self)
        self._is_shown = self._is_shown or shown
        return shown

    @contextmanager
    def _waiting(self, timeout: float | None) -> Iterator[None]:
        live = self._is_shown or self._present()
        with parting(self._goes_on):
            yield
        if not self.is_over:
            raise JobTimeout(
                f"The batch was not over after {time_text(timeout or 0)}: {summary(self)}.",
                again="Do not submit it again: it goes on.",
                todo="batch.wait() waits again.",
            )
        if not live and not self._is_told:
            self._is_told = True
            say(f"Batch of {summary(self)}")

    def _outcome(self, *, strict: bool) -> list[Any]:
        errors = {row.index: row.error for row in self.errors if row.error is not None}
        if strict and errors:
            listed = "".join(f"\n  - [{at}] {self[at].label}: {self[at].reason}" for at in errors)
            charged = "no" if all(error.charged == "no" for error in errors.values()) else "maybe"
            verb = "has" if len(errors) == 1 else "have"
            what = f"{len(errors)} of {_rows_text(len(self))} {verb} no result:{listed}\n"
            raise BatchFailed(what, rows=errors, charged=charged)
        return [row.result for row in self._rows]

    def _goes_on(self) -> str:
        return (
            f"The wait was interrupted; the batch goes on ({summary(self)}). batch.wait() waits again, "
            "batch.stop() submits no more; jobs that run go on at the service and are billed."
        )

    def _check_spending(self) -> None:
        if self._limit is None:
            return
        unknown = {row.model for row in self._rows if row.request and expected_cost(row.request) is None}
        if unknown:
            what = f"What {', '.join(sorted(unknown))} costs is not known"
            raise SpendLimit(f"{what}, so a spend limit can not be kept.")
        total = self.expected_cost or 0.0
        if not self._budget.allows(total):
            rows, limit = _rows_text(len(self)), money_text(self._limit)
            raise SpendLimit(f"{rows} are expected to cost {money_text(total)}, above the limit of {limit}.")

    # The engine's side

    async def _begin(self) -> None:
        wrong = [row for row in self._rows if row.is_over]
        right = [row for row in self._rows if row.request is not None]
        try:
            # Equal requests are told by the content of their pictures, and reading those takes its time.
            numbers = await asyncio.to_thread(takes, [row.request for row in right if row.request])
        except Exception as error:  # noqa: BLE001 - whoever waits for the rows must hear of it
            self._halt(f"the rows could not be compared ({type(error).__name__}: {error})")
            numbers = []
        for row, number in zip(right, numbers, strict=False):
            row._told = Outcome(take=number)
        repeated = {(row.model, row._label) for row in right if row.take > 1}
        for row in right:
            row._is_repeated = (row.model, row._label) in repeated
        self._queue.extend(right)
        self._settle(*wrong)
        self._pump()

    def _pump(self) -> None:
        """Start rows while there is room for them, or none any more once the batch is halted."""
        if self._queue and self._core.closed:
            self._halt("the client was closed")
        while self._queue and not self._why_halted and len(self._running) < self._most and self._can_afford():
            self._start(self._queue.popleft())
        if self._why_halted:
            left, self._queue = self._queue, deque()
            for row in left:
                row._told = Outcome(take=row.take, error=NotSubmitted(f"Not submitted: {self._why_halted}."))
            self._settle(*left)

    def _can_afford(self) -> bool:
        if self._limit is None:
            return True
        price = self._queue[0]._price
        # Rows on an executor are begun by others, who can not see what this client has spent.
        ours = self._executor is None or self._core.budget.allows(price)
        if self._budget.allows(price) and ours:
            return True
        if not self._running:  # else one that runs may turn out cheaper than expected
            spent = money_text((self._budget if ours else self._core.budget).spent)
            limit = money_text(self._limit)
            self._halt(f"the next would exceed the spend limit of {limit}; {spent} is spent")
        return False

    def _start(self, row: Row) -> None:
        row._is_started = True
        self._running[row] = None
        self._pledge(row._price)
        try:
            if self._executor is None:
                row._told = job = self._core.begin(row.request, {}, row.take)
                job.add_listener(partial(self._heard, row))
                return
            make, settings = type(self._core), self._core.settings
            future = self._executor.submit(run_row, make, settings, row.request, row.take, uuid.uuid4().hex)
            self._running[row] = future
            future.add_done_callback(partial(self._came_home, row))
        except KlingError as error:
            self._finish(row, error)
        except Exception as error:  # noqa: BLE001 - an executor that takes no work may say so in any way
            what = f"Not submitted: the executor took no work ({type(error).__name__}: {error})."
            failure = NotSubmitted(what)
            failure.__cause__ = error
            self._finish(row, failure)

    def _pledge(self, dollars: float) -> None:
        self._budget.pledge(dollars)
        if self._executor is not None:
            self._core.budget.pledge(dollars)

    def _heard(self, row: Row, event: JobEvent) -> None:
        if event.is_last:
            self._finish(row)
            self._pump()

    def _came_home(self, row: Row, done: Future[Outcome]) -> None:
        with suppress(RuntimeError):  # the engine ended with the process
            self._engine.loop.call_soon_threadsafe(self._read, row, done)

    def _read(self, row: Row, done: Future[Outcome]) -> None:
        if row in self._running:
            row._told = outcome_of(done)
            self._finish(row)
            self._pump()

    def _finish(self, row: Row, error: KlingError | None = None) -> None:
        if error is not None:
            row._told = Outcome(take=row.take, error=error)
        del self._running[row]
        self._pledge(row._spent - row._price)
        self._judge(row)
        self._settle(row)

    def _judge(self, row: Row) -> None:
        if row.error is None or isinstance(row.error, Stopped):
            return
        self._failures += 1
        if isinstance(row.error, _HOPELESS):
            self._halt(f"row {row.index} ended with: {row.reason.rstrip('.')}")
        elif self._failures >= self._patience:
            self._halt(f"{_rows_text(self._failures)} had failed")

    def _halt(self, why: str) -> None:
        self._why_halted = self._why_halted or why

    def _settle(self, *rows: Row) -> None:
        for row in rows:
            row.is_over = True
        last = not self.is_over and len(self._over.items) + len(rows) == len(self._rows)
        if last:
            self._ended = time.monotonic()
        self._over.add(*rows, last=last)

    def _stop_here(self) -> None:
        if self.is_over:
            return
        self._halt("the batch was stopped")
        for row, future in list(self._running.items()):
            if row.job is not None:
                row.job._stop_here()
            elif future is not None:
                future.cancel()
                self._finish(row, left_alone())
        if self._queue:
            self._pump()


def summary(batch: Batch) -> str:
    """`20 rows: 18 done, 2 failed; $0.63`: in a fixed order of words, and without times."""
    order = ("done", "made earlier", "running", "waiting", "failed", "unknown", "stopped", "not submitted")
    counts = batch.counts
    said = ", ".join(f"{counts[word]} {word}" for word in order if word in counts)
    cost = f"; {money_text(batch.cost)}" if batch.cost else ""
    return f"{_rows_text(len(batch))}: {said}{cost}" if said else _rows_text(0)


_FACTS: dict[str, Callable[[Row], Any]] = {
    "state": lambda row: str(row.state) if row.state else row.status.upper(),
    "take": lambda row: row.take,
    "seconds": lambda row: row.seconds,
    "cost": lambda row: row.cost,
    "path": lambda row: str(row.media.path) if row.media is not None else None,
    "error": lambda row: row.reason or None,
    "request_id": lambda row: row.request_id,
}


def _instead(row: Row) -> str:
    """What a sheet says of a row that has no picture."""
    if row.is_over and row.error is None:
        return "" if row.media is not None else short(str(row.result), 200)
    return ": ".join(filter(None, (row.status.capitalize(), row.reason)))


def _rows_text(count: int) -> str:
    return "1 row" if count == 1 else f"{count} rows"


def _check(**given: float | None) -> None:
    problems = []
    for name, value in given.items():
        whole = name != "spend_limit"
        kind = int if whole else (int, float)
        if value is not None and (isinstance(value, bool) or not isinstance(value, kind) or value <= 0):
            wanted = "a whole number of 1 or more" if whole else "an amount in US dollars above 0"
            problems.append(Problem(name, f"{value!r} can not be used. Give {wanted}, or leave it out."))
    if problems:
        raise InvalidRequest(problems, "this batch")
