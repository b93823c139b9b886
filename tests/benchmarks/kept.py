"""Tables in Markdown, printed and kept in README.md beside this file between two marks."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

README = Path(__file__).with_name("README.md")


def table(head: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """A Markdown table; numbers stand right."""
    line = lambda cells: "| " + " | ".join(str(cell) for cell in cells) + " |"  # noqa: E731
    marks = ["---" if isinstance(cell, str) else "---:" for cell in rows[0]]
    return "\n".join([line(head), line(marks), *map(line, rows)])


def keep(name: str, text: str) -> None:
    """Put `text` between the marks of `name`."""
    begin, end = f"<!-- {name} -->", f"<!-- end of {name} -->"
    whole = README.read_text(encoding="utf-8")
    before, rest = whole.split(begin)
    README.write_text(before + begin + "\n\n" + text + "\n\n" + end + rest.split(end)[1], encoding="utf-8")
