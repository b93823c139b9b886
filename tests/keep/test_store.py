from __future__ import annotations

import errno
import subprocess
import sys
import uuid
from pathlib import Path

import pytest

from kling_nb.errors import DownloadFailed
from kling_nb.keep.store import BrokenMedia, Found, Store, check_media
from kling_nb.media import Image, Video, whole
from kling_nb.media.trouble import MediaMissing
from tests.media import make

ID = "2c7f59ea-1d3a-4b52-9c1e-6a0b8f7d2e11"


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "kling-media")


def test_names_are_readable(store: Store) -> None:
    name = store.name_for("kling-3-text2image", ID, "A fox, in the snow!", ".png")
    assert name == store.folder / "a-fox-in-the-snow-2c7f59ea.png"


@pytest.mark.parametrize(
    "prompt",
    [
        "../../etc/passwd",
        "CON",
        "nul.",
        'a/b\\c:d*e?f"g<h>i|j',
        "x" * 500,
        "\x00\n\t",
        "🦊🦊",
        "雪中的狐狸",
        "café Ünïcode",
        " . ",
        "-rf",
        "~",
    ],
)
def test_names_are_safe_everywhere(store: Store, prompt: str) -> None:
    path = store.name_for("kling-3-text2image", ID, prompt, "png")
    assert path.parent == store.folder
    assert path.name.isascii()
    assert len(path.name) <= 80
    assert path.name.endswith("-2c7f59ea.png")
    assert path.name[0].isalnum()
    assert not set(path.name) & set('/\\:*?"<>| \0')


def test_a_prompt_without_ascii_words_takes_the_models_name(store: Store) -> None:
    assert (
        store.name_for("kling-3-text2image", ID, "雪中的狐狸", ".png").name
        == "kling-3-text2image-2c7f59ea.png"
    )


def test_ids_made_from_the_clock_do_not_collide(store: Store) -> None:
    ids = [f"0190a6f0-{i:04x}-7b52-9c1e-6a0b8f7d2e11" for i in range(50)] + [f"{ID}/{i}" for i in range(5)]
    assert len({store.name_for("m", i, "a fox", ".png") for i in ids}) == 55
    assert uuid.UUID(ID).version == 4


def test_a_suffix_is_a_suffix(store: Store) -> None:
    with pytest.raises(ValueError, match="a suffix is letters and digits"):
        store.name_for("m", ID, "p", "/../x")


def test_the_folder_appears_with_the_first_write(store: Store) -> None:
    final = store.name_for("m", ID, "p", ".png")
    assert not store.folder.exists()
    assert store.part_path(final) == store.folder / f".{final.name}.part"
    assert store.folder.is_dir()


def names(store: Store) -> list[str]:
    return sorted(path.name for path in store.folder.iterdir())


def fetched(store: Store, data: bytes, suffix: str = ".png") -> tuple[Path, Path]:
    final = store.name_for("m", ID, "a fox", suffix)
    part = store.part_path(final)
    part.write_bytes(data)
    return part, final


def test_a_whole_file_gets_its_final_name(store: Store, png: Path) -> None:
    part, final = fetched(store, png.read_bytes())
    assert store.finish(part, final, lambda p: check_media(p, "image")) == final
    assert names(store) == [final.name]
    assert final.read_bytes() == png.read_bytes()


def test_a_failing_check_leaves_no_final_name_and_keeps_what_came(store: Store, png: Path) -> None:
    part, final = fetched(store, png.read_bytes()[:-50])
    with pytest.raises(BrokenMedia, match="What was fetched is a PNG picture that is damaged or cut short"):
        store.finish(part, final, lambda p: check_media(p, "image"))
    assert names(store) == [part.name]


def test_a_file_another_process_finished_is_taken(store: Store, png: Path) -> None:
    part, final = fetched(store, png.read_bytes())
    store.finish(part, final, check_media)
    assert store.finish(part, final, check_media) == final


def test_a_part_that_is_missing_is_said_so(store: Store) -> None:
    final = store.name_for("m", ID, "p", ".png")
    with pytest.raises(DownloadFailed, match="there is no such file"):
        store.finish(store.part_path(final), final, check_media)


def test_a_writer_that_goes_on_does_not_touch_the_finished_file(store: Store, png: Path) -> None:
    part, final = fetched(store, png.read_bytes())
    with part.open("ab") as other:
        store.finish(part, final, check_media)
        other.write(b"late")
    assert final.read_bytes() == png.read_bytes()


