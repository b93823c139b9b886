"""Jobs of the real client on the sandbox, in real kernels: waits, Stop, interrupts, cards."""

from __future__ import annotations

import re
import time

import pytest

from .driver import Kernel, Message

pytestmark = pytest.mark.kernel

SETUP = """
import time, asyncio, threading
if "kn" not in globals():
    import kling_nb as kn
    kling = kn.Client.sandbox(media="media", time_scale=60, reuse=False)
"""
SLOWER = "slower = kn.Client.sandbox(media='media', reuse=False)\njob ="
STUCK = SETUP + "job = kling.submit('kling-3-text2image', prompt='[sandbox:stuck] a fox')\nprint('submitted')"
QUICK = SETUP + "job = kling.submit('kling-3-text2image', prompt='a fox')\nprint('submitted')"
WAYS = {"wait": "job.wait()", "result": "job.result()", "await": "await job"}
SAID = "the job goes on at the service and is billed"


def button_of(kernel: Kernel, cell: str, words: str = "Stop watching") -> str:
    """The id of the button with these words that a cell has made."""

    def is_it(message: Message) -> bool:
        if message["msg_type"] != "comm_open" or _parent(message) != cell:
            return False
        return bool(message["content"]["data"]["state"].get("description") == words)

    return str(kernel.hear(is_it)[1]["content"]["comm_id"])


def swapped(kernel: Kernel, cell: str, timeout: float = 10) -> tuple[float, str]:
    """When the card shown by a cell became plain HTML, and that HTML."""

    def is_named(message: Message) -> bool:
        named = message["msg_type"] == "display_data" and message["content"]["transient"].get("display_id")
        return bool(named) and _parent(message) == cell

    name = kernel.hear(is_named)[1]["content"]["transient"]["display_id"]
    when, update = kernel.hear(
        lambda m: m["msg_type"] == "update_display_data" and m["content"]["transient"]["display_id"] == name,
        timeout,
    )
    return when, str(update["content"]["data"]["text/html"])


def _parent(message: Message) -> object:
    return message["parent_header"].get("msg_id")


@pytest.mark.parametrize("by", ["main", "subshell"])
def test_stop_is_served_while_the_cell_waits(kernel: Kernel, by: str) -> None:
    kernel.run(STUCK)
    subshell = kernel.subshell() if by == "subshell" else None
    cell = kernel.send("job.wait(); print('went on', job.error)")
    button = button_of(kernel, cell)
    time.sleep(0.1)
    pressed = kernel.click(button, subshell)
    assert kernel.said(cell, "went on") - pressed < 0.5
    when, markup = swapped(kernel, cell)
    assert when - pressed < 1.0
    assert "No longer watched" in markup
    assert "The job is billed." in markup


@pytest.mark.parametrize("way", WAYS)
def test_an_interrupt_leaves_a_working_handle_and_says_what_goes_on(kernel: Kernel, way: str) -> None:
    kernel.run(STUCK)
    cell = kernel.send(f"print('waiting', flush=True)\n{WAYS[way]}")
    kernel.said(cell, "waiting")
    time.sleep(0.4)
    pressed = kernel.interrupt()
    assert kernel.idle(cell) - pressed < 0.5
    assert SAID in kernel.text(cell)
    assert kernel.run("print(job.state, job.watching, job.request_id is not None)") == "PROCESSING True True"
    kernel.run("job.stop()")


@pytest.mark.parametrize("way", WAYS)
def test_cells_queued_behind_a_wait_always_run(kernel: Kernel, way: str) -> None:
    kernel.run(QUICK)
    cells = [kernel.send(WAYS[way]), *(kernel.send(f"print('cell {n}', job.state)") for n in range(5))]
    ends = [kernel.idle(cell) for cell in cells]
    assert ends == sorted(ends)
    assert [kernel.text(cell) for cell in cells[1:]] == [f"cell {n} COMPLETED\n" for n in range(5)]


def test_a_card_moves_while_another_cell_computes(kernel: Kernel) -> None:
    kernel.run(QUICK.replace("kling.submit", "slower.submit").replace("job =", SLOWER, 1))
    shown = kernel.send("job")
    busy = kernel.send("end = time.monotonic() + 2\nwhile time.monotonic() < end: sum(range(1000))")
    began = kernel.idle(shown)
    swapped(kernel, shown)
    ended = kernel.idle(busy)
    moved = [
        when
        for when, message in kernel.heard
        if message["msg_type"] == "comm_msg" and "kling-track" in str(message["content"])
        if began < when < ended
    ]
    assert len(moved) >= 3


def test_a_finished_card_leaves_no_widget(kernel: Kernel) -> None:
    count = "from ipywidgets.widgets import widget; print(len(widget._instances))"
    time.sleep(0.6)  # the cards of other tests are clearing away
    before = kernel.run(count)
    kernel.run(QUICK)
    cell = kernel.send("job.wait()")
    swapped(kernel, cell)
    time.sleep(0.6)
    assert kernel.run(count) == before
    kernel.run("job")
    assert kernel.run(count) == before, "a job that is over is shown without widgets"


def test_without_a_front_end_there_is_one_line_a_state(own_kernel: Kernel) -> None:
    own_kernel.run(QUICK)
    cell = own_kernel.send("job.result()")
    own_kernel.idle(cell)
    lines = own_kernel.text(cell).splitlines()
    assert [line for line in lines if line.startswith("kling-3-text2image")][
        -1
    ] == "kling-3-text2image: COMPLETED"
    assert len(lines) <= 5
    assert not [m for m in own_kernel.of(cell) if m["msg_type"] in ("comm_open", "update_display_data")]


def test_a_front_end_is_known_by_the_id_of_the_cell(own_kernel: Kernel) -> None:
    ask = "from kling_nb.notebook import bridge; print(bridge.ui())"
    assert own_kernel.run(ask) == "plain"
    # As in an nbclient that was started from a notebook: inherited, so it proves nothing.
    own_kernel.run("import os; os.environ['JPY_SESSION_NAME'] = 'story.ipynb'")
    assert own_kernel.run(ask) == "plain"
    assert own_kernel.run(ask, cellId="c1") == "widgets"
    assert own_kernel.run(ask) == "widgets", "who was there once stays"


def test_the_same_calls_in_a_thread(kernel: Kernel) -> None:
    kernel.run(QUICK)
    code = """
got = []
thread = threading.Thread(target=lambda: got.append(job.result()))
thread.start(); thread.join(10); print(got)
"""
    assert re.search(r"\[<Image .*>\]", kernel.run(code))


def test_the_same_calls_in_a_task_of_an_async_cell(kernel: Kernel) -> None:
    kernel.run(QUICK)
    code = """
async def both():
    return await asyncio.gather(job, asyncio.sleep(0.1, "slept"))
image, slept = await both(); print(slept, type(image).__name__)
"""
    assert kernel.run(code).endswith("slept Image")
