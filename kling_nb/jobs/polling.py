"""When to ask again: arithmetic only.

For a given number of questions the mean delay from completion to notice is least when the rate of asking, r,
is proportional to the square root of the hazard h. At any age the questions cost r * survival and the delay
costs density / (2 r); the two are in balance where r is c * sqrt(h), and c prices the one in the other.
"""

from __future__ import annotations

import math
from array import array
from bisect import bisect_right
from collections.abc import Sequence
from functools import lru_cache

from .estimate import Curve

# The mean delay aimed at is this share of the mean duration, within bounds in seconds of the service.
_DELAY, _LEAST_DELAY, _MOST_DELAY = 0.01, 0.5, 3.0
# Gaps between two questions: the shortest, the longest while hardly any job has ended, the longest after.
_SHORTEST, _LONGEST_EARLY, _LONGEST = 0.5, 60.0, 30.0
_HARDLY = 0.97
# One question more in the first seconds, so that a person sees the job leave the queue.
_GLANCE = 2.0
# A table reaches to a hundred medians, an hour and more for every model we know.
_ROWS, _REACH = 512, 100.0


class Plan:
    """When to ask about jobs that end as `curve` says; all seconds are real ones.

    `time_scale` shortens the bounds for a service that runs faster than the real one. Get one from
    `plan_for`, which keeps them.
    """

    def __init__(self, curve: Curve, time_scale: float = 1.0) -> None:
        self.curve, self.time_scale = curve, time_scale
        self._shortest = _SHORTEST / time_scale
        # Dense near zero and evenly spaced in the logarithm far out.
        step = math.log1p(_REACH) / _ROWS
        self._ages = array("d", (curve.median * math.expm1(step * row) for row in range(_ROWS + 1)))
        self._asked = array("d", self._counted())

    def asked(self, elapsed: float) -> float:
        """How many questions belong before the age of `elapsed` seconds: the integral of the rate."""
        return _read(self._ages, self._asked, max(0.0, elapsed))

    def next_delay(self, elapsed: float, scale: float = 1.0, left: float | None = None) -> float:
        """Seconds until the next question about a job that was submitted `elapsed` seconds ago.

        `scale` below 1 asks that much less often all along; `left` seconds are never overshot.
        """
        age = _read(self._asked, self._ages, self.asked(elapsed) + 1.0 / scale)
        delay = max(self._shortest, age - max(0.0, elapsed))
        return delay if left is None else min(delay, max(0.0, left))

    def _counted(self) -> list[float]:
        pace, asked = self._pace(), [0.0]
        for begin, end in zip(self._ages, self._ages[1:], strict=False):
            asked.append(asked[-1] + (end - begin) * self._rate((begin + end) / 2, pace))
        return asked

    def _rate(self, age: float, pace: float) -> float:
        longest = _LONGEST_EARLY if self.curve.survival(age) > _HARDLY else _LONGEST
        glance = math.exp(-age * self.time_scale / _GLANCE) * self.time_scale / _GLANCE
        wanted = pace * math.sqrt(self.curve.hazard(age)) + glance
        return min(max(wanted, self.time_scale / longest), 1.0 / self._shortest)

    def _pace(self) -> float:
        # With the rate c * sqrt(hazard) the mean delay is the integral of sqrt(density * survival) over 2 c.
        whole = sum(
            (end - begin) * math.sqrt(self.curve.density(age) * self.curve.survival(age))
            for begin, end in zip(self._ages, self._ages[1:], strict=False)
            for age in ((begin + end) / 2,)
        )
        delay = min(max(_DELAY * self.curve.mean * self.time_scale, _LEAST_DELAY), _MOST_DELAY)
        return whole / (2 * delay / self.time_scale)


@lru_cache(maxsize=256)
def plan_for(curve: Curve, time_scale: float = 1.0) -> Plan:
    """The plan for a curve; a table is made once and shared by all jobs of the kind."""
    return Plan(curve, time_scale)


def next_try(failures: int, time_scale: float = 1.0) -> float:
    """Seconds until the next question after `failures` unanswered ones in a row, doubling up to 30 s."""
    return float(min(30.0, 2.0 ** min(failures - 1, 6)) / time_scale)


def _read(across: Sequence[float], up: Sequence[float], at: float) -> float:
    """The straight line between the rows around `at`, and on beyond the last one."""
    row = min(max(bisect_right(across, at), 1), len(across) - 1)
    share = (at - across[row - 1]) / (across[row] - across[row - 1])
    return up[row - 1] + share * (up[row] - up[row - 1])
