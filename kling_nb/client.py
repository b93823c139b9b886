"""`Client` and `AsyncClient`: the same verbs, blocking and awaited. Each is one line over the shared core."""

from __future__ import annotations

from collections.abc import Coroutine
from concurrent.futures import Future
from typing import Any, TypeVar

import httpx

from . import standin
from .clock import Clock
from .core import Core, accepted
from .errors import MissingKey
from .jobs.engine import tick
from .jobs.job import Job
from .service.wire import Credits, HistoryRow
from .settings import read_settings
from .states import State

T = TypeVar("T")
Self = TypeVar("Self", bound="_Door")

SANDBOX_SPEED = 20.0


class _Door:
    """What opens and closes the same way for both clients."""

    def __init__(
        self,
        api_key: str | None = None,
        *,
        base_url: str | None = None,
        upload_url: str | None = None,
        history_url: str | None = None,
        media: Any = None,
        timeout: float | None = None,
        time_scale: float = 1.0,
        transport: httpx.AsyncBaseTransport | None = None,
        clock: Clock | None = None,
        _on_close: Any = None,
    ) -> None:
        settings = read_settings(api_key, base_url, upload_url, history_url, media, timeout, time_scale)
        self._core = Core(settings, transport=transport, clock=clock, on_close=_on_close)

    @classmethod
    def sandbox(cls: type[Self], *, time_scale: float = SANDBOX_SPEED, **options: Any) -> Self:
        """A client of the built-in stand-in service on this machine: no key, no cost, real files.

        `time_scale` says how many times faster than the real service it works. The other options are the
        client's own; see the class.
        """
        service = standin.lease(time_scale)
        try:
            return cls(
                service.key,
                base_url=service.base_url,
                time_scale=time_scale,
                _on_close=lambda: standin.release(time_scale),
                **options,
            )
        except BaseException:
            standin.release(time_scale)
            raise

    @property
    def is_sandbox(self) -> bool:
        """True when this client talks to the built-in stand-in."""
        return self._core.is_sandbox

    def __repr__(self) -> str:
        where = "the built-in sandbox" if self.is_sandbox else self._core.settings.base_url
        return f"<{type(self).__name__} of {where}>"

    def jobs(self) -> list[Job]:
        """The jobs of this client, newest first."""
        return list(reversed(self._core.jobs))

    def resume(self, request_id: str) -> Job:
        """A handle from a request id, after any restart; returns at once and watches in the background.

        Raises `InvalidRequest` for what can not be an id. An id that the service does not know, or whose
        record is over an hour old, ends the job with `RequestExpired`.
        """
        return self._core.resume(request_id)

    def _begin(self, model: Any, /, **params: Any) -> Job:
        # For buttons: the job is there at once and submits by itself.
        return self._core.begin(model, params)


class Client(_Door):
    """Segmind's hosted Kling models, blocking: every verb returns when it is done.

    The key comes from `api_key`, else `SEGMIND_API_KEY`, else Colab's secret of that name. `media` is the
    folder results are saved in (default `kling-media/` beside the notebook, or `KLING_NB_MEDIA`), `timeout`
    the seconds a wait may last (default: the model page's own). `base_url`, `upload_url` and `history_url`
    point it at another service, `time_scale` says how much faster that one runs; `transport` (an httpx
    transport) and `clock` are for tests. Raises `MissingKey` and `InvalidRequest`.
    """

    def submit(self, model: Any, /, **params: Any) -> Job:
        """Submit a request, or a slug with its parameters; returns once the service has taken it.

        The job then runs and is watched in the background. Raises `InvalidRequest` before anything is sent,
        `SubmitUnknown` when the answer was lost, or the typed refusal of the service.
        """
        job = self._begin(model, **params)
        for event in job.events():
            if event.state is not State.SUBMITTING:
                break
        return accepted(job)

    def run(self, model: Any, /, *, timeout: float | None = None, **params: Any) -> Any:
        """Submit and wait: the `Image` or `Video`. Raises what `submit` and `Job.result` raise."""
        return self.submit(model, **params).result(timeout)

    def run_sync(self, model: Any, /, *, timeout: float | None = None, **params: Any) -> Any:
        """The v1 call: one blocking request, an `Image` or `Video` or a JSON value.

        Nothing of it can be resumed; prefer `run`. Raises `SubmitUnknown` when the answer was lost.
        """
        return self._do(self._core.run_sync(model, params, timeout))

    def credits(self) -> Credits:
        """The balance of the account, in US dollars."""
        return self._do(self._core.credits())

    def upload(self, picture: Any) -> str:
        """The hosted address of a picture (path, bytes, PIL image, array, `Image`); sent once per content.

        Rarely needed: picture fields take the same values. Raises `InvalidRequest` and `UploadFailed`.
        """
        return self._do(self._core.upload(picture))

    def history(self, request_id: str | None = None, **filters: Any) -> list[HistoryRow]:
        """Past requests of this account at any age: one by its id, else a page by the service's filters.

        Filters are `page`, `per_page` (1 to 100), `from_date`, `to_date` (YYYY-MM-DD, 31 days apart at
        most), `model_name`, `status`, `sort_by` and `sort_order`.
        """
        return self._do(self._core.history(request_id, filters))

    def close(self) -> None:
        """Stop watching and close the connections. Jobs at the service go on and can be resumed."""
        self._do(self._core.close())

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _do(self, work: Coroutine[Any, Any, T]) -> T:
        return self._core.engine.call(work)


class AsyncClient(_Door):
    """The same verbs as `Client`, as coroutines. They work on any event loop: the work itself is elsewhere.

    Parameters are those of `Client`.
    """

    async def submit(self, model: Any, /, **params: Any) -> Job:
        job = self._begin(model, **params)
        async for event in job.events():
            if event.state is not State.SUBMITTING:
                break
        return accepted(job)

    async def run(self, model: Any, /, *, timeout: float | None = None, **params: Any) -> Any:
        return await (await self.submit(model, **params)).aresult(timeout)

    async def run_sync(self, model: Any, /, *, timeout: float | None = None, **params: Any) -> Any:
        return await self._do(self._core.run_sync(model, params, timeout))

    async def credits(self) -> Credits:
        return await self._do(self._core.credits())

    async def upload(self, picture: Any) -> str:
        return await self._do(self._core.upload(picture))

    async def history(self, request_id: str | None = None, **filters: Any) -> list[HistoryRow]:
        return await self._do(self._core.history(request_id, filters))

    async def close(self) -> None:
        await self._do(self._core.close())

    async def __aenter__(self) -> AsyncClient:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def _do(self, work: Coroutine[Any, Any, T]) -> T:
        future: Future[T] = self._core.engine.start(work)
        try:
            await tick(future)
        except BaseException:
            future.cancel()
            raise
        return future.result()


for _name in ("submit", "run", "run_sync", "credits", "upload", "history", "close"):
    getattr(AsyncClient, _name).__doc__ = getattr(Client, _name).__doc__


def connect(**options: Any) -> Client:
    """The real service when a key is found, else the built-in sandbox; prints one line saying which.

    Options are those of `Client`.
    """
    try:
        client = Client(**options)
    except MissingKey:
        client = Client.sandbox(**options)
        line = "No API key was found: this is the built-in sandbox. It costs nothing and draws its own media."
    else:
        line = "Connected to Segmind with your API key: jobs cost money."
    print(line)  # noqa: T201 - which service answers is the one thing not to be missed
    return client
