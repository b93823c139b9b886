"""A file on its way into the store: where it is written, and how it becomes media."""

from __future__ import annotations

import contextlib
import glob
from dataclasses import dataclass
from pathlib import Path

from ..errors import DownloadFailed
from ..media import Image, Video
from ..media.sniff import KINDS, head_of, kind_of
from ..media.trouble import disk_trouble
from .ledger import is_running
from .store import Store, check_media

_SUFFIXES = tuple(dict.fromkeys(kind.suffix for kind in KINDS.values()))


@dataclass(frozen=True)
class Arrival:
    """One output of a job, known by the job's slug, id and prompt. `index` counts a job's outputs from 0.

    `writer` is the process id and a number, joined by a hyphen: two that fetch the same file must not write
    to the same one.
    """

    store: Store
    slug: str
    request_id: str
    prompt: str
    writer: str
    url: str | None = None
    index: int = 0

    @property
    def part(self) -> Path:
        """Where `writer` writes it while it is on its way; the folder is there. The same for every try."""
        return self.store.part_path(self._named(f".{self.writer}"))

    def adopt(self) -> None:
        """Go on with what a process that is gone had fetched of it."""
        part = self.part
        for orphan in () if part.exists() else self._orphans():
            with contextlib.suppress(OSError):
                orphan.replace(part)

    def settle(self) -> Image | Video:
        """Check what has arrived, give it its final name, and return it.

        Raises `BrokenMedia` when it is no whole picture or clip; nothing gets a final name then.
        Raises `DownloadFailed` when the disk can not hold it.
        """
        part = self.part
        try:
            kind = kind_of(head_of(part))
            final = self.store.finish(part, self._named(kind.suffix if kind else ".bin"), check_media)
        except OSError as error:
            # Whoever else fetched the same file may have been first, and taken the part away.
            done = self.found()
            if done is None:
                raise DownloadFailed(f"Could not read what was fetched: {error}.") from error
            return done
        self._sweep(final)
        return self._loaded(final)

    def _sweep(self, final: Path) -> None:
        """Take away what processes that are gone have left of it. Who is still at it finds the final name."""
        copies = final.parent.glob(f".{glob.escape(final.name[:60])}.*.part")
        for orphan in (*copies, *self._orphans()):
            with contextlib.suppress(OSError):
                orphan.unlink()

    def _orphans(self) -> list[Path]:
        pattern = f".{glob.escape(self._named('.x').stem)}.*-*.part"
        found = self.store.folder.glob(pattern)
        return [each for each in found if not is_running(each.name.split(".")[-2].partition("-")[0])]

    def found(self) -> Image | Video | None:
        """The file under its final name, when another handle or process has brought it home already."""
        for suffix in _SUFFIXES:
            final = self._named(suffix)
            if final.is_file():
                check_media(final)
                return self._loaded(final)
        return None

    def keep(self, data: bytes) -> Image | Video:
        """Settle an output that came whole, in one piece."""
        with disk_trouble(f"Could not write {self.part.name}", DownloadFailed):
            self.part.write_bytes(data)
        return self.settle()

    def _loaded(self, final: Path) -> Image | Video:
        return self.store.load(final, url=self.url, job_id=self.request_id or None, prompt=self.prompt)

    def _named(self, suffix: str) -> Path:
        name = f"{self.request_id}/{self.index + 1}" if self.index else self.request_id
        return self.store.name_for(self.slug, name, self.prompt, suffix)
