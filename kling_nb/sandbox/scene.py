"""What a prompt asks to see: hour, land, weather and a figure, with the digest deciding the rest."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

Colour = tuple[int, int, int]
Words = Mapping[str, Sequence[str]]


@dataclass(frozen=True)
class Palette:
    """Sky from the top down, the colour of the light, and the nearest and farthest ground."""

    sky: tuple[Colour, ...]
    light: Colour
    far: Colour
    near: Colour

    @classmethod
    def told(cls, sky: Any, **others: Any) -> Palette:
        return cls(tuple(map(tuple, sky)), **{name: tuple(colour) for name, colour in others.items()})


_TABLES = json.loads(Path(__file__).with_name("scene.json").read_text("utf-8"))
# Each name with the words that call for it. Where two are called for, the first in the prompt wins.
HOURS: Words = _TABLES["hours"]
LANDS: Words = _TABLES["lands"]
FIGURES: Words = _TABLES["figures"]
WEATHERS: Words = _TABLES["weathers"]
PALETTES: Mapping[str, Palette] = {name: Palette.told(**told) for name, told in _TABLES["palettes"].items()}


@dataclass(frozen=True)
class Scene:
    """A picture to be painted; equal scenes paint equal pictures."""

    hour: str
    land: str
    figure: str | None
    weather: frozenset[str]
    seed: int

    @property
    def palette(self) -> Palette:
        return PALETTES[self.hour]


def read(prompt: str, negative: str = "") -> Scene:
    """The scene a prompt describes. What the negative prompt names stays out of the picture."""
    digest = hashlib.sha256(prompt.encode()).digest()
    weather = frozenset(name for name in WEATHERS if _first({name: WEATHERS[name]}, prompt, negative))
    land = _first(LANDS, prompt, negative) or ("mountains", "lake", "meadow", "forest", "sea")[digest[1] % 5]
    # A mountain lake or a forest lake is a lake: its shores show the rest.
    lake = land in ("mountains", "forest") and _place(LANDS["lake"], prompt) is not None
    return Scene(
        hour=_first(HOURS, prompt, negative) or list(PALETTES)[digest[0] % len(PALETTES)],
        land="lake" if lake else land,
        figure=_first(FIGURES, prompt, negative),
        weather=weather,
        seed=int.from_bytes(digest[2:10], "big"),
    )


def _first(words: Words, prompt: str, negative: str) -> str | None:
    """The name whose word comes first in the prompt, or None."""
    places = {name: _place(known, prompt) for name, known in words.items() if _place(known, negative) is None}
    found = {name: place for name, place in places.items() if place is not None}
    return min(found, key=lambda name: found[name]) if found else None


def _place(words: Sequence[str], text: str) -> int | None:
    found = re.search(rf"\b(?:{'|'.join(words)})s?\b", text, re.IGNORECASE)
    return found.start() if found else None
