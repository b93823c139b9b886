"""The control of a picture: an address or a path to type, a file to upload, or an earlier result."""

from __future__ import annotations

import io
import itertools
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path
from typing import Any

import ipywidgets as widgets

from ..errors import KlingError, Problem
from ..markup import escape, mask, short, size_text, tag, void
from ..model.fields import Param
from .controls import ABSENT, Changed, Control
from .theme import Wardrobe, change, told

# What a Jupyter server lets through in one message; above it a file vanishes without a word.
_CHANNEL = "10 MB"
# Measured: a link or selected words dropped on the input arrive; a file, the browser opens in a new tab.
_DRAG = "Links can be dragged in, files can not."
_SIDE = 48
_LARGEST_VIEW = 20_000_000
_OFFERED = 20  # earlier results
_UNREADABLE = "is no picture that can be read. Use a PNG, JPEG or WebP file."
_LOOKED_AT = 100  # jobs, of which some have no picture or no longer have one


class PictureControl(Control):
    """A web address, a path on the kernel's machine, an upload or an earlier result, with a small view.

    Uploaded bytes stay out of the saved notebook. `client` says whose results are offered.
    """

    classes = ("kling-wide", "kling-picture")

    def __init__(self, param: Param, clothes: Wardrobe, changed: Changed, client: Any = None) -> None:
        self._client = client
        self._file = self._trouble = ""
        self._choice: Any = None
        self._clear: Any = None
        self._choosing = False
        super().__init__(param, clothes, changed)

    def _make_input(self) -> Any:
        self.upload = self._clothes.make(
            widgets.FileUpload, accept="image/*", multiple=False, description="Upload"
        )
        self.upload.observe(self._uploaded, "value")
        self.earlier = self._button("Earlier result…", self._browse)
        # Not while typing: each half of an address would be looked at.
        return self._clothes.make(
            widgets.Text, placeholder="https://… or a path", continuous_update=False, **self._labels()
        )

    def _children(self) -> tuple[Any, ...]:
        # What can only be seen in the view can only be taken away by a button.
        in_memory = self.value is not ABSENT and not self.input.value
        return (
            *(self.input, self.upload, self.earlier),
            *([self._clear_button()] if in_memory else []),
            *([self._choice] if self._choosing else []),
            self.note,
        )

    def tell(self, problems: list[Problem]) -> None:
        """Show what is wrong, and the buttons that fit what is held."""
        if self._stale:
            self._arrange()
        super().tell(problems)

    def _arrange(self) -> None:
        change(self.box, children=self._children())

    def _button(self, words: str, act: Any) -> Any:
        button = self._clothes.make(widgets.Button, description=words)
        button.on_click(lambda _: act())
        return button

    def _clear_button(self) -> Any:
        self._clear = self._clear or self._button("Clear", lambda: self._hold(ABSENT, self.input))
        return self._clear

    # Ways to fill it in

    def _uploaded(self, change: Any) -> None:
        if not change["new"]:
            return
        (file,) = change["new"]
        data, name = bytes(file["content"]), str(file["name"])
        self.upload.value = ()  # else the bytes would be saved with the notebook
        self._hold(data, name=name)

    def _hold(self, value: Any, focus: Any = None, *, name: str = "") -> None:
        self._file, self._trouble, self._choosing = name, "", False
        self._kept = ABSENT
        self.write(value)
        self.told = True
        self._changed(self)
        if focus is not None:  # what was pressed is gone, and the keyboard would begin at the page's top
            focus.focus()

    def _browse(self) -> None:
        self._choosing, self._trouble = not self._choosing, ""
        offers = _offers(self._client) if self._choosing else []
        if self._choosing and not offers:
            self._choosing = False
            self._trouble = "No picture or clip of this account is on disk yet."
        if self._choosing:
            self._offer([("Choose one, newest first", None), *offers])
        self._redraw()
        if self._choosing:
            self._choice.focus()

    def _offer(self, options: list[tuple[str, Any]]) -> None:
        if self._choice is None:
            words = f"Earlier result for {self.title}"
            self._choice = self._clothes.make(widgets.Dropdown, "kling-earlier", description=words)
            self._choice.observe(self._chosen, "value")
        self._choice.options = options
        self._choice.value = None

    def _chosen(self, change: Any) -> None:
        if change["new"] is None or not self._choosing:
            return
        media = change["new"]
        try:
            picture = media.last_frame() if hasattr(media, "last_frame") else media
        except KlingError as error:
            self._trouble = str(error)
            self._redraw()
            return
        self._hold(picture, self.earlier)

    def _redraw(self) -> None:
        self.note.value = self._note(self._due)
        self._arrange()

    # What is held

    def _edited(self, change: object) -> None:
        self._trouble = ""
        typed = self.input.value.strip()
        if not self._writing and _is_private(typed):
            self.write(typed)
            self.told = True
            self._changed(self)
        else:
            super()._edited(change)

    def _shows(self, value: Any) -> bool:
        if not isinstance(value, (str, Path)) or _is_private(str(value)):
            return False
        self.input.value = str(value)
        return True

    def _empty(self) -> None:
        self.input.value = ""

    def _typed(self) -> Any:
        return self.input.value.strip() or ABSENT

    def faults(self) -> Iterable[str]:
        """What only this machine can see: a path without a file, an upload that is no picture."""
        value = self.value
        if isinstance(value, str) and ":" not in value[2:]:
            if not _is_file(value):
                what = f"there is no file {short(value)!r} on the kernel's machine"
                yield f"{what}. Correct the path or upload it."
            elif (stamp := _stamp(value)) and _small(value, stamp) is None:
                yield f"{short(value)!r} {_UNREADABLE}"
        elif self._file and isinstance(value, bytes) and _small_bytes(value) is None:
            yield f"{short(self._file)!r} {_UNREADABLE}"

    def _count(self) -> str:
        limit = self.param.max_bytes
        size = f"{limit / 1e6:g} MB" if limit else ""
        most = f"At most {size}. " if size and size not in self.param.help else ""
        return f"{most}Uploads up to {_CHANNEL}, larger files by path. {_DRAG}"

    def _held(self) -> str:
        return (told(self._trouble) if self._trouble else "") + self._small_view()

    def _small_view(self) -> str:
        value = self.value
        if value is ABSENT:
            return ""
        if isinstance(value, bytes):
            return _view(_small_bytes(value), f"{self._file or 'In memory'}, {size_text(len(value))}")
        if isinstance(value, str) and _is_private(value):
            return super()._held()
        if isinstance(value, str) and value.startswith(("http://", "https://")):
            return _view(value)
        path = getattr(value, "path", value)
        if not _stamp(path):
            return super()._held()
        # What was typed can be read already.
        return _view(_small(str(path), _stamp(path)), "" if self.input.value else Path(str(path)).name)


