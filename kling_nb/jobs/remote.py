"""One row of a batch on a worker of some executor: in a thread, another process, another machine.

Everything that travels pickles. The settings carry the key and the folders of ledger and media: workers that
share those folders share the takes, so that a row which is run twice is bought once.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any, Protocol
from weakref import WeakValueDictionary

from ..errors import KlingError, Stopped
from ..settings import Settings
from ..states import State
from .budget import Budget
from .engine import Engine
from .job import Job
from .purchase import Take


class Host(Protocol):
    """What a batch asks of the client's core, at home and on a worker."""

    settings: Settings
    engine: Engine
    closed: bool

    budget: Budget

    def begin(
        self, model: Any, params: Mapping[str, Any], take: Take = 1, *, reserved: bool = False
    ) -> Job: ...


@dataclass(frozen=True)
class Outcome:
    """What became of a row, in the words of a `Job`: before it has one, and as a worker sends it home."""

    state: State | None = None
    take: int = 1
    request_id: str | None = None
    outputs: tuple[Any, ...] = ()
    value: Any = None
    error: KlingError | None = None
    cost: float | None = None
    elapsed: float | None = None
    reused: bool = False


def run_row(
    make: Callable[[Settings], Host], settings: Settings, request: Any, take: Take, run: str
) -> Outcome:
    """Run one row to its end and tell what became of it; errors are part of the answer.

    `run` only makes the call unlike any other: Dask answers equal calls from memory.
    """
    del run
    core = _core(make, settings)
    if core.engine.here:
        what = "This executor runs its work in the thread that hands it out."
        return Outcome(error=KlingError(what, todo="Use one with workers."))
    try:
        job = core.begin(request, {}, take, reserved=True)
    except KlingError as error:
        return Outcome(error=error)
    core.engine.wait(job._feed.whole)
    return Outcome(**{name: getattr(job, name) for name in Outcome.__dataclass_fields__})


def outcome_of(done: Future[Outcome]) -> Outcome:
    """What a worker answered; also when it did not."""
    if done.cancelled():
        return Outcome(error=left_alone())
    error = done.exception()
    if error is None:
        return done.result()
    lost = KlingError(
        f"The worker of this row gave no answer ({type(error).__name__}: {error}).",
        charged="maybe",
        again="Running the same batch again is safe: what was bought is found, not bought again.",
    )
    lost.__cause__ = error
    return Outcome(error=lost)


def left_alone() -> Stopped:
    """The end of a row whose worker goes on with it."""
    return Stopped(
        "No longer watched: its worker goes on with it, and what was submitted is billed.",
        charged="maybe",
        todo="The same batch again, or client.recover(), brings it back; nothing is bought twice.",
    )


_lock = threading.Lock()
_lent: WeakValueDictionary[tuple[int, Settings], Host] = WeakValueDictionary()
_made: dict[tuple[int, Settings], Host] = {}


def lend(core: Host) -> None:
    """Let workers that are threads of this process use the client's own core."""
    _lent[os.getpid(), core.settings] = core


def _core(make: Callable[[Settings], Host], settings: Settings) -> Host:
    """The core of this process for these settings, kept for the rows to come."""
    key = os.getpid(), settings  # a forked child must not use what its parent made
    with _lock:
        return _lent.get(key) or _made.get(key) or _made.setdefault(key, make(settings))
