"""kling-3-image2image: a picture made over."""

from __future__ import annotations

from types import MappingProxyType
from typing import Annotated, ClassVar, Literal

from . import rules, shared
from .base import Request, Rule
from .fields import Param
from .parts import Picture


class Kling3ImageToImage(Request):
    """A picture made over: `Kling3ImageToImage(prompt="make it winter", image_url="garden.png")`.

    `image_url` takes a web address, file path, bytes, PIL image, numpy array or `Image`. There is no
    negative prompt. The page states no number of elements and no way to name them: the ways of
    kling-3-text2image are assumed. Raises InvalidRequest with all problems at once. Source:
    https://www.segmind.com/models/kling-3-image2image/api
    """

    slug: ClassVar[str] = "kling-3-image2image"
    title: ClassVar[str] = "Kling V3 Image to Image"
    kind: ClassVar[Literal["image", "video"]] = "image"
    summary: ClassVar[str] = (
        "A given picture changed as described, optionally with characters or things put in."
    )
    latency: ClassVar[tuple[float, float]] = (53.15, 68.9)
    price: ClassVar[tuple[float, float] | None] = (0.035, 0.035)
    average_price: ClassVar[float] = 0.035
    timeout: ClassVar[float] = 600
    rules: ClassVar[tuple[Rule, ...]] = (rules.references, rules.front_views)
    hints = MappingProxyType(
        {"negative_prompt": "Say in the prompt what to keep out, or use kling-3-text2image, which has one."}
    )

    prompt: Annotated[str, shared.prompt("How the picture should change.")]
    image_url: Annotated[
        Picture, Param("picture", label="Image", group="pictures", help="The picture to change.")
    ]
    aspect_ratio: shared.ImageRatio = "16:9"
    resolution: shared.Resolution = "1K"
    output_format: shared.OutputFormat = "png"
    elements: Annotated[
        shared.Elements,
        shared.elements(
            None,
            "(element{})",
            "Characters or things to put in. The prompt names them (element1) and so on.",
            10,
        ),
    ] = ()
