"""Three hundred jobs in bad weather: each ends well, or in the error that was meant for it."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import hashlib
import heapq
import itertools
import json
import sqlite3
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from helpers import after
from PIL import Image

import kling_nb as kn
from kling_nb.jobs.engine import engine
from kling_nb.sandbox import Fault, Sandbox

PICTURE, MOCK = "kling-3-text2image", "mock-inference"
JOBS = 300
PROMPTS = ("a fox", "a heron", "a bear", "an owl")
# The service is so much faster than the real one, and the client's own pauses so much shorter.
SPEED = 300.0
TICK, RATE = 0.005, 0.15
PROC = Path("/proc/self/fd").is_dir()
REFUSED = (429, 503)


class TickingClock:
    """Time that runs fast while the loop is idle and stands still while it is busy.

    Pauses of half a minute take a third of a second, and a slow machine uses up nobody's patience.
    """

    def __init__(self) -> None:
        self._now = 0.0
        self._sleepers: list[tuple[float, int, asyncio.Future[None]]] = []
        self._number = itertools.count()

    def monotonic(self) -> float:
        return self._now

    def wall(self) -> float:
        return time.time()

    async def sleep(self, seconds: float) -> None:
        loop = asyncio.get_running_loop()
        wake = loop.create_future()
        if not self._sleepers:
            loop.call_later(TICK, self._tick, loop)
        heapq.heappush(self._sleepers, (self._now + seconds, next(self._number), wake))
        await wake

    def call_later(self, seconds: float, callback: Callable[[], None]) -> asyncio.Task[None]:
        return after(self.sleep, seconds, callback)

    def _tick(self, loop: asyncio.AbstractEventLoop) -> None:
        self._now += TICK * SPEED
        while self._sleepers and self._sleepers[0][0] <= self._now:
            wake = heapq.heappop(self._sleepers)[-1]
            if not wake.done():
                wake.set_result(None)
        if self._sleepers:
            loop.call_later(TICK, self._tick, loop)


@dataclass(frozen=True)
class Wish:
    """One job that is wanted, and the reason it has to fail for, if it has to."""

    slug: str
    take: int
    params: dict[str, Any]
    reason: str = ""

    @property
    def body(self) -> str:
        return json.dumps([f"/v2/{self.slug}", self.params], sort_keys=True)


def wishes() -> list[Wish]:
    """One in three is a picture (of few prompts, so many takes), one in ten is meant to fail."""
    found = []
    for number in range(JOBS):
        if number % 10 == 7:
            reason = f"reason {number}"
            found.append(Wish(PICTURE, 1, {"prompt": f"a fox [sandbox:fail {reason}]"}, reason))
        elif number % 3 == 0:
            prompt = PROMPTS[number % len(PROMPTS)]
            found.append(Wish(PICTURE, 1 + number, {"prompt": prompt, "output_format": "jpeg"}))
        else:
            found.append(Wish(MOCK, 1, {"prompt": f"number {number}", "sleep": number % 60}))
    return found


async def weathered(kling: kn.AsyncClient, wanted: list[Wish]) -> list[Any]:
    """What became of each: its media or value, or its error. None may hang."""
    runs = (kling.run(each.slug, take=each.take, **each.params) for each in wanted)
    return await asyncio.wait_for(asyncio.gather(*runs, return_exceptions=True), 60)


def as_meant(wish: Wish, end: Any) -> str:
    """How it ended, in a word, after a check that this is an end it may have."""
    if isinstance(end, kn.SubmitUnknown):
        return "unknown"
    if isinstance(end, kn.JobFailed):
        assert end.detail in (wish.reason, "a storm broke it")
        return "failed"
    assert not isinstance(end, BaseException), repr(end)
    assert not wish.reason
    if wish.slug == PICTURE:
        with Image.open(end.path) as picture:
            picture.load()
    return "done"


def purchases(sandbox: Sandbox) -> Counter[str]:
    """How often each body arrived without being surely refused."""
    posts = (each for each in sandbox.posts() if each.status not in REFUSED)
    return Counter(json.dumps([each.path, each.body], sort_keys=True) for each in posts)


def bought(sandbox: Sandbox) -> dict[str, str]:
    """The body of each job that the service has accepted, by its id."""
    jobs = sandbox._world.jobs.values()
    return {job.id: json.dumps([f"/v2/{job.slug}", job.body], sort_keys=True) for job in jobs}


def judge(sandbox: Sandbox, ledger: Path, wanted: list[Wish], words: list[str]) -> int:
    """Everything accepted is in the ledger with its end, nothing was bought twice; returns what is open.

    Open may be what nobody could attach honestly: several past requests fit it.
    """
    rows = read(ledger)
    states = Counter(row["state"] for row in rows)
    assert states.keys() <= {"COMPLETED", "FAILED", "UNKNOWN"}
    known = {row["request_id"] for row in rows if row["request_id"]}
    accepted = bought(sandbox)
    assert known <= accepted.keys()
    orphans = Counter(body for name, body in accepted.items() if name not in known)
    assert all(count > 1 for count in orphans.values()), orphans
    takes = Counter(wish.body for wish in wanted)
    assert all(count <= takes[body] for body, count in purchases(sandbox).items())
    assert len(rows) == len(wanted)
    assert words.count("unknown") >= states["UNKNOWN"] >= orphans.total()
    return orphans.total()


def files(media: Path, ledger: Path) -> None:
    """Each finished picture is there once and whole, and nothing else is."""
    outputs = [json.loads(row["outputs"]) for row in read(ledger) if row["slug"] == PICTURE]
    paths = [Path(output["path"]) for each in outputs for output in each]
    assert len(set(paths)) == len(paths)
    records = [path.with_name(f"{path.name}.json") for path in paths]
    assert {*paths, *records} == set(media.iterdir())
    for each in outputs:
        for output in each:
            assert hashlib.sha256(Path(output["path"]).read_bytes()).hexdigest() == output["sha256"]


def read(ledger: Path) -> list[sqlite3.Row]:
    with closing(sqlite3.connect(ledger)) as database:
        database.row_factory = sqlite3.Row
        return database.execute("SELECT * FROM jobs").fetchall()


def descriptors() -> Counter[str]:
    """What this process holds open, by kind."""
    gc.collect()
    found: Counter[str] = Counter()
    for entry in Path("/proc/self/fd").iterdir():
        with contextlib.suppress(OSError):
            target = str(entry.readlink())
            found[target.partition(":")[0] if ":[" in target else target] += 1
    return found


def threads() -> set[str]:
    """Names of the threads, but for the engine's own pool, which lives as long as the process."""
    return {each.name for each in threading.enumerate() if not each.name.startswith("asyncio_")}


