"""A form for one model, made from the model's description alone."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping
from typing import Any

import ipywidgets as widgets
from IPython import display as ipython

from ..errors import InvalidRequest, Problem, RequestWarning
from ..jobs.estimate import published
from ..jobs.job import Job
from ..markup import escape, money_text, short, tag
from ..model.catalogue import find
from . import bridge, theme
from .controls import ABSENT, Control
from .desk import Desk
from .face import range_text
from .parts_editor import make_control

_HEADINGS = {"frame": "Format"}
_FOLDED = "advanced"
_display: Any = ipython.display  # without types of its own


def form(model: Any, client: Any = None) -> Form:
    """A form for one model: a request class or a slug.

    `client` is the one that Generate uses; without one, `kn.connect()` finds it and says which it is.
    Raises `InvalidRequest` for a slug that has no description.
    """
    return Form(find(model), client)


class Form(widgets.VBox):  # type: ignore[misc]
    """Fill in, press Generate, and a card appears below, newest first.

    `value` is the request (set it or read it; reading raises `InvalidRequest` while something is wrong),
    `values` a plain dict of what is filled in (settable; never raises), `problems` what is wrong with it,
    `jobs` what was generated here, newest first.
    """

    def __init__(self, model: Any, client: Any = None) -> None:
        self._model, self._client = model, client or _connected()
        self._clothes = theme.Wardrobe(silent=bridge.ui() == "plain")
        self._strangers: dict[str, Any] = {}
        self._busy = False
        self._wish: bool | None = None  # unfold or fold, once a person has said so
        self._desk = Desk(self, self._clothes)
        self._controls = {param.name: self._control(param) for param in model.params()}
        look = {"layout": self._clothes.layout(), "_dom_classes": ("kling-form",)}
        super().__init__(children=self._rows(), **look, **self._clothes.line())

    # What a program does with it

    @property
    def value(self) -> Any:
        """The request that is filled in; InvalidRequest when it can not be sent."""
        problems = [each for each in self.problems if each.level == "error"]
        if problems:
            raise InvalidRequest(problems, f"this {self._model.slug} request")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RequestWarning)  # they stand at their fields already
            return self._model(**self.values)

    @value.setter
    def value(self, request: Any) -> None:
        if not isinstance(request, self._model):
            fault = (
                f"{short(repr(request))} is not a {self._model.__name__}. Set form.values to fill in a dict."
            )
            raise InvalidRequest([Problem("", fault)], f"this form for {self._model.slug}")
        self.values = request.values()

    @property
    def values(self) -> dict[str, Any]:
        """What is filled in, as a plain dict; what nobody touched is absent."""
        held = ((name, control.value) for name, control in self._controls.items())
        return {name: value for name, value in held if value is not ABSENT} | self._strangers

    @values.setter
    def values(self, values: Mapping[str, Any]) -> None:
        self._busy = True
        try:
            for name, control in self._controls.items():
                control.write(values.get(name, ABSENT))
        finally:
            self._busy = False
        self._strangers = {name: each for name, each in values.items() if name not in self._controls}
        self._refresh()

    @property
    def problems(self) -> tuple[Problem, ...]:
        """All that is wrong or doubtful, each with its path."""
        return self._problems(list(self._walk()))

    def _problems(self, walked: list[tuple[str, Control]]) -> tuple[Problem, ...]:
        local = (Problem(path, fault) for path, control in walked for fault in control.faults())
        return (*self._model.check(self.values), *local)

    def control(self, path: str) -> Any:
        """The input widget of one value, by its path: `multi_prompt[0].prompt`. Raises KeyError."""
        for known, control in self._walk():
            if known == path:
                return control.input
        raise KeyError(
            f"{path!r} is not in this form now; it has {', '.join(path for path, _ in self._walk())}"
        )

    def generate(self) -> Job:
        """Submit what is filled in, as a press of the button does; the card appears below.

        Raises `InvalidRequest`, after showing at each field what is wrong.
        """
        try:
            request = self.value
        except InvalidRequest:
            self._tell_all()
            raise
        job: Job = self._client._begin(request)
        self._desk.take(job)
        return job

    @property
    def jobs(self) -> tuple[Job, ...]:
        """What was generated here, newest first."""
        return self._desk.jobs

    def __repr__(self) -> str:
        return f"<Form for {self._model.slug}>"

    def close(self) -> None:
        """Close the form with everything in it."""
        super().close()
        for widget in self._clothes.pieces():
            widget.close()

    # How it is laid out

    def _control(self, param: Any) -> Control:
        return make_control(param, self._clothes, self._changed)

    def _rows(self) -> tuple[Any, ...]:
        make = self._clothes.make
        head = make(widgets.HTML, value=theme.sheet(theme.SHEET, theme.FORM_SHEET) + _head(self._model))
        self._headings = {
            group: make(widgets.HTML, "kling-wide", "kling-heading", value=tag("div", escape(text)))
            for group, text in self._titles().items()
        }
        self._fold = make(widgets.Button, "kling-fold", "kling-wide")
        self._fold.on_click(self._folded)
        self._grid = make(widgets.VBox, "kling-grid")
        reset = make(widgets.Button, description="Start over")
        reset.on_click(self._start_over)
        foot = make(widgets.HBox, "kling-foot", children=(self._desk.button, reset, self._desk.status))
        self._arrange(self.problems)
        return (head, self._grid, foot, self._desk.cards)

    def _groups(self) -> list[str]:
        groups = dict.fromkeys(control.param.group for control in self._controls.values())
        return sorted(groups, key=lambda group: group == _FOLDED)

    def _titles(self) -> dict[str, str]:
        # A line without words where the first field would say the same again.
        first = {control.param.group: control.param.label for control in reversed(self._controls.values())}
        named = {group: _HEADINGS.get(group, group.capitalize()) for group in self._groups()[1:]}
        return {g: "" if text == first[g] else text for g, text in named.items() if g != _FOLDED}

    def _arrange(self, problems: tuple[Problem, ...]) -> None:
        rows: list[Any] = []
        for group in self._groups():
            boxes = [control.box for control in self._controls.values() if self._is_shown(control, group)]
            if group == _FOLDED:
                is_open = self._must_unfold(problems) if self._wish is None else self._wish
                self._fold.description = f"{'Hide' if is_open else 'Show'} advanced settings ({len(boxes)})"
                rows += [self._fold, *boxes] if is_open else [self._fold]
            elif boxes:
                rows += [self._headings[group], *boxes] if rows else boxes
        if self._grid.children != tuple(rows):
            self._grid.children = tuple(rows)

    def _is_shown(self, control: Control, group: str) -> bool:
        param = control.param
        if param.group != group:
            return False
        if param.shown_when is None or control.value is not ABSENT:  # what counts is never hidden
            return True
        name, wanted = param.shown_when
        other = self._controls[name]
        now = other.param.default if other.value is ABSENT else other.value
        return now in wanted

    def _must_unfold(self, problems: tuple[Problem, ...]) -> bool:
        folded = {name: each for name, each in self._controls.items() if each.param.group == _FOLDED}
        wrong = any(problem.path in folded and folded[problem.path].told for problem in problems)
        return wrong or any(control.value is not ABSENT for control in folded.values())

    def _walk(self) -> Iterator[tuple[str, Control]]:
        for name, control in self._controls.items():
            yield from control.walk(name)

    # What happens on a change

    def _changed(self, _: Control) -> None:
        if not self._busy:
            self._refresh()

    def _refresh(self) -> None:
        walked = list(self._walk())
        problems = self._problems(walked)
        by_path: dict[str, list[Problem]] = {}
        for problem in problems:
            by_path.setdefault(problem.path, []).append(problem)
        holders = dict(walked)
        # Of rows that share a path the last one holds the value: the others are empty.
        for path, control in walked:
            mine = by_path.get(path, [])
            control.tell(mine if holders[path] is control else [])
        self._arrange(problems)
        self._desk.say("".join(_stranger(problem) for problem in problems if problem.path in self._strangers))
        self._desk.rearm()

    def _tell_all(self) -> None:
        for _, control in self._walk():
            control.told = True
        self._wish = None
        self._refresh()
        errors = [problem for problem in self.problems if problem.level == "error"]
        count = "1 thing has" if len(errors) == 1 else f"{len(errors)} things have"
        listed = "".join(tag("li", escape(self._named(problem))) for problem in errors)
        said = f"{count} to be put right first. Nothing was sent."
        self._desk.say(tag("div", escape(said), tag("ul", listed), class_="kling-error", role="alert"))

    def _named(self, problem: Problem) -> str:
        # `multi_prompt[0].prompt` is "Shot 1, Prompt" to a person.
        steps = problem.path.split(".")
        paths = [".".join(steps[: count + 1]) for count in range(len(steps))]
        known = dict(self._walk())
        titles = [known[path].title for path in paths if path in known]
        return f"{', '.join(titles) or problem.path}: {problem.message}"

    def _folded(self, _: object) -> None:
        self._wish = self._fold.description.startswith("Show")
        self._arrange(self.problems)

    def _start_over(self, _: object) -> None:
        self.values = {}

    # Being shown

    def _ipython_display_(self) -> None:
        if bridge.ui() == "plain" or self._clothes.silent:
            print(self._plain())  # noqa: T201 - the plain form of a form
            return
        _display({**self._repr_mimebundle_(), "text/plain": self._plain()}, raw=True)
        self._desk.show_results()

    def _plain(self) -> str:
        filled = ", ".join(f"{name}={value!r}" for name, value in self.values.items())
        return f"Form for {self._model.slug}: {filled or 'nothing filled in'}"


def _connected() -> Any:
    from ..client import current

    return current()


def _stranger(problem: Problem) -> str:
    return tag("div", escape(problem), class_="kling-error", role="alert")


def _head(model: Any) -> str:
    low, high = model.price or (0, model.average_price)
    average = model.average_price
    cost = money_text(high) if low == high else f"about {money_text(round(average, 3 if average < 1 else 2))}"
    usual = published(model.latency)
    facts = f"{cost} each{f' · usually {range_text(usual)}' if usual else ''} · * has to be filled in"
    title = tag("div", escape(model.title), class_="kling-title")
    summary = tag("div", escape(model.summary), class_="kling-muted")
    return title + summary + tag("div", escape(facts), class_="kling-muted")
