"""The v1 call: one blocking request whose answer is the media itself, or JSON that names it."""

from __future__ import annotations

import asyncio
from typing import Any

from ..errors import UnexpectedAnswer
from ..service import wire
from ..service.wire import Answer
from .job import Asked
from .runner import Runner


async def run_direct(runner: Runner, request: Asked, limit: float) -> Any:
    """Submit over v1 and return what came back: an `Image`, a `Video`, or a JSON value.

    `limit` is in seconds. Nothing can be resumed: when the answer is lost, `SubmitUnknown` is raised.
    """
    urls = await runner.uploads.urls_for(tuple(request.pictures()))
    answer = await runner.api.run_sync(request.slug, request.body(urls), limit)
    request_id = answer.headers.get("x-request-id", "")
    prompt = str(request.values().get("prompt", ""))
    if answer.media_type.startswith(("image/", "video/")):
        return await asyncio.to_thread(_keep, runner, request, answer, request_id, prompt)
    body = answer.json()
    outputs = wire.outputs_of(body)
    if outputs:
        return await runner.fetch(outputs[0], request.slug, request_id, prompt)
    value = None if request.kind in ("image", "video") else wire.value_of(body)
    if value is None:
        raise UnexpectedAnswer(
            "The answer to the synchronous call holds no media.",
            status=answer.status,
            body=answer.body(),
            request_id=request_id or None,
            charged="yes",
        )
    return value


def _keep(runner: Runner, request: Asked, answer: Answer, request_id: str, prompt: str) -> Any:
    return runner.store.keep(
        answer.content,
        slug=request.slug,
        request_id=request_id,
        prompt=prompt,
        content_type=answer.media_type,
    )
