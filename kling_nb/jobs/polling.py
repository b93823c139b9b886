"""When to ask again: arithmetic only."""

from __future__ import annotations

from .estimate import Estimate

_SHORTEST, _LONGEST = 1.0, 10.0
_BLIND = 2.0


def next_poll(elapsed: float, estimate: Estimate | None, time_scale: float = 1.0) -> float:
    """Seconds until the next question about a job that has run for `elapsed` seconds.

    Sparse while an end is unlikely, dense where it is expected, and sparser again the longer a job
    overstays. All seconds are real ones; `time_scale` shortens the bounds for a faster service.
    """
    shortest, longest = _SHORTEST / time_scale, _LONGEST / time_scale
    if estimate is None:
        return min(longest, max(_BLIND / time_scale, elapsed / 20))
    if elapsed < estimate.low:
        # Never sleep far past the moment where an end becomes likely.
        ahead = max(shortest, estimate.low - elapsed)
        return min(longest, max(shortest, estimate.low / 8), ahead)
    if elapsed <= estimate.high:
        return min(longest / 2, max(shortest, (estimate.high - estimate.low) / 40))
    return min(longest, max(shortest, elapsed / 30))


def next_try(failures: int, time_scale: float = 1.0) -> float:
    """Seconds until the next question after `failures` unanswered ones in a row, doubling up to 30 s."""
    return float(min(30.0, 2.0 ** min(failures - 1, 6)) / time_scale)
