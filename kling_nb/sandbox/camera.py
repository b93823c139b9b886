"""The camera: how it moves, and what it sees of a painted scene or a start image."""

from __future__ import annotations

import math
from dataclasses import dataclass

from PIL import Image

from .land import paint
from .limits import Body
from .scene import TABLES, Scene

Size = tuple[int, int]
MARGIN = 1.25
LIFT = 0.13
PARALLAX = 1.7


@dataclass(frozen=True)
class Move:
    """Where the camera ends up: shares of the frame sideways and down, a zoom factor, a turn in degrees.

    A ``turning`` camera shifts near and far alike; a travelling one shifts the near ground more.
    """

    x: float = 0.0
    y: float = 0.0
    zoom: float = 1.0
    roll: float = 0.0
    turning: bool = False


def camera(params: Body, seed: int) -> Move:
    """The move that was asked for; without one, a slow approach with a drift to one side."""
    kind = params.get("camera_control_type")
    if kind in TABLES["moves"]:
        return Move(**TABLES["moves"][kind])
    if kind != "simple":
        return Move(x=0.03 if seed % 2 else -0.03, y=-0.008, zoom=1.07)
    much, full = (
        params["camera_control_config_value"] / 10,
        Move(**TABLES["axes"][params["camera_control_config"]]),
    )
    return Move(full.x * much, full.y * much, full.zoom**much, full.roll * much, full.turning)


class Shot:
    """One stretch of the clip. ``frame(share)`` is the picture at a share of its length.

    ``haze`` veils what is seen in the light of the horizon; below 0 it makes it clearer than it is.
    A start image is shown as it is at first.
    """

    def __init__(self, size: Size, asked: Scene, move: Move, start: Image.Image | None, haze: float) -> None:
        self.size, self._move, self._haze, self._start = size, move, haze, start
        self._veil = Image.new("RGB", size, asked.palette.low)
        self._front: Image.Image | None = None
        if start is not None:
            self._back = start
            return
        view = paint(asked, (round(size[0] * MARGIN), round(size[1] * MARGIN)), LIFT)
        # Near and far move together in a roll, so one layer is enough.
        self._back = view.still() if move.roll else view.back
        near = view.near()
        box = None if move.roll else near.getbbox()
        if box:
            # A rim of nothing, so that the edge is where it is between pixels too.
            self._box = (max(0, box[0] - 2), max(0, box[1] - 2), min(near.width, box[2] + 2), near.height)
            self._front = near.crop(self._box)

    def frame(self, share: float) -> Image.Image:
        eased = share * share * (3 - 2 * share) * 0.35 + share * 0.65
        if self._move.roll:
            picture = self._rolled(math.radians(self._move.roll * eased))
        else:
            picture = self._back.resize(self.size, Image.Resampling.BILINEAR, self._window(eased, 1.0))
        if self._front is not None:
            self._put_front(picture, self._front, eased)
        haze = self._haze * (share if self._start else 1)
        return Image.blend(picture, self._veil, haze) if haze else picture

    def _window(self, share: float, depth: float) -> tuple[float, float, float, float]:
        """What the camera sees of the canvas, kept inside it."""
        (width, height), move = self._back.size, self._move
        # A camera that backs away starts close, so that there is something to reveal.
        zoom = move.zoom ** (share - 0.5 if move.zoom < 1 else share)
        wide, high = min(width, self.size[0] / zoom), min(height, self.size[1] / zoom)
        left = (width - wide) / 2 + move.x * self.size[0] * share * depth
        top = (height - high) / 2 + move.y * self.size[1] * share * depth
        left, top = max(0.0, min(width - wide, left)), max(0.0, min(height - high, top))
        return left, top, min(float(width), left + wide), min(float(height), top + high)

    def _rolled(self, turn: float) -> Image.Image:
        cos, sin, (width, height), (wide, high) = math.cos(turn), math.sin(turn), self._back.size, self.size
        x, y = (width - cos * wide + sin * high) / 2, (height - sin * wide - cos * high) / 2
        to = (cos, -sin, x, sin, cos, y)
        return self._back.transform(self.size, Image.Transform.AFFINE, to, Image.Resampling.BILINEAR)

    def _put_front(self, picture: Image.Image, layer: Image.Image, share: float) -> None:
        """The front layer, of which only the visible part is scaled."""
        left, top, right, _ = self._window(share, 1.0 if self._move.turning else PARALLAX)
        scale, (x0, y0, x1, y1) = (right - left) / self.size[0], self._box
        x, y = max(0, math.ceil((x0 - left) / scale)), max(0, math.ceil((y0 - top) / scale))
        wide = min(self.size[0], int((x1 - left) / scale)) - x
        high = min(self.size[1], int((y1 - top) / scale)) - y
        if wide > 0 and high > 0:
            from_x, from_y = left + x * scale - x0, top + y * scale - y0
            to_x, to_y = min(layer.width, from_x + wide * scale), min(layer.height, from_y + high * scale)
            box = (from_x, from_y, to_x, to_y)
            near = layer.resize((wide, high), Image.Resampling.BILINEAR, box).convert("RGBA")
            picture.paste(near, (x, y), near)
