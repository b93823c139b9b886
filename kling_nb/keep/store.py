"""The folder of media. What has a final name there is whole; what is on its way has another name."""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import shutil
import tempfile
import unicodedata
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Literal, NamedTuple

from ..errors import DownloadFailed
from ..media import Image, Video, clip, pixels
from ..media.sniff import described, head_of, kind_of
from ..media.trouble import Undecodable, disk_trouble, place
from ..media.whole import replacing

_STEM = 60
_SUFFIX = re.compile(r"\.?[a-z0-9-]{1,16}")


class BrokenMedia(DownloadFailed, ValueError):
    """What was fetched is no whole picture or clip; the message says what was found (also a ValueError)."""

    again = "Fetching it again from its start is safe and free."


class Found(NamedTuple):
    """What a file is by its content: the suffix it should have (`.png`) and its MIME type."""

    suffix: str
    mime: str


class Store:
    """A folder of media files. It is made when something is first written to it."""

    def __init__(self, folder: str | os.PathLike[str]) -> None:
        # An absolute folder stays the same one when somebody changes the working directory.
        self.folder = Path(os.path.abspath(Path(folder).expanduser()))  # noqa: PTH100

    def check(self) -> None:
        """Make sure that files can be kept here, before anything is bought; makes the folder.

        Raises MediaError, which says why not.
        """
        with disk_trouble(f"Pictures and clips can not be kept in {place(self.folder)}"):
            self.folder.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=self.folder):
                pass

    def name_for(self, slug: str, request_id: str, prompt: str, suffix: str) -> Path:
        """Where a job's file belongs: `fox-in-the-snow-2c7f59ea.png`.

        The words are the prompt's in plain ASCII, the model's where the prompt has none; the tail belongs to
        the request id. A job's further files need ids of their own, such as `<id>/2`. At most 80 characters.
        Raises ValueError for what is no suffix.
        """
        if not _SUFFIX.fullmatch(suffix.lower()):
            raise ValueError(f"a suffix is letters and digits, such as .png, not {suffix!r}")
        words = _words(prompt) or _words(slug) or "media"
        return self.folder / f"{words}-{_tail(request_id)}.{suffix.lower().lstrip('.')}"

    def part_path(self, final: Path) -> Path:
        """The name to fetch `final` under, in the same folder, which is made: who asks is about to write.

        Raises DownloadFailed when the folder can not be made.
        """
        with disk_trouble(f"Could not make the folder {final.parent}", DownloadFailed):
            final.parent.mkdir(parents=True, exist_ok=True)
        return final.with_name(f".{final.name}.part")

    def finish(self, part: Path, final: Path, check: Callable[[Path], object]) -> Path:
        """Check and flush what is in `part` and put it in `final`'s place in one step; returns `final`.

        Where this fails and another process was first, its file is checked and taken. When `check` raises,
        `part` stays for whoever fetched it to continue or delete, and no final name appears. Raises
        DownloadFailed when the disk is full or the file can not be moved.
        """
        try:
            # A copy: another process still writing to the part would go on doing so under its final name.
            with replacing(final, DownloadFailed) as own:
                shutil.copyfile(part, own)
                check(own)
        except DownloadFailed:
            if not final.is_file():
                raise
            check(final)
        with contextlib.suppress(OSError):
            part.unlink(missing_ok=True)
        return final

    def load(
        self,
        path: str | os.PathLike[str],
        *,
        url: str | None = None,
        job_id: str | None = None,
        prompt: str = "",
    ) -> Image | Video:
        """The picture or clip in a file, told apart by content; a relative path is within the folder.

        Raises MediaError when the file is missing (MediaMissing), unreadable, or neither.
        """
        place = self.folder / Path(path)
        with disk_trouble(f"Could not read {place.name}"):
            kind = kind_of(head_of(place)) if place.is_file() else None
        media = Video if kind and kind.moves else Image
        return media(place, url=url, job_id=job_id, prompt=prompt)


def check_media(path: Path, kind: Literal["image", "video"] | None = None) -> Found:
    """Make sure that a file is a whole picture or clip by opening and decoding it; returns what it is.

    `kind` is what it has to be; None takes either. Raises BrokenMedia when it is cut short, damaged, or
    something else, such as an HTML page, and DownloadFailed when the file can not be read.
    """
    with disk_trouble(f"Could not read {path.name}", DownloadFailed):
        head = head_of(path)
        found = kind_of(head)
        if found is None or (kind and found.moves != (kind == "video")):
            wanted = {"video": "clip", "image": "picture"}.get(kind or "", "picture or clip")
            raise BrokenMedia(f"What was fetched is no {wanted}: it is {described(head)}.")
        try:
            (clip if found.moves else pixels).check(path)
        except Undecodable as error:
            raise BrokenMedia(f"What was fetched is {described(head)} that {error}.") from error
    return Found(found.suffix, found.mime)


def _words(text: str) -> str:
    plain = unicodedata.normalize("NFKD", text[:1000]).encode("ascii", "ignore").decode("ascii").lower()
    words = re.sub(r"[^a-z0-9]+", "-", plain).strip("-")
    return words if len(words) <= _STEM else words[: _STEM + 1].rpartition("-")[0] or words[:_STEM]


def _tail(request_id: str) -> str:
    # Only a random id's first digits tell it apart: ids made from the clock begin alike within a minute.
    try:
        if uuid.UUID(request_id).version == 4:
            return request_id.lower().replace("-", "")[:8]
    except ValueError:
        pass
    return hashlib.sha256(request_id.encode("utf-8", "surrogatepass")).hexdigest()[:8]
