"""Nested values: a list with rows that are made on demand and kept, and a part with its own fields."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import ipywidgets as widgets

from ..errors import Problem
from ..markup import escape, tag
from ..model.fields import Param
from .controls import (
    ABSENT,
    Changed,
    ChoiceControl,
    Control,
    FlagControl,
    NumberControl,
    TextControl,
)
from .picture_input import PictureControl
from .rows import ADD, COPY, DOWN, FOLD, REMOVE, UP, Row
from .strip import Strip, whole_of
from .theme import Wardrobe, change


class PartControl(Control):
    """A nested part: the fields of an element or a shot. The row it is in says its name.

    While it is `folded`, its note tells what is wrong with its fields, which can not be seen then.
    """

    classes = ("kling-part",)

    def __init__(self, param: Param, clothes: Wardrobe, changed: Changed, client: Any = None) -> None:
        self.fields = {part.name: make_control(part, clothes, changed, client) for part in param.parts}
        self.folded = False
        self._inside: list[Problem] = []
        super().__init__(param, clothes, changed)

    def _make_input(self) -> Any:
        inside = tuple(field.box for field in self.fields.values())
        return self._clothes.make(widgets.VBox, "kling-grid", children=inside)

    def _children(self) -> tuple[Any, ...]:
        return (self.note, self.input)

    def _watch(self) -> None:
        """The box itself has no value; its fields tell of their changes."""

    def tell(self, problems: list[Problem]) -> None:
        """Show what is wrong, here or, while they can not be seen, in the fields."""
        inside = list(self._hidden()) if self.folded else []
        self._stale = self._stale or inside != self._inside
        self._inside = inside
        super().tell(problems)

    def _hidden(self) -> Iterator[Problem]:
        for name, field in self.fields.items():
            for _, control in field.walk(name):
                for each in control._due:
                    yield dataclasses.replace(each, message=f"{control.title}: {each.message}")

    def _note(self, problems: list[Problem]) -> str:
        return super()._note([*problems, *self._inside])

    def name(self, label: str) -> None:
        """Be called `label` from now on."""
        self.title = label

    @property
    def value(self) -> Any:
        """What is filled in, as a dict; empty when nothing is."""
        if self._kept is not ABSENT:
            return self._kept
        held = ((name, field.value) for name, field in self.fields.items())
        return {name: value for name, value in held if value is not ABSENT}

    @property
    def is_empty(self) -> bool:
        """True while none of its fields is filled in."""
        return self._kept is ABSENT and all(field.is_empty for field in self.fields.values())

    def write(self, value: Any) -> None:
        """Fill in a dict, or anything that has `values()` as a part does."""
        plain = value.values() if not isinstance(value, Mapping) and hasattr(value, "values") else value
        fits = isinstance(plain, Mapping) and set(plain) <= set(self.fields)
        self._keep(value, fits=fits)
        for name, field in self.fields.items():
            field.write(plain.get(name, ABSENT) if fits else ABSENT)

    def walk(self, path: str) -> Iterator[tuple[str, Control]]:
        """The fields and then the part, which sums them up."""
        for name, field in self.fields.items():
            yield from field.walk(f"{path}.{name}")
        yield path, self


class ListControl(Control):
    """Any number of the same, up to a limit that can be seen. Removed rows are pooled, so nothing leaks.

    Parts that a program fills in come folded, those a person adds come open.
    """

    classes = ("kling-wide", "kling-list")

    def __init__(self, param: Param, clothes: Wardrobe, changed: Changed, client: Any = None) -> None:
        self.rows: list[Row] = []
        self._pool: list[Row] = []
        self._client = client
        self._items: Any = None
        self._strip: Strip | None = None
        self._item = _item(param)
        # Until a person is at work on a list of parts, its lines have no tools: they would be half the form.
        self._tools = not self._item.parts
        super().__init__(param, clothes, changed)

    def _make_input(self) -> Any:
        button = self._clothes.make(widgets.Button, description=self._add_label(0))
        button.on_click(lambda _: self._pressed(ADD, None))
        return button

    def _children(self) -> tuple[Any, ...]:
        return (self.note, self.input)

    def _watch(self) -> None:
        """A button has no value."""

    def measure(self, controls: dict[str, Control]) -> None:
        """Show what the items' seconds add up to, where they have some and the whole has too."""
        found = whole_of(self.param, controls)
        if found:
            self._strip = Strip(*found, self._clothes, self._changed)

    @property
    def value(self) -> Any:
        """The rows in order; rows in which nothing is filled in count when they are parts."""
        if self._kept is not ABSENT:
            return self._kept
        values = [row.control.value for row in self.rows]
        # An empty text row is one not typed yet; the service would take it for a text.
        return [value for value in values if value is not ABSENT] or ABSENT

    def write(self, value: Any) -> None:
        """Fill in a list; rows that are there are kept and only what differs is sent."""
        fits = isinstance(value, (list, tuple))
        self._keep(value, fits=fits)
        items = list(value) if fits else []
        self._pool += reversed(self.rows[len(items) :])
        del self.rows[len(items) :]
        while len(self.rows) < len(items):
            self._insert(len(self.rows))
        for row, item in zip(self.rows, items, strict=True):
            row.control.write(item)
        self._arrange()

    def walk(self, path: str) -> Iterator[tuple[str, Control]]:
        """The rows and then the list. A row that holds nothing has no place in the value, so no path."""
        at = 0
        for row in self.rows:
            yield from row.control.walk(f"{path}[{at}]")
            at += row.control.value is not ABSENT
        yield path, self

    def tell(self, problems: list[Problem]) -> None:
        """Show what is wrong; told after its rows, so that their lines and the strip are up to date."""
        super().tell(problems)
        for row in self.rows:
            row.sum_up()
        if self._strip:
            self._frame()

    # What a person does

    def _pressed(self, tool: str, row: Row | None) -> None:
        # A late press on a row that is gone, or on a button that was switched off meanwhile, does nothing.
        at = len(self.rows) if row is None else self.rows.index(row) if row in self.rows else -1
        if at < 0 or tool in self._off(at):
            return
        self._kept = ABSENT
        self._tools = True
        shown = _ACTS[tool](self, at)
        self.told = self.told or tool != FOLD
        self._arrange()
        self._changed(self)
        self._follow(tool, shown)

    def _off(self, at: int) -> set[str]:
        """What can not be done with the row at this place."""
        full = {ADD, COPY} if self._is_full() else set()
        return full | ({UP} if at == 0 else set()) | ({DOWN} if at == len(self.rows) - 1 else set())

    def _is_full(self) -> bool:
        return self.param.max_items is not None and len(self.rows) >= self.param.max_items

    def _add(self, at: int) -> int:
        self._insert(at).control.write(ABSENT)
        self._open(at, is_open=True)
        return at

    def _copy(self, at: int) -> int:
        self._insert(at + 1).control.write(self.rows[at].control.value)
        self._open(at + 1, is_open=self.rows[at].is_open)
        return at + 1

    def _move(self, at: int, to: int) -> int:
        self.rows[at], self.rows[to] = self.rows[to], self.rows[at]
        return to

    def _remove(self, at: int) -> int:
        self._pool.append(self.rows.pop(at))
        return min(at, len(self.rows) - 1)

    def _fold(self, at: int) -> int:
        self._open(at, is_open=not self.rows[at].is_open)
        return at

    def _open(self, at: int, *, is_open: bool) -> None:
        row = self.rows[at]
        row.is_open = is_open or not row.folds
        if isinstance(row.control, PartControl):
            row.control.folded = not row.is_open

    def _follow(self, tool: str, at: int) -> None:
        # What was pressed may have been drawn anew or be gone: the keyboard would begin at the page's top.
        if at < 0:
            self.input.focus()
        elif tool == ADD:
            self.rows[at].enter()
        elif tool != FOLD:
            self.rows[at].focus(tool)

    # How it is laid out

    def _insert(self, at: int) -> Row:
        row = self._pool.pop() if self._pool else self._make_row(at + 1)
        self.rows.insert(at, row)
        self._open(at, is_open=False)
        return row

    def _make_row(self, number: int) -> Row:
        # Named at once, which saves messages; unmarked, because whoever does not want it can remove it; and
        # without a help line of its own, because the list has one.
        param = dataclasses.replace(self._item, label=self._label(number), required=False, help="")
        return Row(
            make_control(param, self._clothes, self._changed, self._client), self._clothes, self._pressed
        )

    def _label(self, number: int) -> str:
        return f"{self._item.label or self._item.name} {number}"

    def _arrange(self) -> None:
        shown: list[Any] = []
        for at, row in enumerate(self.rows):
            shown += row.show(self._label(at + 1), self._off(at), tools=self._tools)
        if self._items is not None:
            change(self._items, children=tuple(shown))
        elif shown:
            self._items = self._clothes.make(widgets.VBox, "kling-items", children=tuple(shown))
        self._frame()
        change(self.input, description=self._add_label(len(self.rows)), disabled=self._is_full())

    def _frame(self) -> None:
        strip = self._strip.show([row.control for row in self.rows]) if self._strip else ()
        items = () if self._items is None else (self._items,)
        change(self.box, children=(self.note, *strip, *items, self.input))

    def _add_label(self, count: int) -> str:
        what = (self._item.label or self._item.name).lower()
        if self.param.max_items is None:
            return f"Add {what}"
        full = count >= self.param.max_items
        return f"{'Full' if full else f'Add {what}'} ({count} of {self.param.max_items})"

    def _note(self, problems: list[Problem]) -> str:
        return tag("div", escape(self.title), class_="kling-label") + super()._note(problems)


