"""The lazy door to the sandbox: one stand-in service a process, shared by all clients that want the same."""

from __future__ import annotations

import atexit
import importlib
import shutil
import tempfile
import threading
from dataclasses import dataclass
from typing import Any


@dataclass
class StandIn:
    """A running sandbox, and a folder for the record of its jobs: when it stops, both forget them."""

    service: Any
    home: str
    users: int = 0


_lock = threading.Lock()
_running: dict[float, StandIn] = {}


def lease(time_scale: float) -> StandIn:
    """The running sandbox of that speed, started at the first call.

    Running a notebook's first cell again must find the jobs of the first time, so clients share it; the last
    one to `release` it stops it.
    """
    with _lock:
        if time_scale not in _running:
            # By name, so that nothing of the rest depends on the stand-in.
            service = importlib.import_module("kling_nb.sandbox").Sandbox(time_scale=time_scale)
            _running[time_scale] = StandIn(service.start(), tempfile.mkdtemp(prefix="kling-sandbox-"))
        _running[time_scale].users += 1
        return _running[time_scale]


def release(time_scale: float) -> None:
    """Give the sandbox back; it stops with its last user."""
    with _lock:
        standin = _running.get(time_scale)
        if standin is None:
            return
        standin.users -= 1
        if not standin.users:
            _end(_running.pop(time_scale))


@atexit.register
def _end_all() -> None:
    # A notebook's kernel mostly ends without a word.
    while _running:
        _end(_running.popitem()[1])


def _end(standin: StandIn) -> None:
    standin.service.close()
    shutil.rmtree(standin.home, ignore_errors=True)
