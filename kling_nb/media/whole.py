"""Whole files only: what has a final name is complete, whatever happens while it is written."""

from __future__ import annotations

import contextlib
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ..errors import KlingError
from .trouble import MediaError, disk_trouble


@contextmanager
def replacing(final: Path, kind: type[KlingError] = MediaError) -> Iterator[Path]:
    """A temporary name beside `final` to write to; it takes `final`'s place if the block succeeds.

    Raises:
        KlingError: of class `kind`: the folder can not be made or the file can not be written.
    """
    part = final.with_name(f".{final.name[:60]}.{secrets.token_hex(4)}.part")
    with disk_trouble(f"Could not write {final.name}", kind):
        final.parent.mkdir(parents=True, exist_ok=True)
        try:
            yield part
            flush(part)
            part.replace(final)
            # A new name survives a power cut only when its folder is flushed too; not every system can.
            with contextlib.suppress(OSError):
                flush(final.parent)
        finally:
            part.unlink(missing_ok=True)


def write_whole(final: Path, data: bytes) -> Path:
    """Write `data` to `final`, whole or not at all; returns `final`. Raises MediaError."""
    with replacing(final) as part:
        part.write_bytes(data)
    return final


def flush(path: Path) -> None:
    """Wait until a file or folder is on the disk. Raises OSError."""
    # Windows flushes a file only through a handle that may write; a folder can only be read.
    handle = os.open(path, os.O_RDONLY if path.is_dir() else os.O_RDWR)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
