from __future__ import annotations

import hashlib
import io
import warnings
from pathlib import Path

import numpy as np
import PIL.Image
import pytest

from kling_nb.errors import InvalidRequest
from kling_nb.media import Image, Video, picture
from kling_nb.media.picture import Picture, PictureError, read_picture
from kling_nb.service.uploads import read_all
from tests.media import make


class Figure:
    """Stands in for a matplotlib figure."""

    def savefig(self, target: io.BytesIO, format: str) -> None:  # noqa: A002
        PIL.Image.fromarray(make.pixels()).save(target, format, pnginfo=None)


def refused(value: object) -> str:
    with pytest.raises(PictureError) as caught:
        read_picture(value, "start_image_url")
    return str(caught.value)


def test_a_file_passes_untouched_in_every_form(png: Path) -> None:
    data = png.read_bytes()
    stream = io.BytesIO(data)
    stream.seek(0, 2)
    for value in (png, str(png), data, bytearray(data), memoryview(data), stream, Image(png)):
        found = read_picture(value, "start_image_url")
        assert (found.data, found.mime, found.width, found.height) == (data, "image/png", 320, 320)
        assert found.sha256 == hashlib.sha256(data).hexdigest()
        assert found.warnings == ()
    with png.open("rb") as file:
        assert read_picture(file).name == "fox.png"


@pytest.mark.parametrize(("suffix", "mime"), [("jpg", "image/jpeg"), ("webp", "image/webp")])
def test_jpeg_and_webp_pass_untouched(tmp_path: Path, suffix: str, mime: str) -> None:
    path = make.picture(tmp_path / f"fox.{suffix}")
    assert (read_picture(path).mime, read_picture(path).data) == (mime, path.read_bytes())


@pytest.mark.parametrize("suffix", ["gif", "bmp", "tiff"])
def test_other_formats_become_png(tmp_path: Path, suffix: str) -> None:
    found = read_picture(make.picture(tmp_path / f"fox.{suffix}"))
    assert (found.mime, found.name) == ("image/png", "fox.png")
    assert PIL.Image.open(io.BytesIO(found.data)).format == "PNG"


def test_a_wrong_suffix_does_not_matter(tmp_path: Path) -> None:
    found = read_picture(make.picture(tmp_path / "fox.jpg", format="PNG"))
    assert (found.mime, found.name) == ("image/png", "fox.png")


def test_the_same_pixels_give_the_same_digest() -> None:
    array = make.pixels()
    forms = (
        array,
        array.astype(np.float64) / 255,
        PIL.Image.fromarray(array),
        np.asfortranarray(array),
        Figure(),
    )
    assert len({read_picture(form).sha256 for form in forms}) == 1
    tagged = PIL.Image.fromarray(array)
    tagged.info["dpi"] = (300, 300)
    assert read_picture(tagged).sha256 == read_picture(array).sha256


def test_arrays_of_each_kind_keep_their_pixels() -> None:
    def pixels_of(value: object) -> np.ndarray:
        return np.asarray(PIL.Image.open(io.BytesIO(read_picture(value).data)))

    grey = make.pixels(channels=1)[..., 0]
    assert np.array_equal(pixels_of(grey)[..., 1], grey)
    assert np.array_equal(pixels_of(make.pixels(channels=4)), make.pixels(channels=4))
    assert np.array_equal(pixels_of(grey > 127)[..., 0], (grey > 127) * 255)
    assert np.array_equal(pixels_of((grey / 255).astype(np.float32))[..., 2], grey)


