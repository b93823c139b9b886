"""The JSON Schema takes what is sent and nothing else."""

from __future__ import annotations

import jsonschema
import pytest

import kling_nb.model as m

URL = "https://example.com/a.png"
CLIP = {"prompt": "a"}
MOTION = {"prompt": "a", "start_image_url": URL}
GOOD = [
    (m.Kling3TextToImage, {"prompt": "a", "aspect_ratio": "2:3", "elements": [{"frontal_image_url": URL}]}),
    (m.Kling3ImageToImage, {"prompt": "a", "image_url": URL}),
    (m.Kling3StandardTextToVideo, CLIP | {"duration": "15", "cfg_scale": 1, "voice_ids": ["a", "b"]}),
    (
        m.Kling3StandardTextToVideo,
        CLIP | {"multi_prompt": [{"prompt": "a", "duration": "1"}], "shot_type": "x"},
    ),
    (
        m.Kling3ProImageToVideo,
        MOTION | {"elements": [{"reference_image_urls": [URL] * 3}], "end_image_url": URL},
    ),
    (m.KlingTextToVideo, CLIP | {"duration": 10, "camera_control_config_value": -10}),
]
BAD = [
    (m.Kling3TextToImage, {}),
    (m.Kling3TextToImage, {"prompt": " "}),
    (m.Kling3TextToImage, {"prompt": "a", "elements": []}),
    (m.Kling3TextToImage, {"prompt": "a", "elements": [{}]}),
    (m.Kling3TextToImage, {"prompt": "a", "seed": 1}),
    (m.Kling3ImageToImage, {"prompt": "a", "image_url": URL, "negative_prompt": "b"}),
    (m.Kling3ImageToImage, {"prompt": "a", "image_url": "cat.png"}),
    (m.Kling3StandardTextToVideo, CLIP | {"duration": 5}),
    (m.Kling3StandardTextToVideo, CLIP | {"duration": "2"}),
    (m.Kling3StandardTextToVideo, CLIP | {"cfg_scale": 1.1}),
    (m.Kling3StandardTextToVideo, CLIP | {"generate_audio": "true"}),
    (m.Kling3StandardTextToVideo, CLIP | {"multi_prompt": [{"prompt": "x" * 513}]}),
    (m.Kling3StandardTextToVideo, CLIP | {"multi_prompt": [{"prompt": "a", "time": "5"}]}),
    (m.Kling3StandardTextToVideo, CLIP | {"voice_ids": ["a", "b", "c"]}),
    (m.Kling3ProImageToVideo, MOTION | {"elements": [{"reference_image_urls": [URL] * 4}]}),
    (m.KlingTextToVideo, CLIP | {"duration": "5"}),
    (m.KlingTextToVideo, CLIP | {"camera_control_config_value": 1.5}),
    (m.KlingTextToVideo, CLIP | {"camera_control_type": ""}),
]


@pytest.mark.parametrize(("model", "body"), GOOD)
def test_a_good_body_fits_the_schema_and_is_what_the_request_sends(model, body):
    jsonschema.Draft202012Validator(model.json_schema()).validate(body)
    assert not [problem for problem in model.check(body) if problem.level == "error"]


@pytest.mark.filterwarnings("ignore::kling_nb.errors.RequestWarning")
@pytest.mark.parametrize(("model", "body"), GOOD)
def test_a_good_body_passes_through_a_request_unchanged(model, body):
    assert model(**body).body() == body


@pytest.mark.parametrize(("model", "body"), BAD)
def test_a_bad_body_does_not_fit_the_schema(model, body):
    assert not jsonschema.Draft202012Validator(model.json_schema()).is_valid(body)


@pytest.mark.parametrize("entry", m.models(), ids=lambda entry: entry.slug)
def test_the_schema_is_one_and_names_every_parameter(entry):
    schema = entry.request.json_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    assert list(schema["properties"]) == [param.name for param in entry.request.params()]
    assert tuple(schema["required"]) == entry.required
    assert all(each["title"] and each["description"] for each in schema["properties"].values())


def test_picture_fields_are_uris():
    fields = m.Kling3ProImageToVideo.json_schema()["properties"]
    assert fields["start_image_url"]["format"] == "uri"
    assert fields["elements"]["items"]["properties"]["reference_image_urls"]["items"]["format"] == "uri"
    assert fields["duration"]["enum"] == [str(count) for count in range(3, 16)]
