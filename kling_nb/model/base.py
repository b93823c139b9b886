"""The request: what one model is asked, checked here for free before it costs anything."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, ClassVar, Literal

from pydantic import PrivateAttr

from ..errors import InvalidRequest, Problem
from . import pictures
from .described import Described, build, warn
from .fields import map_pictures
from .reading import Found
from .rules import Draft
from .table import table
from .wording import shown

Rule = Callable[[Draft], Iterable[Problem]]


class Request(Described):
    """What a model is asked. One subclass a model; field names are the service's own.

    Every error is found when it is made, and all of them are raised at once as `InvalidRequest`; what only
    other hosts of the model refuse is issued as `RequestWarning` and kept in `warnings`. What is not given,
    None, a blank text or an empty list are all unset: an unset field reads as the page's default and is
    absent from the body.

    Class attributes: `slug`, `title`, `kind` of output, `summary`, `page` (source of all limits),
    `latency` in seconds as (low, high) published, `price` in US dollars as (low, high) published or None
    where none is, `average_price` in US dollars, `timeout` in seconds worth waiting.
    """

    slug: ClassVar[str]
    title: ClassVar[str]
    kind: ClassVar[Literal["image", "video"]]
    summary: ClassVar[str]
    latency: ClassVar[tuple[float, float]]
    price: ClassVar[tuple[float, float] | None]
    average_price: ClassVar[float]
    timeout: ClassVar[float]
    page: ClassVar[str]
    rules: ClassVar[tuple[Rule, ...]] = ()

    _warnings: tuple[Problem, ...] = PrivateAttr(())

    def __init__(self, /, *args: Any, **values: Any) -> None:
        clean, found = self._examine(values)
        problems = (*self._nameless(args), *found)
        if any(problem.level == "error" for problem in problems):
            raise InvalidRequest(problems, f"this {self.slug} request")
        super().__init__(**{p.name: build(p, clean[p.name]) for p in self._params if p.name in clean})
        self._warnings = problems
        warn(problems)

    @classmethod
    def __pydantic_init_subclass__(cls, **more: Any) -> None:
        super().__pydantic_init_subclass__(**more)
        cls.page = f"https://www.segmind.com/models/{cls.slug}/api"

    @classmethod
    def name(cls) -> str:
        """What messages call this: the slug."""
        return cls.slug

    @classmethod
    def json_schema(cls) -> dict[str, Any]:
        """JSON Schema 2020-12 of the body as it is sent: pictures are addresses, unset is absent."""
        head = {
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "title": cls.title,
            "description": cls.summary,
        }
        return head | super().json_schema()

    @classmethod
    def _across(cls, clean: dict[str, Any], found: Found) -> Iterable[Problem]:
        draft = Draft.of(cls._params, clean, found)
        return [problem for rule in cls.rules for problem in rule(draft)]

    @property
    def warnings(self) -> tuple[Problem, ...]:
        """What other hosts of the model would refuse in this request."""
        return self._warnings

    def pictures(self) -> tuple[tuple[str, Any], ...]:
        """(path, value) of each picture that is filled in: `("elements[0].frontal_image_url", ...)`."""
        seen: list[tuple[str, Any]] = []
        map_pictures(self._params, self.values(), lambda path, value: seen.append((path, value)))
        return tuple(seen)

    def body(self, urls: Mapping[str, str] | None = None) -> dict[str, Any]:
        """The JSON body, each picture replaced by `urls[path]`; a web address stands for itself.

        InvalidRequest when a picture has no web address: nothing local travels.
        """
        known = urls or {}
        faults = [pictures.not_sendable(path, value, known) for path, value in self.pictures()]
        if any(faults):
            raise InvalidRequest(
                [fault for fault in faults if fault], f"the body of this {self.slug} request"
            )
        return map_pictures(self._params, self.values(), known.get)

    def _repr_html_(self) -> str:
        rows = [
            (param.name, _cell(getattr(self, param.name))) for param in self._params if self._has(param.name)
        ]
        return table((self.slug, type(self).__name__), rows)

    def _has(self, name: str) -> bool:
        return name in self.model_fields_set


def _cell(value: Any) -> str:
    if isinstance(value, tuple):
        return "; ".join(_cell(item) for item in value)
    if isinstance(value, Described):
        return ", ".join(f"{name}: {_cell(each)}" for name, each in value.values().items())
    if isinstance(value, list):
        return f"[{', '.join(_cell(item) for item in value)}]"
    return value if isinstance(value, str) else shown(value)
