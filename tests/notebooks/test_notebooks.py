"""The notebooks as they are committed, and the README: nothing is run here but the README's blocks."""

from __future__ import annotations

import ast
import asyncio
import importlib.util
import inspect
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat
import pytest

import kling_nb as kn

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "notebooks"
PATHS = sorted(FOLDER.glob("*.ipynb"))
FIRST = next(cell.source for cell in nbformat.read(PATHS[0], 4).cells if cell.cell_type == "code")
README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```python\n(.*?)^```", README, re.M | re.S)
FORBIDDEN = {
    "a key": r"SG_[0-9a-zA-Z]{8,}",
    "an e-mail address": r"[\w.+-]+@[\w-]+\.[a-z]{2,}",
    "a path of a machine": r"(?<![\w.:/])/(?:home|root|tmp|work|Users|usr|var)/|[A-Z]:\\\\",
    "an address of memory": r"\b0x[0-9a-f]{6,}",
    "a widget": r"application/vnd\.jupyter\.widget",
}

MODELS = {
    "02": "kling-3-text2image",
    "03": "kling-3-image2image",
    "04": "kling-3-standard-text2video",
    "05": "kling-3-pro-image2video",
    "06": "kling-text2video",
}

each = pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)


def cells(path: Path, kind: str) -> Iterator[Any]:
    return (cell for cell in nbformat.read(path, 4).cells if cell.cell_type == kind)


def script(name: str) -> Any:
    spec = importlib.util.spec_from_file_location(f"notebooks_{name}", FOLDER / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def make() -> Any:
    return script("make")


def without_data(text: str) -> str:
    return re.sub(r"base64,[A-Za-z0-9+/=\\n]+", "base64,...", text)


def test_every_public_name_appears_in_a_notebook() -> None:
    told = "\n".join(cell.source for path in PATHS for cell in nbformat.read(path, 4).cells)
    assert [name for name in kn.__all__ if not re.search(rf"\bkn\.{name}\b", told)] == []


@each
def test_the_first_code_cell_is_the_same_in_all(path: Path) -> None:
    assert next(cells(path, "code")).source == FIRST


@each
def test_outputs_belong_to_the_sources_and_came_in_order(path: Path) -> None:
    notebook = nbformat.read(path, 4)
    assert notebook.metadata["kling_nb"]["made_from"] == make().fingerprint(notebook), (
        f"run: python notebooks/make.py {path.name[:2]}"
    )
    counts = [cell.execution_count for cell in notebook.cells if cell.cell_type == "code"]
    assert counts == list(range(1, len(counts) + 1))


@each
def test_metadata_is_clean_and_no_cell_failed(path: Path) -> None:
    notebook = nbformat.read(path, 4)
    assert set(notebook.metadata) == {"kernelspec", "language_info", "kling_nb"}
    assert notebook.metadata["kernelspec"]["name"] == "python3"
    for cell in notebook.cells:
        assert set(cell.metadata) <= {"tags"}
        assert all(output.output_type != "error" for output in cell.get("outputs", ()))


@each
def test_it_is_small_and_gives_nobody_away(path: Path) -> None:
    assert path.stat().st_size < 1_000_000
    text = without_data(path.read_text(encoding="utf-8"))
    assert [what for what, pattern in FORBIDDEN.items() if re.search(pattern, text)] == []


@each
def test_its_links_lead_somewhere_and_to_its_neighbours(path: Path) -> None:
    told = "\n".join(cell.source for cell in cells(path, "markdown"))
    links = re.findall(r"\]\(([^)#]+)[^)]*\)", told)
    assert [link for link in links if "://" not in link and not (FOLDER / link).exists()] == []
    at = PATHS.index(path)
    neighbours = {other.name for other in (*PATHS[max(0, at - 1) : at], *PATHS[at + 1 : at + 2])}
    last = list(cells(path, "markdown"))[-1].source
    assert set(re.findall(r"\(([^)]+\.ipynb)\)", last)) == neighbours


@each
def test_it_has_a_thumbnail(path: Path) -> None:
    picture = FOLDER / "images" / f"{path.name[:2]}.jpg"
    assert picture.stat().st_size < 12_000
    assert max(kn.Image(picture).size) == 240


@pytest.mark.parametrize(("number", "slug"), MODELS.items(), ids=str)
def test_every_parameter_has_a_heading_in_the_notebook_of_its_model(number: str, slug: str) -> None:
    path = next(path for path in PATHS if path.name.startswith(number))
    told = "\n".join(cell.source for cell in cells(path, "markdown"))
    headings = " ".join(re.findall(r"^## (.*)$", told, re.M)).split()
    names = [param.name for param in kn.models()[slug].request.params()]
    assert [name for name in names if name not in headings] == []


@each
def test_as_html_it_still_shows_everything(path: Path) -> None:
    from nbconvert import HTMLExporter

    page, _ = HTMLExporter().from_filename(str(path))
    for tag in re.findall(r"<(?:img|video)\b[^>]*>", page):
        named = re.search(r'\b(?:alt|aria-label)="([^"]+)"', tag)
        assert named, tag[:200]
        name = "poster" if tag.startswith("<video") else "src"
        source = re.search(rf'\b{name}="(data:image/|images/[^"]+)', tag)
        assert source, tag[:200]
        assert source[1].startswith("data:") or (FOLDER / source[1]).is_file()
    outputs = [output for cell in cells(path, "code") for output in cell.outputs]
    shown = sum(str(output.get("data", {}).get("text/html", "")).count("<img ") for output in outputs)
    assert page.count("<img ") >= shown


def test_what_is_shown_from_files_is_small() -> None:
    sizes = {path.name: path.stat().st_size for path in (FOLDER / "images").iterdir()}
    assert {name: size for name, size in sizes.items() if size > 65_000} == {}


def test_the_readme_leads_to_every_notebook_and_nowhere_in_vain() -> None:
    links = re.findall(r"\]\(([^)#]+)[^)]*\)", README) + re.findall(r'\bsrc="([^"]+)"', README)
    assert [link for link in links if "://" not in link and not (ROOT / link).exists()] == []
    assert [path.name for path in PATHS if README.count(f"(notebooks/{path.name})") == 0] == []
    pictures = (f'src="notebooks/images/{path.name[:2]}.jpg" alt="' for path in PATHS)
    assert [picture for picture in pictures if picture not in README] == []
    assert "![](" not in README


@pytest.mark.parametrize("block", BLOCKS, ids=lambda block: block.split("\n")[0][:40])
def test_readme_blocks_run_on_the_sandbox(
    block: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with kn.Client.sandbox(time_scale=500) as kling:
        # Declared prelude: `kn` and `kling` are there, and connecting gives a quicker sandbox.
        monkeypatch.setattr(kn, "connect", lambda: kling)
        code = compile(block, "README.md", "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
        running = eval(code, {"kn": kn, "kling": kling})
        if inspect.iscoroutine(running):
            asyncio.run(running)


def test_runs_that_nobody_watches_find_no_key(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("SEGMIND_API_KEY", "not-to-be-used")
    for environment in (make().environment(tmp_path), script("start").without_key()):
        assert "SEGMIND_API_KEY" not in environment
        assert environment["PYTHON_KEYRING_BACKEND"] == "keyring.backends.null.Keyring"
