"""What floats through the air of a scene: snow, rain, fireflies or a few motes of light; and the stars."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from .scene import Colour, Scene

# kind: how many, radius, falling, sideways, colour (None takes the light of the hour), softness
KINDS: dict[str, tuple[int, float, float, float, Colour | None, float]] = {
    "snow": (150, 0.0035, 0.11, 0.03, (255, 255, 255), 0.35),
    "rain": (170, 0.0012, 1.3, -0.10, (214, 226, 240), 0.1),
    "fireflies": (46, 0.0042, -0.02, 0.015, (255, 226, 130), 0.9),
    "motes": (26, 0.0026, -0.008, 0.02, None, 0.7),
    "stars": (360, 0.0021, 0.0, 0.0, (255, 252, 240), 0.35),
}
LEVELS = 12


class Drift:
    """Particles whose place follows from the time alone; ``share`` makes them fewer or more."""

    def __init__(self, scene: Scene, size: tuple[int, int], kind: str, share: float = 1.0) -> None:
        self._size, self._steady = size, kind in ("snow", "rain")
        count, radius, fall, side, colour, soft = KINDS[kind]
        dice = np.random.default_rng(scene.seed ^ 0x5EED)
        self._colour = colour or scene.palette.light
        self._at = dice.random((round(count * share), 2))
        depth = dice.random(len(self._at)) ** 1.5 + 0.45
        self._speed = np.stack([side * depth * dice.normal(1, 0.4, len(depth)), fall * depth], 1)
        self._phase = dice.random(len(self._at)) * 6.28
        self._sprites = [_sprite(kind, min(size) * radius * near, soft) for near in depth.tolist()]

    def draw(self, picture: Image.Image, seconds: float, strength: float = 1.0) -> None:
        """Put the particles where they are after ``seconds``; ``strength`` fades them in."""
        width, height = self._size
        sway = 0.012 * np.sin(self._phase + seconds * 1.7)
        places = (self._at + self._speed * seconds + np.stack([sway, sway * 0.4], 1)) % 1.0
        twinkle = 0.0 if self._steady else 0.45 - 0.45 * np.sin(self._phase * 3 + seconds * 2.4)
        levels = np.rint((1 - twinkle) * strength * LEVELS * np.ones(len(places))).astype(int)
        for (x, y), sprite, level in zip(places, self._sprites, levels, strict=True):
            at = (int(x * (width + 40)) - 20, int(y * (height + 40)) - 20)
            picture.paste(self._colour, at, sprite[level])


def floating(scene: Scene) -> list[str]:
    """What the prompt lets float through the air."""
    return [kind for kind in KINDS if kind in scene.weather][:1]


def _sprite(kind: str, radius: float, soft: float) -> list[Image.Image]:
    """One particle from invisible to full: looked up per frame instead of worked out."""
    if kind == "rain":
        full = Image.new("L", (max(1, int(radius * 1.4)), max(4, int(radius * 26))), 90)
    else:
        side = int(8 * radius * (1 + 2 * soft)) + 8
        full = Image.new("L", (side, side), 0)
        ImageDraw.Draw(full).circle((side / 2, side / 2), radius * 4, 235)
        full = full.filter(ImageFilter.GaussianBlur(radius * 4 * soft)).reduce(4)
    return [full.point([value * level // LEVELS for value in range(256)]) for level in range(LEVELS + 1)]
