"""A request as Python: run, it gives the same request again."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from every import EVERY
from PIL import Image

import kling_nb as kn
from kling_nb.model.catalogue import models
from kling_nb.model.code import python_code
from kling_nb.model.untyped import Untyped

SLUGS = [model.slug for model in models()]
HOSTILE = (
    "plain",
    "it's \"both\" kinds of 'quotes'",
    "a\nline\r\nand\ttabs and \\n and \\",
    "\"\"\"triple\"\"\" '''quotes'''",
    "{braces} %s f'{x}' \\N{DASH} \\u0041",
    "\x00\x1b\x7f\x85\u2028\u2029 controls",
    "right \u202e to left, \U0001f98a a fox, 狐狸在雪中",
    "<script>alert(1)</script> '''); import os; os.abort()#",
    "words " * 900,
    "x" * 2600,
    "雪" * 800,
    "\n" * 50 + "end",
)
pytestmark = pytest.mark.filterwarnings("ignore::kling_nb.RequestWarning")


def made(slug: str, **changes: Any) -> Any:
    return kn.models()[slug].request(**{**EVERY[slug], **changes})


def run(code: str) -> Any:
    """The request that the code makes, once somebody has put it into a file."""
    space: dict[str, Any] = {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", kn.RequestWarning)
        exec(compile(code.encode("utf-8"), "request.py", "exec"), space)
    return space["request"]


@pytest.mark.parametrize("slug", SLUGS)
def test_every_parameter_comes_back_the_same(slug: str) -> None:
    request = made(slug)
    assert set(request.values()) == {param.name for param in request.params()}
    again = run(request.code())
    assert again == request
    assert again.values() == request.values()
    assert request.code().missing == ()


@pytest.mark.parametrize("text", HOSTILE)
@pytest.mark.parametrize("slug", SLUGS)
def test_any_text_comes_back_the_same(slug: str, text: str) -> None:
    request = made(slug, prompt=text, elements=None) if "elements" in EVERY[slug] else made(slug, prompt=text)
    assert run(request.code()) == request


def test_what_is_not_set_is_not_there() -> None:
    assert kn.Kling3TextToImage(prompt="a fox").code() == (
        'import kling_nb as kn\n\nrequest = kn.Kling3TextToImage(prompt="a fox")\n'
    )


def test_it_is_wrapped_to_be_read() -> None:
    code = made("kling-3-pro-image2video", prompt="a sentence of some words " * 12).code()
    assert max(map(len, code.splitlines())) <= 92
    assert '        kn.Element(frontal_image_url="a.png", reference_image_urls=["b.png"]),\n' in code
    assert '        kn.Shot(prompt="and bow", duration="2"),\n' in code
    assert repr(code) == code


def test_media_comes_back_by_its_path(tmp_path: Path) -> None:
    Image.new("RGB", (8, 8)).save(tmp_path / "fox's.png")
    request = made("kling-3-pro-image2video", start_image_url=kn.Image(tmp_path / "fox's.png"))
    assert run(request.code()) == request


def test_pictures_in_memory_are_named_and_the_code_says_it_does_not_run() -> None:
    request = made(
        "kling-3-pro-image2video",
        start_image_url=b"123",
        elements=[
            {
                "frontal_image_url": np.zeros((4, 6, 3), "uint8"),
                "reference_image_urls": [Image.new("RGB", (3, 3))],
            }
        ],
        prompt="@Element1 <<<voice_1>>>",
    )
    code = request.code()
    assert code.startswith("# This does not run as it stands:\n# picture_1 stands for 3 bytes of data")
    assert len(code.missing) == 3
    assert "start_image_url=picture_1,\n" in code
    assert "an array of shape (4, 6, 3)" in code
    with pytest.raises(NameError, match="picture_1"):
        run(code)
    names = {"picture_1": b"123", "picture_2": np.zeros((4, 6, 3), "uint8")}
    space: dict[str, Any] = {**names, "picture_3": Image.new("RGB", (3, 3))}
    exec(code, space)
    assert space["request"] == request


def test_a_draft_says_what_keeps_it_from_running() -> None:
    draft = {
        "duration": "99",
        "nan": float("nan"),
        "a b": 1,
        "class": None,
        "x\nimport os": "y",
        "half": "\ud800",
        "huge": 10**5000,
    }
    code = python_code(kn.Kling3ProImageToVideo, draft)
    assert code.startswith("# This does not run as it stands:\n")
    assert "# prompt: nothing was given" in code
    assert "import os" not in [line.strip() for line in code.splitlines()]
    with pytest.raises(kn.InvalidRequest) as caught:
        run(code)
    assert {problem.path for problem in caught.value.problems} >= {"duration", "prompt", "a b", "class"}


def test_a_model_that_is_not_described_is_submitted_by_its_slug() -> None:
    asked: list[Any] = []

    class Kling:
        def submit(self, *slug: str, **values: Any) -> None:
            asked.extend((slug, values))

    values = {
        "voice_url": "https://example.com/a.mp3",
        "deep": [1, {"a-b": 2.5}, None],
        "on": True,
        "a-b": "c",
    }
    code = Untyped("kling-create-voice", values).code()
    exec(code.replace("kn.connect()", "Kling()"), {"Kling": Kling})
    assert asked == [("kling-create-voice",), values]
