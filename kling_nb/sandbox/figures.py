"""The figures that stand in a scene: outlines on a unit square, feet on the bottom edge."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np

from .scene import Colour

Point = tuple[float, float]


class Part(NamedTuple):
    """One outline in one colour: "poly" has corners, "curve" is rounded, "dot" is (centre, (radius, 0))."""

    shape: str
    colour: Colour
    points: Sequence[Point]


@dataclass(frozen=True)
class Figure:
    """``size`` is its height as a share of the scene's unit; later parts lie over earlier ones."""

    size: float
    parts: tuple[Part, ...]


@cache
def known() -> Mapping[str, Figure]:
    """Every figure, by name."""
    drawn = json.loads(Path(__file__).with_name("figures.json").read_text("utf-8"))
    return {
        name: Figure(
            told["size"], tuple(Part(p["shape"], tuple(p["colour"]), p["points"]) for p in told["parts"])
        )
        for name, told in drawn.items()
    }


FLYING = frozenset({"birds", "balloon"})
AFLOAT = frozenset({"boat"})


def outline(part: Part) -> list[Point]:
    """The polygon of one part; curves are rounded through their points."""
    if part.shape == "dot":
        (x, y), (radius, _) = part.points
        turn = np.linspace(0, 2 * np.pi, 24, endpoint=False)
        return list(zip(x + radius * np.cos(turn), y + radius * np.sin(turn), strict=True))
    return rounded(part.points) if part.shape == "curve" else list(part.points)


def rounded(points: Sequence[Point], steps: int = 10) -> list[Point]:
    """A closed Catmull-Rom curve through ``points``."""
    p = np.asarray(points, float)
    a, b, c, d = np.roll(p, 1, 0), p, np.roll(p, -1, 0), np.roll(p, -2, 0)
    t = np.linspace(0, 1, steps, endpoint=False)[:, None, None]
    curve = (2 * b + (c - a) * t + (2 * a - 5 * b + 4 * c - d) * t**2 + (3 * b - a - 3 * c + d) * t**3) / 2
    return [(float(x), float(y)) for x, y in curve.transpose(1, 0, 2).reshape(-1, 2)]
