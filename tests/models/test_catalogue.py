"""The catalogue, and requests for models that are not in it."""

from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
import pytest

import kling_nb.model as m
from kling_nb.errors import InvalidRequest, RequestWarning

SLUGS = [
    "kling-3-text2image",
    "kling-3-image2image",
    "kling-3-standard-text2video",
    "kling-3-pro-image2video",
    "kling-text2video",
]
TABLE = """\
slug                         class                      makes  needs                    price, estimate          time, estimate
kling-3-text2image           Kling3TextToImage          image  prompt                   $0.035                   46 s to 50 s
kling-3-image2image          Kling3ImageToImage         image  prompt, image_url        $0.035                   53 s to 1 min 09 s
kling-3-standard-text2video  Kling3StandardTextToVideo  video  prompt                   $0.504 to $8.40          2 min 25 s to 2 min 55 s
kling-3-pro-image2video      Kling3ProImageToVideo      video  prompt, start_image_url  about $1.941 on average  4 min 51 s
kling-text2video             KlingTextToVideo           video  prompt                   $0.28 to $1.96           5 min 20 s to 5 min 21 s"""  # noqa: E501


def test_the_catalogue_shows_itself_as_text():
    assert repr(m.models()) == TABLE


def test_the_catalogue_shows_itself_as_a_table_without_colours_or_scripts():
    html = m.models()._repr_html_()
    assert html.count("<tr>") == 6
    assert "<script" not in html
    assert ";color" not in html
    assert "&lt;&lt;&lt;voice_1&gt;&gt;&gt;" in m.models()["kling-3-pro-image2video"]._repr_html_()


def test_the_catalogue_is_a_read_only_sequence_with_slugs_as_keys():
    models = m.models()
    assert [each.slug for each in models] == SLUGS
    assert len(models) == 5
    assert models["kling-text2video"] == models[-1]
    assert models[:2] == (models[0], models[1])
    assert "kling-text2video" in models
    assert "kling-o1" not in models
    assert repr(models[0]) == "<Model kling-3-text2image: image from prompt; $0.035, 46 s to 50 s>"


def test_a_model_is_found_by_slug_class_request_or_entry():
    ways = ("kling-text2video", m.KlingTextToVideo, m.KlingTextToVideo(prompt="a"), m.models()[4])
    assert {m.find(way) for way in ways} == {m.KlingTextToVideo}


@pytest.mark.parametrize("wrong", ["kling-3-text2imag", 5, None, m.Request, m.Shot])
def test_what_is_no_model_is_refused(wrong):
    with pytest.raises(InvalidRequest, match="is not in the catalogue"):
        m.find(wrong)


def test_an_unknown_model_is_refused_with_near_names():
    with pytest.raises(InvalidRequest) as caught:
        m.models()["kling-3-pro-image2vide"]
    assert str(caught.value.problems[0]).startswith(
        "model: 'kling-3-pro-image2vide' is not in the catalogue. Did you mean 'kling-3-pro-image2video' or "
    )
    assert m.suggest("Kling_3 text-to-image")[0] == "kling-3-text2image"
    assert m.suggest("flux") == ()


def test_a_request_is_made_from_a_slug_a_class_an_entry_or_a_request():
    fox = m.Kling3TextToImage(prompt="a fox")
    for way in ("kling-3-text2image", m.Kling3TextToImage, m.models()[0]):
        assert m.request_for(way, {"prompt": "a fox"}) == fox
    assert m.request_for(fox) is fox
    assert m.request_for(fox, {"resolution": "2K"}) == fox.replace(resolution="2K")
    with pytest.raises(InvalidRequest, match="5 is not in the catalogue"):
        m.request_for(5, {})


def test_another_slug_goes_through_untyped():
    request = m.request_for("kling-create-voice", {"voice_url": "https://a.b/c.mp3", "name": None, "": ""})
    assert request == m.Untyped("kling-create-voice", {"voice_url": "https://a.b/c.mp3", "": ""})
    assert request.body() == request.values() == {"voice_url": "https://a.b/c.mp3", "": ""}
    assert (request.title, request.kind, request.latency, request.price) == (
        "kling-create-voice",
        None,
        None,
        None,
    )
    assert (request.timeout, request.pictures(), request.warnings) == (900, (), ())
    assert request.replace(voice_url=None).values() == {"": ""}


def test_pictures_anywhere_in_untyped_values_are_found_and_replaced():
    request = m.Untyped(
        "other", {"image_urls": [Path("a.png"), "b.png"], "face": {"image": b"1"}, "n": np.int64(3)}
    )
    assert request.pictures() == (("image_urls[0]", Path("a.png")), ("face.image", b"1"))
    urls = {"image_urls[0]": "https://x.y/1", "face.image": "https://x.y/2"}
    assert request.body(urls) == {
        "image_urls": ["https://x.y/1", "b.png"],
        "face": {"image": "https://x.y/2"},
        "n": 3,
    }
    with pytest.raises(InvalidRequest, match=r"face.image: 1 bytes of data has no web address yet"):
        request.body({"image_urls[0]": "https://x.y/1"})
    assert pickle.loads(pickle.dumps(request)) == request
    assert len({request, request.replace(n=3)}) == 1
    assert repr(request) == (
        "Untyped('other', {'image_urls': [Path('a.png'), 'b.png'], 'face': {'image': <1 bytes of "
        "data>}, 'n': 3})"
    )


def test_untyped_values_that_can_not_be_sent_are_refused_together():
    with pytest.raises(InvalidRequest) as caught:
        m.Untyped("../requests", {"a": {"b": [object()]}, "c": float("nan")})
    assert [str(problem) for problem in caught.value.problems] == [
        "slug: '../requests' is not a model's slug. Use a-z, 0-9, hyphens and dots, such as "
        "'kling-3-text2image'.",
        "a.b[0]: an object can not be sent. Use text, a number, True, False or a picture.",
        "c: nan can not be sent. Use text, a number, True, False or a picture.",
    ]


@pytest.mark.parametrize("slug", ["", ".", "..", "a/b", "a?b", "a%2fb", "A", "a b", "-a", "a\n", None, 5])
def test_a_slug_can_not_become_another_address(slug):
    with pytest.raises(InvalidRequest, match="is not a model's slug"):
        m.Untyped(slug, {})


@pytest.mark.parametrize(
    "slug", ["kling-3-text2imag", "kling3-text2image", "kling-3-text-to-image", "kling-v3-text2image"]
)
def test_a_slug_that_looks_misspelt_is_warned_about(slug):
    with pytest.warns(RequestWarning) as caught:
        request = m.request_for(slug, {"prompt": "a"})
    assert caught[0].filename == __file__
    assert str(caught[0].message) == (
        f"slug: '{slug}' is not in the catalogue and goes through unchecked. Did you mean "
        "'kling-3-text2image'?"
    )
    assert [str(each) for each in request.warnings] == [str(caught[0].message)]


@pytest.mark.parametrize(
    "slug",
    ["kling-3-pro-text2video", "kling-3-standard-image2video", "kling-o3-text2video", "kling-image2video"],
)
def test_true_siblings_are_not_taken_for_misspellings(slug):
    assert m.request_for(slug, {"prompt": "a"}).warnings == ()


def test_untyped_shows_hostile_text_as_text():
    html = m.Untyped("other", {"<b>": "<img src=x onerror=alert(1)>"})._repr_html_()
    assert "<b>" not in html
    assert "<img" not in html


def test_untyped_does_not_change():
    with pytest.raises(AttributeError, match=r"Untyped does not change. Use replace\(slug=...\)."):
        m.Untyped("other", {}).slug = "more"
