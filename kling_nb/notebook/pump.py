"""Waiting in a cell without deafening the kernel: the one file that touches private kernel API.

A blocked cell normally blocks its own Stop button, because a press arrives as a message for the very
thread that waits. `wait` therefore looks at the kernel's incoming messages itself. What belongs to widgets
is handled on the spot; everything else goes down the kernel's own way at once, where it queues behind the
running cell as it always does. So order is the kernel's, and nothing is ever held in our hands.

Kernels come in three layouts: 6.x reads its shell socket in the main thread; 7.x has a channel thread that
forwards to the main thread over a pair of sockets; 7.x without that thread reads like 6.x. Features are
looked for, not versions. At the first surprise this process falls back, for good, to a plain wait that
only the kernel's interrupt can end.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextlib
import math
import signal
import sys
import threading
import time
from collections.abc import Iterator
from typing import Any

from ..jobs.engine import plain_wait
from ..kernel import shell

_WIDGET_MESSAGES = frozenset({"comm_open", "comm_msg", "comm_close"})
_SLICE = 0.03  # the longest sleep between two looks at the future: unseen by a person, and no CPU to speak of


class _Mind:
    """What the process remembers: whether a wait is being served now, and whether serving ever failed."""

    serving = False
    gave_up = False


def wait(future: concurrent.futures.Future[Any], timeout: float | None = None) -> None:
    """Block until `future` is done or `timeout` seconds are over, keeping buttons alive where that can be.

    Has the signature of the engine's `waiter`. Raises KeyboardInterrupt when the kernel is interrupted.
    """
    deadline = math.inf if timeout is None else time.monotonic() + timeout
    line = _line()
    if line is not None:
        line.serve(future, deadline)
    if not future.done():
        plain_wait(future, None if timeout is None else deadline - time.monotonic())


def _line() -> _Line | None:
    """The line to serve, or None where a plain wait is right: in a script, a thread, a widget's callback."""
    if _Mind.gave_up or _Mind.serving or threading.current_thread() is not threading.main_thread():
        return None
    kernel = getattr(shell(), "kernel", None)
    if kernel is None:
        return None
    try:
        return _Line(kernel) if _in_a_cell(kernel) else None
    except Exception:  # noqa: BLE001 - any surprise in private API means the same: do not touch it
        _Mind.gave_up = True
        return None


def _in_a_cell(kernel: Any) -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    header = kernel.get_parent("shell").get("header", {})
    return bool(header.get("msg_type") == "execute_request")


class _Line:
    """The kernel's stream of incoming messages, and how to treat one of them."""

    def __init__(self, kernel: Any) -> None:
        self.kernel = kernel
        self.stream = _stream(kernel)
        self.socket = self.stream.socket
        self.session = kernel.session
        self.handlers = {name: kernel.shell_handlers[name] for name in _WIDGET_MESSAGES}
        self.cell = kernel.get_parent("shell")
        self.cell_ident = kernel._parent_ident["shell"]
        stream = self.stream
        wanted = [stream._recv_callback, stream._run_callback, stream._handle_events]
        wanted += [kernel.set_parent, kernel._publish_status]
        if stream._recv_copy or not all(map(callable, wanted)):
            raise TypeError("this kernel is laid out in a way we do not know")

    def serve(self, future: concurrent.futures.Future[Any], deadline: float) -> None:
        """Serve until the future is done, the deadline is past, or something surprising comes."""
        _Mind.serving = True
        try:
            with _Interrupts() as interrupts:
                try:
                    self._loop(future, deadline, interrupts)
                except Exception:  # noqa: BLE001 - a plain wait goes on from here
                    _Mind.gave_up = True
                finally:
                    self._rearm()
        finally:
            _Mind.serving = False

    def _loop(self, future: concurrent.futures.Future[Any], deadline: float, interrupts: _Interrupts) -> None:
        while not future.done() and (left := deadline - time.monotonic()) > 0:
            if self.socket.poll(math.ceil(min(left, _SLICE) * 1000)):
                self._take(interrupts)
            interrupts.let_through()

    def _take(self, interrupts: _Interrupts) -> None:
        import zmq

        frames = self.socket.recv_multipart(zmq.NOBLOCK, copy=False)
        try:
            idents, message = self._widget_message(frames)
        except Exception:  # noqa: BLE001 - what we can not read is the kernel's to judge
            idents, message = None, None
        if message is None:
            # The stream's own callback: it queues the message behind the running cell.
            self.stream._run_callback(self.stream._recv_callback, frames)
        else:
            self._handle(idents, message, interrupts)

    def _widget_message(self, frames: list[Any]) -> tuple[Any, Any]:
        if len(frames) == 1:  # the kernel's note to itself that aborting is over
            return None, None
        idents, parts = self.session.feed_identities(frames, copy=False)
        # The header is unpacked by hand: a session remembers signatures it has seen, and before
        # jupyter_client 8 a mere look would make the kernel refuse the same message as a duplicate.
        if self.session.unpack(parts[1].bytes)["msg_type"] not in _WIDGET_MESSAGES:
            return None, None
        return idents, self.session.deserialize(parts, content=True, copy=False)

    def _handle(self, idents: Any, message: Any, interrupts: _Interrupts) -> None:
        _flush()  # older kernels send what the cell has printed under the parent of this moment
        self.kernel.set_parent(idents, message)
        self.kernel._publish_status("busy", "shell")
        try:
            with interrupts.at_once():
                self.handlers[message["msg_type"]](self.stream, idents, message)
        except Exception:
            self.kernel.log.exception("Exception in message handler:")
        finally:
            _flush()
            # Widgets hold back their next message until this one is reported idle.
            self.kernel._publish_status("idle", "shell")
            self.kernel.set_parent(self.cell_ident, self.cell)
            self.kernel._publish_status("busy", "shell")  # the cell goes on, so the front end's dot should

    def _rearm(self) -> None:
        # The stream is told of new messages by edges. We may have swallowed one, so it has to look.
        self.stream.io_loop.add_callback(lambda: self.stream._handle_events(self.socket, 0))


def _stream(kernel: Any) -> Any:
    thread = getattr(kernel, "shell_channel_thread", None)
    if thread is None:
        return kernel.shell_stream
    return thread.manager.get_shell_channel_to_subshell_pair(None).to_stream


def _flush() -> None:
    for out in (sys.stdout, sys.stderr):
        if out is not None:
            out.flush()


class _Interrupts:
    """The square button, held back while a message is in our hands, so that none is lost halfway.

    In an async cell the kernel's own handler only asks the event loop to cancel the cell, and the loop is
    what we block: there, this is also the only way in which an interrupt can arrive at all.
    """

    def __enter__(self) -> _Interrupts:
        self._pressed = False
        self._before = signal.signal(signal.SIGINT, self._note)
        return self

    def _note(self, *_: object) -> None:
        self._pressed = True

    def __exit__(self, kind: object, *_: object) -> None:
        signal.signal(signal.SIGINT, self._before)
        if kind is None:
            self.let_through()

    def let_through(self) -> None:
        """Raise now what was pressed meanwhile."""
        if self._pressed:
            self._pressed = False
            raise KeyboardInterrupt

    @contextlib.contextmanager
    def at_once(self) -> Iterator[None]:
        """While a callback of the user runs, an interrupt has to be able to end it."""
        signal.signal(signal.SIGINT, signal.default_int_handler)
        try:
            yield
        finally:
            signal.signal(signal.SIGINT, self._note)
