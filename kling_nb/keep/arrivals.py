"""A file on its way into the store: where it is written, and how it becomes media."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ..errors import DownloadFailed
from ..media import Image, Video
from ..media.sniff import head_of, kind_of
from ..media.trouble import disk_trouble
from .store import Store, check_media


@dataclass(frozen=True)
class Arrival:
    """One output of a job, known by the job's slug, id and prompt. `index` counts a job's outputs from 0."""

    store: Store
    slug: str
    request_id: str
    prompt: str
    url: str | None = None
    index: int = 0

    @property
    def part(self) -> Path:
        """Where to write it while it is on its way; the folder is there. The same for every try."""
        return self.store.part_path(self._named(".bin"))

    def settle(self) -> Image | Video:
        """Check what has arrived, give it its final name, and return it.

        Raises `BrokenMedia` when it is no whole picture or clip; nothing gets a final name then.
        Raises `DownloadFailed` when the disk can not hold it.
        """
        part = self.part
        with disk_trouble(f"Could not read what was fetched to {part.name}", DownloadFailed):
            kind = kind_of(head_of(part))
        final = self._named(kind.suffix if kind else ".bin")
        self.store.finish(part, final, check_media)
        return self.store.load(final, url=self.url, job_id=self.request_id or None, prompt=self.prompt)

    def keep(self, data: bytes) -> Image | Video:
        """Settle an output that came whole, in one piece."""
        with disk_trouble(f"Could not write {self.part.name}", DownloadFailed):
            self.part.write_bytes(data)
        return self.settle()

    def _named(self, suffix: str) -> Path:
        name = f"{self.request_id}/{self.index + 1}" if self.index else self.request_id
        return self.store.name_for(self.slug, name, self.prompt, suffix)
