"""The lazy door to the sandbox: one stand-in service a process, shared by all clients that want the same."""

from __future__ import annotations

import importlib
import threading
from typing import Any

_lock = threading.Lock()
_running: dict[float, tuple[Any, int]] = {}


def lease(time_scale: float) -> Any:
    """The running sandbox of that speed, started at the first call.

    Running a notebook's first cell again must find the jobs of the first time, so clients share it; the last
    one to `release` it stops it.
    """
    with _lock:
        sandbox, users = _running.get(time_scale, (None, 0))
        if sandbox is None:
            # By name, so that nothing of the rest depends on the stand-in.
            sandbox = importlib.import_module("kling_nb.sandbox").Sandbox(time_scale=time_scale)
            sandbox.start()
        _running[time_scale] = sandbox, users + 1
        return sandbox


def release(time_scale: float) -> None:
    """Give the sandbox back; it stops with its last user."""
    with _lock:
        sandbox, users = _running.pop(time_scale, (None, 0))
        if sandbox is not None and users > 1:
            _running[time_scale] = sandbox, users - 1
        elif sandbox is not None:
            sandbox.close()
