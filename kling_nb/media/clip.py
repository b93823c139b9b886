"""Clips by way of PyAV: what is in one, and its frames by their exact place in time."""

from __future__ import annotations

from bisect import bisect_right
from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from .trouble import Undecodable

if TYPE_CHECKING:
    import numpy as np
    from av import Packet
    from av.container import InputContainer
    from av.video.frame import VideoFrame
    from av.video.stream import VideoStream
    from numpy.typing import NDArray

# Far below any frame's length, far above the error of a time that was computed as a float.
_TOLERANCE = Fraction(1, 1_000_000)
_UNSPECIFIED = 2
_BOXES = frozenset(b"ftyp moov mdat free skip wide uuid udta meta moof mfra sidx".split())


@dataclass(frozen=True)
class Clip:
    """What is in a clip. `marks` are the frames' times in units of `time_base` seconds, in order."""

    width: int
    height: int
    duration: float
    fps: float
    has_sound: bool
    marks: tuple[int, ...]
    time_base: Fraction

    def time(self, index: int) -> float:
        """When frame `index` begins, in seconds from the first."""
        return float((self.marks[index] - self.marks[0]) * self.time_base)

    def index_at(self, seconds: float) -> int:
        """The frame on screen at `seconds`: the last that begins at or before."""
        mark = self.marks[0] + (Fraction(seconds) + _TOLERANCE) / self.time_base
        return max(0, bisect_right(self.marks, mark) - 1)


@lru_cache(maxsize=1024)
def read(path: Path, _stamp: tuple[int, int]) -> Clip:
    """What is in a clip, read once per state of the file. Raises Undecodable."""
    with _opened(path) as (container, stream):
        time_base = stream.time_base or Fraction(1, 1000)
        marks = _marks(container.demux(stream))
        whole = Fraction(container.duration or 0, 1_000_000)
        length = stream.duration * time_base if stream.duration else whole
        return Clip(
            width=stream.width,
            height=stream.height,
            duration=float(max(length, (marks[-1] - marks[0]) * time_base)),
            fps=float(stream.average_rate or 0),
            has_sound=bool(container.streams.audio),
            marks=marks,
            time_base=time_base,
        )


def frames(path: Path, marks: Iterable[int]) -> Iterator[NDArray[np.uint8]]:
    """For each of `marks` (rising), the last frame that decodes at or before it. Raises Undecodable.

    A frame is uint8 of shape (height, width, 3).
    """
    import numpy as np

    for frame in _frames(path, marks):
        yield frame.to_ndarray(format="rgb24", **_colours(frame)).astype(np.uint8, copy=False)


def check(path: Path) -> None:
    """Make sure that a clip is whole: every packet is there, its first and last frames decode.

    Raises:
        Undecodable: its text says what was found.
    """
    _check_boxes(path)
    with _opened(path) as (container, stream):
        packets = [p for p in container.demux() if p.size]
        count = sum(p.stream is stream for p in packets)
        if any(p.is_corrupt for p in packets) or count < stream.frames:
            raise Undecodable(f"is cut short: {count} of {stream.frames} frames are there")
        marks = _marks(p for p in packets if p.stream is stream)
    for mark in (marks[0], marks[-1]):
        found = [frame.pts for frame in _frames(path, [mark])]
        if found != [mark]:
            raise Undecodable("is damaged: its first or last frame can not be decoded")


def _check_boxes(path: Path) -> None:
    """The boxes an MP4 file is made of are the one place where a missing last byte always shows."""
    with path.open("rb") as file:
        end, place = file.seek(0, 2), 0
        while place < end:
            size = _box_size(file, place)
            # Zero means "to the end of the file"; what is no box is somebody's trailer, not a cut.
            if not size:
                return
            place += size
    if place > end:
        raise Undecodable(f"is cut short: {place - end} bytes are missing at its end")


def _box_size(file: BinaryIO, place: int) -> int:
    file.seek(place)
    head = file.read(16)
    if head[4:8] not in _BOXES:
        return 0
    size = int.from_bytes(head[:4], "big")
    return int.from_bytes(head[8:16], "big") if size == 1 else size


def _marks(packets: Iterable[Packet[Any]]) -> tuple[int, ...]:
    marks = tuple(sorted(p.pts for p in packets if p.pts is not None and p.size and not p.is_discard))
    if not marks:
        raise Undecodable("has no frames")
    return marks


@contextmanager
def _opened(path: Path) -> Iterator[tuple[InputContainer, VideoStream]]:
    import av

    try:
        with av.open(str(path)) as container:
            if not container.streams.video:
                raise Undecodable("has no picture track")
            yield container, container.streams.video[0]
    except (av.FFmpegError, OSError) as error:
        raise Undecodable("is damaged or cut short") from error


def _frames(path: Path, marks: Iterable[int]) -> Iterator[VideoFrame]:
    waiting = deque(marks)
    if not waiting:
        return
    held: VideoFrame | None = None
    with _opened(path) as (container, stream):
        stream.thread_type = "AUTO"
        for frame in _decoded_from(container, stream, waiting[0]):
            while waiting and held is not None and (frame.pts or 0) > waiting[0]:
                waiting.popleft()
                yield held
            if not waiting:
                return
            held = frame
    if held is None:
        raise Undecodable("is damaged: no frame can be decoded")
    for _ in waiting:
        yield held


def _decoded_from(container: InputContainer, stream: VideoStream, mark: int) -> Iterator[VideoFrame]:
    container.seek(mark, stream=stream, backward=True)
    frames = _decoded(container, stream)
    first = next(frames, None)
    if first is not None and (first.pts or 0) <= mark:
        yield first
    else:
        # Some files' key frames lie about where they are; from the very start is slow and always right.
        container.seek(0, stream=stream, backward=True)
        frames = _decoded(container, stream)
    yield from frames


def _decoded(container: InputContainer, stream: VideoStream) -> Iterator[VideoFrame]:
    import av

    # A damaged end: what came before it is still the clip.
    with suppress(av.FFmpegError):
        yield from (frame for frame in container.decode(stream) if frame.pts is not None)


def _colours(frame: VideoFrame) -> dict[str, Any]:
    # Where a file does not say, browsers take BT.709 for HD; taking less would shift a frame's colours
    # against the clip it came from, and again with every shot chained to it.
    unsaid = int(frame.colorspace) == _UNSPECIFIED and frame.height >= 720
    return {"src_colorspace": "ITU709"} if unsaid else {}
