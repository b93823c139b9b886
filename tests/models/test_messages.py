"""Each bound of each kind of value, just inside and just outside, and the words that refuse it."""

from __future__ import annotations

import math
from decimal import Decimal

import numpy as np
import pytest

import kling_nb.model as m
from kling_nb.errors import InvalidRequest

CHECKED = {
    "image": (m.Kling3TextToImage, {"prompt": "a"}),
    "clip": (m.Kling3StandardTextToVideo, {"prompt": "a"}),
    "motion": (m.Kling3ProImageToVideo, {"prompt": "a", "start_image_url": "a.png"}),
    "camera": (m.KlingTextToVideo, {"prompt": "a"}),
}
RATIOS = "Use one of '16:9', '9:16', '1:1', '4:3', '3:4', '3:2', '2:3'."
CFG = "Use a number from 0 to 1."
SECONDS = "Use a whole number of seconds from 3 to 15."
PICTURE = "Use a web address, a file path, bytes, a PIL image, a numpy array or an Image."
LONG = "x" * 80


def said(model, **values):
    kind, given = CHECKED[model]
    return [str(problem) for problem in kind.check(given | values) if problem.level == "error"]


@pytest.mark.parametrize(
    ("model", "values", "message"),
    [
        ("image", {"prompt": None}, "prompt: nothing was given, but it is needed. Use a text."),
        ("image", {"prompt": " \n"}, "prompt: ' \\n' is blank, but it is needed. Use a text."),
        ("image", {"prompt": 5}, "prompt: 5 is not a text. Use a text."),
        ("image", {"prompt": b"fox"}, "prompt: 3 bytes of data is not a text. Use a text."),
        (
            "image",
            {"prompt": "\ud83d"},
            "prompt: '\\ud83d' holds half a character. Type that character again.",
        ),
        (
            "image",
            {"aspect_ratio": "16x9"},
            f"aspect_ratio: '16x9' is not one of the allowed values. Did you mean '16:9'? {RATIOS}",
        ),
        ("image", {"aspect_ratio": 1}, f"aspect_ratio: 1 is not one of the allowed values. {RATIOS}"),
        (
            "image",
            {"resolution": "2k"},
            "resolution: '2k' is not one of the allowed values. Did you mean '2K'? Use one of '1K', '2K'.",
        ),
        (
            "image",
            {"output_format": "gif" + LONG},
            "output_format: 'gifxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx…' is not one of the allowed values. "
            "Use one of 'png', 'jpeg', 'webp'.",
        ),
        ("clip", {"cfg_scale": 7}, f"cfg_scale: 7 is above the highest value 1. {CFG}"),
        ("clip", {"cfg_scale": 1.001}, f"cfg_scale: 1.001 is above the highest value 1. {CFG}"),
        ("clip", {"cfg_scale": -0.001}, f"cfg_scale: -0.001 is below the lowest value 0. {CFG}"),
        ("clip", {"cfg_scale": math.nan}, f"cfg_scale: nan is not a number. {CFG}"),
        ("clip", {"cfg_scale": math.inf}, f"cfg_scale: inf is not a number. {CFG}"),
        ("clip", {"cfg_scale": True}, f"cfg_scale: True is not a number. {CFG}"),
        ("clip", {"cfg_scale": "0.5"}, f"cfg_scale: '0.5' is not a number. Take the quotes away. {CFG}"),
        ("clip", {"cfg_scale": Decimal(1)}, f"cfg_scale: a Decimal is not a number. {CFG}"),
        ("clip", {"duration": 2}, f"duration: 2 is not a length this takes. {SECONDS}"),
        ("clip", {"duration": "16"}, f"duration: '16' is not a length this takes. {SECONDS}"),
        ("clip", {"duration": 5.5}, f"duration: 5.5 is not a length this takes. {SECONDS}"),
        ("clip", {"duration": True}, f"duration: True is not a length this takes. {SECONDS}"),
        ("camera", {"duration": 7}, "duration: 7 is not one of the allowed values. Use one of 5, 10."),
        ("clip", {"generate_audio": 1}, "generate_audio: 1 is not a yes or no. Use True or False."),
        ("clip", {"generate_audio": "no"}, "generate_audio: 'no' is not a yes or no. Use True or False."),
        (
            "camera",
            {"camera_control_config_value": 11},
            "camera_control_config_value: 11 is above the highest value 10. Use a whole number from "
            "-10 to 10.",
        ),
        (
            "camera",
            {"camera_control_config_value": -11},
            "camera_control_config_value: -11 is below the lowest value -10. Use a whole number from "
            "-10 to 10.",
        ),
        (
            "camera",
            {"camera_control_config_value": 1.5},
            "camera_control_config_value: 1.5 is not a whole number. Use a whole number from -10 to 10.",
        ),
        (
            "clip",
            {"voice_ids": "abc"},
            "voice_ids: 'abc' is not a list. Put it in [brackets]. Use a list of at most 2.",
        ),
        ("clip", {"voice_ids": ["a", "b", "c"]}, "voice_ids: 3 are above the highest number 2. Take out 1."),
        (
            "clip",
            {"voice_ids": ["a", None]},
            "voice_ids[1]: nothing was given, but it is needed. Use a text.",
        ),
        (
            "clip",
            {"multi_prompt": [{"prompt": "a", "duration": 0}]},
            "multi_prompt[0].duration: 0 is not a length this takes. Use a whole number of seconds "
            "from 1 to 15.",
        ),
        (
            "clip",
            {"multi_prompt": [{"prompt": "x" * 513}]},
            "multi_prompt[0].prompt: 513 characters are above the highest number 512. Take out 1.",
        ),
        (
            "clip",
            {"multi_prompt": [{"duration": 5}]},
            "multi_prompt[0].prompt: nothing was given, but it is needed. Use a text of at most 512 "
            "characters.",
        ),
        (
            "clip",
            {"multi_prompt": ["one shot"]},
            "multi_prompt[0]: 'one shot' is not of kind Shot. "
            "Use Shot(prompt=..., duration=...) or a dict with the same names.",
        ),
        (
            "clip",
            {"multi_prompt": [{"prompt": "a", "time": 5}]},
            "multi_prompt[0].time: Shot has no such parameter. It takes prompt, duration.",
        ),
        ("motion", {"start_image_url": 5}, f"start_image_url: 5 is not a picture. {PICTURE}"),
        ("motion", {"start_image_url": ""}, f"start_image_url: '' is blank, but it is needed. {PICTURE}"),
        (
            "motion",
            {"elements": [{}]},
            "elements[0]: neither frontal_image_url nor reference_image_urls was given. Give it at "
            "least one picture.",
        ),
        (
            "motion",
            {"elements": [{"reference_image_urls": ["a", None]}]},
            f"elements[0].reference_image_urls[1]: nothing was given, but it is needed. {PICTURE}",
        ),
        (
            "motion",
            {"elements": [{"reference_image_urls": ["a"] * 4}]},
            "elements[0].reference_image_urls: 4 are above the highest number 3. Take out 1.",
        ),
        ("image", {"promt": "a"}, "promt: kling-3-text2image has no such parameter. Did you mean 'prompt'?"),
        (
            "image",
            {"seed": 7},
            "seed: kling-3-text2image has no such parameter. "
            "It takes prompt, negative_prompt, aspect_ratio, resolution, output_format, elements.",
        ),
    ],
)
def test_a_value_is_refused_in_three_beats(model, values, message):
    assert message in said(model, **values)


