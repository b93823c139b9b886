"""Every fault, as the other side of the wire meets it."""

from __future__ import annotations

import time

import httpx
import pytest

from kling_nb.sandbox import Fault

RESULT_SHAPES = {
    "no_output": lambda body: "output" not in body and body["images"],
    "output_object": lambda body: body["output"]["url"],
    "output_video_url": lambda body: body["output"]["video_url"],
    "output_list": lambda body: body["output"]["videos"][0]["url"],
    "output_json": lambda body: body["output"].startswith('{"url"'),
    "top_url": lambda body: body["url"] and "output" not in body,
    "no_url": lambda body: "http" not in str(body),
    "only_inference_time": lambda body: list(body["metrics"]) == ["inference_time"],
    "unknown_status": lambda body: body["status"] == "ARCHIVED",
    "cancelled": lambda body: body["status"] == "CANCELLED",
    "lower_case": lambda body: body["status"] == "completed",
    "failed_200": lambda body: body["status"] == "FAILED",
    "no_request_id": lambda body: "request_id" not in body,
    "no_metrics": lambda body: "metrics" not in body,
    "bare": lambda body: list(body) == ["status", "output", "metrics"],
}


def balance(line) -> httpx.Response:
    return line.http.get("/v1/get-user-credits")


def test_a_status_code_strikes_once(line):
    line.sandbox.script(Fault("credits", "status", code=503))
    assert [balance(line).status_code for _ in range(2)] == [503, 200]


def test_after_and_times_choose_the_calls(line):
    line.sandbox.script(Fault("credits", "status", code=500, after=1, times=2))
    assert [balance(line).status_code for _ in range(5)] == [200, 500, 500, 200, 200]


def test_faults_strike_in_the_order_of_the_script(line):
    line.sandbox.script(Fault("credits", "status", code=500), Fault("any", "status", code=502))
    assert [balance(line).status_code for _ in range(3)] == [500, 502, 200]


def test_a_fault_can_be_meant_for_one_model_or_request(line):
    job = line.job()
    line.sandbox.script(
        Fault("submit", "status", slug="kling-text2video"), Fault("status", "status", request=job)
    )
    assert line.submit().status_code == 200
    assert line.status("another").status_code == 404
    assert line.status(job).status_code == 500


def test_cleared_faults_are_gone(line):
    line.sandbox.script(Fault("credits", "status", times=None))
    assert balance(line).status_code == 500
    line.sandbox.clear_faults()
    assert balance(line).status_code == 200


def test_a_429_carries_the_headers_it_is_given(line):
    line.sandbox.script(Fault("status", "status", code=429, headers={"retry-after": "3"}))
    answer = line.status("x")
    assert (answer.json()["error"], answer.headers["retry-after"]) == ("rate_limit_exceeded", "3")


def test_a_status_code_carries_the_body_it_is_given(line):
    line.sandbox.script(
        Fault("credits", "status", code=500, body={"detail": "x"}), Fault("credits", "status", body="y")
    )
    assert balance(line).json() == {"detail": "x"}
    assert balance(line).text == "y"


def test_an_html_page_comes_with_200_or_a_code(line):
    line.sandbox.script(Fault("status", "html"), Fault("status", "html", code=502))
    answers = [line.status("x") for _ in range(2)]
    assert [answer.status_code for answer in answers] == [200, 502]
    assert answers[0].text.startswith("<!doctype html>")


def test_an_empty_answer(line):
    line.sandbox.script(Fault("result", "empty", code=504))
    answer = line.result("x")
    assert (answer.status_code, answer.content) == (504, b"")


def test_a_connection_dropped_before_leaves_no_job(line):
    line.sandbox.script(Fault("submit", "drop_before"))
    with pytest.raises(httpx.TransportError):
        line.submit()
    assert history(line) == []
    assert [seen.status for seen in line.sandbox.posts()] == [None]


def test_a_connection_dropped_after_leaves_a_job(line):
    line.sandbox.script(Fault("submit", "drop_after"))
    with pytest.raises(httpx.TransportError):
        line.submit()
    assert [row["model_name"] for row in history(line)] == ["kling-3-text2image"]


def history(line) -> list[dict[str, object]]:
    rows: list[dict[str, object]] = line.http.get("/inference-request/request-history").json()["data"]
    return rows


def test_a_slow_answer(line):
    line.sandbox.script(Fault("credits", "slow", seconds=0.2))
    began = time.monotonic()
    assert balance(line).status_code == 200
    assert time.monotonic() - began >= 0.2


