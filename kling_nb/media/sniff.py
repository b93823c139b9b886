"""What a file is, told from its first bytes: its name and the server's word for it can both be wrong."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

HEAD = 64


class Kind(NamedTuple):
    """A kind of media: its short name, MIME type, usual suffix, and whether it moves."""

    name: str
    mime: str
    suffix: str
    moves: bool


KINDS = {
    name: Kind(name, f"{'video' if moves else 'image'}/{name}", suffix, moves)
    for name, suffix, moves in (
        ("png", ".png", False),
        ("jpeg", ".jpg", False),
        ("webp", ".webp", False),
        ("gif", ".gif", False),
        ("mp4", ".mp4", True),
        ("webm", ".webm", True),
    )
}

_MAGIC = (
    (b"\x89PNG\r\n\x1a\n", "png"),
    (b"\xff\xd8\xff", "jpeg"),
    (b"GIF8", "gif"),
    (b"\x1aE\xdf\xa3", "webm"),
)
# The same box opens MP4 clips and these still pictures.
_STILL_BRANDS = (b"avif", b"avis", b"heic", b"heix", b"mif1", b"msf1")
_OTHERS = (
    (b"%PDF", "a PDF document"),
    (b"BM", "a BMP picture"),
    (b"II*\x00", "a TIFF picture"),
    (b"MM\x00*", "a TIFF picture"),
    (b"PK\x03\x04", "a ZIP archive"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"{", "JSON text"),
    (b"[", "JSON text"),
    (b"<?xml", "XML text"),
    (b"<", "an HTML page"),
)


def kind_of(head: bytes) -> Kind | None:
    """The kind of media whose first bytes are `head` (64 are plenty), or None for anything else."""
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return KINDS["webp"]
    if head[4:8] == b"ftyp":
        return None if head[8:12] in _STILL_BRANDS else KINDS["mp4"]
    return next((KINDS[name] for magic, name in _MAGIC if head.startswith(magic)), None)


def described(head: bytes) -> str:
    """What `head` looks like, as words for a message: `an HTML page`, `a JPEG picture`, `no bytes at all`."""
    if not head:
        return "no bytes at all"
    if kind := kind_of(head):
        article = "an" if kind.name == "mp4" else "a"
        return f"{article} {kind.name.upper()} {'clip' if kind.moves else 'picture'}"
    if head[4:8] == b"ftyp":
        return "a HEIC or AVIF picture"
    start = head.lstrip(b"\xef\xbb\xbf \t\r\n")
    return next((words for magic, words in _OTHERS if start.startswith(magic)), "an unknown format")


def head_of(path: Path) -> bytes:
    """The first bytes of a file. Raises OSError."""
    with path.open("rb") as file:
        return file.read(HEAD)
