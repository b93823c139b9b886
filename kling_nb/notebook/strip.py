"""The parts of a clip on one line, each as wide as its share of the seconds, and what they add up to."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

import ipywidgets as widgets

from ..markup import escape, tag
from ..model.fields import Param
from .controls import ABSENT, Control
from .theme import Wardrobe


def timed(param: Param) -> str | None:
    """The name under which each item of a list says how many seconds it lasts; None when none does."""
    parts = param.item.parts if param.item else ()
    return next((part.name for part in parts if _is_seconds(part)), None)


class Strip:
    """What a list of timed parts shows above its items. `whole` is the control of the clip's own seconds.

    Its widgets are made when there is something to show.
    """

    def __init__(
        self, name: str, whole: Control, clothes: Wardrobe, changed: Callable[[Control], None]
    ) -> None:
        self.name, self._whole, self._clothes, self._changed = name, whole, clothes, changed
        self._total = 0
        self.picture: Any = None
        self.button: Any = None

    def show(self, parts: Sequence[Control]) -> tuple[Any, ...]:
        """The widgets for these parts, in order."""
        if not parts:
            return ()
        lengths = tuple(_seconds(getattr(part, "fields", {})[self.name]) for part in parts)
        whole = _seconds(self._whole)
        markup = _markup(tuple(part.title for part in parts), lengths, whole)
        if self.picture is None:
            self.picture = self._clothes.make(widgets.HTML, "kling-strip-box", value=markup)
        self.picture.value = markup
        self._total = 0 if None in lengths else sum(filter(None, lengths))
        return (self.picture, *self._offer(whole))

    def _offer(self, whole: int | None) -> tuple[Any, ...]:
        if self._total == whole or self._allowed() is None:
            return ()
        text = f"Set {self._whole.param.name} to {self._total} s"
        if self.button is None:
            self.button = self._clothes.make(widgets.Button, "kling-strip-set", description=text)
            self.button.on_click(self._set)
        self.button.description = text
        return (self.button,)

    def _allowed(self) -> Any:
        values = (value for value, _ in self._whole.param.choices)
        return next((value for value in values if str(value) == str(self._total)), None)

    def _set(self, _: object) -> None:
        value = self._allowed()
        if value is not None:
            self._whole.write(value)
            self._whole.told = True
            self._changed(self._whole)


def _is_seconds(param: Param) -> bool:
    # Of all choices only whole seconds carry bounds.
    return param.kind == "choice" and param.minimum is not None


def whole_of(param: Param, controls: dict[str, Control]) -> tuple[str, Control] | None:
    """The name of the seconds in each item of a list and the control of the whole clip's; None without."""
    name = timed(param)
    whole = controls.get(name) if name else None
    return (name, whole) if name and whole and _is_seconds(whole.param) else None


def _seconds(control: Control) -> int | None:
    value = control.param.default if control.value is ABSENT else control.value
    try:
        seconds = int(str(value))
    except ValueError:
        return None
    low, high = control.param.minimum, control.param.maximum
    return seconds if low is not None and high is not None and low <= seconds <= high else None


@lru_cache(maxsize=32)  # asked for at every edit of the form, and seldom another
def _markup(titles: tuple[str, ...], lengths: tuple[int | None, ...], whole: int | None) -> str:
    total = sum(filter(None, lengths))
    words = [
        f"{title}: {'?' if each is None else each} s" for title, each in zip(titles, lengths, strict=True)
    ]
    told = _told(total, whole, unknown=lengths.count(None))
    pieces = [_piece(number, length) for number, length in enumerate(lengths, 1)]
    if whole and whole > total:
        pieces.append(tag("div", f"{whole - total} s free", class_="kling-free", style=_share(whole - total)))
    picture = tag("div", *pieces, class_="kling-strip", role="img", aria_label=f"{', '.join(words)}. {told}")
    return picture + tag("div", escape(told), class_="kling-muted")


def _told(total: int, whole: int | None, *, unknown: int) -> str:
    of = "" if whole is None else f" of {whole} s"
    if unknown:
        return f"{total} s{of}, without what can not be read"
    over = f", {total - whole} s too long" if whole is not None and total > whole else ""
    return f"{total} s{of}{over}"


def _piece(number: int, length: int | None) -> str:
    text = tag("b", str(number)), tag("span", f"{'?' if length is None else length} s")
    return tag("div", *text, class_="kling-shot", style=_share(length or 1))


def _share(seconds: int) -> str:
    return f"flex:{seconds} 1 0"
