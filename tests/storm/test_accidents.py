"""What storms and crashes brought to light, one small test each."""

from __future__ import annotations

import asyncio
import os
import socket
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from helpers import MOCK, SLUG, EagerClock, Make, after, at_once, until

import kling_nb as kn
from kling_nb.errors import KlingError
from kling_nb.keep.ledger import LedgerError, is_alive
from kling_nb.sandbox import Fault, Sandbox

FOX = "a fox"
NOBODY = f"{socket.gethostname()}:999999999"


class ShiftedClock:
    """The machine's clocks, with a wall clock that somebody sets."""

    def __init__(self) -> None:
        self.shift = 0.0

    def monotonic(self) -> float:
        return time.monotonic()

    def wall(self) -> float:
        return time.time() + self.shift

    async def sleep(self, seconds: float) -> None:
        await EagerClock().sleep(seconds)

    def call_later(self, seconds: float, callback: Callable[[], None]) -> asyncio.Task[None]:
        return after(self.sleep, seconds, callback)


def write(tmp_path: Path, statement: str, *values: Any) -> None:
    with closing(sqlite3.connect(tmp_path / "home" / "ledger.sqlite3")) as database:
        database.execute(statement, values)
        database.commit()


def states(tmp_path: Path) -> list[str]:
    with closing(sqlite3.connect(tmp_path / "home" / "ledger.sqlite3")) as database:
        return [state for (state,) in database.execute("SELECT state FROM jobs ORDER BY id")]


def lost(kling: kn.Client, sandbox: Sandbox, *bodies: dict[str, Any]) -> None:
    """Submits that were accepted at the same moment and whose answers were lost."""
    sandbox.script(*(Fault("submit", "drop_after") for _ in bodies))
    jobs = [kling._begin(SLUG, **body) for body in bodies]
    for job in jobs:
        with pytest.raises(kn.SubmitUnknown):
            job.result()


# The ledger fails


