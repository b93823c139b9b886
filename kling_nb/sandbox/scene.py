"""What a prompt asks to see: hour, land, weather and figures, with the digest deciding the rest."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

Colour = tuple[int, int, int]
Words = Mapping[str, Sequence[str]]


class Palette(NamedTuple):
    """Sky from the top down, the colour of the light, and the farthest and nearest ground."""

    top: Colour
    middle: Colour
    low: Colour
    light: Colour
    far: Colour
    near: Colour


# Each name of an hour, a land, a figure or a weather with the words that call for it.
TABLES = json.loads(Path(__file__).with_name("scene.json").read_text("utf-8"))
PALETTES = {name: Palette(*map(tuple, told)) for name, told in TABLES["palettes"].items()}


@dataclass(frozen=True)
class Scene:
    """A picture to be painted; equal scenes paint equal pictures. The first figure comes first."""

    hour: str
    land: str
    figures: tuple[str, ...]
    weather: tuple[str, ...]
    seed: int

    @property
    def palette(self) -> Palette:
        return PALETTES[self.hour]


def read(prompt: str, negative: str = "") -> Scene:
    """The scene a prompt describes. What the negative prompt names stays out of the picture."""
    digest = hashlib.sha256(prompt.encode()).digest()
    hours, lands, figures, weathers = (
        _named(TABLES[kind], prompt, negative) for kind in ("hours", "lands", "figures", "weathers")
    )
    # A mountain lake or a forest lake is a lake: its shores show the rest.
    if "lake" in lands and lands[0] in ("mountains", "forest"):
        lands = ("lake",)
    return Scene(
        hour=(hours or tuple(PALETTES)[digest[0] % len(PALETTES) :])[0],
        land=(lands or ("mountains", "lake", "meadow", "forest", "sea")[digest[1] % 5 :])[0],
        figures=figures,
        weather=weathers,
        seed=int.from_bytes(digest[2:10], "big"),
    )


def _named(words: Words, prompt: str, negative: str) -> tuple[str, ...]:
    """The names that the prompt calls for and the negative prompt does not, in the order of the prompt."""
    places = {name: _place(known, prompt) for name, known in words.items() if _place(known, negative) < 0}
    return tuple(sorted((name for name in places if places[name] >= 0), key=places.__getitem__))


def _place(words: Sequence[str], text: str) -> int:
    found = re.search(rf"\b(?:{'|'.join(words)})s?\b", text, re.IGNORECASE)
    return found.start() if found else -1
