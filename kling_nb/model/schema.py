"""JSON Schema 2020-12 of a body as it is sent."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .fields import Param


def of_object(params: tuple[Param, ...], any_of: tuple[str, ...] = ()) -> dict[str, Any]:
    """The schema of an object that holds `params`, of which one of `any_of` has to be there."""
    schema: dict[str, Any] = {
        "type": "object",
        "properties": {param.name: of_param(param) for param in params},
        "required": [param.name for param in params if param.required],
        "additionalProperties": False,
    }
    return schema | ({"anyOf": [{"required": [name]} for name in any_of]} if any_of else {})


def of_param(param: Param) -> dict[str, Any]:
    """The schema of one parameter."""
    notes = {"title": param.label, "description": param.help, "default": param.default}
    return _SHAPES[param.kind](param) | {
        key: value for key, value in notes.items() if value not in ("", None)
    }


def _text(param: Param) -> dict[str, Any]:
    # What is blank counts as not given, so it never travels.
    shape: dict[str, Any] = {"type": "string", "minLength": 1, "pattern": r"\S"}
    return shape | ({"maxLength": param.max_length} if param.max_length else {})


def _choice(param: Param) -> dict[str, Any]:
    values = [value for value, _ in param.choices]
    return {"type": "string" if isinstance(values[0], str) else "integer", "enum": values}


def _number(param: Param) -> dict[str, Any]:
    bounds = {"minimum": param.minimum, "maximum": param.maximum}
    return {"type": param.kind} | {key: value for key, value in bounds.items() if value is not None}


def _list(param: Param) -> dict[str, Any]:
    shape: dict[str, Any] = {"type": "array", "items": of_param(param.item or Param("text")), "minItems": 1}
    return shape | ({"maxItems": param.max_items} if param.max_items else {})


_SHAPES: dict[str, Callable[[Param], dict[str, Any]]] = {
    "text": _text,
    "choice": _choice,
    "number": _number,
    "integer": _number,
    "flag": lambda _: {"type": "boolean"},
    "picture": lambda _: {"type": "string", "format": "uri", "pattern": "^[Hh][Tt][Tt][Pp][Ss]?://"},
    "list": _list,
    "part": lambda param: of_object(param.parts, param.any_of),
}