def test_sixteen_bit_pictures_keep_their_tones(tmp_path: Path) -> None:
    deep = (make.pixels(channels=1)[..., 0].astype(np.uint16)) * 257
    PIL.Image.fromarray(deep).save(tmp_path / "deep.tiff")
    shown = np.asarray(PIL.Image.open(io.BytesIO(read_picture(tmp_path / "deep.tiff").data)))
    assert np.abs(shown[..., 0].astype(int) - deep // 257).max() <= 1


@pytest.mark.parametrize("suffix", ["jpg", "png", "webp"])
def test_a_picture_on_its_side_is_turned_upright(tmp_path: Path, suffix: str) -> None:
    exif = PIL.Image.Exif()
    exif[0x0112] = 6
    path = make.picture(tmp_path / f"side.{suffix}", make.pixels(400, 320), exif=exif)
    found = read_picture(path)
    assert (found.width, found.height) == (320, 400)
    turned = PIL.Image.open(io.BytesIO(found.data))
    assert turned.getexif().get(0x0112, 1) == 1
    assert found.mime == read_picture(make.picture(tmp_path / f"up.{suffix}")).mime
    # What was at the lower left is at the upper left now.
    assert turned.convert("RGB").getpixel((2, 2)) == pytest.approx((0, 255, 255), abs=6)


@pytest.mark.parametrize(
    ("array", "words"),
    [
        (np.zeros((3, 8, 9), np.uint8), "shape (3, 8, 9) is no picture. Put the channels last"),
        (np.zeros((8, 9, 2), np.uint8), "shape (8, 9, 2) is no picture."),
        (np.zeros((5, 8, 9, 3), np.uint8), "Choose one picture of it"),
        (np.zeros(8, np.uint8), "Give (height, width)"),
        (np.zeros((0, 9), np.uint8), "shape (0, 9) is no picture."),
        (np.zeros((8, 9), np.int64), "an array of int64 has no known range. Scale it to 0..255"),
        (np.full((8, 9), np.nan), "the array holds NaN or infinite values."),
        (np.full((8, 9), 255.0), "floats must lie in 0..1; these run from 255 to 255. Divide by 255"),
    ],
)
def test_an_array_that_is_no_picture_says_why(array: np.ndarray, words: str) -> None:
    assert words in refused(array)


def test_a_message_names_the_file_as_it_is_seen_from_here(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for place, words in (("", "this folder"), ("pictures/", "pictures"), (tmp_path / "pictures", "pictures")):
        message = refused(Path(place) / "nowhere.png")
        assert message == f"missing file: there is no nowhere.png in {words}. Check the path."


def test_a_request_names_the_field_of_an_unusable_picture_once() -> None:
    with pytest.raises(InvalidRequest) as caught:
        read_all([("image_url", b""), ("elements[0].frontal_image_url", b"GIF8")])
    assert [str(problem) for problem in caught.value.problems] == [
        "image_url: the data is empty (0 bytes). Export or download it again.",
        "elements[0].frontal_image_url: the data is damaged or cut short. "
        "Give a PNG, JPEG or WebP that opens elsewhere.",
    ]


def test_what_is_no_picture_is_refused_in_words(tmp_path: Path, clip_file: Path) -> None:
    (tmp_path / "page.png").write_text("<!doctype html><p>gone</p>")
    (tmp_path / "empty.png").write_bytes(b"")
    assert "page.png is no picture: it holds an HTML page." in refused(tmp_path / "page.png")
    assert "empty.png is empty (0 bytes)." in refused(tmp_path / "empty.png")
    assert "is a folder" in refused(tmp_path)
    assert "fox.mp4 is no picture: it holds an MP4 clip." in refused(clip_file)
    assert "clip.last_frame()" in refused(Video(clip_file))
    assert "is an address, no file" in refused("https://example.com/fox.png")
    assert "this is a list, no picture. Give a path" in refused([1, 2])
    assert "is open as text" in refused(io.StringIO("text"))
    assert "the data is empty" in refused(b"")
    assert "can not be read" in refused("a\0b")


def test_a_closed_file_is_refused(png: Path) -> None:
    file = png.open("rb")
    file.close()
    assert "fox.png can not be read: it is closed" in refused(file)


@pytest.mark.parametrize("suffix", ["png", "jpg", "webp", "gif"])
def test_half_a_picture_is_refused_and_never_dumped(tmp_path: Path, suffix: str) -> None:
    path = make.picture(tmp_path / f"half.{suffix}", make.noise(80, 60))
    path.write_bytes(path.read_bytes()[:-900])
    assert f"half.{suffix} is damaged or cut short." in refused(path)
    assert len(refused(path.read_bytes())) < 150


def test_too_many_bytes_are_refused_before_they_are_read(tmp_path: Path) -> None:
    with (tmp_path / "huge.png").open("wb") as file:
        file.truncate(picture.MAX_BYTES + 1)
    assert "huge.png is over the service's 50 MB: 50.0 MB." in refused(tmp_path / "huge.png")
    assert "is over the service's 50 MB" in refused(bytes(picture.MAX_BYTES + 1))


def test_a_decompression_bomb_is_not_opened(monkeypatch: pytest.MonkeyPatch, png: Path) -> None:
    monkeypatch.setattr(picture.pixels, "MAX_PIXELS", 100_000)
    assert "is 320x320 pixels" in refused(png)
    monkeypatch.setattr(PIL.Image, "MAX_IMAGE_PIXELS", 10_000)
    assert "is too large" in refused(png)


def test_warnings_say_what_other_hosts_refuse(tmp_path: Path) -> None:
    small = read_picture(make.pixels(299, 800)).warnings
    assert len(small) == 2
    assert "299x800 pixels; other hosts of Kling refuse this: each side needs 300" in small[0]
    assert "1:2.5 to 2.5:1" in small[1]
    assert read_picture(make.pixels(800, 320)).warnings == ()
    heavy = read_picture(make.noise(2000, 2000)).warnings
    assert len(heavy) == 1
    assert "other hosts of Kling refuse this: they take up to 10 MB" in heavy[0]


def test_a_picture_does_not_print_its_bytes(png: Path) -> None:
    assert "data" not in repr(read_picture(png))
    assert isinstance(read_picture(png), Picture)


def test_reading_does_not_warn(png: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        read_picture(make.pixels(10, 10))


def test_clip_frames_are_pictures(clip_file: Path) -> None:
    frame = Video(clip_file).last_frame()
    assert read_picture(frame).sha256 == read_picture(frame.to_numpy()).sha256
