"""The record of jobs: written before money is spent, kept in SQLite, shared by many kernels at once.

A damaged ledger or one made by a newer version is refused with its own error and never written to.
"""

from __future__ import annotations

import json
import os
import socket
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from ..errors import KlingError
from ..markup import mask
from ..media import Image, Video
from ..media.trouble import place
from ..states import State

# Marks the file as ours, so that somebody else's database is not taken for a ledger ("klnb").
_APPLICATION = 0x6B6C6E62
# How long another process may take over a submit before it counts as dead where its pid can not be asked.
LEASE = 300.0
# Seconds to wait for other processes that are writing.
_BUSY = 30.0
MENTIONS, NEWEST = "params LIKE ? ESCAPE '\\'", "ORDER BY created DESC, id DESC"

_MIGRATIONS: tuple[str, ...] = (
    """
    CREATE TABLE jobs (
        id INTEGER PRIMARY KEY,
        account TEXT NOT NULL, service TEXT NOT NULL, slug TEXT NOT NULL, prompt TEXT NOT NULL,
        params TEXT NOT NULL, inputs TEXT NOT NULL, fingerprint TEXT NOT NULL, take INTEGER NOT NULL,
        body_hash TEXT, request_id TEXT, state TEXT NOT NULL, owner TEXT NOT NULL,
        created REAL NOT NULL, sent REAL, accepted REAL, finished REAL,
        cost REAL, metrics TEXT NOT NULL DEFAULT '{}', outputs TEXT NOT NULL DEFAULT '[]',
        error TEXT NOT NULL DEFAULT ''
    );
    CREATE UNIQUE INDEX one_purchase ON jobs (account, service, fingerprint, take) WHERE state <> 'FAILED';
    CREATE UNIQUE INDEX one_row_a_request ON jobs (service, request_id) WHERE request_id IS NOT NULL;
    CREATE INDEX newest_first ON jobs (account, service, created);
    CREATE TABLE changes (
        job INTEGER NOT NULL REFERENCES jobs (id), at REAL NOT NULL, state TEXT NOT NULL, note TEXT NOT NULL
    );
    CREATE INDEX changes_of ON changes (job);
    """,
)


class LedgerError(KlingError):
    """The record of jobs can not be used, so nothing is submitted: a job must be written down first."""

    todo = "Point KLING_NB_HOME (or Client(home=...)) at a folder of your own."


@dataclass(frozen=True)
class Intent:
    """What is about to be asked, as the ledger remembers it. Pictures are their digests."""

    account: str
    service: str
    slug: str
    prompt: str
    params: Mapping[str, Any]
    inputs: Mapping[str, Mapping[str, str]]
    fingerprint: str


@dataclass(frozen=True)
class Record:
    """One row: a request that was meant to be sent, and what became of it.

    Times are seconds since the epoch, `cost` is in US dollars, `outputs` are dicts with path, sha256 and url,
    `inputs` maps each picture's place in the request to its `sha256` and, where it was one, its `file`.
    """

    id: int
    slug: str
    prompt: str
    params: dict[str, Any]
    inputs: dict[str, dict[str, str]]
    fingerprint: str
    take: int
    body_hash: str | None
    request_id: str | None
    state: State
    owner: str
    created: float
    sent: float | None
    accepted: float | None
    finished: float | None
    cost: float | None
    metrics: dict[str, Any]
    outputs: list[dict[str, Any]]
    error: str

    @property
    def seconds(self) -> float | None:
        """How long it took from the submit to its end."""
        return None if self.finished is None else self.finished - (self.accepted or self.created)

    def media(self) -> tuple[Image | Video, ...]:
        """The pictures and clips it made. Raises MediaError when one can not be read."""
        return tuple(map(self._media, self.outputs))

    def _media(self, output: Mapping[str, Any]) -> Image | Video:
        kind = Video if output["path"].endswith(".mp4") else Image
        return kind(output["path"], url=output.get("url"), job_id=self.request_id, prompt=self.prompt)


