"""The main path in Notebook 7 and in Voilà: connect, press, see it move, see the result, find it again."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from .lab import Lab, Notebook, Server
from .test_cards import PLAYS

pytestmark = pytest.mark.browser

START = "import kling_nb as kn\nkling = kn.Client.sandbox(time_scale=40)"
FORM = "form = kn.form('kling-3-text2image', kling)\nform"
CLIP = "job = kling.submit('kling-3-standard-text2video', prompt='a kite over the sea', duration=3)\njob"
WIDE = "image => image.complete && image.naturalWidth"


def press_and_see(page: Any, area: Any) -> None:
    """Fill in a form and press: a card moves, then there is a picture with pixels."""
    area.locator(".kling-form textarea").first.fill("a fox <in> the snow")
    area.locator(".kling-form textarea").first.blur()
    area.locator(".kling-form button", has_text="Generate").first.click()
    area.locator("[role=progressbar]").first.wait_for()
    area.locator(".kling-final img").first.wait_for()
    assert area.locator(".kling-final img").first.evaluate(WIDE) >= 640
    assert "a fox <in> the snow" in area.locator(".kling-final").first.inner_text()


def moves(area: Any) -> None:
    """The time on a live card goes on."""
    card = area.locator(".kling-card").first
    card.wait_for()
    first = re.search(r"· (\d+) s ·", card.inner_text())
    assert first
    card.get_by_text(re.compile(rf"· {int(first[1]) + 1} s ·")).wait_for()


def plays(area: Any) -> None:
    """The clip is loaded and runs."""
    area.locator("video").first.wait_for()
    state = area.locator("video").first.evaluate(PLAYS)
    assert state["ready"] >= 3
    assert state["at"] > 0.1
    assert state["wide"] > 0


@pytest.fixture
def notebook7(tmp_path: Path) -> Iterator[Lab]:
    """A Notebook 7 server."""
    with contextlib.closing(Lab(tmp_path, program="notebook")) as server:
        yield server


@pytest.fixture
def voila(tmp_path: Path) -> Iterator[Server]:
    """A Voilà server."""
    with contextlib.closing(Server(tmp_path, program="voila")) as server:
        yield server


def test_notebook_7(notebook7: Lab, tab: Any) -> None:
    notebook = notebook7.open(tab, notebook7.write("story.ipynb", [START, FORM, CLIP]))
    tab.set_default_timeout(40_000)
    notebook.run_all()
    moves(notebook.output(2))
    press_and_see(tab, notebook.output(1))
    plays(notebook.output(2))
    notebook.save()
    notebook.shut_down()
    again: Notebook = notebook7.open(tab, "story.ipynb")
    assert again.output(1).locator(".kling-final img").first.evaluate(WIDE) >= 640
    plays(again.output(2))


def test_voila(voila: Server, tab: Any) -> None:
    name = voila.write("story.ipynb", [START, FORM, CLIP])
    tab.set_default_timeout(40_000)
    tab.goto(f"{voila.url}/voila/render/{name}", wait_until="domcontentloaded")
    page = tab.locator("body")
    moves(page)
    press_and_see(tab, page)
    plays(page)
    assert "Error displaying widget" not in page.inner_text()
