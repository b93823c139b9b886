"""Forms as a person meets them: every control has a name, and a press buys once."""

from __future__ import annotations

from typing import Any

import pytest

from kling_nb.model.catalogue import models

from .lab import Lab

pytestmark = pytest.mark.browser

SLUGS = [model.slug for model in models()]
START = "import kling_nb as kn\nkling = kn.Client.sandbox()"
# What assistive technology would read out, of everything that can be filled in or pressed.
NAMES = """form => [...form.querySelectorAll('input:not([type=file]), textarea, select, button')].map(each =>
  each.tagName === 'BUTTON' ? each.innerText : [...(each.labels || [])].map(l => l.innerText).join(' '))"""


@pytest.mark.parametrize("slug", SLUGS)
def test_every_control_is_there_and_has_a_name(lab: Lab, tab: Any, slug: str) -> None:
    notebook = lab.open(tab, lab.write(f"{slug}.ipynb", [START, f"form = kn.form('{slug}', kling)\nform"]))
    notebook.run_all()
    form = notebook.output(1).locator(".kling-form")
    form.wait_for()
    form.locator("button", has_text="Generate").wait_for()
    unfold = form.locator("button", has_text="Show advanced")
    if unfold.count():
        unfold.click()
        form.locator("button", has_text="Hide advanced").wait_for()
    for add in form.locator("button", has_text="Add ").all():
        add.click()
    names = form.evaluate(NAMES)
    assert all(name.strip() for name in names), names
    text = form.inner_text()
    for param in next(model for model in models() if model.slug == slug).request.params():
        assert param.label in text or param.shown_when
    assert "Error displaying widget" not in text


def test_a_press_makes_one_card_and_its_results_outlive_the_form(lab: Lab, tab: Any) -> None:
    made = "form = kn.form('kling-3-text2image', kling)\nform"
    notebook = lab.open(tab, lab.write("buy.ipynb", [START, made]))
    notebook.run_all()
    form = notebook.output(1).locator(".kling-form")
    form.locator("textarea").first.fill("a fox <in> the snow")
    form.locator("button", has_text="Generate").click(click_count=10, delay=5)
    form.locator(".kling-result img").wait_for()
    assert notebook.output(1).locator(".kling-card").count() == 0
    # The copy that is saved is there, and hidden while the live one is.
    shown = notebook.output(1).locator(".kling-final:visible")
    assert shown.count() == 1
    assert "a fox <in> the snow" in shown.inner_text()

    form.locator("button", has_text="Another take").click(click_count=10, delay=5)
    form.get_by_text("take 2").wait_for()
    assert shown.count() == 2
    notebook.settle()
    notebook.save()
    notebook.shut_down()
    again = lab.open(tab, "buy.ipynb").output(1)
    again.locator(".kling-final img").last.wait_for()
    assert again.locator(".kling-final:visible").count() == 2
    assert again.locator("button").count() == 0
    assert "rror displaying widget" not in again.inner_text()
