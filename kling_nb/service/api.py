"""The service's calls, one typed function each. What is safe to repeat is repeated; a submit never is."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlencode

from ..clock import Clock
from ..errors import KlingError, NotFound, ServiceUnreachable, SubmitUnknown, UnexpectedAnswer
from ..settings import Settings
from . import wire
from .patience import Patience
from .retry import REFUSED, TRANSIENT
from .transport import Lost, Transport, Undelivered
from .wire import Answer

# How long a call may go on trying before it gives up, in seconds.
_PATIENCE = 120.0


@dataclass(frozen=True)
class Api:
    """Segmind's HTTP API (docs.segmind.com), over a `Transport`. `told` hears how the service answers."""

    _settings: Settings
    _transport: Transport
    _clock: Clock
    told: Callable[[int, float | None], None]
    posting: set[asyncio.Task[Any] | None] = field(default_factory=set)
    """Tasks whose submit is out: cut off now, nobody would know what it bought."""

    async def submit(self, slug: str, body: Mapping[str, Any]) -> str:
        """`POST /v2/{slug}`: the new job's request id.

        Sent again only when it surely did not arrive or was surely refused (429, 503). Raises
        `SubmitUnknown` when nobody can tell, and the typed error of a refusal.
        """
        answer = await self._buy(f"/v2/{_segment(slug)}", slug, body)
        found = wire.request_id_of(answer)
        if found is None:
            raise self._unknown(slug, "the answer to the submit holds no request id", answer)
        return found

    async def run_sync(self, slug: str, body: Mapping[str, Any], limit: float) -> Answer:
        """`POST /v1/{slug}`: one blocking call whose answer is the media itself, or JSON naming it."""
        return await self._buy(f"/v1/{_segment(slug)}", slug, body, limit)

    async def status(self, request_id: str) -> Answer:
        """`GET /v2/requests/{id}/status`, once. Raises `Undelivered` or `Lost`."""
        return await self._transport.ask("GET", self._request_url(request_id) + "/status")

    async def result(self, request_id: str) -> Answer:
        """`GET /v2/requests/{id}`, once. Raises `Undelivered` or `Lost`."""
        return await self._transport.ask("GET", self._request_url(request_id))

    async def credits(self) -> wire.Credits:
        """`GET /v1/get-user-credits`: the balance in US dollars."""
        url = f"{self._settings.base_url}/v1/get-user-credits"
        answer = await self._ask("Asking for the balance", "GET", url)
        found = wire.credits_of(answer)
        if found is None:
            raise UnexpectedAnswer("The answer about the balance names no credits.", **answer.said())
        return found

    async def history(self, request_id: str) -> wire.HistoryRow | None:
        """One past request by its id, at any age; None when the service names none."""
        url = f"{self._history_url}/{_segment(request_id)}"
        try:
            answer = await self._ask("Asking for the history", "GET", url, request_id)
        except NotFound:
            return None
        rows = wire.history_of(answer.json())
        return next((row for row in rows if row.request_id == request_id), None)

    async def history_page(self, filters: Mapping[str, Any]) -> list[wire.HistoryRow]:
        """A page of past requests, newest first, by the service's own filters."""
        query = urlencode({name: value for name, value in filters.items() if value is not None})
        answer = await self._ask("Asking for the history", "GET", f"{self._history_url}?{query}")
        return wire.history_of(answer.json())

    async def upload(self, data_url: str) -> str:
        """`POST /upload-asset`: the hosted address of one file given as a data URL."""
        url = f"{self._settings.upload_url}/upload-asset"
        what = {"data_urls": [data_url]}
        answer = await self._ask("The upload", "POST", url, json=what, limit=180.0)
        found = wire.uploaded_of(answer)
        if not found:
            raise UnexpectedAnswer("The answer to the upload names no file.", **answer.said())
        return found[0]

    def _request_url(self, request_id: str) -> str:
        # Built from the id: a host that the service names in an answer must not be given the key.
        return f"{self._settings.base_url}/v2/requests/{_segment(request_id)}"

    @property
    def _history_url(self) -> str:
        return f"{self._settings.history_url}/inference-request/request-history"

    async def _ask(
        self, doing: str, method: str, url: str, request_id: str | None = None, **how: Any
    ) -> Answer:
        """The first answer that is a success, asking again while the fault looks passing."""
        patience = Patience(self._clock, _PATIENCE)
        while True:
            failure: KlingError
            asked = None
            try:
                answer = await self._transport.ask(method, url, **how)
            except (Undelivered, Lost) as error:
                failure = ServiceUnreachable(f"{doing} got no answer: {error}.")
                failure.__cause__ = error
            else:
                if answer.is_success:
                    return answer
                asked, failure = answer.pause, wire.error_of(answer, request_id, doing)
                if answer.status not in TRANSIENT:
                    raise failure
            if not await patience.lasts(asked):
                raise failure

    async def _buy(self, path: str, slug: str, body: Mapping[str, Any], limit: float = 120.0) -> Answer:
        patience = Patience(self._clock, _PATIENCE)
        while True:
            failure: KlingError
            asked = None
            try:
                answer = await self._post(path, body, limit)
            except Undelivered as error:
                failure = ServiceUnreachable(f"The submit did not reach the service: {error}.")
                failure.__cause__ = error
            except Lost as error:
                raise self._unknown(slug, f"no whole answer to the submit came back ({error})") from error
            else:
                asked = answer.pause
                self.told(answer.status, asked)
                if answer.is_success:
                    return answer
                failure = self._refusal(slug, answer)
                if answer.status not in REFUSED:
                    raise failure
            try:
                goes_on = await patience.lasts(asked)
            except asyncio.CancelledError:
                # Given up between two tries: surely not bought, and whoever keeps the books has to know.
                raise failure from None
            if not goes_on:
                raise failure

    async def _post(self, path: str, body: Mapping[str, Any], limit: float) -> Answer:
        task = asyncio.current_task()
        self.posting.add(task)
        try:
            return await self._transport.buy(self._settings.base_url + path, body, limit=limit)
        finally:
            self.posting.discard(task)

    def _refusal(self, slug: str, answer: Answer) -> KlingError:
        # A 5xx that is not the service's own JSON comes from something in front of it, which may have passed
        # the request on before it gave up.
        own_words = answer.status in REFUSED or (answer.status == 500 and answer.object().get("error"))
        if answer.status >= 500 and not own_words:
            return self._unknown(slug, f"the submit was answered with HTTP {answer.status}", answer)
        return wire.error_of(answer, doing="The submit")

    def _unknown(self, slug: str, what: str, answer: Answer | None = None) -> SubmitUnknown:
        known = {} if answer is None else answer.said()
        return SubmitUnknown(f"{what[0].upper()}{what[1:]}: {slug} may have been accepted.", **known)


def _segment(text: str) -> str:
    return quote(text, safe="")
