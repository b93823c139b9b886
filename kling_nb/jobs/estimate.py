"""How long a job is likely to take: arithmetic over published latencies and this machine's own past jobs."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

# A published latency is a mean; single jobs of one model spread about this far around it.
_FASTER, _SLOWER = 0.7, 1.6
# Read as the middle 90 % of a lognormal, that range is a spread of 0.25 in the logarithm. A little more is
# assumed: a curve that is too narrow costs more questions and delay than one that is too broad.
_SPREAD, _NARROWEST = 0.27, 0.08
# Models without a page of ours: half of their jobs within a minute, nine in ten between 8 s and 7 min.
_UNKNOWN, _BROAD = 60.0, 1.2
# As many jobs as a published latency is worth beside one's own.
_TRUST = 5.0
_ENOUGH = 5
# Nothing counts as further from the middle than so many spreads of the prior.
_STRAY = 2.5


@dataclass(frozen=True)
class Estimate:
    """A range of seconds in which a job usually ends, and where the range comes from."""

    low: float
    high: float
    source: str

    def fraction(self, elapsed: float) -> float | None:
        """How far along the range's middle `elapsed` seconds are, at most 0.95; None past the range.

        It is an estimate of time, not something the service reports.
        """
        if elapsed > self.high:
            return None
        middle = (self.low + self.high) / 2
        # Past the middle the bar slows down so that it neither stops nor promises an end.
        if elapsed <= middle:
            return 0.8 * elapsed / middle if middle else 0.0
        return 0.8 + 0.15 * (elapsed - middle) / (self.high - middle)


def published(latency: tuple[float, float] | None, time_scale: float = 1.0) -> Estimate | None:
    """The range around a model page's latency (fastest and slowest figure, seconds)."""
    if latency is None:
        return None
    low, high = latency
    return Estimate(low * _FASTER / time_scale, high * _SLOWER / time_scale, "published latency")


def learned(durations: Sequence[float], fallback: Estimate | None = None) -> Estimate | None:
    """The middle 80 % of this machine's own past jobs of the same kind; `fallback` for fewer than five.

    `durations` are real seconds from submit to completion, as the ledger has them.
    """
    known = _usable(durations)
    if len(known) < _ENOUGH:
        return fallback
    tenths = statistics.quantiles(known, n=10, method="inclusive")
    return Estimate(tenths[0], tenths[-1], f"your last {len(known)} jobs")


@dataclass(frozen=True)
class Curve:
    """When jobs end: a lognormal in real seconds, with some jobs that follow no such rule.

    `mu` and `sigma` are mean and spread of the logarithm. The share `surprise` ends at any time: at first
    with a constant hazard, so that an early failure is noticed, later with one that falls as 1/t, so that a
    job which overstays is asked about less and less.
    """

    mu: float
    sigma: float
    surprise: float = 0.01

    @classmethod
    def from_published(cls, latency: tuple[float, float] | None, time_scale: float = 1.0) -> Curve:
        """From a model page's latency (fastest and slowest figure, seconds); a broad one for None."""
        if latency is None:
            return cls(math.log(_UNKNOWN / time_scale), _BROAD)
        low, high = (math.log(each / time_scale) for each in latency)
        return cls((low + high) / 2, math.hypot(_SPREAD, (high - low) / 2))

    @classmethod
    def from_durations(cls, durations: Sequence[float], prior: Curve) -> Curve:
        """Fitted to past jobs (real seconds), drawn towards `prior` while there are few of them."""
        # A broad prior says little, so a few jobs outweigh it.
        weight = _TRUST * (_SPREAD / prior.sigma) ** 2
        logs = _without_strays([math.log(each) for each in _usable(durations)], prior, weight)
        if not logs:
            return prior
        count, mean = len(logs), statistics.fmean(logs)
        total = count + weight
        squares = sum((each - mean) ** 2 for each in logs) + weight * prior.sigma**2
        squares += (mean - prior.mu) ** 2 * count * weight / total
        # Rounded, the jobs of a batch share one curve and so one table.
        sigma = max(_NARROWEST, round(math.sqrt(squares / total), 2))
        return cls(round((mean * count + prior.mu * weight) / total, 2), sigma, prior.surprise)

    @property
    def median(self) -> float:
        """Half of the jobs end within so many seconds."""
        return math.exp(self.mu)

    @property
    def mean(self) -> float:
        """The mean duration of the jobs that follow the rule, in seconds."""
        return math.exp(self.mu + self.sigma**2 / 2)

    def survival(self, t: float) -> float:
        """The share of jobs that run longer than `t` seconds."""
        if t <= 0:
            return 1.0
        ruled = math.erfc(self._place(t) / math.sqrt(2)) / 2
        return (1 - self.surprise) * ruled + self.surprise / (1 + t / self.median)

    def density(self, t: float) -> float:
        """The share of jobs that end within the second around `t` seconds."""
        t = max(t, 1e-9)
        ruled = math.exp(-(self._place(t) ** 2) / 2) / (self.sigma * t * math.sqrt(2 * math.pi))
        return (1 - self.surprise) * ruled + self.surprise * self.median / (self.median + t) ** 2

    def hazard(self, t: float) -> float:
        """How likely a job that still runs after `t` seconds is to end within the next second."""
        return self.density(t) / self.survival(t)

    def _place(self, t: float) -> float:
        return (math.log(t) - self.mu) / self.sigma


def _usable(durations: Sequence[float]) -> list[float]:
    return sorted(each for each in durations if 0 < each < math.inf)


def _without_strays(logs: list[float], prior: Curve, weight: float) -> list[float]:
    """Drawn in towards the middle: a laptop that slept wrote down hours, a refused job a moment."""
    # What is a stray among one or two jobs, only the prior can say.
    known = sorted([*logs, *[prior.mu] * round(weight)])
    middle, far = known[len(known) // 2] if known else prior.mu, _STRAY * prior.sigma
    return [min(max(each, middle - far), middle + far) for each in logs]