def test_a_full_disk_is_said_in_words(store: Store, png: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    part, final = fetched(store, png.read_bytes())

    def full(path: Path) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(whole, "flush", full)
    with pytest.raises(DownloadFailed, match=r"Could not write .*: the disk is full.* Free some space"):
        store.finish(part, final, check_media)
    assert names(store) == [part.name]


def test_a_folder_that_can_not_be_made_is_said_in_words(png: Path) -> None:
    with pytest.raises(DownloadFailed, match="a file is in the way"):
        Store(png / "media").part_path(png / "media" / "a.png")


def test_media_are_told_apart_by_content(png: Path, clip_file: Path, tmp_path: Path) -> None:
    assert check_media(png, "image") == Found(".png", "image/png")
    assert check_media(make.picture(tmp_path / "a.png", format="JPEG"), "image") == Found(
        ".jpg", "image/jpeg"
    )
    assert check_media(clip_file, "video") == Found(".mp4", "video/mp4")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"<html>Bad gateway</html>", "an HTML page"),
        (b'{"error": "x"}', "JSON text"),
        (b"", "no bytes at all"),
        (b"\x00\x01\x02", "an unknown format"),
    ],
)
def test_something_else_is_named(tmp_path: Path, content: bytes, words: str) -> None:
    (tmp_path / "a.mp4").write_bytes(content)
    with pytest.raises(BrokenMedia, match=f"What was fetched is no clip: it is {words}"):
        check_media(tmp_path / "a.mp4", "video")


def test_a_picture_is_not_taken_for_a_clip(png: Path, clip_file: Path) -> None:
    with pytest.raises(ValueError, match="no clip: it is a PNG picture"):
        check_media(png, "video")
    with pytest.raises(DownloadFailed, match="no picture: it is an MP4 clip"):
        check_media(clip_file, "image")


@pytest.mark.parametrize("missing", [1, 3, 60, 1000, 20_000])
def test_a_clip_cut_short_anywhere_is_found(clip_file: Path, tmp_path: Path, missing: int) -> None:
    (tmp_path / "cut.mp4").write_bytes(clip_file.read_bytes()[:-missing])
    with pytest.raises(BrokenMedia, match="cut short"):
        check_media(tmp_path / "cut.mp4", "video")


@pytest.mark.parametrize("suffix", ["png", "jpg", "webp"])
@pytest.mark.parametrize("missing", [1, 2, 5, 500])
def test_a_picture_cut_short_anywhere_is_found(tmp_path: Path, suffix: str, missing: int) -> None:
    path = make.picture(tmp_path / f"a.{suffix}", make.noise(60, 60))
    path.write_bytes(path.read_bytes()[:-missing])
    with pytest.raises(BrokenMedia, match="cut short"):
        check_media(path, "image")


def test_what_is_loaded_knows_where_it_came_from(store: Store, png: Path, clip_file: Path) -> None:
    image = store.load(png, url="https://example.com/a", job_id=ID, prompt="a fox")
    assert isinstance(image, Image)
    assert (image.url, image.job_id, image.prompt) == ("https://example.com/a", ID, "a fox")
    assert isinstance(store.load(clip_file), Video)
    with pytest.raises(MediaMissing):
        store.load("gone.png")


def test_processes_that_finish_the_same_file_do_not_hurt_each_other(store: Store, png: Path) -> None:
    code = (
        "import sys; from kling_nb.keep.store import *\n"
        "store = Store(sys.argv[1])\n"
        "final = store.name_for('m', 'id', 'a fox', '.png')\n"
        "store.finish(store.part_path(final), final, check_media)"
    )
    store.part_path(store.name_for("m", "id", "a fox", ".png")).write_bytes(png.read_bytes())
    crowd = [subprocess.Popen([sys.executable, "-c", code, store.folder]) for _ in range(4)]
    assert [one.wait(60) for one in crowd] == [0] * 4
    (final,) = store.folder.glob("*.png")
    assert final.read_bytes() == png.read_bytes()


def test_where_the_kind_does_not_matter_either_is_taken(png: Path, clip_file: Path) -> None:
    assert [check_media(png).suffix, check_media(clip_file).suffix] == [".png", ".mp4"]
