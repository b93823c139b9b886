"""How values and near names appear in messages."""

from __future__ import annotations

import difflib
import os
from collections.abc import Iterable
from numbers import Real

from ..markup import short, size_text


def shown(value: object) -> str:
    """`value` as given but short; the content of a picture or a container is never spelled out."""
    try:
        return _shown(value)
    except Exception:  # noqa: BLE001 - a foreign object may fail at being looked at; the message must not
        return _kind(value)


def _shown(value: object) -> str:
    if value is None or isinstance(value, Real):
        return short(str(value), 40)
    if isinstance(value, str):
        return repr(short(str.__str__(value), 40))
    if isinstance(value, (bytes, bytearray, memoryview)):
        return f"{size_text(len(value))} of data"
    if isinstance(value, os.PathLike):
        return repr(short(os.fsdecode(value), 40))
    if isinstance(value, (list, tuple)):
        return f"a {type(value).__name__} of {len(value)}"
    shape = getattr(value, "shape", None)
    return f"an array of shape {shape}" if isinstance(shape, tuple) else _kind(value)


def _kind(value: object) -> str:
    name = type(value).__name__
    return f"an {name}" if name[:1] in "AEIOUaeiou" else f"a {name}"


def near(word: object, names: Iterable[str], count: int = 3) -> tuple[str, ...]:
    """Those of `names` that `word` may be a misspelling of, best first, whatever the letter case."""
    lower = {name.lower(): name for name in names}
    found = difflib.get_close_matches(str(word).lower(), lower, count, 0.6) if isinstance(word, str) else []
    return tuple(lower[name] for name in found)


def did_you_mean(names: Iterable[object]) -> str:
    """The question that offers near names; empty when there are none."""
    listed = " or ".join(repr(name) for name in names)
    return f"Did you mean {listed}? " if listed else ""
