"""The rules of the house, each one run."""

from __future__ import annotations

import ast
import gc
import inspect
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import kling_nb as kn

ROOT = Path(kn.__file__).parent
FLOORS = {
    "errors": 0, "states": 0, "clock": 0, "markup": 0, "kernel": 0, "settings": 0,
    "model": 1, "media": 1,
    "service": 2, "keep": 2,
    "jobs": 3,
    "standin": 4, "core": 4, "client": 4, "login": 4, "testing": 4,
    "notebook": 5,
    "__init__": 6,
}  # fmt: skip
HEAVY = ("httpx", "pydantic", "ipywidgets", "IPython", "PIL", "av", "numpy", "starlette", "uvicorn")


def modules() -> list[Path]:
    return [path for path in sorted(ROOT.rglob("*.py")) if "__pycache__" not in path.parts]


def room(path: Path) -> str:
    part = path.relative_to(ROOT).parts[0]
    return part.removesuffix(".py")


def nodes(path: Path) -> list[ast.AST]:
    # What a collector frees in the middle can upset the parser of CPython 3.11, which then gives up.
    gc.disable()
    try:
        return list(ast.walk(ast.parse(path.read_text(encoding="utf-8"))))
    finally:
        gc.enable()


def own_imports(path: Path) -> Iterator[str]:
    """The rooms a file imports from, wherever in it the import stands."""
    package = path.relative_to(ROOT).parts[:-1]
    for node in nodes(path):
        if isinstance(node, ast.ImportFrom) and node.level:
            base = package[: len(package) - node.level + 1]
            full = (*base, *(node.module.split(".") if node.module else ()))
            yield from [full[0]] if full else [alias.name for alias in node.names]
        elif isinstance(node, (ast.Import, ast.ImportFrom)):
            names = (
                [alias.name for alias in node.names] if isinstance(node, ast.Import) else [node.module or ""]
            )
            yield from (name.split(".")[1] for name in names if name.startswith("kling_nb."))


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_point_downwards(path: Path) -> None:
    here = room(path)
    if here == "sandbox":
        assert set(own_imports(path)) <= {"sandbox"} | {p.stem for p in (ROOT / "sandbox").glob("*.py")}
        return
    wrong = {other for other in own_imports(path) if FLOORS.get(other, 99) > FLOORS[here]}
    assert not wrong


def test_the_sandbox_is_an_island_with_one_lazy_door() -> None:
    namers = {
        path.name for path in modules() if room(path) != "sandbox" and "kling_nb.sandbox" in path.read_text()
    }
    assert namers == {"standin.py"}


def test_only_the_notebook_floor_knows_widgets() -> None:
    for path in modules():
        if room(path) not in ("notebook", "sandbox"):
            assert "ipywidgets" not in path.read_text(encoding="utf-8"), path


def test_the_front_door_loads_nothing_heavy() -> None:
    code = f"import sys, kling_nb; print([name for name in {HEAVY!r} if name in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT.parent
    )
    assert done.stdout.strip() == "[]"


def test_every_public_name_is_there_documented_and_counted() -> None:
    assert 20 <= len(kn.__all__) <= 34
    assert set(dir(kn)) == set(kn.__all__)
    for name in kn.__all__:
        assert name == "__version__" or inspect.getdoc(getattr(kn, name)), name


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'Clinet'"):
        kn.Clinet  # noqa: B018 - reading it is the test


def test_both_clients_have_the_same_verbs_with_the_same_parameters_and_words() -> None:
    verbs = [name for name in dir(kn.Client) if not name.startswith("_")]
    assert verbs == [name for name in dir(kn.AsyncClient) if not name.startswith("_")]
    for name in verbs:
        one, other = (inspect.getattr_static(kind, name) for kind in (kn.Client, kn.AsyncClient))
        if inspect.isfunction(one):
            assert inspect.signature(one).parameters == inspect.signature(other).parameters, name
            assert one.__doc__ == other.__doc__, name


def test_no_file_names_a_machine_or_a_registry() -> None:
    for path in modules():
        text = path.read_text(encoding="utf-8")
        assert "/root/" not in text, path
        assert "/work/" not in text, path


def test_functions_are_short() -> None:
    long = [
        (path.name, node.name)
        for path in modules()
        for node in nodes(path)
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))
        and (node.end_lineno or 0) - node.lineno >= 60
    ]
    assert not long
