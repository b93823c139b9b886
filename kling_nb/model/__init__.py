"""What may be asked: request classes, their parts, and the catalogue. Pure: nothing is read or sent here."""

from .base import Request as Request
from .catalogue import Model as Model
from .catalogue import Models as Models
from .catalogue import check as check
from .catalogue import find as find
from .catalogue import models as models
from .catalogue import request_for as request_for
from .fields import Param as Param
from .pages import Kling3ImageToImage as Kling3ImageToImage
from .pages import Kling3ProImageToVideo as Kling3ProImageToVideo
from .pages import Kling3StandardTextToVideo as Kling3StandardTextToVideo
from .pages import Kling3TextToImage as Kling3TextToImage
from .pages import KlingTextToVideo as KlingTextToVideo
from .parts import Element as Element
from .parts import Shot as Shot
from .untyped import Untyped as Untyped
from .untyped import suggest as suggest
