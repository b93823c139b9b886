"""`Client` and `AsyncClient`: the same verbs, blocking and awaited. Each is one line over the shared core."""

from __future__ import annotations

import functools
import weakref
from collections.abc import Coroutine
from concurrent.futures import Executor, Future
from datetime import datetime
from typing import Any, TypeVar

import httpx

from . import standin
from .clock import Clock
from .core import Core, accepted
from .errors import KlingError, MissingKey
from .jobs.batch import Batch
from .jobs.engine import tick
from .jobs.job import Job, parting
from .jobs.listing import JobList
from .jobs.purchase import Take
from .service.wire import Credits, HistoryRow
from .settings import BASE_URL, Place, read_settings
from .states import State

T = TypeVar("T")
Self = TypeVar("Self", bound="_Door")

SANDBOX_SPEED = 20.0
_SUBMIT_GOES_ON = (
    "Interrupted; the submit goes on by itself and may be billed. The same call again joins it, and "
    "client.jobs() lists it."
)
_RECOVERY_GOES_ON = "Interrupted; nothing is lost. What was found is still watched; recover() goes on."


class _Door:
    """What opens and closes the same way for both clients."""

    def __init__(
        self,
        api_key: str | None = None,
        *,
        base_url: str | None = None,
        upload_url: str | None = None,
        history_url: str | None = None,
        home: Place | None = None,
        media: Place | None = None,
        reuse: bool = True,
        requests_per_minute: float | None = None,
        max_active: int = 20,
        spend_limit: float | None = None,
        timeout: float | None = None,
        time_scale: float = 1.0,
        transport: httpx.AsyncBaseTransport | None = None,
        clock: Clock | None = None,
        _on_close: Any = None,
    ) -> None:
        try:
            settings = read_settings(
                api_key,
                base_url=base_url,
                upload_url=upload_url,
                history_url=history_url,
                home=home,
                media=media,
                reuse=reuse,
                requests_per_minute=requests_per_minute,
                max_active=max_active,
                spend_limit=spend_limit,
                timeout=timeout,
                time_scale=time_scale,
            )
        except KlingError as error:
            api_key = None  # frames keep what they were called with, and a verbose traceback prints it
            raise error.with_traceback(None) from None
        self._core = Core(settings, transport=transport, clock=clock, on_close=_on_close)
        global _latest
        _latest = weakref.ref(self)

    @classmethod
    def sandbox(cls: type[Self], *, time_scale: float = SANDBOX_SPEED, **options: Any) -> Self:
        """A client of the built-in stand-in service on this machine: no key, no cost, real files.

        `time_scale` says how many times faster than the real service it works. The other options are the
        client's own; see the class.
        """
        leased = standin.lease(time_scale)
        try:
            service = leased.service
            defaults = {"base_url": service.base_url, "time_scale": time_scale, "home": leased.home}
            release = functools.partial(standin.release, time_scale)
            return cls(service.key, **{**defaults, **options}, _on_close=release)
        except BaseException:
            standin.release(time_scale)
            raise

    @property
    def is_sandbox(self) -> bool:
        """True when this client talks to the built-in stand-in."""
        return self._core.is_sandbox

    def __repr__(self) -> str:
        if not hasattr(self, "_core"):
            return f"<{type(self).__name__} that was never opened>"
        where = "the built-in sandbox" if self.is_sandbox else self._core.settings.base_url
        return f"<{type(self).__name__} of {where}>"

    def jobs(
        self,
        *,
        model: Any = None,
        state: State | str | None = None,
        text: str | None = None,
        since: datetime | float | None = None,
        until: datetime | float | None = None,
        limit: int = 1000,
    ) -> JobList:
        """What the ledger knows of this account, newest first: handles in code, a table in a notebook.

        `model` is a slug or a class, `text` is looked for in prompt and parameters, `since` and `until` are
        datetimes or seconds since the epoch. Raises `InvalidRequest` for a word that is no state.
        """
        given = {"model": model, "state": state, "text": text, "since": since, "until": until}
        return self._core.listed(**given, limit=limit)

    def resume(self, request_id: str) -> Job:
        """A handle from a request id, after any restart; returns at once and watches in the background.

        Raises `InvalidRequest` for what can not be an id. An id that the service does not know, or whose
        record is over an hour old, ends the job with `RequestExpired`.
        """
        return self._core.resume(request_id)

    def batch(
        self,
        requests: Any,
        *,
        model: Any = None,
        max_active: int | None = None,
        stop_after_failures: int | None = None,
        spend_limit: float | None = None,
        executor: Executor | None = None,
    ) -> Batch:
        """Many jobs at once; returns at once with a `Batch` that runs in the background.

        `requests` are requests, dicts of parameters (with `model` in them or given here), what `sweep`
        returns, or a pandas DataFrame. `max_active` jobs are in flight at once; after `stop_after_failures`
        failed rows nothing more is submitted; `spend_limit` is in US dollars. `executor` runs the rows on its
        workers, which get the key and need the same ledger and media folders. Raises `InvalidRequest` and
        `SpendLimit`.
        """
        return Batch(
            self._core,
            requests,
            model=model,
            max_active=max_active,
            stop_after_failures=stop_after_failures,
            spend_limit=spend_limit,
            executor=executor,
        )

    def _begin(self, model: Any, /, *, take: Take = "new", **params: Any) -> Job:
        # For buttons: the job is there at once and submits by itself, and each press is a new take.
        return self._core.begin(model, params, take)


