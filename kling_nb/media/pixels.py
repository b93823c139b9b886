"""Still pictures by way of Pillow: opened with care, encoded so that equal pixels give equal bytes."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .sniff import HEAD, described, head_of, kind_of
from .trouble import Undecodable

if TYPE_CHECKING:
    from PIL.Image import Image as Pil

# Pillow also opens formats that run other programs (EPS) or need them; these it decodes by itself.
_READABLE = ("PNG", "JPEG", "WEBP", "GIF", "BMP", "DIB", "TIFF", "PPM", "ICO")
# Decoders have all pixels already when only these are missing.
_ENDS = {"PNG": b"IEND\xaeB`\x82", "JPEG": b"\xff\xd9", "MPO": b"\xff\xd9"}
MAX_PIXELS = 80_000_000
_DAMAGED = "is damaged or cut short"


def opened(source: Path | bytes) -> Pil:
    """A picture with its header read and its size judged, not yet decoded. Raises Undecodable."""
    from PIL import Image, UnidentifiedImageError

    with _decoding():
        try:
            image = Image.open(io.BytesIO(source) if isinstance(source, bytes) else source, formats=_READABLE)
        except UnidentifiedImageError as error:
            head = source[:HEAD] if isinstance(source, bytes) else head_of(source)
            kind = kind_of(head)
            no_picture = f"is no picture: it holds {described(head)}"
            raise Undecodable(_DAMAGED if kind and not kind.moves else no_picture) from error
    width, height = image.size
    if width * height > MAX_PIXELS:
        image.close()
        raise Undecodable(f"is {width}x{height} pixels; up to {MAX_PIXELS // 10**6} million are opened")
    return image


def loaded(source: Path | bytes) -> Pil:
    """A picture decoded to its last pixel. Raises Undecodable."""
    with opened(source) as image, _decoding():
        # A copy outlives the open file but forgets the format, which callers decide by.
        copy: Pil = image.copy()
        copy.format = image.format
        return copy


def check(path: Path) -> None:
    """Make sure that a picture is whole: its structure and every pixel. Raises Undecodable."""
    with opened(path) as image, _decoding():
        end = _ENDS.get(image.format or "", b"")
        image.verify()
    loaded(path)
    if end not in path.read_bytes():
        raise Undecodable("is cut short: its last bytes are missing")


@contextmanager
def _decoding() -> Iterator[None]:
    from PIL import Image

    try:
        yield
    except Undecodable:
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise Undecodable(f"is too large: up to {MAX_PIXELS // 10**6} million pixels are opened") from error
    # On damaged bytes decoders raise nearly anything.
    except Exception as error:
        raise Undecodable(_DAMAGED) from error


@lru_cache(maxsize=4096)
def size_of(path: Path, _stamp: tuple[int, int]) -> tuple[int, int]:
    """Width and height in pixels, read once per state of the file. Raises Undecodable."""
    with opened(path) as image:
        width, height = image.size
        return width, height


def upright(image: Pil) -> Pil:
    """The picture turned the way its EXIF orientation asks; itself where there is nothing to turn."""
    from PIL import ExifTags, ImageOps

    is_upright = image.getexif().get(ExifTags.Base.Orientation, 1) == 1
    return image if is_upright else ImageOps.exif_transpose(image)


def plain(image: Pil) -> Pil:
    """The picture as 8-bit RGB, or RGBA where it has transparency.

    Raises:
        Undecodable: pixels of 32 bits, whose range nobody can know.
    """
    if image.mode in ("I", "F"):
        raise Undecodable("has 32-bit pixels")
    if image.mode.startswith("I;16"):
        # Converting would clip every value above 255 to white.
        image = image.convert("I").point(lambda value: value * (1 / 256)).convert("L")
    return image.convert("RGBA" if image.has_transparency_data else "RGB")


def flat(image: Pil) -> Pil:
    """The picture as RGB, on white where it is transparent. Raises Undecodable."""
    from PIL import Image

    image = plain(image)
    if image.mode == "RGB":
        return image
    ground = Image.new("RGB", image.size, "white")
    ground.paste(image, mask=image.getchannel("A"))
    return ground


def encode(image: Pil, kind: str, quality: int = 95) -> bytes:
    """A picture as the bytes of a `png`, `jpeg` or `webp` file, without dates, positions or other notes.

    The colour profile stays: without it the same numbers would be other colours. Raises Undecodable.
    """
    profile = image.info.get("icc_profile")
    image = flat(image) if kind == "jpeg" else plain(image)
    image.info = {}
    options: dict[str, Any] = {} if kind == "png" else {"quality": quality}
    if profile:
        options["icc_profile"] = profile
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def jpeg_within(image: Pil, side: int, limit: int) -> bytes:
    """A small JPEG: at most `side` pixels wide and high and `limit` bytes. Raises Undecodable."""
    small = flat(image)
    small.info = {}
    small.thumbnail((side, side))
    for quality in (85, 75, 65, 55, 45):
        data = encode(small, "jpeg", quality)
        if len(data) <= limit or side < 32:
            return data
    return jpeg_within(small, side * 3 // 4, limit)
