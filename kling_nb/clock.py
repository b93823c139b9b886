"""Time, as something that can be handed in: every deadline and pause of the package goes through here."""

from __future__ import annotations

import asyncio
import time
from typing import Protocol


class Clock(Protocol):
    """What the package asks of time. Tests hand in one that does not wait."""

    def monotonic(self) -> float:
        """Seconds that only ever grow; for measuring."""
        ...

    def wall(self) -> float:
        """Seconds since the epoch; for records."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Let `seconds` pass."""
        ...


class SystemClock:
    """The machine's own time."""

    def monotonic(self) -> float:
        """Seconds that only ever grow; for measuring."""
        return time.monotonic()

    def wall(self) -> float:
        """Seconds since the epoch; for records."""
        return time.time()

    async def sleep(self, seconds: float) -> None:
        """Let `seconds` pass on the running loop."""
        await asyncio.sleep(max(0.0, seconds))
