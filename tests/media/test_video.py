from __future__ import annotations

import pickle
import shutil
from pathlib import Path

import PIL.Image
import pytest

from kling_nb.media import Image, Video
from kling_nb.media.trouble import MediaError
from tests.media import make


@pytest.fixture
def video(clip_file: Path, tmp_path: Path) -> Video:
    return Video(shutil.copy(clip_file, tmp_path / "fox.mp4"), job_id="j1", prompt="a fox")


def red(image: Image) -> int:
    return int(image.to_numpy()[90, 160, 0])


def test_a_clip_tells_what_it_is(video: Video) -> None:
    assert (video.size, video.format, video.duration) == ((320, 180), "mp4", 2.0)
    assert (video.fps, video.frame_count, video.has_sound) == (24.0, 48, True)
    assert repr(video) == "<Video 320x180, 2.0 s, sound>"
    assert pickle.loads(pickle.dumps(video)) == video


def test_a_silent_clip_says_so(silent_file: Path) -> None:
    assert repr(Video(silent_file)) == "<Video 320x180, 0.5 s, no sound>"


@pytest.mark.parametrize(
    ("seconds", "index"),
    [(0, 0), (0.041, 0), (1 / 24, 1), (0.5, 12), (1 / 3, 8), (1.49, 35), (1.5, 36), (1.99, 47), (2, 47)],
)
def test_a_frame_is_the_one_on_screen_at_that_time(video: Video, seconds: float, index: int) -> None:
    assert red(video.frame(seconds)) == pytest.approx(make.red_of(index), abs=2)


@pytest.mark.parametrize("seconds", [-0.1, 2.001, float("nan")])
def test_a_time_outside_the_clip_is_refused(video: Video, seconds: float) -> None:
    with pytest.raises(MediaError, match=r"There is no frame at .* s: the clip lasts 2\.000 s"):
        video.frame(seconds)


def test_frames_are_files_beside_the_clip_and_know_their_job(video: Video) -> None:
    frame = video.frame(1.51)
    assert frame.path == video.path.parent / "frames" / "fox.frame-1.500s.png"
    assert (frame.format, frame.job_id, frame.prompt) == ("png", "j1", "a fox")


def test_first_and_last_frame_are_the_ends(video: Video) -> None:
    assert red(video.first_frame()) == pytest.approx(0, abs=2)
    assert red(video.last_frame()) == pytest.approx(make.red_of(47), abs=2)


def test_frames_are_evenly_spaced_from_first_to_last(video: Video) -> None:
    assert [red(f) for f in video.frames(3)] == pytest.approx([0, make.red_of(24), make.red_of(47)], abs=2)
    assert video.frames(1) == [video.first_frame()]


@pytest.mark.parametrize("count", [0, 49])
def test_more_frames_than_there_are_are_refused(video: Video, count: int) -> None:
    with pytest.raises(MediaError, match="Choose n from 1 to 48"):
        video.frames(count)


def test_a_frame_is_written_once_and_again_when_the_clip_changed(video: Video, silent_file: Path) -> None:
    path = video.first_frame().path
    stamp = path.stat().st_mtime_ns
    assert video.first_frame().path.stat().st_mtime_ns == stamp
    shutil.copyfile(silent_file, video.path)
    assert video.frame_count == 13
    assert video.first_frame().path.stat().st_mtime_ns > stamp


def test_all_frames_come_as_one_array(video: Video) -> None:
    array = video.to_numpy()
    assert array.shape == (48, 180, 320, 3)
    assert array[30, 90, 160, 0] == pytest.approx(make.red_of(30), abs=2)


def test_an_array_that_would_fill_the_memory_is_refused(video: Video) -> None:
    with pytest.raises(
        MediaError, match=r"48 frames are 8\.3 MB of array; the limit is 1\.0 MB.*frames\(n\)"
    ):
        video.to_numpy(limit=1_000_000)
    assert len(video.to_numpy(limit=None)) == 48


def test_a_poster_of_a_noisy_clip_is_small(tmp_path: Path) -> None:
    picture = PIL.Image.fromarray(make.noise(1280, 720))
    from kling_nb.media.pixels import jpeg_within

    data = jpeg_within(picture, 640, 32_000)
    assert len(data) <= 32_000


def test_a_poster_is_a_jpeg_of_the_first_frame(video: Video) -> None:
    assert video.poster()[:3] == b"\xff\xd8\xff"
    assert video.poster() == video.poster()


def test_a_clip_is_copied_as_it_is(video: Video, tmp_path: Path) -> None:
    assert video.save(tmp_path / "out" / "copy").read_bytes() == video.path.read_bytes()


@pytest.mark.parametrize("suffix", [".gif", ".webm", ".xyz", ".png"])
def test_a_clip_does_not_become_another_format(video: Video, tmp_path: Path, suffix: str) -> None:
    with pytest.raises(MediaError, match=rf"A \.mp4 clip can not be saved as \{suffix}\. Save it as \.mp4"):
        video.save(tmp_path / f"a{suffix}")


def test_the_last_frame_of_a_damaged_end_is_the_last_that_decodes(clip_file: Path, tmp_path: Path) -> None:
    import av

    with av.open(str(clip_file)) as container:
        packets = [p for p in container.demux(container.streams.video[0]) if p.size]
    data = bytearray(clip_file.read_bytes())
    for packet in packets[40:]:
        data[packet.pos : packet.pos + packet.size] = bytes(packet.size)
    (tmp_path / "hurt.mp4").write_bytes(data)
    assert red(Video(tmp_path / "hurt.mp4").last_frame()) == pytest.approx(make.red_of(39), abs=12)


def test_a_picture_and_half_a_clip_are_no_clip(png: Path, clip_file: Path, tmp_path: Path) -> None:
    with pytest.raises(MediaError, match=r"fox\.png is no video: it holds a PNG picture"):
        Video(png)
    (tmp_path / "half.mp4").write_bytes(clip_file.read_bytes()[:20_000])
    half = Video(tmp_path / "half.mp4")
    assert repr(half) == "<Video, file unreadable>"
    with pytest.raises(MediaError, match=r"half\.mp4 is damaged or cut short"):
        _ = half.duration
