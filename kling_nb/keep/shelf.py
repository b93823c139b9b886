"""What has been made, a page at a time: finished rows of the ledger, their files, and small views of them.

Only the page that is asked for is read. A small view is made once, from then on it is a file in the
ledger's folder, named by the state of the media file it shows.
"""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

from ..media import Image, Video, pixels
from ..media.trouble import MediaError, disk_trouble
from ..media.whole import write_whole
from ..states import State
from .beside import beside
from .ledger import MENTIONS, NEWEST, Ledger, Record, mentioning

SIDE = 400  # of a small view, in pixels: sharp on dense screens at half that size
_BYTES = 20_000
_DELETED = "deleted from disk"


@dataclass(frozen=True)
class Wanted:
    """Which of them: by model, by kind, and by words that are all looked for in prompt and parameters."""

    slug: str | None = None
    kind: Literal["image", "video"] | None = None
    text: str = ""


@dataclass(frozen=True)
class Piece:
    """One finished job and its files; `deleted` is when they were deleted, in seconds since the epoch."""

    record: Record
    deleted: float | None = None

    @property
    def id(self) -> int:
        """The number of its row."""
        return self.record.id

    @cached_property
    def paths(self) -> tuple[Path, ...]:
        """Its files, whether they are there or not."""
        return tuple(Path(output["path"]) for output in self.record.outputs)

    @cached_property
    def state(self) -> Literal["here", "missing", "deleted"]:
        """Whether all its files were there when it was read."""
        if all(path.is_file() for path in self.paths):
            return "here"
        return "missing" if self.deleted is None else "deleted"

    @property
    def kind(self) -> Literal["image", "video"]:
        """What it is, by its name."""
        return "video" if self.paths[0].suffix == ".mp4" else "image"

    def media(self) -> tuple[Image | Video, ...]:
        """Its pictures and clips. Raises MediaError when one can not be read."""
        return self.record.media()


class Shelf:
    """The finished jobs of one account at one service."""

    def __init__(self, ledger: Ledger, account: str, service: str) -> None:
        self._ledger, self._whose = ledger, (account, service)
        self._folder = ledger.path.parent / "thumbnails"

    def count(self, wanted: Wanted) -> int:
        """How many there are."""
        clause, values = self._clause(wanted)
        query = f"SELECT count(*) FROM jobs WHERE {clause}"  # noqa: S608 - bound
        return int(self._ledger._fetched(query, *values)[0][0])

    def models(self) -> list[str]:
        """The slugs of the models that made something, in order of name."""
        clause, values = self._clause(Wanted())
        query = f"SELECT DISTINCT slug FROM jobs WHERE {clause} ORDER BY slug"  # noqa: S608 - bound
        return [slug for (slug,) in self._ledger._fetched(query, *values)]

    def page(self, wanted: Wanted, number: int, size: int) -> list[Piece]:
        """One page, the first is number 1, newest first."""
        clause, values = self._clause(wanted)
        place = size, (number - 1) * size
        return self._pieces(self._ledger._where(f"{clause} {NEWEST} LIMIT ? OFFSET ?", *values, *place))

    def delete(self, piece: Piece) -> Piece:
        """Delete its files from the disk; the row stays and says so. Raises MediaError."""
        self._small(piece).unlink(missing_ok=True)
        for path in piece.paths:
            with disk_trouble(f"Could not delete {path.name}"):
                path.unlink(missing_ok=True)
                beside(path).unlink(missing_ok=True)
        self._ledger.moved(piece.id, State.COMPLETED, _DELETED)
        (gone,) = self._pieces([piece.record])
        return gone

    def known_view(self, piece: Piece) -> bytes | None:
        """A small view as a JPEG, where one was made already."""
        with contextlib.suppress(OSError):
            return self._small(piece).read_bytes()
        return None

    def view(self, piece: Piece) -> bytes | None:
        """The same, made now where there is none; None where the file can not be shown. Takes its time."""
        known = self.known_view(piece)
        if known is None and piece.state == "here":
            with contextlib.suppress(Exception):  # decoders raise whatever they like, and it is a courtesy
                known = _drawn(piece.media()[0])
            if known is not None:
                with contextlib.suppress(MediaError):  # a folder that can not be written only costs time
                    write_whole(self._small(piece), known)
        return known

    def _clause(self, wanted: Wanted) -> tuple[str, tuple[Any, ...]]:
        clause = "account = ? AND service = ? AND state = 'COMPLETED' AND outputs <> '[]'"
        words = wanted.text.split()
        clause += f" AND {MENTIONS}" * len(words)
        values = [*self._whose, *map(mentioning, words)]
        if wanted.slug:
            clause, values = f"{clause} AND slug = ?", [*values, wanted.slug]
        if wanted.kind:
            clause += f" AND outputs {'NOT ' if wanted.kind == 'image' else ''}LIKE '%.mp4\"%'"
        return clause, tuple(values)

    def _pieces(self, rows: Sequence[Record]) -> list[Piece]:
        pieces = [Piece(row) for row in rows]
        gone = [piece.id for piece in pieces if piece.state != "here"]
        when = self._deleted(gone) if gone else {}
        return [Piece(piece.record, when[piece.id]) if piece.id in when else piece for piece in pieces]

    def _deleted(self, rows: Sequence[int]) -> Mapping[int, float]:
        marks = ",".join("?" * len(rows))
        query = f"SELECT job, max(at) FROM changes WHERE note = ? AND job IN ({marks}) GROUP BY job"  # noqa: S608
        return dict(self._ledger._fetched(query, _DELETED, *rows))

    def _small(self, piece: Piece) -> Path:
        path = piece.paths[0]
        try:
            state = path.stat()
            mark = f"{path}|{state.st_mtime_ns}|{state.st_size}"
        except OSError:
            mark = str(path)
        return self._folder / f"{hashlib.blake2b(mark.encode(), digest_size=16).hexdigest()}.jpg"


def _drawn(media: Image | Video) -> bytes:
    with media._reading():
        source = media.poster() if isinstance(media, Video) else media.path
        with pixels.opened(source) as image:
            image.draft("RGB", (SIDE, SIDE))  # a large JPEG need not be decoded in full
            return pixels.jpeg_within(pixels.upright(image), SIDE, _BYTES)
