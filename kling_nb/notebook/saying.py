"""The sentences of a form: what it is for and costs, what is still missing, what came from where."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..errors import Problem
from ..jobs.estimate import published
from ..markup import escape, money_text, tag
from .controls import Control
from .face import range_text
from .sources import Source
from .theme import told

_MOST = 4  # names in a sentence
Known = Mapping[str, Control]


def head(model: Any, core: Any) -> str:
    """What the form is for. `core`, that of its client, knows how fast the service is."""
    usual = published(model.latency, core.settings.time_scale if core else 1.0)
    where = " in the sandbox" if core and core.is_sandbox else ""
    facts = f"{f'Usually {range_text(usual)}{where} · ' if usual else ''}* has to be filled in"
    title = tag("div", escape(model.title), class_="kling-title")
    summary = tag("div", escape(model.summary), class_="kling-muted")
    return title + summary + tag("div", escape(facts), class_="kling-muted")


def price(model: Any) -> str:
    """The published price, which does not say how it depends on what is filled in."""
    average = model.average_price
    if model.price:
        words = " to ".join(dict.fromkeys(money_text(each) for each in model.price))
    else:
        words = f"about {money_text(round(average, 3 if average < 1 else 2))}" if average else ""
    return escape(f"Estimated price {words}" if words else "Price unknown")


def wrong(problems: Sequence[Problem], known: Known) -> str:
    """What keeps a form from being sent: quietly what is empty, in the colour of errors what is wrong."""
    errors = [each.path for each in problems if each.level == "error" and each.path in known]
    empty = [path for path in errors if known[path].is_empty]
    faulty = [path for path in errors if path not in empty]
    said = ""
    if faulty:
        said += tag("div", escape(f"{_have(faulty, known)} to be put right."), class_="kling-error")
    if empty:
        said += tag("div", escape(f"{_have(empty, known)} to be filled in."))
    return said + strangers(problems, known)


def strangers(problems: Sequence[Problem], known: Known) -> str:
    """The errors that have no field to stand at."""
    lost = [each for each in problems if each.level == "error" and each.path not in known]
    return "".join(told(each, wrong=True) for each in lost)


def refused(problems: Sequence[Problem], known: Known) -> str:
    """Everything that is wrong, after somebody tried to send it."""
    errors = [each for each in problems if each.level == "error"]
    count = "1 thing has" if len(errors) == 1 else f"{len(errors)} things have"
    listed = "".join(tag("li", escape(f"{title_of(each.path, known)}: {each.message}")) for each in errors)
    said = f"{count} to be put right first. Nothing was sent."
    return tag("div", escape(said), tag("ul", listed), class_="kling-error", role="alert")


def filled(source: Source, known: Known) -> str:
    """What came from where, and what could not be brought back."""
    came = [
        f"{control.title} (from {source.origins[path]})" if path in source.origins else control.title
        for path, control in known.items()
        if path in source.origins or ("." not in path and "[" not in path and not control.is_empty)
    ]
    lines = [f"Filled in from {source.name}: {_listed(came) or 'nothing'}."]
    lines += [f"{title_of(each.path, known)}: {each.message}" for each in source.left]
    return "".join(map(told, lines))


def title_of(path: str, known: Known) -> str:
    """A place in words: `multi_prompt[0].prompt` is "Prompt of Shot 1"."""
    steps = path.split(".")
    paths = [".".join(steps[: count + 1]) for count in range(len(steps))]
    return " of ".join(known[each].title for each in reversed(paths) if each in known) or path


def _have(paths: Sequence[str], known: Known) -> str:
    names = list(dict.fromkeys(title_of(path, known) for path in paths))
    shown = names if len(names) <= _MOST else [*names[: _MOST - 1], f"{len(names) - _MOST + 1} more"]
    return f"{_listed(shown)} {'has' if len(names) == 1 else 'have'}"


def _listed(names: Sequence[str]) -> str:
    """`a, b and c`."""
    return " and ".join(filter(None, (", ".join(names[:-1]), *names[-1:])))
