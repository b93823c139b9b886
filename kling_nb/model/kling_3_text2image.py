"""kling-3-text2image: a picture from words."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from . import rules, shared
from .base import Request, Rule


class Kling3TextToImage(Request):
    """A picture from words: `Kling3TextToImage(prompt="a fox in the snow", aspect_ratio="3:2")`.

    Up to 10 elements, which the prompt names (element1), (element2) and so on. `resolution` is "1K" or
    "2K", `output_format` "png", "jpeg" or "webp"; seven aspect ratios from "16:9" to "2:3". Raises
    InvalidRequest with all problems at once. Source: https://www.segmind.com/models/kling-3-text2image/api
    """

    slug: ClassVar[str] = "kling-3-text2image"
    title: ClassVar[str] = "Kling V3 Text to Image"
    kind: ClassVar[Literal["image", "video"]] = "image"
    summary: ClassVar[str] = (
        "One picture from a description, optionally with given characters or things in it."
    )
    latency: ClassVar[tuple[float, float]] = (46.3, 50.5)
    price: ClassVar[tuple[float, float] | None] = (0.035, 0.035)
    average_price: ClassVar[float] = 0.035
    timeout: ClassVar[float] = 600
    rules: ClassVar[tuple[Rule, ...]] = (rules.references, rules.front_views)

    prompt: Annotated[
        str, shared.prompt("What the picture shows. Name elements as (element1), (element2) ...")
    ]
    negative_prompt: Annotated[str | None, shared.NEGATIVE] = None
    aspect_ratio: shared.ImageRatio = "16:9"
    resolution: shared.Resolution = "1K"
    output_format: shared.OutputFormat = "png"
    elements: Annotated[
        shared.Elements,
        shared.elements(
            10,
            "(element{})",
            "Up to ten characters or things to show. The prompt names them (element1) and so on.",
        ),
    ] = ()
