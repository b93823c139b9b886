"""The studio as a person meets it: by keyboard alone, in both themes, narrow and wide, without a kernel."""

from __future__ import annotations

from typing import Any

import pytest

from .contrast import faint
from .lab import Lab, Notebook

pytestmark = pytest.mark.browser

START = "import kling_nb as kn\nkling = kn.Client.sandbox()\nshown = kn.studio(kling)\nshown"
ACTIVE = """() => { const at = document.activeElement;
  if (!at.matches('button, input, textarea, select, summary, a')) return '';
  return at.labels && at.labels.length ? at.labels[0].innerText : at.innerText || '' }"""
MOVED = """first => { const card = document.querySelector('.kling-card');
  return !card || card.innerText !== first }"""
WIDE = "root => root.scrollWidth <= root.clientWidth + 1"
THEME = "name => window.jupyterapp.commands.execute('apputils:change-theme', {theme: name})"


def opened(lab: Lab, tab: Any, name: str, *cells: str) -> tuple[Notebook, Any]:
    """A notebook with a studio in its first cell."""
    notebook = lab.open(tab, lab.write(name, [START, *cells]))
    notebook.run(0)
    root = notebook.output(0).locator(".kling-studio")
    root.wait_for()
    return notebook, root


def walk_to(tab: Any, words: str, *, back: bool = False) -> None:
    """Press Tab until the keyboard is where `words` stand."""
    for _ in range(60):
        if words in tab.evaluate(ACTIVE):
            return
        tab.keyboard.press("Shift+Tab" if back else "Tab")
    raise AssertionError(f"the keyboard never comes to {words!r}")


def test_everything_goes_by_keyboard_alone(lab: Lab, tab: Any) -> None:
    notebook, root = opened(lab, tab, "studio.ipynb")
    root.locator(".kling-models button").first.focus()
    walk_to(tab, "Kling 3.0 Standard")
    tab.keyboard.press("Enter")
    root.locator(".kling-form .kling-title", has_text="Kling 3.0 Standard").wait_for()
    walk_to(tab, "Prompt")
    tab.keyboard.type("a kite <over> the sea")
    root.locator("button:enabled", has_text="Generate").wait_for()
    walk_to(tab, "Generate")
    tab.keyboard.press("Enter")
    bar = root.locator(".kling-card [role=progressbar]")
    bar.wait_for()
    first = root.locator(".kling-card").inner_text()
    tab.wait_for_function(MOVED, arg=first)
    root.locator(".kling-result video").wait_for()
    assert "a kite <over> the sea" in root.locator(".kling-final").inner_text()
    assert root.locator(".kling-card").count() == 0

    walk_to(tab, "Code")
    tab.keyboard.press("Enter")
    code = root.locator("pre").first.inner_text()
    assert 'kn.Kling3StandardTextToVideo(prompt="a kite <over> the sea")' in code
    walk_to(tab, "Use as input")
    tab.keyboard.press("Enter")
    root.get_by_text("The last frame of").wait_for()
    tab.wait_for_function("() => document.activeElement.labels?.[0]?.innerText.startsWith('Start image')")
    assert "Kling 3.0 Pro Image" in root.locator(".kling-models .mod-active").inner_text()
    assert root.locator(".kling-view img").first.evaluate("each => each.naturalWidth") > 0

    walk_to(tab, "Show gallery")
    tab.keyboard.press("Enter")
    root.locator(".kling-thumb img").wait_for()
    assert tab.evaluate(ACTIVE) == "Hide gallery"
    walk_to(tab, "Open")
    assert notebook.outputs(0)[0]["data"]["text/plain"].startswith("Studio of 5 models.")


MAKE = """shown.form.values = {"prompt": "a red fox in the snow", "aspect_ratio": "3:2"}
shown.form.generate().wait()
shown.form.values = {"prompt": "[sandbox:fail] a storm"}
shown.form.generate().wait()
shown.form.values = {"prompt": "[sandbox:stuck] a tide"}
stuck = shown.form.generate()
shown._folded(None)"""


@pytest.mark.parametrize("theme", ["JupyterLab Light", "JupyterLab Dark"])
def test_it_can_be_read_in_both_themes_and_fits_narrow_and_wide(lab: Lab, tab: Any, theme: str) -> None:
    _, root = shown = opened(lab, tab, f"{theme.split()[1].lower()}.ipynb", MAKE)
    tab.evaluate(THEME, theme)
    try:
        shown[0].run(1)
        root.locator(".kling-thumb img").first.wait_for()
        root.locator("details").first.evaluate("each => each.open = true")
        tab.wait_for_timeout(400)
        assert faint(root) == []
        for width, columns in ((700, 1), (1100, 2), (1600, 2)):
            tab.set_viewport_size({"width": width, "height": 1200})
            tab.wait_for_timeout(300)
            assert root.evaluate(WIDE), width
            form, board = (root.locator(each).bounding_box() for each in (".kling-side", ".kling-board"))
            beside = board["x"] > form["x"] + form["width"] - 1
            assert beside == (columns == 2), width
    finally:
        tab.evaluate(THEME, "JupyterLab Light")


def test_results_outlive_the_kernel(lab: Lab, tab: Any) -> None:
    make = "shown.form.values = {'prompt': 'a red fox'}\njob = shown.form.generate()\njob.wait()"
    notebook, root = opened(lab, tab, "left.ipynb", make)
    notebook.run(1)
    root.locator(".kling-result img").wait_for()
    # The copy that is saved is there, and hidden while the live one is.
    assert notebook.output(0).locator(".kling-final:visible").count() == 1
    tab.wait_for_timeout(500)
    notebook.save()
    notebook.shut_down()
    again = lab.open(tab, "left.ipynb")
    again.output(0).locator(".kling-final img").wait_for()
    assert again.output(0).locator(".kling-final:visible").count() == 1
    assert "a red fox" in again.output(0).locator(".kling-final").inner_text()
