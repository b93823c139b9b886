"""The product of values, and what tells its requests apart."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import kling_nb as kn
from kling_nb.jobs.sweep import differences, sweep, takes, wishes

FOX = kn.Kling3StandardTextToVideo(prompt="a fox")


def labels(rows: list[Any]) -> list[str]:
    return differences(wishes(rows)).labels


def test_the_last_name_varies_fastest() -> None:
    made = sweep(FOX, aspect_ratio=["1:1", "16:9"], duration=[3, 5])
    assert [(each.aspect_ratio, each.duration) for each in made] == [
        ("1:1", "3"), ("1:1", "5"), ("16:9", "3"), ("16:9", "5"),
    ]  # fmt: skip
    assert all(each.prompt == "a fox" for each in made)


@pytest.mark.parametrize(
    "values",
    [[0.2, 0.4], (0.2, 0.4), np.array([0.2, 0.4]), (each for each in (0.2, 0.4)), [np.float64(0.2), 0.4]],
)
def test_choices_come_in_any_kind_of_list(values: Any) -> None:
    assert [each.cfg_scale for each in sweep(FOX, cfg_scale=values)] == [0.2, 0.4]


def test_a_model_and_single_values_will_do() -> None:
    made = sweep("kling-3-text2image", prompt=["a fox", "a hare"], resolution="2K")
    assert [(each.prompt, each.resolution) for each in made] == [("a fox", "2K"), ("a hare", "2K")]
    assert [each.duration for each in sweep(FOX, duration=range(3, 6))] == ["3", "4", "5"]
    assert sweep(FOX) == [FOX]
    assert [each.values() for each in sweep("any-model", seed=[1, 2])] == [{"seed": 1}, {"seed": 2}]


def test_everything_wrong_is_said_at_once() -> None:
    with pytest.raises(kn.InvalidRequest) as caught:
        sweep(FOX, aspect_ratio=["5:4", "1:1"], cfg_scale=[2, 0.5], colour=["red"], duration=[])
    assert [problem.path for problem in caught.value.problems] == [
        "duration",
        "colour",
        "aspect_ratio",
        "cfg_scale",
    ]


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ([FOX, FOX.replace(prompt="a hare")], ["a fox", "a hare"]),
        ([FOX, FOX.replace(duration=7)], ["duration 5", "duration 7"]),
        ([FOX, FOX.replace(aspect_ratio="16:9", cfg_scale=0.7)], ["cfg_scale 0.5", "cfg_scale 0.7"]),
        (sweep(FOX, negative_prompt=["x", "y"]), ["negative_prompt x", "negative_prompt y"]),
        ([FOX], ["a fox"]),
        ([FOX, FOX], ["", ""]),
        ([FOX, {"model": FOX.slug, "prompt": "a fox", "aspect_ratio": "5:4"}], ["16:9", "5:4"]),
        ([FOX, {"model": "mock-inference", "sleep": 1}], [FOX.slug, "mock-inference"]),
    ],
    ids=str,
)  # fmt: skip
def test_labels_say_what_differs_and_no_more(rows: list[Any], expected: list[str]) -> None:
    assert labels(rows) == expected


def test_pictures_are_labelled_by_their_names(tmp_path: Path) -> None:
    rows = [
        {"model": "kling-3-image2image", "prompt": "x", "image_url": tmp_path / f"{name}.png"}
        for name in "ab"
    ]
    assert labels(rows) == ["a.png", "b.png"]


def test_a_sheet_of_a_sweep_has_a_column_for_each_last_value() -> None:
    made = sweep(FOX, aspect_ratio=["1:1", "16:9"], cfg_scale=[0.1, 0.5, 0.9])
    assert differences(wishes(made)).period == 3
    assert differences(wishes(made)).common == "kling-3-standard-text2video: a fox"
    assert differences(wishes(made[:3])).period is None
    assert differences(wishes(made[:5])).period is None


def test_pictures_are_only_read_where_rows_look_alike(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[Any] = []
    real: Callable[[Any], Any] = __import__("kling_nb.media.picture", fromlist=["read_picture"]).read_picture
    monkeypatch.setattr(
        "kling_nb.jobs.sweep.read_picture", lambda value: (read.append(value), real(value))[1]
    )
    picture = np.zeros((320, 320, 3), np.uint8)
    missing = tmp_path / "missing.png"
    made = sweep("kling-3-image2image", prompt=["a", "b"], image_url=picture)
    assert takes(made) == [1, 1]
    assert read == []
    same = [made[0], made[0], made[0].replace(image_url=missing), made[0].replace(image_url=picture.copy())]
    assert takes(same) == [1, 2, 1, 3]
    assert len(read) == 3