def test_an_image_given_under_another_name_is_matched_with_the_one_that_is_needed():
    (first, _) = m.Kling3ProImageToVideo.check({"prompt": "a", "image_url": "a.png"})
    assert str(first) == (
        "image_url: kling-3-pro-image2video has no such parameter. Did you mean 'start_image_url'?"
    )


def test_image2image_says_what_to_do_without_a_negative_prompt():
    (problem,) = m.Kling3ImageToImage.check({"prompt": "a", "image_url": "a", "negative_prompt": "rain"})
    assert str(problem) == (
        "negative_prompt: kling-3-image2image has no such parameter. "
        "Say in the prompt what to keep out, or use kling-3-text2image, which has one."
    )


@pytest.mark.parametrize(
    ("model", "values"),
    [
        ("image", {"elements": [{"frontal_image_url": "a"}] * 10}),
        ("clip", {"cfg_scale": 0}),
        ("clip", {"cfg_scale": 1}),
        ("clip", {"cfg_scale": np.float64(0.5)}),
        ("clip", {"duration": 3}),
        ("clip", {"duration": "15"}),
        ("clip", {"duration": 5.0}),
        ("clip", {"voice_ids": ("a", "b")}),
        ("clip", {"multi_prompt": [{"prompt": "x" * 512, "duration": 1}] * 5}),
        ("clip", {"multi_prompt": [{"prompt": "x", "duration": 15}]}),
        ("motion", {"elements": [{"reference_image_urls": ["a"] * 3}] * 3}),
        ("camera", {"duration": "5"}),
        ("camera", {"camera_control_config_value": -10}),
        ("camera", {"camera_control_config_value": 10.0}),
        ("camera", {"camera_control_config_value": np.int8(3)}),
    ],
)
def test_a_value_just_inside_its_bounds_is_taken(model, values):
    assert said(model, **values) == []


