"""`allow_nested_loops`: nested runs work and cells queued behind them run, or it is refused with a reason."""

from __future__ import annotations

import pytest

from .conftest import start
from .driver import Kernel

pytestmark = pytest.mark.kernel

ALLOW = "import asyncio; from kling_nb.notebook.nested import allow_nested_loops as allow; print(allow())"
RUN = "print(asyncio.run(asyncio.sleep(0.5, 'nested')))"
# What is installed is what the distributions say; a test can not uninstall, but it can hide.
HIDE = """
from importlib import metadata
_real = metadata.version
def version(name):
    if name == "nest-asyncio2": raise metadata.PackageNotFoundError(name)
    return _real(name)
metadata.version = version
"""


def queued_cells_run(kernel: Kernel) -> bool:
    """Run a nested loop with five cells queued behind it."""
    cells = [kernel.send(RUN), *(kernel.send(f"print('cell {n}')") for n in range(5))]
    for cell in cells:
        kernel.idle(cell)
    return [kernel.text(cell) for cell in cells] == ["nested\n", *(f"cell {n}\n" for n in range(5))]


def test_the_fork_comes_first_and_loses_no_cell(own_kernel: Kernel) -> None:
    assert own_kernel.run(ALLOW).startswith("nest-asyncio2 1.")
    assert queued_cells_run(own_kernel)
    assert own_kernel.run("print(allow())") == "nest-asyncio2 was applied already."


def test_without_the_fork_the_old_one_is_taken_where_it_is_safe() -> None:
    with start("6.31.0") as kernel:
        assert kernel.run(HIDE + ALLOW).startswith("nest_asyncio 1.")
        assert queued_cells_run(kernel)


@pytest.mark.parametrize("newer", ["7.3.0", "7.4.0"])
def test_without_the_fork_it_is_refused_where_cells_would_be_lost(newer: str) -> None:
    with start(newer) as kernel:
        said = kernel.run(HIDE + ALLOW)
        assert f"nest_asyncio makes ipykernel {newer} lose queued cells" in said
        assert "nest-asyncio2 is not installed" in said
        assert "pip install" in said
