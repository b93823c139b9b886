"""The life of a job: states, clock, money, retention, history."""

from __future__ import annotations

import ast
import uuid

import httpx
import pytest


def test_the_submit_answer_has_five_keys_and_points_here(line):
    body = line.submit().json()
    home = line.sandbox.base_url
    assert list(body) == ["request_id", "status", "poll_url", "status_url", "response_url"]
    assert uuid.UUID(body["request_id"]).version == 4
    assert body["status"] == "QUEUED"
    assert body["status_url"] == f"{home}/v2/requests/{body['request_id']}/status"
    assert body["poll_url"] == f"{home}/v1/requests/{body['request_id']}"


def test_ids_do_not_depend_on_which_of_two_requests_came_first(open_line):
    one, other = open_line(), open_line()
    forth = [one.job(prompt=prompt) for prompt in ("a fox", "a cat", "a fox")]
    back = [other.job(prompt=prompt) for prompt in ("a cat", "a fox", "a fox")]
    assert set(forth) == set(back)
    assert len(set(forth)) == 3


def test_a_job_goes_through_the_states_on_the_clock(line):
    job = line.job()
    line.sandbox.join()
    assert line.status(job).json()["status"] == "QUEUED"
    line.sandbox.clock.advance(10)
    assert line.status(job).json()["status"] == "PROCESSING"
    assert line.status(job).json()["metrics"] == {}
    line.sandbox.clock.advance(45)
    assert line.status(job).json()["status"] == "COMPLETED"


def test_time_scale_makes_the_published_latency_shorter(open_line):
    line = open_line(time_scale=10)
    job = line.job()
    line.sandbox.join()
    line.sandbox.clock.advance(5.5)
    assert line.status(job).json()["status"] == "COMPLETED"
    assert 40 < line.result(job).json()["metrics"]["total_time"] < 56


def test_an_unpainted_job_is_never_completed(line):
    job = line.job("kling-3-standard-text2video", duration="3")
    line.sandbox.clock.advance(1000)
    assert line.status(job).json()["status"] == "PROCESSING"


def test_a_fifth_job_waits_for_a_worker(line):
    jobs = [line.job() for _ in range(5)]
    line.sandbox.join()
    line.sandbox.clock.advance(30)
    assert [line.status(job).json()["status"] for job in jobs] == ["PROCESSING"] * 4 + ["QUEUED"]


def test_the_result_names_the_picture(line):
    body = line.made()
    assert body["output"] == body["images"][0]["url"]
    assert body["images"][0]["content_type"] == "image/png"
    assert body["error"] is None
    assert set(body["metrics"]) == {"cost", "remaining_credits", "inference_time", "queue_time", "total_time"}


def test_the_result_before_the_end_looks_like_the_status(line):
    job = line.job()
    assert "output" not in line.result(job).json()


def test_the_v1_alias_gives_the_result(line):
    job = line.job()
    line.finish()
    assert line.http.get(f"/v1/requests/{job}").json() == line.result(job).json()


def test_a_failed_job_is_422_on_both_and_costs_nothing(line):
    job = line.job(prompt="[sandbox:moderate] a fox")
    line.finish()
    for answer in (line.status(job), line.result(job)):
        assert answer.status_code == 422
        assert answer.json()["error"].startswith("content_policy_violation")
        assert "cost" not in answer.json()["metrics"]
    assert line.sandbox.balance == 100


def test_the_record_expires_an_hour_after_submission(line):
    job = line.job()
    line.sandbox.join()
    line.sandbox.clock.advance(3599)
    assert line.result(job).status_code == 200
    line.sandbox.clock.advance(1)
    for url in (f"/v2/requests/{job}", f"/v2/requests/{job}/status", f"/v1/requests/{job}"):
        answer = line.http.get(url)
        assert (answer.status_code, answer.json()) == (404, {"error": f"Request {job} not found"})


def test_the_file_lives_for_seven_days(line):
    url = line.made()["output"]
    line.sandbox.clock.advance(6 * 86400)
    assert httpx.head(url).status_code == 200
    line.sandbox.clock.advance(86400)
    assert httpx.get(url).status_code == 404


