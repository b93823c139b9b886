"""Places inside values, by their paths: where pictures may go, what is there, what JSON can hold of it."""

from __future__ import annotations

import math
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from ..model.fields import Param

_STEP = re.compile(r"[^.\[\]]+")


def same(one: Any, other: Any) -> bool:
    """Whether two forms or two parts of one hold the same."""
    try:
        return bool(one == other)
    except ValueError:  # arrays that are not the same object refuse to be compared
        return False


def picture_places(params: Iterable[Param], values: Mapping[str, Any], prefix: str = "") -> Iterator[str]:
    """The path of every picture there is or may be: of a list that has room, the next item's too."""
    for param in params:
        yield from _places(param, values.get(param.name), prefix + param.name)


def _places(param: Param, value: Any, path: str) -> Iterator[str]:
    if param.kind == "picture":
        yield path
    elif param.kind == "part":
        yield from picture_places(param.parts, value if isinstance(value, Mapping) else {}, f"{path}.")
    elif param.item:
        held = list(value) if isinstance(value, (list, tuple)) else []
        room = param.max_items is None or len(held) < param.max_items
        for at, item in enumerate([*held, None] if room else held):
            yield from _places(param.item, item, f"{path}[{at}]")


def value_at(values: Any, path: str) -> Any:
    """What stands at `path`; None when nothing does."""
    for step in _STEP.findall(path):
        try:
            values = values[int(step)] if isinstance(values, (list, tuple)) else values[step]
        except (KeyError, IndexError, TypeError, ValueError):
            return None
    return values


def put(values: Mapping[str, Any], path: str, value: Any) -> dict[str, Any]:
    """`values` with `value` at `path`; the lists and parts on the way are made. The original stays."""
    top, *steps = _STEP.findall(path)
    return {**values, top: _put(values.get(top), steps, value)}


def _put(held: Any, steps: list[str], value: Any) -> Any:
    if not steps:
        return value
    step, *rest = steps
    if step.isdigit():
        items = list(held) if isinstance(held, (list, tuple)) else []
        at = min(int(step), len(items))
        items[at : at + 1] = [_put(items[at] if at < len(items) else None, rest, value)]
        return items
    part = dict(held) if isinstance(held, Mapping) else {}
    return {**part, step: _put(part.get(step), rest, value)}


_GONE: Any = object()


def as_json(value: Any, path: str, left: list[str]) -> Any:
    """`value` in the types of JSON; the path of what has no text form goes into `left`."""
    if isinstance(value, Mapping) or hasattr(type(value), "params"):
        held = value if isinstance(value, Mapping) else value.values()
        each = {str(name): as_json(one, f"{path}.{name}".lstrip("."), left) for name, one in held.items()}
        return {name: one for name, one in each.items() if one is not _GONE}
    if isinstance(value, (list, tuple)):
        items = [as_json(one, f"{path}[{at}]", left) for at, one in enumerate(value)]
        return [one for one in items if one is not _GONE]
    place = value if isinstance(value, os.PathLike) else getattr(value, "path", None)
    if isinstance(place, os.PathLike):
        return os.fsdecode(place)
    if isinstance(value, (str, int)) or (isinstance(value, float) and math.isfinite(value)):
        return value
    left.append(path)
    return _GONE
