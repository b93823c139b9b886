"""Waiting in a cell: the button lives, the interrupt arrives, and no queued cell is lost."""

from __future__ import annotations

import time

import pytest

from .driver import Kernel

pytestmark = pytest.mark.kernel

SETUP = """
import concurrent.futures, threading, time
import ipywidgets as W
from kling_nb.notebook import pump
future = concurrent.futures.Future()
button = W.Button(description="Stop")
button.on_click(lambda _: (time.sleep(0.05), future.set_result("stopped")))
print(button.comm.comm_id)
"""
WAIT = "print('waiting', flush=True); pump.wait(future, 4); print('over', future.done())"


@pytest.fixture
def button(kernel: Kernel) -> str:
    return kernel.run(SETUP)


@pytest.mark.parametrize("by", ["main", "subshell"])
def test_a_press_is_served_while_the_cell_waits(kernel: Kernel, button: str, by: str) -> None:
    subshell = kernel.subshell() if by == "subshell" else None
    cell = kernel.send(WAIT)
    kernel.said(cell, "waiting")
    pressed = kernel.click(button, subshell)
    assert kernel.said(cell, "over True") - pressed < 0.5


def test_cells_queued_behind_a_wait_run_in_order(kernel: Kernel, button: str) -> None:
    cells = [kernel.send(code) for code in (WAIT, *(f"print('cell {n}')" for n in range(5)))]
    kernel.said(cells[0], "waiting")
    time.sleep(0.2)
    kernel.click(button)
    ends = [kernel.idle(cell) for cell in cells]
    assert ends == sorted(ends)
    assert [kernel.text(cell) for cell in cells[1:]] == [f"cell {n}\n" for n in range(5)]
    assert kernel.run("print('and after')") == "and after"


def test_an_interrupt_arrives_and_queued_cells_are_reported(kernel: Kernel, button: str) -> None:
    cells = [kernel.send(WAIT), kernel.send("print('queued')")]
    kernel.said(cells[0], "waiting")
    time.sleep(0.2)
    pressed = kernel.interrupt()
    assert kernel.idle(cells[0]) - pressed < 0.5
    # As behind any cell that failed: not run, and said so.
    assert [kernel.status(cell) for cell in cells] == ["error", "aborted"]
    assert kernel.run("print('and after')") == "and after"


def test_an_interrupt_arrives_in_an_async_cell_too(kernel: Kernel, button: str) -> None:
    cell = kernel.send("import asyncio; await asyncio.sleep(0)\n" + WAIT)
    kernel.said(cell, "waiting")
    time.sleep(0.2)
    pressed = kernel.interrupt()
    assert kernel.idle(cell) - pressed < 0.5
    assert "KeyboardInterrupt" in kernel.text(cell)


def test_the_time_limit_is_kept(kernel: Kernel, button: str) -> None:
    took = kernel.run("t = time.monotonic(); pump.wait(future, 0.5); print(time.monotonic() - t)")
    assert 0.49 <= float(took) < 0.6


def test_a_wait_inside_a_callback_is_plain(kernel: Kernel, button: str) -> None:
    kernel.run("""
inner, future = concurrent.futures.Future(), concurrent.futures.Future()
def nested(_):
    threading.Timer(0.3, inner.set_result, [1]).start()
    pump.wait(inner, 2)
    future.set_result("nested")
button._click_handlers.callbacks[:] = [nested]
""")
    cell = kernel.send("print('waiting', flush=True); pump.wait(future, 4); print(future.result(0))")
    kernel.said(cell, "waiting")
    kernel.click(button)
    assert kernel.said(cell, "nested")


def test_a_wait_in_a_thread_is_plain(kernel: Kernel, button: str) -> None:
    code = """
threading.Timer(0.2, future.set_result, [1]).start()
thread = threading.Thread(target=pump.wait, args=(future,)); thread.start(); thread.join(3)
print(thread.is_alive(), pump._Mind.gave_up)
"""
    assert kernel.run(code) == "False False"


def test_an_idle_wait_costs_next_to_nothing(kernel: Kernel, button: str) -> None:
    used = kernel.run("t = time.process_time(); pump.wait(future, 1); print(time.process_time() - t)")
    assert float(used) < 0.05


def test_a_kernel_laid_out_otherwise_falls_back_for_good(own_kernel: Kernel) -> None:
    own_kernel.run(SETUP)
    code = """
get_ipython().kernel.shell_handlers.pop("comm_msg")
threading.Timer(0.2, future.set_result, [1]).start()
pump.wait(future, 2); print(future.done(), pump._Mind.gave_up)
"""
    assert own_kernel.run(code) == "True True"
    own_kernel.send("pump.wait(concurrent.futures.Future(), 0.3)")
    queued = own_kernel.send("print('queued')")
    own_kernel.idle(queued)
    assert own_kernel.text(queued) == "queued\n"
