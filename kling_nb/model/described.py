"""What requests and their nested parts share: fields that carry their description, values that stay."""

from __future__ import annotations

import dataclasses
import sys
import warnings
from collections.abc import Iterable, Mapping
from inspect import Parameter, Signature
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from pydantic import BaseModel, ConfigDict
from pydantic.fields import FieldInfo

from ..errors import InvalidRequest, Problem, RequestWarning
from . import pictures, schema
from .fields import Param, map_pictures
from .reading import Found, read, strangers, without_any
from .wording import shown

_D = TypeVar("_D", bound="Described")
_OURS = {__name__.partition(".")[0], "pydantic"}


class Described(BaseModel):
    """A frozen value whose every field carries a `Param`. What is unset reads as the page's default."""

    model_config = ConfigDict(frozen=True, extra="forbid", protected_namespaces=())

    hints: ClassVar[Mapping[str, str]] = MappingProxyType({})
    """What to say to somebody who gives a parameter that is not there."""
    any_of: ClassVar[tuple[str, ...]] = ()
    """Names of which at least one has to be filled in."""
    _params: ClassVar[tuple[Param, ...]] = ()

    @classmethod
    def __pydantic_init_subclass__(cls, **_: Any) -> None:
        cls._params = tuple(_bound(name, info) for name, info in cls.model_fields.items())
        # pydantic would spell out every description, and a notebook shows it in its tooltip.
        cls.__signature__ = Signature([_argument(name, info) for name, info in cls.model_fields.items()])

    @classmethod
    def params(cls) -> tuple[Param, ...]:
        """Every parameter, in the order of the class body."""
        return cls._params

    @classmethod
    def param(cls, name: str) -> Param:
        """The parameter called `name`; InvalidRequest with near names when there is none."""
        for param in cls._params:
            if param.name == name:
                return param
        raise InvalidRequest(strangers(cls.name(), cls._params, {name: None}, cls.hints), cls.name())

    @classmethod
    def name(cls) -> str:
        """What messages call this."""
        return cls.__name__

    @classmethod
    def json_schema(cls) -> dict[str, Any]:
        """JSON Schema 2020-12 of the body as it is sent: pictures are addresses, unset is absent."""
        return schema.of_object(cls._params, cls.any_of)

    @classmethod
    def __get_pydantic_json_schema__(cls, _core: Any, _handler: Any) -> dict[str, Any]:
        return cls.json_schema()

    @classmethod
    def check(cls, values: Mapping[str, Any]) -> tuple[Problem, ...]:
        """Every error and warning of `values` at once, each with its path. Takes drafts; never raises."""
        return cls._examine(values)[1]

    @classmethod
    def _examine(cls, values: Mapping[str, Any]) -> tuple[dict[str, Any], tuple[Problem, ...]]:
        if not isinstance(values, Mapping):
            what = "the values are not a dict. Give a dict of parameter names and values."
            return {}, (Problem("", what),)
        given = dict(values)
        found: Found = strangers(cls.name(), cls._params, given, cls.hints)
        clean = read(cls._params, given, found)
        found.extend(without_any(cls.any_of, given))
        return clean, tuple(dict.fromkeys([*found, *cls._across(clean, found)]))

    @classmethod
    def _across(cls, _clean: dict[str, Any], _found: Found) -> Iterable[Problem]:
        return ()

    @classmethod
    def _nameless(cls, args: tuple[Any, ...]) -> tuple[Problem, ...]:
        if not args:
            return ()
        many = "1 value has no name" if len(args) == 1 else f"{len(args)} values have no name"
        return (
            Problem(
                "", f"{many}: {', '.join(map(shown, args))}. Write {cls.__name__}({cls._params[0].name}=...)."
            ),
        )

    @classmethod
    def model_validate(cls: type[_D], obj: Any, **_: Any) -> _D:
        """`obj`, or what a dict of values makes; InvalidRequest instead of pydantic's own error."""
        return obj if isinstance(obj, cls) else cls(**{str(name): value for name, value in dict(obj).items()})

    def model_copy(self: _D, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> _D:
        """A copy; with `update` the same as `replace`, so that no change escapes the checks."""
        return self.replace(**update) if update else super().model_copy(deep=deep)

    def values(self) -> dict[str, Any]:
        """What was set, as plain dicts and lists in the order of the page; `cls(**values)` gives it back."""
        return {
            p.name: _plain(getattr(self, p.name)) for p in self._params if p.name in self.model_fields_set
        }

    def replace(self: _D, **changes: Any) -> _D:
        """The same with some values changed and checked anew; None takes a value away."""
        return type(self)(**(self.values() | changes))

    def __eq__(self, other: object) -> bool:
        return (
            type(self) is type(other) and isinstance(other, Described) and self._content() == other._content()
        )

    def __hash__(self) -> int:
        # Pictures may be megabytes and may change, so only equality looks at them.
        return hash((type(self), repr(map_pictures(self._params, self.values(), lambda path, _: path))))

    def _content(self) -> dict[str, Any]:
        return map_pictures(self._params, self.values(), lambda _, value: pictures.content(value))

    def __repr__(self) -> str:
        # A traceback may show a request whose making was refused half-way.
        filled = getattr(self, "__pydantic_fields_set__", ())
        held = ((param, getattr(self, param.name)) for param in self._params if param.name in filled)
        return f"{type(self).__name__}({', '.join(f'{p.name}={_code(p, value)}' for p, value in held)})"

    __str__ = __repr__

    if not TYPE_CHECKING:  # else a type checker would allow any assignment

        def __setattr__(self, name: str, value: object) -> None:
            if name in self.__private_attributes__:
                super().__setattr__(name, value)
            else:
                raise AttributeError(f"{type(self).__name__} does not change. Use replace({name}=...).")

        def __delattr__(self, name: str) -> None:
            raise AttributeError(f"{type(self).__name__} does not change. Use replace({name}=None).")


def build(param: Param, value: Any) -> Any:
    """A value that was read, as its attribute holds it: lists as tuples, parts as their class."""
    if param.kind == "list" and param.item and isinstance(value, (list, tuple)):
        return tuple(build(param.item, item) for item in value)
    return param.make(**value) if param.make and isinstance(value, dict) else value


def warn(problems: Iterable[Problem]) -> None:
    """Issue a RequestWarning for each, at the first line up the stack that is not this package's."""
    # warnings.warn can skip packages by itself only from Python 3.12 on.
    frame, level = sys._getframe(), 1
    while frame.f_back and str(frame.f_globals.get("__name__")).partition(".")[0] in _OURS:
        frame, level = frame.f_back, level + 1
    for problem in problems:
        warnings.warn(RequestWarning(str(problem)), stacklevel=level)


def _bound(name: str, info: FieldInfo) -> Param:
    for entry in info.metadata:
        if isinstance(entry, Param):
            default = None if info.is_required() or info.default == () else info.default
            return dataclasses.replace(entry, name=name, required=info.is_required(), default=default)
    raise TypeError(f"{name} has no Param, so nobody would check it")


def _argument(name: str, info: FieldInfo) -> Parameter:
    default = Parameter.empty if info.is_required() else info.default
    return Parameter(name, Parameter.KEYWORD_ONLY, default=default, annotation=info.annotation)


def _plain(value: Any) -> Any:
    if isinstance(value, Described):
        return value.values()
    return [_plain(item) for item in value] if isinstance(value, tuple) else value


def _code(param: Param, value: Any) -> str:
    if param.item and isinstance(value, tuple):
        return f"[{', '.join(_code(param.item, item) for item in value)}]"
    return pictures.code(value) if param.kind == "picture" else repr(value)
