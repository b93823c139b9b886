"""What a request is: values that stay, read as defaults when unset, and come back the same."""

from __future__ import annotations

import copy
import inspect
import pickle
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import kling_nb.model as m
from kling_nb.errors import InvalidRequest, RequestWarning

PIXELS = np.zeros((4, 6, 3), np.uint8)
FULL = {
    "prompt": "@Element1 meets @Element2, <<<voice_1>>> speaks",
    "start_image_url": "https://example.com/a.png",
    "negative_prompt": "rain",
    "duration": "8",
    "aspect_ratio": "9:16",
    "elements": [
        {"frontal_image_url": Path("hero.png"), "reference_image_urls": [b"123", PIXELS]},
        {"frontal_image_url": "https://example.com/b.png"},
    ],
    "generate_audio": True,
    "voice_ids": ["v-1"],
    "multi_prompt": [{"prompt": "one", "duration": "3"}, {"prompt": "two"}],
    "shot_type": "customize",
    "cfg_scale": 0.25,
}


@pytest.fixture
def full():
    return m.Kling3ProImageToVideo(**FULL)


def test_unset_reads_as_the_default_of_the_page_and_is_absent_from_the_body():
    request = m.Kling3StandardTextToVideo(prompt="a fox")
    assert (request.aspect_ratio, request.duration, request.cfg_scale) == ("16:9", "5", 0.5)
    assert (request.generate_audio, request.multi_prompt, request.shot_type) == (True, (), "customize")
    assert request.body() == {"prompt": "a fox"}


def test_none_blank_and_empty_count_as_unset():
    request = m.KlingTextToVideo(
        prompt="a fox", camera_control_type="", camera_control_config=None, camera_control_config_value=""
    )
    assert request == m.KlingTextToVideo(prompt="a fox")
    assert m.Kling3TextToImage(prompt="a fox", elements=[], negative_prompt=" ").values() == {
        "prompt": "a fox"
    }


def test_an_explicit_default_is_sent():
    assert m.Kling3TextToImage(prompt="a", resolution="1K").body() == {"prompt": "a", "resolution": "1K"}


def test_emptying_a_text_that_has_a_default_is_pointed_out():
    with pytest.warns(RequestWarning) as caught:
        m.Kling3StandardTextToVideo(prompt="a fox", negative_prompt="")
    assert str(caught[0].message) == (
        "negative_prompt: '' is left out, and then the service takes 'blur, distort, and low quality'. "
        "Give a text of your own to replace that."
    )


def test_values_give_the_request_back(full):
    assert m.Kling3ProImageToVideo(**full.values()) == full
    assert list(full.values()) == [p.name for p in full.params() if p.name in FULL]
    assert hash(m.Kling3ProImageToVideo(**full.values())) == hash(full)


def test_pickling_and_copying_give_an_equal_request(full):
    for other in (pickle.loads(pickle.dumps(full)), copy.copy(full), copy.deepcopy(full)):
        assert other == full
        assert other.values().keys() == full.values().keys()


def test_requests_with_other_pictures_differ():
    first, second = (m.Kling3ImageToImage(prompt="a", image_url=data) for data in (b"1", b"2"))
    assert first != second
    assert first != m.Kling3ImageToImage(prompt="a", image_url=Path("1"))
    red, blue = (Image.new("RGB", (2, 2), colour) for colour in ("red", "blue"))
    requests = [m.Kling3ImageToImage(prompt="a", image_url=each) for each in (red, red.copy(), blue)]
    assert requests[0] == requests[1] != requests[2]


def test_parts_may_be_objects_or_dicts():
    shots = [m.Shot(prompt="one", duration=2), {"prompt": "two", "duration": 3.0}]
    request = m.Kling3StandardTextToVideo(prompt="a", multi_prompt=shots)
    assert request.multi_prompt == (m.Shot(prompt="one", duration="2"), m.Shot(prompt="two", duration=3))
    assert request.multi_prompt[1].duration == "3"


def test_seconds_go_out_in_the_type_of_the_page():
    assert m.Kling3StandardTextToVideo(prompt="a", duration=7).body()["duration"] == "7"
    assert m.KlingTextToVideo(prompt="a", duration="10").body()["duration"] == 10
    shot = m.Kling3StandardTextToVideo(prompt="a", multi_prompt=[m.Shot(prompt="b", duration=np.int64(5))])
    assert shot.body()["multi_prompt"] == [{"prompt": "b", "duration": "5"}]


def test_numbers_become_plain_numbers():
    request = m.Kling3StandardTextToVideo(prompt="a", cfg_scale=np.float32(1), generate_audio=np.bool_(0))
    assert repr(request) == "Kling3StandardTextToVideo(prompt='a', generate_audio=False, cfg_scale=1.0)"


