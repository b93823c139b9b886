"""A form's Generate button in real kernels, on whatever thread the press arrives."""

from __future__ import annotations

import pytest

from .driver import Kernel
from .test_waiting import SETUP, STUCK, button_of, swapped

pytestmark = pytest.mark.kernel

FORM = SETUP + "form = kn.form('kling-3-text2image', kling)\nform.values = {'prompt': 'a fox'}\nform"


@pytest.mark.parametrize("by", ["main", "subshell"])
def test_many_presses_buy_once_and_the_result_is_plain_html(kernel: Kernel, by: str) -> None:
    subshell = kernel.subshell() if by == "subshell" else None
    cell = kernel.send(FORM)
    button = button_of(kernel, cell, "Generate")
    kernel.idle(cell)
    for _ in range(20):
        kernel.click(button, subshell)
    _, markup = swapped(kernel, cell)
    assert "kling-done" in markup
    assert kernel.run("print(len(form.jobs), form.jobs[0].state)") == "1 COMPLETED"
    kernel.run("form.close()")


def test_a_press_is_served_while_a_cell_waits_for_another_job(kernel: Kernel) -> None:
    cell = kernel.send(FORM)
    button = button_of(kernel, cell, "Generate")
    kernel.idle(cell)
    waiting = kernel.send(STUCK + "; print('waiting', flush=True); job.wait()")
    kernel.said(waiting, "waiting")
    kernel.click(button)
    _, markup = swapped(kernel, cell)
    assert "kling-done" in markup
    kernel.interrupt()
    kernel.idle(waiting)
    kernel.run("job.stop(); form.close()")
