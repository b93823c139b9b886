"""One item of a list: its control, the buttons that arrange it and, for a part, the line it folds into."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import PurePath
from typing import Any
from urllib.parse import unquote, urlsplit

import ipywidgets as widgets

from ..markup import mask, short, size_text
from ..model.fields import Param
from .controls import ABSENT, Control
from .places import same
from .theme import Wardrobe, change

ADD, FOLD, UP, DOWN, COPY, REMOVE = "add", "fold", "up", "down", "copy", "remove"
_WORDS = {UP: "Move {} up", DOWN: "Move {} down", COPY: "Duplicate {}", REMOVE: "Remove {}"}
_OPEN = "kling-open"


class Row:
    """A control with a line above it. Its buttons are made when they are first shown, and kept."""

    def __init__(self, control: Control, clothes: Wardrobe, pressed: Callable[[str, Row], None]) -> None:
        self.control, self._clothes, self._pressed = control, clothes, pressed
        self.folds = bool(control.param.parts)
        self.is_open = not self.folds
        self.line: Any = None
        self.toggle: Any = None
        self._summed: Any = ABSENT
        self.tools: dict[str, Any] = {}

    def show(self, label: str, off: set[str], *, tools: bool) -> tuple[Any, ...]:
        """Be called `label` and have the tools in `off` switched off; the widgets to show, in order."""
        if label != self.control.title:
            self.control.name(label)
        shown = [*self._toggle(label), *(self._tools(label.lower(), off) if tools or self.tools else ())]
        if self.line is None:
            look = "kling-part-line" if self.folds else "kling-tools"
            self.line = self._clothes.make(widgets.HBox, "kling-line", look, children=tuple(shown))
        change(self.line, children=tuple(shown))
        return (self.line, self.control.box if self.is_open else self.control.note)

    def sum_up(self) -> None:
        """Let the line of a folded part say what is in it now."""
        if not self.is_open and not same(self._summed, now := self.control.value):
            self._summed = now
            change(self.toggle, description=_folded(self.control))

    def focus(self, tool: str) -> None:
        """Put the keyboard on a tool, or on the first that can be used where that one can not."""
        usable = (each for each in (self.tools[tool], *self.tools.values()) if not each.disabled)
        next(usable).focus()  # a row can always be removed

    def enter(self) -> None:
        """Put the keyboard where the row is filled in."""
        _first(self.control).focus()

    def _toggle(self, label: str) -> tuple[Any, ...]:
        if not self.folds:
            return ()
        text = label if self.is_open else _folded(self.control)
        if self.toggle is None:
            self.toggle = self._button(FOLD, text, "kling-toggle")
        look = ("kling-toggle", _OPEN) if self.is_open else ("kling-toggle",)
        change(self.toggle, description=text, _dom_classes=look)
        return (self.toggle,)

    def _tools(self, name: str, off: set[str]) -> tuple[Any, ...]:
        for tool, words in _WORDS.items():
            text, disabled = words.format(name), tool in off
            if tool not in self.tools:
                self.tools[tool] = self._button(tool, text, "kling-tool", disabled=disabled)
            change(self.tools[tool], description=text, disabled=disabled)
        return tuple(self.tools.values())

    def _button(self, tool: str, text: str, *look: str, **more: Any) -> Any:
        made = self._clothes.make(widgets.Button, *look, description=text, **more)
        made.on_click(lambda _: self._pressed(tool, self))
        return made


def _first(control: Control) -> Any:
    fields = list(getattr(control, "fields", {}).values())
    return _first(fields[0]) if fields else control.input


def _folded(part: Control) -> str:
    fields: list[Control] = list(getattr(part, "fields", {}).values())
    # What is short comes first, so that a long prompt can be cut off at the end of the line.
    ordered = sorted(fields, key=lambda field: field.param.kind == "text")
    facts = [] if part.is_empty else [fact for field in ordered if (fact := _in_short(field))]
    return " · ".join([part.title, *(facts or ["empty"])])


def _in_short(control: Control) -> str:
    value, param = control.value, control.param
    if value is ABSENT:
        value = param.default if param.kind == "choice" else ABSENT
    if value is ABSENT or value is None:
        return ""
    return short(mask(_TELL.get(param.kind, _plain)(param, value)), 80)


def _plain(_: Param, value: Any) -> str:
    return str(value)


def _choice(param: Param, value: Any) -> str:
    return next((label for known, label in param.choices if str(known) == str(value)), str(value))


def _many(param: Param, value: Any) -> str:
    return f"{param.label.lower()}: {len(value) if isinstance(value, (list, tuple)) else value}"


def _picture(_: Param, value: Any) -> str:
    return picture_name(value)


_TELL: dict[str, Callable[[Param, Any], str]] = {"choice": _choice, "list": _many, "picture": _picture}


def picture_name(value: Any) -> str:
    """A picture in a few words: the last part of its address or path, or its size."""
    if isinstance(value, bytes):
        return f"picture of {size_text(len(value))}"
    if isinstance(value, str) and "://" in value:
        parts = urlsplit(value)
        return unquote(PurePath(parts.path).name) or parts.netloc
    path = getattr(value, "path", value)
    return PurePath(path).name if isinstance(path, (str, PurePath)) else "picture in memory"
