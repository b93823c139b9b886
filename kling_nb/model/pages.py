"""The five models, each as its page describes it; the parameters that several share stand first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import Annotated

from . import rules
from .base import Request
from .fields import Param, options, seconds
from .parts import Element, Picture, Shot

_LONGEST_PROMPT = 2500  # stated by other hosts of the same models, not by these pages


def _prompt(meaning: str, label: str = "Prompt") -> Param:
    return Param("text", label, "prompt", meaning, multiline=True, advised_max=_LONGEST_PROMPT)


def _choice(label: str, meaning: str, *values: str, group: str = "frame", **labels: str) -> Param:
    return Param("choice", label, group, meaning, choices=options(*values, **labels))


def _elements(meaning: str, reference: str, most: int | None = None, advised: int | None = None) -> Param:
    item = Param("part", "Element", required=True, make=Element)
    limits = Param("list", "Elements", "elements", meaning, max_items=most, advised_max=advised)
    return replace(limits, item=item, reference=reference)


def _picture(label: str, meaning: str, max_bytes: int | None = None) -> Param:
    return Param("picture", label, "pictures", meaning, max_bytes=max_bytes)


_NEGATIVE = _prompt("What should not be seen, as words separated by commas.", "Negative prompt")
_RATIOS = ("16:9", "9:16", "1:1", "4:3", "3:4", "3:2", "2:3")
_IMAGE_RATIO = _choice("Aspect ratio", "Width to height of the picture.", *_RATIOS)
_VIDEO_RATIO = _choice("Aspect ratio", "Width to height of the clip.", "16:9", "9:16", "1:1")
_RESOLUTION = _choice("Resolution", "1K is about a megapixel; 2K doubles width and height.", "1K", "2K")
_FORMAT = _choice(
    "File format",
    "PNG keeps every detail; JPEG and WebP make smaller files.",
    png="PNG",
    jpeg="JPEG",
    webp="WebP",
)
_UP_TO_TEN = _elements(
    "Up to ten characters or things to show. The prompt names them (element1) and so on.",
    "(element{})",
    most=10,
)
_ANY_NUMBER = _elements(
    "Characters or things to put in. The prompt names them (element1) and so on.", "(element{})", advised=10
)
_UP_TO_THREE = _elements(
    "Up to three characters or things to show. Prompts name them @Element1 and so on.", "@Element{}", most=3
)
_LENGTH = "How long the clip lasts, in seconds."
_SECONDS = seconds(3, 15, label="Seconds", group="frame", help=_LENGTH)
_SOUND = Param(
    "flag", "Sound", "sound", "Adds a sound track that fits the picture. Speech can be Chinese or English."
)
_VOICES = Param(
    "list",
    "Voices",
    "sound",
    "Up to two ids from the model kling-create-voice. A prompt lets them speak by "
    "<<<voice_1>>> and <<<voice_2>>>.",
    max_items=2,
    item=Param("text", "Voice id", help="An id from kling-create-voice.", required=True),
    shown_when=("generate_audio", (True,)),
    reference="<<<voice_{}>>>",
)
_SHOTS = Param(
    "list",
    "Shots",
    "shots",
    "Up to five shots cut one after the other, each with its own prompt and seconds. "
    "Together they should last as long as the clip.",
    max_items=5,
    item=Param("part", "Shot", required=True, make=Shot),
)
_SHOT_TYPE = Param(
    "text",
    "Shot type",
    "shots",
    "How the shots are planned. Only 'customize', shots as you give them, is documented.",
    choices=(("customize", "customize"),),
)
_FOLLOWED = "How strictly the prompt is followed: 0 freely, 1 to the letter."
_CFG_SCALE = Param("number", "Prompt strength", help=_FOLLOWED, minimum=0, maximum=1, step=0.05)


class Kling3TextToImage(Request):
    """A picture from words: `Kling3TextToImage(prompt="a fox in the snow", aspect_ratio="3:2")`.

    Up to 10 elements, which the prompt names (element1), (element2) and so on. `resolution` is "1K" or
    "2K", `output_format` "png", "jpeg" or "webp"; seven aspect ratios from "16:9" to "2:3". Raises
    InvalidRequest with all problems at once. Source: https://www.segmind.com/models/kling-3-text2image/api
    """

    slug = "kling-3-text2image"
    title = "Kling V3 Text to Image"
    kind = "image"
    summary = "One picture from a description, optionally with given characters or things in it."
    latency = (46.3, 50.5)
    price = (0.035, 0.035)
    average_price = 0.035
    rules = rules.KLING_3_IMAGE

    prompt: Annotated[str, _prompt("What the picture shows. Name elements as (element1), (element2) ...")]
    negative_prompt: Annotated[str | None, _NEGATIVE] = None
    aspect_ratio: Annotated[str, _IMAGE_RATIO] = "16:9"
    resolution: Annotated[str, _RESOLUTION] = "1K"
    output_format: Annotated[str, _FORMAT] = "png"
    elements: Annotated[Sequence[Element], _UP_TO_TEN] = ()


class Kling3ImageToImage(Request):
    """A picture made over: `Kling3ImageToImage(prompt="make it winter", image_url="garden.png")`.

    `image_url` takes a web address, file path, bytes, PIL image, numpy array or `Image`. There is no
    negative prompt. The page states no number of elements and no way to name them: the ways of
    kling-3-text2image are assumed. Raises InvalidRequest with all problems at once. Source:
    https://www.segmind.com/models/kling-3-image2image/api
    """

    slug = "kling-3-image2image"
    title = "Kling V3 Image to Image"
    kind = "image"
    summary = "A given picture changed as described, optionally with characters or things put in."
    latency = (53.15, 68.9)
    price = (0.035, 0.035)
    average_price = 0.035
    rules = rules.KLING_3_IMAGE
    hints = MappingProxyType(
        {"negative_prompt": "Say in the prompt what to keep out, or use kling-3-text2image, which has one."}
    )

    prompt: Annotated[str, _prompt("How the picture should change.")]
    image_url: Annotated[Picture, _picture("Image", "The picture to change.")]
    aspect_ratio: Annotated[str, _IMAGE_RATIO] = "16:9"
    resolution: Annotated[str, _RESOLUTION] = "1K"
    output_format: Annotated[str, _FORMAT] = "png"
    elements: Annotated[Sequence[Element], _ANY_NUMBER] = ()


class Kling3StandardTextToVideo(Request):
    """A clip from words: `Kling3StandardTextToVideo(prompt="fog drifts through a temple", duration=5)`.

    `duration` is 3 to 15 whole seconds; 5 and "5" mean the same and the attribute reads as text. Up to 5
    shots of 512 characters each, up to 2 voices, which prompts name <<<voice_1>>> and <<<voice_2>>>.
    `cfg_scale` goes from 0 to 1. Raises InvalidRequest with all problems at once. Source:
    https://www.segmind.com/models/kling-3-standard-text2video/api
    """

    slug = "kling-3-standard-text2video"
    title = "Kling 3.0 Standard Text-to-Video"
    kind = "video"
    summary = "A clip of 3 to 15 s with sound from a description, in one shot or up to five."
    latency = (145.3, 174.8)
    price = (0.504, 8.40)
    average_price = 1.748
    rules = rules.KLING_3_VIDEO
    hints = MappingProxyType(
        {"elements": "Use kling-3-pro-image2video for elements, or describe them in words."}
    )

    prompt: Annotated[str, _prompt("What happens, how the camera moves, what the light is like.")]
    negative_prompt: Annotated[str, _NEGATIVE] = "blur, distort, and low quality"
    duration: Annotated[str | int, _SECONDS] = "5"
    aspect_ratio: Annotated[str, _VIDEO_RATIO] = "16:9"
    generate_audio: Annotated[bool, _SOUND] = True
    voice_ids: Annotated[Sequence[str], _VOICES] = ()
    multi_prompt: Annotated[Sequence[Shot], _SHOTS] = ()
    shot_type: Annotated[str, _SHOT_TYPE] = "customize"
    cfg_scale: Annotated[float, _CFG_SCALE] = 0.5


_START = _picture("Start image", "The first frame of the clip, up to 50 MB.", 50_000_000)
_TO = "The last frame, up to 50 MB: the clip moves from the start image to this one."
_END = _picture("End image", _TO, 50_000_000)


class Kling3ProImageToVideo(Request):
    """A picture set in motion: `Kling3ProImageToVideo(prompt="it turns", start_image_url="fox.png")`.

    Start and end image have at most 50 MB. `duration` is 3 to 15 whole seconds; 5 and "5" mean the same
    and the attribute reads as text. Up to 3 elements, which prompts name @Element1 and so on, up to 5
    shots of 512 characters each, up to 2 voices, named <<<voice_1>>> and <<<voice_2>>>. `cfg_scale` goes
    from 0 to 1. Raises InvalidRequest with all problems at once. Source:
    https://www.segmind.com/models/kling-3-pro-image2video/api
    """

    slug = "kling-3-pro-image2video"
    title = "Kling 3.0 Pro Image-to-Video"
    kind = "video"
    summary = "A clip of 3 to 15 s with sound that begins with a given picture and may end with one."
    latency = (291.4, 291.4)
    price = None
    average_price = 1.941
    rules = (*rules.KLING_3_VIDEO, rules.front_views, rules.shots_or_end)

    prompt: Annotated[str, _prompt("How the picture moves. Name elements as @Element1, @Element2 ...")]
    start_image_url: Annotated[Picture, _START]
    end_image_url: Annotated[Picture, _END] = None
    negative_prompt: Annotated[str, _NEGATIVE] = "blur, distort, and low quality"
    duration: Annotated[str | int, _SECONDS] = "5"
    aspect_ratio: Annotated[str, _VIDEO_RATIO] = "16:9"
    elements: Annotated[Sequence[Element], _UP_TO_THREE] = ()
    generate_audio: Annotated[bool, _SOUND] = True
    voice_ids: Annotated[Sequence[str], _VOICES] = ()
    multi_prompt: Annotated[Sequence[Shot], _SHOTS] = ()
    shot_type: Annotated[str, _SHOT_TYPE] = "customize"
    cfg_scale: Annotated[float, _CFG_SCALE] = 0.5


_MODE = _choice(
    "Mode",
    "Standard is faster and cheaper; professional takes longer and looks better.",
    group="advanced",
    std="Standard",
    pro="Professional",
)
_MOVE = _choice(
    "Camera move",
    "A ready-made move, or one axis of your choice. Left open, the model decides.",
    group="camera",
    simple="One axis of your choice",
    down_back="Down and back",
    forward_up="Forward and up",
    right_turn_forward="Right turn, then forward",
    left_turn_forward="Left turn, then forward",
)
_AXES = ("horizontal", "vertical", "pan", "tilt", "roll", "zoom")
_ALONG = "The one axis along or around which the camera moves."
_SIMPLE = ("camera_control_type", ("simple",))
_AXIS = replace(_choice("Camera axis", _ALONG, *_AXES, group="camera"), shown_when=_SIMPLE)
_FAR = "How far and which way, from -10 to 10; not 0."
_AMOUNT = Param(
    "integer", "Camera amount", "camera", _FAR, minimum=-10, maximum=10, step=1, shown_when=_SIMPLE
)


class KlingTextToVideo(Request):
    """A clip with a steered camera: `KlingTextToVideo(prompt="a collie runs", duration=10)`.

    `duration` is 5 or 10; "5" is taken too and the attribute reads as a number. `mode` is "std" or "pro".
    A camera of type "simple" needs one axis and a value from -10 to 10 other than 0; the other types take
    neither. `cfg_scale` goes from 0 to 1. Raises InvalidRequest with all problems at once. Source:
    https://www.segmind.com/models/kling-text2video/api
    """

    slug = "kling-text2video"
    title = "Kling AI Text to Video"
    kind = "video"
    summary = "A clip of 5 or 10 s from a description, with a camera move of your choice."
    latency = (320.1, 320.76)
    price = (0.28, 1.96)
    average_price = 0.432
    rules = (rules.references, rules.camera, rules.camera_mode)

    prompt: Annotated[str, _prompt("What happens in the clip.")]
    negative_prompt: Annotated[str, _NEGATIVE] = "No buildings, no artificial objects"
    duration: Annotated[
        int | str, Param("choice", "Seconds", "frame", _LENGTH, choices=((5, "5 s"), (10, "10 s")))
    ] = 5
    aspect_ratio: Annotated[str, _VIDEO_RATIO] = "16:9"
    mode: Annotated[str, _MODE] = "std"
    camera_control_type: Annotated[str | None, _MOVE] = None
    camera_control_config: Annotated[str | None, _AXIS] = None
    camera_control_config_value: Annotated[int | None, _AMOUNT] = None
    cfg_scale: Annotated[float, _CFG_SCALE] = 0.5


CLASSES: tuple[type[Request], ...] = (
    Kling3TextToImage,
    Kling3ImageToImage,
    Kling3StandardTextToVideo,
    Kling3ProImageToVideo,
    KlingTextToVideo,
)
BY_SLUG = {each.slug: each for each in CLASSES}