@contextmanager
def nothing_left_behind() -> Iterator[None]:
    """After the block there are no more threads and open files than before."""
    engine()
    before = threads(), descriptors() if PROC else Counter()
    yield
    assert threads() == before[0]
    if PROC:
        assert descriptors() - before[1] == Counter()


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    """A quick one with as many workers as jobs."""
    with (
        nothing_left_behind(),
        Sandbox(time_scale=SPEED, workers=JOBS, balance=1000.0) as service,
    ):
        yield service
        assert service.errors == []


@pytest.fixture
def options(sandbox: Sandbox, tmp_path: Path) -> dict[str, Any]:
    """What a client of it needs."""
    folders = {"home": tmp_path / "home", "media": tmp_path / "media"}
    return {"base_url": sandbox.base_url, "clock": TickingClock(), "timeout": 100_000.0, **folders}


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_in_a_storm_every_job_ends_as_it_was_meant(
    sandbox: Sandbox, options: dict[str, Any], seed: int
) -> None:
    wanted = wishes()

    async def main() -> list[Any]:
        sandbox.script(Fault.storm(seed, rate=RATE))
        async with kn.AsyncClient(sandbox.key, **options) as kling:
            ended = await weathered(kling, wanted)
            sandbox.clear_faults()
            await asyncio.wait_for(kling.recover(), 30)
            return ended

    words = [as_meant(wish, end) for wish, end in zip(wanted, asyncio.run(main()), strict=True)]
    ledger = options["home"] / "ledger.sqlite3"
    ambiguous = judge(sandbox, ledger, wanted, words)
    files(options["media"], ledger)
    print(f"{Counter(words)}, {len(sandbox.seen)} requests, {ambiguous} fit several rows")
    assert min(words.count("done"), words.count("failed"), words.count("unknown")) > 0
