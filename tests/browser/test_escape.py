"""Hostile text through every place that shows it, in a real page: it runs nothing, adds nothing, asks nobody.

`tests/notebook/test_escape.py` puts the same text through the makers of markup, without a browser.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

import nbformat
import pytest
from hostile import CORPUS, HOST, MARK, PROMPTS, opening, seen

from .lab import Lab, Notebook

pytestmark = pytest.mark.browser

START = """import warnings; warnings.simplefilter("ignore")
import contextlib, dataclasses, ipywidgets, sys
from pathlib import Path
from IPython.display import display
from PIL import Image
from tests.hostile import CORPUS, PROMPTS, filled, named_files
from tests.notebook.standin import StillJob
import kling_nb as kn
from kling_nb.errors import InvalidRequest, JobFailed, Problem, SubmitUnknown
from kling_nb.model.untyped import Untyped
from kling_nb.notebook import face, pieces
from kling_nb.notebook.card import Card
from kling_nb.sandbox import Fault, Sandbox
service = Sandbox(time_scale=4000, workers=8).start()
kling = kn.Client(service.key, base_url=service.base_url, time_scale=4000)
def job(text, **more):
    return StillJob(title=text, model=text, prompt=text, request_id=text, note=text, **more)
def show(*markup):
    display({"text/html": "".join(markup), "text/plain": "markup"}, raw=True)
"""
CARDS = "cards = [Card(job(text)) for text in CORPUS]\nipywidgets.VBox([card.root for card in cards])"
# Below a cell JupyterLab shows fifty outputs, so many go into one.
ENDS = """def ends(text):
    problems = InvalidRequest([Problem(text, text)], text)
    errors = JobFailed(text, todo=text), SubmitUnknown(text, again=text), problems
    return face.final(job(text, value=text)) + "".join(face.final(job("x", error=each)) for each in errors)
for at in range(0, len(CORPUS), 4): show(*map(ends, CORPUS[at : at + 4]))"""
BATCH = """rows = [{"model": "mock-inference", "prompt": text} for text in PROMPTS]
wrong = [{"model": "kling-3-text2image", "prompt": "x", "aspect_ratio": text} for text in PROMPTS]
for at in range(0, len(rows), 40):
    for text in PROMPTS[at : at + 40]:
        service.script(Fault("submit", "fail", slug="mock-inference", detail=text))
    kling.batch(rows[at : at + 40]).wait(30)
    kling.batch(wrong[at : at + 40]).wait(30)"""
JOBS = """display(kling.jobs(limit=200))
print(repr(kling.jobs(limit=200)))
for failed in kling.jobs(limit=200)[:20]: print(repr(failed), failed.error)
%load_ext kling_nb
%kling jobs"""
PICTURES = """folder = Path("named"); folder.mkdir()
plain = folder / "plain.png"; Image.new("RGB", (64, 48)).save(plain)
def shown(path, text, **how): return kn.Image(path, prompt=text)._html(embed=how.get("embed"), width=None)
show(*(shown(plain, text) for text in CORPUS))
files = list(named_files(plain))
show(*(shown(path, path.name) + shown(path, "a fox", embed=False) for path in files))
kn.Image(files[0], prompt=CORPUS[0]).show()"""
# A few pictures are bought, and shown as though they had been asked for in all these words.
GALLERY = """for text in PROMPTS[:4]: kling.run("kling-3-text2image", prompt=text)
gallery = kn.gallery(kling)
display(gallery)
real = gallery._shown
told = [dataclasses.replace(real[at % 4], record=dataclasses.replace(real[at % 4].record, prompt=text,
    params={"prompt": text, "negative_prompt": text, text[:90]: [text]})) for at, text in enumerate(PROMPTS)]
tiles = [ipywidgets.HTML(pieces.tile_html(each, None, waiting=False)) for each in told]
display(ipywidgets.VBox([*tiles, ipywidgets.HTML(pieces.question(PROMPTS))]))
for piece in real: gallery.enlarge(piece)
for tile in gallery._tiles[:2]: tile._tick.value = True
gallery._to_compare()
for at in range(0, len(told), 3):
    show(pieces.compared_html(told[at : at + 3]), pieces.large_html(told[at]))"""
FORM = """form = kn.form("kling-3-pro-image2video", kling)
display(form)
for text in CORPUS:
    form.values = filled(text)
    with contextlib.suppress(InvalidRequest): form.generate()
