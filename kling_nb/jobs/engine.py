"""One daemon thread with one event loop, where jobs go on while the kernel is busy or idle.

It knows nothing of Kling: coroutines go in, futures come out, and a waiting thread is served by whatever
waiter has been put in place.
"""

from __future__ import annotations

import asyncio
import atexit
import concurrent.futures
import math
import os
import threading
import time
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from ..errors import KlingError

T = TypeVar("T")
Waiter = Callable[["concurrent.futures.Future[Any]", "float | None"], None]

# How long a wait sleeps at a time: on Windows a lock held longer can not be interrupted.
_TICK = 0.1


def plain_wait(future: concurrent.futures.Future[Any], timeout: float | None = None) -> None:
    """Block until `future` is done or `timeout` seconds have passed; an interrupt gets through."""
    deadline = time.monotonic() + (math.inf if timeout is None else timeout)
    while not future.done() and (left := deadline - time.monotonic()) > 0:
        concurrent.futures.wait([future], min(_TICK, left))


class Engine:
    """A thread and its loop. `waiter` says how a calling thread blocks; a notebook puts in its own."""

    def __init__(self) -> None:
        self.waiter: Waiter = plain_wait
        self.loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name="kling_nb", daemon=True)
        self._thread.start()

    @property
    def here(self) -> bool:
        """True on the engine's own thread."""
        return threading.current_thread() is self._thread

    @property
    def alive(self) -> bool:
        """False once the engine was stopped."""
        return self._thread.is_alive()

    def start(self, work: Coroutine[Any, Any, T]) -> concurrent.futures.Future[T]:
        """Run a coroutine on the loop; returns at once."""
        return asyncio.run_coroutine_threadsafe(work, self.loop)

    def wait(self, future: concurrent.futures.Future[Any], timeout: float | None = None) -> None:
        """Block this thread until `future` is done or `timeout` seconds have passed."""
        if future.done():
            return
        if self.here:
            raise KlingError(
                "A blocking call was made on the thread that has to do the work. Use await there."
            )
        self.waiter(future, timeout)

    def call(self, work: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine on the loop and block for its result; an interrupt cancels it."""
        future = self.start(work)
        try:
            self.wait(future)
        except BaseException:
            future.cancel()
            raise
        return future.result()

    def stop(self) -> None:
        """Cancel what runs, close the loop and end the thread."""
        if self.alive:
            self.loop.call_soon_threadsafe(self.loop.stop)
            self._thread.join(5)

    def _run(self) -> None:
        asyncio.set_event_loop(self.loop)
        try:
            self.loop.run_forever()
        finally:
            _finish(self.loop)


async def tick(future: concurrent.futures.Future[T], timeout: float | None = None) -> bool:
    """Wait on any loop for a future of another thread, waking often; True when it is done.

    A bare await on a quiet future can not be interrupted in a kernel until the loop wakes by itself
    (ipykernel issue 881), and wrapping it would let a cancelled cell cancel the job.
    """
    deadline = time.monotonic() + (math.inf if timeout is None else timeout)
    while not future.done():
        if (left := deadline - time.monotonic()) <= 0:
            return False
        await asyncio.sleep(min(_TICK, left))
    return True


_lock = threading.Lock()
_current: tuple[int, Engine] | None = None


def engine() -> Engine:
    """The engine of this process; started at the first call, and anew in a forked child."""
    global _current
    with _lock:
        # Threads do not survive a fork: a child that kept the parent's engine would wait for ever.
        if _current is None or _current[0] != os.getpid() or not _current[1].alive:
            _current = os.getpid(), Engine()
        return _current[1]


def _finish(loop: asyncio.AbstractEventLoop) -> None:
    tasks = asyncio.all_tasks(loop)
    for task in tasks:
        task.cancel()
    loop.run_until_complete(asyncio.gather(*tasks, return_exceptions=True))
    loop.run_until_complete(loop.shutdown_asyncgens())
    loop.run_until_complete(loop.shutdown_default_executor())
    loop.close()


@atexit.register
def _stop_at_exit() -> None:
    if _current and _current[0] == os.getpid():
        _current[1].stop()
