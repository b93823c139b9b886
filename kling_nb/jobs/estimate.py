"""How long a job is likely to take: arithmetic over published latencies."""

from __future__ import annotations

from dataclasses import dataclass

# A published latency is a mean; single jobs of one model spread about this far around it.
_FASTER, _SLOWER = 0.7, 1.6


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
            return 0.8 * elapsed / middle
        return 0.8 + 0.15 * (elapsed - middle) / (self.high - middle)


def published(latency: tuple[float, float] | None, time_scale: float = 1.0) -> Estimate | None:
    """The range around a model page's latency (fastest and slowest figure, seconds)."""
    if latency is None:
        return None
    low, high = latency
    return Estimate(low * _FASTER / time_scale, high * _SLOWER / time_scale, "published latency")