class Ledger:
    """The jobs of every client and kernel of this person, in one file."""

    def __init__(self, path: Path, wall: Callable[[], float]) -> None:
        self.path = path
        self._wall = wall
        self._lock = threading.RLock()
        self._open: tuple[tuple[int, object], sqlite3.Connection] | None = None

    def claim(self, intent: Intent, take: int | Literal["new"]) -> tuple[Record, bool]:
        """The row of this purchase, and whether it was made just now by this call.

        One transaction: of two processes that claim the same take, one makes the row and the other gets it.
        A failed one does not count: its take is free again. `"new"` is one more than the highest take.
        """
        with self._writing() as database:
            number = self._free_take(intent) if take == "new" else take
            clause = "account = ? AND service = ? AND fingerprint = ? AND take = ? AND state <> 'FAILED'"
            known = self._first(clause, intent.account, intent.service, intent.fingerprint, number)
            if known is not None:
                return known, False
            texts = {"params": _json(intent.params), "inputs": _json(intent.inputs)}
            columns = {**vars(intent), **texts, "prompt": mask(intent.prompt), "take": number}
            record = self._inserted(database, State.SUBMITTING, columns)
            self._note(database, record.id, record.state)
            return record, True

    def sending(self, row: int, body_hash: str) -> None:
        """The POST leaves now: from here on its outcome may be unknown."""
        with self._writing() as database:
            changed = database.execute(
                "UPDATE jobs SET body_hash = ?, sent = ?"
                " WHERE id = ? AND owner = ? AND state = 'SUBMITTING' AND sent IS NULL",
                (body_hash, self._wall(), row, me()),
            )
            if changed.rowcount != 1:
                raise LedgerError(f"The row of this job in {self.path} is gone or another's now.")
            self._note(database, row, State.SUBMITTING)

    def accepted(self, row: int, request_id: str) -> None:
        """The service has taken it under this id."""
        self._change(row, State.QUEUED, request_id=request_id, accepted=self._wall())

    def moved(self, row: int, state: State, note: str = "") -> None:
        """The service reported another state. Not worth a wait for the disk: it would report it again."""
        with self._reading() as database:
            database.execute("PRAGMA synchronous = NORMAL")
            try:
                self._change(row, state, note)
            finally:
                database.execute("PRAGMA synchronous = FULL")

    def ended(
        self,
        row: int,
        state: State,
        *,
        request_id: str | None = None,
        metrics: Mapping[str, Any] | None = None,
        outputs: list[dict[str, Any]] | None = None,
        error: str = "",
    ) -> None:
        """It is over: what it cost, what it made, or why it made nothing."""
        cost = (metrics or {}).get("cost")
        known = {"request_id": request_id} if request_id else {}
        self._change(
            row,
            state,
            error,
            **known,
            finished=self._wall(),
            metrics=_json(metrics or {}),
            outputs=_json(outputs or []),
            cost=float(cost) if isinstance(cost, (int, float)) else None,
            error=mask(error),
        )

    def adopt(self, account: str, service: str, slug: str, request_id: str) -> Record:
        """The row of a request id, made when there is none: a job that was submitted elsewhere."""
        with self._writing() as database:
            known = self.by_request(service, request_id)
            if known is not None:
                return known
            whose = {"account": account, "service": service, "slug": slug, "request_id": request_id}
            asked = {"prompt": "", "params": "{}", "inputs": "{}", "fingerprint": f"id:{request_id}"}
            more = {"take": 1, "accepted": self._wall()}
            return self._inserted(database, State.QUEUED, {**whose, **asked, **more})

    def forget(self, row: int) -> None:
        """Drop a row that was only adopted, and of whose request the service knows nothing."""
        with self._writing() as database:
            database.execute("DELETE FROM jobs WHERE id = ? AND fingerprint = 'id:' || request_id", (row,))

    def take_over(self, record: Record) -> bool:
        """Make a row one's own whose process died before it sent anything; False if another was first."""
        with self._writing() as database:
            changed = database.execute(
                "UPDATE jobs SET owner = ?, created = ? WHERE id = ? AND owner = ? AND sent IS NULL",
                (me(), self._wall(), record.id, record.owner),
            )
            return changed.rowcount == 1

    def given_up(self, record: Record, error: str) -> bool:
        """End a row that never left, unless somebody has taken it over since it was read."""
        with self._writing() as database:
            changed = database.execute(
                "UPDATE jobs SET state = 'FAILED', error = ?, finished = ?"
                " WHERE id = ? AND owner = ? AND created = ? AND state = 'SUBMITTING' AND sent IS NULL",
                (error, self._wall(), record.id, record.owner, record.created),
            )
            if changed.rowcount:
                self._note(database, record.id, State.FAILED, error)
            return changed.rowcount == 1

    def lost(self, account: str, service: str, slug: str, body_hash: str | None) -> int:
        """How many rows wait for a request id that were sent with this body."""
        whose = "account = ? AND service = ? AND slug = ? AND body_hash = ?"
        clause = f"{whose} AND request_id IS NULL AND state IN ('SUBMITTING', 'UNKNOWN')"
        return len(self._where(clause, account, service, slug, body_hash))

    def get(self, row: int) -> Record:
        """One row."""
        return self._where("id = ?", row)[0]

    def by_request(self, service: str, request_id: str) -> Record | None:
        """The row of a request id."""
        return self._first("service = ? AND request_id = ?", service, request_id)

    def by_output(self, service: str, sha256: str) -> Record | None:
        """The newest row that made a file of this content, wherever that file is now."""
        return self._first(
            "service = ? AND outputs LIKE ? ORDER BY id DESC LIMIT 1", service, f'%"{sha256}"%'
        )

    def rows(
        self,
        account: str,
        service: str,
        *,
        slug: str | None = None,
        state: State | None = None,
        since: float | None = None,
        until: float | None = None,
        text: str | None = None,
        limit: int = 1000,
    ) -> list[Record]:
        """Rows of one account, newest first. `text` is looked for in prompts and parameters."""
        wanted = {"account = ?": account, "service = ?": service, "slug = ?": slug}
        wanted |= {"state = ?": state and state.value, MENTIONS: text and mentioning(text)}
        times = {"created >= ?": since, "created < ?": until}
        used = {clause: value for clause, value in {**wanted, **times}.items() if value is not None}
        return self._where(f"{' AND '.join(used)} {NEWEST} LIMIT ?", *used.values(), limit)

    def waiting(self, account: str, service: str) -> list[Record]:
        """Rows that were or may have been paid and whose media is not on disk yet, oldest first."""
        clause = "account = ? AND service = ? AND state NOT IN ('COMPLETED', 'FAILED') ORDER BY created"
        return self._where(clause, account, service)

    def durations(self, slug: str, limit: int = 200) -> list[tuple[dict[str, Any], float]]:
        """Parameters and seconds of the last finished jobs of one model, whatever account they were on."""
        query = (
            "SELECT params, finished - accepted FROM jobs WHERE slug = ? AND state = 'COMPLETED'"
            " AND sent IS NOT NULL AND finished > accepted ORDER BY id DESC LIMIT ?"
        )
        return [(json.loads(params), seconds) for params, seconds in self._fetched(query, slug, limit)]

    def changes(self, row: int) -> list[tuple[float, State, str]]:
        """Every change of one row: when, to what, and a remark."""
        query = "SELECT at, state, note FROM changes WHERE job = ? ORDER BY rowid"
        return [(at, State(state), note) for at, state, note in self._fetched(query, row)]

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            if self._open is not None and self._open[0][0] == os.getpid():
                self._open[1].close()
            self._open = None

    # Inside

    def _change(self, row: int, state: State, note: str = "", **columns: Any) -> None:
        named = {"state": state.value, **columns}
        assignments = ", ".join(f"{name} = ?" for name in named)  # names are ours, values are bound
        with self._writing() as database:
            database.execute(f"UPDATE jobs SET {assignments} WHERE id = ?", (*named.values(), row))  # noqa: S608
            self._note(database, row, state, note)

    def _note(self, database: sqlite3.Connection, row: int, state: State, note: str = "") -> None:
        database.execute(
            "INSERT INTO changes (job, at, state, note) VALUES (?,?,?,?)",
            (row, self._wall(), state.value, mask(note)),
        )

    def _inserted(self, database: sqlite3.Connection, state: State, columns: Mapping[str, Any]) -> Record:
        named = {**columns, "state": state.value, "owner": me(), "created": self._wall()}
        marks = ", ".join("?" * len(named))
        query = f"INSERT INTO jobs ({', '.join(named)}) VALUES ({marks})"  # noqa: S608 - names are ours
        database.execute(query, tuple(named.values()))
        return self._where("id = last_insert_rowid()")[0]

    def _free_take(self, intent: Intent) -> int:
        query = "SELECT max(take) FROM jobs WHERE account = ? AND service = ? AND fingerprint = ?"
        ((highest,),) = self._fetched(query, intent.account, intent.service, intent.fingerprint)
        return int(highest or 0) + 1

    def _first(self, clause: str, *values: Any) -> Record | None:
        return next(iter(self._where(clause, *values)), None)

    def _where(self, clause: str, *values: Any) -> list[Record]:
        columns = ", ".join(Record.__dataclass_fields__)
        query = f"SELECT {columns} FROM jobs WHERE {clause}"  # noqa: S608 - clauses are ours, values are bound
        return [_record(row) for row in self._fetched(query, *values)]

    def _fetched(self, query: str, *values: Any) -> list[Any]:
        with self._reading() as database:
            return database.execute(query, values).fetchall()

    @contextmanager
    def _reading(self) -> Iterator[sqlite3.Connection]:
        with self._lock:
            try:
                yield self._connected()
            except sqlite3.Error as error:
                what = f"The record of jobs in {self.path} can not be used: {error}."
                raise LedgerError(what) from error

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        with self._reading() as database:
            # Taken at once: a transaction that turns into a writer half way can only fail then.
            database.execute("BEGIN IMMEDIATE")
            try:
                yield database
                database.execute("COMMIT")
            except BaseException:
                # SQLite has rolled back by itself where the disk is full or failed.
                if database.in_transaction:
                    database.execute("ROLLBACK")
                raise

    def _connected(self) -> sqlite3.Connection:
        # A connection must not be carried over a fork, nor used when its file was deleted or replaced.
        if self._open is None or self._open[0] != (os.getpid(), _identity(self.path)):
            self.close()
            database = _opened(self.path)
            self._open = (os.getpid(), _identity(self.path)), database
        return self._open[1]


