"""One row of a batch: what was asked, and what has become of it so far."""

from __future__ import annotations

from typing import Any

from ..errors import InvalidRequest, KlingError, Stopped, SubmitUnknown
from ..states import State
from .budget import SpendLimit, expected_cost
from .job import Job
from .remote import Outcome
from .sweep import Wish


class NotSubmitted(KlingError):
    """A row of a batch that was not sent any more; the message says why."""

    again = "Running the same batch again is safe: what is there already is not bought again."


_WORDS: dict[type[KlingError], str] = {
    NotSubmitted: "not submitted",
    SpendLimit: "not submitted",
    Stopped: "stopped",
    SubmitUnknown: "unknown",
}


class Row:
    """One row of a batch, to be read.

    Attributes: `index` (from 0), `model` (a slug), `params` (what was asked), `request` (None when that was
    wrong), `is_over`.
    """

    def __init__(self, index: int, wish: Wish, label: str) -> None:
        self.index, self.model, self.params, self.request = index, wish.model, wish.params, wish.request
        self.is_over = wish.error is not None
        self._label, self._price = label, expected_cost(wish.request) or 0.0
        self._is_repeated = self._is_started = False
        self._told: Job | Outcome = Outcome(error=wish.error)

    def __repr__(self) -> str:
        return f"<Row {self.index} {self.label!r}: {self.status}>"

    @property
    def label(self) -> str:
        """What differs from the other rows, such as `9:16, cfg_scale 0.7`; of equal rows it is the take."""
        return ", ".join(filter(None, (self._label, f"take {self.take}" if self._is_repeated else "")))

    @property
    def status(self) -> str:
        """`waiting`, `running`, `done`, `made earlier`, `failed`, `unknown`, `stopped` or `not submitted`."""
        if not self.is_over:
            return "running" if self._is_started else "waiting"
        if self.error is None:
            return "made earlier" if self.reused else "done"
        return _WORDS.get(type(self.error), "failed")

    @property
    def job(self) -> Job | None:
        """The handle of its job; None before the submit, and for a row that runs on an executor."""
        return self._told if isinstance(self._told, Job) else None

    @property
    def take(self) -> int:
        """Which try at the same request it is."""
        return self._told.take

    @property
    def state(self) -> State | None:
        """Where its job stands; None while there is none."""
        return self._told.state

    @property
    def error(self) -> KlingError | None:
        """Why it has no result."""
        return self._told.error

    @property
    def reason(self) -> str:
        """The error in short, empty without one."""
        if isinstance(self.error, InvalidRequest):
            return "; ".join(map(str, self.error.problems))
        return "" if self.error is None else self.error.what

    @property
    def outputs(self) -> tuple[Any, ...]:
        """All files it made."""
        return self._told.outputs

    @property
    def media(self) -> Any:
        """The first file it made, as an `Image` or a `Video` that is already on disk; else None."""
        return self.outputs[0] if self.outputs else None

    @property
    def result(self) -> Any:
        """Its media, or the value that a model without files answered; None when there is none."""
        return self.media if self.outputs else self._told.value

    @property
    def cost(self) -> float | None:
        """What its job cost in US dollars, also when it was made earlier; None until the service has said."""
        return self._told.cost

    @property
    def seconds(self) -> float | None:
        """How long its job took, or has been running; None before the submit."""
        return self._told.elapsed

    @property
    def request_id(self) -> str | None:
        """The service's id of its job."""
        return self._told.request_id

    @property
    def reused(self) -> bool:
        """True when it was made earlier and nothing was bought now."""
        return self._told.reused

    @property
    def _spent(self) -> float:
        """What it has cost the batch, at worst: where nobody knows, it may have been billed."""
        if self.reused or (self.cost is None and self.error is not None and self.error.charged == "no"):
            return 0.0
        return self._price if self.cost is None else self.cost
