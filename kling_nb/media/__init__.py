"""What came back: pictures and clips that are files already, and how they show themselves."""

from __future__ import annotations

from .image import Image as Image
from .video import Video as Video
