"""The camera: how it moves, and what it sees of a painted scene or a start image."""

from __future__ import annotations

import math
from dataclasses import dataclass

from PIL import Image, ImageEnhance

from . import land, scene
from .drift import Drift
from .limits import Body

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


PRESETS = {
    "down_back": Move(y=0.07, zoom=0.86),
    "forward_up": Move(y=-0.06, zoom=1.22),
    "right_turn_forward": Move(x=0.08, zoom=1.20, turning=True),
    "left_turn_forward": Move(x=-0.08, zoom=1.20, turning=True),
}


def camera(params: Body, seed: int) -> Move:
    """The move that was asked for; without one, a slow approach with a drift to one side."""
    kind = params.get("camera_control_type")
    if kind in PRESETS:
        return PRESETS[kind]
    if kind != "simple":
        return Move(x=0.03 if seed % 2 else -0.03, y=-0.008, zoom=1.07)
    much = params["camera_control_config_value"] / 10
    return {
        "horizontal": Move(x=0.12 * much),
        "vertical": Move(y=-0.12 * much),
        "pan": Move(x=0.12 * much, turning=True),
        "tilt": Move(y=-0.12 * much, turning=True),
        "roll": Move(roll=11 * much, zoom=1.0),
        "zoom": Move(zoom=1 - 0.19 * much if much > 0 else 1 - 0.3 * much),
    }[params["camera_control_config"]]


class Shot:
    """One stretch of the clip. ``frame(share)`` is the picture at a share of its length."""

    def __init__(
        self, size: Size, asked: scene.Scene, move: Move, start: Image.Image | None, vivid: float = 1.0
    ) -> None:
        self.size, self._move = size, move
        self._front: Image.Image | None = None
        self.drift = Drift(asked, size, always=True)
        if start is not None:
            self._back = start
            return
        view = land.paint(asked, (round(size[0] * MARGIN), round(size[1] * MARGIN)), LIFT)
        # Near and far move together in a roll, so one layer is enough.
        self._back = ImageEnhance.Color(view.still() if move.roll else view.back).enhance(vivid)
        box = None if move.roll else view.front.getbbox()
        if box:
            self._front, self._front_at = view.front.crop(box).convert("RGBa"), box

    def frame(self, share: float) -> Image.Image:
        eased = share * share * (3 - 2 * share) * 0.35 + share * 0.65
        if self._move.roll:
            return self._rolled(eased)
        box = self._window(eased, 1.0)
        picture = self._back.resize(self.size, Image.Resampling.BILINEAR, box)
        if self._front is not None:
            self._near(picture, self._front, eased)
        return picture

    def _window(self, share: float, depth: float) -> tuple[float, float, float, float]:
        """What the camera sees of the canvas, kept inside it."""
        width, height = self._back.size
        zoom = 1 + (self._move.zoom - 1) * share * (1 if depth == 1 else 1.15)
        wide, high = min(width, self.size[0] / zoom), min(height, self.size[1] / zoom)
        if self._back.size != self.size and self._move.zoom < 1:
            # A camera that backs away starts close, so that there is something to reveal.
            wide, high = wide * self._move.zoom**0.5, high * self._move.zoom**0.5
        spare = ((width - wide) / 2, (height - high) / 2)
        x = max(-spare[0], min(spare[0], self._move.x * self.size[0] * share * depth))
        y = max(-spare[1], min(spare[1], self._move.y * self.size[1] * share * depth))
        left, top = max(0.0, spare[0] + x), max(0.0, spare[1] + y)
        return left, top, min(float(width), left + wide), min(float(height), top + high)

    def _near(self, picture: Image.Image, layer: Image.Image, share: float) -> None:
        """The front layer, of which only the visible part is scaled."""
        left, top, right, bottom = self._window(share, 1.0 if self._move.turning else PARALLAX)
        scale = self.size[0] / (right - left)
        x0, y0, x1, y1 = self._front_at
        at = (math.floor((max(x0, left) - left) * scale), math.floor((max(y0, top) - top) * scale))
        to = (math.ceil((min(x1, right) - left) * scale), math.ceil((min(y1, bottom) - top) * scale))
        if to[0] <= at[0] or to[1] <= at[1]:
            return
        box = (
            left + at[0] / scale - x0,
            top + at[1] / scale - y0,
            left + to[0] / scale - x0,
            top + to[1] / scale - y0,
        )
        inside = (
            max(0, box[0]),
            max(0, box[1]),
            min(layer.width, box[2]),
            min(layer.height, box[3]),
        )
        near = layer.resize((to[0] - at[0], to[1] - at[1]), Image.Resampling.BILINEAR, inside).convert("RGBA")
        picture.paste(near, at, near)

    def _rolled(self, share: float) -> Image.Image:
        turn = math.radians(self._move.roll * share)
        middle = (self._back.width / 2, self._back.height / 2)
        half = (self.size[0] / 2, self.size[1] / 2)
        cos, sin = math.cos(turn), math.sin(turn)
        to = (
            cos,
            -sin,
            middle[0] - cos * half[0] + sin * half[1],
            sin,
            cos,
            middle[1] - sin * half[0] - cos * half[1],
        )
        return self._back.transform(self.size, Image.Transform.AFFINE, to, Image.Resampling.BILINEAR)
