"""A parameter, described once. Checks, body, form, catalogue and JSON Schema are all readers of `Param`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Literal

Kind = Literal["text", "choice", "number", "integer", "flag", "picture", "list", "part"]


@dataclass(frozen=True)
class Param:
    """One parameter as the model's page describes it.

    `name`, `required` and `default` are filled in from the class body that holds the parameter. `default`
    is the page's, None where it has none.

    - `choices`: (value, label) pairs. Binding for kind "choice"; for kind "text" the known values of an
      open set. Choices that are whole seconds also carry `minimum` and `maximum`.
    - `minimum`, `maximum`, `step`: bounds of a number, inclusive.
    - `max_length` in characters, `max_items` of a list, `max_bytes` of a picture (1 MB = 10^6 bytes):
      beyond them a request is refused. `advised_max`: beyond it a text or list only earns a warning.
    - `item`: what a list holds. `make`: the class of a nested part, `parts`: its parameters.
    - `shown_when`: (name, values): this parameter only means something while that one has such a value.
    - `reference`: how a prompt points at the n-th item of a list, with {} for n.
    """

    kind: Kind
    label: str = ""
    group: str = "advanced"
    help: str = ""
    name: str = ""
    required: bool = False
    default: Any = None
    choices: tuple[tuple[Any, str], ...] = ()
    minimum: float | None = None
    maximum: float | None = None
    step: float | None = None
    max_length: int | None = None
    max_items: int | None = None
    max_bytes: int | None = None
    advised_max: int | None = None
    item: Param | None = None
    make: Any = None
    parts: tuple[Param, ...] = ()
    multiline: bool = False
    shown_when: tuple[str, tuple[Any, ...]] | None = None
    reference: str | None = None

    def __post_init__(self) -> None:
        if self.make:
            object.__setattr__(self, "parts", self.make.params())

    @property
    def span(self) -> str:
        """The bounds of a number in words: `0 to 1`; empty where there are none."""
        return "" if self.minimum is None else f"{self.minimum:g} to {self.maximum:g}"

    @property
    def wanted(self) -> str:
        """What to give, as a sentence: `Use a number from 0 to 1.`"""
        return f"Use {_WANTED[self.kind](self)}."

    def schema(self) -> dict[str, Any]:
        """JSON Schema of this parameter as it is sent."""
        notes = {"title": self.label, "description": self.help, "default": self.default}
        shape = _SHAPES[self.kind](self) | notes
        return {key: value for key, value in shape.items() if value not in ("", None)}

    def pictures(self, value: Any, path: str) -> Iterator[tuple[str, Any]]:
        """Path and value of each picture inside a value of this parameter."""
        if self.kind == "picture":
            yield path, value
        if self.item:
            for at, each in enumerate(value):
                yield from self.item.pictures(each, f"{path}[{at}]")
        for part in self.parts:
            if part.name in value:
                yield from part.pictures(value[part.name], f"{path}.{part.name}")

    def __get_pydantic_core_schema__(self, _source: object, _handler: object) -> Any:
        # Checking is this description's own business; pydantic only holds the value.
        from pydantic_core import core_schema

        return core_schema.any_schema()


def options(*values: Any, **labels: str) -> tuple[tuple[Any, str], ...]:
    """Choices whose labels are the values themselves, followed by those that need words."""
    return tuple((value, str(value)) for value in values) + tuple(labels.items())


def seconds(low: int, high: int, **more: Any) -> Param:
    """A length in whole seconds, which the service wants as text."""
    choices = tuple((str(count), f"{count} s") for count in range(low, high + 1))
    return Param("choice", choices=choices, minimum=low, maximum=high, step=1, **more)


def _choice_wanted(param: Param) -> str:
    if param.span:
        return f"a whole number of seconds from {param.span}"
    return f"one of {', '.join(repr(value) for value, _ in param.choices)}"


def _part_wanted(param: Param) -> str:
    inside = ", ".join(f"{part.name}=..." for part in param.parts)
    return f"{param.make.__name__ if param.make else 'dict'}({inside}) or a dict with the same names"


_WANTED: dict[str, Callable[[Param], str]] = {
    "text": lambda p: f"a text of at most {p.max_length} characters" if p.max_length else "a text",
    "choice": _choice_wanted,
    "number": lambda p: f"a number from {p.span}",
    "integer": lambda p: f"a whole number from {p.span}",
    "flag": lambda _: "True or False",
    "picture": lambda _: "a web address, a file path, bytes, a PIL image, a numpy array or an Image",
    "list": lambda p: f"a list of at most {p.max_items}" if p.max_items else "a list",
    "part": _part_wanted,
}


def _choice_shape(param: Param) -> dict[str, Any]:
    values = [value for value, _ in param.choices]
    return {"type": "string" if isinstance(values[0], str) else "integer", "enum": values}


def _number_shape(param: Param) -> dict[str, Any]:
    return {"type": param.kind, "minimum": param.minimum, "maximum": param.maximum}


def _list_shape(param: Param) -> dict[str, Any]:
    items = param.item.schema() if param.item else None
    return {"type": "array", "items": items, "minItems": 1, "maxItems": param.max_items}


_SHAPES: dict[str, Callable[[Param], dict[str, Any]]] = {
    # What is blank counts as not given, so it never travels.
    "text": lambda p: {"type": "string", "minLength": 1, "pattern": r"\S", "maxLength": p.max_length},
    "choice": _choice_shape,
    "number": _number_shape,
    "integer": _number_shape,
    "flag": lambda _: {"type": "boolean"},
    "picture": lambda _: {"type": "string", "format": "uri", "pattern": "^[Hh][Tt][Tt][Pp][Ss]?://"},
    "list": _list_shape,
    "part": lambda p: p.make.json_schema(),
}
