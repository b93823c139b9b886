"""A form for one model, made from the model's description alone."""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import Any

import ipywidgets as widgets
from IPython import display as ipython

from ..errors import InvalidRequest, Problem, RequestWarning
from ..jobs.job import Job
from ..markup import escape, mask, short, tag
from ..model.catalogue import find
from ..model.code import Code, python_code
from . import bridge, saying, theme
from .board import ACTIONS, FILL, USE, WATCH, Board
from .controls import ABSENT, Control
from .desk import Desk
from .drawers import CodeDrawer, PresetDrawer
from .parts_editor import make_control
from .places import picture_places, put, value_at
from .presets import Presets
from .sources import read_source

_HEADINGS = {"frame": "Format"}
_FOLDED = "advanced"
_display: Any = ipython.display  # without types of its own


def form(model: Any, client: Any = None) -> Form:
    """A form for one model: a request class or a slug.

    `client` is the one that Generate uses; without one it is the client that was made last.
    Raises `InvalidRequest` for a slug that has no description.
    """
    return Form(find(model), bridge.connected(client))


class Form(widgets.VBox):  # type: ignore[misc]
    """Fill in, press Generate, and a card appears below, newest first; a result has buttons to go on from.

    `value` is the request (set it or read it; reading raises `InvalidRequest` while something is wrong),
    `values` a plain dict of what is filled in (settable; reading never raises), `problems` what is wrong
    with it, `code` the Python of it, `presets` what was saved by name, `jobs` what was generated here, newest
    first.
    """

    def __init__(self, model: Any, client: Any, board: Board | None = None) -> None:
        self._model, self._client = model, client
        self._clothes = theme.Wardrobe(silent=bridge.ui() == "plain")
        self._strangers: dict[str, Any] = {}
        self._busy = False
        self._wish: bool | None = None  # unfold or fold, once a person has said so
        self._undo: tuple[str, dict[str, Any]] | None = None
        self._controls = {param.name: self._control(param) for param in model.params()}
        for control in self._controls.values():
            control.measure(self._controls)
        look = {"layout": self._clothes.layout(), "_dom_classes": ("kling-form",)}
        super().__init__(children=self._rows(board), **look, **self._clothes.line())

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
        if not isinstance(values, Mapping):
            what = f"{short(repr(values))} is no dict of parameters, such as {{'prompt': 'a fox'}}."
            raise InvalidRequest([Problem("values", what)], "this form")
        self._busy = True
        try:
            for name, control in self._controls.items():
                control.write(values.get(name, ABSENT))
        finally:
            self._busy = False
        self._strangers = {name: each for name, each in values.items() if name not in self._controls}
        self._forget_undo()
        self._refresh()

    @property
    def problems(self) -> tuple[Problem, ...]:
        """All that is wrong or doubtful, each with its path."""
        return self._problems(list(self._walk()))

    def _problems(self, walked: list[tuple[str, Control]]) -> tuple[Problem, ...]:
        local = (Problem(path, fault) for path, control in walked for fault in control.faults())
        return (*self._model.check(self.values), *local)

    @property
    def code(self) -> Code:
        """What is filled in as Python, also while something is wrong: then its first lines say so."""
        return python_code(self._model, self.values)

    @cached_property
    def presets(self) -> Presets:
        """The presets of this model, in the client's home folder."""
        core = self._client._core
        return Presets(self, self._model.slug, core.settings.home, fleeting=core.is_sandbox)

    def fill(self, source: Any) -> tuple[Problem, ...]:
        """Fill in what was asked earlier: by a job, for an `Image`, a `Video` or the path of one, or a dict.

        The form says what came from where. Returns what could not be brought back, such as a picture that
        was only in memory. Raises `InvalidRequest` for another model's and for what no record knows.
        """
        found = read_source(source, self._model.params(), self._core())
        if found.slug not in (None, self._model.slug):
            what = f"{found.name} is of {short(str(found.slug))}, and this form is for {self._model.slug}."
            raise InvalidRequest([Problem("model", what)], "this form")
        self.values = found.values
        self._desk.say(saying.filled(found, dict(self._walk())))
        return found.left

    def picture_fields(self) -> list[str]:
        """The path of every picture that is or can be given, those of a next element included."""
        return list(picture_places(self._model.params(), self.values))

    def use(self, media: Any, field: str | None = None) -> str:
        """Put a picture, or the last frame of a `Video`, into `field` or the first free one; returns which.

        Raises `InvalidRequest` when there is no such field or none is free.
        """
        values, places = self.values, self.picture_fields()
        free = [path for path in places if value_at(values, path) is None]
        path = field or (free[0] if free else "")
        if path not in places:
            known = f"It has {', '.join(places)}." if places else "It takes none."
            what = f"no picture field is {'called ' + repr(field) if field else 'free'}. {known}"
            raise InvalidRequest([Problem(field or "", what)], f"this form for {self._model.slug}")
        picture = media.last_frame() if hasattr(media, "last_frame") else media
        top = re.split(r"[.\[]", path)[0]
        self._controls[top].write(put(values, path, picture)[top])
        self._forget_undo()
        self._refresh()
        return path

    def swap(self, values: dict[str, Any], what: str) -> None:
        """Fill in other values; until the next edit a press takes that back."""
        before = self.values
        self.values = values
        if before:
            self._undo = what, before
            self._reset.description = f"Undo {what}"

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
        self._desk.take(job, self.values)
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

    def _core(self) -> Any:
        return getattr(self._client, "_core", None)

    # How it is laid out

    def _control(self, param: Any) -> Control:
        return make_control(param, self._clothes, self._changed, self._client)

    def _rows(self, board: Board | None) -> tuple[Any, ...]:
        make = self._clothes.make
        can = ACTIONS if self._pictures() else tuple(name for name in ACTIONS if name != USE)
        self._board = board or Board(self._clothes, self._press, can=can)
        mine = () if board else (self._board,)
        style = theme.sheet(theme.FORM_SHEET, *(each.sheet for each in mine))
        head = make(widgets.HTML, value=style + saying.head(self._model, self._core()))
        titles = self._titles()
        # One line without words for all groups: a widget may stand in several places.
        made = {
            text: make(widgets.HTML, "kling-wide", "kling-heading", value=tag("div", escape(text)))
            for text in dict.fromkeys(titles.values())
        }
        self._headings = {group: made[text] for group, text in titles.items()}
        self._fold: Any = None
        self._reset = make(widgets.Button, description="Start over")
        self._reset.on_click(self._start_over)
        self._drawers = [kind(self, self._clothes, self._pulled) for kind in (CodeDrawer, PresetDrawer)]
        walked = list(self._walk())
        problems = self._problems(walked)
        self._desk = Desk(
            self,
            self._clothes,
            self._board,
            price=saying.price(self._model),
            wrong=saying.wrong(problems, dict(walked)),
            core=self._core(),
        )
        buttons = (
            self._desk.button,
            self._desk.status,
            self._reset,
            *(each.button for each in self._drawers),
        )
        foot = make(widgets.HBox, "kling-foot", children=buttons)
        self._grid = make(widgets.VBox, "kling-grid", children=self._gridded(problems))
        self._fixed, self._below = (head, self._grid, foot), tuple(each.box for each in mine)
        return (*self._fixed, *self._below)

    def _pulled(self) -> None:
        panels = [panel for each in self._drawers for panel in each.panel]
        self.children = (*self._fixed, *panels, *self._below)

    def _groups(self) -> list[str]:
        groups = dict.fromkeys(control.param.group for control in self._controls.values())
        return sorted(groups, key=lambda group: group == _FOLDED)

    def _titles(self) -> dict[str, str]:
        # A line without words where the first field would say the same again.
        first = {control.param.group: control.param.label for control in reversed(self._controls.values())}
        named = {group: _HEADINGS.get(group, group.capitalize()) for group in self._groups()[1:]}
        return {g: "" if text == first[g] else text for g, text in named.items() if g != _FOLDED}

    def _arrange(self, problems: tuple[Problem, ...]) -> None:
        theme.change(self._grid, children=self._gridded(problems))

    def _gridded(self, problems: tuple[Problem, ...]) -> tuple[Any, ...]:
        rows: list[Any] = []
        for group in self._groups():
            boxes = [control.box for control in self._controls.values() if self._is_shown(control, group)]
            if group == _FOLDED:
                is_open = self._must_unfold(problems) if self._wish is None else self._wish
                words = f"{'Hide' if is_open else 'Show'} advanced settings ({len(boxes)})"
                rows += [self._folding(words), *boxes] if is_open else [self._folding(words)]
            elif boxes:
                rows += [self._headings[group], *boxes] if rows else boxes
        return tuple(rows)

    def _folding(self, words: str) -> Any:
        if self._fold is None:
            self._fold = self._clothes.make(widgets.Button, "kling-fold", "kling-wide", description=words)
            self._fold.on_click(self._folded)
        theme.change(self._fold, description=words)
        return self._fold

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
            self._forget_undo()
            self._refresh()

    def _refresh(self) -> None:
        walked = list(self._walk())
        problems = self._problems(walked)
        by_path: dict[str, list[Problem]] = {}
        for problem in problems:
            by_path.setdefault(problem.path, []).append(problem)
        holders = dict(walked)
        # Of rows that share a path the last one holds the value: the others are empty.
        folded = tuple(f"{path}." for path, control in walked if getattr(control, "folded", False))
        for path, control in walked:
            control.asleep = path.startswith(folded)
            mine = by_path.get(path, [])
            control.tell(mine if holders[path] is control else [])
        self._arrange(problems)
        self._desk.tell(saying.wrong(problems, holders))
        for drawer in self._drawers:
            drawer.refresh()

    def _tell_all(self) -> None:
        for _, control in self._walk():
            control.told = True
        self._wish = None
        self._refresh()
        self._desk.tell(saying.refused(self.problems, dict(self._walk())))

    def _folded(self, _: object) -> None:
        self._wish = self._fold.description.startswith("Show")
        self._arrange(self.problems)

    def _start_over(self, _: object) -> None:
        if self._undo:
            self.values = self._undo[1]
        else:
            self.swap({}, "start over")

    def _forget_undo(self) -> None:
        if self._undo:
            self._undo, self._reset.description = None, "Start over"

    # Going on from a result

    def _press(self, name: str, job: Job) -> None:
        def act(_: object) -> None:
            if words := self._go_on(name, job):
                self._desk.say(theme.told(words))

        bridge.heard(self._desk.lock, act, lambda words: self._desk.say(theme.told(words, wrong=True)))(job)

    def _go_on(self, name: str, job: Job) -> str:
        """Do what a button below a result says; what was done, where nothing else says it."""
        if name == FILL:
            self.fill(job)
            return ""
        if name == USE:
            return self._take_over(job.media)
        if name == WATCH:
            self._desk.take(self._client.resume(job.request_id))
            return f"{job.title} is watched again."
        if not self._desk.may_buy_more():
            return "For one more take, wait a moment and press again."
        self._desk.take(self._client._begin(job.request))
        return f"One more take of {job.title} was ordered."

    def _pictures(self) -> list[Any]:
        return [param for param in self._model.params() if param.kind == "picture"]

    def _take_over(self, media: Any) -> str:
        filled = self.values
        field = next((each for each in self._pictures() if each.name not in filled), self._pictures()[0])
        self.control(self.use(media, field.name)).focus()
        what = f"The last frame of {media.path.name}" if hasattr(media, "last_frame") else media.path.name
        return f"{what} is now the {field.label.lower()} of {self._model.title}."

    # Being shown

    def _ipython_display_(self) -> None:
        if bridge.ui() == "plain" or self._clothes.silent:
            print(self._plain())  # noqa: T201 - the plain form of a form
            return
        _display({**self._repr_mimebundle_(), "text/plain": self._plain()}, raw=True)
        self._board.show_remains()

    def _plain(self) -> str:
        filled = ", ".join(f"{name}={value!r}" for name, value in self.values.items())
        return f"Form for {self._model.slug}: {mask(filled) or 'nothing filled in'}"
