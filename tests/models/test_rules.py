"""The rules across fields, each with its words and its level."""

from __future__ import annotations

import pytest

import kling_nb.model as m

FRONT = {"frontal_image_url": "a.png"}
CAMERA = "camera_control_"


def image(**values):
    return told(m.Kling3TextToImage, values)


def clip(**values):
    return told(m.Kling3StandardTextToVideo, {"prompt": "a"} | values)


def motion(**values):
    return told(m.Kling3ProImageToVideo, {"prompt": "a", "start_image_url": "a.png"} | values)


def camera(**values):
    return told(
        m.KlingTextToVideo,
        {"prompt": "a"}
        | {CAMERA + k if k in ("type", "config", "config_value") else k: v for k, v in values.items()},
    )


def told(model, values):
    return [f"{problem.level} {problem}" for problem in model.check(values)]


def shots(*seconds):
    return [{"prompt": "a", "duration": each} for each in seconds]


def test_references_that_fit_are_fine():
    assert image(prompt="(element1) and (element2)", elements=[FRONT, FRONT]) == []
    assert motion(prompt="@Element1, says <<<voice_1>>>", elements=[FRONT], voice_ids=["v"]) == []
    assert motion(multi_prompt=[{"prompt": "@Element1"}], elements=[FRONT]) == []


@pytest.mark.parametrize(
    ("problems", "expected"),
    [
        (
            image(prompt="(element3)", elements=[FRONT, FRONT])[0],
            "error prompt: (element3) points at nothing: 2 elements are given. Add that element or "
            "take (element3) out.",
        ),
        (
            image(prompt="(element0)", elements=[FRONT])[0],
            "error prompt: (element0) points at nothing: 1 element is given. Add that element or take "
            "(element0) out.",
        ),
        (
            image(prompt="@Element1")[0],
            "error prompt: @Element1 points at nothing: no elements are given. Add that element or "
            "take @Element1 out.",
        ),
        (
            image(prompt="@Element1", elements=[FRONT])[0],
            "warning prompt: @Element1 is not how this model's prompts name element 1. Write (element1).",
        ),
        (
            motion(prompt="(element1)", elements=[FRONT])[0],
            "warning prompt: (element1) is not how this model's prompts name element 1. Write @Element1.",
        ),
        (
            motion(multi_prompt=[{"prompt": "@Element2"}], elements=[FRONT])[0],
            "error multi_prompt[0].prompt: @Element2 points at nothing: 1 element is given. "
            "Add that element or take @Element2 out.",
        ),
        (
            image(prompt="a", elements=[FRONT])[0],
            "warning elements[0]: element 1 is given but no prompt mentions it. Write (element1) where "
            "it belongs.",
        ),
        (
            clip(prompt="<<<voice_2>>> and <<<voice_1>>>", voice_ids=["v"])[0],
            "error prompt: <<<voice_2>>> points at nothing: 1 voice is given. Add that voice or take "
            "<<<voice_2>>> out.",
        ),
        (
            clip(voice_ids=["v"])[0],
            "warning voice_ids[0]: voice 1 is given but no prompt mentions it. Write <<<voice_1>>> "
            "where it belongs.",
        ),
        (
            clip(prompt="@Element1")[0],
            "warning prompt: @Element1 is plain words here: this model takes no elements. Describe it "
            "in words.",
        ),
        (
            image(prompt="<<<voice_1>>>")[0],
            "warning prompt: <<<voice_1>>> is plain words here: this model takes no voices. Describe "
            "it in words.",
        ),
    ],
)
def test_a_reference_that_does_not_fit_is_named(problems, expected):
    assert problems == expected


def test_prose_is_no_reference():
    assert image(prompt="carbon (element 6), mail me@element5.com, @Elementary") == []


def test_image2image_knows_the_same_references():
    given = {"prompt": "(element2)", "image_url": "a.png", "elements": [FRONT]}
    assert [problem.level for problem in m.Kling3ImageToImage.check(given)] == ["error", "warning"]


def test_more_elements_than_other_hosts_take_are_warned_about_where_the_page_sets_no_limit():
    names = " ".join(f"(element{at})" for at in range(1, 12))
    given = {"prompt": names, "image_url": "a.png", "elements": [FRONT] * 11}
    assert told(m.Kling3ImageToImage, given) == [
        "warning elements: 11 items are more than other hosts of this model take. Stay within 10 to be safe."
    ]


