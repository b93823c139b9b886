"""kling-3-pro-image2video: a picture set in motion."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from . import rules, shared
from .base import Request, Rule
from .fields import Param
from .parts import Picture

_MAX_BYTES = 50_000_000


class Kling3ProImageToVideo(Request):
    """A picture set in motion: `Kling3ProImageToVideo(prompt="it turns", start_image_url="fox.png")`.

    Start and end image have at most 50 MB. `duration` is 3 to 15 whole seconds; 5 and "5" mean the same
    and the attribute reads as text. Up to 3 elements, which prompts name @Element1 and so on, up to 5
    shots of 512 characters each, up to 2 voices, named <<<voice_1>>> and <<<voice_2>>>. `cfg_scale` goes
    from 0 to 1. Raises InvalidRequest with all problems at once. Source:
    https://www.segmind.com/models/kling-3-pro-image2video/api
    """

    slug: ClassVar[str] = "kling-3-pro-image2video"
    title: ClassVar[str] = "Kling 3.0 Pro Image-to-Video"
    kind: ClassVar[Literal["image", "video"]] = "video"
    summary: ClassVar[str] = (
        "A clip of 3 to 15 s with sound that begins with a given picture and may end with one."
    )
    latency: ClassVar[tuple[float, float]] = (291.4, 291.4)
    price: ClassVar[tuple[float, float] | None] = None
    average_price: ClassVar[float] = 1.941
    timeout: ClassVar[float] = 900
    rules: ClassVar[tuple[Rule, ...]] = (*rules.KLING_3_VIDEO, rules.front_views, rules.shots_or_end)

    prompt: Annotated[str, shared.prompt("How the picture moves. Name elements as @Element1, @Element2 ...")]
    start_image_url: Annotated[
        Picture,
        Param(
            "picture",
            label="Start image",
            group="pictures",
            max_bytes=_MAX_BYTES,
            help="The first frame of the clip, up to 50 MB.",
        ),
    ]
    end_image_url: Annotated[
        Picture,
        Param(
            "picture",
            label="End image",
            group="pictures",
            max_bytes=_MAX_BYTES,
            help="The last frame, up to 50 MB: the clip moves from the start image to this one.",
        ),
    ] = None
    negative_prompt: shared.NegativePrompt = "blur, distort, and low quality"
    duration: shared.Seconds = "5"
    aspect_ratio: shared.VideoRatio = "16:9"
    elements: Annotated[
        shared.Elements,
        shared.elements(
            3,
            "@Element{}",
            "Up to three characters or things to show. Prompts name them @Element1 and so on.",
        ),
    ] = ()
    generate_audio: shared.Sound = True
    voice_ids: shared.VoiceIds = ()
    multi_prompt: shared.Shots = ()
    shot_type: shared.ShotType = "customize"
    cfg_scale: shared.CfgScale = 0.5
