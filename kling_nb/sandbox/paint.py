"""Pictures: a painted scene, or an input picture seen anew, written on and encoded."""

from __future__ import annotations

import hashlib
import io
from dataclasses import replace
from typing import Any

from PIL import Image, ImageEnhance, ImageOps, UnidentifiedImageError

from .brush import mix
from .drift import Drift, floating
from .land import WHITE, paint
from .limits import Body, Contract
from .overlay import legend, put, unwritten, writing
from .render import Inputs, Unpaintable
from .scene import Scene, read

SAVE: dict[str, dict[str, Any]] = {
    "png": {"compress_level": 3},
    "jpeg": {"quality": 92, "subsampling": 0},
    "webp": {"quality": 90, "method": 2},
}


def picture(contract: Contract, params: Body, inputs: Inputs) -> bytes:
    """The encoded picture for one request."""
    size = frame_size(contract, params)
    asked = read(params["prompt"], params.get("negative_prompt", ""))
    if "image_url" in params:
        made = seen_anew(ImageOps.fit(given(params["image_url"], inputs), size), asked)
    else:
        made = paint(asked, size).still()
    for kind in floating(asked):
        Drift(asked, size, kind).draw(made, 0.0)
    put(writing(size, legend(contract, params, size), insets(params, inputs)), made)
    data = io.BytesIO()
    made.save(data, params["output_format"], **SAVE[params["output_format"]])
    return data.getvalue()


def frame_size(contract: Contract, params: Body) -> tuple[int, int]:
    tier = params.get("resolution") or params.get("mode") or "std"
    width, height = (contract.sizes or {})[tier][params["aspect_ratio"]]
    return width, height


def given(url: str, inputs: Inputs) -> Image.Image:
    """The picture a URL stands for: the uploaded one, or where nothing was fetched a painted placeholder."""
    data = inputs.get(url)
    if data is None:
        asked = read(url.rsplit("/", 1)[-1].replace("-", " ").replace("_", " "))
        seed = int.from_bytes(hashlib.sha256(url.encode()).digest()[:8], "big")
        return paint(replace(asked, seed=seed), (960, 960)).still()
    try:
        with Image.open(io.BytesIO(data)) as file:
            return unwritten(ImageOps.exif_transpose(file).convert("RGB"))
    except (UnidentifiedImageError, OSError) as error:
        raise Unpaintable(f"Could not read an image from {url}") from error


def insets(params: Body, inputs: Inputs) -> list[Image.Image]:
    """One picture per element: its front view, else its first reference."""
    elements = params.get("elements") or ()
    return [given(e.get("frontal_image_url") or e["reference_image_urls"][0], inputs) for e in elements]


def seen_anew(source: Image.Image, asked: Scene) -> Image.Image:
    """The source in the colours and light of the scene: its forms stay, its mood changes."""
    colours, grey = asked.palette, ImageOps.autocontrast(source.convert("L"), 1)
    toned = ImageOps.colorize(grey, colours.near, mix(colours.light, WHITE, 0.3), colours.middle)
    mood = ImageEnhance.Contrast(Image.blend(source, toned, 0.58)).enhance(1.12)
    if "snow" in asked.weather:
        # Paler where it is light, and more towards the ground.
        lies = Image.linear_gradient("L").resize(source.size).point([v * 3 // 5 for v in range(256)])
        mood.paste(Image.blend(mood, Image.new("RGB", mood.size, (244, 248, 255)), 0.85), (0, 0), lies)
    return mood
