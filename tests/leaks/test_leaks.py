"""The key and the account's e-mail are nowhere: not in a notebook, not in a log, not in any file."""

from __future__ import annotations

import base64
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import nbformat
import pytest

from leaks.paths import CELLS, FAILS

REPOSITORY = Path(__file__).resolve().parents[2]
KEY, EMAIL = "SG_canary0f3e9d17c2b846", "artist@example.com"
NOTEBOOK = """
import nbformat, sys
from nbclient import NotebookClient
notebook = nbformat.read("story.ipynb", 4)
NotebookClient(notebook, timeout=120, allow_errors=True, store_widget_state=True).execute()
nbformat.write(notebook, "story.ipynb")
"""
# Each cell as IPython runs it, and its failure with every local variable of every frame.
SCRIPT = """
import sys
from IPython.core.interactiveshell import InteractiveShell
from leaks.paths import CELLS
shell = InteractiveShell.instance()
shell.run_line_magic("xmode", "Verbose")
for cell in CELLS:
    done = shell.run_cell(cell)
    if done.error_in_exec: shell.user_ns["keep"](done.error_in_exec)
"""
# Rows of a batch on processes that get everything by pickle.
WORKERS = """
import logging, multiprocessing, os, pickle, sys
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
if __name__ == "__main__":
    logging.basicConfig(filename="workers.log", level=logging.DEBUG)
    import kling_nb as kn
    from kling_nb.sandbox import Fault, Sandbox
    with Sandbox(time_scale=4000, key=os.environ["SEGMIND_API_KEY"]) as service:
        kling = kn.Client(base_url=service.base_url, time_scale=4000)
        said = {"error": f"the key {service.key} of artist{chr(64)}example.com"}
        service.script(Fault("submit", "status", code=401, body=said))
        service.script(Fault("submit", "fail", detail=str(said)))
        with ProcessPoolExecutor(2, multiprocessing.get_context("spawn")) as executor:
            rows = kling.batch([{"model": "mock-inference", "n": n} for n in range(4)], executor=executor)
            rows.wait(60)
            print(rows, list(rows), [row.error for row in rows], rows.counts)
            Path("rows.pickle").write_bytes(pickle.dumps([row.error for row in rows]))
        kling.close()
"""


def needles() -> Iterator[tuple[str, bytes]]:
    """What must not be found, and the forms it could have."""
    for name, text in (("key", KEY), ("e-mail", EMAIL)):
        plain = text.encode()
        yield name, plain
        yield f"{name} in UTF-16", text.encode("utf-16-le")
        yield f"{name} in hex", plain.hex().encode()
        yield f"{name} as an address", text.replace("@", "%40").encode()
        yield f"{name} as HTML", text.replace("@", "&#64;").encode()
        for shift in range(3):  # inside a longer text the letters fall differently
            coded = base64.b64encode(b"x" * shift + plain)
            yield f"{name} in base64", coded[4 if shift else 0 : -4]


def leaks(folder: Path) -> list[str]:
    """Each place below `folder` that gives something away, with what stands around it."""
    found = []
    for path in sorted(each for each in folder.rglob("*") if each.is_file()):
        data = path.read_bytes()
        for name, needle in dict.fromkeys(needles()):
            for hit in list(re.finditer(re.escape(needle), data))[:3]:
                around = data[max(0, hit.start() - 160) : hit.end() + 60]
                found.append(f"{path.relative_to(folder)}: {name}: {around!r}")
    return found


def run(folder: Path, *command: str, ui: str) -> str:
    """Run a Python in `folder` that knows the key from its environment alone; its output stays there too."""
    own = {name: str(folder / name.lower()) for name in ("KLING_NB_HOME", "KLING_NB_MEDIA", "IPYTHONDIR")}
    paths = os.pathsep.join([str(REPOSITORY), str(REPOSITORY / "tests")])
    outside = {name: value for name, value in os.environ.items() if name != "JPY_SESSION_NAME"}
    environment = {**outside, **own, "SEGMIND_API_KEY": KEY, "KLING_NB_UI": ui, "PYTHONPATH": paths}
    folder.mkdir(exist_ok=True)
    done = subprocess.run(
        [sys.executable, *command], cwd=folder, env=environment, capture_output=True, text=True, timeout=240
    )
    (folder / "stdout.txt").write_text(done.stdout)
    (folder / "stderr.txt").write_text(done.stderr)
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


def test_what_is_looked_for_would_be_found(tmp_path: Path) -> None:
    for at, (_, needle) in enumerate(needles()):
        (tmp_path / "file").write_bytes(b"some \x00 bytes " + needle)
        assert leaks(tmp_path), at
    for shift in range(3):
        (tmp_path / "file").write_bytes(base64.b64encode(b"." * shift + EMAIL.encode() + b" and more"))
        assert "base64" in leaks(tmp_path)[0]


@pytest.mark.kernel
def test_nothing_is_in_a_notebook_or_beside_it(tmp_path: Path) -> None:
    cells = [nbformat.v4.new_code_cell(cell.strip(), id=f"c{at}") for at, cell in enumerate(CELLS)]
    nbformat.write(nbformat.v4.new_notebook(cells=cells), tmp_path / "story.ipynb")
    run(tmp_path, "-c", NOTEBOOK, ui="widgets")
    notebook = nbformat.read(tmp_path / "story.ipynb", 4)
    outputs = [output for cell in notebook.cells for output in cell.outputs]
    faults = [output.ename for output in outputs if output.output_type == "error"]
    assert len(faults) == len(FAILS), faults
    states = notebook.metadata.widgets["application/vnd.jupyter.widget-state+json"]["state"]
    assert len(states) > 50
    assert "httpcore" in (tmp_path / "debug.log").read_text()
    assert leaks(tmp_path) == []


@pytest.mark.kernel
def test_nothing_is_in_tracebacks_errors_and_logs(tmp_path: Path) -> None:
    said = run(tmp_path, "-c", SCRIPT, ui="plain")
    assert said.count("Traceback (most recent call last)") >= len(FAILS)
    assert len(list((tmp_path / "errors").glob("*.pickle"))) >= len(FAILS)
    # An address that somebody passed stands in the frames it was passed through, as in their own cell.
    frames = ("stdout.txt: e-mail", "errors/")
    assert [each for each in leaks(tmp_path) if ": key" in each or not each.startswith(frames)] == []
    assert [each for each in leaks(tmp_path) if re.match(r"errors/\d+\.pickle", each)] == []


@pytest.mark.kernel
def test_nothing_is_in_what_workers_say_and_write(tmp_path: Path) -> None:
    (tmp_path / "workers.py").write_text(WORKERS)
    said = run(tmp_path, "workers.py", ui="plain")
    assert "failed" in said
    assert leaks(tmp_path) == []
