"""An event loop on which hours pass in milliseconds, and jobs that live on it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any, TypeVar

from kling_nb.jobs.polling import Plan
from kling_nb.jobs.watcher import Watcher

T = TypeVar("T")


class Timelapse(asyncio.SelectorEventLoop):
    """Where a loop would wait for its next timer, this one moves its clock there."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0
        look = self._selector.select

        def select(timeout: float | None = None) -> Any:
            assert timeout is not None, "everybody waits and nothing is planned"
            self.now += timeout
            return look(0)

        self._selector.select = select

    def time(self) -> float:
        return self.now


class LoopClock:
    """The loop's time; `ahead` is by how much the wall clock ran on while the machine slept."""

    def __init__(self) -> None:
        self.ahead = 0.0

    def monotonic(self) -> float:
        return asyncio.get_running_loop().time()

    def wall(self) -> float:
        return 1_700_000_000.0 + self.monotonic() + self.ahead

    async def sleep(self, seconds: float) -> None:
        assert seconds > 0
        await asyncio.sleep(seconds)

    def call_later(self, seconds: float, callback: Callable[[], None]) -> asyncio.TimerHandle:
        return asyncio.get_running_loop().call_later(seconds, callback)


def lapse(work: Callable[[LoopClock], Coroutine[Any, Any, T]]) -> T:
    """Run `work(clock)` to its end on a loop of its own; nothing may be left running there."""
    loop = Timelapse()
    try:
        result = loop.run_until_complete(work(LoopClock()))
        loop.run_until_complete(asyncio.sleep(0.1))
        assert not asyncio.all_tasks(loop)
        return result
    finally:
        loop.close()


@dataclass
class Service:
    """What answers the questions: `answer(now)` gives a status and a pause, or None for silence."""

    clock: LoopClock
    watcher: Watcher
    answer: Callable[[float], tuple[int, float | None] | None] = lambda now: (200, None)
    travel: float = 0.05
    asked: list[float] = field(default_factory=list)

    async def question(self) -> bool:
        """Ask once; True when there was news."""
        self.asked.append(self.clock.monotonic())
        told = self.answer(self.clock.monotonic())
        await asyncio.sleep(self.travel)
        if told is None:
            return False
        self.watcher.told(*told)
        return told[0] == 200

    async def job(self, plan: Plan, duration: float, asked: list[float] | None = None) -> float:
        """Watch one job of so many seconds to its end; the delay of the notice."""
        begun, failures = self.clock.monotonic(), 0
        with self.watcher.open(plan) as ticket:
            while True:
                await ticket.turn(self.clock.monotonic() - begun, failures)
                age = self.clock.monotonic() - begun
                if asked is not None:
                    asked.append(age)
                news = await self.question()
                failures = 0 if news else failures + 1
                if news and age >= duration:
                    return age - duration
