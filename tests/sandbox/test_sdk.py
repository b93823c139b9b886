"""The official SDK, unchanged, against the sandbox."""

from __future__ import annotations

import importlib
import io

import httpx
import pytest
from PIL import Image
from segmind import InferenceFailed, InferenceTimeout, SegmindClient, SegmindError
from segmind.files import Files

from kling_nb.sandbox import Sandbox


@pytest.fixture
def quick():
    with Sandbox(time_scale=2000) as sandbox:
        yield sandbox
    assert sandbox.errors == []


@pytest.fixture
def client(quick, monkeypatch):
    monkeypatch.setattr(Files, "STORAGE_BASE_URL", quick.base_url)
    history = f"{quick.base_url}/inference-request/request-history"
    # The package hides this module behind an object of the same name.
    monkeypatch.setattr(importlib.import_module("segmind.generations"), "REQUEST_HISTORY_URL", history)
    client = SegmindClient(api_key=quick.key, base_url=f"{quick.base_url}/v1")
    yield client
    client._client.close()


def test_run_gives_a_picture(client):
    job = client.submit_async("kling-3-text2image", prompt="a fox")
    result = job.wait(timeout=30, interval=0.05)
    assert Image.open(io.BytesIO(httpx.get(result["output"]).content)).size == (1360, 768)


def test_run_waits_for_the_result(client, monkeypatch):
    monkeypatch.setattr("segmind.v2.time.sleep", lambda _: None)
    assert client.run("kling-3-text2image", prompt="a fox")["metrics"]["cost"] == 0.035


def test_a_failed_job_raises_with_the_sentence(client):
    job = client.submit_async("kling-3-text2image", prompt="x [sandbox:fail The lens broke.]")
    with pytest.raises(InferenceFailed) as caught:
        job.wait(timeout=30, interval=0.01)
    assert caught.value.detail == "The lens broke."


def test_a_stuck_job_times_out(client):
    job = client.submit_async("kling-3-text2image", prompt="x [sandbox:stuck]")
    with pytest.raises(InferenceTimeout) as caught:
        job.wait(timeout=0.1, interval=0.02)
    assert caught.value.request_id == job.request_id


def test_run_sync_gives_bytes(client):
    answer = client.run_sync("kling-3-text2image", prompt="a fox", output_format="webp")
    assert Image.open(io.BytesIO(answer.content)).format == "WEBP"


def test_an_uploaded_file_can_be_read_back(client, tmp_path):
    place = tmp_path / "red.png"
    Image.new("RGB", (40, 40), "red").save(place)
    url = client.files.upload(place)["file_urls"][0]
    assert httpx.get(url).content == place.read_bytes()


def test_history_knows_the_job(client):
    job = client.submit_async("kling-3-text2image", prompt="a fox")
    job.wait(timeout=30, interval=0.05)
    assert client.generations.get(job.request_id)["model_status"] == "COMPLETED"
    assert client.generations.history()["data"][0]["request_id"] == job.request_id


def test_a_wrong_key_is_a_segmind_error(quick):
    client = SegmindClient(api_key="SG_wrong", base_url=f"{quick.base_url}/v1")
    with pytest.raises(SegmindError) as caught:
        client.run("kling-3-text2image", prompt="a fox")
    assert caught.value.status == 401
    client._client.close()
