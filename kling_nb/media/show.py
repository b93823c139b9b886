"""How pictures and clips look in a notebook: plain HTML that still works when the kernel is gone.

Only what survives an untrusted notebook is used: inline style, `src` on the tag itself, data URIs. Colours
are left to the theme. A clip is referred to by its path relative to the working directory, which is the
notebook's folder unless somebody changed it. A kernel can not know the root of the Jupyter server: a file
above it has a path here that the server will refuse, and `show(embed=True)` is the way out.
"""

from __future__ import annotations

import os
import sys
from base64 import b64encode
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Literal
from urllib.parse import quote

from ..kernel import shell
from ..markup import LITERAL, escape, mask, short, size_text, tag, void
from . import pixels
from .trouble import place

if TYPE_CHECKING:
    from .file import MediaFile
    from .image import Image
    from .video import Video

FrontEnd = Literal["jupyter", "colab", "vscode"]
EMBED_BYTES = 10_000_000
_ORIGINAL_BYTES = 200_000
_PREVIEW_BYTES = 150_000
_PREVIEW_SIDE = 1024
_BOX = (640, 560)

_FIGURE = "margin:4px 0 8px 0;max-width:100%"
_MEDIA = "display:block;max-width:100%;height:auto;border-radius:4px"
_CAPTION = "margin-top:6px;font-size:12px;line-height:1.5;opacity:0.85"


def image_html(image: Image, *, embed: bool | None = None, width: int | None = None) -> str:
    """A picture with its caption.

    The picture is inside the notebook: itself when small, else a smaller JPEG. `embed=True` takes the whole
    file up to 10 MB, `False` only refers to it where it can be reached. Raises MediaError.
    """
    link = reach(image.path)
    words = short(image.prompt, 300) or f"Picture, {_pixels(image)}"
    shown = _shown_size(image, width)
    source = link if embed is False and link else _picture_uri(image, whole=embed is True)
    picture = void("img", src=source, alt=words, title=words, **shown, style=_MEDIA)
    facts = [_pixels(image), image.format.upper(), size_text(image.nbytes), _file(image, link)]
    return _figure(picture, facts)


def video_html(
    video: Video, *, embed: bool | None = None, width: int | None = None, where: FrontEnd | None = None
) -> str:
    """A clip with its caption: a player with sound that waits to be started.

    `where` is the front end, detected when None. Where it can not reach the file, and on `embed=True`, the
    clip itself goes into the notebook up to 10 MB; above that its poster does, and the caption says so.
    Raises MediaError.
    """
    where = where or front_end()
    link = reach(video.path) if where == "jupyter" else None
    inside = embed if embed is not None else link is None
    facts = [_pixels(video), f"{video.duration:.1f} s", "with sound" if video.has_sound else "no sound"]
    facts += [size_text(video.nbytes), _file(video, link)]
    if inside and video.nbytes <= EMBED_BYTES:
        source: str | None = data_uri(video.path.read_bytes(), video.mime)
    else:
        source = None if inside else link
    note = ""
    if source is None:
        note = f"It plays outside the notebook: open {escape(place(video.path))}"
    elif where == "vscode" and video.has_sound:
        note = f"VS Code plays no sound: to hear it, open {escape(place(video.path))}"
    return _figure(_player(video, source, _shown_size(video, width)), facts, note)


def front_end() -> FrontEnd:
    """`colab` and `vscode` show no files by path; all else is taken for a Jupyter server, which does."""
    if "google.colab" in sys.modules:
        return "colab"
    return "vscode" if "__vsc_ipynb_file__" in getattr(shell(), "user_ns", ()) else "jupyter"


def _player(video: Video, source: str | None, shown: dict[str, int]) -> str:
    words = short(video.prompt, 300) or f"Clip, {_pixels(video)}"
    poster = data_uri(video.poster(), "image/jpeg")
    if source is None:
        return void("img", src=poster, alt=words, title=words, **shown, style=_MEDIA)
    flags = {"controls": True, "playsinline": True, "preload": "metadata"}
    look = {"title": words, "aria_label": words, **shown, "style": _MEDIA}
    return tag("video", **flags, src=source, poster=poster, **look)


def reach(path: Path, start: Path | None = None) -> str | None:
    """The address of `path` relative to `start` (default: the working directory), or None if none can work.

    None stands for another drive, for hidden folders, which Jupyter servers do not serve, and for paths with
    an e-mail address in them, which is not to be saved in a notebook.
    """
    try:
        relative = _relative(path, start or Path.cwd())
    except (OSError, ValueError):
        return None
    steps = Path(relative).parts
    address = quote("/".join(steps), errors="replace")
    hidden = any(step.startswith(".") and step != ".." for step in steps)
    return None if hidden or mask(address) != address or mask(relative) != relative else address


def _relative(path: Path, start: Path) -> str:
    plain = os.path.relpath(path, start)
    if not plain.startswith(".."):
        return plain
    # Through a link the same file may lie below the notebook after all, which a server can reach.
    real = os.path.relpath(path.resolve(), start.resolve())
    return plain if real.startswith("..") else real


def data_uri(data: bytes, mime: str) -> str:
    """`data` as an address that carries it."""
    return f"data:{mime};base64,{b64encode(data).decode('ascii')}"


def _picture_uri(image: Image, *, whole: bool) -> str:
    if image.nbytes <= (EMBED_BYTES if whole else _ORIGINAL_BYTES):
        return data_uri(image.path.read_bytes(), image.mime)
    stamp = image._stamp
    with image._reading():
        return data_uri(_preview(image.path, stamp), "image/jpeg")


@lru_cache(maxsize=256)
def _preview(path: Path, _stamp: tuple[int, int]) -> bytes:
    return pixels.jpeg_within(pixels.upright(pixels.loaded(path)), _PREVIEW_SIDE, _PREVIEW_BYTES)


def _shown_size(media: MediaFile, width: int | None) -> dict[str, int]:
    # As attributes: they keep the place free while the file loads, and untrusted notebooks keep them.
    across, down = media.size
    scale = width / across if width else min(1, _BOX[0] / across, _BOX[1] / down)
    return {"width": max(1, round(across * scale)), "height": max(1, round(down * scale))}


def _figure(media: str, facts: list[str], note: str = "") -> str:
    caption = tag("figcaption", " · ".join(facts), f"<br>{note}" if note else "", style=_CAPTION)
    return tag("figure", media, caption, class_=f"kling-media {LITERAL}", style=_FIGURE)


def _pixels(media: MediaFile) -> str:
    return "{} \N{MULTIPLICATION SIGN} {}".format(*media.size)


def _file(media: MediaFile, link: str | None) -> str:
    name = escape(media.path.name)
    return tag("a", name, href=link, target="_blank", rel="noopener") if link else name
