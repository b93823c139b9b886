"""Many requests out of a list, a table or a product of values; and what tells one from the others."""

from __future__ import annotations

import itertools
import os
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, TypeAlias

from ..errors import InvalidRequest, KlingError, Problem
from ..markup import short
from ..media.picture import PictureError, read_picture
from ..model import Request, Untyped, request_for
from ..model.wording import shown
from ..service.uploads import local
from .purchase import identity

Asks: TypeAlias = "Request | Untyped"

_WORD = 14  # a choice of so few letters explains itself: 9:16, 2K, webp


def sweep(request: Any, /, **choices: Any) -> list[Request | Untyped]:
    """One request for each combination of values; the last name varies fastest, like the inner loop.

    `kn.sweep(request, aspect_ratio=["1:1", "16:9"], cfg_scale=[0.3, 0.7])` are four requests. `request` is a
    request, of which the values replace some, or a model (slug or class). A list, tuple, range, 1-D array or
    generator holds choices; any other value stands for itself, and None is unset. For a parameter that is a
    list itself, give a list of lists. Raises one `InvalidRequest` that lists everything wrong in any
    combination; nothing is sent.
    """
    values = {name: _choices(value) for name, value in choices.items()}
    empty = [name for name, held in values.items() if not held]
    problems = [Problem(name, "no values were given. Put some in the list.") for name in empty]
    made: list[Asks] = []
    for combination in itertools.product(*(held or [None] for held in values.values())):
        try:
            made.append(request_for(request, dict(zip(values, combination, strict=True))))
        except InvalidRequest as error:
            problems += error.problems
    if problems:
        raise InvalidRequest(list(dict.fromkeys(problems)), "this sweep")
    return made


def _choices(value: Any) -> list[Any]:
    if getattr(value, "ndim", None) == 1 and hasattr(value, "tolist"):
        return list(value.tolist())
    many = isinstance(value, (list, tuple, range, Iterator))
    return [_plain(each) for each in (value if many else [value])]


def _plain(value: Any) -> Any:
    """A numpy scalar as the Python value it stands for; anything else as it is."""
    is_scalar = type(value).__module__ == "numpy" and getattr(value, "shape", None) == ()
    return value.item() if is_scalar else value


@dataclass(frozen=True)
class Wish:
    """One row as it was asked for: with its request, or with the error that says why there is none."""

    model: str
    params: Mapping[str, Any]
    request: Asks | None = None
    error: KlingError | None = None


def wishes(requests: Any, model: Any = None) -> list[Wish]:
    """The rows of a batch; one that is wrong carries its error. Raises InvalidRequest for what is no list."""
    # A request is iterable too, as its parts.
    no_list = isinstance(requests, (str, bytes, Mapping, Request, Untyped, type))
    if no_list or not isinstance(requests, Iterable):
        what = f"{shown(requests)} is not a list of requests. Put them in [brackets], or give a DataFrame."
        raise InvalidRequest([Problem("requests", what)], "this batch")
    return [_wish(each, model) for each in _records(requests)]


def _records(requests: Any) -> Iterable[Any]:
    pandas = sys.modules.get("pandas")
    if pandas is None or not isinstance(requests, pandas.DataFrame):
        return requests  # type: ignore[no-any-return]
    gone: Callable[[Any], bool] = lambda value: pandas.api.types.is_scalar(value) and pandas.isna(value)  # noqa: E731
    return [{k: v for k, v in row.items() if not gone(v)} for row in requests.to_dict("records")]


def _wish(row: Any, model: Any) -> Wish:
    if isinstance(row, (Request, Untyped)):
        return Wish(row.slug, row.values(), row)
    if not isinstance(row, Mapping):
        return _wrong("", {}, "", f"{shown(row)} is not a request. Give a request, or a dict of parameters.")
    params = {str(name): _plain(value) for name, value in row.items() if value is not None}
    model = params.pop("model", model)
    if model is None:
        what = 'none was named. Name one in the row ("model"), or for all rows with batch(..., model=...).'
        return _wrong("", params, "model", what)
    try:
        request = request_for(model, params)
    except InvalidRequest as error:
        return Wish(str(getattr(model, "slug", model)), params, None, error)
    return Wish(request.slug, request.values(), request)


