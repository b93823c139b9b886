from __future__ import annotations

import pickle
import subprocess
import sys
from pathlib import Path

import numpy as np
import PIL.Image
import pytest

from kling_nb.media import Image
from kling_nb.media.trouble import MediaError
from tests.media import make


def test_a_picture_tells_what_it_is(png: Path) -> None:
    image = Image(png, url="https://example.com/a.png", job_id="j1", prompt="a fox")
    assert (image.size, image.format, image.mime) == ((320, 320), "png", "image/png")
    assert (image.path, image.nbytes) == (png.absolute(), png.stat().st_size)
    assert (image.url, image.job_id, image.prompt) == ("https://example.com/a.png", "j1", "a fox")
    assert repr(image) == "<Image 320x320 png>"


def test_a_picture_becomes_pil_and_numpy(png: Path) -> None:
    assert Image(png).to_pil().getpixel((0, 0)) == (0, 0, 255)
    assert np.array_equal(Image(png).to_numpy(), make.pixels())


def test_transparency_survives_as_a_fourth_channel(tmp_path: Path) -> None:
    image = Image(make.picture(tmp_path / "t.png", make.pixels(channels=4)))
    assert image.to_numpy().shape == (320, 320, 4)


def test_pictures_are_equal_by_path_and_hash_and_pickle(png: Path) -> None:
    image = Image(png, prompt="a")
    assert image == Image(str(png), prompt="b")
    assert len({image, Image(png)}) == 1
    again = pickle.loads(pickle.dumps(image))
    assert (again, again.prompt) == (image, "a")


def test_a_picture_can_not_be_changed(png: Path) -> None:
    with pytest.raises(AttributeError):
        Image(png).path = Path("other.png")  # type: ignore[misc]


def test_a_missing_file_says_missing_file_and_names_it(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"Missing file: .*nowhere\.png is not there"):
        Image(tmp_path / "nowhere.png")


def test_a_folder_is_no_picture(tmp_path: Path) -> None:
    with pytest.raises(MediaError, match="is a folder"):
        Image(tmp_path)


def test_a_clip_is_no_picture(clip_file: Path) -> None:
    with pytest.raises(MediaError, match=r"fox\.mp4 is no image: it holds an MP4 clip"):
        Image(clip_file)


def test_a_picture_that_vanished_still_has_a_repr_and_a_view(png: Path) -> None:
    image = Image(png)
    png.unlink()
    assert repr(image) == "<Image, file missing>"
    assert "Missing file" in image._repr_mimebundle_()["text/html"]


def test_a_damaged_picture_still_has_a_repr_and_says_so_when_used(png: Path) -> None:
    png.write_bytes(png.read_bytes()[:20])
    image = Image(png)
    assert repr(image) == "<Image, file unreadable>"
    with pytest.raises(MediaError, match=r"fox\.png is damaged or cut short"):
        image.to_pil()


def test_saving_to_a_folder_keeps_the_name(png: Path, tmp_path: Path) -> None:
    saved = Image(png).save(f"{tmp_path}/new/deep/")
    assert saved == tmp_path / "new/deep/fox.png"
    assert saved.read_bytes() == png.read_bytes()


def test_saving_without_suffix_adds_the_right_one(png: Path, tmp_path: Path) -> None:
    assert Image(png).save(tmp_path / "copy").name == "copy.png"


@pytest.mark.parametrize(
    ("suffix", "kind"), [(".jpg", "JPEG"), (".jpeg", "JPEG"), (".webp", "WEBP"), (".PNG", "PNG")]
)
def test_saving_under_another_suffix_converts(tmp_path: Path, suffix: str, kind: str) -> None:
    image = Image(make.picture(tmp_path / "t.webp", make.pixels(channels=4)))
    with PIL.Image.open(image.save(tmp_path / f"other{suffix}")) as saved:
        assert (saved.format, saved.size) == (kind, (320, 320))


def test_saving_over_a_file_replaces_it_and_over_itself_does_nothing(png: Path, tmp_path: Path) -> None:
    (tmp_path / "old.png").write_bytes(b"old")
    assert Image(png).save(tmp_path / "old.png").read_bytes() == png.read_bytes()
    assert Image(png).save(png) == png
    assert sorted(p.name for p in tmp_path.iterdir()) == ["fox.png", "old.png"]


def test_an_unknown_suffix_is_refused(png: Path, tmp_path: Path) -> None:
    with pytest.raises(MediaError, match=r"can not be saved as \.tga.*Use \.png"):
        Image(png).save(tmp_path / "a.tga")


def test_a_place_that_can_not_be_written_is_said_in_words(png: Path) -> None:
    with pytest.raises(MediaError, match=r"Could not write a\.png: .*folder"):
        Image(png).save(png / "a.png")


def test_saved_files_have_the_usual_permissions(png: Path, tmp_path: Path) -> None:
    assert Image(png).save(tmp_path / "b.png").stat().st_mode == png.stat().st_mode


def test_importing_the_media_loads_nothing_heavy() -> None:
    code = (
        "import sys, kling_nb.media, kling_nb.media.picture\n"
        "print(sorted({'PIL', 'av', 'numpy', 'IPython'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
