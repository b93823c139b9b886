"""Every body the service is known to send, and some it should not."""

from __future__ import annotations

import json
import pickle
from typing import Any

import pytest

from kling_nb import errors
from kling_nb.service import wire
from kling_nb.service.wire import Answer, Output
from kling_nb.states import State

PNG = "https://images.segmind.com/generations/a.png"
MP4 = "https://images.segmind.com/generations/a.mp4"


def answer(status: int = 200, body: Any = None, **headers: str) -> Answer:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Answer(status, headers, content)


@pytest.mark.parametrize(
    "body",
    [
        {"output": PNG},
        {"output": {"url": PNG}},
        {"output": {"image_url": PNG}},
        {"output": [PNG]},
        {"output": [{"url": PNG}]},
        {"output": json.dumps({"url": PNG})},
        {"output": json.dumps([PNG])},
        {"output": {"images": [{"url": PNG}]}},
        {"url": PNG},
        {"images": [{"url": PNG}]},
        {"images": [PNG]},
        {"output": PNG, "images": [{"url": PNG}], "video": None, "audio": {}},
    ],
)
def test_a_picture_is_found_in_every_shape(body: Any) -> None:
    assert [output.url for output in wire.outputs_of(body)] == [PNG]


@pytest.mark.parametrize(
    "body",
    [
        {"output": {"video_url": MP4}},
        {"output": {"videos": [{"url": MP4}]}},
        {"video_url": MP4},
        {"video": {"url": MP4}},
        {"video": {"url": MP4, "last_frame_url": PNG}, "output": MP4},
    ],
)
def test_a_clip_is_found_in_every_shape_and_its_last_frame_is_not_taken_for_it(body: Any) -> None:
    assert [output.url for output in wire.outputs_of(body)] == [MP4]


def test_the_description_of_a_file_is_kept_whichever_place_names_it_first() -> None:
    body = {"output": PNG, "images": [{"url": PNG, "content_type": "image/png", "file_name": "a.png"}]}
    assert wire.outputs_of(body) == (Output(PNG, "image/png", "a.png"),)


@pytest.mark.parametrize(
    "body", [None, [], {}, {"output": None}, {"output": "done"}, {"output": {"url": ""}}]
)
def test_a_body_without_a_file_names_none(body: Any) -> None:
    assert wire.outputs_of(body) == ()


@pytest.mark.parametrize(
    ("word", "state"),
    [
        ("completed", State.COMPLETED),
        ("Succeeded", State.COMPLETED),
        ("CANCELLED", State.FAILED),
        ("canceled", State.FAILED),
        ("error", State.FAILED),
        ("running", State.PROCESSING),
        ("pending", State.QUEUED),
        ("PONDERING", None),
    ],
)
def test_every_terminal_word_ends_a_job_in_any_letter_case(word: str, state: State | None) -> None:
    found = wire.status_of(answer(body={"status": word}))
    assert found is not None
    assert found.state is state


def test_the_body_is_believed_before_the_code() -> None:
    found = wire.status_of(answer(422, {"status": "FAILED", "error": "no", "metrics": {"inference_time": 1}}))
    assert found is not None
    assert (found.state, found.error, found.metrics) == (State.FAILED, "no", {"inference_time": 1})


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b'"COMPLETED"', b'{"status": 200}', b"{}"])
def test_what_names_no_state_says_nothing_about_a_job(body: bytes) -> None:
    assert wire.status_of(answer(body=body)) is None