def test_the_repr_is_constructor_code_for_what_was_set():
    request = m.Kling3ProImageToVideo(
        aspect_ratio="1:1",
        prompt="@Element1",
        start_image_url=Path("a/b.png"),
        elements=[m.Element(frontal_image_url="c")],
    )
    assert repr(request) == (
        "Kling3ProImageToVideo(prompt='@Element1', start_image_url=Path('a/b.png'), aspect_ratio='1:1', "
        "elements=[Element(frontal_image_url='c')])"
    )
    assert eval(repr(request), {**vars(m), "Path": Path}) == request
    drawn = m.Kling3ImageToImage(prompt="a", image_url=PIXELS)
    assert repr(drawn) == "Kling3ImageToImage(prompt='a', image_url=<an array of shape (4, 6, 3)>)"


def test_a_request_does_not_change(full):
    with pytest.raises(
        AttributeError, match=r"Kling3ProImageToVideo does not change. Use replace\(prompt=...\)."
    ):
        full.prompt = "other"
    with pytest.raises(AttributeError, match="Shot does not change"):
        del full.multi_prompt[0].prompt


def test_replace_checks_anew_and_none_takes_away(full):
    assert full.replace(cfg_scale=None, duration=8).values() == {
        k: v for k, v in full.values().items() if k != "cfg_scale"
    }
    for change in (lambda: full.replace(duration=99), lambda: full.model_copy(update={"duration": 99})):
        with pytest.raises(InvalidRequest, match="duration: 99"):
            change()


def test_pictures_come_with_their_paths(full):
    assert [path for path, _ in full.pictures()] == [
        "start_image_url",
        "elements[0].frontal_image_url",
        "elements[0].reference_image_urls[0]",
        "elements[0].reference_image_urls[1]",
        "elements[1].frontal_image_url",
    ]
    assert full.pictures()[3][1] is PIXELS


def test_the_body_has_addresses_for_pictures(full):
    urls = {
        path: f"https://cdn.example.com/{at}"
        for at, (path, _) in enumerate(full.pictures())
        if at in (1, 2, 3)
    }
    body = full.body(urls)
    assert body["start_image_url"] == "https://example.com/a.png"
    assert body["elements"] == [
        {
            "frontal_image_url": "https://cdn.example.com/1",
            "reference_image_urls": ["https://cdn.example.com/2", "https://cdn.example.com/3"],
        },
        {"frontal_image_url": "https://example.com/b.png"},
    ]


def test_nothing_local_travels_in_an_address(full):
    with pytest.raises(InvalidRequest) as caught:
        full.body({"elements[0].frontal_image_url": "hero.png"})
    assert [str(problem) for problem in caught.value.problems] == [
        "elements[0].frontal_image_url: 'hero.png' is not a web address. Give the address of its upload.",
        "elements[0].reference_image_urls[0]: 3 bytes of data has no web address yet. "
        "Let a client submit the request, or upload it.",
        "elements[0].reference_image_urls[1]: an array of shape (4, 6, 3) has no web address yet. "
        "Let a client submit the request, or upload it.",
    ]


def test_a_warning_points_at_the_line_of_the_user_and_stays_with_the_request():
    with pytest.warns(RequestWarning) as caught:  # noqa: PT031 - the lines themselves are tested
        line = inspect.currentframe().f_lineno + 1
        request = m.Kling3StandardTextToVideo(prompt="a", shot_type="wide")
        again = request.replace(prompt="b")
        m.request_for("kling-3-standard-text2video", request.values())
    assert [(each.filename, each.lineno) for each in caught] == [(__file__, line + at) for at in range(3)]
    assert [problem.path for problem in again.warnings] == ["shot_type"]
    assert pickle.loads(pickle.dumps(request)).warnings == request.warnings


def test_the_table_in_a_notebook_shows_text_only():
    request = m.Kling3ImageToImage(prompt="<script>alert(1)</script>", image_url='<img src="x">.png')
    html = request._repr_html_()
    assert "<script" not in html
    assert "<img" not in html
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in html
    assert "var(--jp-border-color2, #ccc)" in html
    assert ";color" not in html


def test_a_request_that_was_refused_half_way_can_be_shown():
    assert repr(m.Shot.__new__(m.Shot)) == "Shot()"


def test_help_and_tab_are_about_requests_and_not_about_how_they_are_made() -> None:
    request = m.Kling3TextToImage(prompt="a fox")
    offered = [name for name in dir(request) if not name.startswith("_")]
    assert {"prompt", "aspect_ratio", "body", "code", "replace"} <= set(offered)
    assert not [name for name in offered if name.startswith("model_") or "pars" in name]
    for kind in (m.Kling3TextToImage, m.Shot, m.Element):
        assert "InvalidRequest" in str(inspect.getdoc(kind.__init__))


def test_the_signature_names_every_parameter():
    shown = str(inspect.signature(m.Shot))
    assert shown == "(*, prompt: str, duration: str | int = '5')"


def test_pydantic_ways_in_lead_through_the_same_checks():
    assert m.Shot.model_validate({"prompt": "a"}) == m.Shot(prompt="a")
    with pytest.raises(InvalidRequest, match="prompt: nothing was given"):
        m.Kling3TextToImage.model_validate({})
    assert m.Kling3TextToImage.model_json_schema() == m.Kling3TextToImage.json_schema()
