"""Buying once: the same request is one purchase per take, across restarts and across kernels.

Its row is written before anything is sent. Whoever finds a row already there attaches to it: to the live
job, to the finished media, or to the question what became of a submit whose answer was lost.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from itertools import count
from pathlib import Path
from typing import Any, Literal, TypeAlias

from ..clock import Clock
from ..errors import KlingError, SubmitUnknown
from ..keep.ledger import Intent, Ledger, LedgerError, Record, is_alive, me
from ..media import Image, Video
from ..media.picture import Picture
from ..media.trouble import MediaError
from ..service.api import Api
from ..service.uploads import Uploads, read_all
from ..service.wire import HistoryRow, is_web_url
from ..states import State
from .budget import Budget
from .job import Asked, Job
from .watcher import Watcher

Take: TypeAlias = "int | Literal['new']"

# How often to look whether another process has got its answer, in seconds.
_GLANCE = 0.2
# A history row may carry a clock other than ours.
_CLOCKS_APART = 120.0
# Stands in for the address of a picture where only its content counts.
_CONTENT = "https://content.invalid/sha256/"


@dataclass(frozen=True)
class Buyer:
    """Turns a job that is only wanted into one the service has taken, or finds the one there already is."""

    api: Api
    uploads: Uploads
    ledger: Ledger
    watcher: Watcher
    budget: Budget
    clock: Clock
    account: str
    service: str

    async def buy(self, job: Job, take: Take) -> None:
        """Submit, or attach. Afterwards the job has its request id, or its media, or this has raised."""
        local = tuple((path, value) for path, value in job.request.pictures() if not is_web_url(value))
        pictures = await asyncio.to_thread(read_all, local)
        intent = self._intent(job.request, pictures, dict(local))
        while True:
            # On the loop itself, so that no other client of this process can see the row and not the mark.
            record, is_ours = self.ledger.claim(intent, take)
            job._recorded(record)
            if is_ours or await self._attach(job, record):
                break
        if job.request_id is None and not job.reused:
            await self._send(job, record.id, pictures)

    async def find(self, record: Record) -> HistoryRow | None:
        """The one past request that a row of unknown outcome became.

        None when there is none. Raises `SubmitUnknown` when several fit: which of them it was, a person must
        say.
        """
        rows = await self._past(record)
        known = self.ledger
        fitting = [row for row in rows if _fits(row, record)]
        free = [row for row in fitting if known.by_request(self.service, row.request_id) is None]
        # Equal requests that were lost together may share what is free: which is whose makes no difference.
        if len(free) > max(1, known.lost(self.account, self.service, record.slug, record.body_hash)):
            ids = ", ".join(row.request_id for row in free)
            raise SubmitUnknown(
                f"{len(free)} past requests fit the lost submit of {record.slug}: {ids}.",
                todo="client.resume(id) brings back the one you choose.",
            )
        return free[-1] if free else None

    async def _past(self, record: Record) -> list[HistoryRow]:
        """Requests of this model from when the row was sent on; the service's own window is 7 days."""
        since = (record.sent or record.created) - _CLOCKS_APART
        day = datetime.fromtimestamp(since, timezone.utc).date()
        today = datetime.fromtimestamp(self.clock.wall(), timezone.utc).date()
        last = max(day, min(day + timedelta(days=2), today))
        window = {"from_date": day.isoformat(), "to_date": last.isoformat()}
        asked = {"model_name": record.slug, "per_page": 100, **window}
        found: dict[str, HistoryRow] = {}
        for page in count(1):
            rows = await self.api.history_page({**asked, "page": page})
            fresh = {row.request_id: row for row in rows if row.request_id not in found}
            found |= fresh
            if not fresh or all(row.created is not None and row.created < since for row in rows):
                break
        return list(found.values())

    async def reconcile(self, record: Record) -> Record:
        """A row of unknown outcome after a look at the service's history: with its id if exactly one fits."""
        found = await self.find(record)
        if found is not None:
            await asyncio.to_thread(self.ledger.accepted, record.id, found.request_id)
            return self.ledger.get(record.id)
        if record.state is not State.UNKNOWN:
            self.ledger.moved(
                record.id, State.UNKNOWN, "no answer to the submit, and no trace in the history"
            )
        raise SubmitUnknown(
            f"An earlier submit of this {record.slug} request got no answer, and the service's history shows "
            "no trace of it.",
            again='If the console shows none either, take="new" submits it again.',
        )

    async def _attach(self, job: Job, record: Record) -> bool:
        """Join what a row stands for; False when it has to be claimed again."""
        while record.state is State.SUBMITTING and self._is_at_work(record):
            await self.clock.sleep(_GLANCE)
            record = self.ledger.get(record.id)
        if record.state is State.FAILED:
            return False
        if record.state is State.SUBMITTING and record.sent is None:
            # Its process died before anything left: nothing was bought, and the row is free to use.
            return self.ledger.take_over(record)
        if record.request_id is None:
            record = await self.reconcile(record)
        job._recorded(record)
        job.resumed = True
        made = on_disk(record)
        if made is not None:
            (job.outputs, job.value), job.reused = made, True
        return True

    async def _send(self, job: Job, row: int, pictures: Mapping[str, Picture]) -> None:
        mark = self.ledger.path, row
        _at_work.add(mark)
        try:
            self.budget.reserve(job)
            hosted = await asyncio.gather(*(self.uploads.url_of(picture) for picture in pictures.values()))
            body = job.request.body(dict(zip(pictures, hosted, strict=True)))
            await self.watcher.submit_turn()
            self.ledger.sending(row, body_hash(body))
            job.request_id = await self.api.submit(job.model, body)
        except SubmitUnknown as error:
            self.ledger.moved(row, State.UNKNOWN, error.what)
            raise
        except LedgerError:
            raise  # nothing was sent, and the row may be another's by now
        except KlingError as error:
            self.ledger.ended(row, State.FAILED, error=error.what)
            raise
        else:
            # What was bought is no failure, whatever becomes of the record; the history brings it back.
            with contextlib.suppress(LedgerError):
                self.ledger.accepted(row, job.request_id)
        finally:
            _at_work.discard(mark)

    def _is_at_work(self, record: Record) -> bool:
        if record.owner == me():
            return (self.ledger.path, record.id) in _at_work
        return is_alive(record, self.clock.wall())

    def _intent(self, request: Asked, pictures: Mapping[str, Picture], given: Mapping[str, Any]) -> Intent:
        digests = {path: picture.sha256 for path, picture in pictures.items()}
        body = request.body({path: f"{_CONTENT}{digest}" for path, digest in digests.items()})
        inputs = {path: {"sha256": digest, "file": _file(given[path])} for path, digest in digests.items()}
        return Intent(
            self.account,
            self.service,
            request.slug,
            str(request.values().get("prompt", "")),
            body,
            inputs,
            _hash([request.slug, _meaning(request, body)]),
        )


