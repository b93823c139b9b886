"""Everything that must hold, in one command: `python3 tests/check.py`. Does its own set-up.

Lint, format, types, the tests (units, kernels, browser) and the notebooks under nbval. `--quick` leaves out
the kernels, the browser and the notebooks. Further arguments go to pytest.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / ".ci"))

from environment import python_with, without_key  # noqa: E402 - found through the line above

PYTEST = ["pytest", "-q", "-p", "no:cacheprovider"]
NBVAL = [
    *(*PYTEST, "-c", "pyproject.toml", "--nbval", "--nbval-current-env"),
    *("--nbval-sanitize-with", "notebooks/nbval.cfg"),
]


def main(arguments: list[str]) -> int:
    """Run every check, also after one that failed; the exit code is 0 when all passed."""
    quick = "--quick" in arguments
    rest = [argument for argument in arguments if argument != "--quick"]
    python = python_with("test")
    results = [_run(python, *step) for step in _steps(rest, quick=quick)]
    if not quick:
        # Both mostly wait, for a page and for the sandbox: together they take the time of one.
        with ThreadPoolExecutor() as pool, _fresh_notebooks() as folder:
            together = [("browser", [*PYTEST, "-m", "browser", "tests"]), ("notebooks", [*NBVAL, folder])]
            results += pool.map(lambda step: _run(python, *step, aside=True), together)
    for name, seconds, code in results:
        print(f"{'passed' if code == 0 else 'FAILED':<7} {seconds:6.1f} s  {name}")
    failed = sum(code != 0 for _, _, code in results)
    print(f"checks: {len(results) - failed} passed, {failed} failed")
    return 1 if failed else 0


def _steps(rest: list[str], *, quick: bool) -> list[tuple[str, list[str]]]:
    units = "not browser and not kernel" if quick else "not browser"
    return [
        ("lint", ["ruff", "check", "."]),
        ("format", ["ruff", "format", "--check", "."]),
        ("types", ["mypy"]),
        # A browser keeps an event loop running in its thread, so its tests have a process of their own.
        ("tests", [*PYTEST, "-m", units, *rest]),
    ]


@contextmanager
def _fresh_notebooks() -> Iterator[str]:
    """A copy without media: what an earlier run has made would be taken for what is made now."""
    with tempfile.TemporaryDirectory() as scratch:
        ignored = shutil.ignore_patterns("kling-media", "out", "images")
        yield str(shutil.copytree(ROOT / "notebooks", Path(scratch) / "notebooks", ignore=ignored))


def _run(python: str, name: str, command: list[str], *, aside: bool = False) -> tuple[str, float, int]:
    """One step: its name, its seconds and its exit code. `aside`, what it says comes in one piece."""
    print(f"\n$ {' '.join(command)}", flush=True)
    start = time.monotonic()
    kept = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT} if aside else {}
    # A key that happens to be there must not turn the notebooks into a shopping list.
    done = subprocess.run([python, "-m", *command], cwd=ROOT, env=without_key(), **kept)
    if aside:
        print(f"\n{name}:\n{done.stdout.decode('utf-8', 'replace').strip()}\n", flush=True)
    return name, time.monotonic() - start, done.returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
