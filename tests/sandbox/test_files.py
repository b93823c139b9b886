"""The output origin, uploads and the synchronous call."""

from __future__ import annotations

import base64
import io

import httpx
import pytest
from PIL import Image


@pytest.fixture
def url(line) -> str:
    return str(line.made()["output"])


def test_the_outputs_live_on_another_origin(line, url):
    assert url.startswith(line.sandbox.output_url + "/generations/")
    assert line.sandbox.output_url != line.sandbox.base_url


def test_head_tells_the_size_without_the_file(url):
    answer = httpx.head(url)
    assert (answer.content, answer.headers["accept-ranges"]) == (b"", "bytes")
    assert int(answer.headers["content-length"]) == len(httpx.get(url).content)


@pytest.mark.parametrize(
    ("wanted", "part"), [("0-9", slice(0, 10)), ("100-", slice(100, None)), ("-7", slice(-7, None))]
)
def test_a_range_gives_that_part(url, wanted, part):
    whole = httpx.get(url).content
    answer = httpx.get(url, headers={"range": f"bytes={wanted}"})
    assert (answer.status_code, answer.content) == (206, whole[part])
    assert answer.headers["content-range"].endswith(f"/{len(whole)}")


def test_a_range_past_the_end_is_416(url):
    assert httpx.get(url, headers={"range": "bytes=99999999-"}).status_code == 416


def test_a_key_on_an_output_request_is_refused(line, url):
    assert httpx.get(url, headers={"x-api-key": line.sandbox.key}).status_code == 400


def test_an_unknown_file_is_404(line):
    assert httpx.get(f"{line.sandbox.output_url}/generations/none.png").status_code == 404


def data_url(colour: str = "red") -> str:
    data = io.BytesIO()
    Image.new("RGB", (64, 64), colour).save(data, "PNG")
    return "data:image/png;base64," + base64.b64encode(data.getvalue()).decode()


def test_an_upload_answers_with_urls_that_hold_an_address(line):
    answer = line.http.post("/upload-asset", json={"data_urls": [data_url(), data_url("blue")]}).json()
    assert answer["message"] == "Files uploaded successfully"
    assert all("/assets/artist@example.com/images/" in url for url in answer["file_urls"])
    assert Image.open(io.BytesIO(httpx.get(answer["file_urls"][1]).content)).getpixel((5, 5)) == (0, 0, 255)


def test_the_older_upload_answer_can_be_chosen(open_line):
    line = open_line(shapes={"upload": "urls"})
    assert list(line.http.post("/upload-asset", json={"data_urls": [data_url()]}).json()) == ["urls"]


def sync(line, slug="kling-3-text2image", **params) -> httpx.Response:
    return line.http.post(f"/v1/{slug}", json={"prompt": "a fox"} | params, timeout=30)


def test_the_synchronous_call_answers_bytes_and_six_headers(open_line):
    answer = sync(open_line(time_scale=1000), output_format="jpeg")
    assert answer.headers["content-type"] == "image/jpeg"
    assert answer.headers["x-cost"] == "0.035"
    names = ["request-id", "remaining-credits", "generation-time", "seed-value", "rate-limit-reset-at-utc"]
    assert all(f"x-{name}" in answer.headers for name in names)


def test_the_synchronous_call_can_answer_as_the_page_says(open_line):
    line = open_line(time_scale=1000, shapes={"sync": "page"})
    assert sync(line).json()["status"] == "COMPLETED"
    assert (
        sync(line, "kling-3-image2image", image_url="https://x/a.png").headers["content-type"] == "image/png"
    )


@pytest.mark.parametrize(("prompt", "code"), [("", 400), ("[sandbox:fail no]", 500)])
def test_the_synchronous_call_fails_with_a_code(open_line, prompt, code):
    assert sync(open_line(time_scale=1000), prompt=prompt).status_code == code


def test_the_model_list_needs_no_key(line):
    models = httpx.get(f"{line.sandbox.base_url}/inference-model-information/list").json()
    known = {model["slug"]: model for model in models}
    assert known["kling-text2video"]["parameters_schema"]["mode"]["choices"] == ["std", "pro"]
    assert known["kling-text2image"]["is_depreciated"] is True


def test_everything_that_arrived_was_seen(line):
    line.submit(prompt="a cat")
    post = line.sandbox.posts("kling-3-text2image")[0]
    assert (post.method, post.origin, post.body, post.status) == ("POST", "service", {"prompt": "a cat"}, 200)
    assert post.headers["x-api-key"] == line.sandbox.key
    assert line.sandbox.posts("kling-text2video") == []
