"""One value against its description: what comes out is what the service wants, or a problem is noted."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from numbers import Real
from typing import Any

from ..errors import Problem
from . import pictures
from .fields import Param
from .pictures import Unfit
from .wording import did_you_mean, near, shown

Found = list[Problem]


def is_blank(value: object) -> bool:
    """True for what counts as not filled in: None, text of nothing but white space, an empty list."""
    if isinstance(value, str):
        return not value.strip()
    return value is None or (isinstance(value, (list, tuple)) and not value)


def read(param: Param, value: Any, path: str, found: Found) -> Any:
    """What is filled in and fits, in the service's own type; None and a problem in `found` otherwise."""
    if value is None or (isinstance(value, str) and not value.strip()):
        return _left_open(param, value, path, found)
    try:
        if param.kind == "list":
            return _list(param, value, path, found)
        if param.kind == "part":
            return _part(param, value, path, found)
        got = _READERS[param.kind](param, value)
    except Unfit as unfit:
        found.append(Problem(path, f"{unfit.what} {unfit.todo or param.wanted}"))
        return None
    if param.kind == "text":
        _advise(param, len(got), "characters", path, found)
    return got


def _left_open(param: Param, value: str | None, path: str, found: Found) -> None:
    if param.required:
        there = "nothing was given" if value is None else f"{value[:20]!r} is blank"
        found.append(Problem(path, f"{there}, but it is needed. {param.wanted}"))
    elif value is not None and param.kind == "text" and param.default:
        what = f"{value[:20]!r} is left out, and then the service takes {param.default!r}."
        found.append(Problem(path, f"{what} Give a text of your own to replace that.", "warning"))


def _advise(param: Param, count: int, of_what: str, path: str, found: Found) -> None:
    if param.advised_max is not None and count > param.advised_max:
        what = f"{count} {of_what} are more than other hosts of this model take."
        found.append(Problem(path, f"{what} Stay within {param.advised_max} to be safe.", "warning"))


def _text(param: Param, value: Any) -> str:
    if not isinstance(value, str):
        raise Unfit(f"{shown(value)} is not a text.")
    text = str.__str__(value)
    if any("\ud800" <= letter <= "\udfff" for letter in text):
        raise Unfit(f"{text[:20]!a} holds half a character.", "Type that character again.")
    over = len(text) - (param.max_length or len(text))
    if over > 0:
        what = f"{len(text)} characters are above the highest number {param.max_length}."
        raise Unfit(what, f"Take out {over}.")
    return text


def _choice(param: Param, value: Any) -> Any:
    word = _as_word(value)
    for allowed, _ in param.choices:
        if str(allowed) == word:
            return allowed
    if param.minimum is not None:
        raise Unfit(f"{shown(value)} is not a length this takes.")
    close = near(value, [str(allowed) for allowed, _ in param.choices], 1)
    raise Unfit(f"{shown(value)} is not one of the allowed values. {did_you_mean(close)}".rstrip())


def _as_word(value: Any) -> str | None:
    """5, 5.0 and "5" are the same word; True is none."""
    if isinstance(value, str):
        return value.strip()
    number = _finite(value)
    return f"{number:.0f}" if number is not None and number.is_integer() else None


def _finite(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, Real):
        return None
    try:
        number = float(value)
    except (OverflowError, ValueError):
        return None
    return number if math.isfinite(number) else None


def _number(param: Param, value: Any) -> float:
    number = _finite(value)
    if number is None:
        quoted = " Take the quotes away." if isinstance(value, str) else ""
        raise Unfit(f"{shown(value)} is not a number.{quoted}")
    if param.maximum is not None and number > param.maximum:
        raise Unfit(f"{shown(value)} is above the highest value {param.maximum:g}.")
    if param.minimum is not None and number < param.minimum:
        raise Unfit(f"{shown(value)} is below the lowest value {param.minimum:g}.")
    return number


def _integer(param: Param, value: Any) -> int:
    number = _number(param, value)
    if not number.is_integer():
        raise Unfit(f"{shown(value)} is not a whole number.")
    return int(number)


def _flag(_: Param, value: Any) -> bool:
    # numpy has a truth value of its own, and sweeps over arrays hand it over.
    if isinstance(value, bool) or type(value).__name__ in ("bool_", "bool"):
        return bool(value)
    raise Unfit(f"{shown(value)} is not a yes or no.")


def _picture(param: Param, value: Any) -> Any:
    # A pasted address often brings a line end along; a file's name may well begin with a space.
    address = value.strip() if isinstance(value, str) else value
    picture = address if pictures.is_web(address) else value
    pictures.check(picture, param.max_bytes)
    return picture


def _list(param: Param, value: Any, path: str, found: Found) -> list[Any] | None:
    if not isinstance(value, (list, tuple)):
        raise Unfit(f"{shown(value)} is not a list. Put it in [brackets].")
    over = len(value) - (param.max_items or len(value))
    if over > 0:
        what = f"{len(value)} are above the highest number {param.max_items}. Take out {over}."
        found.append(Problem(path, what))
    _advise(param, len(value), "items", path, found)
    item = param.item or Param("text")
    return [read(item, each, f"{path}[{at}]", found) for at, each in enumerate(value)] or None


def _part(param: Param, value: Any, path: str, found: Found) -> Any:
    given = value.values() if isinstance(value, param.make) else value
    if not isinstance(given, Mapping):
        raise Unfit(f"{shown(value)} is not of kind {param.make.__name__}.")
    return param.make.read(given, found, path)


_READERS: dict[str, Callable[[Param, Any], Any]] = {
    "text": _text,
    "choice": _choice,
    "number": _number,
    "integer": _integer,
    "flag": _flag,
    "picture": _picture,
}
