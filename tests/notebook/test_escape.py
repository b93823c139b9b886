"""Hostile text through everything that makes markup: only our own elements come out, and it can be read.

The same text is shown to a real browser in `tests/browser/test_escape.py`.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import ipywidgets as widgets
import pytest
from hostile import CORPUS, PROMPTS, filled, named_files, opening, seen, strangers, words
from ipywidgets.widgets import widget
from PIL import Image as Pil

import kling_nb as kn
from kling_nb.errors import InvalidRequest, JobFailed, Problem, Stopped, SubmitUnknown
from kling_nb.jobs.listing import JobList
from kling_nb.markup import escape, mask, tag, void
from kling_nb.media.trouble import MediaMissing
from kling_nb.model.table import table
from kling_nb.model.untyped import Untyped
from kling_nb.notebook import face, pieces, theme
from kling_nb.notebook.form import Form
from kling_nb.notebook.gallery import Gallery
from kling_nb.notebook.table import markup as batch_markup
from kling_nb.sandbox import Fault, Sandbox
from kling_nb.states import State
from tests.gallery.conftest import film, stock

from .conftest import Wire
from .standin import StillJob

__all__ = ["film", "stock"]
PRO, MOCK = "kling-3-pro-image2video", "mock-inference"


def check(text: str, markup: str) -> None:
    """`markup` holds nothing foreign and says what `text` says."""
    assert list(strangers(markup)) == [], text
    assert opening(text) in words(markup), (text, markup[:2000])
    markup.encode()  # half a character would not reach a front end


def job(text: str, **more: Any) -> StillJob:
    return StillJob(title=text, model=text, prompt=text, request_id=text, note=text, **more)


PLACES: dict[str, Callable[[str], str]] = {
    "an element": lambda text: tag("div", escape(text), title=text),
    "an element without content": lambda text: tag("p", void("img", alt=text, title=text)),
    "a table": lambda text: table((text, text), [(text, text)]),
    "the head of a card": lambda text: face.head(job(text)),
    "the status of a card": lambda text: face.status(job(text)),
    "a finished card": lambda text: face.final(job(text, value=text, state=State.COMPLETED)),
    "a card of a failure": lambda text: face.final(job("x", error=JobFailed(text, todo=text))),
    "a card of a lost answer": lambda text: face.final(job("x", error=SubmitUnknown(text, again=text))),
    "a card that was stopped": lambda text: face.final(job("x", error=Stopped("x", todo=text))),
    "a card of a mistake": lambda text: face.final(
        job("x", error=InvalidRequest([Problem(text, text)], text))
    ),
    "a card whose file is gone": lambda text: face.final(job("x", outputs=(Gone(text),))),
    "a request without a model of ours": lambda text: Untyped("some-model", {text: text})._repr_html_(),
    "the title of a list": lambda text: JobList([], text)._repr_html_(),
    "a sentence that is told": lambda text: theme.told(text, wrong=True),
    "a question of the gallery": lambda text: pieces.question([text]),
}


class Gone:
    """A result that can not show itself."""

    def __init__(self, text: str) -> None:
        self.text, self.path = text, Path(text[:200])

    def _repr_mimebundle_(self) -> dict[str, str]:
        raise MediaMissing(self.text)


def test_the_corpus_is_large_and_would_be_noticed() -> None:
    assert len(set(CORPUS)) >= 50
    assert sum(any(strangers(text)) for text in CORPUS) >= 35


def test_long_text_takes_no_longer_than_its_length() -> None:
    begun = time.monotonic()
    for text in ("a" * 300_000, "a." * 150_000, "@a" * 150_000, "a@" * 150_000):
        assert mask(text)
    assert time.monotonic() - begun < 5  # each would take minutes if every letter were a place to begin


@pytest.mark.parametrize("place", PLACES)
def test_it_is_text_in(place: str) -> None:
    for text in CORPUS:
        check(text, PLACES[place](text))


def test_it_is_text_in_a_request() -> None:
    for text in PROMPTS:
        request = kn.Kling3ProImageToVideo(
            prompt=text[:500],
            start_image_url="https://seen.invalid/a.png",
            multi_prompt=[kn.Shot(prompt=text[:500], duration="5")],
        )
        check(text, request._repr_html_())


def test_it_is_text_in_pictures_and_the_names_of_their_files(tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.chdir(tmp_path)
    Pil.new("RGB", (64, 48)).save("plain.png")
    for text in CORPUS:
        check(text[:200], kn.Image("plain.png", prompt=text)._repr_mimebundle_()["text/html"])
    for path in named_files(Path("plain.png").absolute()):
        shown = kn.Image(path, prompt="a fox")
        check(path.name, shown._repr_mimebundle_()["text/html"])
        check(path.name, shown._html(embed=False, width=None))
        path.write_bytes(b"no picture")
        check(path.name, shown._repr_mimebundle_()["text/html"])


def test_it_is_text_in_why_a_job_failed(kling: kn.Client, sandbox: Sandbox) -> None:
    jobs = []
    for number, text in enumerate(PROMPTS):
        sandbox.script(Fault("submit", "fail", detail=text))
        jobs.append(kling.submit(MOCK, number=number))
    for text, failed in zip(PROMPTS, jobs, strict=True):
        failed.wait(20)
        check(text, face.final(failed))
    assert list(strangers(kling.jobs(limit=200)._repr_html_())) == []


def test_it_is_text_in_why_the_service_refused(kling: kn.Client, sandbox: Sandbox) -> None:
    for text in CORPUS:
        sandbox.script(Fault("submit", "status", code=400, body=json.dumps({"error": text}).encode()))
        sandbox.script(Fault("submit", "status", code=400, body=text.encode("utf-8", "replace")))
        for _ in range(2):
            with pytest.raises(kn.KlingError) as refused:
                kling.submit(MOCK)
            check("the service said", face.final(StillJob(error=refused.value)))
            assert opening(text, 8) in seen(str(refused.value)) or text.startswith("<"), text
            str(refused.value).encode()


def test_it_is_text_in_a_batch(client: Any, sandbox: Sandbox) -> None:
    rows = [{"model": MOCK, "prompt": text} for text in PROMPTS]
    rows += [{"model": "kling-3-text2image", "prompt": "x", "aspect_ratio": text} for text in PROMPTS]
    for at in range(0, len(rows), 40):
        batch = client().batch(rows[at : at + 40])
        batch.wait(30)
        markup = batch_markup(batch)
        for row in rows[at : at + 40]:
            check(row.get("aspect_ratio", row["prompt"])[:30], markup)


def test_it_is_text_in_the_gallery(kling: kn.Client, stock: Any, wire: Wire) -> None:
    for text in PROMPTS:
        stock(share="shared.png", prompt=text, negative_prompt=text)
    shown = Gallery(kling)
    for number in range(1, shown.pages + 1):
        shown.page = number
        shown._filling and shown._filling.result(20)
        for piece in shown._shown:
            check(piece.record.prompt, pieces.large_html(piece))
            check(piece.record.prompt, pieces.tile_html(piece, None, waiting=False))
        assert list(strangers(pieces.compared_html(shown._shown[:4]))) == []
        assert list(strangers(shown._plain_html())) == []
        assert_widgets_are_harmless()
    shown.close()


def test_it_is_text_in_a_form(wire: Wire) -> None:
    form = Form(next(model for model in kn.models() if model.slug == PRO).request, object())
    for text in CORPUS:
        form.values = filled(text)
        with pytest.raises(InvalidRequest):
            form.generate()
        assert_widgets_are_harmless()
        told = "".join(each.value for each in html_widgets())
        assert opening(repr(text)[1:]) in words(told), text
    form.close()


def test_it_is_text_as_the_name_of_an_upload(wire: Wire) -> None:
    form = Form(next(model for model in kn.models() if model.slug == PRO).request, object())
    control = dict(form._walk())["start_image_url"]
    for text in CORPUS:
        file = {
            "name": text,
            "content": b"no picture",
            "type": "",
            "size": 10,
            "last_modified": datetime.now(),
        }
        control.upload.value = (file,)
        check(text[:200], control.note.value)
    form.close()


_others: set[str] = set()


@pytest.fixture(autouse=True)
def _only_what_is_made_here() -> None:
    _others.clear()
    _others.update(widget._instances)


def html_widgets() -> list[Any]:
    """Every widget of this test that shows markup."""
    made = [each for name, each in widget._instances.items() if name not in _others]
    return [each for each in made if isinstance(each, widgets.HTML)]


def assert_widgets_are_harmless() -> None:
    for each in html_widgets():
        assert list(strangers(each.value)) == []
        each.value.encode()
