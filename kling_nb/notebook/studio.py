"""All models in one place: choose one, fill in its form, see what becomes of it, and go on from that."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from typing import Any

import ipywidgets as widgets
from IPython import display as ipython

from ..jobs.engine import engine
from ..jobs.job import Job
from ..keep.ledger import Record
from ..markup import money_text
from ..model.catalogue import Model, find, models
from . import bridge, pieces, theme
from .board import FILL, USE, Board
from .form import Form
from .gallery import Gallery
from .places import same
from .theme import _ACCENT, _LINE, _MUTED

SHEET = f"""
.kling-studio {{ max-width:1560px; padding:2px 4px 10px; gap:14px; overflow:visible; box-sizing:border-box }}
.kling-studio > *, .kling-desk > * {{ overflow:visible; min-width:0 }}
.kling-studio .widget-html, .kling-studio .widget-html-content {{ height:auto; min-height:0; margin:0;
  line-height:1.45; font-size:13px }}
.kling-desk {{ display:grid; grid-template-columns:repeat(auto-fit,minmax(min(100%,440px),1fr));
  gap:20px 40px; align-items:start }}
.kling-side {{ gap:14px; max-width:880px }}
.kling-side > * {{ overflow:visible; margin:0 }}
.kling-side > .kling-field > .kling-note {{ min-height:19px; color:{_MUTED} }}
.kling-studio .kling-form {{ padding:0; max-width:none }}
.kling-field > .kling-models {{ flex-direction:column; align-items:stretch; height:auto; gap:5px }}
.kling-models > div {{ display:flex; flex-flow:row wrap; gap:6px; margin:0 0 4px }}
.kling-models .widget-toggle-button {{ width:auto; height:32px; margin:0; padding:0 10px;
  border:1px solid {_LINE}; background:none; box-shadow:none; color:var(--jp-ui-font-color1,inherit) }}
.kling-models .widget-toggle-button.mod-active {{ border:2px solid {_ACCENT}; padding:0 9px }}
.kling-models .widget-toggle-button.mod-active::before {{ content:"\\2713\\2002" }}
.kling-models .widget-toggle-button:focus-visible {{ outline:2px solid {_ACCENT}; outline-offset:2px }}
.kling-board > .kling-board-words .widget-html-content {{ border:1px dashed {_LINE}; border-radius:6px;
  padding:22px 14px; text-align:center }}
