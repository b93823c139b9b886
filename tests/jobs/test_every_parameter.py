"""Each model with every parameter away from its default: what arrived at the service and what came back."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest
from every import EVERY
from PIL import Image, ImageColor

import kling_nb as kn
from kling_nb.sandbox import Sandbox

COLOURS = {"a": "teal", "b": "tomato", "c": "gold", "d": "navy", "a b": "orchid"}
# Pictures that are addresses in EVERY are files here, and some values are given in another of their forms.
FILES: dict[str, dict[str, Any]] = {"kling-3-image2image": {"image_url": Path("c.png")}}
OTHERWISE: dict[str, dict[str, Any]] = {
    "kling-3-standard-text2video": {"duration": 4},
    "kling-text2video": {"duration": "10"},
}
WARNED = ("kling-3-pro-image2video", "kling-text2video")
MADE: dict[str, dict[str, Any]] = {
    "kling-3-text2image": {"size": (1664, 2496), "format": "webp"},
    "kling-3-image2image": {"size": (2336, 1760), "format": "jpeg"},
    "kling-3-standard-text2video": {
        "size": (720, 1280),
        "has_sound": True,
        "duration": pytest.approx(4, abs=0.1),
    },
    "kling-3-pro-image2video": {
        "size": (1440, 1440),
        "has_sound": False,
        "duration": pytest.approx(3, abs=0.1),
    },
    "kling-text2video": {"has_sound": False, "duration": pytest.approx(10, abs=0.1)},
}


@pytest.fixture
def _pictures(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The files that the values name, all of them different."""
    for name, colour in COLOURS.items():
        Image.new("RGB", (640, 640), colour).save(tmp_path / f"{name}.png")
    monkeypatch.chdir(tmp_path)


def arrived(sandbox: Sandbox) -> Any:
    assert sandbox.ignored == []
    return sandbox.posts()[-1].body


def addressed(given: Any, came: Any, addresses: dict[str, str]) -> Any:
    """What was given, with the address that came for each file; those are put down in `addresses`."""
    if isinstance(given, dict):
        return {name: addressed(each, came[name], addresses) for name, each in given.items()}
    if isinstance(given, list):
        return [addressed(one, other, addresses) for one, other in zip(given, came, strict=True)]
    if isinstance(given, Path) or given in [f"{name}.png" for name in COLOURS]:
        assert addresses.setdefault(str(given), came) == came
        return came
    return given


@pytest.mark.usefixtures("_pictures")
@pytest.mark.parametrize("slug", EVERY)
def test_every_parameter_arrives_and_shows(kling: kn.Client, sandbox: Sandbox, slug: str) -> None:
    given, addresses = {**EVERY[slug], **FILES.get(slug, {})}, dict[str, str]()
    with pytest.warns(kn.RequestWarning) if slug in WARNED else nullcontext():
        request = kn.models()[slug].request(**{**given, **OTHERWISE.get(slug, {})})
    made = kling.run(request)
    assert arrived(sandbox) == addressed(given, arrived(sandbox), addresses)
    assert all(address.startswith(sandbox.output_url) for address in addresses.values())
    assert len(set(addresses.values())) == len(addresses)
    assert {name: getattr(made, name) for name in MADE[slug]} == MADE[slug]


@pytest.mark.usefixtures("_pictures")
def test_a_clip_begins_and_ends_with_its_pictures(kling: kn.Client) -> None:
    pictures = {"start_image_url": "a.png", "end_image_url": "b.png"}
    clip = kling.run("kling-3-pro-image2video", prompt="it turns", duration=3, **pictures)
    assert near(clip.first_frame(), COLOURS["a"])
    assert near(clip.last_frame(), COLOURS["b"])


def test_what_is_unset_is_absent(kling: kn.Client, sandbox: Sandbox) -> None:
    kling.submit("kling-text2video", prompt="a dog", negative_prompt=None, camera_control_type=None)
    assert arrived(sandbox) == {"prompt": "a dog"}


def test_each_shot_shows_in_the_clip(kling: kn.Client) -> None:
    shots = [{"prompt": "a snowy mountain", "duration": 2}, {"prompt": "a forest at night", "duration": 2}]
    clip = kling.run("kling-3-standard-text2video", prompt="two places", duration=4, multi_prompt=shots)
    first, second = (clip.frame(seconds).to_numpy().astype(int) for seconds in (1.0, 3.0))
    assert abs(first - second).mean() > 20


def near(frame: kn.Image, colour: str) -> bool:
    middle = frame.to_pil().convert("RGB").getpixel((frame.size[0] // 2, frame.size[1] // 3))
    return all(abs(a - b) < 40 for a, b in zip(middle, ImageColor.getrgb(colour), strict=True))
