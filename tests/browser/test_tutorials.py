"""Three notebooks as a person runs them in JupyterLab, with live cards, tables and forms."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from .lab import Lab

pytestmark = pytest.mark.browser

FOLDER = Path(__file__).resolve().parents[2] / "notebooks"
COMPLAINTS = "[data-mime-type$='stderr'], [data-mime-type$='error']"
BLANK = "() => [...document.querySelectorAll('.jp-OutputArea img')].filter(each => !each.naturalWidth).length"
LENGTHS = "() => [...document.querySelectorAll('video')].map(each => each.duration)"


@pytest.mark.parametrize("name", ["07-elements-and-shots", "12-forms", "13-batches"])
def test_it_runs_and_shows_everything(name: str, lab: Lab, tab: Any) -> None:
    shutil.copy(FOLDER / f"{name}.ipynb", lab.root)
    tab.set_default_timeout(120_000)
    notebook = lab.open(tab, f"{name}.ipynb")
    notebook.run_all()
    tab.wait_for_timeout(500)
    assert tab.locator(COMPLAINTS).all_inner_texts() == []
    assert tab.evaluate(BLANK) == 0
    assert all(length == pytest.approx(3, abs=0.1) for length in tab.evaluate(LENGTHS))
