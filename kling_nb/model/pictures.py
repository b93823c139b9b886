"""What may stand in a picture field. Nothing is opened, copied or changed here."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlsplit

from ..errors import InvalidRequest, Problem
from .wording import shown

_WEB = re.compile(r"https?:", re.IGNORECASE)
# One letter before the colon is a drive, not a scheme.
_SCHEME = re.compile(r"([a-z][a-z0-9+.-]+)://|(data|file|blob|javascript|about|mailto):", re.IGNORECASE)
_UNFIT = re.compile(r'[\s\x00-\x1f\x7f<>"\\^`{|}]')


class Unfit(Exception):
    """A value that a parameter does not take: what is wrong, and what to do unless the parameter says it."""

    def __init__(self, what: str, todo: str = "") -> None:
        super().__init__(what, todo)
        self.what, self.todo = what, todo


def is_web(value: object) -> bool:
    """True for a well-formed http or https address."""
    if not isinstance(value, str) or not _WEB.match(value):
        return False
    try:
        parts = urlsplit(value)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        return False
    return host.strip(".") == host != "" and ".." not in host and not _UNFIT.search(value)


def is_local(value: object) -> bool:
    """True for a picture that is an object on this machine: path, bytes, PIL image, array, media."""
    data = (os.PathLike, bytes, bytearray, memoryview)
    return isinstance(value, data) or _is_pixels(value) or _media_path(value) is not None


def check(value: Any, max_bytes: int | None = None) -> None:
    """Raise Unfit for what is no picture. Whether a file exists is not asked."""
    if isinstance(value, str):
        _check_text(value)
    elif isinstance(value, (bytes, bytearray, memoryview)):
        size = memoryview(value).nbytes
        if not size:
            raise Unfit(f"{shown(value)} is no picture.", "Give the bytes of a whole image file.")
        if max_bytes is not None and size > max_bytes:
            raise Unfit(f"{size} bytes are above the highest number {max_bytes}.", "Give a smaller picture.")
    elif _attribute(value, "last_frame") is not None:
        raise Unfit(f"{shown(value)} is a clip, not a picture.", "Use its last_frame() or frame(seconds).")
    elif _is_pixels(value):
        shape = _attribute(value, "shape")
        flat = shape is None or len(shape) == 2 or (len(shape) == 3 and shape[2] in (1, 3, 4))
        if not flat or (shape and 0 in shape):
            todo = "Use shape (height, width) or (height, width, 3)."
            raise Unfit(f"{shown(value)} is not a picture.", todo)
    elif not is_local(value):
        raise Unfit(f"{shown(value)} is not a picture.")


def _check_text(text: str) -> None:
    scheme = _SCHEME.match(text)
    if _WEB.match(text):
        if not is_web(text):
            todo = "Use one such as 'https://example.com/cat.png'."
            raise Unfit(f"{shown(text)} is not a complete web address.", todo)
    elif scheme and scheme[0].lower() == "data:":
        what = f"{shown(text)} is a data URI, which this field may not hold."
        raise Unfit(what, "Give the bytes or the file itself.")
    elif scheme:
        kind = f"{(scheme[1] or scheme[2]).lower()}:"
        raise Unfit(f"{shown(text)} is an address of kind {kind!r}, which the service can not open.")


def mapped(value: Any, change: Callable[[str, Any], Any], path: str = "") -> Any:
    """`value` in new dicts and lists, each thing they hold replaced by `change(path, thing)`."""
    if isinstance(value, Mapping):
        steps = ((str(name), each) for name, each in value.items())
        return {name: mapped(each, change, f"{path}.{name}" if path else name) for name, each in steps}
    if isinstance(value, (list, tuple)):
        return [mapped(each, change, f"{path}[{at}]") for at, each in enumerate(value)]
    return change(path, value)


def body(request: Any, urls: Mapping[str, str]) -> dict[str, Any]:
    """A request's values with each picture replaced by its address; InvalidRequest when one has none."""
    faults = []
    for path, value in request.pictures():
        if path in urls and not is_web(urls[path]):
            what = f"{shown(urls[path])} is not a web address. Give the address of its upload."
            faults.append(Problem(path, what))
        elif path not in urls and not is_web(value):
            what = f"{shown(value)} has no web address yet. Let a client submit the request, or upload it."
            faults.append(Problem(path, what))
    if faults:
        raise InvalidRequest(faults, f"the body of this {request.slug} request")
    sent: dict[str, Any] = mapped(request.values(), urls.get)
    return sent


def content(_path: str, value: Any) -> Any:
    """A stand-in for a picture that can be compared: equal pixels or bytes give equal stand-ins."""
    if isinstance(value, (bytearray, memoryview)):
        return bytes(value)
    if _is_pixels(value):
        form = (_attribute(value, "shape") or value.size, str(_attribute(value, "dtype") or value.mode))
        return (*form, value.tobytes())
    return value


def place(path: str, value: Any) -> Any:
    """A stand-in for a picture that costs nothing to hash: pictures may be megabytes and may change."""
    return path if is_local(value) else value


def code(value: Any) -> str:
    """A value inside a `repr`: constructor code, or a note of what it is where there is none."""
    if isinstance(value, Mapping):
        return f"{{{', '.join(f'{name!r}: {code(each)}' for name, each in value.items())}}}"
    if isinstance(value, (list, tuple)):
        return f"[{', '.join(map(code, value))}]"
    if isinstance(value, os.PathLike):
        return f"Path({os.fsdecode(value)!r})"
    if not is_local(value):
        return repr(value)
    where = _media_path(value)
    return f"<{shown(value)}>" if where is None else f"<{type(value).__name__} {os.fsdecode(where)!r}>"


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
