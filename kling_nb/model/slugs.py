"""The slugs of our models, and what another slug may have meant."""

from __future__ import annotations

import difflib
import re

from ..errors import Problem
from .base import Request
from .kling_3_image2image import Kling3ImageToImage
from .kling_3_pro_image2video import Kling3ProImageToVideo
from .kling_3_standard_text2video import Kling3StandardTextToVideo
from .kling_3_text2image import Kling3TextToImage
from .kling_text2video import KlingTextToVideo
from .wording import did_you_mean, near, shown

CLASSES: tuple[type[Request], ...] = (
    Kling3TextToImage,
    Kling3ImageToImage,
    Kling3StandardTextToVideo,
    Kling3ProImageToVideo,
    KlingTextToVideo,
)
BY_SLUG = {each.slug: each for each in CLASSES}

_SLUG = re.compile(r"[a-z0-9]+(?:[.-]+[a-z0-9]+)*")


def suggest(slug: object) -> tuple[str, ...]:
    """Slugs of the catalogue that resemble `slug`, best first; none when nothing does."""
    return near(_usual(slug), BY_SLUG)


def slug_problems(slug: object) -> tuple[Problem, ...]:
    """An error when `slug` can not be the last step of an address, a warning when it looks misspelt."""
    if not isinstance(slug, str) or not _SLUG.fullmatch(slug):
        what = f"{shown(slug)} is not a model's slug. {did_you_mean(suggest(slug))}"
        return (Problem("slug", f"{what}Use a-z, 0-9, hyphens and dots, such as {CLASSES[0].slug!r}."),)
    close = [ours for ours in suggest(slug) if ours != slug and _edits(str(_usual(slug)), ours) <= 2]
    message = (
        f"{shown(slug)} is not in the catalogue and goes through unchecked. {did_you_mean(close).strip()}"
    )
    return (Problem("slug", message, "warning"),) if close else ()


def _usual(slug: object) -> object:
    """`slug` without the other ways to write the same: Kling_3-Text-to-Image."""
    return re.sub(r"[\s_]+", "-", slug.lower()).replace("-to-", "2") if isinstance(slug, str) else slug


def _edits(one: str, other: str) -> int:
    """About how many letters differ. True siblings such as kling-o3-text2video are three or more away."""
    steps = difflib.SequenceMatcher(None, one, other, autojunk=False).get_opcodes()
    return sum(max(end - start, last - first) for kind, start, end, first, last in steps if kind != "equal")