def _wrong(model: str, params: Mapping[str, Any], path: str, what: str) -> Wish:
    return Wish(model, params, None, InvalidRequest([Problem(path, what)], "this row"))


@dataclass(frozen=True)
class Differences:
    """What tells rows apart: a label for each, what they share, and after how many one value comes again."""

    labels: list[str] = field(default_factory=list)
    common: str = ""
    period: int | None = None


def differences(rows: Sequence[Wish]) -> Differences:
    """The parameters in which rows differ, as labels; what is unset counts as its default."""
    if not rows:
        return Differences()
    words = [_words(row) for row in rows]
    names = dict.fromkeys(name for each in words for name in each)
    varying = [name for name in names if _varies(name, rows, words)]
    labels = [", ".join(_phrase(name, each[name]) for name in varying if each.get(name)) for each in words]
    common = [words[0].get(name, "") for name in ("model", "prompt") if name not in varying]
    if len(rows) == 1:
        labels = [short(words[0].get("prompt") or rows[0].model, 80)]
    return Differences(labels, ": ".join(filter(None, common)), _period(words, varying))


def _varies(name: str, rows: Sequence[Wish], words: Sequence[Mapping[str, str]]) -> bool:
    # What is left out only says something where the same model has it in another row, and nothing if wrong.
    pairs = list(zip(words, rows, strict=True))
    models = {row.model for each, row in pairs if name in each and row.request}
    return (
        len({each.get(name) for each, row in pairs if name in each or (row.request and row.model in models)})
        > 1
    )


def _words(row: Wish) -> dict[str, str]:
    params: tuple[Any, ...] = getattr(row.request, "params", tuple)()
    defaults = {param.name: param.default for param in params if param.default is not None}
    said = {name: _text(value) for name, value in {**row.params, **defaults, **row.params}.items()}
    return {"model": row.model, **said} if row.model else said


def _text(value: Any) -> str:
    if isinstance(value, (Mapping, list, tuple)):
        parts = value.values() if isinstance(value, Mapping) else value
        return "; ".join(map(_text, parts))
    if isinstance(value, bool):
        return "on" if value else "off"
    place = value if isinstance(value, os.PathLike) else getattr(value, "path", None)
    if isinstance(place, (str, os.PathLike)):
        return Path(place).name
    return " ".join(value.split()) if isinstance(value, str) else shown(value)


def _phrase(name: str, text: str) -> str:
    is_word = " " not in text and len(text) <= _WORD and any(each.isalpha() or each == ":" for each in text)
    speaks = is_word and text not in ("on", "off") and not name.endswith("prompt")
    return short(text, 80) if speaks or name in ("prompt", "model") else f"{name} {short(text, 60)}"


def _period(words: Sequence[Mapping[str, str]], varying: Iterable[str]) -> int | None:
    """After how many rows the values of some parameter begin again, as in a sweep."""
    for period, name in sorted((len({each.get(name) for each in words}), name) for name in varying):
        again = all(each.get(name) == words[at % period].get(name) for at, each in enumerate(words))
        if again and period < len(words) and len(words) % period == 0:
            return period
    return None


def takes(requests: Sequence[Asks]) -> list[int]:
    """Which take each is among its equals: 1, 2, 3 in their order. Reads pictures only where it must."""
    rough = [_identity(request, lambda _: "") for request in requests]
    alike, seen = Counter(rough), Counter[str]()
    digest = partial(_digest, {})  # each picture is read once however many rows use it
    found = []
    for request, key in zip(requests, rough, strict=True):
        exact = _identity(request, digest) if alike[key] > 1 else key
        seen[exact] += 1
        found.append(seen[exact])
    return found


def _identity(request: Asks, digest: Callable[[Any], str]) -> str:
    """The same for two requests exactly when the ledger takes them for the same."""
    return identity(request, {path: digest(value) for path, value in local(request.pictures())})[1]


def _digest(known: dict[Any, str], picture: Any) -> str:
    name = str(picture) if isinstance(picture, (str, os.PathLike)) else id(picture)
    if name not in known:
        try:
            known[name] = read_picture(picture).sha256
        except PictureError:  # its row will say so when it is submitted
            known[name] = str(abs(hash(name)))
    return known[name]
