"""Fetching a file whole: cut lines are continued where they broke, and the key never travels along."""

from __future__ import annotations

import itertools
import os
import re
from pathlib import Path

import httpx

from ..clock import Clock
from ..errors import DownloadFailed
from ..markup import mask
from .patience import Patience
from .retry import TRANSIENT, asked_pause
from .transport import Lost, Transport, Undelivered

# Seconds without a single new byte after which we give up; what has arrived stays for the next call.
_PATIENCE = 180.0
_CHUNK = 1 << 18
_numbers = itertools.count()


class Downloads:
    """Fetches output files to a temporary name."""

    def __init__(self, transport: Transport, clock: Clock) -> None:
        self._transport, self._clock = transport, clock
        # Two that fetch the same file must not write to the same place.
        self.writer = f"{os.getpid()}-{next(_numbers)}"

    async def fetch(self, url: str, part: Path) -> None:
        """Bring all of `url` to `part`, continuing what is there already.

        Raises `DownloadFailed`; `part` then keeps what has arrived.
        """
        patience = Patience(self._clock, _PATIENCE)
        while True:
            had, asked = _length(part), None
            try:
                return await self._once(url, part)
            except (Undelivered, Lost, _Refused) as error:
                where = httpx.URL(url).host
                what = f"The file could not be fetched from {where}: {error}."
                failure = DownloadFailed(what, url=mask(url))
                failure.__cause__ = error
                if isinstance(error, _Refused):
                    asked = asked_pause(error.headers, self._clock.wall())
                    if not error.passing:
                        raise failure from error
            if _length(part) > had:
                patience.renew()
            if not await patience.lasts(asked):
                raise failure

    async def _once(self, url: str, part: Path) -> None:
        have = _length(part)
        # Compression would make the byte counts of the file and of the answer two different things.
        headers = {"accept-encoding": "identity"}
        if have:
            headers["range"] = f"bytes={have}-"
        async with self._transport.fetch(url, headers) as response:
            status = response.status_code
            if status == 416:
                if _ranged(response, r"/(\d+)$") == have:
                    return
                part.unlink(missing_ok=True)
            if not response.is_success:
                raise _Refused(response, passing=status == 416 or status in TRANSIENT)
            # A server may also send everything anew.
            continues = have and status == 206 and _ranged(response, r"^bytes (\d+)-") == have
            await _write(response, part, start=have if continues else 0)


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


def _ranged(response: httpx.Response, pattern: str) -> int | None:
    """A number out of the Content-Range."""
    found = re.search(pattern, response.headers.get("content-range", ""))
    return int(found[1]) if found else None


def _length(part: Path) -> int:
    try:
        return part.stat().st_size
    except OSError:
        return 0