def _identity(path: Path) -> object:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


def me() -> str:
    """This process, as the owner of a row."""
    return f"{socket.gethostname()}:{os.getpid()}"


def is_alive(record: Record, now: float) -> bool:
    """Whether the process that made a row, another one than this, may still be at work on it."""
    host, _, pid = record.owner.rpartition(":")
    age = now - (record.sent or record.created)
    if abs(age) > (LEASE if record.sent else 86400.0):
        return False  # no submit takes that long: the number belongs to another process by now
    # Of another machine (or on Windows, where asking would kill) only time tells.
    return is_running(pid) if host == socket.gethostname() and os.name != "nt" else age < LEASE


def is_running(pid: str) -> bool:
    """Whether a process of this machine is there; on Windows, where asking would kill it, always yes."""
    if os.name == "nt":
        return True
    try:
        os.kill(int(pid), 0)
    except (ProcessLookupError, ValueError):
        return False
    except OSError:
        return True  # somebody else's
    return True


def _opened(path: Path) -> sqlite3.Connection:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise LedgerError(f"The folder {place(path.parent)} can not be made: {error.strerror}.") from error
    deadline = time.monotonic() + _BUSY
    while True:
        database = sqlite3.connect(path, timeout=_BUSY, isolation_level=None, check_same_thread=False)
        try:
            _prepared(database, path)
        except BaseException as error:
            database.close()
            # Turning on the write-ahead log does not wait for others that are just doing the same.
            if "locked" not in str(error) or time.monotonic() > deadline:
                raise
            time.sleep(0.02)
        else:
            return database


