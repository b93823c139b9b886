"""A contact sheet: many pictures on one, each with its label. Pixels and Pillow, nothing else."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import islice
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
_TALLEST = 1.35  # height of a cell, in widths
_LINES = 3
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


@dataclass(frozen=True)
class _Placed:
    """A cell with its corner, the height kept for its picture, the picture's own size, and its label."""

    cell: Cell
    left: int
    top: int
    height: int
    thumb: tuple[int, int]
    words: list[str]


@dataclass(frozen=True)
class _Style:
    """The measures that follow from the width of a column, in pixels."""

    columns: int
    across: int

    @property
    def size(self) -> int:
        """Height of the letters."""
        return max(13, min(22, self.across // 17))

    @property
    def step(self) -> int:
        """From one line of text to the next."""
        return self.size * 4 // 3


def draw_sheet(cells: Sequence[Cell], path: Path, *, title: str, columns: int | None, width: int) -> Image:
    """Draw the cells in rows and save them as a PNG at `path`; `width` is in pixels.

    Raises MediaError when a column would be too narrow to read, or the whole too large.
    """
    from PIL import Image as Pillow
    from PIL import ImageDraw

    columns = columns or _columns(len(cells), width)
    style = _Style(columns, (width - 2 * _EDGE + _GAP) // columns - _GAP)
    if style.across < _NARROWEST:
        todo = "Take fewer columns, or a greater width."
        raise MediaError(f"{columns} columns on {width} pixels are too narrow to read.", todo=todo)
    font = _font(style.size + 4, title)
    heading = _wrapped(title, font, width - 2 * _EDGE, 2)
    placed = list(_layout(map(_readable, cells), style, _EDGE + len(heading) * (style.step + 6) + 8))
    foot = max((each.top + each.height + len(each.words) * style.step for each in placed), default=2 * _EDGE)
    if width * (foot + _EDGE) > pixels.MAX_PIXELS:
        what = f"{len(cells)} cells make a picture of {width}x{foot} pixels, which is too large."
        raise MediaError(what, todo="Take a smaller width, or more columns.")
    sheet = Pillow.new("RGB", (width, foot + _EDGE), _PAPER)
    pen = ImageDraw.Draw(sheet)
    _write(pen, heading, (_EDGE, _EDGE - 6), font, style.step + 6)
    for each in placed:
        _draw(sheet, pen, each, style)
    write_whole(path, pixels.encode(sheet, "png"))
    return Image(path, prompt=title)


def _columns(count: int, width: int) -> int:
    most = max(1, (width - 2 * _EDGE) // (300 if count <= 60 else 190))
    return max(1, min(ceil(sqrt(count)), most))


def _readable(cell: Cell) -> Cell:
    """The cell itself, or one that says why its file can not be shown."""
    try:
        if cell.media is not None:
            _ = cell.media.size
    except MediaError as error:
        return replace(cell, media=None, note=error.what)
    return cell


def _layout(cells: Iterable[Cell], style: _Style, top: int) -> Iterator[_Placed]:
    left = iter(cells)
    while line := list(islice(left, style.columns)):
        thumbs = [_fitted(cell, style.across) for cell in line]
        words = [_wrapped(cell.label, _font(style.size, cell.label), style.across, _LINES) for cell in line]
        height = max(tall for _, tall in thumbs) or style.across * 9 // 16
        for column, (cell, thumb, said) in enumerate(zip(line, thumbs, words, strict=True)):
            corner = _EDGE + column * (style.across + _GAP)
            yield _Placed(cell, corner, top, height, thumb, said)
        top += height + max(map(len, words)) * style.step + 6 + _GAP


def _fitted(cell: Cell, across: int) -> tuple[int, int]:
    if cell.media is None:
        return 0, 0
    wide, tall = cell.media.size
    scale = min(across / wide, across * _TALLEST / tall)
    return max(1, round(wide * scale)), max(1, round(tall * scale))


def _draw(sheet: Pil, pen: Any, place: _Placed, style: _Style) -> None:
    left, top, cell = place.left, place.top, place.cell
    box = (left, top, left + style.across - 1, top + place.height - 1)
    picture = _thumbnail(cell.media, place.thumb) if cell.media is not None else None
    if picture is None:
        pen.rectangle(box, fill=_PAPER, outline=_FAINT, width=2)
        font = _font(style.size, cell.note)
        lines = _wrapped(cell.note, font, style.across - 32, max(1, (place.height - 24) // style.step))
        _write(pen, lines, (left + 16, top + 12), font, style.step)
    else:
        pen.rectangle(box, fill=_BOX)
        corner = left + (style.across - picture.width) // 2, top + (place.height - picture.height) // 2
        sheet.paste(picture, corner)
        if isinstance(cell.media, Video):
            _badge(pen, cell.media, corner[0] + 8, corner[1] + picture.height - 8, style.size)
    _write(pen, place.words, (left, top + place.height + 6), _font(style.size, cell.label), style.step)


def _thumbnail(media: MediaFile, size: tuple[int, int]) -> Pil | None:
    from PIL import Image as Pillow

    try:
        with media._reading():
            source = media.poster() if isinstance(media, Video) else media.path
            with pixels.opened(source) as image:
                image.draft("RGB", (2 * size[0], 2 * size[1]))  # a large JPEG need not be decoded in full
                return pixels.flat(pixels.upright(image)).resize(size, Pillow.Resampling.LANCZOS)
    except (MediaError, OSError):
        return None


def _badge(pen: Any, clip: Video, left: int, bottom: int, size: int) -> None:
    """Marks the first frame of a clip as one, with the clip's length in seconds."""
    text = f"{clip.duration:.1f} s"
    font = _font(size, text)
    middle, side = bottom - size * 3 // 4, size // 3
    right = left + int(font.getlength(text)) + 2 * size + 8
    pen.rounded_rectangle((left, bottom - size * 3 // 2, right, bottom), radius=5, fill=_INK)
    arrow = [(left + 9, middle - side), (left + 9, middle + side), (left + 9 + 2 * side, middle)]
    pen.polygon(arrow, fill=_PAPER)
    pen.text((left + size + 12, middle), text, font=font, fill=_PAPER, anchor="lm")


def _write(pen: Any, lines: list[str], at: tuple[int, int], font: Any, step: int) -> None:
    for number, line in enumerate(lines):
        pen.text((at[0], at[1] + number * step), line, font=font, fill=_INK)


def _wrapped(text: str, font: Any, width: int, most: int) -> list[str]:
    """`text` in at most `most` lines of `width` pixels; what is left over ends in an ellipsis."""
    lines, line = [], ""
    for word in _pieces(text, font, width):
        longer = f"{line} {word}".strip()
        if line and font.getlength(longer) > width:
            lines.append(line)
            longer = word
        line = longer
    lines.append(line)
    if len(lines) > most:
        last = lines[most - 1]
        while last and font.getlength(f"{last}…") > width:
            last = last[:-1]
        lines = [*lines[: most - 1], f"{last.rstrip()}…"]
    return lines


def _pieces(text: str, font: Any, width: int) -> Iterator[str]:
    """The words of a text; one that is wider than a line, in pieces."""
    for word in text.split():
        start = 0
        for end in range(1, len(word) + 1):
            if end - start > 1 and font.getlength(word[start:end]) > width:
                yield word[start : end - 1]
                start = end - 1
        yield word[start:]


def _font(size: int, text: str) -> Any:
    return _loaded(size, is_latin=all(ord(letter) < 0x180 or letter == "…" for letter in text))


@lru_cache(maxsize=32)
def _loaded(size: int, *, is_latin: bool) -> Any:
    from PIL import ImageFont

    for name in () if is_latin else _OTHERS:
        try:
            return ImageFont.truetype(name, size)
        except OSError:
            continue
    return ImageFont.load_default(size)