_ACTS: Mapping[str, Callable[[ListControl, int], int]] = {
    ADD: ListControl._add,
    COPY: ListControl._copy,
    REMOVE: ListControl._remove,
    FOLD: ListControl._fold,
    UP: lambda control, at: control._move(at, at - 1),
    DOWN: lambda control, at: control._move(at, at + 1),
}
"""What each button does with the row at a place; the place that is looked at then."""


def _item(param: Param) -> Param:
    if param.item is None:
        raise TypeError(f"{param.name} is a list of nothing")
    return param.item


_KINDS: Mapping[str, Callable[[Param, Wardrobe, Changed], Control]] = {
    "text": TextControl,
    "choice": ChoiceControl,
    "number": NumberControl,
    "integer": NumberControl,
    "flag": FlagControl,
}
_WITH_CLIENT: Mapping[str, Callable[[Param, Wardrobe, Changed, Any], Control]] = {
    "picture": PictureControl,
    "list": ListControl,
    "part": PartControl,
}


def make_control(param: Param, clothes: Wardrobe, changed: Changed, client: Any = None) -> Control:
    """The control that can hold everything `param` allows; a kind nobody knows is an error, not a guess.

    `client` says whose earlier results pictures are taken from.
    """
    if param.kind in _WITH_CLIENT:
        return _WITH_CLIENT[param.kind](param, clothes, changed, client)
    if param.kind not in _KINDS:
        raise TypeError(f"no control for {param.name}, a parameter of kind {param.kind!r}")
    return _KINDS[param.kind](param, clothes, changed)
