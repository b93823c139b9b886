"""What has happened and what is still to come, for any number of readers on any thread or loop."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import Future
from typing import Generic, TypeVar

from .engine import Engine, tick

T = TypeVar("T")


class Feed(Generic[T]):
    """A list that grows until it is `whole`: written on the engine's thread, read from any."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.items: list[T] = []
        self.whole: Future[None] = Future()
        self._lock = threading.Lock()
        self._waiters: list[Future[None]] = []

    def add(self, *items: T, last: bool = False) -> None:
        """Let every reader have `items`; after the `last` none follow."""
        with self._lock:
            self.items.extend(items)
            if last:
                self.whole.set_result(None)
            waiters, self._waiters = self._waiters, []
        for waiter in waiters:
            waiter.set_result(None)

    def after(self, count: int) -> Future[None] | None:
        """A future that is done when there may be more than `count` items; None when there never will be."""
        future: Future[None] = Future()
        with self._lock:
            if len(self.items) > count:
                future.set_result(None)
            elif self.whole.done():
                return None
            else:
                self._waiters.append(future)
        return future


class Following(Generic[T]):
    """All items from the first to the last, for a plain or an async loop."""

    def __init__(self, feed: Feed[T], timeout: float | None) -> None:
        self._feed = feed
        self._deadline = time.monotonic() + (math.inf if timeout is None else timeout)

    def __iter__(self) -> Iterator[T]:
        seen = 0
        while more := self._feed.after(seen):
            self._feed.engine.wait(more, self._left())
            if not more.done():
                return
            yield from (fresh := self._feed.items[seen:])
            seen += len(fresh)

    async def __aiter__(self) -> AsyncIterator[T]:
        seen = 0
        while (more := self._feed.after(seen)) and await tick(more, self._left()):
            for item in (fresh := self._feed.items[seen:]):
                yield item
            seen += len(fresh)

    def _left(self) -> float:
        return self._deadline - time.monotonic()
