"""Nested values: a list with rows that are made on demand and kept, and a part with its own fields."""

from __future__ import annotations

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
from .theme import Wardrobe


class PartControl(Control):
    """A nested part: the fields of an element or a shot."""

    classes = ("kling-part",)

    def __init__(self, param: Param, clothes: Wardrobe, changed: Changed) -> None:
        self.fields = {part.name: make_control(part, clothes, changed) for part in param.parts}
        super().__init__(param, clothes, changed)

    def _make_input(self) -> Any:
        inside = tuple(field.box for field in self.fields.values())
        return self._clothes.make(widgets.VBox, "kling-grid", children=inside)

    def _children(self) -> tuple[Any, ...]:
        return (self.note, self.input)

    def _watch(self) -> None:
        """The box itself has no value; its fields tell of their changes."""

    def _note(self, problems: list[Problem]) -> str:
        return tag("div", escape(self.title), class_="kling-label") + super()._note(problems)

    def name(self, label: str) -> None:
        """Be called `label` from now on."""
        if label != self.title:
            self.title = label
            self.note.value = self._note(self._due)

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
        """The part and its fields."""
        yield path, self
        for name, field in self.fields.items():
            yield from field.walk(f"{path}.{name}")


class ListControl(Control):
    """Any number of the same, up to a limit that can be seen. Removed rows are pooled, so nothing leaks."""

    classes = ("kling-wide", "kling-list")

    def __init__(self, param: Param, clothes: Wardrobe, changed: Changed) -> None:
        self.rows: list[_Row] = []
        self._pool: list[_Row] = []
        super().__init__(param, clothes, changed)

    def _make_input(self) -> Any:
        button = self._clothes.make(widgets.Button, description=self._add_label(0))
        button.on_click(lambda _: self._add_pressed())
        return button

    def _children(self) -> tuple[Any, ...]:
        return (self.note, self.input)

    def _watch(self) -> None:
        """A button has no value."""

    @property
    def _item(self) -> Param:
        item = self.param.item
        if item is None:
            raise TypeError(f"{self.param.name} is a list of nothing")
        return item

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
        self._resize(len(items))
        for row, item in zip(self.rows, items, strict=True):
            row.control.write(item)
        self._arrange()

    def walk(self, path: str) -> Iterator[tuple[str, Control]]:
        """The list and its rows. A row that holds nothing has no place in the value, and no path there."""
        yield path, self
        at = 0
        for row in self.rows:
            yield from row.control.walk(f"{path}[{at}]")
            at += row.control.value is not ABSENT

    def _resize(self, count: int) -> None:
        while len(self.rows) > count:
            self._pool.append(self.rows.pop())
        while len(self.rows) < count:
            self.rows.append(self._pool.pop() if self._pool else self._make_row())

    def _make_row(self) -> _Row:
        control = make_control(self._item, self._clothes, self._changed)
        row = _Row(control, self._clothes.make(widgets.Button, "kling-remove", description="Remove"))
        row.remove.on_click(lambda _: self._removed(row))
        control.box.children = (row.remove, *control.box.children)
        return row

    def _add_pressed(self) -> None:
        if self.param.max_items is not None and len(self.rows) >= self.param.max_items:
            return
        self._kept = ABSENT
        self._resize(len(self.rows) + 1)
        self.rows[-1].control.write(ABSENT)
        self._touched()

    def _removed(self, row: _Row) -> None:
        if row in self.rows:
            self.rows.remove(row)
            self._pool.append(row)
            self._touched()

    def _touched(self) -> None:
        self.told = True
        self._arrange()
        self._changed(self)

    def _arrange(self) -> None:
        for number, row in enumerate(self.rows, 1):
            label = f"{self._item.label or self._item.name} {number}"
            row.name(label)
        children = (self.note, *(row.control.box for row in self.rows), self.input)
        if self.box.children != children:
            self.box.children = children
        self.input.description = self._add_label(len(self.rows))
        self.input.disabled = self.param.max_items is not None and len(self.rows) >= self.param.max_items

    def _add_label(self, count: int) -> str:
        what = (self._item.label or self._item.name).lower()
        if self.param.max_items is None:
            return f"Add {what}"
        full = count >= self.param.max_items
        return f"{'Full' if full else f'Add {what}'} ({count} of {self.param.max_items})"

    def _note(self, problems: list[Problem]) -> str:
        return tag("div", escape(self.param.label), class_="kling-label") + super()._note(problems)


class _Row:
    """One item of a list with the button that takes it out."""

    def __init__(self, control: Control, remove: Any) -> None:
        self.control, self.remove = control, remove

    def name(self, label: str) -> None:
        """Number the row: people and prompts count from one."""
        self.control.name(label)
        self.remove.description = f"Remove {label.lower()}"


_KINDS: Mapping[str, Callable[[Param, Wardrobe, Changed], Control]] = {
    "text": TextControl,
    "choice": ChoiceControl,
    "number": NumberControl,
    "integer": NumberControl,
    "flag": FlagControl,
    "picture": PictureControl,
    "list": ListControl,
    "part": PartControl,
}


def make_control(param: Param, clothes: Wardrobe, changed: Changed) -> Control:
    """The control that can hold everything `param` allows; a kind nobody knows is an error, not a guess."""
    if param.kind not in _KINDS:
        raise TypeError(f"no control for {param.name}, a parameter of kind {param.kind!r}")
    return _KINDS[param.kind](param, clothes, changed)
