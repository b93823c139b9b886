"""The live table of a batch: one output, updated at most twice a second, that ends as plain HTML.

No widgets: at hundreds of rows a message for each would be more than a Jupyter server lets through. Nothing
has a colour of its own, so it reads the same on light and dark, and symbols and words carry the state.
"""

from __future__ import annotations

import heapq
import time
from collections import Counter
from collections.abc import Callable
from functools import partial
from typing import Any

from IPython import display as ipython

from ..jobs.batch import Batch, summary
from ..jobs.row import Row
from ..markup import LITERAL, escape, money_text, short, tag, time_text
from ..media.show import reach
from . import bridge
from .face import _WORDS
from .pulse import follow

MOST_ROWS = 50
PAUSE = 0.5  # seconds between two updates

_display: Any = ipython.display  # without types of its own
_RANK = {"failed": 0, "unknown": 0, "stopped": 0, "running": 1, "done": 2, "made earlier": 2}
_SIGN = {"failed": "✕", "unknown": "?", "stopped": "■", "running": "▸", "done": "✓", "made earlier": "✓"}
_HEAD = ("row", "what differs", "state", "time", "cost", "file or reason")

_LINE = "1px solid rgba(128,128,128,.35)"
_FRAME = f"border:{_LINE};border-radius:6px;padding:10px 14px;margin:4px 0;max-width:1000px;font-size:13px"
_CELL = f"text-align:left;vertical-align:top;padding:3px 14px 3px 0;border-bottom:{_LINE}"
_FIRM = f"{_CELL};white-space:nowrap"
_LONG = f"{_CELL};overflow-wrap:anywhere"
# Said again for pages that do not let tables inherit, or give all columns the same width.
_TABLE = "border-collapse:collapse;width:100%;table-layout:auto;color:inherit;font-size:inherit"
_NOTE = "margin-top:6px;opacity:.85"
_TRACK = "height:6px;border-radius:3px;overflow:hidden;background:rgba(128,128,128,.3);margin:6px 0 8px"


def show(batch: Batch) -> bool:
    """Display the table in the running cell; True when it is live or final there. See `Batch.shown_by`."""
    if bridge.ui() == "plain":
        return False
    if batch.is_over:
        _display(_bundle(batch), raw=True)
        return True
    handle = _display(_bundle(batch), raw=True, display_id=True)
    if handle is None:  # no shell to display in
        return False
    follow(Table(batch, partial(handle.update, raw=True)))
    return True


class Table:
    """What the pulse asks of a table; it has no widgets, only the one output."""

    def __init__(self, batch: Batch, send: Callable[[Any], None]) -> None:
        self._batch, self._send = batch, send
        self._shown, self._next = "", time.monotonic() + PAUSE

    @property
    def is_over(self) -> bool:
        """True when only the end is left to show."""
        return self._batch.is_over

    def changes(self) -> list[Callable[[], None]]:
        """At most one step: the whole table anew."""
        return [] if time.monotonic() < self._next else [self._update]

    def markup(self) -> dict[str, str]:
        """The end."""
        return _bundle(self._batch)

    def swap(self, markup: dict[str, str]) -> None:
        """Show the end."""
        self._send(markup)

    def remains(self) -> list[Any]:
        """No widget to close."""
        return []

    def _update(self) -> None:
        self._next = time.monotonic() + PAUSE
        bundle = _bundle(self._batch)
        if bundle["text/html"] != self._shown:
            self._shown = bundle["text/html"]
            self._send(bundle)


def _bundle(batch: Batch) -> dict[str, str]:
    return {"text/html": markup(batch), "text/plain": repr(batch)}


def markup(batch: Batch) -> str:
    """The table as plain HTML: totals, and at most 50 rows, the failed and the running ones first."""
    rows = list(batch)
    if len(rows) > MOST_ROWS:
        rows = heapq.nsmallest(MOST_ROWS, rows, key=lambda row: _RANK.get(row.status, 3))
    head = tag("tr", *(tag("th", name, scope="col", style=_CELL) for name in _HEAD))
    table = tag("table", tag("thead", head), *map(_row, rows), style=_TABLE)
    parts = [_totals(batch), _bar(batch), table, _rest(batch, rows), _advice(batch)]
    return tag("div", *parts, class_=f"kling-batch {LITERAL}", style=_FRAME)


def _totals(batch: Batch) -> str:
    facts = [time_text(int(batch.elapsed))]
    if not batch.is_over and batch.expected_cost:
        facts.append(f"expected to cost about {money_text(batch.expected_cost)} (published average)")
    words = tag("b", escape(f"Batch of {summary(batch)}"))
    return tag("div", words, "".join(f" · {escape(fact)}" for fact in facts))


def _bar(batch: Batch) -> str:
    if batch.is_over:
        return ""
    share = round(100 * sum(row.is_over for row in batch) / len(batch))
    inside = tag("div", style=f"width:{share}%;height:100%;background:currentColor;opacity:.6")
    spoken = {
        "aria_label": "rows that are over",
        "aria_valuenow": share,
        "aria_valuemin": 0,
        "aria_valuemax": 100,
    }
    return tag("div", inside, role="progressbar", **spoken, style=_TRACK)


_LOOKS = (_FIRM, _LONG, _FIRM, _FIRM, _FIRM, _LONG)


def _row(row: Row) -> str:
    sign = tag("span", _SIGN.get(row.status, "·"), aria_hidden="true")
    cells = (
        escape(row.index),
        escape(short(row.label, 90)),
        f"{sign} {escape(_state(row))}",
        "" if row.seconds is None else escape(time_text(int(row.seconds))),
        "" if row.cost is None else escape(money_text(row.cost)),
        _outcome(row),
    )
    return tag("tr", *(tag("td", cell, style=look) for cell, look in zip(cells, _LOOKS, strict=True)))


def _state(row: Row) -> str:
    if row.status != "running":
        return row.status
    return "on a worker" if row.state is None else _WORDS[row.state].lower()


def _outcome(row: Row) -> str:
    if row.reason:
        return tag("span", escape(short(row.reason, 160)), title=short(row.reason, 1000))
    if row.media is None:
        return "" if row.result is None else escape(short(str(row.result), 80))
    name, link = escape(row.media.path.name), reach(row.media.path)
    return tag("a", name, href=link, target="_blank", rel="noopener", style="color:inherit") if link else name


def _rest(batch: Batch, shown: list[Row]) -> str:
    left = Counter(batch.counts)
    left.subtract(row.status for row in shown)
    said = ", ".join(f"{count} more {word}" for word, count in left.items() if count > 0)
    return tag("div", escape(f"and {said}"), style=_NOTE) if said else ""


def _advice(batch: Batch) -> str:
    if batch.note:
        return tag("div", escape(f"Nothing more is submitted: {batch.note}."), style=_NOTE)
    if batch.is_over:
        return ""
    words = "batch.stop() submits no more; jobs that run go on at the service and are billed."
    return tag("div", escape(words), style=_NOTE)
