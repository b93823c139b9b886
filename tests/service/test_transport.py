"""Closing leaves no line open, whatever was under way."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import warnings

import pytest

from kling_nb.clock import SystemClock
from kling_nb.errors import KlingError
from kling_nb.sandbox import Sandbox
from kling_nb.service.transport import Lost, Transport
from kling_nb.settings import read_settings


def test_closing_at_any_moment_of_a_question_leaves_no_line_open(sandbox: Sandbox) -> None:
    settings = read_settings(sandbox.key, base_url=sandbox.base_url)

    async def closed_after(steps: int) -> None:
        transport = Transport(settings, SystemClock())
        asking = asyncio.ensure_future(transport.ask("GET", f"{sandbox.base_url}/v1/get-user-credits"))
        for _ in range(steps):
            await asyncio.sleep(0)
        await transport.close()
        with contextlib.suppress(Lost, KlingError):
            await asking

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", ResourceWarning)
        for steps in range(40):
            asyncio.run(closed_after(steps))
        gc.collect()
    assert [str(each.message) for each in caught] == []


def test_what_is_under_way_ends_when_the_client_closes(sandbox: Sandbox) -> None:
    settings = read_settings(sandbox.key, base_url=sandbox.base_url)

    async def closed() -> None:
        transport = Transport(settings, SystemClock())
        asking = asyncio.ensure_future(transport.ask("GET", f"{sandbox.base_url}/v1/get-user-credits"))
        await asyncio.sleep(0)
        await transport.close()
        with pytest.raises(Lost, match="closed"):
            await asking
        with pytest.raises(KlingError, match="closed"):
            await transport.ask("GET", f"{sandbox.base_url}/v1/get-user-credits")

    asyncio.run(closed())
