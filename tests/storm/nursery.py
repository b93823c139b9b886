"""A warm process that forks children who run jobs, so that each costs milliseconds and may be killed.

Started by `test_crash.py` as a script. One order comes in as a line of JSON, the child's pid goes out as a
line, and once the child is reaped a line with how it ended. The child is forked before this process has any
thread, and builds its own client: the engine belongs to one pid, and a connection to the ledger too.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import certifi
import httpx  # noqa: F401  the heavy imports are made once, here
import PIL.Image

import kling_nb as kn
from kling_nb import core  # noqa: F401

PICTURE = "kling-3-text2image"
REDRAW = "kling-3-image2image"
MOCK = "mock-inference"

DONE, UNKNOWN, BROKEN = 0, 3, 4


def orders(lines: Any) -> None:
    """Fork a child for each order and say what became of it."""
    for line in lines:
        pid = os.fork()
        if not pid:
            os._exit(child(json.loads(line)))
        print(pid, flush=True)
        _, status = os.waitpid(pid, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)


def child(order: dict[str, Any]) -> int:
    """One kernel's life: collect what others left, then run the cells again."""
    lost: list[kn.SubmitUnknown] = []
    try:
        with kn.Client(order["key"], **order["options"]) as kling:
            kling.recover()
            one_by_one(kling, Path(order["picture"]), lost)
            many(kling, lost)
        asyncio.run(together(order, lost))
    except BaseException:  # noqa: BLE001  whatever it is, the parent has to hear of it
        traceback.print_exc()
        return BROKEN
    return UNKNOWN if lost else DONE


def one_by_one(kling: kn.Client, picture: Path, lost: list[kn.SubmitUnknown]) -> None:
    """Two takes of one request, and one with a picture to upload; submitted in a row, then waited for."""
    fox = {"prompt": "a fox", "output_format": "jpeg"}
    jobs = [attempt(lost, lambda take=take: kling.submit(PICTURE, take=take, **fox)) for take in (1, 2)]
    redrawn = {"prompt": "a fox redrawn", "image_url": picture, "output_format": "jpeg"}
    jobs.append(attempt(lost, lambda: kling.submit(REDRAW, **redrawn)))
    for job in jobs:
        if job is not None:
            job.result()


def many(kling: kn.Client, lost: list[kn.SubmitUnknown]) -> None:
    """A batch of three rows, two of which ask for the same."""
    twice = {"model": MOCK, "prompt": "a row", "sleep": 15}
    rows = [twice, twice, {"model": PICTURE, "prompt": "a heron row"}]
    for row in kling.batch(rows, max_active=2).as_completed():
        if isinstance(row.error, kn.SubmitUnknown):
            lost.append(row.error)
        elif row.error is not None:
            raise row.error


async def together(order: dict[str, Any], lost: list[kn.SubmitUnknown]) -> None:
    """Four requests at the same moment."""
    async with kn.AsyncClient(order["key"], **order["options"]) as kling:
        ended = await asyncio.gather(
            kling.run(PICTURE, prompt="a heron"),
            kling.run(PICTURE, prompt="a heron", output_format="jpeg"),
            kling.run(MOCK, prompt="a mock", sleep=20),
            kling.run(MOCK, prompt="a mock", sleep=30),
            return_exceptions=True,
        )
    for each in ended:
        if isinstance(each, kn.SubmitUnknown):
            lost.append(each)
        elif isinstance(each, BaseException):
            raise each


def attempt(lost: list[kn.SubmitUnknown], submit: Callable[[], kn.Job]) -> kn.Job | None:
    """A job, or None where nobody can say whether it was bought."""
    try:
        return submit()
    except kn.SubmitUnknown as error:
        lost.append(error)
        return None


def with_one_certificate(folder: str) -> None:
    """Nobody speaks TLS here, and to read all roots takes a client longer than the rest of a child's life."""
    first, end, _ = Path(certifi.where()).read_text().partition("-----END CERTIFICATE-----\n")
    short = Path(folder) / "roots.pem"
    short.write_text(first + end)
    certifi.where = lambda: str(short)


if __name__ == "__main__":
    PIL.Image.init()
    with_one_certificate(sys.argv[1])
    orders(sys.stdin)
