"""Every parameter against the five pages, typed from them by hand."""

from __future__ import annotations

import pytest

import kling_nb.model as m

IMAGE_RATIOS = ("16:9", "9:16", "1:1", "4:3", "3:4", "3:2", "2:3")
VIDEO_RATIOS = ("16:9", "9:16", "1:1")
SECONDS = ("3", "4", "5", "6", "7", "8", "9", "10", "11", "12", "13", "14", "15")
BLUR = "blur, distort, and low quality"

# name: (kind, required, default, choices or (minimum, maximum) or most items/bytes)
IMAGE = {
    "aspect_ratio": ("choice", False, "16:9", IMAGE_RATIOS),
    "resolution": ("choice", False, "1K", ("1K", "2K")),
    "output_format": ("choice", False, "png", ("png", "jpeg", "webp")),
}
VIDEO = {
    "prompt": ("text", True, None, None),
    "negative_prompt": ("text", False, BLUR, None),
    "duration": ("choice", False, "5", SECONDS),
    "aspect_ratio": ("choice", False, "16:9", VIDEO_RATIOS),
    "generate_audio": ("flag", False, True, None),
    "voice_ids": ("list", False, None, 2),
    "multi_prompt": ("list", False, None, 5),
    "shot_type": ("text", False, "customize", None),
    "cfg_scale": ("number", False, 0.5, (0, 1)),
}
EXPECTED = {
    m.Kling3TextToImage: {
        "prompt": ("text", True, None, None),
        "negative_prompt": ("text", False, None, None),
        **IMAGE,
        "elements": ("list", False, None, 10),
    },
    m.Kling3ImageToImage: {
        "prompt": ("text", True, None, None),
        "image_url": ("picture", True, None, None),
        **IMAGE,
        "elements": ("list", False, None, None),
    },
    m.Kling3StandardTextToVideo: VIDEO,
    m.Kling3ProImageToVideo: {
        **VIDEO,
        "start_image_url": ("picture", True, None, 50_000_000),
        "end_image_url": ("picture", False, None, 50_000_000),
        "elements": ("list", False, None, 3),
    },
    m.KlingTextToVideo: {
        "prompt": ("text", True, None, None),
        "negative_prompt": ("text", False, "No buildings, no artificial objects", None),
        "duration": ("choice", False, 5, (5, 10)),
        "aspect_ratio": ("choice", False, "16:9", VIDEO_RATIOS),
        "mode": ("choice", False, "std", ("std", "pro")),
        "camera_control_type": (
            "choice",
            False,
            None,
            ("simple", "down_back", "forward_up", "right_turn_forward", "left_turn_forward"),
        ),
        "camera_control_config": (
            "choice",
            False,
            None,
            ("horizontal", "vertical", "pan", "tilt", "roll", "zoom"),
        ),
        "camera_control_config_value": ("integer", False, None, (-10, 10)),
        "cfg_scale": ("number", False, 0.5, (0, 1)),
    },
    m.Element: {
        "frontal_image_url": ("picture", False, None, None),
        "reference_image_urls": ("list", False, None, 3),
    },
    m.Shot: {
        "prompt": ("text", True, None, 512),
        "duration": ("choice", False, "5", tuple(map(str, range(1, 16)))),
    },
}


def limits(param):
    if param.kind == "choice":
        return tuple(value for value, _ in param.choices)
    if param.kind in ("number", "integer"):
        return param.minimum, param.maximum
    return param.max_items or param.max_length or param.max_bytes


@pytest.mark.parametrize("model", EXPECTED, ids=lambda model: model.__name__)
def test_the_description_says_what_the_page_says(model):
    assert {p.name: (p.kind, p.required, p.default, limits(p)) for p in model.params()} == EXPECTED[model]


@pytest.mark.parametrize("model", EXPECTED, ids=lambda model: model.__name__)
def test_every_parameter_has_what_a_form_needs(model):
    for param in model.params():
        assert all((param.label, param.help, param.group))
        assert param.kind != "list" or param.item is not None
        assert not param.shown_when or model.param(param.shown_when[0])


def test_lists_hold_what_the_pages_say():
    param = m.Kling3ProImageToVideo.param
    assert param("voice_ids").item.kind == "text"
    assert param("voice_ids").shown_when == ("generate_audio", (True,))
    assert param("multi_prompt").item.parts == m.Shot.params()
    assert param("elements").item.parts == m.Element.params()
    assert m.Element.param("reference_image_urls").item.kind == "picture"


def test_camera_axis_and_value_are_shown_for_a_simple_camera_only():
    for name in ("camera_control_config", "camera_control_config_value"):
        assert m.KlingTextToVideo.param(name).shown_when == ("camera_control_type", ("simple",))


def test_the_known_shot_type_is_offered_but_does_not_bind():
    assert m.Kling3ProImageToVideo.param("shot_type").choices == (("customize", "customize"),)


@pytest.mark.parametrize(
    ("model", "slug", "kind", "price", "latency", "timeout"),
    [
        (m.Kling3TextToImage, "kling-3-text2image", "image", (0.035, 0.035), (46.3, 50.5), 600),
        (m.Kling3ImageToImage, "kling-3-image2image", "image", (0.035, 0.035), (53.15, 68.9), 600),
        (
            m.Kling3StandardTextToVideo,
            "kling-3-standard-text2video",
            "video",
            (0.504, 8.4),
            (145.3, 174.8),
            900,
        ),
        (m.Kling3ProImageToVideo, "kling-3-pro-image2video", "video", None, (291.4, 291.4), 900),
        (m.KlingTextToVideo, "kling-text2video", "video", (0.28, 1.96), (320.1, 320.76), 900),
    ],
)
def test_the_published_facts_of_each_model(model, slug, kind, price, latency, timeout):
    assert (model.slug, model.kind, model.price) == (slug, kind, price)
    assert (model.latency, model.timeout) == (latency, timeout)
    assert model.page == f"https://www.segmind.com/models/{slug}/api"


def test_a_field_without_a_description_is_not_accepted():
    with pytest.raises(TypeError, match="colour has no Param, so nobody would check it"):
        type("Odd", (m.Shot,), {"__annotations__": {"colour": str}})