def test_an_id_that_could_not_be_written_down_does_not_make_the_job_a_failure(
    kling: kn.Client, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    def locked(*_: object) -> None:
        monkeypatch.undo()
        raise LedgerError("The record of jobs can not be used: database is locked.")

    monkeypatch.setattr(kling._core.ledger, "accepted", locked)
    job = kling._begin(SLUG, take=1, prompt=FOX)
    until(lambda: job.is_over or job.request_id)
    kling.run(SLUG, prompt=FOX)
    assert len(sandbox.posts()) == 1


def test_nothing_is_sent_when_the_row_is_gone(kling: kn.Client, sandbox: Sandbox, tmp_path: Path) -> None:
    ledger = kling._core.ledger
    send = ledger.sending

    def emptied(*values: Any) -> None:
        write(tmp_path, "DELETE FROM jobs")
        send(*values)

    ledger.sending = emptied  # type: ignore[method-assign]
    with pytest.raises(KlingError):
        kling.submit(SLUG, prompt=FOX)
    assert sandbox.posts() == []


def test_a_row_that_another_process_took_over_is_neither_sent_nor_ended(
    kling: kn.Client, sandbox: Sandbox, tmp_path: Path
) -> None:
    ledger = kling._core.ledger
    send = ledger.sending

    def taken(*values: Any) -> None:
        write(tmp_path, "UPDATE jobs SET owner = ?", NOBODY)
        send(*values)

    ledger.sending = taken  # type: ignore[method-assign]
    with pytest.raises(KlingError):
        kling.submit(SLUG, prompt=FOX)
    assert sandbox.posts() == []
    assert states(tmp_path) == ["SUBMITTING"]


@pytest.mark.skipif(os.name == "nt", reason="an open file can not be deleted there")
def test_a_deleted_ledger_is_begun_anew_and_not_written_into_the_void(
    client: Make, sandbox: Sandbox, tmp_path: Path
) -> None:
    kling = client()
    kling.run(SLUG, prompt="another")
    for file in (tmp_path / "home").iterdir():
        file.unlink()
    kling.run(SLUG, prompt=FOX)
    assert client().run(SLUG, prompt=FOX).path.is_file()
    assert len(sandbox.posts()) == 2


def test_a_full_disk_is_named_as_the_reason(kling: kn.Client) -> None:
    def fill() -> None:
        with kling._core.ledger._writing() as database:
            database.execute("ROLLBACK")  # SQLite does that by itself when the disk is full
            raise sqlite3.OperationalError("database or disk is full")

    with pytest.raises(LedgerError, match="disk is full"):
        fill()


# Recovery


def test_recovery_leaves_alone_what_was_bought_while_it_was_at_work(
    client: Make, sandbox: Sandbox, tmp_path: Path
) -> None:
    first = client()
    for prompt in ("another", FOX):
        first.run(SLUG, prompt=prompt)
    first.close()
    write(tmp_path, "UPDATE jobs SET state = 'UNKNOWN', request_id = NULL, owner = ? WHERE id = 1", NOBODY)
    write(
        tmp_path,
        "UPDATE jobs SET state = 'SUBMITTING', request_id = NULL, sent = NULL, owner = ? WHERE id = 2",
        NOBODY,
    )
    sandbox.script(Fault("history", "slow", seconds=0.5))
    before, kling = len(sandbox.seen), client()
    recovering = threading.Thread(target=kling.recover)
    recovering.start()
    until(lambda: len(sandbox.seen) > before)
    job = client().submit(SLUG, prompt=FOX)
    recovering.join()
    assert job.result().path.is_file()
    assert states(tmp_path)[1] == "COMPLETED"
    client().run(SLUG, prompt=FOX)
    assert len(sandbox.posts()) == 3


def test_a_job_of_a_living_kernel_that_nobody_watches_is_recovered(client: Make, sandbox: Sandbox) -> None:
    kling = client(time_scale=0.001)
    kling.submit(SLUG, prompt=FOX)
    kling.close()
    code = (
        "import sys, kling_nb as kn\n"
        "kling = kn.Client(sys.argv[1], base_url=sys.argv[2], time_scale=2000)\n"
        "print([str(job.state) for job in kling.recover()])\n"
    )
    command = [sys.executable, "-c", code, sandbox.key, sandbox.base_url]
    said = subprocess.run(command, capture_output=True, text=True, timeout=30).stdout
    assert said == "['COMPLETED']\n"


def test_one_hiccup_after_the_hour_does_not_end_a_recovery(client: Make, sandbox: Sandbox) -> None:
    clock = ShiftedClock()
    kling = client(time_scale=0.001, clock=clock)
    kling.submit(SLUG, prompt=FOX)
    kling.close()
    sandbox.join()
    clock.shift = 4000.0
    sandbox.clock.advance(4000)
    sandbox.script(Fault("status", "status", code=502))
    (job,) = client(clock=clock).recover()
    assert job.media.path.is_file()


def test_a_lost_submit_is_found_behind_a_hundred_later_ones(client: Make, sandbox: Sandbox) -> None:
    kling = client()
    sandbox.script(Fault("submit", "drop_after"))
    with pytest.raises(kn.SubmitUnknown):
        kling.submit(MOCK, prompt="the lost one", sleep=1)
    jobs = [kling._begin(MOCK, prompt=str(number), sleep=1) for number in range(101)]
    for job in jobs:
        job.result()
    (found,) = kling.recover()
    assert found.state is kn.State.COMPLETED


def test_a_submit_that_was_lost_nine_days_ago_is_found(client: Make, sandbox: Sandbox) -> None:
    clock = ShiftedClock()
    kling = client(clock=clock)
    lost(kling, sandbox, {"take": 1, "prompt": FOX})
    sandbox.join()
    kling.history()
    clock.shift = 9 * 86400.0
    sandbox.clock.advance(9 * 86400)
    (found,) = kling.recover()
    assert "shows no trace" not in str(found.error)


def test_takes_that_were_lost_together_are_found_together(kling: kn.Client, sandbox: Sandbox) -> None:
    lost(kling, sandbox, {"take": 1, "prompt": FOX}, {"take": 2, "prompt": FOX})
    sandbox.join()
    found = kling.recover()
    assert [str(job.state) for job in found] == ["COMPLETED", "COMPLETED"]
    assert len({job.request_id for job in found}) == 2
    assert len(sandbox.posts()) == 2


def test_a_value_without_a_file_is_still_there_after_the_hour(client: Make, sandbox: Sandbox) -> None:
    value = client().run("kling-create-voice", voice_url="https://example.com/a.wav")
    sandbox.clock.advance(4000)
    assert client().run("kling-create-voice", voice_url="https://example.com/a.wav") == value
    assert len(sandbox.posts()) == 1


# Who is at work


def test_a_row_whose_owner_only_seems_alive_does_not_hold_up_a_submit_for_ever(kling: kn.Client) -> None:
    # The process that owned it died days ago, and another one has got its number in the meantime.
    owner = f"{socket.gethostname()}:{os.getppid()}"
    kling.run(SLUG, prompt=FOX)
    ledger = kling._core.ledger
    (row,) = ledger.rows(kling._core.settings.account, kling._core.settings.base_url)
    assert not is_alive(replace(row, owner=owner, sent=None), row.created + 3 * 86400.0)


def test_durations_are_never_negative(client: Make) -> None:
    clock = ShiftedClock()
    kling = client(clock=clock)
    job = kling.submit(SLUG, prompt=FOX)
    clock.shift = -3600.0
    job.result()
    assert all(seconds > 0 for _, seconds in kling._core.ledger.durations(SLUG))


# Two at work on the same file


def test_two_kernels_that_run_the_same_requests_both_get_every_file(sandbox: Sandbox, tmp_path: Path) -> None:
    code = (
        "import asyncio, sys, kling_nb as kn\n"
        "async def main():\n"
        "    async with kn.AsyncClient(sys.argv[1], base_url=sys.argv[2], time_scale=2000) as kling:\n"
        "        print('ready', flush=True); sys.stdin.readline()\n"
        f"        await asyncio.gather(*(kling.run({SLUG!r}, take=n, prompt='a fox') for n in range(1, 9)))\n"
        "asyncio.run(main()); print('all')\n"
    )
    assert at_once(2, code, sandbox.key, sandbox.base_url) == ["all\n"] * 2
    assert len(list((tmp_path / "media").glob("*.png"))) == 8
    assert len(sandbox.posts()) == 8


# Closing


def test_closing_does_not_wait_for_a_submit_of_another_process(
    client: Make, sandbox: Sandbox, tmp_path: Path
) -> None:
    kling = client()
    name = kling.submit(SLUG, prompt=FOX).request_id
    kling.close()
    write(
        tmp_path,
        "UPDATE jobs SET state = 'SUBMITTING', request_id = NULL, sent = NULL, created = ?, owner = ?",
        time.time(),
        f"{socket.gethostname()}:{os.getppid()}",
    )
    other = client()
    job = other._begin(SLUG, take=1, prompt=FOX)
    closing_down = threading.Thread(target=other.close)
    closing_down.start()
    closing_down.join(3)
    is_held_up, is_over = closing_down.is_alive(), job.is_over
    write(tmp_path, "UPDATE jobs SET state = 'QUEUED', request_id = ?", name)
    closing_down.join()
    assert (is_held_up, is_over) == (False, True)
