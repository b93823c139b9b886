"""What folds out below a form: its request in Python, and its presets. Made when first opened."""

from __future__ import annotations

import html
from collections.abc import Callable
from typing import Any, Protocol

import ipywidgets as widgets

from ..errors import KlingError
from ..markup import escape, tag
from ..model.code import Code
from .presets import Presets
from .theme import Wardrobe, told


class Owner(Protocol):
    """What a drawer asks of its form."""

    code: Code
    presets: Presets
    values: dict[str, Any]

    def swap(self, values: dict[str, Any], what: str) -> None: ...


class Drawer:
    """A panel behind a button; `moved` is told when it opens or closes."""

    words = ""

    def __init__(self, owner: Owner, clothes: Wardrobe, moved: Callable[[], None]) -> None:
        self._owner, self._make, self._moved = owner, clothes.make, moved
        self._panel: Any = None
        self.is_open = False
        self.button = clothes.make(widgets.Button, description=f"Show {self.words}")
        self.button.on_click(lambda _: self._pressed())

    @property
    def panel(self) -> tuple[Any, ...]:
        """The panel while it is open."""
        return (self._panel,) if self.is_open else ()

    def refresh(self) -> None:
        """The form has changed."""

    def _pressed(self) -> None:
        self.is_open = not self.is_open
        self.button.description = f"{'Hide' if self.is_open else 'Show'} {self.words}"
        if self._panel is None:
            self._panel = self._made()
        self.refresh()
        self._moved()

    def _made(self) -> Any:
        raise NotImplementedError


class CodeDrawer(Drawer):
    """The request as Python, live, to be read and copied."""

    words = "code"

    def _made(self) -> Any:
        return self._make(widgets.HTML, "kling-drawer")

    def refresh(self) -> None:
        """Show what is filled in now."""
        if self.is_open:
            code = str(self._owner.code).rstrip()
            # Not masked as other text is: it has to be exact, and a person is about to copy it.
            area = tag(
                "textarea",
                html.escape(code),
                class_="kling-code",
                rows=min(code.count("\n") + 1, 24),
                wrap="off",
                readonly=True,
                spellcheck="false",
                data_lm_suppress_shortcuts="true",
            )
            said = "This request in Python (Ctrl+A in it selects all)"
            self._panel.value = tag("label", tag("span", escape(said), class_="kling-label"), area)


class PresetDrawer(Drawer):
    """Presets: choose, keep, delete, and share as JSON."""

    words = "presets"

    def _made(self) -> Any:
        make = self._make
        self._busy = False
        self._choice = make(widgets.Dropdown, description="Preset")
        self._choice.observe(self._chosen, "value")
        self._name = make(widgets.Text, description="Name", placeholder="such as: night scene")
        self._json = make(widgets.Textarea, description="As JSON", rows=4, placeholder="Paste a preset here")
        self._said = make(widgets.HTML, "kling-wide", "kling-note")
        self._delete = self._button("Delete this preset", self._deleted)
        rows = (
            *self._row(self._choice, self._delete),
            *self._row(self._name, self._button("Save what is filled in", self._saved)),
            make(widgets.VBox, "kling-field", "kling-wide", children=(self._json,)),
            self._row_of(
                self._button("Show what is filled in as JSON", self._exported),
                self._button("Fill in from this JSON", self._imported),
            ),
            self._said,
        )
        panel = make(widgets.VBox, "kling-drawer", "kling-presets", children=rows)
        self._list()
        return panel

    def _row(self, field: Any, button: Any) -> tuple[Any, Any]:
        return self._make(widgets.VBox, "kling-field", children=(field,)), button

    def _row_of(self, *buttons: Any) -> Any:
        return self._make(widgets.HBox, "kling-foot", "kling-wide", children=buttons)

    def _button(self, words: str, act: Callable[[], str]) -> Any:
        made = self._make(widgets.Button, description=words)
        made.on_click(lambda _: self._do(act))
        return made

    def _do(self, act: Callable[[], str]) -> None:
        try:
            said = told(act())
        except KlingError as error:
            said = told(error, wrong=True)
        self._said.value = said

    def _list(self, chosen: str = "") -> None:
        names = list(self._owner.presets)
        empty = "Choose one" if names else "None yet"
        self._busy = True
        self._choice.options = [(empty, ""), *((name, name) for name in names)]
        self._choice.value = chosen if chosen in names else ""
        self._busy = False
        self._delete.disabled = not self._choice.value

    def _chosen(self, change: Any) -> None:
        self._delete.disabled = not change["new"]
        if change["new"] and not self._busy:
            self._do(lambda: self._loaded(change["new"]))

    def _loaded(self, name: str) -> str:
        self._owner.swap(self._owner.presets[name], "preset")
        self._name.value = name
        return f"Filled in from {name!r}."

    def _saved(self) -> str:
        name = self._name.value.strip()
        known = name in self._owner.presets
        left = self._owner.presets.save(name)
        self._list(name)
        without = f" Without {', '.join(left)}: a picture in memory has no text form." if left else ""
        lasts = " It goes when the sandbox does." if self._owner.presets.fleeting else ""
        return f"Saved {name!r}{' in place of the earlier one' if known else ''}.{without}{lasts}"

    def _deleted(self) -> str:
        name = self._choice.value
        if not name:
            return "Choose the preset to delete first."
        try:
            self._json.value = self._owner.presets.export(name)
            after = " Its JSON is in the box above, should you want it back."
        except KlingError:
            after = ""
        self._owner.presets.delete(name)
        self._list()
        return f"Deleted {name!r}.{after}"

    def _exported(self) -> str:
        self._json.value = self._owner.presets.export()
        return f"To share it, copy the JSON. Saved presets are files in {self._owner.presets.folder}."

    def _imported(self) -> str:
        self._owner.swap(self._owner.presets.read(self._json.value, "this text"), "preset")
        return "Filled in from the JSON."
