"""``python -m kling_nb.sandbox``: serve until Ctrl-C, with the lines to copy printed first."""

from __future__ import annotations

import argparse
import contextlib
import signal
import sys
import threading

from .server import Sandbox


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m kling_nb.sandbox", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="service port; 0 takes a free one")
    parser.add_argument(
        "--output-port", "--host-output-port", type=int, default=0, help="port of the output files"
    )
    parser.add_argument(
        "--time-scale", type=float, default=20.0, help="how much faster than the real service"
    )
    parser.add_argument("--balance", type=float, default=100.0, help="starting credits in US dollars")
    parser.add_argument("--key", help="the key it takes; a fresh one when absent")
    return parser.parse_args()


def _introduction(sandbox: Sandbox) -> str:
    return "\n".join(
        [
            f"base_url={sandbox.base_url}",
            f"output_url={sandbox.output_url}",
            f"key={sandbox.key}",
            "",
            "# to use it from another shell:",
            f"export KLING_NB_BASE_URL={sandbox.base_url}",
            f"export KLING_NB_UPLOAD_URL={sandbox.base_url}",
            f"export KLING_NB_HISTORY_URL={sandbox.base_url}",
            f"export SEGMIND_API_KEY={sandbox.key}",
            "",
        ]
    )


def main() -> None:
    asked = _arguments()
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    with (
        Sandbox(
            asked.port,
            output_port=asked.output_port,
            time_scale=asked.time_scale,
            balance=asked.balance,
            key=asked.key,
        ) as sandbox,
        contextlib.suppress(KeyboardInterrupt),
    ):
        sys.stdout.write(_introduction(sandbox))
        sys.stdout.flush()
        # A wait without a limit cannot be interrupted on Windows.
        while not stop.wait(0.5):
            pass


if __name__ == "__main__":
    main()