class Client(_Door):
    """Segmind's hosted Kling models, blocking: every verb returns when it is done.

    The key comes from `api_key`, else `login()`, `SEGMIND_API_KEY`, Colab's secret of that name, the keyring.
    `media` is the folder results are saved in (default `kling-media/` beside the notebook, or
    `KLING_NB_MEDIA`), `home` that of the ledger (default: the platform's user state folder, or
    `KLING_NB_HOME`). `reuse=False` makes every submit buy. `spend_limit` is in US dollars, for the life of
    the client; `requests_per_minute` the budget all its calls share, `max_active` how many jobs of a batch
    run at once; `timeout` the seconds a wait may last (default: the model page's own). `base_url`,
    `upload_url` and `history_url` point it at another service, `time_scale` says how much faster that one
    runs; `transport` (an httpx transport) and `clock` are for tests. Raises `MissingKey` and
    `InvalidRequest`.
    """

    def submit(self, model: Any, /, *, take: Take = 1, **params: Any) -> Job:
        """Submit a request, or a slug with its parameters; returns once the service has taken it.

        The job then runs and is watched in the background. The same request again is not bought again: it
        gives the job that runs already, or the media that is on disk. `take=2` (or `"new"`) buys another.
        Raises `InvalidRequest` before anything is sent, `SubmitUnknown` when the answer was lost,
        `SpendLimit`, or the typed refusal of the service.
        """
        job = self._begin(model, take=take, **params)
        with parting(_SUBMIT_GOES_ON):
            for event in job.events():
                if event.state is not State.SUBMITTING:
                    break
        return accepted(job)

    def run(self, model: Any, /, *, take: Take = 1, timeout: float | None = None, **params: Any) -> Any:
        """Submit and wait: the `Image` or `Video`. Raises what `submit` and `Job.result` raise."""
        return self.submit(model, take=take, **params).result(timeout)

    def recover(self, timeout: float | None = None) -> JobList:
        """Collect every job that was or may have been paid and whose media is not on disk.

        Inside the hour by id, after it by the output address in the service's history. A submit whose answer
        was lost is looked for there too, and attached when exactly one request fits. Returns the jobs, each
        with its media or with the error that says what could not be found out; raises none of those.
        `timeout` is in seconds and None means each model page's own; jobs that still run then go on.
        """
        with parting(_RECOVERY_GOES_ON):
            return self._do(self._core.recover(timeout))

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

    async def submit(self, model: Any, /, *, take: Take = 1, **params: Any) -> Job:
        job = self._begin(model, take=take, **params)
        with parting(_SUBMIT_GOES_ON):
            async for event in job.events():
                if event.state is not State.SUBMITTING:
                    break
        return accepted(job)

    async def run(self, model: Any, /, *, take: Take = 1, timeout: float | None = None, **params: Any) -> Any:
        return await (await self.submit(model, take=take, **params)).aresult(timeout)

    async def recover(self, timeout: float | None = None) -> JobList:
        with parting(_RECOVERY_GOES_ON):
            return await self._do(self._core.recover(timeout))

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


for _name in ("submit", "run", "recover", "run_sync", "credits", "upload", "history", "close"):
    getattr(AsyncClient, _name).__doc__ = getattr(Client, _name).__doc__


def current() -> _Door:
    """The client that was made last and is still open, else what `connect()` finds: forms use this one."""
    known = _latest() if _latest else None
    return known if known is not None and not known._core.closed else connect()


_latest: weakref.ref[_Door] | None = None


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
        service = client._core.settings.base_url
        name = "Segmind" if service == BASE_URL else service
        line = f"Connected to {name} with your API key: jobs cost money."
    print(line)  # noqa: T201 - which service answers is the one thing not to be missed
    if waiting := client._core.waiting():
        one = "1 paid job is" if waiting == 1 else f"{waiting} paid jobs are"
        print(f"{one} not on disk yet: recover() collects them.")  # noqa: T201 - nor is money left lying
    return client