@pytest.mark.parametrize(
    ("model", "values", "path"),
    [
        ("image", {"elements": [{"frontal_image_url": "a"}] * 11}, "elements"),
        ("motion", {"elements": [{"frontal_image_url": "a"}] * 4}, "elements"),
        ("clip", {"multi_prompt": [{"prompt": "x", "duration": 1}] * 6}, "multi_prompt"),
        ("clip", {"multi_prompt": [{"prompt": "x", "duration": 16}]}, "multi_prompt[0].duration"),
    ],
)
def test_a_list_just_outside_its_bounds_is_refused(model, values, path):
    assert [message.partition(":")[0] for message in said(model, **values)] == [path]


def test_all_problems_are_raised_at_once_with_their_paths():
    with pytest.raises(InvalidRequest) as caught:
        m.Kling3ProImageToVideo(
            prompt="",
            duration=99,
            cfg_scale=7,
            multi_prompt=[m.Shot(prompt="a"), m.Shot(prompt="b", duration=20), {"prompt": ""}],
            colour="red",
        )
    paths = [problem.path for problem in caught.value.problems]
    assert paths == [
        "colour",
        "prompt",
        "start_image_url",
        "duration",
        "multi_prompt[1].duration",
        "multi_prompt[2].prompt",
        "cfg_scale",
    ]
    assert str(caught.value).startswith("7 problems with this kling-3-pro-image2video request:\n  - colour: ")


def test_a_value_without_a_name_is_refused():
    with pytest.raises(InvalidRequest) as caught:
        m.Kling3TextToImage("a fox")
    assert str(caught.value.problems[0]) == (
        "1 value has no name: 'a fox'. Write Kling3TextToImage(prompt=...)."
    )


def test_a_part_keeps_unfit_values_for_its_request_to_report():
    shot = m.Shot(prompt="a", duration=99)
    assert [str(problem) for problem in shot.problems] == [
        "duration: 99 is not a length this takes. Use a whole number of seconds from 1 to 15."
    ]
    assert [problem.path for problem in m.Element().problems] == [""]
    (missing,) = m.Kling3StandardTextToVideo.check({"prompt": "a", "multi_prompt": [m.Shot(duration=5)]})
    assert str(missing).startswith("multi_prompt[0].prompt: nothing was given, but it is needed.")
    with pytest.raises(InvalidRequest, match="durations: Shot has no such parameter"):
        m.Shot(prompt="a", durations=3)


def test_text_above_the_length_of_other_hosts_is_only_warned_about():
    assert m.Kling3TextToImage.check({"prompt": "x" * 2500}) == ()
    (problem,) = m.Kling3TextToImage.check({"prompt": "x" * 2501})
    assert problem.level == "warning"
    assert str(problem) == (
        "prompt: 2501 characters are more than other hosts of this model take. Stay within 2500 to be safe."
    )