def test_a_slow_line(line):
    line.sandbox.script(Fault("credits", "slow", per_second=100))
    began = time.monotonic()
    assert balance(line).json()["credits"] == 100
    assert time.monotonic() - began >= 0.2


def test_a_download_cut_short_can_be_continued(line):
    url = line.made()["output"]
    whole = httpx.get(url).content
    line.sandbox.script(Fault("download", "cut", size=1000))
    length, got = interrupted(url)
    assert (length, got) == (str(len(whole)), whole[:1000])
    assert got + httpx.get(url, headers={"range": "bytes=1000-"}).content == whole


def interrupted(url: str) -> tuple[str, bytes]:
    """The announced length and the bytes that came before the line broke."""
    got = []
    with httpx.stream("GET", url) as answer, pytest.raises(httpx.RemoteProtocolError):
        got.extend(answer.iter_raw())
    return answer.headers["content-length"], b"".join(got)


def test_a_truncated_file_looks_whole_on_the_wire(line):
    url = line.made()["output"]
    line.sandbox.script(Fault("download", "truncated", size=500))
    answer = httpx.get(url)
    assert (len(answer.content), answer.headers["content-length"]) == (500, "500")


def test_a_job_can_be_made_to_fail(line):
    line.sandbox.script(Fault("submit", "fail", detail="Out of memory."))
    job = line.job()
    line.finish()
    assert line.status(job).json()["error"] == "Out of memory."


def test_a_job_can_be_made_to_stick(line):
    line.sandbox.script(Fault("submit", "stuck"))
    job = line.job()
    line.finish()
    assert line.status(job).json()["status"] == "PROCESSING"


@pytest.mark.parametrize("shape", RESULT_SHAPES)
def test_a_result_in_another_shape(line, shape):
    job = line.job()
    line.finish()
    line.sandbox.script(Fault("result", "shape", shape=shape))
    answer = line.result(job)
    assert answer.status_code == 200
    assert RESULT_SHAPES[shape](answer.json())


def test_a_shape_can_be_the_rule(open_line):
    assert "output" not in open_line(shapes={"result": "no_output"}).made()


@pytest.mark.parametrize(("place", "lost"), [("submit", "poll_url"), ("status", "metrics")])
def test_optional_fields_can_be_missing(line, place, lost):
    job = line.job()
    line.sandbox.script(Fault(place, "shape", shape="bare"))
    answer = line.submit() if place == "submit" else line.status(job)
    assert lost not in answer.json()


def test_a_foreign_host_in_the_submit_answer(line):
    line.sandbox.script(Fault("submit", "foreign_host"))
    assert line.submit().json()["status_url"].startswith("https://elsewhere.example/v2/requests/")


def test_a_foreign_host_in_the_result(line):
    job = line.job()
    line.finish()
    line.sandbox.script(Fault("result", "foreign_host", url="http://127.0.0.2:9"))
    body = line.result(job).json()
    assert body["output"].startswith("http://127.0.0.2:9/generations/")
    assert body["images"][0]["url"] == body["output"]


def test_a_record_can_expire_at_once(line):
    job = line.job()
    line.sandbox.script(Fault("status", "expire"))
    assert line.status(job).json() == {"error": f"Request {job} not found"}


def test_a_redirect_to_another_origin(line):
    line.sandbox.script(Fault("credits", "redirect", url=line.sandbox.output_url, code=302))
    answer = balance(line)
    assert (answer.status_code, answer.headers["location"]) == (
        302,
        f"{line.sandbox.output_url}/v1/get-user-credits",
    )


def test_a_storm_is_the_same_each_time(open_line):
    def weather() -> list[int | str]:
        line = open_line()
        line.sandbox.script(Fault.storm(seed=3, rate=0.3))
        return [outcome(line) for _ in range(60)]

    first = weather()
    assert first == weather()
    assert 8 < len([met for met in first if met != 404]) < 30


def outcome(line) -> int | str:
    try:
        return line.status("x").status_code
    except httpx.TransportError as error:
        return type(error).__name__


def test_closing_does_not_wait_for_slow_answers(open_line):
    line = open_line()
    line.sandbox.script(Fault("credits", "slow", seconds=30))
    with pytest.raises(httpx.ReadTimeout):
        line.http.get("/v1/get-user-credits", timeout=0.05)
    began = time.monotonic()
    line.sandbox.close()
    assert time.monotonic() - began < 1
