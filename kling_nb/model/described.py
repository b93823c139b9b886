"""What requests and their nested parts share: fields that carry their description, values that stay."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Mapping
from inspect import Parameter, Signature
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from pydantic import BaseModel, ConfigDict
from pydantic.fields import FieldInfo

from ..errors import InvalidRequest, Problem
from ..markup import mask
from . import pictures
from .fields import Param
from .reading import Found, is_blank, read
from .wording import did_you_mean, near, shown

_D = TypeVar("_D", bound="Described")


class Value:
    """Something that does not change and is compared by what it holds, pictures by their pixels or bytes."""

    def values(self) -> dict[str, Any]:
        """What was set."""
        raise NotImplementedError

    def _like(self, change: Callable[[str, Any], Any]) -> tuple[Any, ...]:
        return type(self), getattr(self, "slug", ""), pictures.mapped(self.values(), change)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Value) and self._like(pictures.content) == other._like(pictures.content)

    def __hash__(self) -> int:
        return hash(repr(self._like(pictures.place)))

    if not TYPE_CHECKING:  # else a type checker would allow any assignment

        def __setattr__(self, name: str, value: object) -> None:
            if name in getattr(self, "__private_attributes__", ()):
                super().__setattr__(name, value)
            else:
                raise AttributeError(f"{type(self).__name__} does not change. Use replace({name}=...).")

        def __delattr__(self, name: str) -> None:
            raise AttributeError(f"{type(self).__name__} does not change. Use replace({name}=None).")


class Described(Value, BaseModel):
    """A frozen value whose every field carries a `Param`. What is unset reads as the page's default."""

    model_config = ConfigDict(frozen=True, extra="forbid", protected_namespaces=())

    hints: ClassVar[Mapping[str, str]] = MappingProxyType({})
    """What to say to somebody who gives a parameter that is not there."""
    any_of: ClassVar[tuple[str, ...]] = ()
    """Names of which at least one has to be filled in."""
    _params: ClassVar[tuple[Param, ...]] = ()

    @classmethod
    def __pydantic_init_subclass__(cls, **_: Any) -> None:
        fields = cls.model_fields
        cls._params = tuple(_bound(name, info) for name, info in fields.items())
        # pydantic would spell out every description, and a notebook shows it in its tooltip.
        cls.__signature__ = Signature([_argument(name, info) for name, info in fields.items()])

    def __dir__(self) -> list[str]:
        # What pydantic brings would bury the parameters under Tab.
        return [name for name in super().__dir__() if name.startswith("__") or not hasattr(BaseModel, name)]

    def _hold(self, values: Mapping[str, Any]) -> None:
        held = {p.name: _built(p, values[p.name]) for p in self._params if p.name in values}
        super().__init__(**held)

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
        raise InvalidRequest(cls.strangers({name: None}), cls.name())

    @classmethod
    def name(cls) -> str:
        """What messages call this."""
        return cls.__name__

    @classmethod
    def json_schema(cls) -> dict[str, Any]:
        """JSON Schema 2020-12 of the body as it is sent: pictures are addresses, unset is absent."""
        schema: dict[str, Any] = {
            "type": "object",
            "properties": {param.name: param.schema() for param in cls._params},
            "required": [param.name for param in cls._params if param.required],
            "additionalProperties": False,
        }
        return schema | ({"anyOf": [{"required": [name]} for name in cls.any_of]} if cls.any_of else {})

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
        found: Found = []
        clean = cls.read(values, found)
        return clean, tuple(dict.fromkeys([*found, *cls._across(clean, found)]))

    @classmethod
    def read(cls, values: Mapping[str, Any], found: Found, path: str = "") -> dict[str, Any]:
        """What is filled in and fits, in the service's own types; everything else goes into `found`."""
        prefix = f"{path}." if path else ""
        found += cls.strangers(values, prefix)
        if cls.any_of and all(is_blank(values.get(name)) for name in cls.any_of):
            what = f"neither {' nor '.join(cls.any_of)} was given. Give it at least one picture."
            found.append(Problem(path, what))
        got = {p.name: read(p, values.get(p.name), prefix + p.name, found) for p in cls._params}
        return {name: value for name, value in got.items() if value is not None}

    @classmethod
    def strangers(cls, values: Mapping[str, Any], prefix: str = "") -> Found:
        """A problem for each name that this does not know."""
        known = [param.name for param in cls._params]
        # A name that is needed and not given yet is the likelier meaning: image_url for start_image_url.
        needed = [param.name for param in cls._params if param.required and is_blank(values.get(param.name))]
        found = []
        for name in values:
            if name not in known:
                close = did_you_mean(near(name, needed, 1) or near(name, known, 1)).strip()
                todo = cls.hints.get(name) or close or f"It takes {', '.join(known)}."
                found.append(Problem(f"{prefix}{name}", f"{cls.name()} has no such parameter. {todo}"))
        return found

    @classmethod
    def _across(cls, _clean: dict[str, Any], _found: Found) -> Iterable[Problem]:
        return ()

    @classmethod
    def _nameless(cls, args: tuple[Any, ...]) -> tuple[Problem, ...]:
        if not args:
            return ()
        many = "1 value has no name" if len(args) == 1 else f"{len(args)} values have no name"
        what = f"{many}: {', '.join(map(shown, args))}."
        return (Problem("", f"{what} Write {cls.__name__}({cls._params[0].name}=...)."),)

    @classmethod
    def model_validate(cls: type[_D], obj: Any, **_: Any) -> _D:
        """`obj`, or what a dict of values makes; InvalidRequest instead of pydantic's own error."""
        return obj if isinstance(obj, cls) else cls(**{str(name): value for name, value in dict(obj).items()})

    def model_copy(self: _D, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> _D:
        """A copy; with `update` the same as `replace`, so that no change escapes the checks."""
        return self.replace(**update) if update else super().model_copy(deep=deep)

    def values(self) -> dict[str, Any]:
        """What was set, as plain dicts and lists in the order of the page; `cls(**values)` gives it back."""
        plain: dict[str, Any] = pictures.mapped(self._set(), _plain)
        return plain

    def replace(self: _D, **changes: Any) -> _D:
        """The same with some values changed and checked anew; None takes a value away."""
        return type(self)(**(self.values() | changes))

    def _set(self) -> dict[str, Any]:
        # A traceback may show a request whose making was refused half-way.
        filled = getattr(self, "__pydantic_fields_set__", ())
        return {p.name: getattr(self, p.name) for p in self._params if p.name in filled}

    def __repr__(self) -> str:
        filled = (f"{name}={pictures.code(value)}" for name, value in self._set().items())
        return mask(f"{type(self).__name__}({', '.join(filled)})")

    __str__ = __repr__


def _built(param: Param, value: Any) -> Any:
    """A value that was read, as its attribute holds it: lists as tuples, parts as their class."""
    if param.item and isinstance(value, (list, tuple)):
        return tuple(_built(param.item, item) for item in value)
    return param.make(**value) if param.make and isinstance(value, dict) else value


def _plain(_path: str, value: Any) -> Any:
    return value.values() if isinstance(value, Described) else value


def _bound(name: str, info: FieldInfo) -> Param:
    for entry in info.metadata:
        if isinstance(entry, Param):
            default = None if info.is_required() or info.default == () else info.default
            return dataclasses.replace(entry, name=name, required=info.is_required(), default=default)
    raise TypeError(f"{name} has no Param, so nobody would check it")


def _argument(name: str, info: FieldInfo) -> Parameter:
    default = Parameter.empty if info.is_required() else info.default
    return Parameter(name, Parameter.KEYWORD_ONLY, default=default, annotation=info.annotation)
