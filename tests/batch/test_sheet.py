"""Many pictures on one."""

from __future__ import annotations

from pathlib import Path

import pytest
from media.make import clip
from PIL import Image as Pil

import kling_nb as kn
from kling_nb.jobs.batch import Batch
from kling_nb.jobs.sweep import sweep
from kling_nb.media.sheet import Cell, draw_sheet
from kling_nb.media.trouble import MediaError


def picture(folder: Path, name: str, size: tuple[int, int], colour: str) -> kn.Image:
    Pil.new("RGB", size, colour).save(folder / name)
    return kn.Image(folder / name)


def colours(path: Path) -> set[tuple[int, int, int]]:
    with Pil.open(path) as image:
        return {colour for _, colour in image.convert("RGB").getcolors(1 << 24)}


def test_every_cell_is_on_the_sheet_whatever_its_shape(tmp_path: Path) -> None:
    cells = [
        Cell("[0] wide", picture(tmp_path, "a.png", (640, 360), "#d00000")),
        Cell("[1] tall", picture(tmp_path, "b.jpg", (360, 640), "#0000fe")),
        Cell("[2] a label much longer than its column " * 6, picture(tmp_path, "c.webp", (9, 9), "#000000")),
        Cell("[3]", note="Failed: " + "because of a reason that goes on and on " * 30),
        Cell("[4] 雪の中の狐 " + "x" * 400),
    ]
    sheet = draw_sheet(cells, tmp_path / "sheet.png", title="a fox", columns=3, width=900)
    assert sheet.size[0] == 900
    assert {(0xD0, 0, 0), (0, 0, 0xFE)} <= colours(sheet.path)
    assert draw_sheet(
        cells, tmp_path / "again.png", title="a fox", columns=3, width=900
    ).path.read_bytes() == (sheet.path.read_bytes())


def test_a_clip_is_its_first_frame_with_its_length(tmp_path: Path) -> None:
    film = kn.Video(clip(tmp_path / "a.mp4", frames=24, sound=False))
    sheet = draw_sheet([Cell("[0]", film)], tmp_path / "sheet.png", title="", columns=1, width=600)
    with Pil.open(sheet.path) as image:
        red, green, _ = image.getpixel((300, 100))
    assert red < 40 < 200 < green
    assert (0x1A, 0x1A, 0x1A) in colours(sheet.path)


def test_a_file_that_is_gone_is_said_in_its_cell(tmp_path: Path) -> None:
    gone = picture(tmp_path, "a.png", (640, 360), "#d00000")
    gone.path.unlink()
    sheet = draw_sheet([Cell("[0]", gone)], tmp_path / "sheet.png", title="", columns=None, width=600)
    assert (0xD0, 0, 0) not in colours(sheet.path)


@pytest.mark.parametrize(("columns", "width"), [(40, 1600), (None, 100), (1, 90_000)])
def test_a_size_that_can_not_be_read_or_held_is_refused(
    tmp_path: Path, columns: int | None, width: int
) -> None:
    with pytest.raises(MediaError):
        draw_sheet([Cell("x")] * 40, tmp_path / "sheet.png", title="", columns=columns, width=width)


def test_nothing_at_all_is_still_a_picture(tmp_path: Path) -> None:
    assert draw_sheet([], tmp_path / "sheet.png", title="0 rows", columns=None, width=400).size[0] == 400


def test_a_batch_draws_its_pictures_and_failures(kling: kn.Client) -> None:
    request = kn.Kling3TextToImage(prompt="a fox in the snow", aspect_ratio="1:1")
    wrong = {"model": request.slug, "prompt": "a fox", "aspect_ratio": "5:4"}
    batch = Batch(kling._core, [*sweep(request, output_format=["png", "webp"]), wrong])
    batch.wait(60)
    assert batch.counts == {"done": 2, "failed": 1}
    sheet = batch.contact_sheet(columns=2, width=1000)
    assert sheet.path.parent == batch[0].media.path.parent
    assert sheet == batch.contact_sheet(columns=2, width=1000)
    assert sheet.size[0] == 1000
