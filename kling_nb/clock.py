"""Time, as something that can be handed in: every deadline and pause of the package goes through here."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Protocol


class Alarm(Protocol):
    """Something that will be called."""

    def cancel(self) -> None:
        """It will not."""
        ...


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

    def call_later(self, seconds: float, callback: Callable[[], None]) -> Alarm:
        """Have `callback` called on the running loop when `seconds` have passed."""
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

    def call_later(self, seconds: float, callback: Callable[[], None]) -> Alarm:
        """Have `callback` called on the running loop when `seconds` have passed."""
        return asyncio.get_running_loop().call_later(max(0.0, seconds), callback)
