"""The boxes an MP4 file is made of: the one place where a missing last byte always shows."""

from __future__ import annotations

from pathlib import Path
from typing import BinaryIO

from .trouble import Undecodable

_KNOWN = frozenset(b"ftyp moov mdat free skip wide uuid udta meta moof mfra sidx".split())


def check(path: Path) -> None:
    """Make sure that every box of an MP4 file reaches its end; other files pass. Raises Undecodable."""
    with path.open("rb") as file:
        end = file.seek(0, 2)
        place = 0
        while place < end:
            size = _size_at(file, place)
            # Zero means "to the end of the file"; what is no box is somebody's trailer, not a cut.
            if not size:
                return
            place += size
    if place > end:
        raise Undecodable(f"is cut short: {place - end} bytes are missing at its end")


def _size_at(file: BinaryIO, place: int) -> int:
    file.seek(place)
    head = file.read(16)
    if head[4:8] not in _KNOWN:
        return 0
    size = int.from_bytes(head[:4], "big")
    return int.from_bytes(head[8:16], "big") if size == 1 else size
