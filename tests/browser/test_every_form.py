"""Every form as a person fills it in: by keyboard alone and by mouse, up to the result below it.

What is typed and expected follows from the models' descriptions, so that a new model is tested as it comes.
"""

from __future__ import annotations

import base64
import json
import random
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from playwright.sync_api import Locator, expect

from kling_nb.model.catalogue import models
from kling_nb.model.fields import Param

from .lab import Lab, Notebook

pytestmark = pytest.mark.browser

MODELS = {model.slug: model.request for model in models()}
SLUGS = list(MODELS)
START = """import json, kling_nb as kn
from kling_nb.sandbox import Sandbox
service = Sandbox(time_scale=300).start()
kling = kn.Client(service.key, base_url=service.base_url, time_scale=300)"""
BODIES = "print(json.dumps([[sent.path.rpartition('/')[2], sent.body] for sent in service.posts()]))"
ACTIVE = """() => {
  const at = document.activeElement, form = at.closest('.kling-form') || at;
  const said = at.labels && at.labels.length ? at.labels[0].innerText : at.innerText;
  const top = at.getBoundingClientRect().top - form.getBoundingClientRect().top;
  return {tag: at.tagName, name: (said || '').trim().slice(0, 80), top};
}"""
TYPING = "() => ['INPUT', 'TEXTAREA'].includes(document.activeElement.tagName)"
TYPED, CLICKED, PICTURE = "a fox, typed", "a fox, clicked", "noise.png"
ADDED = {"Add element": PICTURE, "Add voice id": "anna", "Add shot": "it wakes"}
PLACE: dict[str, Path] = {}
MOST_STEPS = 70


class Forms:
    """One page with a cell for each form and a last one that tells what the service was sent."""

    def __init__(self, notebook: Notebook) -> None:
        self.notebook, self._bought = notebook, dict.fromkeys(SLUGS, 0)

    def output(self, slug: str) -> Locator:
        """What is below a form's cell."""
        return self.notebook.output(1 + SLUGS.index(slug))

    def form(self, slug: str) -> Locator:
        """A form that is ready to be filled in."""
        made = self.output(slug).locator(".kling-form")
        made.locator("button", has_text="Start over").wait_for()
        return made

    def bodies(self, slug: str) -> list[dict[str, Any]]:
        """What the service was sent for a model, oldest first."""
        cell = 1 + len(SLUGS)
        self.notebook.run(cell)
        text = "".join(output["text"] for output in self.notebook.outputs(cell))
        return [body for name, body in json.loads(text) if name == slug]

    def buys(self, slug: str, press: Callable[[], object]) -> dict[str, Any]:
        """Do what presses Generate; the body that reached the service, once the result is there."""
        shown = self.output(slug).locator(".kling-result .kling-final")
        press()
        self._bought[slug] += 1
        expect(shown).to_have_count(self._bought[slug], timeout=30_000)
        *_, body = bodies = self.bodies(slug)
        assert len(bodies) == self._bought[slug]
        media = "video" if MODELS[slug].kind == "video" else "img"
        assert shown.first.locator(media).count() == 1
        return body


@pytest.fixture(scope="module")
def forms(lab: Lab, chromium: Any) -> Iterator[Forms]:
    """All forms in one page."""
    context = chromium.new_context(viewport={"width": 1100, "height": 1400})
    context.set_default_timeout(15_000)
    noise = Image.frombytes("RGB", (64, 48), random.Random(1).randbytes(64 * 48 * 3))
    noise.save(lab.root / PICTURE)
    PLACE["folder"] = lab.root
    cells = [f"kn.form('{slug}', kling)" for slug in SLUGS]
    notebook = lab.open(context.new_page(), lab.write("every.ipynb", [START, *cells, BODIES]))
    notebook.run_all()
    yield Forms(notebook)
    context.close()


def steps(forms: Forms, made: Locator, last: str) -> Iterator[dict[str, Any]]:
    """Begin in the first field, and say where the keyboard is after each Tab until it has reached `last`."""
    made.locator("textarea").first.focus()
    for _ in range(MOST_STEPS):
        yield (here := made.page.evaluate(ACTIVE))
        forms.notebook.settle()  # what was typed may open, close or free what comes next
        if here["name"].startswith(last):
            return
        made.page.keyboard.press("Tab")
    raise AssertionError(f"{last} was not reached; the keyboard was at {here} in the end")


class Typist:
    """Fills in each field when the keyboard comes to it, and presses each button that opens more."""

    def __init__(self, made: Locator, slug: str) -> None:
        self._made, self._page, self._keys = made, made.page, made.page.keyboard
        self._params = {param.label: param for param in MODELS[slug].params()}
        self._done: set[str] = set()
        self.expected: dict[str, Any] = {}

    def act(self, here: dict[str, Any]) -> None:
        """Do what there is to do where the keyboard is, once."""
        name = here["name"].partition(" *")[0].partition(" (")[0]
        if name in self._done:
            return
        self._done.add(name)
        if name == "Show advanced settings":
            self._keys.press("Space")
            self._page.wait_for_function("() => document.activeElement.innerText.startsWith('Hide')")
        elif name in ADDED:
            self._keys.press("Enter")
            self._page.wait_for_function(TYPING)
            self._keys.type(ADDED[name])
        elif name in self._params:
            self._fill(self._params[name])

    def _fill(self, param: Param) -> None:
        if param.kind == "choice":
            first = param.name == "duration"  # long clips take long to paint
            self._keys.press("Home" if first else "End")
            value = param.choices[0 if first else -1][0]
            self.expected |= {} if value == param.default else {param.name: value}
        elif param.kind == "flag":
            for hidden in (1, 0):  # what depends on it goes and comes back
                self._keys.press("Space")
                expect(self._made.get_by_role("button", name="Add voice id")).to_have_count(1 - hidden)
            self.expected[param.name] = param.default
        elif param.kind in ("number", "integer"):
            self._keys.type(f"{param.maximum:g}")
            self.expected[param.name] = param.maximum
        elif param.kind == "picture":
            self._keys.type(PICTURE)
        elif param.kind == "text" and not param.choices:
            self._keys.type(TYPED)
            self.expected[param.name] = TYPED


