"""Any picture in: each input is read, checked and handed to the service once per content."""

from __future__ import annotations

import asyncio
import base64
import warnings
from collections.abc import Iterable, Mapping
from typing import Any

from ..errors import InvalidRequest, KlingError, Problem, RequestWarning, UploadFailed
from ..media.picture import Picture, PictureError, read_picture
from .api import Api
from .wire import is_web_url


class Uploads:
    """Turns local pictures into hosted addresses, and remembers which content went where."""

    def __init__(self, api: Api) -> None:
        self._api = api
        self._hosted: dict[str, asyncio.Task[str]] = {}

    async def urls_of(self, pictures: Mapping[str, Picture]) -> dict[str, str]:
        """The hosted address of every picture, by its path in the request."""
        found = await asyncio.gather(*map(self.url_of, pictures.values()))
        return dict(zip(pictures, found, strict=True))

    async def url_of(self, picture: Picture) -> str:
        """The hosted address of one picture; the same content is sent once, also by simultaneous callers."""
        task = self._hosted.get(picture.sha256)
        if task is None or (task.done() and (task.cancelled() or task.exception() is not None)):
            task = asyncio.get_running_loop().create_task(self._send(picture))
            self._hosted[picture.sha256] = task
            # Heard, also when everybody who waited for it has given up.
            task.add_done_callback(lambda done: done.cancelled() or done.exception())
        # One caller that gives up must not take the upload away from the others.
        return await asyncio.shield(task)

    async def _send(self, picture: Picture) -> str:
        data_url = await asyncio.to_thread(_data_url, picture)
        try:
            return await self._api.upload(data_url)
        except KlingError as error:
            raise UploadFailed(
                f"{picture.name} could not be handed to the service. {error.what}",
                charged=error.charged if error.charged != "maybe" else "no",
                again=error.again,
                todo=error.todo,
            ) from error


def local(pictures: Iterable[tuple[str, Any]]) -> list[tuple[str, Any]]:
    """Those that have to be uploaded; addresses among them stand for themselves."""
    return [(path, value) for path, value in pictures if not is_web_url(value)]


def read_all(pictures: Iterable[tuple[str, Any]]) -> dict[str, Picture]:
    """Every picture read and checked; `InvalidRequest` lists all that failed, each with its path."""
    found: dict[str, Picture] = {}
    problems: list[Problem] = []
    for path, value in pictures:
        try:
            found[path] = read_picture(value, path)
        except PictureError as error:
            problems.append(Problem(path, str(error)))
    if problems:
        raise InvalidRequest(problems)
    for path, picture in found.items():
        for warning in picture.warnings:
            warnings.warn(f"{path}: {warning}", RequestWarning, stacklevel=2)
    return found


def _data_url(picture: Picture) -> str:
    return f"data:{picture.mime};base64,{base64.b64encode(picture.data).decode('ascii')}"
