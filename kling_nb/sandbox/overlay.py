"""What is written on a picture: the parameters in a thin strip, the sandbox mark, element insets."""

from __future__ import annotations

from collections.abc import Sequence

from PIL import Image, ImageDraw, ImageFont, ImageOps

from .limits import Body, Contract

Font = ImageFont.FreeTypeFont | ImageFont.ImageFont
SEPARATOR = "   "
INK = (10, 12, 22)


class Overlay:
    """Everything written on one picture, drawn once and pasted as often as there are frames."""

    def __init__(
        self, size: tuple[int, int], text: str, insets: Sequence[Image.Image] = (), label: str = ""
    ) -> None:
        unit = strip_height(size) // 2
        self._layer = Image.new("RGBA", size, (0, 0, 0, 0))
        self._draw = ImageDraw.Draw(self._layer)
        self._font: Font = ImageFont.load_default(size=unit)
        self._legend(text, unit)
        self._tag("sandbox", unit, right=True)
        if label:
            self._tag(label, unit, right=False)
        for index, inset in enumerate(insets):
            self._inset(inset, index, len(insets), unit)
        # Only the touched rows are pasted: a frame is large and the writing is small.
        rows = [(0, unit * 4), (size[1] - unit * (12 if insets else 3), size[1])]
        self._bands = [(top, self._layer.crop((0, top, size[0], bottom))) for top, bottom in rows]

    def put(self, picture: Image.Image) -> None:
        for top, band in self._bands:
            picture.paste(band, (0, top), band)

    def _legend(self, text: str, unit: int) -> None:
        width, height = self._layer.size
        self._draw.rectangle((0, height - unit * 2, width, height), (*INK, 255))
        self._draw.text(
            (unit, height - unit),
            self._fitted(text, width - 2 * unit),
            (238, 240, 246, 235),
            self._font,
            "lm",
        )

    def _fitted(self, text: str, room: int) -> str:
        if self._font.getlength(text) <= room:
            return text
        while text and self._font.getlength(text + "...") > room:
            text = text[:-1]
        return text + "..."

    def _tag(self, text: str, unit: int, *, right: bool) -> None:
        wide, edge = self._font.getlength(text) + unit * 1.2, self._layer.size[0] - unit
        left = edge - wide if right else unit
        self._draw.rounded_rectangle((left, unit, left + wide, unit * 2.9), unit, (*INK, 190))
        self._draw.text((left + wide / 2, unit * 1.95), text, (255, 255, 255, 225), self._font, "mm")

    def _inset(self, picture: Image.Image, index: int, count: int, unit: int) -> None:
        room = self._layer.size[0] - 2 * unit
        side = min(unit * 8, room // max(count, 1) - unit // 2)
        at = (unit + index * (side + unit // 2), self._layer.size[1] - unit * 3 - side)
        frame = (at[0] - 3, at[1] - 3, at[0] + side + 2, at[1] + side + 2)
        self._draw.rounded_rectangle(frame, unit // 2, (255, 255, 255, 235))
        small, stencil = ImageOps.fit(picture, (side, side)), Image.new("L", (side, side), 0)
        ImageDraw.Draw(stencil).rounded_rectangle((0, 0, side - 1, side - 1), unit // 2, 255)
        self._layer.paste(small, at, stencil)
        spot, white, edge = (at[0] + 5, at[1] + 2), (255, 255, 255, 255), (*INK, 200)
        self._draw.text(spot, str(index + 1), white, self._font, "la", stroke_width=2, stroke_fill=edge)


def strip_height(size: tuple[int, int]) -> int:
    """How many rows at the bottom the legend takes."""
    return 2 * max(12, round(min(size) * 0.019))


def legend(contract: Contract, params: Body, size: tuple[int, int]) -> str:
    """The request in one line, most telling things first."""
    said = [contract.slug, params["aspect_ratio"], f"{size[0]}x{size[1]}"]
    said += [str(params[name]) for name in ("resolution", "output_format", "mode") if name in params]
    said += [f"{params['duration']} s"] if "duration" in params else []
    said += [f"cfg {params['cfg_scale']:g}"] if "cfg_scale" in params else []
    said += [_camera(params)] if params.get("camera_control_type") else []
    said += [f"{len(params['multi_prompt'])} shots"] if params.get("multi_prompt") else []
    said += [f"{len(params['elements'])} elements"] if params.get("elements") else []
    said += [_sound(params)] if "generate_audio" in params else []
    said += [f"avoid: {params['negative_prompt']}"] if params.get("negative_prompt") else []
    return SEPARATOR.join(said)


def _camera(params: Body) -> str:
    kind = str(params["camera_control_type"])
    if kind != "simple":
        return f"camera {kind.replace('_', ' ')}"
    return f"camera {params['camera_control_config']} {params['camera_control_config_value']:+d}"


def _sound(params: Body) -> str:
    if not params["generate_audio"]:
        return "silent"
    voices = len(params.get("voice_ids") or ())
    return f"sound, {voices} voices" if voices else "sound"
