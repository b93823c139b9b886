"""The jobs of a form or a studio, newest first: live cards that become results with buttons to go on from."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any
from uuid import uuid4

import ipywidgets as widgets
from IPython import display as ipython

from ..errors import Stopped
from ..jobs.job import Job
from ..markup import escape, tag
from .card import Bundle, Card
from .theme import Wardrobe

ANOTHER, USE, FILL, WATCH = "Another take", "Use as input", "Fill the form from this", "Watch again"
ACTIONS = (ANOTHER, USE, FILL, WATCH)
KEPT = 12  # results that are shown: each new one sends all of them again to be saved
_display: Any = ipython.display  # without types of its own


def offers(job: Job) -> tuple[str, ...]:
    """What can be done with a job that is over."""
    if isinstance(job.error, Stopped):
        return (WATCH,) if job.request_id else ()
    if job.error is not None:
        return (FILL,)
    # What the ledger remembers of a request can not be sent again, but it can be filled in.
    again = (ANOTHER,) if hasattr(job.request, "code") else ()
    return (*again, *((USE,) if job.outputs else ()), FILL)


class Board:
    """What is going on and what came of it.

    A result is shown by a widget while the kernel lives, and besides as plain HTML in an output of the cell,
    which is what is saved. A style that only a living widget brings hides the second.

    `act` does what a button says, `can` names those there are; `hint` stands where nothing is yet.
    """

    def __init__(
        self,
        clothes: Wardrobe,
        act: Callable[[str, Job], None],
        *,
        can: Sequence[str] = ACTIONS,
        ended: Callable[[Job], None] = lambda _: None,
        hint: str = "",
    ) -> None:
        self._clothes, self._ended, self._hint = clothes, ended, hint
        self._make_result = partial(_Result, clothes, act, can)
        self._lock = threading.RLock()  # presses come on one thread, ends on another
        self._rows: list[_Row] = []
        self._shelves: list[Any] = []
        self._mark = f"kling-remains-{uuid4().hex[:8]}"
        self.jobs: tuple[Job, ...] = ()
        self._words: Any = None
        self.box = clothes.make(widgets.VBox, "kling-board", children=self._said())

    @property
    def sheet(self) -> str:
        """The style that belongs into a widget beside this."""
        return f".{self._mark} {{ display:none }}"

    def take(self, job: Job) -> None:
        """A job that was begun: show its card on top."""
        with self._lock:
            self.jobs = (job, *self.jobs)
            if self._clothes.silent:
                return
            card = Card(job)
            self._rows.insert(0, _Row(job, card.root))
            self._arrange()
        card.settle(partial(self._settle, job))

    def show_remains(self) -> None:
        """Begin the output that is saved: what is left of all this without a kernel."""
        with self._lock:
            shelf = _display(self._remains(), raw=True, display_id=True)
            if shelf is not None:
                self._shelves.append(shelf)

    def _settle(self, job: Job, bundle: Bundle) -> int:
        with self._lock:
            row = next(row for row in self._rows if row.job is job)
            result, made = self._place()
            row.result, row.bundle, row.widget = result, bundle, result.box
            sent = made + result.show(job, bundle)
            self._arrange()
            for shelf in self._shelves:
                shelf.update(self._remains(), raw=True)
        self._ended(job)
        return sent + len(self._shelves) + 3  # with the order of the rows, the count below them, and the news

    def _place(self) -> tuple[_Result, int]:
        """A place for one more result (once there are many, the oldest one's) and its count of messages."""
        over = [row for row in self._rows if row.result]
        oldest = over[-1] if len(over) >= KEPT else None
        if oldest is None or oldest.result is None:
            return (made := self._make_result()), made.models
        self._rows.remove(oldest)
        return oldest.result, 0

    def _arrange(self) -> None:
        self.box.children = (*(row.widget for row in self._rows), *self._said())

    def _said(self) -> tuple[Any, ...]:
        """What there is to say below the rows, which is little enough to be made when it is needed."""
        gone = len(self.jobs) - len(self._rows)
        words = f"{gone} earlier: the gallery has them." if gone else "" if self._rows else self._hint
        if not words:
            return ()
        if self._words is None:
            self._words = self._clothes.make(widgets.HTML, "kling-board-words")
        self._words.value = tag("div", escape(words))
        return (self._words,)

    def _remains(self) -> Bundle:
        over = [row.bundle for row in self._rows if row.bundle]
        return {
            "text/html": tag("div", *(bundle["text/html"] for bundle in over), class_=self._mark),
            "text/plain": "\n".join(bundle["text/plain"] for bundle in over),
        }


@dataclass
class _Row:
    """A job and what shows it."""

    job: Job
    widget: Any
    result: _Result | None = None
    bundle: Bundle | None = None


class _Result:
    """One place for a result, made once and used for one after the other."""

    def __init__(self, clothes: Wardrobe, act: Callable[[str, Job], None], can: Sequence[str]) -> None:
        self._act = act
        self._job: Job | None = None
        self._output = clothes.make(widgets.Output)
        self._buttons = {name: self._button(clothes, name) for name in can}
        self._row = clothes.make(widgets.HBox, "kling-actions")
        self.box = clothes.make(widgets.VBox, "kling-result", children=(self._output, self._row))
        self.models = 3 + len(self._buttons)

    def show(self, job: Job, bundle: Bundle) -> int:
        """Show a result; how many messages that took."""
        self._job = job
        # An output, because only there a notebook finds a clip by its path.
        self._output.outputs = ({"output_type": "display_data", "data": bundle, "metadata": {}},)
        self._row.children = tuple(self._buttons[name] for name in offers(job) if name in self._buttons)
        return 2

    def _button(self, clothes: Wardrobe, name: str) -> Any:
        made = clothes.make(widgets.Button, description=name)
        made.on_click(lambda _: self._job is not None and self._act(name, self._job))
        return made
