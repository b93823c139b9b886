"""What is written under a picture: the parameters in a thin strip with the sandbox mark, element insets."""

from __future__ import annotations

from collections.abc import Sequence

from PIL import Image, ImageDraw, ImageFont, ImageOps

from .limits import Body, Contract

INK, PAPER = (10, 12, 22), (238, 240, 246)
MARK = "sandbox"


def writing(size: tuple[int, int], text: str, insets: Sequence[Image.Image] = ()) -> Image.Image:
    """The strip and what stands on it, drawn once and put on as many frames as there are."""
    unit, width = _unit(size), size[0]
    font = ImageFont.load_default(size=unit)
    band = Image.new("RGBA", (width, unit * (11 if insets else 2)), (0, 0, 0, 0))
    draw, floor = ImageDraw.Draw(band), band.height - unit * 2
    draw.rectangle((0, floor, *band.size), INK)
    mark = width - unit * 1.5 - font.getlength(MARK)
    draw.rounded_rectangle(
        (mark - unit / 2, floor + unit * 0.3, width - unit, floor + unit * 1.7), unit, PAPER
    )
    draw.text((mark, floor + unit), MARK, INK, font, "lm")
    if font.getlength(text) > mark - unit * 2:
        while text and font.getlength(text + "...") > mark - unit * 2:
            text = text[:-1]
        text += "..."
    draw.text((unit, floor + unit), text, PAPER, font, "lm")
    for index, inset in enumerate(insets):
        side = min(unit * 8, (width - 2 * unit) // len(insets) - unit // 2)
        left, top = unit + index * (side + unit // 2), floor - unit - side
        draw.rectangle((left - 3, top - 3, left + side + 2, top + side + 2), PAPER)
        band.paste(ImageOps.fit(inset, (side, side)), (left, top))
        draw.rectangle((left, top, left + unit, top + unit * 1.2), PAPER)
        draw.text((left + unit / 2, top + unit * 0.6), str(index + 1), INK, font, "mm")
    return band


def put(band: Image.Image, picture: Image.Image) -> None:
    picture.paste(band, (0, picture.height - band.height), band)


def unwritten(picture: Image.Image) -> Image.Image:
    """A picture of the sandbox's own without its strip: two of them on one picture confuse."""
    width, height = picture.size
    strip = _unit(picture.size) * 2
    edges = [picture.getpixel((x, y)) for x in (0, width - 1) for y in (height - 1, height - strip + 2)]
    inked = all(abs(a - b) < 6 for edge in edges for a, b in zip(edge, INK, strict=True))  # type: ignore[arg-type]
    return picture.crop((0, 0, width, height - strip)) if inked else picture


def _unit(size: tuple[int, int]) -> int:
    return max(12, round(min(size) * 0.019))


def legend(contract: Contract, params: Body, size: tuple[int, int]) -> str:
    """The request in one line; lists are counted."""
    said = [contract.slug, f"{size[0]}x{size[1]}"]
    for name, value in params.items():
        if name != "prompt" and not name.endswith("_url"):
            said.append(f"{name.replace('_', ' ')} {len(value) if isinstance(value, list) else value}")
    return "   ".join(said)
