"""A run recorded on the sandbox, "the real service" here, and replayed when that is gone."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import kling_nb as kn
from kling_nb.sandbox import Sandbox
from kling_nb.testing import NotRecorded, Recorder, Replay, recorded

SPEED = 2000.0
FOX = kn.Kling3TextToImage(prompt="a fox in the snow", aspect_ratio="1:1")


def client(tmp_path: Path, name: str, address: str, key: str, **options: Any) -> kn.Client:
    places = {"home": tmp_path / name / "home", "media": tmp_path / name / "media"}
    return kn.Client(key, base_url=address, time_scale=SPEED, **places, **options)


def story(kling: kn.Client) -> tuple[Any, Any]:
    picture = kling.run(FOX)
    moving = kn.Kling3ProImageToVideo(prompt="it turns", start_image_url=picture, duration=3)
    return picture, kling.run(moving)


@pytest.fixture
def told(tmp_path: Path) -> tuple[Path, str, str]:
    """A cassette with a picture and a clip made from it, the address it was made at, and the key."""
    cassette = tmp_path / "story.json"
    with Sandbox(time_scale=SPEED) as service:
        with client(tmp_path, "first", service.base_url, service.key, transport=Recorder(cassette)) as kling:
            story(kling)
        return cassette, service.base_url, service.key


def test_a_replay_gives_the_same_without_the_service(told: tuple[Path, str, str], tmp_path: Path) -> None:
    cassette, address, _ = told
    with client(tmp_path, "again", address, "any", transport=Replay(cassette)) as kling:
        picture, clip = story(kling)
    assert (picture.size, picture.format) == ((1024, 1024), "png")
    first = tmp_path / "first" / "media" / picture.path.name
    assert first.read_bytes() == picture.path.read_bytes()
    assert (clip.size, round(clip.duration, 1), clip.has_sound) == ((1920, 1080), 3.0, True)


def test_a_cassette_holds_neither_key_nor_address_of_a_person_and_is_small(
    told: tuple[Path, str, str],
) -> None:
    cassette, _, key = told
    text = cassette.read_text()
    assert key not in text
    assert "x-api-key" not in text
    assert "artist@" not in text
    assert "base64," not in text.replace("base64,...", "")
    assert len(text) < 20_000
    assert all(path.stat().st_size < 1_000_000 for path in cassette.with_name("story-media").iterdir())


def test_what_was_not_recorded_is_named_and_nothing_is_called_lost(
    told: tuple[Path, str, str], tmp_path: Path
) -> None:
    cassette, address, _ = told
    with client(tmp_path, "again", address, "any", transport=Replay(cassette)) as kling:
        with pytest.raises(NotRecorded) as caught:
            kling.run(FOX.replace(prompt="a cat"))
        assert caught.value.charged == "no"
        assert "story.json holds no answer to POST" in caught.value.what
        assert '"prompt":"a cat"' in caught.value.what


def test_missing_media_is_named(told: tuple[Path, str, str], tmp_path: Path) -> None:
    cassette, address, _ = told
    for path in cassette.with_name("story-media").iterdir():
        path.unlink()
    missing = pytest.raises(NotRecorded, match=r"story-media/\w+\.png is missing beside story\.json")
    with client(tmp_path, "again", address, "any", transport=Replay(cassette)) as kling, missing:
        kling.run(FOX)


def test_the_same_question_gets_its_answers_in_order_and_the_last_for_good(tmp_path: Path) -> None:
    cassette = tmp_path / "states.json"
    with Sandbox(time_scale=200) as service:
        address = service.base_url
        kling = client(tmp_path, "first", address, service.key, transport=Recorder(cassette))
        seen = [event.state for event in kling.submit(FOX).events()]
        kling.close()
    states = [
        json.loads(each["text"]).get("status") for each in json.loads(cassette.read_text())["exchanges"][1:-1]
    ]
    assert states[-1] == "COMPLETED"
    assert len([state for state in states if state == "PROCESSING"]) <= 1
    with client(tmp_path, "again", address, "any", transport=Replay(cassette)) as kling:
        assert [event.state for event in kling.submit(FOX).events()] == seen


def test_one_line_records_first_and_replays_ever_after(tmp_path: Path) -> None:
    cassette = tmp_path / "cassettes" / "fox.json"
    with Sandbox(time_scale=SPEED) as service:
        options = {"base_url": service.base_url, "media": tmp_path / "media"}
        with recorded(
            cassette, api_key=service.key, time_scale=SPEED, home=tmp_path / "home", **options
        ) as kling:
            first = kling.run(FOX).to_numpy()
    with recorded(cassette, **options) as kling:
        assert (kling.run(FOX).to_numpy() == first).all()
        with pytest.raises(NotRecorded, match=r"fox\.json holds no more answer to POST"):
            kling.run(FOX)


def test_a_cassette_that_can_not_be_written_costs_no_paid_answer(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "taken").write_text("a file where a folder is wanted")
    with Sandbox(time_scale=SPEED) as service:
        recorder = Recorder(tmp_path / "taken" / "fox.json")
        with client(tmp_path, "first", service.base_url, service.key, transport=recorder) as kling:
            assert kling.run(FOX).size == (1024, 1024)
    assert "could not be recorded in fox.json" in caplog.text


def test_large_media_is_kept_as_a_coarse_copy_of_the_same_size_and_length(tmp_path: Path) -> None:
    cassette = tmp_path / "coarse.json"
    clip = kn.Kling3StandardTextToVideo(prompt="a boat at dawn", duration=3)
    with Sandbox(time_scale=SPEED) as service:
        address, recorder = service.base_url, Recorder(cassette, keep=1000)
        with client(tmp_path, "first", address, service.key, transport=recorder) as kling:
            before = kling.run(FOX), kling.run(clip)
    with client(tmp_path, "again", address, "any", transport=Replay(cassette)) as kling:
        after = kling.run(FOX), kling.run(clip)
    assert [repr(each) for each in after] == [repr(each) for each in before]
    assert after[1].frame_count == before[1].frame_count
    assert all(2 * small.nbytes < large.nbytes for small, large in zip(after, before, strict=True))
