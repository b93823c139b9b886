"""What may stand in a picture field. Nothing is opened, copied or changed here."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from ..errors import Problem
from .wording import shown

_WEB = re.compile(r"https?:", re.IGNORECASE)
# One letter before the colon is a drive, not a scheme.
_SCHEME = re.compile(r"([a-z][a-z0-9+.-]+)://|(data|file|blob|javascript|about|mailto):", re.IGNORECASE)
_UNFIT = re.compile(r'[\s\x00-\x1f\x7f<>"\\^`{|}]')


def is_web(value: object) -> bool:
    """True for a well-formed http or https address."""
    return isinstance(value, str) and bool(_WEB.match(value)) and not _address_fault(value)


def is_local(value: object) -> bool:
    """True for a picture that is an object on this machine: path, bytes, PIL image, array, media."""
    data = (os.PathLike, bytes, bytearray, memoryview)
    return isinstance(value, data) or _is_pixels(value) or _media_path(value) is not None


def fault(value: object, max_bytes: int | None = None) -> tuple[str, ...]:
    """What is wrong with `value` as a picture and, where another kind of value is no help, what to do.

    Empty when nothing is wrong. Whether a file exists is not asked.
    """
    if isinstance(value, str):
        return _text_fault(value)
    if isinstance(value, (bytes, bytearray, memoryview)):
        return _data_fault(value, max_bytes)
    if _attribute(value, "last_frame") is not None:
        return f"{shown(value)} is a clip, not a picture.", "Use its last_frame() or frame(seconds)."
    if _is_pixels(value):
        return _pixel_fault(value)
    return () if is_local(value) else (f"{shown(value)} is not a picture.",)


def not_sendable(path: str, value: object, urls: Mapping[str, str]) -> Problem | None:
    """The problem of a picture that would travel without a web address, or None."""
    if is_web(urls.get(path, value)):
        return None
    if path in urls:
        return Problem(path, f"{shown(urls[path])} is not a web address. Give the address of its upload.")
    return Problem(
        path, f"{shown(value)} has no web address yet. Let a client submit the request, or upload it."
    )


def content(value: Any) -> Any:
    """A stand-in for a picture that can be compared: equal pixels or bytes give equal stand-ins."""
    if isinstance(value, (bytearray, memoryview)):
        return bytes(value)
    if _is_pixels(value):
        form = (_attribute(value, "shape") or value.size, str(_attribute(value, "dtype") or value.mode))
        return (*form, value.tobytes())
    return value


def code(value: Any) -> str:
    """A picture inside a `repr`: constructor code where there is such code, else a note of what it is."""
    if isinstance(value, str):
        return repr(value)
    if isinstance(value, os.PathLike):
        return f"Path({os.fsdecode(value)!r})"
    where = _media_path(value)
    return f"<{shown(value)}>" if where is None else f"<{type(value).__name__} {os.fsdecode(where)!r}>"


def _text_fault(text: str) -> tuple[str, ...]:
    if _WEB.match(text):
        return _address_fault(text)
    scheme = _SCHEME.match(text)
    if not scheme:
        return ()
    if scheme[0].lower() == "data:":
        return (
            f"{shown(text)} is a data URI, which this field may not hold.",
            "Give the bytes or the file itself.",
        )
    kind = f"{(scheme[1] or scheme[2]).lower()}:"
    return (f"{shown(text)} is an address of kind {kind!r}, which the service can not open.",)


def _address_fault(text: str) -> tuple[str, ...]:
    try:
        parts = urlsplit(text)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        host = ""
    if host.strip(".") == host != "" and ".." not in host and not _UNFIT.search(text):
        return ()
    return f"{shown(text)} is not a complete web address.", "Use one such as 'https://example.com/cat.png'."


def _data_fault(data: bytes | bytearray | memoryview, max_bytes: int | None) -> tuple[str, ...]:
    size = memoryview(data).nbytes
    if not size:
        return f"{shown(data)} is no picture.", "Give the bytes of a whole image file."
    if max_bytes is not None and size > max_bytes:
        return (
            f"{size} bytes are above the highest number {max_bytes}.",
            "Give a smaller picture.",
        )
    return ()


def _pixel_fault(value: Any) -> tuple[str, ...]:
    shape = _attribute(value, "shape")
    flat = shape is None or len(shape) == 2 or (len(shape) == 3 and shape[2] in (1, 3, 4))
    if flat and (shape is None or 0 not in shape):
        return ()
    return f"{shown(value)} is not a picture.", "Use shape (height, width) or (height, width, 3)."


def _is_pixels(value: object) -> bool:
    # Asked of the class, because on a PIL image the attribute itself would decode the whole file.
    # numpy's single numbers have it too, but unlike arrays they can not be iterated.
    kind = type(value)
    return hasattr(kind, "__array_interface__") and (hasattr(kind, "ndim") is hasattr(kind, "__iter__"))


def _media_path(value: object) -> Any:
    path = _attribute(value, "path")
    return path if isinstance(path, (str, os.PathLike)) and not isinstance(value, type) else None


def _attribute(value: object, name: str) -> Any:
    try:
        return getattr(value, name, None)
    except Exception:  # noqa: BLE001 - a property of a foreign object may fail in any way
        return None
