"""Painting a scene: sky, light, hills, water, woods, and figures in front."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from PIL import Image, ImageChops

from .brush import FIGURES, Floats, Polygon, below, fill, mask, mix, noise, placed, ridge
from .drift import Drift
from .scene import Colour, Scene


class Land(NamedTuple):
    """The lie of a land: where its horizon is, how high and how rough its far ridges, how near ones sink."""

    horizon: float = 0.70
    rise: float = 0.44
    rough: float = 0.75
    step: float = 0.09


LANDS = {
    "sea": Land(0.60, 0.15, step=0),
    "lake": Land(0.62, step=0),
    "meadow": Land(rise=0.16, rough=0),
    "desert": Land(rise=0.20, rough=0),
}
WHITE, BLACK = (255, 255, 255), (0, 0, 0)
FLYING, AFLOAT = ("birds", "balloon"), ("boat",)


@dataclass
class View:
    """One painting in progress. ``back`` is the distance, ``front`` the near ground that moves more.

    The front layer is painted with premultiplied colours: what covers half of a pixel is half as bright.
    ``lift`` raises the near ground by a share of the height: a clip shows only the middle of its canvas.
    """

    scene: Scene
    size: tuple[int, int]
    lift: float = 0.0
    back: Image.Image = field(init=False)
    front: Image.Image = field(init=False)

    def __post_init__(self) -> None:
        self.dice = np.random.default_rng(self.scene.seed)
        # How many specks there are depends on the size in pixels; the land must not.
        self.specks = np.random.default_rng(self.scene.seed)
        self.front = Image.new("RGBA", self.size, (0, 0, 0, 0))
        self.land = LANDS.get(self.scene.land, Land())
        self.horizon = self.land.horizon * self.size[1]
        # The length that looks alike in every ratio.
        self.unit = min(self.size[0] * 0.75, self.size[1])
        low, high = {"day": (0.14, 0.26), "night": (0.12, 0.28)}.get(self.scene.hour, (0.42, 0.54))
        across, down = self.dice.uniform(0.2, 0.8), self.dice.uniform(low, high)
        self.sun = (across * self.size[0], down * self.size[1])

    def still(self) -> Image.Image:
        """Both layers as one picture."""
        whole, near = self.back.copy(), self.near().convert("RGBA")
        whole.paste(near, (0, 0), near)
        return whole

    def near(self) -> Image.Image:
        return Image.frombytes("RGBa", self.size, self.front.tobytes())


def paint(scene: Scene, size: tuple[int, int], lift: float = 0.0) -> View:
    """The scene at ``size``; the same scene and size give the same pixels."""
    view = View(scene, size, lift)
    _sky(view)
    _hills(view)
    if scene.land in ("sea", "lake"):
        _water(view)
    if "fog" in scene.weather:
        _fog(view)
    shore = _ground(view)
    for index, name in enumerate(scene.figures[:2]):
        _figure(view, shore, name, index)
    return view


def _sky(view: View) -> None:
    """Painted at a quarter of the size: it holds nothing sharp, and the grain hides the steps."""
    width, height = view.size[0] // 4, view.size[1] // 4
    colours, hour, dice = view.scene.palette, view.scene.hour, view.dice
    y, x = np.mgrid[0:height, 0:width].astype(np.float32) * 4
    bands = zip(*colours[:3], strict=True)
    sky = np.stack([np.interp(y / view.horizon, (0, 0.55, 1), band) for band in bands], 2).astype(np.float32)
    far = np.hypot((x - view.sun[0]) * 0.8, y - view.sun[1]) / view.unit
    shine, cover = (0.45, 0.28) if hour == "night" else (0.8, 0.6)
    _tint(sky, shine * np.exp(-far * 4.2) + 0.14 * np.exp(-far * 1.4), colours.light)
    clouds = np.clip((noise(dice, (width, height), 2.2, 7) - 0.52) * 2.4, 0, 1)
    _tint(sky, clouds * (1 - 0.45 * y / view.size[1]) * cover, mix(colours.low, colours.light, 0.5))
    if "aurora" in view.scene.weather:
        for lift, tone in ((0.30, (70, 240, 160)), (0.20, (120, 110, 240)), (0.38, (60, 220, 190))):
            off = y / view.size[1] - lift - 0.10 * (noise(dice, (width, 1), 3, 1) - 0.5)
            rays = 0.2 + 0.4 * noise(dice, (width, 1), 26, 1)
            _tint(sky, np.exp(np.where(off < 0, 7, -40) * off) * rays, tone)
    small = Image.fromarray(np.clip(sky, 0, 255).astype(np.uint8))
    smooth = np.asarray(small.resize(view.size, Image.Resampling.BICUBIC), np.int16)
    grain = view.specks.integers(-2, 3, (view.size[1], view.size[0], 1), np.int16)
    view.back = Image.fromarray(np.clip(smooth + grain, 0, 255).astype(np.uint8))
    if hour in ("night", "twilight"):
        few = hour == "twilight" or {"snow", "rain"} & {*view.scene.weather}
        Drift(view.scene, view.size, "stars", 0.25 if few else 1.0).draw(view.back, 0.0)
    _sun(view)


def _tint(sky: Floats, share: Floats, tone: Colour) -> None:
    sky += share[..., None] * (np.asarray(tone, np.float32) - sky)


def _sun(view: View) -> None:
    hour = view.scene.hour
    radius = view.unit * (0.045 if hour in ("day", "night") else 0.075)
    (part,) = FIGURES["moon" if hour == "night" else "sun"]["parts"]
    tone = mix(view.scene.palette.light, WHITE, 0.5)
    fill(view.back, [placed(part, view.sun[0] - radius, view.sun[1] - radius, radius * 2)], tone, tone)


def _hills(view: View) -> None:
    """Four ridges, the nearer the darker; on those of a forest stand pines."""
    colours, land, unit = view.scene.palette, view.land, view.unit
    far, near = colours.far, colours.near
    if view.scene.land == "desert":
        far, near = mix(far, (232, 178, 118), 0.6), mix(near, (150, 84, 56), 0.6)
    for depth in range(4):
        share = depth / 3
        tone = mix(mix(far, colours.low, 0.45), mix(near, far, 0.35), share)
        rise = unit * land.rise * (1 - 0.62 * share)
        base = view.horizon + unit * (land.step * depth - 0.02)
        rough = land.rough and land.rough - 0.55 * share
        woods = view.scene.land == "forest" and depth > 0
        if woods:
            base, rise, rough = view.horizon + unit * (0.07 * depth - 0.02), unit * 0.06, 0.1
        line = ridge(view.dice, view.size[0], base, rise, rough, 0.8 + depth * 0.5)
        trees = _pines(view, line, unit * (0.08 + 0.07 * depth)) if woods else []
        stencil = fill(view.back, [below(line, view.size[1]), *trees], tone, mix(tone, colours.low, 0.5))
        if land.rise > 0.4 and depth < 2 and not woods:
            _slopes(view, line, stencil, tone, rise)


def _slopes(view: View, line: Floats, stencil: Image.Image, tone: Colour, rise: float) -> None:
    """Light on the side of the sun, snow near the top: what makes a ridge a mountain."""
    width, top, depth = view.size[0], int(line.min()), max(4, int(rise * 0.9))
    shift = (noise(view.dice, (width // 4, depth // 4 + 1), 26, 14) - 0.5) * rise * 0.30
    jag = np.asarray(Image.fromarray(shift).resize((width, depth), Image.Resampling.BILINEAR))
    down = np.arange(depth, dtype=np.float32)[:, None] + top - line
    slope = np.gradient(np.asarray(Image.fromarray(line[None]).reduce((8, 1)).resize((width, 1)))[0])
    lit = np.sign(view.sun[0] - np.arange(width)) * slope
    bright = np.clip(lit[np.clip(np.arange(width) + jag.astype(int), 0, width - 1)] * 3 + 0.35, 0, 1)
    caps = 0.5 if "snow" in view.scene.weather else 0.2
    snow = np.clip((rise * caps - down + jag * 0.9) / (rise * 0.03), 0, 1) * (line < top + rise * 0.75)
    light, cover = mix(tone, view.scene.palette.light, 0.6), stencil.crop((0, top, width, top + depth))
    for share, colour in (
        (bright * np.clip(1 - down / depth, 0, 1) * 0.55, light),
        (snow * (0.55 + 0.45 * bright), mix(light, WHITE, 0.6)),
    ):
        part = ImageChops.multiply(cover, Image.fromarray((share * 255).astype(np.uint8)))
        view.back.paste(colour, (0, top), part)


def _pines(view: View, line: Floats, height: float) -> list[Polygon]:
    """A row of pines along a skyline."""
    trees: list[Polygon] = []
    x = -height / 2
    while x < view.size[0]:
        trees.append(_pine(line, x, height * float(view.dice.uniform(0.55, 1.15))))
        x += height * float(view.dice.uniform(0.2, 0.65))
    return trees


def _pine(line: Floats, x: float, tall: float) -> Polygon:
    foot = float(line[min(max(int(x), 0), len(line) - 1)]) + tall * 0.06
    return placed(FIGURES["pine"]["parts"][0], x - tall / 2, foot - tall, tall)


def _water(view: View) -> None:
    """The land mirrored: rows sway more the nearer they come, and the light glitters."""
    line, (width, height), dice = int(view.horizon), view.size, view.dice
    deep, colours = height - line, view.scene.palette
    above = np.asarray(view.back.crop((0, line - deep, width, line)))[::-1]
    near = np.linspace(0, 1, deep, dtype=np.float32)[:, None]
    sway = (np.sin(near**0.6 * 90) + view.specks.normal(0, 0.5, (deep, 1))) * near * view.unit * 0.012
    columns = np.clip(np.arange(width) + sway.astype(int), 0, width - 1)
    mirror = Image.fromarray(np.take_along_axis(above, columns[..., None], 1))
    shade = Image.fromarray((60 + 110 * near).astype(np.uint8)).resize((width, deep))
    mirror.paste(mix(colours.middle, colours.near, 0.5), (0, 0), shade)
    view.back.paste(mirror, (0, line))
    streaks: list[Polygon] = []
    for down in dice.random(220) ** 1.4:
        x, y = dice.normal(view.sun[0], view.unit * (0.03 + 0.22 * down)), line + down * deep
        half, thick = view.unit * (0.006 + 0.035 * down) * dice.random(), 0.6 + view.unit * 0.0028 * down
        streaks.append([(x - half, y), (x, y - thick), (x + half, y), (x, y + thick)])
    view.back.paste(colours.light, (0, 0), mask(view.size, streaks).point([int(v * 0.6) for v in range(256)]))


def _fog(view: View) -> None:
    width, height = view.size
    small = noise(view.dice, (width // 8, height // 8), 2, 5)
    rows = np.linspace(0, 1, len(small), dtype=np.float32)[:, None]
    band = np.exp(-(((rows - view.land.horizon) / 0.16) ** 2))
    veil = Image.fromarray((small * band * 235).astype(np.uint8)).resize(view.size)
    view.back.paste(mix(view.scene.palette.low, WHITE, 0.3), (0, 0), veil)


def _ground(view: View) -> Floats:
    """The near slope of the front layer with its trees and grass, snowed over where the prompt says so."""
    shore = ridge(view.dice, view.size[0], view.size[1] * (0.93 - view.lift), view.unit * 0.10, 0.0, 0.6)
    colours, land, snow = view.scene.palette, view.scene.land, "snow" in view.scene.weather
    if {*AFLOAT} <= {*view.scene.figures[:2]} <= {*AFLOAT, *FLYING}:
        return shore
    tone = mix(colours.near, (160, 92, 62), 0.5) if land == "desert" else colours.near
    shapes = [below(shore, view.size[1])]
    if land in ("forest", "mountains", "lake") or snow:
        trees = [
            _pine(shore, view.size[0] * float(x), view.unit * float(view.dice.uniform(0.24, 0.5)))
            for x in (*view.dice.uniform(-0.02, 0.22, 5), *view.dice.uniform(0.78, 1.02, 5))
        ]
        fill(view.front, trees, mix(colours.near, BLACK, 0.15), mix(colours.near, BLACK, 0.4))
    if snow:
        tone = mix(mix(colours.low, WHITE, 0.55), colours.middle, 0.15)
    elif land in ("forest", "mountains", "lake", "meadow"):
        for x in view.dice.random(420) * view.size[0]:
            foot, lean = float(shore[int(x)]) + 2, view.unit * float(view.dice.normal(0, 0.006))
            tip = (x + lean, foot - view.unit * float(view.dice.uniform(0.008, 0.03)))
            shapes.append([(x - 1.2, foot), tip, (x + 1.2, foot)])
    fill(view.front, shapes, tone, mix(tone, colours.middle, 0.6) if snow else mix(tone, BLACK, 0.35))
    return shore


def _figure(view: View, shore: Floats, name: str, index: int) -> None:
    """One figure of the prompt, on the side away from the sun; a second one stands across, smaller."""
    colours, right = view.scene.palette, (view.sun[0] < view.size[0] / 2) == (index == 0)
    size = view.unit * FIGURES[name]["size"] * (1 - 0.25 * index)
    x = (0.62 if right else 0.38) * view.size[0] - size / 2
    if name in FLYING:
        y = view.size[1] * 0.12
    elif name in AFLOAT:
        y = max(view.horizon + view.unit * 0.12, view.size[1] * (0.76 - view.lift)) - size
    else:
        y = float(shore[int(x + size / 2)]) - size * 0.97
    shade = {"night": 0.35, "twilight": 0.2, "sunset": 0.12}.get(view.scene.hour, 0.0)
    for part in FIGURES[name]["parts"]:
        red, green, blue = part["colour"]
        tone = mix((red, green, blue), colours.near, shade)
        shape = placed(part, x, y, size, flip=not right)
        fill(view.front, [shape], mix(tone, colours.light, 0.10), mix(tone, BLACK, 0.10))
