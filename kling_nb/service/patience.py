"""How long to go on trying: a pause after each try that failed, until the time is up."""

from __future__ import annotations

import random

from ..clock import Clock
from .retry import pause_before_retry


class Patience:
    """Pauses that double, for at most `seconds` since it was made or last renewed."""

    def __init__(self, clock: Clock, seconds: float) -> None:
        self._clock, self._seconds = clock, seconds
        self.renew()

    def renew(self) -> None:
        """Begin anew, because something was gained."""
        self._begun, self._tries = self._clock.monotonic(), 0

    async def lasts(self, asked: float | None) -> bool:
        """True when the next try may begin, after the pause that the service `asked` for if it did."""
        spent = self._clock.monotonic() - self._begun
        chance = random.random()  # noqa: S311 - it spreads the retries of many clients apart
        pause = pause_before_retry(self._tries, chance, asked, spent, self._seconds)
        if pause is None:
            return False
        self._tries += 1
        await self._clock.sleep(pause)
        return True
