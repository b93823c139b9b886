"""``python -m kling_nb.sandbox``: serve until Ctrl-C, with the lines to copy printed first."""

from __future__ import annotations

import argparse
import contextlib
import signal
import sys
import threading

from .server import Sandbox

INTRODUCTION = """\
base_url={0.base_url}
output_url={0.output_url}
key={0.key}

# to use it from another shell:
export KLING_NB_BASE_URL={0.base_url}
export KLING_NB_UPLOAD_URL={0.base_url}
export KLING_NB_HISTORY_URL={0.base_url}
export SEGMIND_API_KEY={0.key}
"""


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m kling_nb.sandbox", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="service port; 0 takes a free one")
    parser.add_argument("--output-port", type=int, default=0, help="port of the output files")
    parser.add_argument("--time-scale", type=float, default=20.0, help="times faster than the real service")
    parser.add_argument("--balance", type=float, default=100.0, help="starting credits in US dollars")
    parser.add_argument("--key", help="the key it takes; a fresh one when absent")
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    with Sandbox(**vars(parser.parse_args())) as sandbox, contextlib.suppress(KeyboardInterrupt):
        sys.stdout.write(INTRODUCTION.format(sandbox))
        sys.stdout.flush()
        # A wait without a limit cannot be interrupted on Windows.
        while not stop.wait(0.5):
            pass


if __name__ == "__main__":
    main()