def on_disk(record: Record) -> tuple[tuple[Image | Video, ...], Any] | None:
    """What a finished row made: its files when all are still there, or its value; None when it is lost."""
    if record.state is not State.COMPLETED or not record.outputs:
        return None
    if "value" in record.outputs[0]:
        return (), record.outputs[0]["value"]
    try:
        return tuple(_media(output, record) for output in record.outputs), None
    except MediaError:
        return None


def body_hash(body: Mapping[str, Any]) -> str:
    """A digest by which a body is found again in the service's history, which gives it back as it came."""
    return _hash(body)


# The submits of this process that are under way, by ledger and row.
_at_work: set[tuple[Path, int]] = set()


def _media(output: Mapping[str, Any], record: Record) -> Image | Video:
    path = Path(output["path"])
    kind = Video if path.suffix == ".mp4" else Image
    return kind(path, url=output.get("url"), job_id=record.request_id, prompt=record.prompt)


def _fits(row: HistoryRow, record: Record) -> bool:
    if row.body is None or row.model != record.slug or body_hash(row.body) != record.body_hash:
        return False
    sent = record.sent or record.created
    return row.created is None or row.created > sent - _CLOCKS_APART


def _meaning(request: Asked, body: Mapping[str, Any]) -> dict[str, Any]:
    """The body without what only repeats a default: written out or left out, it asks for the same."""
    params: tuple[Any, ...] = getattr(request, "params", tuple)()
    defaults = {param.name: param.default for param in params if param.default is not None}
    return {name: value for name, value in body.items() if name not in defaults or value != defaults[name]}


def _hash(value: Any) -> str:
    text = json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _file(value: Any) -> str:
    path = getattr(value, "path", value)
    return str(path) if isinstance(path, (str, os.PathLike)) else ""