@pytest.mark.parametrize(
    ("status", "text", "kind"),
    [
        (400, "bad", errors.BadRequest),
        (401, "Missing Authorization or x-api-key in header", errors.Unauthorized),
        (403, "no", errors.Forbidden),
        (404, "no such model", errors.NotFound),
        (406, "Insufficient credits: balance 0.01, needed 0.04", errors.InsufficientCredits),
        (406, "Team spend limit of $50 a month reached", errors.SpendLimitReached),
        (406, "Invalid content type", errors.NotAcceptable),
        (406, "aspect_ratio must be one of ...", errors.NotAcceptable),
        (410, "gone", errors.ModelRetired),
        (418, "teapot", errors.BadRequest),
        (422, "no", errors.Unprocessable),
        (429, "rate_limit_exceeded", errors.RateLimited),
        (500, "oops", errors.ServerError),
        (502, "", errors.ServerError),
        (302, "", errors.UnexpectedAnswer),
    ],
)
def test_each_code_has_its_error(status: int, text: str, kind: type[errors.ServiceError]) -> None:
    error = wire.error_of(answer(status, {"error": text}))
    assert type(error) is kind
    assert error.status == status
    assert text in str(error)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("Invalid content type", "content_type"),
        ("Insufficient credits", "credits"),
        ("Monthly spend limit of $10 reached", "spend_limit"),
        ("duration is above the limit of 15", "parameter"),
    ],
)
def test_the_four_causes_of_406_are_told_apart(text: str, reason: str) -> None:
    error = wire.error_of(answer(406, {"error": text}))
    assert isinstance(error, errors.NotAcceptable)
    assert error.reason == reason


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"error": "x"}, "x"),
        ({"message": "x"}, "x"),
        ({"detail": "x"}, "x"),
        ({"detail": [{"message": "x"}, {"message": "y"}]}, "x; y"),
        ({"errors": ["x", "y"]}, "x; y"),
        ({"error": "invalid_api_key", "error_description": "x", "status_code": 401}, "invalid_api_key - x"),
        ({"error": {"message": "x"}}, "x"),
        (b"plain words", "plain words"),
        (b"<!doctype html><h1>Bad gateway</h1>", "(a web page instead of an answer)"),
        (b"", "gave no reason"),
        (b"\xff\xfe", "�"),
    ],
)
def test_the_services_words_are_found_in_every_body(body: Any, said: str) -> None:
    assert said in wire.error_of(answer(400, body)).what


def test_404_for_a_job_says_expired_and_for_a_model_not_found() -> None:
    assert type(wire.error_of(answer(404, {}), "some-id")) is errors.RequestExpired
    assert type(wire.error_of(answer(404, {}))) is errors.NotFound


def test_a_missing_key_that_was_sent_points_at_what_drops_headers() -> None:
    said = "Missing Authorization or x-api-key in header"
    assert "proxy or redirect" in str(wire.error_of(answer(401, {"error": said})))


def test_every_error_pickles_with_all_it_carries() -> None:
    error = wire.error_of(answer(429, {"error": "slow down"}, **{"retry-after": "3"}), "id-1")
    again = pickle.loads(pickle.dumps(error))
    assert (type(again), str(again), again.__dict__) == (type(error), str(error), error.__dict__)
    assert again.retry_after == 3.0


def test_the_balance_reads_the_hyphen() -> None:
    found = wire.credits_of(answer(body={"credits": 1.5, "free-credits": 0.25}))
    assert found is not None
    assert (found.paid, found.free, found.total, float(found)) == (1.5, 0.25, 1.75, 1.75)
    assert wire.credits_of(answer(body={"ok": True})) is None


def test_history_rows_of_one_request_are_one_row_and_the_printed_dict_is_read() -> None:
    row = {
        "request_id": "r1",
        "model_name": "kling-3-text2image",
        "model_status": "COMPLETED",
        "credits_deduction": "0.035",
        "latency_ms": 47000,
        "generation_url": PNG,
        "request_body": "{'prompt': 'it\\'s a fox', 'n': None}",
    }
    (found,) = wire.history_of({"data": [row, dict(row)]})
    assert (found.cost, found.seconds, found.url) == (0.035, 47.0, PNG)
    assert found.body == {"prompt": "it's a fox", "n": None}


@pytest.mark.parametrize("value", [None, 3, "x", [], {}, {"data": None}, {"data": [None, {"request_id": 1}]}])
def test_a_history_that_is_none_is_empty(value: Any) -> None:
    assert wire.history_of(value) == []


@pytest.mark.parametrize("body", ["__import__('os').system('x')", "{'a': open('x')}", "(" * 1000, 7])
def test_a_history_body_that_is_no_plain_value_is_left_out(body: Any) -> None:
    (row,) = wire.history_of([{"request_id": "r1", "request_body": body}])
    assert row.body is None


def test_a_voice_id_is_found_as_object_json_text_and_bare_string() -> None:
    assert wire.value_of({"output": '{"voice_id": "v1"}'}) == {"voice_id": "v1"}
    assert wire.value_of({"output": {"voice_id": "v1"}}) == {"voice_id": "v1"}
    assert wire.value_of({"output": "v1"}) == "v1"
