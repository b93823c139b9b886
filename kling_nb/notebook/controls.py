"""One control for one parameter: an input, and below it a note with help, count and what is wrong.

Absent is a value: a control that nobody touched holds nothing, whatever default it shows. A value that its
input can not show (a picture in memory, a choice that is none) is kept as it is and named in the note, so
that control and value never differ.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import PurePath
from typing import Any

import ipywidgets as widgets

from ..errors import Problem
from ..markup import escape, short, tag
from ..model.fields import Param
from .theme import Wardrobe

ABSENT: Any = type("Absent", (), {"__repr__": lambda _: "ABSENT", "__bool__": lambda _: False})()
Changed = Callable[["Control"], None]
Problems = Mapping[str, list[Problem]]


class Control:
    """What all controls share. `box` goes into the form, `input` is what a person types or presses.

    `told` says whether problems may be shown: not before the field was touched or a press asked for them.
    `asleep` says that nobody can see it now, so that its note can wait.
    """

    classes: tuple[str, ...] = ()
    asleep = False

    def __init__(self, param: Param, clothes: Wardrobe, changed: Changed) -> None:
        self.param, self._clothes, self._changed = param, clothes, changed
        self.told = False
        self._given = False
        self._kept: Any = ABSENT
        self._fits = True
        self._writing = False
        self.title = param.label or param.name
        self._due: list[Problem] = []
        self._stale = False
        self.input = self._make_input()
        self.note = clothes.make(widgets.HTML, "kling-note", value=self._note([]))
        self.box = clothes.make(widgets.VBox, "kling-field", *self.classes, children=self._children())
        self._watch()

    # What a subclass says

    def _make_input(self) -> Any:
        raise NotImplementedError

    def _shows(self, value: Any) -> bool:
        """Put `value` into the input, if it can be shown there."""
        raise NotImplementedError

    def _empty(self) -> None:
        """Put the input back to what it shows when nothing is given."""
        raise NotImplementedError

    def _typed(self) -> Any:
        """The value of the input, or ABSENT."""
        raise NotImplementedError

    def _children(self) -> tuple[Any, ...]:
        return (self.input, self.note)

    def _count(self) -> str:
        return ""

    def _watch(self) -> None:
        self.input.observe(self._edited, "value")

    def faults(self) -> Iterable[str]:
        """What only this machine can see to be wrong."""
        return ()

    # What a form asks

    @property
    def is_empty(self) -> bool:
        """True while nothing is filled in."""
        return self.value is ABSENT

    @property
    def value(self) -> Any:
        """What is filled in, or ABSENT."""
        if self._kept is not ABSENT:
            return self._kept
        return self._typed() if self._given else ABSENT

    def write(self, value: Any) -> None:
        """Fill in `value`, or nothing for ABSENT and None. Only what differs is sent."""
        self._writing = True
        try:
            fits = not _is_blank(value) and _can_be_sent(value) and self._shows(value)
            if not fits:
                self._empty()
        finally:
            self._writing = False
        self._keep(value, fits=fits)
        # The very value, until somebody edits it: the input may only have its text.
        self._given, self._kept = not _is_blank(value), ABSENT if _is_blank(value) else value

    def _keep(self, value: Any, *, fits: bool) -> None:
        self.told, self._stale = False, True
        self._fits = fits or _is_blank(value)
        self._kept = ABSENT if self._fits else value

    def _edited(self, _: object) -> None:
        if self._writing:
            return
        self._given, self._kept, self.told = True, ABSENT, True
        self._stale = True
        self._changed(self)

    def name(self, label: str) -> None:
        """Be called `label` from now on, as a row of a list is when one before it goes."""
        self.title = self.input.description = label

    def walk(self, path: str) -> Iterator[tuple[str, Control]]:
        """This control and those inside it, each with its path."""
        yield path, self

    def measure(self, controls: dict[str, Control]) -> None:
        """Get to know the other controls of the form; most have no need to."""

    def tell(self, problems: list[Problem]) -> None:
        """Show what is wrong, if the time has come."""
        # Nobody is told off for what they have not come to yet.
        due = [each for each in problems if self.told or each.level == "warning" or not self.is_empty]
        if due != self._due or self._stale:
            self._due, self._stale = due, self.asleep
            if not self.asleep:
                self.note.value = self._note(due)

    def _note(self, problems: list[Problem]) -> str:
        count = self._count()
        lines = [tag("span", escape(self.param.help))] if self.param.help else []
        lines += [tag("span", escape(count), class_="kling-count")] if count else []
        told = [tag("div", escape(_sentence(each)), **_ALERT[each.level]) for each in problems]
        return (tag("div", *lines, class_="kling-help") if lines else "") + self._held() + "".join(told)

    def _held(self) -> str:
        if self._kept is ABSENT or self._fits:
            return ""
        return tag("div", escape(f"Holds {short(repr(self._kept), 60)}."))

    def _labels(self) -> dict[str, Any]:
        star = " *" if self.param.required else ""
        return {"description": f"{self.title}{star}"}


def _can_be_sent(value: Any) -> bool:
    # Half a character, as in the name of a file from elsewhere: its message would not even be made.
    try:
        return not isinstance(value, (str, PurePath)) or bool(str(value).encode())
    except UnicodeEncodeError:
        return False


def _is_blank(value: Any) -> bool:
    return value is None or value is ABSENT or (isinstance(value, str) and not value.strip())


_ALERT: dict[str, dict[str, str]] = {
    "error": {"class_": "kling-error", "role": "alert"},
    "warning": {"class_": "kling-warning", "role": "status"},
}


def _sentence(problem: Problem) -> str:
    text = problem.message
    return f"{'Note: ' if problem.level == 'warning' else ''}{text[:1].upper()}{text[1:]}"


class TextControl(Control):
    """Words: one line or several, with the page's default as a hint inside the empty input."""

    @property
    def classes(self) -> tuple[str, ...]:  # type: ignore[override]
        """Prompts take the whole width."""
        return ("kling-wide",) if self.param.multiline else ()

    def _make_input(self) -> Any:
        if self.param.choices:
            known = tuple(str(value) for value, _ in self.param.choices)
            return self._clothes.make(widgets.Combobox, options=known, **self._words())
        if self.param.multiline:
            return self._clothes.make(widgets.Textarea, rows=3 if self.param.required else 2, **self._words())
        return self._clothes.make(widgets.Text, **self._words())

    def _words(self) -> dict[str, Any]:
        default = self.param.default
        hint = "" if default is None else f"{default}"
        return {**self._labels(), "placeholder": hint, "continuous_update": True}

    def _shows(self, value: Any) -> bool:
        if isinstance(value, str):
            self.input.value = value
        return isinstance(value, str)

    def _empty(self) -> None:
        self.input.value = ""

    def _typed(self) -> Any:
        return self.input.value if self.input.value.strip() else ABSENT

    def _count(self) -> str:
        limit, count = self.param.max_length or self.param.advised_max, len(self.input.value)
        if limit and 2 * count > limit:
            return f"{count} / {limit}"
        # Further from the limit a count would only be one more message a letter.
        return f"up to {self.param.max_length}" if self.param.max_length else ""


