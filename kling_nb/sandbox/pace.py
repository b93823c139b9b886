"""The rate limiter: so many calls in any minute of the sandbox's clock."""

from __future__ import annotations

from collections import deque


class Pace:
    """A sliding minute. Calls that are refused do not count."""

    def __init__(self, per_minute: int | None) -> None:
        self._limit = per_minute
        self._taken: deque[float] = deque()

    def take(self, now: float) -> float:
        """0 when the call may pass, else the seconds until the next one may."""
        while self._taken and self._taken[0] <= now - 60:
            self._taken.popleft()
        if self._limit is not None and len(self._taken) >= self._limit:
            return self._taken[0] + 60 - now
        self._taken.append(now)
        return 0.0
