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
from ..keep.store import Store
from ..media import Image, Video
from ..media.picture import Picture
from ..media.trouble import MediaError
from ..service.api import Api
from ..service.uploads import Uploads, local, read_all
from ..service.wire import HistoryRow
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
    store: Store
    ledger: Ledger
    watcher: Watcher
    budget: Budget
    clock: Clock
    account: str
    service: str

    async def buy(self, job: Job, take: Take) -> None:
        """Submit, or attach. Afterwards the job has its request id, or its media, or this has raised."""
        pictures = await asyncio.to_thread(read_all, local(job.request.pictures()))
        intent = self._intent(job.request, pictures)
        while True:
            # On the loop itself, so that no other client of this process can see the row and not the mark.
            record, is_ours = self.ledger.claim(intent, take)
            job._recorded(record)
            if is_ours or await self._attach(job, record):
                break
        if job.request_id is None and not job.reused:
            await self._send(job, record.id, pictures)

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
        """A row of unknown outcome with the id of the past request that it became.

        Raises `SubmitUnknown` when the service's history shows none, or several: which of them it was, a
        person must say.
        """
        fitting = [row for row in await self._past(record) if _fits(row, record)]
        free = [row for row in fitting if self.ledger.by_request(self.service, row.request_id) is None]
        # Equal requests that were lost together may share what is free: which is whose makes no difference.
        if len(free) > max(1, self.ledger.lost(self.account, self.service, record.slug, record.body_hash)):
            ids = ", ".join(row.request_id for row in free)
            raise SubmitUnknown(
                f"{len(free)} past requests fit the lost submit of {record.slug}: {ids}.",
                todo="client.resume(id) brings back the one you choose.",
            )
        if free:
            await asyncio.to_thread(self.ledger.accepted, record.id, free[-1].request_id)
            return self.ledger.get(record.id)
        if record.state is not State.UNKNOWN:
            what = "no answer to the submit, and no trace in the history"
            self.ledger.moved(record.id, State.UNKNOWN, what)
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
            await asyncio.to_thread(self.store.check)
            self.budget.reserve(job)
            body = job.request.body(await self.uploads.urls_of(pictures))
            await self.watcher.submit_turn()
            self.ledger.sending(row, digest(body))
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

    def _intent(self, request: Asked, pictures: Mapping[str, Picture]) -> Intent:
        given = dict(request.pictures())
        contents = {path: picture.sha256 for path, picture in pictures.items()}
        inputs = {path: {"sha256": each, "file": _file(given[path])} for path, each in contents.items()}
        prompt = str(request.values().get("prompt", ""))
        body, fingerprint = identity(request, contents)
        return Intent(self.account, self.service, request.slug, prompt, body, inputs, fingerprint)


def on_disk(record: Record) -> tuple[tuple[Image | Video, ...], Any] | None:
    """What a finished row made: its files when all are still there, or its value; None when it is lost."""
    if record.state is not State.COMPLETED or not record.outputs:
        return None
    if "value" in record.outputs[0]:
        return (), record.outputs[0]["value"]
    try:
        return record.media(), None
    except MediaError:
        return None


def identity(request: Asked, contents: Mapping[str, str]) -> tuple[dict[str, Any], str]:
    """The body with what its pictures hold for their addresses, and a digest that equal requests share."""
    body = request.body({path: f"{_CONTENT}{content}" for path, content in contents.items()})
    # What only repeats a default asks for the same, written out or left out.
    params: tuple[Any, ...] = getattr(request, "params", tuple)()
    defaults = {param.name: param.default for param in params if param.default is not None}
    meant = {name: value for name, value in body.items() if value != defaults.get(name)}
    return body, digest([request.slug, meant])


# The submits of this process that are under way, by ledger and row.
_at_work: set[tuple[Path, int]] = set()


def _fits(row: HistoryRow, record: Record) -> bool:
    if row.body is None or row.model != record.slug or digest(row.body) != record.body_hash:
        return False
    sent = record.sent or record.created
    return row.created is None or row.created > sent - _CLOCKS_APART


def digest(value: Any) -> str:
    """The same for equal JSON: so a body is found again in the history, which gives it back as it came."""
    text = json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _file(value: Any) -> str:
    path = getattr(value, "path", value)
    return str(path) if isinstance(path, (str, os.PathLike)) else ""
