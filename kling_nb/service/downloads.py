"""Fetching a file whole: cut lines are continued where they broke, and the key never travels along."""

from __future__ import annotations

import itertools
import os
import re
from collections.abc import Callable
from pathlib import Path

import httpx

from ..clock import Clock
from ..errors import DownloadFailed
from ..markup import mask
from .retry import TRANSIENT, asked_pause, pause_before_retry
from .transport import Lost, Transport, Undelivered

# Seconds without a single new byte after which we give up; what has arrived stays for the next call.
_PATIENCE = 180.0
_CHUNK = 1 << 18
_numbers = itertools.count()


class Downloads:
    """Fetches output files to a temporary name."""

    def __init__(self, transport: Transport, clock: Clock, chance: Callable[[], float]) -> None:
        self._transport = transport
        self._clock = clock
        self._chance = chance
        # Two that fetch the same file must not write to the same place.
        self.writer = f"{os.getpid()}-{next(_numbers)}"

    async def fetch(self, url: str, part: Path) -> str:
        """Bring all of `url` to `part`, continuing what is there already; returns its media type.

        Raises `DownloadFailed`; `part` then keeps what has arrived.
        """
        quiet_since, attempt = self._clock.monotonic(), 0
        while True:
            had = _length(part)
            asked, wall = None, self._clock.wall()
            try:
                return await self._once(url, part)
            except (Undelivered, Lost) as error:
                reason = str(error)
            except _Refused as error:
                reason = str(error)
                asked = asked_pause(error.headers, wall)
                if not error.passing:
                    raise self._failed(url, reason) from error
            if _length(part) > had:
                quiet_since, attempt = self._clock.monotonic(), 0
            spent = self._clock.monotonic() - quiet_since
            pause = pause_before_retry(attempt, self._chance(), asked, spent, _PATIENCE)
            if pause is None:
                raise self._failed(url, reason)
            attempt += 1
            await self._clock.sleep(pause)

    async def _once(self, url: str, part: Path) -> str:
        have = _length(part)
        # Compression would make the byte counts of the file and of the answer two different things.
        headers = {"accept-encoding": "identity"}
        if have:
            headers["range"] = f"bytes={have}-"
        async with self._transport.fetch(url, headers) as response:
            if response.status_code == 416 and _total(response) == have:
                return ""
            if response.status_code == 416:
                part.unlink(missing_ok=True)
                raise _Refused(response, passing=True)
            if not response.is_success:
                raise _Refused(response, passing=response.status_code in TRANSIENT)
            await _write(response, part, start=have if _continues(response, have) else 0)
            return str(response.headers.get("content-type", "")).split(";")[0].strip().lower()

    @staticmethod
    def _failed(url: str, reason: str) -> DownloadFailed:
        where = httpx.URL(url).host
        return DownloadFailed(f"The file could not be fetched from {where}: {reason}.", url=mask(url))


class _Refused(Exception):
    def __init__(self, response: httpx.Response, *, passing: bool) -> None:
        super().__init__(f"HTTP {response.status_code}")
        self.headers = response.headers
        self.passing = passing


async def _write(response: httpx.Response, part: Path, *, start: int) -> None:
    try:
        part.parent.mkdir(parents=True, exist_ok=True)
        with part.open("r+b" if start else "wb") as file:
            file.seek(start)
            async for chunk in response.aiter_bytes(_CHUNK):
                file.write(chunk)
    except OSError as error:
        raise DownloadFailed(
            f"The file could not be written to {part.parent}: {error.strerror or error}.",
            again="Fetching it again is safe once there is room and permission to write.",
        ) from error


def _continues(response: httpx.Response, have: int) -> bool:
    """True when the answer starts at the byte we lack; a server may also send everything anew."""
    if response.status_code != 206 or not have:
        return False
    found = re.match(r"bytes (\d+)-", response.headers.get("content-range", ""))
    return found is not None and int(found.group(1)) == have


def _total(response: httpx.Response) -> int | None:
    found = re.search(r"/(\d+)$", response.headers.get("content-range", ""))
    return int(found.group(1)) if found else None


def _length(part: Path) -> int:
    try:
        return part.stat().st_size
    except OSError:
        return 0
