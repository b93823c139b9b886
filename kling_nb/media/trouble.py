"""What can go wrong with a file on this machine, in words."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ..errors import KlingError

_FORBIDDEN = ("this account may not use that place", "Choose another folder or change its permissions.")
_REASONS = {
    errno.ENOSPC: ("the disk is full", "Free some space, then do the same again."),
    errno.EACCES: _FORBIDDEN,
    errno.EPERM: _FORBIDDEN,
    errno.EROFS: ("the disk can only be read", "Choose another folder."),
    errno.ENOENT: ("there is no such file or folder", "Check the path."),
    errno.ENOTDIR: ("a file is in the way where a folder should be", "Choose another folder."),
    errno.EISDIR: ("there is a folder of that name", "Choose another name."),
    errno.ENAMETOOLONG: ("the name is too long", "Choose a shorter name."),
}


class MediaError(KlingError, ValueError):
    """A media file can not be read, shown or written the way it was asked. Costs nothing."""

    def __str__(self) -> str:
        return " ".join(part for part in (self.what, self.todo) if part)


class MediaMissing(MediaError, FileNotFoundError):
    """The file of a picture or a clip is not there (also a FileNotFoundError)."""

    todo = "Check the path; if the file was moved, open it from its new place."


class PictureError(MediaError):
    """Something that was to be an input picture is none. Nothing was sent."""


class Undecodable(Exception):
    """Bytes that are no picture or clip; whoever asked turns this into an error of its own."""


@contextmanager
def disk_trouble(doing: str, kind: type[KlingError] = MediaError) -> Iterator[None]:
    """Turn the system's file errors inside the block into `kind`, with what was being done and why it failed.

    Raises:
        KlingError: of class `kind`, in place of any OSError.
    """
    try:
        yield
    except KlingError:
        raise
    except OSError as error:
        plain = (error.strerror or "the system refused", "Try again, or choose another folder.")
        reason, todo = _REASONS.get(error.errno or 0, plain)
        raise kind(f"{doing}: {reason}.", todo=todo) from error


def place(path: Path) -> str:
    """A path as it is named from the working folder: a saved notebook should not tell where that is."""
    try:
        relative = os.path.relpath(path)
    except (OSError, ValueError):  # on another drive, or the working folder is gone
        return str(path)
    return "this folder" if relative == os.curdir else relative
