"""The request: what one model is asked, checked here for free before it costs anything."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, ClassVar, Literal

from pydantic import PrivateAttr

from ..errors import InvalidRequest, Problem, RequestWarning
from . import pictures
from .code import Code, python_code
from .described import Described
from .reading import Found
from .rules import Draft
from .table import table
from .wording import shown

Rule = Callable[[Draft], Iterable[Problem]]
_OURS = {__name__.partition(".")[0], "pydantic"}


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
        """Give parameters by name. Raises InvalidRequest with everything that is wrong with them."""
        clean, found = self._examine(values)
        problems = (*self._nameless(args), *found)
        refuse_or_warn(problems, f"this {self.slug} request")
        self._hold(clean)
        self._warnings = problems

    @classmethod
    def __pydantic_init_subclass__(cls, **more: Any) -> None:
        super().__pydantic_init_subclass__(**more)
        cls.page = page_of(cls.slug)
        cls.timeout = 900 if cls.kind == "video" else 600

    @classmethod
    def name(cls) -> str:
        """What messages call this: the slug."""
        return cls.slug

    @classmethod
    def json_schema(cls) -> dict[str, Any]:
        """JSON Schema 2020-12 of the body as it is sent: pictures are addresses, unset is absent."""
        head = {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": cls.title}
        return head | {"description": cls.summary} | super().json_schema()

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
        held, values = {param.name: param for param in self._params}, self.values()
        return tuple(each for name, value in values.items() for each in held[name].pictures(value, name))

    def body(self, urls: Mapping[str, str] | None = None) -> dict[str, Any]:
        """The JSON body, each picture replaced by `urls[path]`; a web address stands for itself.

        InvalidRequest when a picture has no web address: nothing local travels.
        """
        return pictures.body(self, urls or {})

    def code(self) -> Code:
        """The Python that makes this request: exact, and with a warning where a picture has no text form."""
        return python_code(self)

    def _repr_html_(self) -> str:
        rows = [(name, _cell(value)) for name, value in self._set().items()]
        return table((self.slug, type(self).__name__), rows)


def page_of(slug: str) -> str:
    """Where the service describes a model."""
    return f"https://www.segmind.com/models/{slug}/api"


def refuse_or_warn(problems: Sequence[Problem], subject: str) -> None:
    """Raise InvalidRequest with all problems when one is an error; else issue each as a RequestWarning.

    A warning points at the first line up the stack that is not this package's.
    """
    if any(problem.level == "error" for problem in problems):
        raise InvalidRequest(problems, subject)
    # warnings.warn can skip packages by itself only from Python 3.12 on.
    frame, level = sys._getframe(), 1
    while frame.f_back and str(frame.f_globals.get("__name__")).partition(".")[0] in _OURS:
        frame, level = frame.f_back, level + 1
    for problem in problems:
        warnings.warn(RequestWarning(str(problem)), stacklevel=level)


def _cell(value: Any) -> str:
    if isinstance(value, tuple):
        return "; ".join(_cell(item) for item in value)
    if isinstance(value, Described):
        return ", ".join(f"{name}: {_cell(each)}" for name, each in value.values().items())
    if isinstance(value, list):
        return f"[{', '.join(_cell(item) for item in value)}]"
    return value if isinstance(value, str) else shown(value)
