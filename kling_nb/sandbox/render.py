"""From parameters to a file: the same request gives the same bytes, painted once per process."""

from __future__ import annotations

import hashlib
import json
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from threading import Lock
from typing import Any

from .limits import Body, Contract

MEMORY = 96 * 1024 * 1024
Inputs = Mapping[str, "bytes | None"]


class Cancelled(Exception):
    """The sandbox closed while it was painting."""


class Unpaintable(Exception):
    """An input that is no picture: the job fails with this sentence."""


@dataclass(frozen=True)
class Media:
    """What a model made: a file, or a text where the model answers with one."""

    data: bytes = b""
    content_type: str = ""
    suffix: str = ""
    text: str | None = None


class _Shelf:
    """Finished media by request digest, least recently used out first."""

    def __init__(self, limit: int) -> None:
        self._limit, self._size, self._lock = limit, 0, Lock()
        self._items: OrderedDict[str, Media] = OrderedDict()

    def get(self, digest: str) -> Media | None:
        with self._lock:
            if digest in self._items:
                self._items.move_to_end(digest)
            return self._items.get(digest)

    def put(self, digest: str, media: Media) -> None:
        with self._lock:
            if digest not in self._items:
                self._items[digest] = media
                self._size += len(media.data)
            while self._size > self._limit:
                self._size -= len(self._items.popitem(last=False)[1].data)


_SHELF = _Shelf(MEMORY)


def render(contract: Contract, params: Body, inputs: Inputs, cancelled: Callable[[], bool]) -> Media:
    """The media for one request; ``inputs`` holds the pictures it names, None for a placeholder."""
    digest = _digest(contract, params, inputs)
    media = _SHELF.get(digest)
    if media is None:
        media = _make(contract, params, inputs, cancelled)
        _SHELF.put(digest, media)
    return media


def _make(contract: Contract, params: Body, inputs: Inputs, cancelled: Callable[[], bool]) -> Media:
    if contract.kind == "image":
        from .paint import picture

        data = picture(contract, params, inputs)
        suffix = params["output_format"]
        return Media(data, f"image/{suffix}", "jpg" if suffix == "jpeg" else suffix)
    if contract.kind == "video":
        from .film import clip

        return Media(clip(contract, params, inputs, cancelled), "video/mp4", "mp4")
    if contract.kind == "voice":
        voice = hashlib.sha256(_digest(contract, params, inputs).encode()).hexdigest()[:12]
        return Media(text=json.dumps({"voice_id": f"voice_{voice}"}))
    return Media(text="ok")


def _digest(contract: Contract, params: Body, inputs: Inputs) -> str:
    """Names the request by what its pictures hold, not by where they lie."""
    held = {url: hashlib.sha256(data).hexdigest() for url, data in inputs.items() if data is not None}
    text = json.dumps([contract.slug, _by_content(dict(params), held)], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def _by_content(value: Any, held: Mapping[str, str]) -> Any:
    if isinstance(value, dict):
        return {name: _by_content(item, held) for name, item in value.items()}
    if isinstance(value, list):
        return [_by_content(item, held) for item in value]
    return held.get(value, value) if isinstance(value, str) else value