@pytest.mark.parametrize("slug", SLUGS)
def test_the_keyboard_comes_by_everything_from_top_to_bottom(forms: Forms, slug: str) -> None:
    seen = list(steps(forms, forms.form(slug), "Start over"))
    assert all(here["name"] for here in seen), seen
    names = " | ".join(here["name"] for here in seen)
    plain = [param for param in MODELS[slug].params() if param.group != "advanced" and not param.shown_when]
    assert [param.label for param in plain if param.kind != "list" and param.label not in names] == []
    tops = [here["top"] for here in seen]
    assert [here for here, above in zip(seen[1:], tops, strict=False) if here["top"] < above - 40] == []


@pytest.mark.parametrize("slug", SLUGS)
def test_by_keyboard_alone(forms: Forms, slug: str) -> None:
    made = forms.form(slug)
    typist = Typist(made, slug)
    for here in steps(forms, made, "Generate"):
        typist.act(here)
    body = forms.buys(slug, lambda: made.page.keyboard.press("Enter"))
    assert {name: body.get(name) for name in typist.expected} == typist.expected
    names = {param.name for param in MODELS[slug].params()}
    if "elements" in names:
        ((front,),) = (element.values() for element in body["elements"])
        assert front.startswith("http")
    if "voice_ids" in names:
        assert body["voice_ids"] == [ADDED["Add voice id"]]
    if "multi_prompt" in names:
        assert [shot["prompt"] for shot in body["multi_prompt"]] == [ADDED["Add shot"]]


def press(made: Locator, words: str) -> None:
    """Press the button that says so."""
    made.get_by_role("button", name=re.compile(f"^{re.escape(words)}")).first.click()


def field(made: Locator, label: str) -> Locator:
    """The box with a field, its note and its buttons."""
    return made.locator(".kling-field").filter(has=made.page.locator(f"label:text-is('{label}')")).last


@pytest.mark.parametrize("slug", SLUGS)
def test_by_mouse(forms: Forms, slug: str) -> None:
    made = forms.form(slug)
    press(made, "Start over")
    prompt = made.locator("textarea").first
    expect(prompt).to_have_value("")
    prompt.fill("x")
    prompt.fill("")
    error = made.locator(".kling-field").first.locator(".kling-error")
    expect(error).to_be_visible()
    prompt.fill(CLICKED)
    expect(error).to_have_count(0)
    params = {param.name: param for param in MODELS[slug].params()}
    picture = next((param for param in params.values() if param.kind == "picture"), None)
    if picture:
        upload(made, f"{picture.label} *")
    for name in ("elements", "multi_prompt"):
        if name in params:
            arrange(made, params[name])
    body = forms.buys(slug, lambda: press(made, "Generate"))
    assert body["prompt"] == CLICKED
    if picture:
        assert body[picture.name].startswith("http")
    if "multi_prompt" in params:
        assert [shot["prompt"] for shot in body["multi_prompt"]] == ["second", "first"]
        assert body["duration"] == "10"
    if "elements" in params:
        assert len(body["elements"]) == 2


def upload(made: Locator, label: str) -> None:
    """Choose a file in the browser's own window; it is shown at once."""
    box = field(made, label)
    with made.page.expect_file_chooser() as chooser:
        box.locator("button.widget-upload").click()
    chooser.value.set_files(PLACE["folder"] / PICTURE)
    expect(box.locator(".kling-view img")).to_be_visible()
    expect(box.locator(".kling-view")).to_contain_text(PICTURE)
    expect(box.get_by_role("button", name="Clear")).to_be_visible()


def arrange(made: Locator, param: Param) -> None:
    """Add two, swap them, copy one, take the copy out, and see each step."""
    item = param.item
    assert item
    what = item.label.lower()
    words = ("first", "second") if param.name == "multi_prompt" else (PICTURE, PICTURE)
    lines = made.locator(".kling-toggle").filter(has_text=item.label)
    for number, text in enumerate(words, 1):
        press(made, f"Add {what}")
        expect(lines).to_have_count(number)
        made.page.wait_for_function(TYPING)
        made.page.keyboard.type(text)
    press(made, f"Move {what} 2 up")
    # The rows are drawn anew; only then does the keyboard stand on a tool of what is the first one now.
    expect(made.locator("button:focus")).to_have_accessible_name(re.compile(f"{what} 1"))
    press(made, f"Duplicate {what} 1")
    expect(lines).to_have_count(3)
    press(made, f"Remove {what} 2")
    expect(lines).to_have_count(2)
    lines.first.click()
    expect(lines.first).to_contain_text(f"{item.label} 1 · ")
    if param.name == "multi_prompt":
        expect(lines.first).to_contain_text("5 s · second")
        expect(made.locator(".kling-shot")).to_have_count(2)
        press(made, "Set duration to 10 s")
        expect(made.locator(".kling-strip-box")).to_contain_text("10 s of 10 s")


def test_no_upload_is_in_the_saved_notebook(forms: Forms) -> None:
    forms.notebook.save()
    saved = (PLACE["folder"] / "every.ipynb").read_text()
    data = (PLACE["folder"] / PICTURE).read_bytes()
    assert CLICKED in saved, "the results are there"
    for at in (0, 1, 2):
        assert base64.b64encode(data[300 + at : 360 + at]).decode() not in saved
