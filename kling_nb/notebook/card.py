"""The live card of a job: a few widgets while it runs, plain HTML when it is over."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import ipywidgets as widgets
from IPython import display as ipython

from ..markup import mask
from . import bridge, face, theme
from .face import Shown
from .pulse import follow

Bundle = dict[str, str]
Sink = Callable[[Bundle], Any]  # a number it returns counts as messages sent
_display: Any = ipython.display  # without types of its own


def show(job: Shown, media: bool = True) -> bool:  # noqa: FBT001, FBT002 - the signature of Job.shown_by
    """Display a card in the running cell; True when it is live or final there.

    False where nobody looks: the caller says its line instead. A job that is over gets its final HTML.
    """
    if bridge.ui() == "plain":
        return False
    if job.is_over:
        _display(_bundle(job, media=media), raw=True)
        return True
    card = Card(job, media=media)
    if bridge.in_voila():
        frame = widgets.VBox(children=(card.root,))
        _display(frame)
        card.settle(lambda bundle: setattr(frame, "children", (_as_output(bundle),)))
        return True
    handle = _display(card.root, display_id=True)
    if handle is None:  # no shell to display in
        card.close()
        return False
    card.settle(lambda bundle: handle.update(bundle, raw=True))
    return True


def _as_output(bundle: Bundle) -> Any:
    shown = {"output_type": "display_data", "data": bundle, "metadata": {}}
    return widgets.Output(outputs=(shown,))


def _bundle(job: Shown, *, media: bool) -> Bundle:
    return {"text/html": face.final(job, media=media), "text/plain": face.final_text(job)}


class Card:
    """The widgets of one card, live from `settle` on. Only the pulse writes to them then."""

    def __init__(self, job: Shown, *, media: bool = True) -> None:
        self.job, self._media = job, media
        self._stopping = False
        self._clothes = theme.Wardrobe()
        make = self._clothes.make
        self._parts: dict[str, Any] = {
            name: make(widgets.HTML, *classes, value=text)
            for (name, text), classes in zip(self._texts().items(), (("kling-grow",), (), ()), strict=True)
        }
        self.button = make(widgets.Button, description="Stop watching", tooltip=face.STOP_HINT)
        self.button.on_click(self._pressed)
        top = make(widgets.HBox, "kling-row", children=(self._parts["head"], self.button))
        rows = (top, self._parts["bar"], self._parts["status"])
        self.root = make(_Root, "kling-card", children=rows)
        self.root.words = mask(f"{job.model}: {job.prompt}" if job.prompt else job.model)
        self._sink: Sink = lambda _: None

    def settle(self, sink: Sink) -> None:
        """Go live. When the job is over, `sink` gets what takes the card's place."""
        self._sink = sink
        follow(self)

    def close(self) -> None:
        """Close every widget."""
        for widget in self.remains():
            widget.close()

    # What the pulse asks

    @property
    def is_over(self) -> bool:
        """True when only the end is left to show."""
        return self.job.is_over

    def changes(self) -> list[Callable[[], None]]:
        """The steps that bring the widgets up to date, one message each."""
        stale = ((self._parts[name], text) for name, text in self._texts().items())
        steps: list[Callable[[], None]]
        steps = [partial(setattr, part, "value", text) for part, text in stale if part.value != text]
        if self._stopping and not self.button.disabled:
            steps.append(partial(setattr, self.button, "disabled", True))
        return steps

    def markup(self) -> Bundle:
        """The end, as HTML and as a line of text."""
        return _bundle(self.job, media=self._media)

    def swap(self, markup: Bundle) -> Any:
        """Hand over the end."""
        return self._sink(markup)

    def remains(self) -> list[Any]:
        """Every widget of the card, outermost first."""
        return self._clothes.pieces()

    def _texts(self) -> dict[str, str]:
        job = self.job
        return {
            "head": theme.sheet(theme.CARD_SHEET) + face.head(job),
            "bar": face.bar(job),
            "status": face.status(job, stopping=self._stopping),
        }

    def _pressed(self, _: object) -> None:
        # On whatever thread the kernel likes: nothing printed, shown or raised here would reach a cell.
        self._stopping = True
        self.job.stop()


class _Root(widgets.VBox):  # type: ignore[misc]
    """A box whose text form is a line that can be read, for notebooks saved before the end."""

    words = ""

    def __repr__(self) -> str:
        return f"<card of {self.words}>"

    def _repr_mimebundle_(self, **options: Any) -> Any:
        bundle = super()._repr_mimebundle_(**options)
        return None if bundle is None else {**bundle, "text/plain": self.words}