form.values = {text: text for text in CORPUS}"""
REQUESTS = """display(kn.models(), Untyped("some-model", {text: text for text in CORPUS}))
requests = [kn.Kling3TextToImage(prompt=text) for text in PROMPTS]
show(*(request._repr_html_() for request in requests))
display(requests[0])
for request in requests: print(repr(request))"""
SHEET = """sheet = kling.batch([{"model": "kling-3-text2image", "prompt": text} for text in PROMPTS[:3]])
sheet.wait(30)
sheet.contact_sheet()"""
REFUSED = """raise InvalidRequest([Problem(text, text) for text in CORPUS], "this request")"""

# Whatever appears for a moment counts too.
WATCH = f"""
window.__seen = [];
for (const name of ['alert', 'confirm', 'prompt', 'open'])
  window[name] = () => {{ window.__seen.push(name); }};
new MutationObserver(changes => {{
  for (const {{addedNodes}} of changes) for (const node of addedNodes) if (node.nodeType === 1)
    for (const each of [node, ...node.querySelectorAll('*')])
      if (each.matches('.{MARK}, #{MARK}') || (each.closest('.jp-OutputArea-output') && acts(each)))
        window.__seen.push(each.outerHTML.slice(0, 300));
}}).observe(document, {{childList: true, subtree: true}});
const acts = each => [...each.attributes].some(({{name, value}}) =>
  (name.startsWith('on') && each.tagName !== 'INPUT') || /^\\s*javascript:/i.test(value) && name !== 'title'
    && name !== 'alt' && name !== 'aria-label' && name !== 'value' && name !== 'placeholder');
"""
READ = """([at]) => { const cell = document.querySelectorAll('.jp-Notebook .jp-Cell')[at];
  const area = cell.querySelector('.jp-Cell-outputArea');
  return [area.textContent, ...[...area.querySelectorAll('[title]')].map(each => each.title),
    ...[...area.querySelectorAll('input, textarea')].map(each => each.value)].join('\\n') }"""
MATHS = "() => document.querySelectorAll('.jp-OutputArea-output mjx-container, .MathJax').length"


class Sentinel:
    """Watches a page for everything that text must not do."""

    def __init__(self, page: Any) -> None:
        self.page = page
        self.noticed: list[str] = []
        page.add_init_script(WATCH)
        page.on("dialog", lambda dialog: (self.noticed.append(f"dialog {dialog.message}"), dialog.dismiss()))
        page.on("popup", lambda popup: self.noticed.append(f"popup {popup.url}"))
        page.on("request", lambda request: self._asked(request.url))

    def _asked(self, address: str) -> None:
        if urlsplit(address).hostname == HOST:
            self.noticed.append(address)

    def assert_quiet(self) -> None:
        """Nothing ran, nothing was added, nobody was asked."""
        assert self.noticed == []
        assert self.page.evaluate("() => window.__seen") == []
        assert self.page.evaluate("() => window.__pwned") is None
        assert self.page.evaluate(MATHS) == 0


def assert_readable(notebook: Notebook, source: str, texts: Sequence[str]) -> None:
    """Each text stands below a cell as it was written, as far as it is shown."""
    shown = seen(notebook.page.evaluate(READ, [CELLS.index(source)]))
    assert [text for text in texts if opening(text, 24) not in shown] == [], source


CELLS = [START, CARDS, ENDS, BATCH, JOBS, PICTURES, GALLERY, FORM, REQUESTS, SHEET, REFUSED]


def test_it_is_text_wherever_it_is_shown(lab: Lab, tab: Any) -> None:
    sentinel = Sentinel(tab)
    tab.set_default_timeout(60_000)
    notebook = lab.open(tab, lab.write("hostile.ipynb", CELLS))
    for cell in range(len(CELLS)):
        notebook.run(cell)
        faults = [output["evalue"] for output in notebook.outputs(cell) if output["output_type"] == "error"]
        assert bool(faults) is (CELLS[cell] is REFUSED), faults
    notebook.output(7).locator(".kling-form textarea").first.wait_for()
    tab.wait_for_timeout(500)
    for source in (CARDS, ENDS, PICTURES, FORM):
        assert_readable(notebook, source, CORPUS)
    for source in (BATCH, JOBS, GALLERY, REQUESTS):
        assert_readable(notebook, source, PROMPTS)
    sentinel.assert_quiet()
    notebook.save()
    notebook.shut_down()

    # From somebody else: whoever signed it signed another one.
    sent = nbformat.read(lab.root / "hostile.ipynb", 4)
    sent.cells[0].source = "# as it came by mail"
    nbformat.write(sent, lab.root / "mailed.ipynb")
    notebook = lab.open(tab, "mailed.ipynb")
    notebook.output(2).locator(".kling-final").first.wait_for()
    for source in (ENDS, PICTURES):
        assert_readable(notebook, source, CORPUS)
    sentinel.assert_quiet()
