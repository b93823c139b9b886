"""A kernel and the messages of a front end, without a browser."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import zmq
from jupyter_client.connect import write_connection_file
from jupyter_client.session import Session

Message = dict[str, Any]
# Seconds after which a message that does not come is taken for one that was not asked for.
_PATIENCE = 2.0


class Kernel:
    """One running kernel. Everything it publishes is kept in `heard`, each with the time it came.

    Plain sockets: jupyter_client's own managers leave event loops behind, which fails a run in which
    warnings are errors.
    """

    def __init__(self, environment: dict[str, str]) -> None:
        self._folder = tempfile.TemporaryDirectory()
        key = uuid.uuid4().hex.encode()
        file, places = write_connection_file(str(Path(self._folder.name) / "kernel.json"), key=key)
        self._process = subprocess.Popen(
            [sys.executable, "-m", "ipykernel_launcher", "-f", file],
            env={**environment, **self._own()},
            cwd=self._folder.name,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        self.session = Session(key=key)
        self._context = zmq.Context()
        self._shell_port = places["shell_port"]
        self._nudges: list[zmq.Socket[bytes]] = []
        self._shell, self._control, self._iopub = (
            self._socket(kind, places[f"{name}_port"])
            for name, kind in (("shell", zmq.DEALER), ("control", zmq.DEALER), ("iopub", zmq.SUB))
        )
        self._iopub.subscribe(b"")
        self.heard: list[tuple[float, Message]] = []
        self._news = threading.Condition()
        self._open = True
        self._listener = threading.Thread(target=self._listen, daemon=True)
        self._listener.start()
        try:
            self._greet()
        except BaseException:
            self.close()
            raise

    def _own(self) -> dict[str, str]:
        # A kernel ends by itself when the process of that number does, so a killed test run leaves none.
        home = Path(self._folder.name) / "home"
        return {"KLING_NB_HOME": str(home), "JPY_PARENT_PID": str(os.getpid())}

    def _socket(self, kind: int, port: int) -> zmq.Socket[bytes]:
        socket = self._context.socket(kind)
        socket.linger = 0
        socket.connect(f"tcp://127.0.0.1:{port}")
        return socket

    def _listen(self) -> None:
        session = Session(key=self.session.key)  # one a thread: a session remembers what it has read
        while self._open:
            if self._iopub.poll(200):
                _, message = session.recv(self._iopub)
                with self._news:
                    self.heard.append((time.monotonic(), message))
                    self._news.notify_all()

    def _greet(self) -> None:
        # What is published before the subscription has arrived is gone, so ask until something is heard.
        for _ in range(300):
            self.session.send(self._shell, "kernel_info_request", {})
            if self._shell.poll(200):
                _, reply = self.session.recv(self._shell)
                self._features = reply["content"].get("supported_features", ())
                if self.heard:
                    return
            time.sleep(0.02)
        raise TimeoutError("the kernel did not start")

    def __enter__(self) -> Kernel:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the kernel."""
        self._open = False
        self._listener.join()
        self._process.kill()
        self._process.wait()
        for socket in (self._shell, self._control, self._iopub, *self._nudges):
            socket.close()
        self._context.term()
        self._folder.cleanup()

    def interrupt(self) -> float:
        """Press the square button; returns when that was."""
        self._process.send_signal(signal.SIGINT)
        return time.monotonic()

    def send(self, code: str, **metadata: Any) -> str:
        """Ask for a cell to be run, as Run All does: without waiting for the one before."""
        content = {"code": code, "silent": False, "store_history": True, "user_expressions": {}}
        content |= {"allow_stdin": bool(metadata), "stop_on_error": True}
        message = self.session.msg("execute_request", content, metadata=metadata)
        self.session.send(self._shell, message)
        return str(message["header"]["msg_id"])

    def click(self, comm_id: str, subshell: str | None = None) -> float:
        """Press a button, on a subshell if one is named; returns when that was."""
        data = {"method": "custom", "content": {"event": "click"}}
        message = self.session.msg("comm_msg", {"comm_id": comm_id, "data": data})
        if subshell:
            message["header"]["subshell_id"] = subshell
        self.session.send(self._shell, message)
        return time.monotonic()

    def subshell(self) -> str | None:
        """Open a subshell, where this kernel has such a thing."""
        if "kernel subshells" not in self._features:
            return None
        self.session.send(self._control, "create_subshell_request", {})
        self._control.poll(5000)
        return str(self.session.recv(self._control)[1]["content"]["subshell_id"])

    def hear(self, wanted: Callable[[Message], bool], timeout: float = 10) -> tuple[float, Message]:
        """The first message, of the past or the future, that is `wanted`, with the time it came."""
        seen, deadline = 0, time.monotonic() + timeout
        nudge = time.monotonic() + _PATIENCE
        with self._news:
            while True:
                for when, message in self.heard[seen:]:
                    if wanted(message):
                        return when, message
                seen = len(self.heard)
                self._news.wait(min(nudge, deadline) - time.monotonic())
                if time.monotonic() >= deadline:
                    last = [message["msg_type"] for _, message in self.heard[-12:]]
                    raise TimeoutError(f"never heard it; last: {last}")
                if time.monotonic() >= nudge:
                    nudge += _PATIENCE
                    self._nudge()

    def _nudge(self) -> None:
        # ipykernel 7 can overlook a request that arrives while it sends a reply, until the next connection
        # (ipython/ipykernel#1554); a front end makes one now and then, this one when it waits long.
        self._nudges.append(self._socket(zmq.DEALER, self._shell_port))

    def idle(self, cell: str, timeout: float = 10) -> float:
        """Wait for the end of a cell; returns when that was."""
        return self.hear(lambda m: _is_of(m, cell) and _state(m) == "idle", timeout)[0]

    def said(self, cell: str, word: str, timeout: float = 10) -> float:
        """Wait until a cell has printed `word`; returns when that was."""
        return self.hear(lambda m: _is_of(m, cell) and word in m["content"].get("text", ""), timeout)[0]

    def of(self, cell: str) -> list[Message]:
        """What a cell has published so far."""
        with self._news:
            return [message for _, message in self.heard if _is_of(message, cell)]

    def text(self, cell: str) -> str:
        """What a cell has printed, and its error if it had one."""
        return "".join(_words(message) for message in self.of(cell))

    def status(self, cell: str, timeout: float = 10) -> str:
        """How a cell ended: ok, error or aborted."""
        while self._shell.poll(timeout * 1000):
            _, reply = self.session.recv(self._shell)
            if _is_of(reply, cell):
                return str(reply["content"]["status"])
        raise TimeoutError("no reply")

    def run(self, code: str, timeout: float = 20, **metadata: Any) -> str:
        """Run a cell to its end; its text."""
        cell = self.send(code, **metadata)
        self.idle(cell, timeout)
        return self.text(cell).strip()


def _is_of(message: Message, cell: str) -> bool:
    return bool(message["parent_header"].get("msg_id") == cell)


def _state(message: Message) -> object:
    return message["content"].get("execution_state")


def _words(message: Message) -> str:
    content = message["content"]
    if message["msg_type"] == "error":
        return f"{content['ename']}: {content['evalue']}"
    if message["msg_type"] in ("execute_result", "display_data"):
        return str(content["data"].get("text/plain", ""))
    return str(content.get("text", ""))
