"""The models this package describes, how to find one, and what a request may cost."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, SupportsIndex, overload

from ..errors import InvalidRequest, Problem
from ..markup import money_text, time_text
from .base import Request
from .fields import Param
from .pages import BY_SLUG, CLASSES
from .parts import Part
from .table import table
from .untyped import Untyped, slug_problems, suggest
from .wording import did_you_mean, shown

_HEAD = ("slug", "class", "makes", "needs", "price, estimate", "time, estimate")
_SAME = ("slug", "title", "kind", "summary", "price", "average_price", "latency", "page")


@dataclass(frozen=True, repr=False)
class Model:
    """A catalogue entry: a request class and what a person wants to know before choosing it.

    `price` and `average_price` (US dollars) and `latency` (seconds) are published figures, so estimates.
    `price` is None where no range is published. `required` names the parameters that have to be given.
    """

    request: type[Request]
    slug: str
    title: str
    kind: Literal["image", "video"]
    summary: str
    required: tuple[str, ...]
    price: tuple[float, float] | None
    average_price: float
    latency: tuple[float, float]
    page: str

    @classmethod
    def of(cls, request: type[Request]) -> Model:
        """The entry of a request class."""
        required = tuple(param.name for param in request.params() if param.required)
        return cls(request=request, required=required, **{name: getattr(request, name) for name in _SAME})

    def __repr__(self) -> str:
        slug, _, kind, needs, price, time = self.cells()
        return f"<Model {slug}: {kind} from {needs}; {price}, {time}>"

    def _repr_html_(self) -> str:
        rows = [
            (p.name, p.label, _range(p), "yes" if p.required else "", p.help) for p in self.request.params()
        ]
        return table((self.slug, "label", "values", "required", "meaning"), rows)

    def cells(self) -> tuple[str, ...]:
        """The entry as a row of the catalogue's table."""
        price = f"about {money_text(self.average_price)} on average"
        if self.price is not None:
            price = " to ".join(dict.fromkeys(map(money_text, self.price)))
        time = " to ".join(dict.fromkeys(map(time_text, self.latency)))
        return self.slug, self.request.__name__, self.kind, ", ".join(self.required), price, time


class Models(tuple[Model, ...]):
    """The catalogue: read-only, in a fixed order; `models()["kling-3-text2image"]` or `models()[0]`."""

    __slots__ = ()

    @overload
    def __getitem__(self, key: SupportsIndex | str) -> Model: ...
    @overload
    def __getitem__(self, key: slice) -> tuple[Model, ...]: ...
    def __getitem__(self, key: SupportsIndex | str | slice) -> Model | tuple[Model, ...]:
        return super().__getitem__(CLASSES.index(find(key)) if isinstance(key, str) else key)

    def __contains__(self, key: object) -> bool:
        return key in (*BY_SLUG, *CLASSES) or super().__contains__(key)

    def __repr__(self) -> str:
        rows = [_HEAD, *(model.cells() for model in self)]
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        lines = (
            "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in rows
        )
        return "\n".join(line.rstrip() for line in lines)

    def _repr_html_(self) -> str:
        return table((*_HEAD, "what it does"), [(*model.cells(), model.summary) for model in self])


def _range(param: Param) -> str:
    if param.choices and not param.span:
        return ", ".join(str(value) for value, _ in param.choices)
    most = param.max_items or param.max_length
    return param.span or (f"{param.kind}, at most {most}" if most else param.kind)


def models() -> Models:
    """The models this package knows: a small read-only catalogue that shows itself as a table."""
    return Models(map(Model.of, CLASSES))


def find(model: object) -> type[Request]:
    """The class of a slug, class, request or entry; InvalidRequest with near names when there is none."""
    known = _known(model)
    if known:
        return known
    message = (
        f"{shown(model)} is not in the catalogue. {did_you_mean(suggest(model))}It has {', '.join(BY_SLUG)}."
    )
    raise InvalidRequest([Problem("model", message)], "the choice of a model")


def _known(model: object) -> type[Request] | None:
    if isinstance(model, str):
        return BY_SLUG.get(model)
    if isinstance(model, Model):
        return model.request
    kind = model if isinstance(model, type) else type(model)
    return kind if issubclass(kind, Request) and kind is not Request else None


def check(model: object, values: Mapping[str, Any]) -> tuple[Problem, ...]:
    """Every error and warning of `values` at once, each with its path. Takes drafts; never raises.

    `model` is a slug, a request class, an entry, or a part such as `Shot`. For a slug that the catalogue does
    not have, only the slug itself is checked.
    """
    if isinstance(model, type) and issubclass(model, Part):
        return model.check(values)
    known = _known(model)
    return known.check(values) if known else slug_problems(model)


def request_for(model: object, values: Mapping[str, Any] | None = None) -> Request | Untyped:
    """The request that `model` and `values` describe; a slug outside the catalogue goes through untyped.

    `model` is a slug, a request class, an entry, or a request, of which `values` then replace some. Raises
    InvalidRequest with all problems at once.
    """
    given = {str(name): value for name, value in (values or {}).items()}
    if isinstance(model, (Request, Untyped)):
        return model.replace(**given) if given else model
    if isinstance(model, str) and model not in BY_SLUG:
        return Untyped(model, given)
    return find(model)(**given)
