"""The v1 call: one blocking request whose answer is the media itself, or JSON that names it."""

from __future__ import annotations

import asyncio
import uuid
from typing import Any

from ..errors import UnexpectedAnswer
from ..keep.arrivals import Arrival
from ..service import wire
from ..service.uploads import local, read_all
from .job import Asked
from .runner import Runner


async def run_direct(runner: Runner, request: Asked, limit: float) -> Any:
    """Submit over v1 and return what came back: an `Image`, a `Video`, or a JSON value.

    `limit` is in seconds. Nothing can be resumed: when the answer is lost, `SubmitUnknown` is raised.
    """
    pictures = await asyncio.to_thread(read_all, local(request.pictures()))
    urls = await runner.buyer.uploads.urls_of(pictures)
    answer = await runner.api.run_sync(request.slug, request.body(urls), limit)
    body = answer.json()
    # Without an id of its own, the next such file would take the place of this one.
    request_id = answer.headers.get("x-request-id") or str(uuid.uuid4())
    url = next((output.url for output in wire.outputs_of(body)), None)
    prompt = str(request.values().get("prompt", ""))
    arrival = Arrival(runner.store, request.slug, request_id, prompt, runner.downloads.writer, url)
    if answer.media_type.startswith(("image/", "video/")):
        return await asyncio.to_thread(arrival.keep, answer.content)
    if url:
        return await runner.fetch(arrival)
    value = None if request.kind in ("image", "video") else wire.value_of(body)
    if value is None:
        raise UnexpectedAnswer(
            "The answer to the synchronous call holds no media.",
            status=answer.status,
            body=answer.body(),
            request_id=request_id,
            charged="yes",
        )
    return value