class NumberControl(TextControl):
    """A number, typed as text: unlike a spinner the input can be empty, and it keeps what is wrong."""

    def _shows(self, value: Any) -> bool:
        plain = isinstance(value, (int, float, str)) and not isinstance(value, bool)
        if plain:
            self.input.value = f"{value:g}" if isinstance(value, float) else str(value)
        return plain

    def _typed(self) -> Any:
        text = self.input.value.strip()
        for kind in (int, float):
            try:
                return kind(text.replace(",", "."))
            except ValueError:
                continue
        return text or ABSENT

    def _count(self) -> str:
        low, high = self.param.minimum, self.param.maximum
        return f"{low:g} to {high:g}" if low is not None and high is not None else ""


class ChoiceControl(Control):
    """One of a few: their labels are shown, the service's own values are held."""

    def _make_input(self) -> Any:
        options = [(label, value) for value, label in self.param.choices]
        if self.param.default is None:
            options.insert(0, ("Not set", None))
        return self._clothes.make(
            widgets.Dropdown, options=options, value=self.param.default, **self._labels()
        )

    def _shows(self, value: Any) -> bool:
        for known, _ in self.param.choices:
            if str(known) == str(value):
                self.input.value = known
                return True
        return False

    def _empty(self) -> None:
        self.input.value = self.param.default

    def _typed(self) -> Any:
        return ABSENT if self.input.value is None else self.input.value


class FlagControl(Control):
    """Yes or no."""

    def _make_input(self) -> Any:
        return self._clothes.make(
            widgets.Checkbox, value=bool(self.param.default), indent=False, **self._labels()
        )

    def _shows(self, value: Any) -> bool:
        if isinstance(value, bool):
            self.input.value = value
        return isinstance(value, bool)

    def _empty(self) -> None:
        self.input.value = bool(self.param.default)

    def _typed(self) -> Any:
        return bool(self.input.value)
