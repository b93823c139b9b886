"""What many tests ask for, clocks that do not wait, and ways to wait for what happens elsewhere."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from typing import Any

import kling_nb as kn

FOX, SLUG, MOCK = "a fox in the snow", "kling-3-text2image", "mock-inference"
Make = Callable[..., kn.Client]


class QuickClock:
    """Time that passes only when somebody sleeps: `slept` lists for how long, nothing waits."""

    def __init__(self) -> None:
        self.now = 0.0
        self.slept: list[float] = []

    def monotonic(self) -> float:
        return self.now

    def wall(self) -> float:
        return 1_700_000_000.0 + self.now

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds
        await asyncio.sleep(0)

    def call_later(self, seconds: float, callback: Callable[[], None]) -> asyncio.Task[None] | asyncio.Handle:
        if seconds > 0:
            return after(self.sleep, seconds, callback)
        return asyncio.get_running_loop().call_soon(callback)


class EagerClock(QuickClock):
    """Sleeps of any length take a few real milliseconds, so that a real server gets its turn."""

    async def sleep(self, seconds: float) -> None:
        await super().sleep(seconds)
        await asyncio.sleep(0.005)


def after(
    sleep: Callable[[float], Awaitable[None]], seconds: float, callback: Callable[[], None]
) -> asyncio.Task[None]:
    """What `call_later` returns for clocks that only know how to sleep."""

    async def work() -> None:
        await sleep(seconds)
        callback()

    return asyncio.get_running_loop().create_task(work())


def until(condition: Callable[[], Any], seconds: float = 10.0) -> Any:
    """Wait until `condition` holds; fail after `seconds`."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if found := condition():
            return found
        time.sleep(0.005)
    raise AssertionError(f"not within {seconds} s")


def at_once(count: int, code: str, *words: str) -> list[str]:
    """What `count` processes say that run `code` with `words`, let go together where they wait for a line."""
    pipes: Any = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
    command = [sys.executable, "-c", code, *words]
    children = [subprocess.Popen(command, text=True, **pipes) for _ in range(count)]
    assert [child.stdout.readline() for child in children] == ["ready\n"] * count
    for child in children:
        child.stdin.write("\n")
        child.stdin.flush()
    ends = [child.communicate(timeout=60) for child in children]
    assert [child.returncode for child in children] == [0] * count, ends
    return [said for said, _ in ends]