def test_an_element_without_a_front_view_is_warned_about():
    assert motion(prompt="@Element1", elements=[{"reference_image_urls": ["a", "b"]}]) == [
        "warning elements[0].frontal_image_url: nothing was given beside 2 other views. Add the "
        "front view as well."
    ]


def test_shots_that_add_up_to_the_length_are_fine():
    assert clip(multi_prompt=shots(2, 3)) == []
    assert clip(multi_prompt=[{"prompt": "a"}]) == []
    assert clip(multi_prompt=shots(7, 8), duration=15) == []


def test_shots_longer_than_any_clip_are_refused():
    assert clip(multi_prompt=shots(8, 8), duration=15) == [
        "error multi_prompt: the shots add up to 16 s, above the longest clip of 15 s. Shorten them by 1 s."
    ]


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (shots(None, None), "the clip lasts 5 s, but its shots add up to 10 s. Set duration to 10."),
        (shots(1, 1), "the clip lasts 5 s, but its shots add up to 2 s. Lengthen them to at least 3 s."),
    ],
)
def test_shots_that_do_not_add_up_to_the_length_are_warned_about(given, expected):
    assert clip(multi_prompt=given) == [f"warning duration: {expected}"]


def test_an_unfit_shot_is_not_reported_twice():
    assert len(clip(multi_prompt=shots(5, 99))) == 1
    assert len(clip(multi_prompt=shots(10), duration=99)) == 1


def test_an_end_image_with_shots_is_warned_about():
    assert motion(end_image_url="b.png", multi_prompt=shots(2, 3)) == [
        "warning end_image_url: an end image and 2 shots were given; other hosts do not take both. "
        "Leave one of them out to be safe."
    ]


def test_an_unknown_shot_type_is_warned_about():
    assert clip(shot_type="customize") == []
    assert clip(shot_type="intelligent") == [
        "warning shot_type: 'intelligent' is not on the model's page, which has 'customize'. Leave "
        "it out to be safe."
    ]


def test_voices_for_a_silent_clip_are_warned_about():
    assert clip(prompt="<<<voice_1>>>", voice_ids=["v"], generate_audio=False) == [
        "warning voice_ids: 1 voice for a silent clip: generate_audio is False. "
        "Set generate_audio=True or leave the voices out."
    ]


def test_a_complete_camera_is_fine():
    assert camera(type="simple", config="zoom", config_value=-10) == []
    assert camera(type="down_back") == []


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (
            {"type": "simple", "config_value": 3},
            [
                "error camera_control_config: nothing was given, but a 'simple' camera needs an axis. "
                "Use one of 'horizontal', 'vertical', 'pan', 'tilt', 'roll', 'zoom'."
            ],
        ),
        (
            {"type": "simple", "config": "pan"},
            [
                "error camera_control_config_value: nothing was given, but a 'simple' camera needs one. "
                "Use a whole number from -10 to 10 other than 0."
            ],
        ),
        (
            {"type": "simple", "config": "pan", "config_value": 0},
            [
                "error camera_control_config_value: 0 is no move, but a 'simple' camera needs one. "
                "Use a whole number from -10 to 10 other than 0."
            ],
        ),
        (
            {"type": "down_back", "config": "pan"},
            [
                "warning camera_control_config: 'pan' has no effect while camera_control_type is "
                "'down_back'. "
                "Set camera_control_type='simple' or leave camera_control_config out."
            ],
        ),
        (
            {"config_value": 3},
            [
                "warning camera_control_config_value: 3 has no effect while camera_control_type is not set. "
                "Set camera_control_type='simple' or leave camera_control_config_value out."
            ],
        ),
        (
            {"type": "forward_up", "mode": "pro", "duration": 10},
            [
                "warning camera_control_type: camera moves were given with mode='pro' and duration=10; "
                "other hosts take them only with mode='std' and duration=5. Use those to be safe."
            ],
        ),
    ],
)
def test_a_camera_that_makes_no_sense_is_named(values, expected):
    assert camera(**values) == expected


def test_a_draft_that_is_not_finished_does_not_raise_false_alarms():
    assert told(m.Kling3TextToImage, {"elements": [FRONT]}) == [
        "error prompt: nothing was given, but it is needed. Use a text."
    ]
    assert [line for line in image(prompt="(element1)", elements=[{}]) if "points" in line] == []
