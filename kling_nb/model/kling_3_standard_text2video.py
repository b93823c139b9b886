"""kling-3-standard-text2video: a clip from words."""

from __future__ import annotations

from types import MappingProxyType
from typing import Annotated, ClassVar, Literal

from . import rules, shared
from .base import Request, Rule


class Kling3StandardTextToVideo(Request):
    """A clip from words: `Kling3StandardTextToVideo(prompt="fog drifts through a temple", duration=5)`.

    `duration` is 3 to 15 whole seconds; 5 and "5" mean the same and the attribute reads as text. Up to 5
    shots of 512 characters each, up to 2 voices, which prompts name <<<voice_1>>> and <<<voice_2>>>.
    `cfg_scale` goes from 0 to 1. Raises InvalidRequest with all problems at once. Source:
    https://www.segmind.com/models/kling-3-standard-text2video/api
    """

    slug: ClassVar[str] = "kling-3-standard-text2video"
    title: ClassVar[str] = "Kling 3.0 Standard Text-to-Video"
    kind: ClassVar[Literal["image", "video"]] = "video"
    summary: ClassVar[str] = "A clip of 3 to 15 s with sound from a description, in one shot or up to five."
    latency: ClassVar[tuple[float, float]] = (145.3, 174.8)
    price: ClassVar[tuple[float, float] | None] = (0.504, 8.40)
    average_price: ClassVar[float] = 1.748
    timeout: ClassVar[float] = 900
    rules: ClassVar[tuple[Rule, ...]] = rules.KLING_3_VIDEO
    hints = MappingProxyType(
        {"elements": "Use kling-3-pro-image2video for elements, or describe them in words."}
    )

    prompt: Annotated[str, shared.prompt("What happens, how the camera moves, what the light is like.")]
    negative_prompt: shared.NegativePrompt = "blur, distort, and low quality"
    duration: shared.Seconds = "5"
    aspect_ratio: shared.VideoRatio = "16:9"
    generate_audio: shared.Sound = True
    voice_ids: shared.VoiceIds = ()
    multi_prompt: shared.Shots = ()
    shot_type: shared.ShotType = "customize"
    cfg_scale: shared.CfgScale = 0.5
