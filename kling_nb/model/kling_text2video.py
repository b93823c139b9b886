"""kling-text2video: a clip from words by the first Kling, with a camera that can be steered."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from . import rules, shared
from .base import Request, Rule
from .fields import Param, options


class KlingTextToVideo(Request):
    """A clip with a steered camera: `KlingTextToVideo(prompt="a collie runs", duration=10)`.

    `duration` is 5 or 10; "5" is taken too and the attribute reads as a number. `mode` is "std" or "pro".
    A camera of type "simple" needs one axis and a value from -10 to 10 other than 0; the other types take
    neither. `cfg_scale` goes from 0 to 1. Raises InvalidRequest with all problems at once. Source:
    https://www.segmind.com/models/kling-text2video/api
    """

    slug: ClassVar[str] = "kling-text2video"
    title: ClassVar[str] = "Kling AI Text to Video"
    kind: ClassVar[Literal["image", "video"]] = "video"
    summary: ClassVar[str] = "A clip of 5 or 10 s from a description, with a camera move of your choice."
    latency: ClassVar[tuple[float, float]] = (320.1, 320.76)
    price: ClassVar[tuple[float, float] | None] = (0.28, 1.96)
    average_price: ClassVar[float] = 0.432
    timeout: ClassVar[float] = 900
    rules: ClassVar[tuple[Rule, ...]] = (rules.references, rules.camera, rules.camera_mode)

    prompt: Annotated[str, shared.prompt("What happens in the clip.")]
    negative_prompt: shared.NegativePrompt = "No buildings, no artificial objects"
    duration: Annotated[
        int | str,
        Param(
            "choice",
            label="Seconds",
            group="frame",
            choices=((5, "5 s"), (10, "10 s")),
            help="How long the clip lasts, in seconds.",
        ),
    ] = 5
    aspect_ratio: shared.VideoRatio = "16:9"
    mode: Annotated[
        str,
        Param(
            "choice",
            label="Mode",
            group="advanced",
            choices=options(std="Standard", pro="Professional"),
            help="Standard is faster and cheaper; professional takes longer and looks better.",
        ),
    ] = "std"
    camera_control_type: Annotated[
        str | None,
        Param(
            "choice",
            label="Camera move",
            group="camera",
            choices=options(
                simple="One axis of your choice",
                down_back="Down and back",
                forward_up="Forward and up",
                right_turn_forward="Right turn, then forward",
                left_turn_forward="Left turn, then forward",
            ),
            help="A ready-made move, or one axis of your choice. Left open, the model decides.",
        ),
    ] = None
    camera_control_config: Annotated[
        str | None,
        Param(
            "choice",
            label="Camera axis",
            group="camera",
            choices=options("horizontal", "vertical", "pan", "tilt", "roll", "zoom"),
            shown_when=("camera_control_type", ("simple",)),
            help="The one axis along or around which the camera moves.",
        ),
    ] = None
    camera_control_config_value: Annotated[
        int | None,
        Param(
            "integer",
            label="Camera amount",
            group="camera",
            minimum=-10,
            maximum=10,
            step=1,
            shown_when=("camera_control_type", ("simple",)),
            help="How far and which way, from -10 to 10; not 0.",
        ),
    ] = None
    cfg_scale: shared.CfgScale = 0.5