def _offers(client: Any) -> list[tuple[str, Any]]:
    """The newest pictures and clips of a client that are on disk, each with a line of words."""
    jobs = client.jobs(state="COMPLETED", limit=_LOOKED_AT) if client is not None else ()
    found = ((_offered(job, media), media) for job in jobs for media in job.outputs if media.path.is_file())
    return list(itertools.islice(found, _OFFERED))


def _offered(job: Any, media: Any) -> str:
    what = "Last frame of clip" if hasattr(media, "last_frame") else "Picture"
    again = f" (take {job.take})" if job.take > 1 else ""
    return f"{what}: {short(mask(job.prompt), 56) or media.path.name}{again}"


def _is_private(address: str) -> bool:
    # An uploaded asset's address names the account, and what an input holds is saved with the notebook.
    return mask(address) != address


def _view(source: str | None, words: str = "") -> str:
    picture = (
        void("img", src=source, alt="Small view", height=_SIDE, referrerpolicy="no-referrer")
        if source
        else ""
    )
    caption = tag("span", escape(words)) if words else ""
    return tag("div", picture, caption, class_="kling-view")


def _is_file(path: str) -> bool:
    try:
        return Path(path).expanduser().is_file()
    except (OSError, RuntimeError, ValueError):  # too long to be a name, or the home of nobody
        return False


def _stamp(path: Any) -> tuple[int, int] | None:
    try:
        state = Path(path).expanduser().stat()
    except (OSError, RuntimeError, TypeError, ValueError):
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
