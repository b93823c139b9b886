"""The control of a picture: an address or a path to type, a file to upload, and a small view of it."""

from __future__ import annotations

import io
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path
from typing import Any

import ipywidgets as widgets

from ..markup import escape, short, size_text, tag, void
from .controls import ABSENT, Control

# What a Jupyter server lets through in one message; above it a file vanishes without a word.
_CHANNEL = "10 MB"
_SIDE = 72
_LARGEST_VIEW = 20_000_000


class PictureControl(Control):
    """A web address, a path on the kernel's machine, or an upload, which stays out of the saved notebook."""

    classes = ("kling-wide", "kling-picture")

    def _make_input(self) -> Any:
        self._file = ""
        self.upload = self._clothes.make(
            widgets.FileUpload, accept="image/*", multiple=False, description="Upload"
        )
        self.upload.observe(self._uploaded, "value")
        # Not while typing: each half of an address would be looked at.
        return self._clothes.make(
            widgets.Text, placeholder="https://… or a path", continuous_update=False, **self._labels()
        )

    def _children(self) -> tuple[Any, ...]:
        return (self.input, self.upload, self.note)

    def _uploaded(self, change: Any) -> None:
        if not change["new"]:
            return
        (file,) = change["new"]
        data, self._file = bytes(file["content"]), str(file["name"])
        self.upload.value = ()  # else the bytes would be saved with the notebook
        self._kept = ABSENT
        self.write(data)
        self.told = True
        self._changed(self)

    def _shows(self, value: Any) -> bool:
        if not isinstance(value, (str, Path)):
            return False
        self.input.value = str(value)
        return True

    def _empty(self) -> None:
        self.input.value = ""

    def _typed(self) -> Any:
        return self.input.value.strip() or ABSENT

    def faults(self) -> Iterable[str]:
        """A path at which there is no file."""
        value = self.value
        if isinstance(value, str) and ":" not in value[2:] and not Path(value).expanduser().is_file():
            yield f"there is no file {short(value)!r} on the kernel's machine. Correct the path or upload it."

    def _count(self) -> str:
        limit = self.param.max_bytes
        most = f"At most {limit / 1e6:g} MB. " if limit else ""
        return f"{most}Upload up to {_CHANNEL}, larger files by path."

    def _held(self) -> str:
        value = self.value
        if value is ABSENT:
            return ""
        if isinstance(value, bytes):
            return _view(_small_bytes(value), f"{self._file or 'In memory'}, {size_text(len(value))}")
        if isinstance(value, str) and value.startswith(("http://", "https://")):
            return _view(value, "picture at this address")
        path = getattr(value, "path", value)
        return (
            _view(_small(str(path), _stamp(path)), Path(str(path)).name) if _stamp(path) else super()._held()
        )


def _view(source: str | None, words: str) -> str:
    if source is None:
        return tag("div", escape(words), class_="kling-view")
    picture = void("img", src=source, alt="", height=_SIDE, referrerpolicy="no-referrer")
    return tag("div", picture, tag("span", escape(words)), class_="kling-view")


def _stamp(path: Any) -> tuple[int, int] | None:
    try:
        state = Path(path).expanduser().stat()
    except (OSError, TypeError, ValueError):
        return None
    return (state.st_mtime_ns, state.st_size) if state.st_size <= _LARGEST_VIEW else None


@lru_cache(maxsize=64)
def _small(path: str, _: object) -> str | None:
    return _thumbnail(Path(path).expanduser())


@lru_cache(maxsize=16)
def _small_bytes(data: bytes) -> str | None:
    return _thumbnail(io.BytesIO(data))


def _thumbnail(source: Any) -> str | None:
    from PIL import Image, ImageOps

    from ..media.show import data_uri

    try:
        with Image.open(source) as picture:
            picture.thumbnail((4 * _SIDE, 2 * _SIDE))
            small = ImageOps.exif_transpose(picture).convert("RGB")
    except Exception:  # noqa: BLE001 - decoders raise whatever they like, and a view is a courtesy
        return None
    out = io.BytesIO()
    small.save(out, "JPEG", quality=80)
    return data_uri(out.getvalue(), "image/jpeg")
