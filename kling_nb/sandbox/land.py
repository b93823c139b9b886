"""Painting a scene: sky, light, hills, water, woods or a town, and a figure in front."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageChops, ImageDraw, ImageFilter

from . import figures
from .scene import Colour, Scene

Floats = npt.NDArray[np.float32]
Polygon = Sequence[tuple[float, float]]
HORIZON = {"sea": 0.60, "lake": 0.62, "space": 0.86, "city": 0.80}


@dataclass
class View:
    """One painting in progress. ``back`` is the distance, ``front`` the near ground that moves more.

    ``lift`` raises the near ground by a share of the height: a clip shows only the middle of its canvas.
    """

    scene: Scene
    size: tuple[int, int]
    lift: float = 0.0
    back: Image.Image = field(init=False)
    front: Image.Image = field(init=False)
    shore: Floats = field(init=False)

    def __post_init__(self) -> None:
        self.dice = np.random.default_rng(self.scene.seed)
        self.back = Image.new("RGB", self.size)
        self.front = Image.new("RGBA", self.size, (0, 0, 0, 0))
        self.horizon = HORIZON.get(self.scene.land, 0.70) * self.size[1]
        self.sun = (float(self.dice.uniform(0.2, 0.8)) * self.size[0], self._sun_height() * self.size[1])

    @property
    def unit(self) -> float:
        """The length that looks alike in every ratio."""
        return float(min(self.size[0] * 0.75, self.size[1]))

    def _sun_height(self) -> float:
        low, high = {"day": (0.14, 0.26), "night": (0.12, 0.28)}.get(self.scene.hour, (0.42, 0.54))
        return float(self.dice.uniform(low, high))

    def still(self) -> Image.Image:
        """Both layers as one picture."""
        whole = self.back.copy()
        whole.paste(self.front, (0, 0), self.front)
        return whole


def paint(scene: Scene, size: tuple[int, int], lift: float = 0.0) -> View:
    """The scene at ``size``; the same scene and size give the same pixels."""
    view = View(scene, size, lift)
    _sky(view)
    _sun(view)
    {"space": _planet, "city": _town, "forest": _woods, "desert": _dunes}.get(scene.land, _hills)(view)
    if scene.land in ("sea", "lake"):
        _water(view)
    if "fog" in scene.weather:
        _fog(view)
    _ground(view)
    _figure(view)
    return view


def mix(a: Colour, b: Colour, share: float) -> Colour:
    red, green, blue = (round(x + (y - x) * share) for x, y in zip(a, b, strict=True))
    return red, green, blue


def noise(dice: np.random.Generator, size: tuple[int, int], across: float, down: float) -> Floats:
    """Soft cloudy values from 0 to 1: random grids of growing fineness on top of each other."""
    total = np.zeros((size[1], size[0]), np.float32)
    for octave in range(4):
        cells = (int(across * 2**octave) + 2, int(down * 2**octave) + 2)
        grid = Image.fromarray(dice.random((cells[1], cells[0]), np.float32))
        total += np.asarray(grid.resize(size, Image.Resampling.BICUBIC), np.float32) / 2**octave
    return np.asarray(np.clip((total / 1.875 - 0.5) * 1.6 + 0.5, 0, 1), np.float32)


def _sky(view: View) -> None:
    """Painted at a quarter of the size: it holds nothing sharp, and the grain hides the steps."""
    width, height = max(2, view.size[0] // 4), max(2, view.size[1] // 4)
    palette, dice = view.scene.palette, view.dice
    down = np.clip(np.linspace(0, view.size[1] / view.horizon, height), 0, 1)
    stops = np.asarray(palette.sky, np.float32)
    column = np.stack([np.interp(down, (0, 0.55, 1), stops[:, band]) for band in range(3)], 1)
    sky = np.repeat(column[:, None, :], width, 1).astype(np.float32)
    sky += _glow(view, width, height)[..., None] * (np.asarray(palette.light, np.float32) - sky)
    _clouds(view, sky)
    if "aurora" in view.scene.weather:
        _aurora(dice, sky)
    small = Image.fromarray(np.clip(sky, 0, 255).astype(np.uint8))
    smooth = np.asarray(small.resize(view.size, Image.Resampling.BICUBIC), np.int16)
    grain = dice.integers(-2, 3, (view.size[1], view.size[0], 1), np.int16)
    view.back = Image.fromarray(np.clip(smooth + grain, 0, 255).astype(np.uint8))
    if view.scene.hour in ("night", "twilight") or view.scene.land == "space":
        _stars(view)


def _glow(view: View, width: int, height: int) -> Floats:
    y, x = np.mgrid[0:height, 0:width].astype(np.float32) * 4
    far = np.hypot((x - view.sun[0]) * 0.8, y - view.sun[1]) / view.unit
    strength = 0.45 if view.scene.hour == "night" else 0.8
    return np.asarray(strength * np.exp(-far * 4.2) + 0.14 * np.exp(-far * 1.4), np.float32)


def _clouds(view: View, sky: Floats) -> None:
    height, width = sky.shape[:2]
    space = view.scene.land == "space"
    field_ = noise(view.dice, (width, height), 2.2, 3 if space else 7)
    edge = 0.42 if space else 0.52
    veil = np.clip((field_ - edge) * 2.4, 0, 1) * np.linspace(1, 0.55, height, dtype=np.float32)[:, None]
    tone = (142, 74, 168) if space else mix(view.scene.palette.sky[2], view.scene.palette.light, 0.5)
    share = 0.5 if space else (0.28 if view.scene.hour == "night" else 0.6)
    sky += veil[..., None] * share * (np.asarray(tone, np.float32) - sky)


def _aurora(dice: np.random.Generator, sky: Floats) -> None:
    height, width = sky.shape[:2]
    y = np.linspace(0, 1, height, dtype=np.float32)[:, None]
    for lift, tone in ((0.30, (70, 240, 160)), (0.20, (120, 110, 240)), (0.38, (60, 220, 190))):
        wave = lift + 0.10 * (noise(dice, (width, 1), 3, 1) - 0.5)
        rays = 0.35 + 0.65 * noise(dice, (width, 1), 26, 1)
        above = np.where(y < wave, np.exp(-(wave - y) * 7), np.exp(-(y - wave) * 40)) * rays
        sky += above[..., None].astype(np.float32) * 0.62 * np.asarray(tone, np.float32)


def _stars(view: View) -> None:
    dice, width = view.dice, view.size[0]
    falling = view.scene.weather & {"snow", "rain"}
    count = 900 if view.scene.land == "space" else 70 if view.scene.hour == "twilight" or falling else 260
    layer = Image.new("L", view.size, 0)
    draw = ImageDraw.Draw(layer)
    for x, y, size in zip(
        dice.random(count), dice.random(count) ** 1.5, dice.random(count) ** 6, strict=True
    ):
        radius = (0.6 + 2.2 * size) * view.unit / 900
        spot = (x * width, y * view.horizon)
        box = (spot[0] - radius, spot[1] - radius, spot[0] + radius, spot[1] + radius)
        draw.ellipse(box, fill=int(110 + 145 * size**0.3 * (1 - 0.6 * y)))
    glow = layer.filter(ImageFilter.GaussianBlur(view.unit / 500)).point(lambda value: min(255, value * 2))
    view.back.paste((255, 252, 240), (0, 0), ImageChops.lighter(layer, glow))


def _sun(view: View) -> None:
    if view.scene.land == "space":
        return
    radius = view.unit * (0.045 if view.scene.hour in ("day", "night") else 0.075)
    disc = _disc(view, view.sun, radius)
    if view.scene.hour == "night":
        bite = _disc(view, (view.sun[0] + radius * 0.55, view.sun[1] - radius * 0.28), radius * 0.92)
        disc = ImageChops.subtract(disc, bite)
    view.back.paste(mix(view.scene.palette.light, (255, 255, 255), 0.5), (0, 0), disc)


def _disc(view: View, centre: tuple[float, float], radius: float) -> Image.Image:
    turn = np.linspace(0, 2 * np.pi, 96)
    return mask(
        view.size,
        [list(zip(centre[0] + radius * np.cos(turn), centre[1] + radius * np.sin(turn), strict=True))],
    )


def mask(size: tuple[int, int], polygons: Iterable[Polygon]) -> Image.Image:
    """The polygons as a smooth-edged stencil, drawn at twice the size within the rows they touch."""
    shapes = [[(x * 2, y * 2) for x, y in polygon] for polygon in polygons]
    stencil = Image.new("L", size, 0)
    heights = [y for shape in shapes for _, y in shape]
    top = max(0, int(min(heights, default=0)) // 2 - 1)
    bottom = min(size[1], int(max(heights, default=0)) // 2 + 2)
    if bottom > top:
        big = Image.new("L", (size[0] * 2, (bottom - top) * 2), 0)
        draw = ImageDraw.Draw(big)
        for shape in shapes:
            draw.polygon([(x, y - top * 2) for x, y in shape], fill=255)
        stencil.paste(big.reduce(2), (0, top))
    return stencil


def fill(picture: Image.Image, stencil: Image.Image, top: Colour, bottom: Colour) -> None:
    """Paint through a stencil with a colour that changes from top to bottom of what it shows."""
    box = stencil.getbbox()
    if box:
        column = (
            Image.linear_gradient("L").resize((1, box[3] - box[1])).resize((box[2] - box[0], box[3] - box[1]))
        )
        ramp = Image.composite(
            Image.new("RGB", column.size, bottom), Image.new("RGB", column.size, top), column
        )
        picture.paste(ramp, box[:2], stencil.crop(box))


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


def _below(line: Floats, floor: float) -> Polygon:
    points = list(enumerate(line.tolist()))
    return [
        (0.0, floor),
        *[(float(x), y) for x, y in points],
        (float(len(line)), points[-1][1]),
        (float(len(line)), floor),
    ]


def _hills(view: View) -> None:
    meadow = view.scene.land == "meadow"
    far, near, haze = view.scene.palette.far, view.scene.palette.near, view.scene.palette.sky[2]
    for depth in range(4):
        share = depth / 3
        tone = mix(mix(far, haze, 0.45), mix(near, far, 0.35), share)
        rise = view.unit * ((0.16 if meadow else 0.44) * (1 - 0.62 * share))
        base = (
            view.horizon
            - view.unit * 0.02
            + view.unit * 0.09 * depth * (0 if view.scene.land in ("sea", "lake") else 1)
        )
        if view.scene.land == "sea":
            rise *= 0.34
        line = ridge(
            view.dice, view.size[0], base, rise, 0.0 if meadow else 0.75 - 0.55 * share, 0.8 + depth * 0.5
        )
        stencil = mask(view.size, [_below(line, view.size[1])])
        fill(view.back, stencil, tone, mix(tone, haze, 0.5))
        if not meadow and depth < 2 and view.scene.land != "sea":
            _slopes(view, line, stencil, tone, rise)


def _slopes(view: View, line: Floats, stencil: Image.Image, tone: Colour, rise: float) -> None:
    """Light on the side of the sun, snow near the top: what makes a ridge a mountain."""
    width, top, depth = view.size[0], int(line.min()), max(4, int(rise * 0.9))
    soft = max(3, width // 160)
    slope = np.gradient(
        np.convolve(np.pad(line, soft, "edge"), np.ones(2 * soft + 1) / (2 * soft + 1), "valid")
    )
    x = np.arange(width)
    lit = np.sign(view.sun[0] - x) * slope
    down = np.arange(depth, dtype=np.float32)[:, None]
    shift = (noise(view.dice, (width // 4 + 1, depth // 4 + 1), 26, 14) - 0.5) * rise * 0.30
    jag = np.asarray(Image.fromarray(shift).resize((width, depth), Image.Resampling.BILINEAR))
    under = down + top - line[None, :]
    bright = np.clip(lit[np.clip(x[None, :] + jag.astype(int), 0, width - 1)] * 3 + 0.35, 0, 1)
    caps = 0.5 if "snow" in view.scene.weather else 0.2
    snow = np.clip((rise * caps - under + jag * 0.9) / (rise * 0.03), 0, 1) * (
        line[None, :] < line.min() + rise * 0.75
    )
    cover = stencil.crop((0, top, width, top + depth))
    fade = np.clip(1 - under / depth, 0, 1)
    light = mix(tone, view.scene.palette.light, 0.6)
    for share, colour in (
        (bright * fade * 0.55, light),
        (snow * (0.55 + 0.45 * bright), mix(light, (250, 252, 255), 0.6)),
    ):
        part = ImageChops.multiply(cover, Image.fromarray((share * 255).astype(np.uint8)))
        view.back.paste(colour, (0, top), part)


def _woods(view: View) -> None:
    _hills(view)
    far, near, haze = view.scene.palette.far, view.scene.palette.near, view.scene.palette.sky[2]
    for depth in range(3):
        tone = mix(mix(far, haze, 0.2), near, 0.25 + 0.3 * depth)
        base = view.horizon + view.unit * (0.02 + 0.07 * depth)
        line = ridge(view.dice, view.size[0], base + view.unit * 0.03, view.unit * 0.06, 0.1, 1.2)
        trees = _pines(view, line, view.unit * (0.13 + 0.07 * depth), 0.75)
        stencil = mask(view.size, [_below(line, view.size[1]), *trees])
        fill(view.back, stencil, tone, mix(tone, haze, 0.42))


def _pines(view: View, line: Floats, height: float, dense: float) -> list[Polygon]:
    trees: list[Polygon] = []
    x = -height * 0.1
    while x < view.size[0] + height * 0.2:
        tall = height * float(view.dice.uniform(0.55, 1.15))
        foot = float(line[min(max(int(x), 0), len(line) - 1)]) + height * 0.06
        trees += _pine(x, foot, tall)
        x += height * float(view.dice.uniform(0.16, 0.5)) / dense
    return trees


def _pine(x: float, foot: float, tall: float) -> list[Polygon]:
    tiers: list[Polygon] = []
    for tier in range(5):
        top, wide = foot - tall * (1 - 0.17 * tier), tall * (0.09 + 0.045 * tier)
        tiers.append(
            [(x, top), (x + wide, top + tall * 0.30), (x, top + tall * 0.25), (x - wide, top + tall * 0.30)]
        )
    return [
        *tiers,
        [(x - tall * 0.02, foot - tall * 0.3), (x + tall * 0.02, foot - tall * 0.3), (x, foot + tall * 0.05)],
    ]


def _dunes(view: View) -> None:
    far, near = (
        mix(view.scene.palette.far, (232, 178, 118), 0.6),
        mix(view.scene.palette.near, (150, 84, 56), 0.6),
    )
    for depth in range(4):
        tone = mix(far, near, depth / 3.4)
        base = view.horizon + view.unit * 0.09 * depth
        line = ridge(view.dice, view.size[0], base, view.unit * 0.17, 0.0, 0.55 + 0.3 * depth)
        fill(
            view.back,
            mask(view.size, [_below(line, view.size[1])]),
            mix(tone, view.scene.palette.light, 0.35),
            tone,
        )
        shade = line + np.clip(
            ridge(view.dice, view.size[0], view.unit * 0.09, view.unit * 0.1, 0.0, 1.3), 0, None
        )
        fill(view.back, mask(view.size, [_below(shade, view.size[1])]), mix(tone, near, 0.35), tone)


def _town(view: View) -> None:
    far, near, haze = view.scene.palette.far, view.scene.palette.near, view.scene.palette.sky[2]
    for depth in range(3):
        tone = mix(mix(far, haze, 0.35), mix(near, far, 0.12), depth / 2)
        houses = _row(view, view.unit * (0.62 - 0.14 * depth), view.unit * (0.06 + 0.03 * depth))
        fill(view.back, mask(view.size, houses), tone, mix(tone, haze, 0.3 - 0.1 * depth))
        _windows(view, houses, depth)


def _row(view: View, tall: float, wide: float) -> list[Polygon]:
    houses: list[Polygon] = []
    x, floor = -wide * 0.5, view.size[1] * 1.0
    while x < view.size[0]:
        broad = wide * float(view.dice.uniform(0.7, 1.6))
        top = view.horizon - tall * float(view.dice.uniform(0.3, 1.0)) ** 1.4
        houses.append([(x, floor), (x, top), (x + broad, top), (x + broad, floor)])
        if view.dice.random() < 0.35:
            mast = x + broad / 2
            houses.append(
                [(mast, floor), (mast, top - tall * 0.12), (mast + 2, top - tall * 0.12), (mast + 2, floor)]
            )
        x += broad * float(view.dice.uniform(1.0, 1.25))
    return houses


def _windows(view: View, houses: Sequence[Polygon], depth: int) -> None:
    step, lit = view.unit * (0.011 + 0.005 * depth), 0.2 if view.scene.hour == "day" else 0.42
    panes: dict[Colour, list[Polygon]] = {(255, 214, 130): [], (140, 220, 255): [], (255, 130, 190): []}
    for house in houses:
        (left, _), (_, top), (right, _), _ = house
        for x in np.arange(left + step, right - step, step * 1.5):
            for y in np.arange(top + step, view.horizon + view.unit * 0.1, step * 2):
                if view.dice.random() < lit:
                    tone = list(panes)[0 if view.dice.random() < 0.8 else int(view.dice.integers(1, 3))]
                    panes[tone].append(
                        [(x, y), (x + step * 0.8, y), (x + step * 0.8, y + step), (x, y + step)]
                    )
    for tone, shapes in panes.items():
        stencil = mask(view.size, shapes).point(lambda value, share=0.4 + 0.25 * depth: int(value * share))
        view.back.paste(tone, (0, 0), stencil)


def _planet(view: View) -> None:
    centre, radius = (view.sun[0], view.size[1] * 0.42), view.unit * 0.24
    stencil = _disc(view, centre, radius)
    bands = noise(view.dice, view.size, 1.2, 16)
    tones = np.asarray([(74, 60, 140), (222, 128, 120), (250, 214, 160)], np.float32)
    face = np.stack([np.interp(bands, (0.2, 0.5, 0.8), tones[:, band]) for band in range(3)], 2)
    view.back.paste(Image.fromarray(face.astype(np.uint8)), (0, 0), stencil)
    dark = ImageChops.subtract(
        stencil, _disc(view, (centre[0] - radius * 0.35, centre[1] - radius * 0.3), radius * 1.05)
    )
    soft = ImageChops.multiply(dark.filter(ImageFilter.GaussianBlur(radius / 7)), stencil)
    view.back.paste((6, 6, 22), (0, 0), soft)


def _water(view: View) -> None:
    """The land mirrored: rows sway more the nearer they come."""
    line, (width, height) = int(view.horizon), view.size
    deep = height - line
    above = np.asarray(view.back.crop((0, max(0, line - deep), width, line)))[::-1]
    rows = np.minimum(np.arange(deep), above.shape[0] - 1)
    near = np.linspace(0, 1, deep, dtype=np.float32)
    sway = (np.sin(near**0.6 * 90) + view.dice.normal(0, 0.5, deep)) * near * view.unit * 0.012
    columns = np.clip(np.arange(width)[None, :] + sway[:, None].astype(int), 0, width - 1)
    mirror = Image.fromarray(above[rows[:, None], columns])
    tone = mix(view.scene.palette.sky[1], view.scene.palette.near, 0.5)
    shade = Image.fromarray(np.repeat((60 + 110 * near)[:, None], width, 1).astype(np.uint8))
    mirror.paste(tone, (0, 0), shade)
    view.back.paste(mirror, (0, line))
    _glitter(view, line, deep)


def _glitter(view: View, line: int, deep: int) -> None:
    streaks: list[Polygon] = []
    for down in view.dice.random(220) ** 1.4:
        y, spread = line + down * deep, view.unit * (0.03 + 0.22 * down)
        x, half = (
            view.dice.normal(view.sun[0], spread),
            view.unit * (0.006 + 0.035 * down) * view.dice.random(),
        )
        thick = 0.6 + view.unit * 0.0028 * down
        streaks.append([(x - half, y), (x, y - thick), (x + half, y), (x, y + thick)])
    view.back.paste(
        view.scene.palette.light, (0, 0), mask(view.size, streaks).point(lambda value: int(value * 0.6))
    )


def _fog(view: View) -> None:
    width, height = view.size
    small = noise(view.dice, (width // 8 + 1, height // 8 + 1), 2, 5)
    rows = np.linspace(0, 1, small.shape[0], dtype=np.float32)[:, None]
    band = np.exp(-(((rows * height - view.horizon) / (0.16 * height)) ** 2))
    veil = Image.fromarray((small * band * 235).astype(np.uint8)).resize(view.size, Image.Resampling.BICUBIC)
    view.back.paste(mix(view.scene.palette.sky[2], (255, 255, 255), 0.3), (0, 0), veil)


def _ground(view: View) -> None:
    """The near slope of the front layer, snowed over where the prompt says so."""
    view.shore = ridge(view.dice, view.size[0], view.size[1] * (0.93 - view.lift), view.unit * 0.10, 0.0, 0.6)
    if view.scene.figure in figures.AFLOAT or (view.scene.land == "space" and view.scene.figure is None):
        return
    near, snow = view.scene.palette.near, "snow" in view.scene.weather
    white = mix(mix(view.scene.palette.sky[2], (255, 255, 255), 0.55), view.scene.palette.sky[1], 0.15)
    if view.scene.land == "desert":
        near = mix(near, (160, 92, 62), 0.5)
    top, bottom = (
        (white, mix(white, view.scene.palette.sky[1], 0.6)) if snow else (near, mix(near, (0, 0, 0), 0.35))
    )
    if view.scene.land in ("forest", "mountains", "lake") or snow:
        pines = mask(view.size, _side_pines(view))
        fill(
            view.front,
            pines,
            mix(view.scene.palette.near, (0, 0, 0), 0.15),
            mix(view.scene.palette.near, (0, 0, 0), 0.4),
        )
        view.front.putalpha(pines)
    stencil = mask(view.size, [_below(view.shore, view.size[1])])
    fill(view.front, stencil, top, bottom)
    view.front.putalpha(ImageChops.lighter(view.front.getchannel("A"), stencil))
    if not snow:
        _grass(view, top)


def _side_pines(view: View) -> list[Polygon]:
    trees: list[Polygon] = []
    for side in (-1, 1):
        for _ in range(5):
            off = float(view.dice.random()) ** 1.3 * 0.24
            x = view.size[0] * (off if side < 0 else 1 - off)
            foot = float(view.shore[min(max(int(x), 0), view.size[0] - 1)]) + view.unit * 0.02
            trees += _pine(x, foot, view.unit * float(view.dice.uniform(0.24, 0.52)) * (1 - off))
    return trees


def _grass(view: View, tone: Colour) -> None:
    if view.scene.land in ("desert", "city", "sea", "space"):
        return
    blades: list[Polygon] = []
    for x in view.dice.random(420) * view.size[0]:
        foot = float(view.shore[int(x)]) + 2
        tall, lean = (
            view.unit * float(view.dice.uniform(0.008, 0.03)),
            view.unit * float(view.dice.normal(0, 0.006)),
        )
        blades.append([(x - 1.2, foot), (x + lean, foot - tall), (x + 1.2, foot)])
    stencil = mask(view.size, blades)
    fill(view.front, stencil, tone, tone)
    view.front.putalpha(ImageChops.lighter(view.front.getchannel("A"), stencil))


def _figure(view: View) -> None:
    name = view.scene.figure
    if name is None:
        return
    figure = figures.known()[name]
    size = view.unit * figure.size
    x = (0.62 if view.sun[0] < view.size[0] / 2 else 0.38) * view.size[0] - size / 2
    if name in figures.FLYING:
        y = view.size[1] * 0.12
    elif name in figures.AFLOAT:
        y = max(view.horizon + view.unit * 0.12, view.size[1] * (0.76 - view.lift)) - size
    else:
        y = float(view.shore[int(x + size / 2)]) - size * 0.97
    flip = view.sun[0] > view.size[0] / 2
    shade = {"night": 0.35, "twilight": 0.2, "sunset": 0.12}.get(view.scene.hour, 0.0)
    for part in figure.parts:
        spots = [(1 - px if flip else px, py) for px, py in figures.outline(part)]
        stencil = mask(view.size, [[(x + px * size, y + py * size) for px, py in spots]])
        tone = mix(part.colour, view.scene.palette.near, shade)
        fill(view.front, stencil, mix(tone, view.scene.palette.light, 0.10), mix(tone, (0, 0, 0), 0.10))
        view.front.putalpha(ImageChops.lighter(view.front.getchannel("A"), stencil))
