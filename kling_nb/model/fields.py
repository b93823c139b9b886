"""A parameter, described once. Checks, body, form, catalogue and JSON Schema are all readers of `Param`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
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
    - `item`: what a list holds. `parts`: the parameters of a nested part, `make`: its class, `any_of`:
      names of which at least one has to be filled in.
    - `shown_when`: (name, values): this parameter only means something while that one has such a value.
    - `reference`: how a prompt points at the n-th item of a list, with {} for n.
    """

    kind: Kind
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
    help: str = ""
    label: str = ""
    group: str = "advanced"
    item: Param | None = None
    parts: tuple[Param, ...] = ()
    make: type[Any] | None = None
    any_of: tuple[str, ...] = ()
    multiline: bool = False
    shown_when: tuple[str, tuple[Any, ...]] | None = None
    reference: str | None = None

    @property
    def wanted(self) -> str:
        """What to give, as a sentence: `Use a number from 0 to 1.`"""
        return _WANTED[self.kind](self)

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


def map_pictures(
    params: tuple[Param, ...], values: Mapping[str, Any], change: Callable[[str, Any], Any], prefix: str = ""
) -> dict[str, Any]:
    """`values` with every picture replaced by `change(path, picture)`; all else is copied."""
    named = {param.name: param for param in params}
    return {name: _mapped(named[name], value, change, prefix + name) for name, value in values.items()}


def _mapped(param: Param, value: Any, change: Callable[[str, Any], Any], path: str) -> Any:
    if param.kind == "picture":
        return change(path, value)
    if param.kind == "part" and isinstance(value, Mapping):
        return map_pictures(param.parts, value, change, f"{path}.")
    if param.item and isinstance(value, (list, tuple)):
        return [_mapped(param.item, item, change, f"{path}[{at}]") for at, item in enumerate(value)]
    return value


def _wanted_text(param: Param) -> str:
    return f"Use a text of at most {param.max_length} characters." if param.max_length else "Use a text."


def _wanted_choice(param: Param) -> str:
    if param.minimum is not None:
        return f"Use a whole number of seconds from {param.minimum:g} to {param.maximum:g}."
    return f"Use one of {', '.join(repr(value) for value, _ in param.choices)}."


def _wanted_number(param: Param) -> str:
    whole = "whole " if param.kind == "integer" else ""
    return f"Use a {whole}number from {param.minimum:g} to {param.maximum:g}."


def _wanted_list(param: Param) -> str:
    return f"Use a list of at most {param.max_items}." if param.max_items else "Use a list."


def _wanted_part(param: Param) -> str:
    inside = ", ".join(f"{part.name}=..." for part in param.parts)
    return f"Use {param.make.__name__ if param.make else 'dict'}({inside}) or a dict with the same names."


_WANTED: dict[str, Callable[[Param], str]] = {
    "text": _wanted_text,
    "choice": _wanted_choice,
    "number": _wanted_number,
    "integer": _wanted_number,
    "flag": lambda _: "Use True or False.",
    "picture": lambda _: "Use a web address, a file path, bytes, a PIL image, a numpy array or an Image.",
    "list": _wanted_list,
    "part": _wanted_part,
}
