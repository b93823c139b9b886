"""A limit on what a client may spend: refused before anything is sent, counted in what jobs did cost."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ..errors import KlingError
from ..markup import money_text
from .job import Job

# Sums of prices are not exact: a hundredth of a cent is nobody's limit.
_CENT = 1e-4


class SpendLimit(KlingError):
    """A job would take a client or batch over the limit that was set for it. Nothing was sent."""

    again = "Trying again is safe."
    todo = "Raise spend_limit, or make a client without one."


class Budget:
    """What jobs have cost and what the running ones are expected to, against a limit in US dollars.

    A published average stands for a cost that is not known yet; a model without one can not be kept within
    a limit and is refused.
    """

    def __init__(self, limit: float | None, jobs: Iterable[Job]) -> None:
        self._limit = limit
        self._jobs = jobs
        self._elsewhere = 0.0

    def pledge(self, dollars: float) -> None:
        """Count what a job of somebody else's will cost, or, below zero, how much less than was thought."""
        self._elsewhere += dollars

    def reserve(self, job: Job) -> None:
        """Raise `SpendLimit` when buying this job would exceed the limit."""
        if self._limit is None or job._reserved:
            return
        price = expected_cost(job.request)
        if price is None:
            raise SpendLimit(f"What {job.model} costs is not known, so a spend limit can not be kept.")
        if not self.allows(price, job):
            raise SpendLimit(
                f"About {money_text(price)} more would exceed the limit of {money_text(self._limit)}: "
                f"{money_text(self._spent(job))} is spent or on its way."
            )

    def allows(self, price: float, job: Job | None = None) -> bool:
        """Whether so many US dollars more, for `job`, would stay within the limit."""
        return self._limit is None or self._spent(job) + price <= self._limit + _CENT

    @property
    def spent(self) -> float:
        """US dollars that are spent or on their way, in jobs of ours and of somebody else's."""
        return self._spent(None)

    def _spent(self, besides: Job | None) -> float:
        ours = (job for job in tuple(self._jobs) if job is not besides and not job._reserved)
        return self._elsewhere + sum(map(_cost, ours))


def expected_cost(request: Any) -> float | None:
    """The published average price of such a job in US dollars, an estimate; None where none is known."""
    price = getattr(request, "average_price", None)
    return None if price is None else float(price)


def _cost(job: Job) -> float:
    if job.reused or (job.is_over and job.request_id is None):
        return 0.0
    if job.is_over and (job.cost is not None or job.error is not None):
        return job.cost or 0.0
    return expected_cost(job.request) or 0.0
