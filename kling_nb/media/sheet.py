"""A contact sheet: many pictures on one, each with its label. Pixels and Pillow, nothing else."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import ceil, sqrt
from pathlib import Path
from typing import TYPE_CHECKING, Any

from . import pixels
from .file import MediaFile
from .image import Image
from .trouble import MediaError
from .video import Video
from .whole import write_whole

if TYPE_CHECKING:
    from PIL.Image import Image as Pil

_EDGE, _GAP, _NARROWEST = 28, 18, 110
_PAPER, _BOX, _INK, _FAINT = "#ffffff", "#f1f1f1", "#1a1a1a", "#595959"
_TALLEST = 1.35  # height of a picture, in widths
# Pillow's own font knows Latin letters only; of these a system may have one that knows more.
_OTHERS = (
    *("NotoSansCJK-Regular.ttc", "msyh.ttc", "PingFang.ttc", "Arial Unicode.ttf", "arialuni.ttf"),
    *("NotoSans-Regular.ttf", "DejaVuSans.ttf"),
)


@dataclass(frozen=True)
class Cell:
    """One place on a sheet: a picture or clip with its label, or a note in its place."""

    label: str
    media: MediaFile | None = None
    note: str = ""


def draw_sheet(cells: Sequence[Cell], path: Path, *, title: str, columns: int | None, width: int) -> Image:
    """Draw the cells in rows and save them as a PNG at `path`; `width` is in pixels.

    Raises MediaError when a column would be too narrow to read, or the whole too large.
    """
    columns = columns or _columns(len(cells), width)
    across = (width - 2 * _EDGE + _GAP) // columns - _GAP
    if across < _NARROWEST:
        todo = "Take fewer columns, or a greater width."
        raise MediaError(f"{columns} columns on {width} pixels are too narrow to read.", todo=todo)
    size = max(13, min(22, across // 17))
    tall = max((_fitted(cell, across)[1] for cell in cells), default=0) or across * 9 // 16
    head = _Words(title, size + 4, width - 2 * _EDGE, most=2)
    words = [_Words(cell.label, size, across, most=3) for cell in cells]
    top, step = _EDGE + head.height + 9, tall + max((each.height for each in words), default=0) + 6 + _GAP
    height = top + ceil(len(cells) / columns) * step - 6 - _GAP + _EDGE
    if width * height > pixels.MAX_PIXELS:
        what = f"{len(cells)} cells make a picture of {width}x{height} pixels, which is too large."
        raise MediaError(what, todo="Take a smaller width, or more columns.")
    sheet = _Sheet(width, height)
    sheet.write(head, _EDGE, _EDGE - 6)
    for at, cell in enumerate(cells):
        left, upper = _EDGE + at % columns * (across + _GAP), top + at // columns * step
        sheet.place(cell, left, upper, across, tall, size)
        sheet.write(words[at], left, upper + tall + 6)
    write_whole(path, pixels.encode(sheet.image, "png"))
    return Image(path, prompt=title)


def _columns(count: int, width: int) -> int:
    most = max(1, (width - 2 * _EDGE) // (300 if count <= 60 else 190))
    return max(1, min(ceil(sqrt(count)), most))


def _fitted(cell: Cell, across: int) -> tuple[int, int]:
    try:
        wide, tall = cell.media.size if cell.media else (0, 0)
    except MediaError:
        wide = 0
    if not wide:
        return 0, 0
    scale = min(across / wide, across * _TALLEST / tall)
    return max(1, round(wide * scale)), max(1, round(tall * scale))


class _Words:
    """A text in at most `most` lines of `width` pixels; what is left over ends in an ellipsis."""

    def __init__(self, text: str, size: int, width: int, most: int) -> None:
        self.font, self.step, self.lines = _font(size, text), size * 4 // 3, [text]
        letters = max(len(text), 3)
        while letters > 2 and any(self.font.getlength(line) > width for line in self.lines):
            letters = min(letters - 1, letters * 19 // 20)
            self.lines = textwrap.wrap(text, letters, max_lines=most, placeholder="…")
        self.height = len(self.lines) * self.step


class _Sheet:
    """A picture that is drawn on."""

    def __init__(self, width: int, height: int) -> None:
        from PIL import Image as Pillow
        from PIL import ImageDraw

        self.image = Pillow.new("RGB", (width, height), _PAPER)
        self._pen = ImageDraw.Draw(self.image)

    def write(self, words: _Words, left: int, top: int) -> None:
        """Put words there."""
        for number, line in enumerate(words.lines):
            self._pen.text((left, top + number * words.step), line, font=words.font, fill=_INK)

    def place(self, cell: Cell, left: int, top: int, across: int, tall: int, size: int) -> None:
        """Put a cell's picture into a box there, or say why there is none."""
        box = (left, top, left + across - 1, top + tall - 1)
        try:
            picture = _thumbnail(cell.media, _fitted(cell, across)) if cell.media else None
            note = cell.note
        except (MediaError, OSError) as error:
            picture, note = None, getattr(error, "what", "")
        if picture is None:
            self._pen.rectangle(box, fill=_PAPER, outline=_FAINT, width=2)
            most = max(1, (tall - 24) // (size * 4 // 3))
            self.write(_Words(note, size, across - 32, most), left + 16, top + 12)
            return
        self._pen.rectangle(box, fill=_BOX)
        corner = left + (across - picture.width) // 2, top + (tall - picture.height) // 2
        self.image.paste(picture, corner)
        if isinstance(cell.media, Video):
            self._badge(f"{cell.media.duration:.1f} s", corner[0] + 8, corner[1] + picture.height - 8, size)

    def _badge(self, text: str, left: int, bottom: int, size: int) -> None:
        """Marks the first frame of a clip as one, with the clip's length in seconds."""
        font, middle, side = _font(size, text), bottom - size * 3 // 4, size // 3
        right = left + int(font.getlength(text)) + 2 * size + 8
        self._pen.rounded_rectangle((left, bottom - size * 3 // 2, right, bottom), radius=5, fill=_INK)
        arrow = [(left + 9, middle - side), (left + 9, middle + side), (left + 9 + 2 * side, middle)]
        self._pen.polygon(arrow, fill=_PAPER)
        self._pen.text((left + size + 12, middle), text, font=font, fill=_PAPER, anchor="lm")


def _thumbnail(media: MediaFile, size: tuple[int, int]) -> Pil:
    from PIL import Image as Pillow

    with media._reading():
        source = media.poster() if isinstance(media, Video) else media.path
        with pixels.opened(source) as image:
            image.draft("RGB", (2 * size[0], 2 * size[1]))  # a large JPEG need not be decoded in full
            return pixels.flat(pixels.upright(image)).resize(size, Pillow.Resampling.LANCZOS)


@lru_cache(maxsize=32)
def _loaded(size: int, *, is_latin: bool) -> Any:
    from PIL import ImageFont

    for name in () if is_latin else _OTHERS:
        try:
            return ImageFont.truetype(name, size)
        except OSError:
            continue
    return ImageFont.load_default(size)


def _font(size: int, text: str) -> Any:
    return _loaded(size, is_latin=all(ord(letter) < 0x180 or letter == "…" for letter in text))
