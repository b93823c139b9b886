"""What a person sees of a job: it moves, it stops, and it stays when the kernel is gone."""

from __future__ import annotations

import re
import time
from typing import Any

import pytest

from .lab import Lab, Notebook

pytestmark = pytest.mark.browser

START = "import kling_nb as kn, time\nkling = kn.Client.sandbox(time_scale=60)"
STUCK = "job = kling.submit('kling-3-text2image', prompt='[sandbox:stuck] a fox')\njob"
CLIP = "kling.submit('kling-3-standard-text2video', prompt='a kite over the sea', duration=3)"
PLAYS = """async video => {
  video.muted = true;
  await video.play();
  await new Promise(done => setTimeout(done, 700));
  return {ready: video.readyState, at: video.currentTime, long: video.duration, wide: video.videoWidth};
}"""


def seconds_shown(notebook: Notebook, cell: int) -> int:
    """The elapsed time on a card."""
    text = notebook.output(cell).locator(".kling-card").inner_text()
    found = re.search(r"· (\d+) s ·", text)
    assert found, text
    return int(found[1])


def assert_plays(notebook: Notebook, cell: int) -> None:
    """The clip below a cell is loaded and runs."""
    video = notebook.output(cell).locator("video")
    state: dict[str, Any] = video.evaluate(PLAYS)
    assert state["ready"] >= 3
    assert state["at"] > 0.1
    assert 2.5 < state["long"] < 3.6
    assert state["wide"] > 0


def test_a_card_moves_while_another_cell_computes(lab: Lab, tab: Any) -> None:
    busy = "end = time.monotonic() + 4\nwhile time.monotonic() < end: sum(range(1000))"
    notebook = lab.open(tab, lab.write("moves.ipynb", [START, STUCK, busy]))
    notebook.run(0)
    notebook.run(1)
    notebook.output(1).locator(".kling-card").wait_for()
    notebook.run(2, wait=False)
    first = seconds_shown(notebook, 1)
    time.sleep(2.5)
    assert seconds_shown(notebook, 1) >= first + 2


def test_stop_ends_the_watch_and_tells_the_truth(lab: Lab, tab: Any) -> None:
    notebook = lab.open(tab, lab.write("stop.ipynb", [START, STUCK + ".wait()", "print('went on')"]))
    notebook.run_all(wait=False)
    notebook.output(1).locator("button", has_text="Stop watching").click()
    notebook.output(1).get_by_text("The job is billed.").wait_for()
    notebook.output(2).get_by_text("went on").wait_for()
    assert notebook.output(1).locator(".kling-card").count() == 0


def test_a_finished_clip_is_plain_html_that_outlives_the_kernel(lab: Lab, tab: Any) -> None:
    notebook = lab.open(tab, lab.write("clip.ipynb", [START, CLIP]))
    notebook.run_all()
    notebook.output(1).locator("video").wait_for()
    assert_plays(notebook, 1)
    (output,) = notebook.outputs(1)
    assert set(output["data"]) == {"text/html", "text/plain"}
    notebook.save()
    notebook.shut_down()
    again = lab.open(tab, "clip.ipynb")
    again.output(1).locator("video").wait_for()
    assert_plays(again, 1)
    assert "model not found" not in again.output(1).inner_text()
