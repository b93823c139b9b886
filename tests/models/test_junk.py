"""Checks stand any junk, cost next to nothing, and the folder keeps to its floor."""

from __future__ import annotations

import ast
import contextlib
import random
import subprocess
import sys
import timeit
from pathlib import Path

import numpy as np
import pytest

import kling_nb.model as m
from kling_nb.errors import InvalidRequest, Problem

FOLDER = Path(m.__file__).parent


class Spiteful:
    def __getattr__(self, name):
        raise RuntimeError(name)

    def __repr__(self):
        raise RuntimeError("no")

    __eq__ = __hash__ = __bool__ = __len__ = __iter__ = __str__ = __repr__


JUNK = [
    None, True, 0, -1, 5, 10**5000, 1.5, float("nan"), float("inf"), 1j, "", " ", "a", "\x00", "\ud800",
    "16:9", "https://", "https://[", "data:,", "simple", "(element1)", "@Element99", "<<<voice_1>>>",
    b"", b"x", [], [[]], [None], {}, {"prompt": 5}, {5: 5}, {"frontal_image_url": []}, (), set(),
    object, object(), Spiteful(), len, np.zeros(3), np.float64("nan"), np.array(["a"], object),
    range(3), Path(), Ellipsis, sys,
]  # fmt: skip


def grown(dice, depth=2):
    value = dice.choice(JUNK)
    if depth and dice.random() < 0.3:
        return [grown(dice, depth - 1) for _ in range(dice.randrange(8))]
    if depth and dice.random() < 0.2:
        names = ["prompt", "duration", "frontal_image_url", "reference_image_urls", "x"]
        return {dice.choice(names): grown(dice, depth - 1) for _ in range(3)}
    return value


@pytest.mark.parametrize(
    "model", [*(each.request for each in m.models()), m.Shot, m.Element], ids=lambda c: c.__name__
)
def test_a_check_never_raises(model):
    dice = random.Random(7)
    names = [param.name for param in model.params()] + ["x"]
    for _ in range(400):
        values = {dice.choice(names): grown(dice) for _ in range(dice.randrange(6))}
        for problem in m.check(model, values):
            assert isinstance(problem, Problem)
            assert len(str(problem)) < 400


@pytest.mark.parametrize("junk", JUNK, ids=lambda junk: type(junk).__name__)
def test_a_check_stands_junk_in_place_of_values_and_models(junk):
    assert isinstance(m.check(m.Kling3TextToImage, junk), tuple)
    assert isinstance(m.check(junk, {}), tuple)


@pytest.mark.filterwarnings("ignore::kling_nb.errors.RequestWarning")
def test_making_a_request_of_junk_raises_nothing_but_invalid_request():
    dice = random.Random(8)
    for entry in m.models():
        names = [param.name for param in entry.request.params()] + ["x"]
        for _ in range(200):
            values = {dice.choice(names): grown(dice) for _ in range(4)}
            with contextlib.suppress(InvalidRequest):
                repr(m.request_for(entry.slug, values))


def test_a_check_costs_well_under_a_millisecond():
    elements = [m.Element(frontal_image_url="a.png", reference_image_urls=["b.png"] * 3)] * 3
    shots = [m.Shot(prompt="@Element1 @Element2 @Element3", duration=3)] * 5
    values = {
        "prompt": "a",
        "start_image_url": "a.png",
        "elements": elements,
        "multi_prompt": shots,
        "duration": 15,
    }
    assert m.check("kling-3-pro-image2video", values) == ()
    rounds = min(timeit.repeat(lambda: m.check("kling-3-pro-image2video", values), number=50, repeat=5))
    assert rounds / 50 < 0.001


def test_the_folder_imports_the_floor_below_pydantic_and_the_standard_library_only():
    allowed = {"errors", "markup"}
    for file in FOLDER.glob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and node.level == 2:
                assert node.module in allowed, file.name
            elif isinstance(node, (ast.Import, ast.ImportFrom)) and not getattr(node, "level", 0):
                names = (
                    [node.module] if isinstance(node, ast.ImportFrom) else [each.name for each in node.names]
                )
                tops = {name.partition(".")[0] for name in names}
                assert tops <= {"pydantic", "pydantic_core", *sys.stdlib_module_names}, file.name


def test_the_front_door_does_not_load_pydantic():
    code = "import sys, kling_nb; sys.exit('pydantic' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=FOLDER.parents[1], check=False).returncode == 0
