"""The quickstart as a newcomer meets it: opened in JupyterLab, run to its end, left and found again."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

import nbformat
import pytest

from .lab import REPOSITORY, Lab, Notebook
from .test_cards import assert_plays

pytestmark = pytest.mark.browser

SOURCE = REPOSITORY / "notebooks" / "01-quickstart.ipynb"


def cell_with(words: str) -> int:
    """The place of the code cell whose source holds `words`."""
    cells = nbformat.read(SOURCE, 4).cells
    return next(at for at, cell in enumerate(cells) if cell.cell_type == "code" and words in cell.source)


def moved(notebook: Notebook, cell: int) -> bool:
    """Whether the bar of a card grows while it is looked at."""
    bar = notebook.output(cell).locator(".kling-card [role=progressbar], .kling-card .kling-bar").first
    bar.wait_for()
    first = bar.evaluate("bar => bar.outerHTML")
    cells = "document.querySelectorAll('.jp-Notebook .jp-Cell')"
    script = f"([cell, first]) => !{cells}[cell].innerHTML.includes(first)"
    notebook.page.wait_for_function(script, arg=[cell, first])
    return True


def shoot(notebook: Notebook, name: str) -> None:
    """Keep a picture of the page where `KLING_NB_SHOTS` names a folder."""
    folder = os.environ.get("KLING_NB_SHOTS")
    if folder:
        notebook.page.screenshot(path=Path(folder) / f"{name}.png")


def test_the_quickstart_runs_is_seen_moving_and_survives_its_kernel(lab: Lab, tab: Any) -> None:
    shutil.copy(SOURCE, lab.root / SOURCE.name)
    notebook = lab.open(tab, SOURCE.name)
    tab.set_default_timeout(90_000)
    picture, clip, card = cell_with("kling.run(request)"), cell_with("ImageToVideo("), cell_with("\njob")
    notebook.run_all(wait=False)
    assert moved(notebook, clip)
    shoot(notebook, "moving")
    notebook.output(clip).locator("video").wait_for()
    shown = notebook.output(picture).locator("img").last
    assert shown.evaluate("image => image.complete && image.naturalWidth") >= 640
    assert "fox" in (shown.get_attribute("alt") or "")
    assert_plays(notebook, clip)
    notebook.output(card).locator("img").wait_for()
    notebook.output(cell_with("kn.form(")).locator("textarea").first.wait_for()
    notebook.output(cell_with("credits()")).locator("pre").first.wait_for()
    assert not notebook.page.locator(".jp-OutputArea [data-mime-type*=error]").count()
    shoot(notebook, "done")
    notebook.save()
    notebook.shut_down()
    again = lab.open(tab, SOURCE.name)
    again.output(clip).locator("video").wait_for()
    assert_plays(again, clip)
    assert again.output(picture).locator("img").last.evaluate("image => image.naturalWidth") >= 640
    assert again.output(card).locator("img").count() == 1
