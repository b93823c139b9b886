"""The drawing itself: shapes through smooth stencils, skylines, soft noise, and the outlines of figures."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw

from .scene import Colour

Floats = npt.NDArray[np.float32]
Polygon = Sequence[tuple[float, float]]
# Outlines on a unit square, feet on the bottom edge; later parts lie over earlier ones.
FIGURES: dict[str, Any] = json.loads(Path(__file__).with_name("figures.json").read_text("utf-8"))


def mix(a: Colour, b: Colour, share: float) -> Colour:
    red, green, blue = (round(x + (y - x) * share) for x, y in zip(a, b, strict=True))
    return red, green, blue


def noise(dice: np.random.Generator, size: tuple[int, int], across: float, down: float) -> Floats:
    """Soft cloudy values from 0 to 1: random grids of growing fineness on top of each other."""
    total = np.zeros((size[1], size[0]), np.float32)
    for octave in range(4):
        grid = dice.random((int(down * 2**octave) + 2, int(across * 2**octave) + 2), np.float32)
        total += np.asarray(Image.fromarray(grid).resize(size, Image.Resampling.BICUBIC)) / 2**octave
    return np.asarray(np.clip((total / 1.875 - 0.5) * 1.6 + 0.5, 0, 1), np.float32)


def ridge(
    dice: np.random.Generator, width: int, base: float, rise: float, rough: float, waves: float
) -> Floats:
    """Heights of a skyline, one per column; ``rough`` runs from rolling (0) to jagged (1)."""
    x = np.arange(width, dtype=np.float32) / width
    line = np.zeros(width, np.float32)
    for octave in range(7):
        swing = np.sin(2 * np.pi * (waves * 2**octave * x + dice.random()))
        folded = (1 - rough) * swing + rough * (1 - 2 * np.abs(swing))
        line += folded.astype(np.float32) * (0.36 + 0.14 * rough) ** octave
    return np.asarray(base - rise * (line + 1) / 2, np.float32)


def below(line: Floats, floor: float) -> Polygon:
    """The ground under a skyline."""
    return [(0, floor), *enumerate(line.tolist()), (len(line), float(line[-1])), (len(line), floor)]


def mask(size: tuple[int, int], polygons: Iterable[Polygon]) -> Image.Image:
    """The polygons as a smooth-edged stencil, drawn at twice the size within the rows they touch."""
    shapes = [[(x * 2, y * 2) for x, y in polygon] for polygon in polygons]
    heights = [y for shape in shapes for _, y in shape]
    top = max(0, int(min(heights, default=0)) // 2 - 1)
    bottom = min(size[1], int(max(heights, default=0)) // 2 + 2)
    stencil = Image.new("L", size, 0)
    if bottom > top:
        big = Image.new("L", (size[0] * 2, (bottom - top) * 2), 0)
        draw = ImageDraw.Draw(big)
        for shape in shapes:
            draw.polygon([(x, y - top * 2) for x, y in shape], fill=255)
        stencil.paste(big.reduce(2), (0, top))
    return stencil


def fill(picture: Image.Image, shapes: Iterable[Polygon], top: Colour, bottom: Colour) -> Image.Image:
    """Paint shapes with a colour that changes on the way down; the answer is their stencil."""
    stencil = mask(picture.size, shapes)
    box = stencil.getbbox()
    if box:
        size, mode = (box[2] - box[0], box[3] - box[1]), picture.mode
        down = Image.linear_gradient("L").resize(size, Image.Resampling.NEAREST)
        ramp = Image.composite(Image.new(mode, size, bottom), Image.new(mode, size, top), down)
        picture.paste(ramp, box[:2], stencil.crop(box))
    return stencil


def placed(part: Any, x: float, y: float, size: float, *, flip: bool = False) -> Polygon:
    """The polygon of one part of a figure of this size, its upper left corner at (x, y)."""
    spots = np.asarray(part["points"], float)
    if part["shape"] == "curve":
        spots = _rounded(spots)
    if flip:
        spots = (1, 0) + spots * (-1, 1)
    return [(x + across * size, y + down * size) for across, down in spots.tolist()]


def _rounded(b: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """A closed Catmull-Rom curve through points."""
    a, c, d = np.roll(b, 1, 0), np.roll(b, -1, 0), np.roll(b, -2, 0)
    t = np.linspace(0, 1, 10, endpoint=False)[:, None, None]
    curve = (2 * b + (c - a) * t + (2 * a - 5 * b + 4 * c - d) * t**2 + (3 * b - a - 3 * c + d) * t**3) / 2
    return np.asarray(curve.transpose(1, 0, 2).reshape(-1, 2))
