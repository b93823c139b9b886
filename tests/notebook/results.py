"""What stands below a form or in a studio, and the buttons of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from helpers import until

from kling_nb.jobs.engine import engine
from kling_nb.notebook import pulse

from .conftest import Wire


def settled() -> None:
    """Wait until every card is at its end: between its end and its closing a card is in neither list."""
    beat = pulse._pulse_of(engine())
    until(lambda: not beat._live and (beat._beating is None or beat._beating.done()))


def done(shown: Any) -> None:
    """Wait for what is being made, and for its card."""
    for job in shown.jobs:
        job.wait(20)
    until(lambda: all(row.result for row in shown._board._rows))
    settled()


@contextmanager
def opening(make: Callable[..., Any]) -> Iterator[Callable[..., Any]]:
    """`make`; what it made, forms or studios, is closed at the end."""
    made: list[Any] = []

    def one(*what: Any) -> Any:
        made.append(make(*what))
        return made[-1]

    yield one
    for each in made:
        leave(each)


def leave(shown: Any) -> None:
    """Close it when nothing is on its way."""
    for job in shown.jobs:
        job.stop()
    done(shown)
    forms = getattr(shown, "forms", {"": shown}).values()
    until(lambda: all(each._clothes.silent or each._desk._balance for each in forms))
    shown.close()


def rows(shown: Any) -> list[Any]:
    """Every result that is shown, from the top."""
    return [row.result for row in shown._board._rows if row.result]


def results(shown: Any) -> list[str]:
    """The markup of every result."""
    return [row._output.outputs[0]["data"]["text/html"] for row in rows(shown)]


def offered(shown: Any, place: int = 0) -> list[str]:
    """The words on the buttons below a result."""
    return [each.description for each in until(lambda: rows(shown)[place:])[0]._row.children]


def press(wire: Wire, shown: Any, words: str, place: int = 0) -> None:
    """Press a button below a result."""

    def found() -> list[Any]:
        return [each for row in rows(shown)[place : place + 1] for each in row._row.children
                if each.description == words]  # fmt: skip

    wire.press(until(found)[0])
