"""Any picture in: from whatever somebody holds to bytes the service takes, checked before it costs."""

from __future__ import annotations

import contextlib
import hashlib
import io
import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..markup import short, size_text
from . import pixels
from .arrays import from_array
from .image import Image
from .sniff import KINDS
from .trouble import PictureError, Undecodable, place
from .video import Video

if TYPE_CHECKING:
    from PIL.Image import Image as Pil

__all__ = ["MAX_BYTES", "Picture", "PictureError", "read_picture"]

MAX_BYTES = 50_000_000
_ELSEWHERE = "other hosts of Kling refuse this"
_TAKEN = {"PNG": "png", "JPEG": "jpeg", "MPO": "jpeg", "WEBP": "webp"}
_FORMS = "a path, bytes, an open file, a PIL image, a numpy array, a figure or an Image"
_OPEN = 'Open it with open(path, "rb").'


@dataclass(frozen=True)
class Picture:
    """A picture ready to be sent.

    `data` are the bytes of a file of type `mime` whose hex digest is `sha256`; `width` and `height` are in
    pixels; `name` is a file name for it; `warnings` are sentences on what other hosts of Kling would refuse.
    """

    data: bytes = field(repr=False)
    mime: str
    sha256: str
    width: int
    height: int
    name: str
    warnings: tuple[str, ...] = ()


def read_picture(value: object, name: str = "picture") -> Picture:
    """Read a picture from a path, bytes, an open binary file, a PIL image, an array, a figure or an `Image`.

    PNG, JPEG and WebP pass untouched unless EXIF says they lie on their side; everything else becomes PNG,
    the same pixels always the same bytes. Arrays are (height, width), (height, width, 3) or (height, width,
    4) of uint8, bool, or floats from 0 to 1. `name` is a file name for what has none.

    Raises:
        PictureError: it is missing, unreadable, no picture, damaged, or above 50 MB.
    """
    label, found = _found(value)
    try:
        data, kind, (width, height) = _encoded(found)
    except Undecodable as error:
        todo = "Give a PNG, JPEG or WebP that opens elsewhere."
        raise PictureError(f"{label} {error}.", todo=todo) from error
    _check_length(label, len(data))
    return Picture(
        data=data,
        mime=KINDS[kind].mime,
        sha256=hashlib.sha256(data).hexdigest(),
        width=width,
        height=height,
        name=f"{name if label.startswith('the ') else Path(label).stem}{KINDS[kind].suffix}",
        warnings=tuple(_warnings(label, len(data), width, height)),
    )


def _encoded(found: bytes | Pil) -> tuple[bytes, str, tuple[int, int]]:
    image = pixels.loaded(found) if isinstance(found, bytes) else found
    turned = pixels.upright(image)
    if isinstance(found, bytes):
        kind = _TAKEN.get(image.format or "", "png")
        if turned is image and image.format in _TAKEN:
            return found, kind, image.size
        return pixels.encode(turned, kind), kind, turned.size
    return pixels.encode(turned, "png"), "png", turned.size


def _found(value: Any) -> tuple[str, bytes | Pil]:
    # Who holds a PIL image has imported it; who does not need not pay for it.
    pil = sys.modules.get("PIL.Image")
    if isinstance(value, Image):
        return value.path.name, _file_bytes(value.path)
    if isinstance(value, (str, os.PathLike)):
        return _from_path(os.fsdecode(value))
    if isinstance(value, (bytes, bytearray, memoryview)):
        return "the data", _checked("the data", bytes(value))
    if callable(getattr(value, "read", None)):
        return _from_stream(value)
    if pil is not None and isinstance(value, pil.Image):
        return "the PIL image", value
    return _from_object(value)


def _from_object(value: Any) -> tuple[str, bytes | Pil]:
    if callable(getattr(value, "savefig", None)):
        buffer = io.BytesIO()
        value.savefig(buffer, format="png")
        return "the figure", pixels.loaded(buffer.getvalue())
    if hasattr(value, "__array__"):
        return "the array", from_array(value)
    if isinstance(value, Video):
        raise PictureError("this is a clip.", todo="Use one of its frames, such as clip.last_frame().")
    raise PictureError(f"this is a {type(value).__name__}, no picture.", todo=f"Give {_FORMS}.")


def _from_path(text: str) -> tuple[str, bytes]:
    if text.lower().startswith(("http:", "https:", "data:")):
        what = f"{short(text.partition(',')[0])} is an address, no file."
        raise PictureError(what, todo="Fetch it first and give its path.")
    path = Path(text)
    with contextlib.suppress(RuntimeError):  # the home of somebody who has none here
        path = path.expanduser()
    return short(path.name or text), _file_bytes(path)


def _file_bytes(path: Path) -> bytes:
    label = short(path.name or str(path))
    try:
        if not path.is_dir():
            _check_length(label, path.stat().st_size)
            return _checked(label, path.read_bytes())
    except PictureError:
        raise
    except FileNotFoundError as error:
        what = f"missing file: there is no {label} in {short(place(path.parent), 200)}."
        raise PictureError(what, todo="Check the path.") from error
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "no such path is possible"
        what = f"{label} can not be read ({reason})."
        raise PictureError(what, todo="Check the path and its permissions.") from error
    raise PictureError(f"{label} is a folder.", todo="Give the path of one picture in it.")


def _from_stream(stream: Any) -> tuple[str, bytes]:
    label = short(Path(str(getattr(stream, "name", ""))).name) or "the open file"
    try:
        # Whoever has just written to it stands at its end.
        if stream.seekable():
            stream.seek(0)
        data = stream.read(MAX_BYTES + 1)
    except (OSError, ValueError, AttributeError, TypeError) as error:
        what = f"{label} can not be read: it is closed or only for writing."
        raise PictureError(what, todo=_OPEN) from error
    if not isinstance(data, bytes):
        raise PictureError(f"{label} is open as text.", todo=_OPEN)
    return label, _checked(label, data)


def _checked(label: str, data: bytes) -> bytes:
    if not data:
        raise PictureError(f"{label} is empty (0 bytes).", todo="Export or download it again.")
    _check_length(label, len(data))
    return data


def _check_length(label: str, length: int) -> None:
    if length > MAX_BYTES:
        what = f"{label} is over the service's 50 MB: {size_text(length)}."
        raise PictureError(what, todo="Make it smaller or save it as JPEG.")


def _warnings(label: str, length: int, width: int, height: int) -> Iterator[str]:
    if length > 10_000_000:
        yield f"{label} is {size_text(length)}; {_ELSEWHERE}: they take up to 10 MB."
    if min(width, height) < 300:
        yield f"{label} is {width}x{height} pixels; {_ELSEWHERE}: each side needs 300."
    if not 1 / 2.5 <= width / height <= 2.5:
        yield f"{label} is {width}x{height} pixels; {_ELSEWHERE}: they take 1:2.5 to 2.5:1."
