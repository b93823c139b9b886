"""One HTTP exchange: httpx inside, our own few outcomes outside. Nothing is ever repeated here."""

from __future__ import annotations

import asyncio
import functools
import logging
import math
import ssl
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import anyio
import httpx

from ..clock import Clock
from ..errors import KlingError
from ..markup import mask
from ..settings import VERSION, Settings, is_loopback, origin_of
from .wire import Answer

USER_AGENT = f"kling_nb/{VERSION}"
_CONNECT = 10.0
_NEVER_OPENED = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.UnsupportedProtocol)


# Both write down addresses and headers, in which the account's e-mail may stand.
_TALKERS = ("httpx", "httpcore.connection", "httpcore.http11", "httpcore.proxy")


def _hide(record: logging.LogRecord) -> bool:
    record.msg, record.args = mask(record.getMessage()), None
    return True


for _name in _TALKERS:
    logging.getLogger(_name).addFilter(_hide)


class Undelivered(Exception):
    """The connection never opened: the other side has surely seen nothing."""


class Lost(Exception):
    """Something was sent and no whole answer came: the other side may have acted on it."""


class Transport:
    """Three kinds of connection over one TLS setting: to ask, to buy, and to fetch files.

    The key travels with the first two, and only to the configured origins. Redirects are followed for
    files alone, which travel without it.
    """

    def __init__(
        self, settings: Settings, clock: Clock, transport: httpx.AsyncBaseTransport | None = None
    ) -> None:
        self._settings = settings
        self._clock = clock
        # A stand-in on this machine is not reached through the proxy of the environment.
        shared: dict[str, Any] = {
            "transport": transport,
            "trust_env": not is_loopback(settings.base_url),
            "headers": {"user-agent": USER_AGENT},
            "verify": _tls(),
        }
        # As many as the watcher lets out at a time. The pool looks at every idle line for each request, so
        # that many lines cost more than they save.
        pool = httpx.Limits(max_connections=16, max_keepalive_connections=6)
        self._asking = httpx.AsyncClient(**shared, limits=pool)
        # A pooled connection may have died unseen, and a submit lost on it could not be told from one that
        # was taken. A fresh one each time fails while opening, where nothing can have been bought.
        self._buying = httpx.AsyncClient(**shared, limits=httpx.Limits(max_keepalive_connections=0))
        self._fetching = httpx.AsyncClient(**shared, follow_redirects=True)
        self._open: dict[anyio.CancelScope, asyncio.Future[None]] = {}
        self._closed = False

    async def ask(self, method: str, url: str, *, json: Any = None, limit: float = 45.0) -> Answer:
        """One exchange that is safe to repeat. Raises `Undelivered` or `Lost`; `limit` is in seconds."""
        return await self._exchange(self._asking, method, url, json, limit)

    async def buy(self, url: str, json: Any, *, limit: float = 120.0) -> Answer:
        """One POST that may cost money, on a connection of its own. Raises `Undelivered` or `Lost`."""
        return await self._exchange(self._buying, "POST", url, json, limit)

    @asynccontextmanager
    async def fetch(self, url: str, headers: Mapping[str, str]) -> AsyncIterator[httpx.Response]:
        """A streamed GET of a file, without the key. Raises `Undelivered` or `Lost`."""
        timeout = httpx.Timeout(30.0, connect=_CONNECT)
        try:
            with self._under_way(math.inf):
                async with self._fetching.stream(
                    "GET", url, headers=dict(headers), timeout=timeout
                ) as response:
                    yield response
        except _NEVER_OPENED as error:
            raise Undelivered(_reason(error)) from error
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise Lost(_reason(error)) from error

    async def close(self) -> None:
        """End what is under way and close every connection."""
        self._closed = True
        ends = list(self._open.values())
        for scope in self._open:
            scope.cancel()
        # The pool forgets a line that is just being opened: closed under it, that line would stay open.
        await asyncio.gather(*ends)
        for client in (self._asking, self._buying, self._fetching):
            await client.aclose()

    async def _exchange(
        self, client: httpx.AsyncClient, method: str, url: str, json: Any, limit: float
    ) -> Answer:
        timeout = httpx.Timeout(limit, connect=min(_CONNECT, limit))
        request = client.build_request(method, url, json=json, headers=self._headers(url), timeout=timeout)
        try:
            # httpx limits each read; a peer that drips bytes would pass every one of them. Not wait_for: on
            # Python 3.11 it swallows a cancellation that comes together with the answer.
            with self._under_way(limit):
                response = await client.send(request)
        except _NEVER_OPENED as error:
            raise Undelivered(_reason(error)) from error
        except httpx.HTTPError as error:
            raise Lost(_reason(error)) from error
        except TimeoutError as error:
            raise Lost(f"no whole answer within {limit:g} s") from error
        return Answer(response.status_code, response.headers, response.content, self._clock.wall())

    @contextmanager
    def _under_way(self, limit: float) -> Iterator[None]:
        if self._closed:
            raise KlingError("This client is closed.", todo="Make a new one.")
        with anyio.fail_after(limit) as scope:
            self._open[scope] = asyncio.get_running_loop().create_future()
            try:
                yield
            finally:
                self._open.pop(scope).set_result(None)
        if scope.cancelled_caught:
            raise Lost("the client was closed")

    def _headers(self, url: str) -> dict[str, str]:
        if origin_of(url) not in self._settings.origins:
            raise KlingError(f"{origin_of(url)} is not the configured service; the key is not sent there.")
        return {"x-api-key": self._settings.api_key.reveal(), "accept": "application/json, */*"}


@functools.cache
def _tls() -> ssl.SSLContext:
    # Reading the certificates takes longer than all the rest of a client's making.
    return httpx.create_ssl_context()


def _reason(error: Exception) -> str:
    return str(error) or type(error).__name__
