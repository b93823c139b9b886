"""A request for a model that this package does not describe: it goes through as it is."""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Mapping
from numbers import Integral, Real
from typing import Any

from ..errors import Problem
from ..markup import mask
from . import pictures
from .base import page_of, refuse_or_warn
from .code import Code, python_code
from .described import Value
from .pages import BY_SLUG
from .table import table
from .wording import did_you_mean, near, shown

_SLUG = re.compile(r"[a-z0-9]+(?:[.-]+[a-z0-9]+)*")


class Untyped(Value):
    """What any model of the service is asked: `Untyped("kling-create-voice", {"voice_url": "https://..."})`.

    `slug` consists of a-z, 0-9, hyphens and dots. Values are whatever JSON can hold; besides, a path, bytes,
    PIL image, numpy array or `Image` anywhere in them is a picture to upload. Text is sent as it is, a value
    of None is left out. Raises InvalidRequest with all problems at once, and issues a RequestWarning when
    the slug looks like a misspelling of one in the catalogue.
    """

    kind = None
    summary = ""
    latency = None
    price = None
    average_price = None
    timeout = 900.0
    slug: str
    warnings: tuple[Problem, ...]
    _given: dict[str, Any]

    def __init__(self, slug: str, values: Mapping[str, Any]) -> None:
        found = (*slug_problems(slug), *_faults(values))
        refuse_or_warn(found, "this untyped request")
        given = {name: value for name, value in values.items() if value is not None}
        self.__dict__.update(slug=slug, warnings=found, _given=pictures.mapped(given, _as_json))

    @property
    def title(self) -> str:
        """The slug: nothing better is known."""
        return self.slug

    @property
    def page(self) -> str:
        """Where the service describes this model."""
        return page_of(self.slug)

    def values(self) -> dict[str, Any]:
        """What was given, as a new dict."""
        copy: dict[str, Any] = pictures.mapped(self._given, lambda _, value: value)
        return copy

    def pictures(self) -> tuple[tuple[str, Any], ...]:
        """(path, value) of each picture that is an object on this machine."""
        return tuple((path, value) for path, value in _leaves(self._given) if pictures.is_local(value))

    def body(self, urls: Mapping[str, str] | None = None) -> dict[str, Any]:
        """The JSON body, each picture replaced by `urls[path]`; InvalidRequest when one has no address."""
        return pictures.body(self, urls or {})

    def replace(self, **changes: Any) -> Untyped:
        """The same with some values changed; None takes a value away."""
        return type(self)(self.slug, {**self._given, **changes})

    def code(self) -> Code:
        """The Python that submits this request."""
        return python_code(self)

    def __repr__(self) -> str:
        return mask(f"Untyped({self.slug!r}, {pictures.code(self._given)})")

    def _repr_html_(self) -> str:
        rows = ((name, each if isinstance(each, str) else shown(each)) for name, each in self._given.items())
        return table((self.slug, "untyped"), rows)


def _faults(values: object) -> list[Problem]:
    if not isinstance(values, Mapping):
        return [Problem("", f"{shown(values)} is not a dict. Give a dict of parameter names and values.")]
    todo = "can not be sent. Use text, a number, True, False or a picture."
    return [Problem(path, f"{shown(each)} {todo}") for path, each in _leaves(values) if not _fits(each)]


def _fits(value: Any) -> bool:
    if isinstance(value, Real):
        return isinstance(value, Integral) or math.isfinite(value)
    return value is None or isinstance(value, str) or pictures.is_local(value)


def _leaves(values: Mapping[str, Any]) -> list[tuple[str, Any]]:
    found: list[tuple[str, Any]] = []
    pictures.mapped(values, lambda *leaf: found.append(leaf))
    return found


def _as_json(_path: str, value: Any) -> Any:
    if not isinstance(value, Real) or isinstance(value, bool):
        return value
    return int(value) if isinstance(value, Integral) else float(value)


def suggest(slug: object) -> tuple[str, ...]:
    """Slugs of the catalogue that resemble `slug`, best first; none when nothing does."""
    return near(_usual(slug), BY_SLUG)


def slug_problems(slug: object) -> tuple[Problem, ...]:
    """An error when `slug` can not be the last step of an address, a warning when it looks misspelt."""
    if not isinstance(slug, str) or not _SLUG.fullmatch(slug):
        what = f"{shown(slug)} is not a model's slug. {did_you_mean(suggest(slug))}"
        return (Problem("slug", f"{what}Use a-z, 0-9, hyphens and dots, such as {next(iter(BY_SLUG))!r}."),)
    close = [ours for ours in suggest(slug) if ours != slug and _edits(str(_usual(slug)), ours) <= 2]
    message = (
        f"{shown(slug)} is not in the catalogue and goes through unchecked. {did_you_mean(close).strip()}"
    )
    return (Problem("slug", message, "warning"),) if close else ()


def _usual(slug: object) -> object:
    """`slug` without the other ways to write the same: Kling_3-Text-to-Image."""
    return re.sub(r"[\s_]+", "-", slug.lower()).replace("-to-", "2") if isinstance(slug, str) else slug


def _edits(one: str, other: str) -> int:
    """About how many letters differ. True siblings such as kling-o3-text2video are three or more away."""
    steps = difflib.SequenceMatcher(None, one, other, autojunk=False).get_opcodes()
    return sum(max(end - start, last - first) for kind, start, end, first, last in steps if kind != "equal")
