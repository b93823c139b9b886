"""The explicit door for notebooks whose own code calls `asyncio.run()` in a cell.

This package itself needs none of it: its jobs run in a thread of their own. Patching asyncio is the user's
decision, because it concerns the whole process, and because the wrong patch loses cells: with nest_asyncio
1.6.0, ipykernel 7.1 and later drop every cell queued behind a nested run (Run All), without a word.
"""

from __future__ import annotations

import asyncio
import re
import sys
from collections.abc import Callable
from importlib import import_module, metadata

from ..errors import KlingError
from ..kernel import in_kernel

_FORK, _OLD = "nest-asyncio2", "nest_asyncio"
_FORK_SAFE_FROM = (1, 7, 4)  # the release that no longer drops queued cells
_KERNEL_UNSAFE_FROM = (7,)  # measured: 6.31 loses nothing, 7.1 and 7.4 lose all; in between nobody knows
_TODO = (
    "pip install 'kling_nb[nested]', restart the kernel and call this again; or await in the cell instead."
)


def allow_nested_loops() -> str:
    """Let your own `asyncio.run()` and `run_until_complete()` work inside a cell; says what was done.

    Takes nest-asyncio2 (1.7.4 or later) where it is installed, nest_asyncio in a kernel where that is safe.
    Raises `KlingError` with the reason where neither can be used. Nothing of this package needs it.
    """
    if (done := _already()) is not None:
        return done
    fork = _version(_FORK)
    if fork is not None and fork >= _FORK_SAFE_FROM:
        return _apply("nest_asyncio2", _FORK)
    if _version(_OLD) is None:
        raise KlingError(f"Nested loops need a package: {_missing(fork)}.", todo=_TODO)
    if in_kernel() and (_version("ipykernel") or (0,)) >= _KERNEL_UNSAFE_FROM:
        why = f"nest_asyncio makes ipykernel {metadata.version('ipykernel')} lose queued cells (Run All)"
        raise KlingError(f"Refused: {why}, and {_missing(fork)}.", todo=_TODO)
    return _apply("nest_asyncio", _OLD)


def _already() -> str | None:
    if not hasattr(asyncio, "_nest_patched"):
        return None
    name = _FORK if hasattr(asyncio, "_nest_asyncio2") else _OLD
    if name == _OLD and in_kernel() and (_version("ipykernel") or (0,)) >= _KERNEL_UNSAFE_FROM:
        raise KlingError(
            "nest_asyncio was applied in this process before; with this ipykernel it loses queued cells "
            "(Run All), and it can not be taken back.",
            todo="Take that call out of your code, restart the kernel, and call this instead.",
        )
    return f"{name} was applied already."


def _missing(fork: tuple[int, ...] | None) -> str:
    if fork is None:
        return f"{_FORK} is not installed"
    return f"{_FORK} {metadata.version(_FORK)} is too old: 1.7.4 is the first that loses no cells"


def _apply(module: str, name: str) -> str:
    apply: Callable[[], None] = import_module(module).apply
    try:
        apply()
    except ValueError as error:
        raise KlingError(f"{name} can not patch this event loop: {error}.", todo=_TODO) from error
    return f"{name} {metadata.version(name)} applied: asyncio.run() now works inside a running loop."


def _version(name: str) -> tuple[int, ...] | None:
    # Of a running ipykernel the one in memory counts, whatever was installed since.
    loaded = sys.modules.get(name)
    try:
        text = str(getattr(loaded, "__version__", None) or metadata.version(name))
    except metadata.PackageNotFoundError:
        return None
    return tuple(int(number) for number in re.findall(r"\d+", text)[:3])
