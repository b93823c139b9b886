"""What floats through the air of a scene: snow, rain, fireflies or a few motes of light."""

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
}

LEVELS = 12


class Drift:
    """Particles whose place follows from the time alone."""

    def __init__(self, scene: Scene, size: tuple[int, int], *, always: bool) -> None:
        self._size = size
        named = [kind for kind in KINDS if kind in scene.weather]
        self._kind = named[0] if named else "motes" if always else None
        count, radius, fall, side, colour, soft = KINDS[self._kind or "motes"]
        dice = np.random.default_rng(scene.seed ^ 0x5EED)
        self._colour = colour or scene.palette.light
        self._at = dice.random((count if self._kind else 0, 2))
        depth = dice.random(len(self._at)) ** 1.5 + 0.45
        self._speed = np.stack([side * depth * dice.normal(1, 0.4, len(depth)), fall * depth], 1)
        self._phase = dice.random(len(self._at)) * 6.28
        unit = min(size)
        self._sprites = [_levels(_sprite(self._kind, unit * radius * d, soft)) for d in depth.tolist()]

    def draw(self, picture: Image.Image, seconds: float, strength: float = 1.0) -> None:
        """Put the particles where they are after ``seconds``; ``strength`` fades them in."""
        width, height = self._size
        sway = 0.012 * np.sin(self._phase + seconds * 1.7)
        places = (self._at + self._speed * seconds + np.stack([sway, sway * 0.4], 1)) % 1.0
        shine = strength * self._twinkle(seconds)
        for (x, y), sprite, share in zip(places, self._sprites, shine, strict=True):
            at = (int(x * (width + 40)) - 20, int(y * (height + 40)) - 20)
            picture.paste(self._colour, at, sprite[round(share * LEVELS)])

    def _twinkle(self, seconds: float) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
        if self._kind in ("snow", "rain"):
            return np.ones(len(self._at))
        return np.asarray(0.55 + 0.45 * np.sin(self._phase * 3 + seconds * 2.4))


def _levels(sprite: Image.Image) -> list[Image.Image]:
    """The sprite from invisible to full: looked up per frame instead of worked out."""
    return [
        sprite.point([round(value * level / LEVELS) for value in range(256)]) for level in range(LEVELS + 1)
    ]


def _sprite(kind: str | None, radius: float, soft: float) -> Image.Image:
    if kind == "rain":
        return Image.new("L", (max(1, int(radius * 1.4)), max(4, int(radius * 26))), 90)
    pad = radius * (1 + 2 * soft)
    big = Image.new("L", (int(pad * 8) + 8, int(pad * 8) + 8), 0)
    middle = big.size[0] / 2
    ImageDraw.Draw(big).ellipse(
        (middle - radius * 4, middle - radius * 4, middle + radius * 4, middle + radius * 4), 235
    )
    return big.filter(ImageFilter.GaussianBlur(radius * 4 * soft)).reduce(4)
