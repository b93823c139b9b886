"""The live table: one output, few updates, and plain HTML at the end."""

from __future__ import annotations

import re
import time
from concurrent.futures import Executor, Future
from html.parser import HTMLParser
from typing import Any

import pytest
from helpers import MOCK, until

import kling_nb as kn
from kling_nb.errors import KlingError
from kling_nb.jobs.batch import Batch
from kling_nb.jobs.remote import Outcome
from kling_nb.notebook import table
from kling_nb.sandbox import Sandbox
from kling_nb.states import State


class Still(Executor):
    """Workers that do nothing until a test says what came of it."""

    def __init__(self) -> None:
        self.futures: list[Future[Any]] = []

    def submit(self, work: Any, /, *args: Any, **more: Any) -> Future[Any]:
        self.futures.append(Future())
        return self.futures[-1]

    def end(self, at: int, error: KlingError | None = None) -> None:
        state = State.FAILED if error else State.COMPLETED
        self.futures[at].set_result(Outcome(state, error=error, value="ok", cost=0.01, elapsed=2.0))


class Page:
    """What a front end was sent: the first display and every update of it."""

    def __init__(self) -> None:
        self.sent: list[dict[str, str]] = []
        self.times: list[float] = []

    def __call__(self, bundle: dict[str, str], **_: Any) -> Page:
        self.sent.append(bundle)
        self.times.append(time.monotonic())
        return self

    update = __call__


@pytest.fixture
def screen(monkeypatch: pytest.MonkeyPatch) -> Page:
    screen = Page()
    monkeypatch.setattr(table, "_display", screen)
    monkeypatch.setattr(Batch, "shown_by", table.show)
    monkeypatch.setenv("KLING_NB_UI", "widgets")
    return screen


def many(kling: kn.Client, count: int, **options: Any) -> tuple[Batch, Still]:
    still = Still()
    wanted = [{"model": MOCK, "number": number} for number in range(count)]
    batch = Batch(kling._core, wanted, executor=still, max_active=count, **options)
    until(lambda: len(still.futures) == count)
    return batch, still


def rows_of(html: str) -> list[str]:
    return re.findall(r"<tr>(?!<th)(.*?)</tr>", html)


def test_a_thousand_rows_are_fifty_lines_with_the_troubled_ones_first(kling: kn.Client) -> None:
    batch, still = many(kling, 1000)
    for at in range(1000):
        if at not in (500, 700, 900):
            still.end(at, KlingError("tired <b>of</b> it") if at == 990 else None)
    until(lambda: batch.counts.get("done") == 996)
    html = table.markup(batch)
    lines = rows_of(html)
    assert len(lines) == 50
    assert ["990" in lines[0], *(str(at) in lines[i] for i, at in ((1, 500), (2, 700), (3, 900)))] == [
        True
    ] * 4
    assert "and 950 more done" in html
    assert "tired &lt;b&gt;of&lt;/b&gt; it" in html
    assert "996 done, 3 running, 1 failed; $9.97" in html
    assert len(html) < 60_000
    begun = time.process_time()
    for _ in range(20):
        table.markup(batch)
    assert (time.process_time() - begun) / 20 < 0.05
    batch.stop()
    batch.wait(5)


def test_it_is_one_output_updated_at_most_twice_a_second(kling: kn.Client, screen: Page) -> None:
    batch, still = many(kling, 30)
    batch._ipython_display_()
    for at in range(30):
        still.end(at)
        time.sleep(0.05)
    batch.wait(5)
    until(lambda: "role" not in screen.sent[-1]["text/html"])
    assert 3 <= len(screen.sent) <= 2 + 2 * (screen.times[-1] - screen.times[0])
    gaps = [after - before for before, after in zip(screen.times, screen.times[1:-1], strict=False)]
    assert min(gaps[1:]) >= 0.49
    assert screen.sent[0]["text/plain"] == "<Batch of 30 rows>"
    assert screen.sent[-1]["text/plain"] == "<Batch of 30 rows: 30 done; $0.30>"
    time.sleep(0.6)
    assert screen.sent[-1]["text/html"].count("✓") == 30


def test_a_wait_shows_the_table_once(
    kling: kn.Client, screen: Page, capsys: pytest.CaptureFixture[str]
) -> None:
    batch = Batch(kling._core, [{"model": MOCK}])
    assert batch.results() == ["ok"]
    assert batch.results() == ["ok"]
    until(lambda: "1 done" in screen.sent[-1]["text/html"])
    assert len(screen.sent) <= 3
    assert capsys.readouterr().err == ""


def test_a_batch_that_is_over_is_shown_as_it_ended(kling: kn.Client, screen: Page) -> None:
    batch = Batch(kling._core, [{"model": "kling-3-text2image", "prompt": "a fox", "aspect_ratio": "1:1"}])
    until(lambda: batch.is_over)
    batch._ipython_display_()
    (bundle,) = screen.sent
    assert batch[0].media.path.name in bundle["text/html"]
    assert "$0.035" in bundle["text/html"]


def test_where_nobody_looks_there_is_one_line_at_the_end(
    kling: kn.Client, screen: Page, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("KLING_NB_UI", "plain")
    batch = Batch(
        kling._core, [{"model": MOCK}, {"model": MOCK}, {"model": MOCK, "prompt": "[sandbox:fail no]"}]
    )
    batch._ipython_display_()
    batch.wait()
    batch.wait()
    batch._ipython_display_()
    assert screen.sent == []
    out, err = capsys.readouterr()
    assert err == "Batch of 3 rows: 2 done, 1 failed\n"
    assert out == "Batch of 3 rows\nBatch of 3 rows: 2 done, 1 failed\n"


class Checker(HTMLParser):
    """Collects what an untrusted notebook would drop, and every colour."""

    def __init__(self) -> None:
        super().__init__()
        self.odd: list[str] = []

    def handle_starttag(self, name: str, attributes: list[tuple[str, str | None]]) -> None:
        self.odd += [name] if name in ("script", "style", "iframe") else []
        self.odd += [key for key, _ in attributes if key.startswith("on")]
        styles = dict(attributes).get("style") or ""
        self.odd += re.findall(r"(?<![-\w])color:(?!inherit)[^;]+", styles)


def test_it_is_plain_html_without_colours_of_its_own(kling: kn.Client, sandbox: Sandbox) -> None:
    batch, still = many(kling, 4, stop_after_failures=1)
    still.end(0)
    still.end(1, KlingError("<script>alert(1)</script>"))
    until(lambda: batch.counts["running"] == 2)
    checker = Checker()
    checker.feed(table.markup(batch))
    assert checker.odd == []
    assert "✕</span> failed" in table.markup(batch)
    assert 'aria-valuenow="50"' in table.markup(batch)
    assert "Nothing more is submitted: 1 row had failed." in table.markup(batch)
    batch.stop()
    batch.wait(5)
