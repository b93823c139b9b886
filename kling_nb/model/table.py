"""A small plain HTML table that follows the notebook's theme."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ..markup import LITERAL, escape, tag

_LINE = "border:1px solid var(--jp-border-color2, #ccc);padding:2px 8px;text-align:left;vertical-align:top"


def table(head: Sequence[object], rows: Iterable[Sequence[object]]) -> str:
    """`head` and `rows` as a table; every cell is text."""
    top = tag("tr", *(tag("th", escape(cell), scope="col", style=_LINE) for cell in head))
    body = (tag("tr", *(tag("td", escape(cell), style=_LINE) for cell in row)) for row in rows)
    parts = tag("thead", top), tag("tbody", *body)
    return tag("table", *parts, class_=LITERAL, style="border-collapse:collapse")
