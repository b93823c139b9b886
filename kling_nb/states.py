"""The states of a job and the one value that reports a change of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import Any


class State(str, Enum):
    """Where a job stands. Four words are the service's own, two are ours.

    `SUBMITTING` is ours: the request is on its way. `UNKNOWN` is ours: the answer to the submit was lost.
    """

    SUBMITTING = "SUBMITTING"
    QUEUED = "QUEUED"
    PROCESSING = "PROCESSING"
    COMPLETED = "COMPLETED"
    FAILED = "FAILED"
    UNKNOWN = "UNKNOWN"

    __str__ = str.__str__

    @property
    def is_final(self) -> bool:
        """True when the service will report nothing further."""
        return self in (State.COMPLETED, State.FAILED)


# Words that other deployments of the same queue use for an end. Only two are documented for this
# service, but a word we do not know must not be polled until the deadline.
_DONE = {"COMPLETED", "COMPLETE", "SUCCEEDED", "SUCCESS", "DONE", "FINISHED"}
_BROKEN = {"FAILED", "FAILURE", "ERROR", "ERRORED", "CANCELLED", "CANCELED", "REJECTED", "EXPIRED", "ABORTED"}
_RUNNING = {"PROCESSING", "RUNNING", "IN_PROGRESS", "STARTED"}


def state_of(word: object) -> State | None:
    """The state a status word stands for, in any letter case; None when the word names no state.

    An unheard-of word counts as not finished by its callers, never as an end.
    """
    if not isinstance(word, str):
        return None
    name = word.strip().upper()
    if name in _DONE:
        return State.COMPLETED
    if name in _BROKEN:
        return State.FAILED
    if name in _RUNNING:
        return State.PROCESSING
    return State.QUEUED if name in {"QUEUED", "PENDING", "WAITING"} else None


@dataclass(frozen=True)
class JobEvent:
    """One thing that happened to a job: every listener, card and log line receives this same object.

    `elapsed` is in seconds since the submit. `note` is a sentence for a person, empty for a plain change
    of state. `metrics` holds what the service measured, in its own words (`cost` in US dollars, times in
    seconds), and is empty until the job ends.
    """

    state: State
    elapsed: float
    note: str = ""
    request_id: str | None = None
    metrics: dict[str, Any] = field(default_factory=dict)
    is_last: bool = False

    @property
    def is_final(self) -> bool:
        """True when the service will report nothing further."""
        return self.state.is_final
