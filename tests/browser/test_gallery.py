"""The gallery as a person meets it in JupyterLab: by mouse, by keyboard, and after the kernel is gone."""

from __future__ import annotations

from typing import Any

import pytest

from .lab import Lab, Notebook

pytestmark = pytest.mark.browser

EVIL = '<img src=x onerror="window.pwned=1"><script>window.pwned=1</script>'
MAKE = f"""import kling_nb as kn
from kling_nb.notebook.gallery import gallery
kling = kn.Client.sandbox(time_scale=4000)
jobs = [kling.submit("kling-3-text2image", prompt="a fox", take=take) for take in range(1, 12)]
jobs += [kling.submit("kling-3-text2image", prompt={EVIL!r}, aspect_ratio=each) for each in ("1:1", "3:2")]
for job in jobs: job.result()
clip = kling.run("kling-3-standard-text2video", prompt="a kite", duration=3)
"""
# What assistive technology would read out, of everything that can be filled in or pressed.
NAMES = """root => [...root.querySelectorAll('input, select, button')].filter(each => each.offsetParent)
  .map(each => each.labels && each.labels.length ? each.labels[0].innerText
    : each.tagName === 'BUTTON' ? each.innerText : '')"""
PLAYS = """async video => { video.muted = true; await video.play();
  await new Promise(done => setTimeout(done, 500)); return video.currentTime }"""
WIDE = "root => root.scrollWidth <= root.clientWidth + 1"


def press(root: Any, words: str) -> None:
    root.locator("button:visible", has_text=words).first.click()


def focused(notebook: Notebook) -> str:
    return str(notebook.page.evaluate("() => document.activeElement.innerText"))


def test_look_through_open_compare_choose_and_delete(lab: Lab, tab: Any) -> None:
    notebook = lab.open(
        tab, lab.write("gallery.ipynb", [MAKE, "shown = gallery(kling)\nshown", "shown.selected"])
    )
    notebook.run_all()
    root = notebook.output(1).locator(".kling-gallery")
    root.locator(".kling-thumb img").nth(11).wait_for()
    names = root.evaluate(NAMES)
    assert len(names) == 35
    assert all(name.strip() for name in names), names

    press(root, "Older")
    root.get_by_text("13 to 14 of 14").wait_for()
    assert root.locator(".kling-tile:visible").count() == 2
    press(root, "Newer")
    root.get_by_text("1 to 12 of 14").wait_for()

    # By keyboard alone: open the clip, play it, and come back to where one was.
    root.locator(".kling-tile button").first.focus()
    tab.keyboard.press("Enter")
    root.locator(".kling-large video").wait_for()
    assert root.locator(".kling-large video").evaluate(PLAYS) > 0.1
    tab.wait_for_function("() => document.activeElement.innerText === 'Back to all'")
    tab.keyboard.press("Enter")
    root.locator(".kling-large").wait_for(state="detached")
    tab.wait_for_function("() => document.activeElement.title === 'Open: Clip: a kite'")
    tab.keyboard.press("Tab")
    tab.keyboard.press("Space")
    root.get_by_text("1 selected.").wait_for()
    press(root, "Use last frame as input")
    root.get_by_text("is chosen as input").wait_for()
    notebook.run(2)
    assert "<Image 1280x720 png>" in notebook.outputs(2)[0]["data"]["text/plain"]

    press(root, "Clear selection")
    for place in (1, 2):
        root.locator(".kling-tile input[type=checkbox]").nth(place).check()
    press(root, "Compare")
    root.locator(".kling-compared img").nth(1).wait_for()
    assert EVIL in root.locator(".kling-compared").inner_text()
    boxes = [each.bounding_box() for each in root.locator(".kling-compared figure").all()]
    assert boxes[0]["y"] == boxes[1]["y"]
    assert boxes[0]["x"] < boxes[1]["x"]
    press(root, "Back to all")

    press(root, "Delete from disk")
    root.get_by_text("Delete these 2 files from disk?").wait_for()
    tab.wait_for_function("() => document.activeElement.innerText === 'Keep them'")
    tab.keyboard.press("Enter")
    root.get_by_text("Delete these 2 files").wait_for(state="hidden")
    assert root.get_by_text("Deleted from disk on").count() == 0
    press(root, "Delete from disk")
    press(root, "Yes, delete 2 files")
    root.get_by_text("Deleted 2 files from disk").wait_for()
    assert root.get_by_text("Deleted from disk on").count() == 2
    assert tab.evaluate("() => window.pwned") is None


def test_it_fits_narrow_and_wide_and_is_saved_as_text(lab: Lab, tab: Any) -> None:
    notebook = lab.open(tab, lab.write("saved.ipynb", [MAKE, "gallery(kling)"]))
    notebook.run_all()
    root = notebook.output(1).locator(".kling-gallery")
    root.locator(".kling-thumb img").nth(11).wait_for()
    for width, columns in ((700, 3), (1600, 6)):
        tab.set_viewport_size({"width": width, "height": 1200})
        tab.wait_for_timeout(300)
        assert root.evaluate(WIDE)
        tops = [each.bounding_box()["y"] for each in root.locator(".kling-tile").all()]
        assert tops.count(tops[0]) == columns
        widths = {round(each.bounding_box()["width"]) for each in root.locator(".kling-thumb").all()}
        assert max(widths) <= min(widths) + 1
    (output,) = notebook.outputs(1)
    assert output["data"]["text/plain"].startswith("Gallery: 1 to 12 of 14, newest first")
    assert "<script>" not in output["data"]["text/html"]