def test_the_balance_falls_when_the_job_completes(line):
    job = line.job()
    assert line.http.get("/v1/get-user-credits").json() == {"credits": 100.0, "free-credits": 0.0}
    line.finish()
    line.status(job)
    assert line.http.get("/v1/get-user-credits").json()["credits"] == 99.965


def test_reserved_money_cannot_be_spent_twice(open_line):
    line = open_line(balance=0.05)
    line.job()
    answer = line.submit()
    assert answer.status_code == 406
    assert answer.json()["error"] == "Insufficient credits. Available: $0.0150, required: $0.0350"


@pytest.mark.parametrize(
    ("slug", "params", "price"),
    [
        ("kling-3-standard-text2video", {"duration": "3", "generate_audio": False}, 0.504),
        ("kling-3-standard-text2video", {"duration": "3"}, 0.756),
        ("kling-3-standard-text2video", {"duration": "3", "voice_ids": ["v"]}, 0.924),
        ("kling-text2video", {"mode": "pro", "duration": "10"}, 1.96),
        ("kling-text2video", {}, 0.28),
    ],
)
def test_prices_follow_the_parameters(open_line, slug, params, price):
    line = open_line(balance=0)
    assert line.submit(slug, **params).json()["error"].endswith(f"required: ${price:.4f}")


def test_history_outlives_the_record(line):
    job = line.job()
    line.finish()
    line.sandbox.clock.advance(5000)
    row = line.http.get(f"/inference-request/request-history/{job}").json()
    assert row["model_status"] == "COMPLETED"
    assert row["credits_deduction"] == 0.035
    assert ast.literal_eval(row["request_body"]) == {"prompt": "a fox in the snow"}
    assert httpx.get(row["generation_url"]).status_code == 200


def history(line, **query):
    answer = line.http.get("/inference-request/request-history", params=query)
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_history_filters_and_pages(line):
    done, bad = line.job(), line.job(prompt="[sandbox:fail no]")
    line.finish()
    waiting = line.job("kling-create-voice", voice_url="https://x/v.mp3")
    states = {row["request_id"]: row["model_status"] for row in history(line)["data"]}
    assert states == {done: "COMPLETED", bad: "FAILED", waiting: "PENDING"}
    assert [row["error"] for row in history(line, status="FAILED")["data"]] == ["no"]
    assert history(line, model_name="voice")["total"] == 1
    assert len(history(line, per_page=2, page=2)["data"]) == 1
    assert history(line, sort_by="credits_deduction")["data"][0]["request_id"] == done
    assert history(line, from_date="2001-01-01", to_date="2001-01-20")["data"] == []


def test_history_refuses_a_window_over_31_days(line):
    query = {"from_date": "2026-01-01", "to_date": "2026-03-01"}
    assert line.http.get("/inference-request/request-history", params=query).status_code == 400


def test_history_can_repeat_rows_per_output(open_line):
    line = open_line(shapes={"duplicate_history": True})
    line.made()
    rows = history(line)["data"]
    assert len(rows) == 2
    assert rows[0] == rows[1]


def test_generations_list_what_was_made(line):
    body = line.made()
    rows = line.http.get("/inference-request/generations").json()["data"]
    assert [row["generation_url"] for row in rows] == [body["output"]]
    recent = line.http.get(
        "/inference-request/recent-generations", params={"model_name": "kling-3-text2image"}
    )
    assert recent.json()["data"] == rows


def test_somebody_elses_request_is_not_in_the_history(line):
    assert line.http.get(f"/inference-request/request-history/{uuid.uuid4()}").status_code == 404


def test_a_voice_comes_back_as_json_in_the_output(line):
    assert '"voice_id": "voice_' in line.made("kling-create-voice", voice_url="https://x/v.mp3")["output"]


def test_the_mock_model_sleeps_and_costs_what_it_is_told(line):
    job = line.job("mock-inference", sleep=10, credits=2)
    line.sandbox.join()
    line.sandbox.clock.advance(12)
    assert line.result(job).json()["output"] == "ok"
    assert line.sandbox.balance == 98


def test_what_no_page_lists_is_ignored_but_remembered(line):
    line.job("kling-3-image2image", image_url="https://x/a.png", negative_prompt="fog")
    assert line.sandbox.ignored == [("kling-3-image2image", "negative_prompt")]
