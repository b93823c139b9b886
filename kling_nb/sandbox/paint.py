"""Pictures: a painted scene, or an input picture seen anew, written on and encoded."""

from __future__ import annotations

import hashlib
import io
from typing import Any

import numpy as np
from PIL import Image, ImageEnhance, ImageFilter, ImageOps, UnidentifiedImageError

from . import land, scene
from .drift import Drift
from .limits import Body, Contract
from .overlay import INK, Overlay, legend, strip_height
from .render import Inputs, Unpaintable

SAVE: dict[str, dict[str, Any]] = {
    "png": {"compress_level": 3},
    "jpeg": {"quality": 92, "subsampling": 0},
    "webp": {"quality": 90, "method": 2},
}


def picture(contract: Contract, params: Body, inputs: Inputs) -> bytes:
    """The encoded picture for one request."""
    size = frame_size(contract, params)
    asked = scene.read(params["prompt"], params.get("negative_prompt", ""))
    made = land.paint(asked, size).still()
    if "image_url" in params:
        made = seen_anew(unwritten(given(params["image_url"], inputs)), made, asked)
    Drift(asked, size, always=False).draw(made, 0.0)
    Overlay(size, legend(contract, params, size), insets(params, inputs)).put(made)
    data = io.BytesIO()
    made.save(data, params["output_format"], **SAVE[params["output_format"]])
    return data.getvalue()


def frame_size(contract: Contract, params: Body) -> tuple[int, int]:
    tier = params.get("resolution") or params.get("mode") or "std"
    width, height = (contract.sizes or {})[tier][params["aspect_ratio"]]
    return width, height


def given(url: str, inputs: Inputs) -> Image.Image:
    """The picture a URL stands for: the uploaded one, or a placeholder where nothing was fetched."""
    data = inputs.get(url)
    if data is None:
        return placeholder(url)
    try:
        with Image.open(io.BytesIO(data)) as file:
            return ImageOps.exif_transpose(file).convert("RGB")
    except (UnidentifiedImageError, OSError) as error:
        raise Unpaintable(f"Could not read an image from {url}") from error


def placeholder(url: str) -> Image.Image:
    """A painted stand-in for a picture on somebody else's host, told apart by its address."""
    asked = scene.read(url.rsplit("/", 1)[-1].replace("-", " ").replace("_", " "))
    named = int.from_bytes(hashlib.sha256(url.encode()).digest()[:8], "big")
    return land.paint(
        scene.Scene(asked.hour, asked.land, asked.figure, asked.weather, named), (960, 960)
    ).still()


def insets(params: Body, inputs: Inputs) -> list[Image.Image]:
    """One picture per element: its front view, else its first reference."""
    urls = [
        element.get("frontal_image_url") or element["reference_image_urls"][0]
        for element in params.get("elements") or ()
    ]
    return [given(url, inputs) for url in urls]


def seen_anew(source: Image.Image, painted: Image.Image, asked: scene.Scene) -> Image.Image:
    """The source in the colours and light of the scene: its forms stay, its mood changes."""
    own = ImageOps.fit(source, painted.size, Image.Resampling.LANCZOS)
    palette = asked.palette
    toned = ImageOps.colorize(
        ImageOps.autocontrast(own.convert("L"), 1), palette.near, _pale(palette.light), palette.sky[1]
    )
    mood = Image.blend(own, toned, 0.58)
    # Blurred until nothing of the painting is left but where it is light and where it is dark.
    wash = (
        painted.reduce(16).filter(ImageFilter.GaussianBlur(6)).resize(painted.size, Image.Resampling.BICUBIC)
    )
    if "snow" in asked.weather:
        mood = _snowed(mood)
    return ImageEnhance.Contrast(Image.blend(mood, wash, 0.2)).enhance(1.12)


def unwritten(source: Image.Image) -> Image.Image:
    """A picture of the sandbox's own without its legend: two of them on one picture confuse."""
    strip, width = strip_height(source.size), source.width
    edges = [source.getpixel((x, source.height - 1 - y)) for x in (0, width - 1) for y in (0, strip - 2)]
    if all(
        max(abs(a - b) for a, b in zip(edge, INK, strict=True)) < 6
        for edge in edges
        if isinstance(edge, tuple)
    ):
        return source.crop((0, 0, width, source.height - strip))
    return source


def _pale(colour: scene.Colour) -> scene.Colour:
    return land.mix(colour, (255, 255, 255), 0.3)


def _snowed(source: Image.Image) -> Image.Image:
    """White where light falls from above: on every upper edge, and more towards the bottom."""
    grey = np.asarray(source.convert("L").reduce(2), np.float32)
    edge = np.clip(np.roll(grey, -3, 0) - np.roll(grey, 3, 0), -60, 60)
    lie = np.clip(-edge / 26, 0, 1) * 0.75 + np.linspace(0, 0.3, grey.shape[0], dtype=np.float32)[:, None]
    stencil = Image.fromarray((np.clip(lie, 0, 1) * 255).astype(np.uint8)).resize(source.size)
    snowy = source.copy()
    snowy.paste((246, 250, 255), (0, 0), stencil)
    return snowy
