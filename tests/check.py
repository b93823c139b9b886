"""Everything that must hold, in one command: `python3 tests/check.py`. Does its own set-up.

Lint, format, types, the tests (units, kernels, browser) and the notebooks under nbval. `--quick` leaves out
the kernels, the browser and the notebooks. Further arguments go to pytest.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / ".ci"))

from environment import python_with  # noqa: E402 - found through the line above


def main(arguments: list[str]) -> int:
    """Run every check, also after one that failed; the exit code is 0 when all passed."""
    quick = "--quick" in arguments
    rest = [argument for argument in arguments if argument != "--quick"]
    python = python_with("test")
    steps = _steps(rest, quick=quick)
    # The last two mostly wait, for a page and for the sandbox: together they take the time of one.
    # Media of earlier runs would be taken for what is made now.
    shutil.rmtree(ROOT / "notebooks" / "kling-media", ignore_errors=True)
    alone, together = (steps, []) if quick else (steps[:-2], steps[-2:])
    results = [_run(python, *step) for step in alone]
    with ThreadPoolExecutor() as pool:
        results += pool.map(lambda step: _run(python, *step, aside=True), together)
    for name, seconds, code in results:
        print(f"{'passed' if code == 0 else 'FAILED':<7} {seconds:6.1f} s  {name}")
    failed = sum(code != 0 for _, _, code in results)
    print(f"checks: {len(results) - failed} passed, {failed} failed")
    return 1 if failed else 0


def _steps(rest: list[str], *, quick: bool) -> list[tuple[str, list[str]]]:
    pytest = ["pytest", "-q", "-p", "no:cacheprovider"]
    units = "not browser and not kernel" if quick else "not browser"
    steps = [
        ("lint", ["ruff", "check", "."]),
        ("format", ["ruff", "format", "--check", "."]),
        ("types", ["mypy"]),
        ("tests", [*pytest, "-m", units, *rest]),
    ]
    if not quick:
        # A browser keeps an event loop running in its thread, so it has a process of its own.
        steps.append(("browser", [*pytest, "-m", "browser", "tests"]))
        sanitized = ["--nbval", "--nbval-current-env", "--nbval-sanitize-with", "notebooks/nbval.cfg"]
        steps.append(("notebooks", [*pytest, *sanitized, "notebooks"]))
    return steps


def _run(python: str, name: str, command: list[str], *, aside: bool = False) -> tuple[str, float, int]:
    """One step: its name, its seconds and its exit code. `aside`, what it says comes in one piece."""
    print(f"\n$ {' '.join(command)}", flush=True)
    start = time.monotonic()
    kept = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT} if aside else {}
    # A key that happens to be set must not turn the notebooks into a shopping list.
    environment = {name: value for name, value in os.environ.items() if name != "SEGMIND_API_KEY"}
    done = subprocess.run([python, "-m", *command], cwd=ROOT, env=environment, **kept)
    if aside:
        print(f"\n{name}:\n{done.stdout.decode('utf-8', 'replace').strip()}\n", flush=True)
    return name, time.monotonic() - start, done.returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
