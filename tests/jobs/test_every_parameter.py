"""Each model with every parameter away from its default: what arrived at the service and what came back."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from PIL import Image

import kling_nb as kn
from kling_nb.sandbox import Sandbox

VOICE = "kling-create-voice"


@pytest.fixture
def pictures(tmp_path: Path) -> list[Path]:
    """Five pictures that differ."""
    made = []
    for number, colour in enumerate(("teal", "tomato", "gold", "navy", "orchid")):
        made.append(tmp_path / f"{colour}.png")
        Image.new("RGB", (640, 640), colour).save(made[number])
    return made


def arrived(sandbox: Sandbox) -> Any:
    assert sandbox.ignored == []
    return sandbox.posts()[-1].body


def hosted(sandbox: Sandbox, value: Any) -> bool:
    return isinstance(value, str) and value.startswith(sandbox.output_url)


def test_every_parameter_of_text2image(kling: kn.Client, sandbox: Sandbox, pictures: list[Path]) -> None:
    request = kn.Kling3TextToImage(
        prompt="(element1) beside (element2) at the sea",
        negative_prompt="fog",
        aspect_ratio="2:3",
        resolution="2K",
        output_format="webp",
        elements=[
            kn.Element(frontal_image_url=pictures[0], reference_image_urls=pictures[1:4]),
            kn.Element(frontal_image_url=pictures[4]),
        ],
    )
    image = kling.run(request)
    body = arrived(sandbox)
    elements = body.pop("elements")
    assert body == {
        "prompt": "(element1) beside (element2) at the sea",
        "negative_prompt": "fog",
        "aspect_ratio": "2:3",
        "resolution": "2K",
        "output_format": "webp",
    }
    assert hosted(sandbox, elements[0]["frontal_image_url"])
    assert all(hosted(sandbox, url) for url in elements[0]["reference_image_urls"])
    assert len({*elements[0]["reference_image_urls"], elements[1]["frontal_image_url"]}) == 4
    assert "reference_image_urls" not in elements[1]
    assert (image.size, image.format) == ((1664, 2496), "webp")


def test_every_parameter_of_image2image(kling: kn.Client, sandbox: Sandbox, pictures: list[Path]) -> None:
    request = kn.Kling3ImageToImage(
        prompt="(element1) in winter",
        image_url=pictures[0],
        aspect_ratio="4:3",
        resolution="2K",
        output_format="jpeg",
        elements=[kn.Element(frontal_image_url=pictures[1], reference_image_urls=[pictures[2]])],
    )
    image = kling.run(request)
    body = arrived(sandbox)
    assert hosted(sandbox, body.pop("image_url"))
    (element,) = body.pop("elements")
    assert hosted(sandbox, element["frontal_image_url"])
    assert body == {
        "prompt": "(element1) in winter",
        "aspect_ratio": "4:3",
        "resolution": "2K",
        "output_format": "jpeg",
    }
    assert (image.size, image.format) == ((2336, 1760), "jpeg")


def test_every_parameter_of_standard_text2video(kling: kn.Client, sandbox: Sandbox) -> None:
    request = kn.Kling3StandardTextToVideo(
        prompt="<<<voice_1>>> and <<<voice_2>>> talk by the sea",
        negative_prompt="fog",
        aspect_ratio="9:16",
        cfg_scale=0.75,
        duration=4,
        generate_audio=True,
        multi_prompt=[kn.Shot(prompt="waves", duration="1"), kn.Shot(prompt="gulls", duration=3)],
        shot_type="customize",
        voice_ids=["v1", "v2"],
    )
    clip = kling.run(request)
    assert arrived(sandbox) == {
        "prompt": "<<<voice_1>>> and <<<voice_2>>> talk by the sea",
        "negative_prompt": "fog",
        "aspect_ratio": "9:16",
        "cfg_scale": 0.75,
        "duration": "4",
        "generate_audio": True,
        "multi_prompt": [{"prompt": "waves", "duration": "1"}, {"prompt": "gulls", "duration": "3"}],
        "shot_type": "customize",
        "voice_ids": ["v1", "v2"],
    }
    assert (clip.size, clip.has_sound) == ((720, 1280), True)
    assert clip.duration == pytest.approx(4, abs=0.1)


def test_every_parameter_of_pro_image2video(kling: kn.Client, sandbox: Sandbox, pictures: list[Path]) -> None:
    with pytest.warns(kn.RequestWarning):
        request = kn.Kling3ProImageToVideo(
            prompt="@Element1 and @Element2 turn",
            start_image_url=pictures[0],
            end_image_url=pictures[1],
            negative_prompt="fog",
            aspect_ratio="1:1",
            cfg_scale=0.25,
            duration="3",
            generate_audio=False,
            elements=[
                kn.Element(frontal_image_url=pictures[2], reference_image_urls=[pictures[3]]),
                kn.Element(frontal_image_url=pictures[4]),
            ],
            multi_prompt=[kn.Shot(prompt="they turn", duration=1), kn.Shot(prompt="and bow", duration=2)],
            shot_type="intelligent",
            voice_ids=["v1"],
        )
    clip = kling.run(request)
    body = arrived(sandbox)
    assert hosted(sandbox, body.pop("start_image_url"))
    assert hosted(sandbox, body.pop("end_image_url"))
    assert len(body.pop("elements")) == 2
    assert body == {
        "prompt": "@Element1 and @Element2 turn",
        "negative_prompt": "fog",
        "aspect_ratio": "1:1",
        "cfg_scale": 0.25,
        "duration": "3",
        "generate_audio": False,
        "multi_prompt": [{"prompt": "they turn", "duration": "1"}, {"prompt": "and bow", "duration": "2"}],
        "shot_type": "intelligent",
        "voice_ids": ["v1"],
    }
    assert (clip.size, clip.has_sound) == ((1440, 1440), False)
    assert clip.duration == pytest.approx(3, abs=0.1)
    assert _near(clip.first_frame(), "teal")
    assert _near(clip.last_frame(), "tomato")


def test_every_parameter_of_kling_text2video(kling: kn.Client, sandbox: Sandbox) -> None:
    with pytest.warns(kn.RequestWarning):
        request = kn.KlingTextToVideo(
            prompt="a dog under the milky way",
            negative_prompt="people",
            aspect_ratio="1:1",
            cfg_scale=0.9,
            duration="10",
            mode="pro",
            camera_control_type="simple",
            camera_control_config="zoom",
            camera_control_config_value=-7,
        )
    clip = kling.run(request)
    assert arrived(sandbox) == {
        "prompt": "a dog under the milky way",
        "negative_prompt": "people",
        "aspect_ratio": "1:1",
        "cfg_scale": 0.9,
        "duration": 10,
        "mode": "pro",
        "camera_control_type": "simple",
        "camera_control_config": "zoom",
        "camera_control_config_value": -7,
    }
    assert clip.duration == pytest.approx(10, abs=0.1)
    assert not clip.has_sound


def test_what_is_unset_is_absent(kling: kn.Client, sandbox: Sandbox) -> None:
    kling.submit("kling-text2video", prompt="a dog", negative_prompt=None, camera_control_type=None)
    assert arrived(sandbox) == {"prompt": "a dog"}


def test_each_shot_shows_in_the_clip(kling: kn.Client) -> None:
    clip = kling.run(
        "kling-3-standard-text2video",
        prompt="two places",
        duration=4,
        multi_prompt=[
            {"prompt": "a snowy mountain", "duration": 2},
            {"prompt": "a forest at night", "duration": 2},
        ],
    )
    first, second = (clip.frame(seconds).to_numpy().astype(int) for seconds in (1.0, 3.0))
    assert abs(first - second).mean() > 20


def _near(frame: kn.Image, colour: str) -> bool:
    from PIL import ImageColor

    middle = frame.to_pil().convert("RGB").getpixel((frame.size[0] // 2, frame.size[1] // 3))
    return all(abs(a - b) < 40 for a, b in zip(middle, ImageColor.getrgb(colour), strict=True))
