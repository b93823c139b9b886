"""A real IPython shell, as a kernel has one, and what a person types into it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from IPython.core.interactiveshell import InteractiveShell
from traitlets.config import Config

import kling_nb as kn
from kling_nb.notebook import magic


@pytest.fixture
def bare() -> Iterator[Any]:
    """A shell that knows nothing of us."""
    InteractiveShell.clear_instance()
    shell = InteractiveShell.instance(config=Config({"HistoryManager": {"enabled": False}}))
    yield shell
    magic.unload(shell)
    shell.restore_sys_module_state()
    shell._atexit_once()
    InteractiveShell.clear_instance()


@pytest.fixture
def shell(bare: Any, kling: kn.Client) -> Any:
    """A shell with the magics, and a client of the sandbox that was made last."""
    magic.load(bare)
    bare.user_ns["kling"] = kling
    return bare


def run(shell: Any, cell: str) -> Any:
    """Run a cell; its value. Raises what it raised."""
    done = shell.run_cell(cell)
    done.raise_error()
    return done.result
