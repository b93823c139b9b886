"""A request for a model that this package does not describe: it goes through as it is."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from numbers import Integral, Real
from typing import TYPE_CHECKING, Any

from ..errors import InvalidRequest, Problem
from . import pictures
from .described import warn
from .slugs import slug_problems
from .table import table
from .wording import shown


class Untyped:
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

    def __init__(self, slug: str, values: Mapping[str, Any]) -> None:
        found = (*slug_problems(slug), *_faults(values))
        if any(problem.level == "error" for problem in found):
            raise InvalidRequest(found, "this untyped request")
        kept = {name: value for name, value in values.items() if value is not None}
        self.__dict__.update(slug=slug, warnings=found, _given=_mapped(kept, lambda _, picture: picture))
        warn(found)

    if TYPE_CHECKING:
        slug: str
        warnings: tuple[Problem, ...]
        _given: dict[str, Any]
    else:

        def __setattr__(self, name: str, value: object) -> None:
            raise AttributeError(f"Untyped does not change. Use replace({name}=...).")

    @property
    def title(self) -> str:
        """The slug: nothing better is known."""
        return self.slug

    @property
    def page(self) -> str:
        """Where the service describes this model."""
        return f"https://www.segmind.com/models/{self.slug}/api"

    def values(self) -> dict[str, Any]:
        """What was given, as a new dict."""
        copy: dict[str, Any] = _mapped(self._given, lambda _, picture: picture)
        return copy

    def pictures(self) -> tuple[tuple[str, Any], ...]:
        """(path, value) of each picture that is an object on this machine."""
        return tuple((path, value) for path, value in _leaves(self._given) if pictures.is_local(value))

    def body(self, urls: Mapping[str, str] | None = None) -> dict[str, Any]:
        """The JSON body, each picture replaced by `urls[path]`; InvalidRequest when one has no address."""
        known = urls or {}
        faults = [pictures.not_sendable(path, value, known) for path, value in self.pictures()]
        if any(faults):
            raise InvalidRequest(
                [fault for fault in faults if fault], f"the body of this {self.slug} request"
            )
        body: dict[str, Any] = _mapped(self._given, lambda path, _: known[path])
        return body

    def replace(self, **changes: Any) -> Untyped:
        """The same with some values changed; None takes a value away."""
        return type(self)(self.slug, {**self._given, **changes})

    def __repr__(self) -> str:
        return f"Untyped({self.slug!r}, {_code(self._given)})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Untyped) and self._content() == other._content()

    def __hash__(self) -> int:
        return hash((self.slug, repr(_mapped(self._given, lambda path, _: path))))

    def _content(self) -> tuple[str, Any]:
        return self.slug, _mapped(self._given, lambda _, picture: pictures.content(picture))

    def _repr_html_(self) -> str:
        rows = [
            (name, value if isinstance(value, str) else shown(value)) for name, value in self._given.items()
        ]
        return table((self.slug, "untyped"), rows)


def _faults(values: object) -> Iterator[Problem]:
    if not isinstance(values, Mapping):
        yield Problem("", f"{shown(values)} is not a dict. Give a dict of parameter names and values.")
        return
    for path, value in _leaves(values):
        if not _fits(value):
            yield Problem(
                path, f"{shown(value)} can not be sent. Use text, a number, True, False or a picture."
            )


def _fits(value: Any) -> bool:
    if isinstance(value, Real):
        return isinstance(value, Integral) or math.isfinite(value)
    return value is None or isinstance(value, str) or pictures.is_local(value)


def _leaves(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(value, Mapping):
        for name, each in value.items():
            yield from _leaves(each, f"{path}.{name}" if path else str(name))
    elif isinstance(value, (list, tuple)):
        for at, each in enumerate(value):
            yield from _leaves(each, f"{path}[{at}]")
    else:
        yield path, value


def _mapped(value: Any, change: Callable[[str, Any], Any], path: str = "") -> Any:
    """`value` in the types of JSON, each picture replaced by `change(path, picture)`."""
    if isinstance(value, Mapping):
        steps = ((str(name), each) for name, each in value.items())
        return {name: _mapped(each, change, f"{path}.{name}" if path else name) for name, each in steps}
    if isinstance(value, (list, tuple)):
        return [_mapped(each, change, f"{path}[{at}]") for at, each in enumerate(value)]
    if isinstance(value, Real) and not isinstance(value, bool):
        return int(value) if isinstance(value, Integral) else float(value)
    return change(path, value) if pictures.is_local(value) else value


def _code(value: Any) -> str:
    if isinstance(value, Mapping):
        return f"{{{', '.join(f'{name!r}: {_code(each)}' for name, each in value.items())}}}"
    if isinstance(value, list):
        return f"[{', '.join(_code(each) for each in value)}]"
    return pictures.code(value) if pictures.is_local(value) else repr(value)
