"""A request as the Python that makes it: exact, wrapped, and open about what has no text form."""

from __future__ import annotations

import keyword
import math
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from numbers import Integral, Real
from typing import Any

from ..markup import short
from .fields import Param
from .wording import shown

_WIDTH = 92
_INDENT = "    "
# Where a long text may be cut: after white space, and inside what has none for too long.
_PIECE = re.compile(r"\S{1,72}\s{0,8}|\s{1,8}")


class Code(str):
    """Python source that reads as itself at the end of a cell.

    `missing` says what has no text form (a picture in memory) and is only named in it; such source does not
    run as it stands and says so in its first lines.
    """

    missing: tuple[str, ...] = ()

    def __repr__(self) -> str:
        return str(self)


def python_code(model: Any, values: Mapping[str, Any] | None = None) -> Code:
    """The source of a request, or of a draft: a request class and what is filled in so far."""
    author = _Author()
    params: tuple[Param, ...] = getattr(model, "params", tuple)()
    given = model.values() if values is None else values
    arguments = author.arguments(params, given)
    if params:
        name = model.__name__ if isinstance(model, type) else type(model).__name__
        lines = [f"request = {_joined(_Group(f'kn.{name}(', arguments, ')'), 10, open_up=True)}"]
    else:
        call = _Group("kling.submit(", [_text(model.slug), *arguments], ")")
        lines = ["kling = kn.connect()", f"job = {_joined(call, 6, open_up=True)}"]
    faults = model.check(values) if values is not None else ()
    wrong = [*author.missing, *(str(each) for each in faults if each.level == "error")]
    imports = [*(["from pathlib import Path", ""] if author.paths else []), "import kling_nb as kn"]
    found = Code("\n".join([*_warning(wrong), *imports, "", *lines, ""]))
    found.missing = tuple(author.missing)
    return found


@dataclass
class _Group:
    """Something in brackets, on one line or on several."""

    head: str
    items: list[Any]
    tail: str
    comma: str = ","

    def __str__(self) -> str:
        between = f"{self.comma} "
        return f"{self.head}{between.join(map(str, self.items))}{self.tail}"


@dataclass
class _Named:
    """An argument with its name, or a key with its value."""

    name: str
    value: Any

    def __str__(self) -> str:
        return f"{self.name}{self.value}"


@dataclass
class _Author:
    """Writes values down and remembers what could not be written."""

    missing: list[str] = field(default_factory=list)
    paths: bool = False

    def arguments(self, params: tuple[Param, ...], values: Mapping[str, Any]) -> list[Any]:
        """What stands between the brackets of a call."""
        known = {param.name: param for param in params}
        plain = {name: value for name, value in values.items() if _is_name(name)}
        named = [_Named(f"{name}=", self.value(known.get(name), value)) for name, value in plain.items()]
        odd = {name: value for name, value in values.items() if name not in plain}
        return [*named, _Named("**", self.value(None, odd))] if odd else named

    def value(self, param: Param | None, value: Any) -> Any:
        """One value, with the class of a part where the description names one."""
        held = value.values() if hasattr(type(value), "params") else value
        if isinstance(held, Mapping) and param and param.make:
            return _Group(f"kn.{param.make.__name__}(", self.arguments(param.parts, held), ")")
        if isinstance(held, Mapping):
            pairs = [
                _Named(f"{self.value(None, key)}: ", self.value(None, each)) for key, each in held.items()
            ]
            return _Group("{", pairs, "}")
        if isinstance(held, (list, tuple)):
            item = param.item if param else None
            return _Group("[", [self.value(item, each) for each in held], "]")
        return self.atom(held)

    def atom(self, value: Any) -> Any:
        """A value without parts."""
        if isinstance(value, str):
            return _split(str.__str__(value))
        if value is None or isinstance(value, bool):
            return str(value)
        if isinstance(value, Real):
            return _number(int(value) if isinstance(value, Integral) else float(value))
        if isinstance(value, os.PathLike):
            self.paths = True
            return f"Path({_text(os.fsdecode(value))})"
        path = getattr(value, "path", None)
        if isinstance(path, os.PathLike) and type(value).__name__ in ("Image", "Video"):
            return f"kn.{type(value).__name__}({_text(os.fsdecode(path))})"
        return self._stand_in(value)

    def _stand_in(self, value: Any) -> str:
        name = f"picture_{len(self.missing) + 1}"
        self.missing.append(f"{name} stands for {shown(value)}, which has no text form. Give a file's path.")
        return name


def _joined(node: Any, column: int, level: int = 0, *, open_up: bool = False) -> str:
    """A node from `column` on; what does not fit on the line is opened up, one item a line."""
    if isinstance(node, _Named):
        return f"{node.name}{_joined(node.value, column + len(node.name), level)}"
    line = str(node)
    few = not open_up or len(getattr(node, "items", ())) < 2
    if isinstance(node, str) or not node.items or (few and column + len(line) < _WIDTH):
        return line
    step = _INDENT * (level + 1)
    inside = [f"{step}{_joined(item, len(step), level + 1)}{node.comma}" for item in node.items]
    return "\n".join([node.head, *inside, f"{_INDENT * level}{node.tail}"])


def _split(text: str) -> Any:
    """A long text as several, which Python joins."""
    line = _text(text)
    if len(line) < _WIDTH - 12 or not re.search(r"\s", text.strip()):
        return line
    return _Group("(", [_text(piece) for piece in _pieces(text)], ")", comma="")


def _pieces(text: str) -> Iterator[str]:
    held = ""
    for word in _PIECE.findall(text):
        if held and (len(held) + len(word) > _WIDTH - 16 or held.endswith("\n")):
            yield held
            held = ""
        held += word
    yield held


def _text(text: str) -> str:
    """A text as Python writes it, and nothing in it that can not be seen."""
    quote = "'" if '"' in text and "'" not in text else '"'
    return f"{quote}{''.join(_letter(letter, quote) for letter in text)}{quote}"


def _letter(letter: str, quote: str) -> str:
    if letter in (quote, "\\"):
        return f"\\{letter}"
    return letter if letter.isprintable() else letter.encode("unicode_escape").decode("ascii")


def _number(value: int | float) -> str:
    if isinstance(value, float):
        return repr(value) if math.isfinite(value) else f'float("{value}")'
    return str(value) if abs(value) < 10**300 else hex(value)  # Python refuses to spell out longer ones


def _is_name(name: object) -> bool:
    # Python reads letters outside ASCII in a name as others that look like them.
    return isinstance(name, str) and name.isascii() and name.isidentifier() and not keyword.iskeyword(name)


def _warning(wrong: list[str]) -> Iterator[str]:
    if wrong:
        yield "# This does not run as it stands:"
    for each in wrong:
        yield f"# {''.join(letter if letter.isprintable() else ' ' for letter in short(each, 150))}"
