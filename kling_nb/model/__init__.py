"""What may be asked: request classes, their parts, and the catalogue. Pure: nothing is read or sent here."""

from .base import Request
from .catalogue import Model, Models, check, estimate_cost, find, models, request_for
from .fields import Param
from .kling_3_image2image import Kling3ImageToImage
from .kling_3_pro_image2video import Kling3ProImageToVideo
from .kling_3_standard_text2video import Kling3StandardTextToVideo
from .kling_3_text2image import Kling3TextToImage
from .kling_text2video import KlingTextToVideo
from .parts import Element, Shot
from .slugs import suggest
from .untyped import Untyped

__all__ = [
    "Element",
    "Kling3ImageToImage",
    "Kling3ProImageToVideo",
    "Kling3StandardTextToVideo",
    "Kling3TextToImage",
    "KlingTextToVideo",
    "Model",
    "Models",
    "Param",
    "Request",
    "Shot",
    "Untyped",
    "check",
    "estimate_cost",
    "find",
    "models",
    "request_for",
    "suggest",
]
