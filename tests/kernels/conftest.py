"""Real kernels of each supported generation, driven by messages as a front end sends them."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from .driver import Kernel

REPOSITORY = Path(__file__).resolve().parents[2]
CACHE = REPOSITORY / ".cache" / "kernels"
VERSIONS = ("6.31.0", "7.3.0", "7.4.0")


def folder_of(version: str) -> Path:
    """A folder that holds this ipykernel, fetched once. Pure Python, so it needs nothing of its own."""
    folder = CACHE / f"ipykernel-{version}"
    if not folder.exists():
        CACHE.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=CACHE) as scratch:
            _install(version, Path(scratch) / "new")
            # Moved when whole: a cut download must not look like an installed kernel.
            shutil.move(Path(scratch) / "new", folder)
    return folder


def _install(version: str, target: Path) -> None:
    wanted = [f"ipykernel=={version}"]
    wanted += [] if importlib.util.find_spec("nest_asyncio") else ["nest_asyncio==1.6.0"]
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", str(target)]
    done = subprocess.run([*pip, *wanted], capture_output=True, text=True)
    if done.returncode == 0:
        return
    said = f"ipykernel {version} can not be fetched: {done.stderr.strip()[-300:]}"
    pytest.fail(said) if os.environ.get("CI") == "true" else pytest.skip(said)


def start(version: str, **environment: str) -> Kernel:
    """A new kernel of this version in which the package can be imported."""
    path = os.pathsep.join([str(folder_of(version)), str(REPOSITORY)])
    return Kernel({**os.environ, "PYTHONPATH": path, **environment})


@pytest.fixture(scope="session")
def kernels() -> Iterator[dict[str, Kernel]]:
    """Started when first asked for, one of a version, shared by the tests that leave it as it was."""
    running: dict[str, Kernel] = {}
    with ExitStack() as stack:
        stack.callback(lambda: [kernel.close() for kernel in running.values()])
        yield running


@pytest.fixture(params=VERSIONS)
def version(request: pytest.FixtureRequest) -> str:
    """Each supported ipykernel in turn."""
    return request.param


@pytest.fixture
def kernel(version: str, kernels: dict[str, Kernel]) -> Iterator[Kernel]:
    """The shared kernel of this version; one that a failed test has left stuck is not handed on."""
    if version not in kernels:
        kernels[version] = start(version, KLING_NB_UI="widgets")
    yield kernels[version]
    try:
        kernels[version].run("'still here'", timeout=5)
    except TimeoutError:
        kernels.pop(version).close()


@pytest.fixture
def own_kernel(version: str) -> Iterator[Kernel]:
    """A kernel of this version for one test alone, for those that change the process."""
    with start(version) as kernel:
        yield kernel
