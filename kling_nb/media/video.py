"""A clip that came back."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from ..markup import size_text
from . import clip, pixels, show
from .arrays import from_array
from .clip import Clip
from .file import MediaFile
from .image import Image
from .sniff import Kind
from .trouble import MediaError
from .whole import write_whole

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

# Base64 adds a third, and a notebook with ten clips is to stay below 500 kB.
POSTER_BYTES = 32_000
POSTER_SIDE = 640
ARRAY_BYTES = 1_000_000_000


class Video(MediaFile):
    """A clip in a file: mp4."""

    _moves = True

    @property
    def _clip(self) -> Clip:
        stamp = self._stamp
        with self._reading():
            return clip.read(self.path, stamp)

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in pixels. Raises MediaError."""
        return self._clip.width, self._clip.height

    @property
    def duration(self) -> float:
        """Length of the picture track in seconds."""
        return self._clip.duration

    @property
    def fps(self) -> float:
        """Frames per second, on average."""
        return self._clip.fps

    @property
    def frame_count(self) -> int:
        """How many frames there are."""
        return len(self._clip.marks)

    @property
    def has_sound(self) -> bool:
        """Whether there is a sound track."""
        return self._clip.has_sound

    def frame(self, t: float) -> Image:
        """The frame on screen at `t` seconds: the nearest that begins at or before.

        Its file is `frames/<clip>.frame-1.500s.png` beside the clip, written once and found again later.

        Raises:
            MediaError: `t` is outside 0 to `duration`, or the clip is damaged.
        """
        if not 0 <= t <= self.duration:
            raise MediaError(
                f"There is no frame at {t:g} s: the clip lasts {self.duration:.3f} s.",
                todo="Choose a time from 0 to its duration; last_frame() is the last.",
            )
        return self._frames_at([self._clip.index_at(t)])[0]

    def first_frame(self) -> Image:
        """The first frame, as a PNG on disk. Raises MediaError."""
        return self._frames_at([0])[0]

    def last_frame(self) -> Image:
        """The last frame that decodes, as a PNG on disk: where a next shot begins. Raises MediaError."""
        return self._frames_at([self.frame_count - 1])[0]

    def frames(self, n: int) -> list[Image]:
        """`n` frames evenly spaced from the first to the last, as PNGs on disk; one alone is the first.

        Raises:
            MediaError: `n` is below 1 or above `frame_count`.
        """
        if not 1 <= n <= self.frame_count:
            raise MediaError(
                f"{n} frames were asked for and the clip has {self.frame_count}.",
                todo=f"Choose n from 1 to {self.frame_count}.",
            )
        step = (self.frame_count - 1) / max(1, n - 1)
        return self._frames_at([round(i * step) for i in range(n)])

    def to_numpy(self, *, limit: int | None = ARRAY_BYTES) -> NDArray[np.uint8]:
        """All frames as uint8 of shape (frames, height, width, 3).

        Five seconds of 1080p at 24 a second are 750 MB; an array above `limit` bytes is refused unless
        `limit` is None.

        Raises:
            MediaError: the array would be larger than `limit`, or the clip is damaged.
        """
        import numpy as np

        width, height = self.size
        need = self.frame_count * height * width * 3
        if limit is not None and need > limit:
            size = f"{size_text(need)} of array; the limit is {size_text(limit)}"
            todo = "Take some with frames(n), or pass limit=None if memory is enough."
            raise MediaError(f"{self.frame_count} frames are {size}.", todo=todo)
        array = np.empty((self.frame_count, height, width, 3), np.uint8)
        with self._reading():
            for index, frame in enumerate(clip.frames(self.path, self._clip.marks)):
                array[index] = frame
        return array

    def poster(self) -> bytes:
        """The first frame as a small JPEG: at most 640 pixels wide and 32 kB. Raises MediaError."""
        stamp = self._stamp
        with self._reading():
            return _poster(self.path, stamp)

    def _frames_at(self, indexes: Iterable[int]) -> list[Image]:
        known, start, since = self._clip, self.path.parent / "frames" / self.path.stem, self._stamp[0]
        places = {index: Path(f"{start}.frame-{known.time(index):.3f}s.png") for index in indexes}
        missing = [i for i, at in places.items() if not at.is_file() or at.stat().st_mtime_ns < since]
        with self._reading():
            frames = clip.frames(self.path, [known.marks[index] for index in missing])
            for index, frame in zip(missing, frames, strict=True):
                write_whole(places[index], pixels.encode(from_array(frame), "png"))
        return [Image(place, job_id=self.job_id, prompt=self.prompt) for place in places.values()]

    def _convert(self, target: Path, kind: Kind | None) -> Path:  # noqa: ARG002 - no clip becomes another
        suffix = self._kind.suffix
        what = f"A {suffix} clip can not be saved as {target.suffix}."
        raise MediaError(what, todo=f"Save it as {suffix}.")

    def _facts(self) -> str:
        width, height = self.size
        return f"{width}x{height}, {self.duration:.1f} s, {'sound' if self.has_sound else 'no sound'}"

    def _html(self, *, embed: bool | None, width: int | None) -> str:
        return show.video_html(self, embed=embed, width=width)


@lru_cache(maxsize=256)
def _poster(path: Path, stamp: tuple[int, int]) -> bytes:
    first = next(clip.frames(path, clip.read(path, stamp).marks[:1]))
    return pixels.jpeg_within(from_array(first), POSTER_SIDE, POSTER_BYTES)
