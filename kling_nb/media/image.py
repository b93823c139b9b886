"""A picture that came back."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from . import pixels, show
from .file import MediaFile
from .sniff import Kind
from .trouble import MediaError
from .whole import write_whole

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from PIL.Image import Image as Pil


class Image(MediaFile):
    """A still picture in a file: png, jpeg or webp."""

    _moves = False

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in pixels. Raises MediaError."""
        stamp = self._stamp
        with self._reading():
            return pixels.size_of(self.path, stamp)

    def to_pil(self) -> Pil:
        """The picture as a PIL image of its own, decoded. Raises MediaError."""
        with self._reading():
            return pixels.loaded(self.path)

    def to_numpy(self) -> NDArray[np.uint8]:
        """The pixels as uint8 of shape (height, width, 3), or 4 with transparency. Raises MediaError."""
        import numpy as np

        with self._reading():
            return np.array(pixels.plain(pixels.loaded(self.path)), dtype=np.uint8)

    def _convert(self, target: Path, kind: Kind | None) -> Path:
        if kind is None or kind.name not in ("png", "jpeg", "webp"):
            what = f"A picture can not be saved as {target.suffix}."
            raise MediaError(what, todo="Use .png, .jpg or .webp.")
        with self._reading():
            return write_whole(target, pixels.encode(pixels.loaded(self.path), kind.name))

    def _facts(self) -> str:
        return "{}x{} {}".format(*self.size, self.format)

    def _html(self, *, embed: bool | None, width: int | None) -> str:
        return show.image_html(self, embed=embed, width=width)