def _prepared(database: sqlite3.Connection, path: Path) -> None:
    # The tables first: another process may be just making them, and its mark comes in the same moment.
    (tables,) = database.execute("SELECT count(*) FROM sqlite_master").fetchone()
    (application,), (version,) = (
        database.execute(f"PRAGMA {name}").fetchone() for name in ("application_id", "user_version")
    )
    if tables and application != _APPLICATION:
        raise LedgerError(f"{path} is a database, but no record of jobs of this package.")
    if version > len(_MIGRATIONS):
        raise LedgerError(
            f"{path} was written by a newer version of kling_nb (format {version}, this one knows "
            f"{len(_MIGRATIONS)}).",
            todo="Update kling_nb, or point KLING_NB_HOME at another folder.",
        )
    database.execute("PRAGMA journal_mode = WAL")
    # Every commit is on the disk when it returns: a laptop's battery must not cost a paid job.
    database.execute("PRAGMA synchronous = FULL")
    if version < len(_MIGRATIONS):
        _migrate(database)


def _migrate(database: sqlite3.Connection) -> None:
    database.execute("BEGIN EXCLUSIVE")
    try:
        # Asked again: another process may have been first.
        (version,) = database.execute("PRAGMA user_version").fetchone()
        for migration in _MIGRATIONS[version:]:
            for statement in filter(str.strip, migration.split(";")):
                database.execute(statement)
        database.execute(f"PRAGMA user_version = {len(_MIGRATIONS)}")
        database.execute(f"PRAGMA application_id = {_APPLICATION}")
        database.execute("COMMIT")
    except BaseException:
        database.execute("ROLLBACK")
        raise


def _record(row: tuple[Any, ...]) -> Record:
    named = dict(zip(Record.__dataclass_fields__, row, strict=True))
    for name in ("params", "inputs", "metrics", "outputs"):
        named[name] = json.loads(named[name])
    return Record(**{**named, "state": State(named["state"])})


def _json(value: Any) -> str:
    return mask(json.dumps(value, ensure_ascii=False, sort_keys=True))


def mentioning(text: str) -> str:
    """What `MENTIONS` takes to look for `text`."""
    inside = json.dumps(text, ensure_ascii=False)[1:-1]
    for special in ("\\", "%", "_"):
        inside = inside.replace(special, f"\\{special}")
    return f"%{inside}%"
