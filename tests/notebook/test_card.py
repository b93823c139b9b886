"""The live card: one writer, few messages, and no widget left at the end."""

from __future__ import annotations

import re
import time

import pytest
from helpers import until

from kling_nb.errors import KlingError
from kling_nb.jobs.engine import engine
from kling_nb.notebook import bridge, pulse
from kling_nb.notebook.card import Card

from .conftest import Wire
from .results import settled
from .standin import Picture, StillJob


@pytest.mark.usefixtures("nothing_left")
def test_a_card_moves_and_ends_as_plain_html() -> None:
    job, ends = StillJob(), []
    card = Card(job)
    card.settle(ends.append)
    job.elapsed = 30
    until(lambda: "30 s" in card.root.children[2].value)
    job.outputs = (Picture(),)
    job.end()
    until(lambda: ends)
    assert "<figure>a picture</figure>" in ends[0]["text/html"]
    assert ends[0]["text/plain"] == "kling-3-text2image: COMPLETED"
    settled()


@pytest.mark.usefixtures("nothing_left")
def test_what_did_not_change_is_not_sent(wire: Wire) -> None:
    job = StillJob()
    card = Card(job)
    card.settle(lambda _: None)
    time.sleep(0.3)
    wire.clear()
    time.sleep(0.6)
    assert wire.count() == 0
    job.elapsed = 13
    time.sleep(0.6)
    assert wire.count() == 2  # the bar and the status line, once each
    job.end()
    settled()


@pytest.mark.usefixtures("nothing_left")
def test_the_budget_is_one_for_all_cards(wire: Wire) -> None:
    jobs = [StillJob() for _ in range(100)]
    cards = [Card(job) for job in jobs]
    for card in cards:
        card.settle(lambda _: None)
    wire.clear()
    end = time.monotonic() + 3
    while time.monotonic() < end:
        for job in jobs:
            job.elapsed += 1
        time.sleep(0.05)
    assert wire.count() <= 3.25 * pulse.BUDGET
    assert all("12 s" not in card.root.children[2].value for card in cards[:10])
    for job in jobs:
        job.end()
    until(lambda: not pulse._pulse_of(engine())._live, 10)
    for card in cards:  # quicker than the budget
        card.close()
    settled()


@pytest.mark.usefixtures("nothing_left")
def test_an_end_that_takes_many_messages_is_paid_for(wire: Wire) -> None:
    jobs, ends = [StillJob() for _ in range(12)], []

    def end(_: object) -> int:
        ends.append(time.monotonic())
        return pulse.BUDGET // 2

    for job in jobs:
        card = Card(job)
        card.settle(end)
        job.end()
    until(lambda: len(ends) >= 4, 10)
    assert max(sum(1 for other in ends if each <= other < each + 0.9) for each in ends) <= 3
    until(lambda: len(ends) == 12, 10)
    settled()


@pytest.mark.usefixtures("nothing_left")
def test_a_press_stops_the_watch_and_says_that_it_may_take_a_moment(wire: Wire) -> None:
    job = StillJob()
    card = Card(job)
    card.settle(lambda _: None)
    wire.press(card.button)
    assert job.stops == 1
    until(lambda: card.button.disabled)
    assert "Stopping" in card.root.children[2].value
    job.end_stopped()
    settled()


@pytest.mark.usefixtures("nothing_left")
def test_the_same_job_twice_is_two_working_cards() -> None:
    job, ends = StillJob(), []
    cards = [Card(job), Card(job)]
    for card in cards:
        card.settle(ends.append)
    job.elapsed = 33
    until(lambda: all("33 s" in card.root.children[2].value for card in cards))
    job.end()
    until(lambda: len(ends) == 2)
    settled()


@pytest.mark.usefixtures("nothing_left")
def test_a_front_end_that_is_gone_harms_nobody() -> None:
    def gone(_: object) -> None:
        raise OSError("socket closed")

    job, other, ends = StillJob(), StillJob(), []
    Card(job).settle(gone)
    Card(other).settle(ends.append)
    job.end()
    other.end()
    until(lambda: ends)
    settled()


def test_a_card_is_few_models(wire: Wire) -> None:
    card = Card(StillJob())
    assert wire.count("open") <= 12
    card.close()


def test_no_card_without_somebody_to_see_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("KLING_NB_UI", raising=False)
    assert bridge.ui() == "plain"


def test_a_wrong_setting_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KLING_NB_UI", "yes")
    with pytest.raises(KlingError, match=re.escape("KLING_NB_UI is 'yes'.")):
        bridge.ui()