.kling-more {{ border-top:1px solid {_LINE}; padding-top:12px; gap:10px; overflow:visible }}
.kling-more > .jupyter-button {{ width:auto; align-self:flex-start; margin:0 }}
"""
_ANIMATE = "kling-3-pro-image2video"
_NONE_YET = "What you generate appears here, newest first."
_PAUSE = 1.0  # seconds in which news for the gallery is gathered
_display: Any = ipython.display  # without types of its own


def studio(client: Any = None) -> Studio:
    """All models with their forms, what is going on, and what has been made.

    `client` is the one that Generate uses; without one it is the client that was made last.
    """
    return Studio(bridge.connected(client))


class Studio(widgets.VBox):  # type: ignore[misc]
    """Choose a model, fill in its form, press Generate: cards and results appear beside it, newest first.

    `client` is who generates; `form` the form that is shown and `forms` all that were shown, by slug; `jobs`
    what was generated here, newest first; `gallery` what has been made ever; `show(model)` chooses a model.
    """

    def __init__(self, client: Any) -> None:
        self.client = client
        self.forms: dict[str, Form] = {}
        self._clothes = theme.Wardrobe(silent=bridge.ui() == "plain")
        self._lock = threading.RLock()
        self._busy = self._closed = False
        self._carried: dict[str, dict[str, Any]] = {}
        self._gallery: Gallery | None = None
        self._news = False
        self._board = Board(self._clothes, self._press, ended=self._ended, hint=_NONE_YET)
        look = {"layout": self._clothes.layout(), "_dom_classes": ("kling-studio",)}
        super().__init__(children=self._rows(), **look, **self._clothes.line())
        self.show(models()[0])

    # What a program does with it

    @property
    def form(self) -> Form:
        """The form that is shown."""
        return self.forms[self._slug]

    @property
    def jobs(self) -> tuple[Job, ...]:
        """What was generated here, newest first."""
        return self._board.jobs

    @property
    def gallery(self) -> Gallery:
        """What has been made ever; built when it is first asked for."""
        with self._lock:
            if self._gallery is None:
                self._gallery = Gallery(self.client, use=self._use, fill=self._fill_from)
            return self._gallery

    def show(self, model: Any) -> Form:
        """Show the form of a model, as it was left; an untouched one takes over what it has in common.

        `model` is a slug or a request class. Raises `InvalidRequest` for what is not in the catalogue.
        """
        slug = find(model).slug
        with self._lock:
            before = self.forms.get(getattr(self, "_slug", ""))
            self._slug = slug
            if slug not in self.forms:
                self.forms[slug] = Form(find(slug), self.client, self._board)
            if before is not None and before is not self.form:
                self._carry(before.values)
            self._side.children = (self._side.children[0], self.form)
            self._busy, self._picker.value = True, slug
            self._busy = False
            return self.form

    def close(self) -> None:
        """Close the studio with everything in it."""
        self._closed = True
        super().close()
        for part in (*self.forms.values(), *((self._gallery,) if self._gallery else ())):
            part.close()
        for widget in self._clothes.pieces():
            widget.close()

    def __repr__(self) -> str:
        return f"<Studio of {len(models())} models, {self._slug} shown>"

    def _ipython_display_(self) -> None:
        if bridge.ui() == "plain" or self._clothes.silent:
            print(self._plain())  # noqa: T201 - the plain form of a studio
            return
        _display({**self._repr_mimebundle_(), "text/plain": self._plain()}, raw=True)
        self._board.show_remains()

    def _plain(self) -> str:
        return f"Studio of {len(models())} models. {self.form._plain()}"

    # How it is laid out

    def _rows(self) -> tuple[Any, ...]:
        make = self._clothes.make
        style = theme.sheet(theme.FORM_SHEET, pieces.SHEET, SHEET, self._board.sheet)
        options = tuple((_named(model), model.slug) for model in models())
        # Buttons: in JupyterLab an arrow key on a drop-down walks to the next cell instead.
        self._picker = make(widgets.ToggleButtons, "kling-models", description="Model", options=options)
        self._picker.observe(self._when(self._picked), "value")
        self._status = make(widgets.HTML, "kling-note", value=theme.told(_whose(self.client)))
        head = make(widgets.HTML, value=f"{style}<div class='kling-title'>Studio</div>")
        field = make(widgets.VBox, "kling-field", children=(self._picker, self._status))
        self._side = make(widgets.VBox, "kling-side", children=(field,))
        desk = make(widgets.VBox, "kling-desk", children=(self._side, self._board.box))
        self._fold = make(widgets.Button, description="Show gallery")
        self._fold.on_click(self._when(self._folded))
        self._more = make(widgets.VBox, "kling-more", children=(self._fold,))
        return (head, desk, self._more)

    def _when(self, act: Callable[[Any], None]) -> Callable[[Any], None]:
        return bridge.heard(self._lock, act, lambda words: self._say(words, wrong=True))

    def _say(self, words: str, *, wrong: bool = False) -> None:
        self._status.value = theme.told(words, wrong=wrong)

    def _picked(self, change: Any) -> None:
        if not self._busy:
            self.show(change["new"])

    def _folded(self, _: object) -> None:
        is_open = len(self._more.children) == 1
        self._more.children = (self._fold, self.gallery) if is_open else (self._fold,)
        self._fold.description = "Hide gallery" if is_open else "Show gallery"
        if is_open:
            self.gallery.refresh()

    def _carry(self, values: Mapping[str, Any]) -> None:
        """Take over what fits from the form that was left, unless somebody has filled in this one."""
        mine = self.form.values
        if not same(mine, self._carried.get(self._slug, {})):
            return
        model = find(self._slug)
        common = {param.name: values[param.name] for param in model.params() if param.name in values}
        wrong = {_root(problem.path) for problem in model.check(common) if problem.level == "error"}
        kept = {name: value for name, value in common.items() if name not in wrong}
        if not same(mine, kept):
            self.form.values = kept
        self._carried[self._slug] = kept

    # Going on from a result

    def _press(self, name: str, job: Job) -> None:
        self._when(lambda _: self._go_on(name, job))(job)

    def _go_on(self, name: str, job: Job) -> None:
        if name == USE:
            self._use(job.media)
        elif name == FILL:
            self._fill(job)
        else:
            self._say(self.forms[job.model]._go_on(name, job))

    def _use(self, media: Any) -> None:
        if not self.form._pictures():
            self.show(_ANIMATE)
        self._say(self.form._take_over(media))

    def _fill(self, job: Job) -> None:
        left = self.show(job.model).fill(job)
        gaps = f" Not brought back: {', '.join(each.path for each in left)}." if left else ""
        self._say(f"The form of {job.title} is filled in as it was then.{gaps}")

    def _fill_from(self, record: Record) -> None:
        self._fill(self.client._core._of_record(record))

    # News

    def _ended(self, job: Job) -> None:
        self._say(_ending(job), wrong=job.error is not None)
        if self._gallery is not None and not self._news:
            self._news = True
            engine().loop.call_later(_PAUSE, self._tell_gallery)

    def _tell_gallery(self) -> None:
        self._news = False
        if self._gallery is not None and not self._closed:
            engine().loop.run_in_executor(None, self._gallery.look_again)


def _named(model: Model) -> str:
    low, high = model.price or (0, model.average_price)
    average = round(model.average_price, 3 if model.average_price < 1 else 2)
    return f"{model.title} · {money_text(low) if low == high else f'about {money_text(average)}'}"


def _whose(client: Any) -> str:
    if client.is_sandbox:
        return "This is the built-in sandbox: nothing is charged."
    return "Every generation is billed to your account."


def _ending(job: Job) -> str:
    return f"{job.title}: {'done' if job.error is None else job.error.what}"


def _root(path: str) -> str:
    return path.partition(".")[0].partition("[")[0]
