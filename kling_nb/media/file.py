"""What a picture and a clip have in common: a file on disk that knows where it came from."""

from __future__ import annotations

import os
import shutil
from abc import ABC, abstractmethod
from collections.abc import Container, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

from ..kernel import shell
from ..markup import LITERAL, escape, tag
from .sniff import KINDS, Kind, described, head_of, kind_of
from .trouble import MediaError, MediaMissing, Undecodable, disk_trouble, place
from .whole import replacing

Place = str | os.PathLike[str]


@dataclass(frozen=True, init=False, repr=False)
class MediaFile(ABC):
    """A media file. Two are equal when they are the same kind of thing at the same path.

    `path` is absolute, `url` where it was fetched from, `job_id` the job that made it, `prompt` what the job
    was asked for (it becomes the alt text).
    """

    path: Path
    url: str | None = field(compare=False)
    job_id: str | None = field(compare=False)
    prompt: str = field(compare=False)
    _moves: ClassVar[bool]

    def __init__(
        self, path: Place, *, url: str | None = None, job_id: str | None = None, prompt: str = ""
    ) -> None:
        """Args:
            path: The file.
            url: Where it was fetched from.
            job_id: The job that made it.
            prompt: What the job was asked for.

        Raises:
            MediaMissing: there is no such file (also a FileNotFoundError).
            MediaError: the file can not be read or is of another kind.
        """
        absolute = Path(os.path.abspath(Path(path).expanduser()))  # noqa: PTH100 - resolve() would undo links
        self._require(absolute)
        self.__dict__.update(path=absolute, url=url, job_id=job_id, prompt=prompt)

    @classmethod
    def _require(cls, path: Path) -> Kind:
        if not path.is_file():
            state = "is a folder" if path.is_dir() else "is not there"
            raise MediaMissing(f"Missing file: {place(path)} {state}.")
        with disk_trouble(f"Could not read {path.name}"):
            head = head_of(path)
        kind = kind_of(head)
        if kind is None or kind.moves != cls._moves:
            raise MediaError(f"{path.name} is no {cls.__name__.lower()}: it holds {described(head)}.")
        return kind

    @property
    def _kind(self) -> Kind:
        return self._require(self.path)

    @property
    def _stamp(self) -> tuple[int, int]:
        # What is cached about a file must not outlive the file's content.
        try:
            state = self.path.stat()
        except OSError as error:
            raise MediaMissing(f"Missing file: {place(self.path)} is gone.") from error
        return state.st_mtime_ns, state.st_size

    @contextmanager
    def _reading(self) -> Iterator[None]:
        try:
            yield
        except Undecodable as error:
            raise MediaError(f"{self.path.name} {error}.", todo="Fetch or export it again.") from error

    @property
    @abstractmethod
    def size(self) -> tuple[int, int]:
        """Width and height in pixels. Raises MediaError."""

    @property
    def format(self) -> str:
        """What the file is by its content, whatever its name says: `png`, `jpeg`, `webp`, `mp4`."""
        return self._kind.name

    @property
    def mime(self) -> str:
        """The MIME type of the content, such as `video/mp4`."""
        return self._kind.mime

    @property
    def nbytes(self) -> int:
        """The file's length in bytes."""
        return self._stamp[1]

    def save(self, path: Place) -> Path:
        """Copy to `path`, whole or not at all, over whatever is there; returns where it went.

        A folder keeps the file's name, a name without suffix gets the right one, missing folders are made.

        Raises:
            MediaError: the suffix names a format this can not become, or the place can not be written.
        """
        target = Path(path).expanduser()
        if target.is_dir() or os.fspath(path).endswith(("/", os.sep)):
            target /= self.path.name
        elif not target.suffix:
            target = target.with_name(target.name + self._kind.suffix)
        if target.exists() and target.samefile(self.path):
            return target
        suffix = target.suffix.lower().replace(".jpeg", ".jpg")
        kind = next((kind for kind in KINDS.values() if kind.suffix == suffix), None)
        if kind != self._kind:
            return self._convert(target, kind)
        with replacing(target) as part:
            shutil.copyfile(self.path, part)
        return target

    @abstractmethod
    def _convert(self, target: Path, kind: Kind | None) -> Path: ...

    @abstractmethod
    def _html(self, *, embed: bool | None, width: int | None) -> str: ...

    @abstractmethod
    def _facts(self) -> str: ...

    def __repr__(self) -> str:
        try:
            return f"<{type(self).__name__} {self._facts()}>"
        except MediaError as error:
            state = "missing" if isinstance(error, MediaMissing) else "unreadable"
            return f"<{type(self).__name__}, file {state}>"

    def show(self, *, embed: bool | None = None, width: int | None = None) -> None:
        """Show it in the notebook; in a plain script, print its one-line description.

        `embed=True` puts the file itself into the notebook (up to 10 MB), `False` only refers to it, `None`
        decides by what the front end can reach. `width` is in CSS pixels.
        """
        if shell() is None:
            print(self)  # noqa: T201 - there is nothing else to show it on
            return
        from IPython.display import display

        bundle = {"text/plain": repr(self), "text/html": self._html(embed=embed, width=width)}
        display(bundle, raw=True)  # type: ignore[no-untyped-call]

    def _repr_mimebundle_(
        self, include: Container[str] | None = None, exclude: Container[str] | None = None
    ) -> dict[str, str]:
        try:
            html = self._html(embed=None, width=None)
        except MediaError as error:  # a page of traceback under somebody's cell would help nobody
            html = tag("p", escape(error), class_=LITERAL)
        bundle = {"text/plain": repr(self), "text/html": html}
        return {
            mime: text
            for mime, text in bundle.items()
            if (include is None or mime in include) and (exclude is None or mime not in exclude)
        }
