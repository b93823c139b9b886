"""Starting and stopping: threads, sockets, loops, and the program on its own."""

from __future__ import annotations

import ast
import asyncio
import contextlib
import gc
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import warnings
from pathlib import Path

import httpx
import pytest
from helpers import until

import kling_nb.sandbox
from kling_nb.sandbox import Sandbox


def test_closing_leaves_no_thread_and_no_socket():
    before = set(threading.enumerate())
    with Sandbox() as sandbox:
        httpx.post(
            f"{sandbox.base_url}/v2/kling-3-text2image",
            json={"prompt": "x"},
            headers={"x-api-key": sandbox.key},
        )
        port = int(sandbox.base_url.rsplit(":", 1)[1])
    assert set(threading.enumerate()) == before
    with socket.socket() as line, pytest.raises(ConnectionRefusedError):
        line.connect(("127.0.0.1", port))


def test_closing_while_somebody_knocks_leaves_no_line_open():
    def knock(port, closed):
        while not closed.is_set():
            with (
                contextlib.suppress(OSError),
                socket.create_connection(("127.0.0.1", port), timeout=1) as line,
            ):
                line.send(b"GET /v1/get-user-credits HTTP/1.1\r\nhost: x\r\n\r\n")

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", ResourceWarning)
        for _ in range(20):
            sandbox, closed = Sandbox().start(), threading.Event()
            port = int(sandbox.base_url.rsplit(":", 1)[1])
            visitor = threading.Thread(target=knock, args=(port, closed))
            visitor.start()
            until(lambda sandbox=sandbox: sandbox.seen)
            sandbox.close()
            closed.set()
            visitor.join()
        gc.collect()
    assert [str(each.message) for each in caught] == []


def test_closing_interrupts_a_clip_being_painted():
    with Sandbox() as sandbox:
        body = {"prompt": "a clip nobody waits for", "duration": "15"}
        url = f"{sandbox.base_url}/v2/kling-3-standard-text2video"
        httpx.post(url, json=body, headers={"x-api-key": sandbox.key})
        time.sleep(0.3)
        began = time.monotonic()
    assert time.monotonic() - began < 1


def test_starting_is_quick_and_both_ends_can_be_repeated():
    sandbox, began = Sandbox(), time.monotonic()
    assert sandbox.start() is sandbox.start()
    assert time.monotonic() - began < 0.5
    sandbox.close()
    sandbox.close()
    with pytest.raises(RuntimeError):
        sandbox.start()


def test_an_unused_sandbox_can_be_closed():
    Sandbox().close()


def test_several_live_side_by_side():
    with Sandbox() as one, Sandbox() as two:
        assert len({one.base_url, one.output_url, two.base_url, two.output_url}) == 4
        headers = {"x-api-key": one.key}
        assert httpx.get(f"{two.base_url}/v1/get-user-credits", headers=headers).status_code == 401


def test_it_runs_beside_a_running_loop():
    async def ask() -> int:
        with Sandbox() as sandbox:
            async with httpx.AsyncClient(headers={"x-api-key": sandbox.key}) as http:
                return (await http.get(f"{sandbox.base_url}/v1/get-user-credits")).status_code

    assert asyncio.run(ask()) == 200


def test_the_clock_can_be_given_and_never_goes_back():
    now = [5.0]
    sandbox = Sandbox(clock=lambda: now[0])
    now[0] = 8.0
    assert sandbox.clock.now() == 3.0
    with pytest.raises(ValueError, match="only moves forward"):
        sandbox.clock.advance(-1)
    sandbox.close()


def test_it_listens_on_loopback_only():
    with Sandbox() as sandbox:
        assert sandbox.base_url.startswith("http://127.0.0.1:")
        assert sandbox.output_url.startswith("http://127.0.0.1:")


def test_it_imports_nothing_from_the_rest_of_the_package():
    folder = Path(kling_nb.sandbox.__file__).parent
    for page in folder.glob("*.py"):
        for node in ast.walk(ast.parse(page.read_text("utf-8"))):
            if isinstance(node, ast.ImportFrom):
                assert node.level < 2, page
                assert not (node.module or "").startswith("kling_nb"), page
            if isinstance(node, ast.Import):
                assert not any(name.name.startswith("kling_nb") for name in node.names), page


@pytest.mark.skipif(sys.platform == "win32", reason="Ctrl-C cannot be sent to one process there")
@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM])
def test_the_program_serves_until_it_is_stopped(stop):
    command = [sys.executable, "-m", "kling_nb.sandbox", "--time-scale", "50", "--balance", "7"]
    environment = os.environ | {"PYTHONWARNINGS": "error"}
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
    ) as child:
        told = dict(child.stdout.readline().strip().split("=", 1) for _ in range(3))
        answer = httpx.get(told["base_url"] + "/v1/get-user-credits", headers={"x-api-key": told["key"]})
        child.send_signal(stop)
        _, complaint = child.communicate(timeout=10)
    assert answer.json()["credits"] == 7
    assert (child.returncode, complaint) == (0, "")
