"""The same calls where nobody looks: nbclient (and so papermill), nbval, a script."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from .conftest import REPOSITORY

pytestmark = pytest.mark.kernel

CELLS = (
    "import kling_nb as kn\nkling = kn.Client.sandbox(time_scale=60)",
    "job = kling.submit('kling-3-text2image', prompt='a fox')\njob",
    "image = await job\nimage.size",
    "kling.run('kling-3-text2image', prompt='a hare').size",
    "kn.form('kling-3-text2image', kling)",
    "kling.close()",
)
RUN = """
import nbformat, sys
from nbclient import NotebookClient
notebook = nbformat.read(sys.argv[1], 4)
NotebookClient(notebook, timeout=60).execute()
nbformat.write(notebook, sys.argv[1])
"""


def python(*arguments: str | Path, folder: Path) -> subprocess.CompletedProcess[str]:
    """A Python of its own in which the package can be imported, and nothing says that anybody looks."""
    kept = {
        name: value for name, value in os.environ.items() if name not in ("KLING_NB_UI", "JPY_SESSION_NAME")
    }
    own = {"IPYTHONDIR": str(folder / "ipython"), "KLING_NB_HOME": str(folder / "home")}
    settings = {**kept, **own, "PYTHONPATH": str(REPOSITORY)}
    command = [sys.executable, *map(str, arguments)]
    return subprocess.run(command, cwd=folder, env=settings, capture_output=True, text=True, timeout=120)


@pytest.fixture(scope="module")
def executed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A notebook that nbclient has run."""
    import nbformat

    tmp_path = tmp_path_factory.mktemp("headless")
    cells = [nbformat.v4.new_code_cell(source, id=f"c{at}") for at, source in enumerate(CELLS)]
    path = tmp_path / "story.ipynb"
    nbformat.write(nbformat.v4.new_notebook(cells=cells), path)
    done = python("-c", RUN, path, folder=tmp_path)
    assert done.returncode == 0, done.stderr[-2000:]
    return path


def test_nbclient_gets_lines_and_results_but_no_widgets(executed: Path) -> None:
    import nbformat

    notebook = nbformat.read(executed, 4)
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", ())]
    assert not [output for output in outputs if "widget" in str(output.get("data", {}))]
    assert "widgets" not in notebook.metadata
    assert notebook.cells[1].outputs[0].text.startswith("kling-3-text2image: ")
    assert notebook.cells[2].outputs[-1].data["text/plain"].startswith("(")
    assert notebook.cells[4].outputs[0].text == "Form for kling-3-text2image: nothing filled in\n"


def test_nbval_finds_the_same_again(executed: Path) -> None:
    done = python("-m", "pytest", "--nbval", "-q", "-p", "no:cacheprovider", executed, folder=executed.parent)
    assert done.returncode == 0, done.stdout[-3000:]


def test_a_script_has_its_output_for_itself(tmp_path: Path) -> None:
    script = tmp_path / "story.py"
    script.write_text("\n".join(line for cell in CELLS[:2] + CELLS[3:4] for line in cell.splitlines()))
    script.write_text(script.read_text().replace("kling.run", "print(job.result().size); kling.run"))
    done = python(script, folder=tmp_path)
    assert done.returncode == 0, done.stderr[-2000:]
    assert done.stdout == "(1360, 768)\n"
    assert "Traceback" not in done.stderr
