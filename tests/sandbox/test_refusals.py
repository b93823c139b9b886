"""Every way the service says no, and what it looks like."""

from __future__ import annotations

import httpx
import pytest


def refused(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["error"]


def test_no_key(line):
    answer = httpx.post(f"{line.sandbox.base_url}/v2/kling-3-text2image", json={"prompt": "x"})
    assert refused(answer) == (401, "Missing Authorization or x-api-key in header")


@pytest.mark.parametrize("headers", [{"x-api-key": "SG_no"}, {"authorization": "Bearer SG_no"}])
def test_a_rejected_key(line, headers):
    answer = httpx.get(f"{line.sandbox.base_url}/v1/get-user-credits", headers=headers)
    assert answer.status_code == 401
    assert answer.json()["error"].startswith("Unauthorized. API key is invalid or may have expired.")


def test_the_key_comes_before_everything_else(line):
    assert httpx.post(f"{line.sandbox.base_url}/v2/nothing", content="x").status_code == 401


def test_the_content_type_comes_before_the_slug(line):
    assert refused(line.http.post("/v2/nothing", content="{}")) == (406, "Invalid content type")


@pytest.mark.parametrize("text", ["{", "[1]"])
def test_a_malformed_body(line, text):
    answer = line.http.post(
        "/v2/kling-3-text2image", content=text, headers={"content-type": "application/json"}
    )
    assert answer.status_code == 400


def test_an_unknown_slug(line):
    assert refused(line.submit("kling-9")) == (404, "Model kling-9 not found")


def test_a_retired_slug(open_line):
    assert open_line(retired=("old",)).submit("old").status_code == 410


def test_a_forbidden_slug(open_line):
    assert open_line(forbidden=("kling-text2video",)).submit("kling-text2video").status_code == 403


def test_an_unknown_request(line):
    assert refused(line.status("nope")) == (404, "Request nope not found")


def test_an_unknown_path(line):
    assert line.http.get("/somewhere").status_code == 400


def test_the_wrong_verb_is_answered_in_html(line):
    answer = line.http.get("/v2/kling-3-text2image")
    assert answer.status_code == 405
    assert answer.headers["content-type"].startswith("text/html")


def test_a_value_outside_a_fixed_set_is_refused_at_once(line):
    text = "aspect_ratio must be one of 16:9, 9:16, 1:1, 4:3, 3:4, 3:2, 2:3"
    assert refused(line.submit(aspect_ratio="5:4")) == (406, text)


def test_the_team_limit(open_line):
    code, text = refused(open_line(spend_limit=0.01).submit())
    assert (code, "limit" in text) == (406, True)


def test_no_balance_record(open_line):
    line = open_line(shapes={"balance_record": False})
    assert refused(line.http.get("/v1/get-user-credits")) == (404, "No credits found for the user")


LATE = [
    ("kling-3-text2image", {"prompt": None}, "Prompt is Mandatory and must be string"),
    ("kling-3-text2image", {"prompt": 7}, "prompt must be string"),
    ("kling-3-text2image", {"elements": [{}] * 11}, "elements must have at most 10 items"),
    ("kling-3-text2image", {"elements": [{}]}, "elements[0] needs frontal_image_url or reference_image_urls"),
    (
        "kling-3-image2image",
        {"image_url": "data:image/png;base64,AA"},
        "image_url must be a public http or https URL",
    ),
    ("kling-3-image2image", {"image_url": "cat.png"}, "image_url must be a public http or https URL"),
    ("kling-3-standard-text2video", {"cfg_scale": 1.5}, "cfg_scale must be between 0 and 1"),
    ("kling-3-standard-text2video", {"duration": 5}, "duration must be string"),
    ("kling-3-standard-text2video", {"voice_ids": ["a", "b", "c"]}, "voice_ids must have at most 2 items"),
    (
        "kling-3-standard-text2video",
        {"multi_prompt": [{"prompt": "x" * 513}]},
        "multi_prompt[0].prompt must have at most 512 characters",
    ),
    (
        "kling-3-standard-text2video",
        {"multi_prompt": [{"prompt": "x", "duration": "9"}] * 2},
        "multi_prompt segments must not last longer than 15 seconds together",
    ),
    (
        "kling-3-pro-image2video",
        {"start_image_url": ""},
        "Start_image_url is Mandatory and must be string",
    ),
    (
        "kling-text2video",
        {"camera_control_config_value": 11},
        "camera_control_config_value must be between -10 and 10",
    ),
    (
        "kling-text2video",
        {"camera_control_type": "simple"},
        "camera_control_type simple needs one axis and a value",
    ),
    ("kling-create-voice", {}, "Voice_url is Mandatory and must be string"),
]


@pytest.mark.parametrize(("slug", "params", "text"), LATE)
def test_other_wrong_values_fail_the_job(line, slug, params, text):
    job = line.job(slug, **params)
    line.finish()
    assert refused(line.status(job)) == (422, text)


@pytest.mark.parametrize(("slug", "params", "text"), LATE[:3])
def test_early_validation_refuses_them_at_once(open_line, slug, params, text):
    assert refused(open_line(validation="early").submit(slug, **params)) == (400, text)


def test_lazy_validation_finds_fixed_sets_late_too(open_line):
    line = open_line(validation="lazy")
    job = line.job(resolution="8K")
    line.finish()
    assert refused(line.result(job)) == (422, "resolution must be one of 1K, 2K")


@pytest.mark.parametrize("duration", [5, "5"])
def test_the_oldest_model_takes_its_duration_in_both_forms(line, duration):
    assert line.submit("kling-text2video", duration=duration).status_code == 200


def test_empty_camera_fields_count_as_unset(line):
    empty = {"camera_control_type": "", "camera_control_config": "", "camera_control_config_value": ""}
    assert line.submit("kling-text2video", **empty).status_code == 200


def test_an_input_that_is_gone_fails_the_job(line):
    url = f"{line.sandbox.output_url}/assets/gone.png"
    job = line.job("kling-3-image2image", image_url=url)
    line.finish()
    assert refused(line.status(job)) == (422, f"Could not download {url}")


def test_an_input_that_is_no_picture_fails_the_job(line):
    url = line.http.post("/upload-asset", json={"data_urls": ["data:text/plain;base64,aGVsbG8="]}).json()[
        "file_urls"
    ][0]
    job = line.job("kling-3-image2image", image_url=url)
    line.finish()
    assert refused(line.status(job)) == (422, f"Could not read an image from {url}")


def test_the_limiter_names_the_moment_it_opens(open_line):
    line = open_line(requests_per_minute=2)
    assert [line.submit().status_code for _ in range(3)] == [200, 200, 429]
    answer = line.submit()
    assert answer.json()["error"] == "rate_limit_exceeded"
    assert "x-rate-limit-reset-at-utc" in answer.headers
    assert "retry-after" not in answer.headers
    line.sandbox.clock.advance(61)
    assert line.submit().status_code == 200


def test_polls_do_not_count_unless_told_so(open_line):
    line = open_line(requests_per_minute=1)
    assert [line.status("x").status_code for _ in range(3)] == [404] * 3
    line = open_line(requests_per_minute=1, shapes={"polls_count": True, "reset_header": False})
    answers = [line.status("x") for _ in range(2)]
    assert answers[1].status_code == 429
    assert "x-rate-limit-reset-at-utc" not in answers[1].headers


@pytest.mark.parametrize("body", [{}, {"data_urls": []}, {"data_urls": ["cat.png"]}, {"data_urls": [7]}])
def test_an_upload_without_data(line, body):
    assert line.http.post("/upload-asset", json=body).status_code == 400
