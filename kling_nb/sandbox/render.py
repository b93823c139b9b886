"""From parameters to a file: the same request gives the same bytes, painted once per process."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from threading import Lock
from typing import NamedTuple

from .limits import Body, Contract

MEMORY = 96 * 1024 * 1024
Inputs = Mapping[str, "bytes | None"]


class Cancelled(Exception):
    """The sandbox closed while it was painting."""


class Unpaintable(Exception):
    """An input that is no picture: the job fails with this sentence."""


class Media(NamedTuple):
    """What a model made: a file, or a text where the model answers with one."""

    data: bytes = b""
    content_type: str = ""
    suffix: str = ""
    text: str | None = None


# Finished media by request digest, the oldest out first.
SHELF: dict[str, Media] = {}
_LOCK = Lock()


def render(contract: Contract, params: Body, inputs: Inputs, cancelled: Callable[[], bool]) -> Media:
    """The media for one request; ``inputs`` holds the pictures it names, None for a placeholder."""
    digest = _digest(contract, params, inputs)
    media = SHELF.get(digest) or _make(digest, contract, params, inputs, cancelled)
    with _LOCK:
        SHELF[digest] = media
        while sum(len(each.data) for each in SHELF.values()) > MEMORY:
            del SHELF[next(iter(SHELF))]
    return media


def _make(
    digest: str, contract: Contract, params: Body, inputs: Inputs, cancelled: Callable[[], bool]
) -> Media:
    if contract.kind == "image":
        from .paint import picture

        kind = params["output_format"]
        return Media(picture(contract, params, inputs), f"image/{kind}", kind.replace("jpeg", "jpg"))
    if contract.kind == "video":
        from .film import clip

        return Media(clip(contract, params, inputs, cancelled), "video/mp4", "mp4")
    return Media(text=json.dumps({"voice_id": f"voice_{digest[:12]}"}) if contract.kind == "voice" else "ok")


def _digest(contract: Contract, params: Body, inputs: Inputs) -> str:
    """Names the request by what its pictures hold, not by where they lie."""
    text = json.dumps([contract.slug, params], sort_keys=True)
    for url, data in inputs.items():
        if data is not None:
            text = text.replace(json.dumps(url), hashlib.sha256(data).hexdigest())
    return hashlib.sha256(text.encode()).hexdigest()
