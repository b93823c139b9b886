"""All jobs of a process together, inside one budget."""

from __future__ import annotations

import asyncio
import gc
import math
import random
import tracemalloc
from bisect import bisect_left
from collections.abc import Callable
from statistics import fmean
from typing import Any

import pytest
from helpers import QuickClock

from kling_nb.jobs.estimate import Curve
from kling_nb.jobs.polling import plan_for
from kling_nb.jobs.watcher import Watcher, shared

from .timelapse import LoopClock, Service, lapse

IMAGE = plan_for(Curve.from_published((46.3, 50.5)))
CLIP = plan_for(Curve.from_published((291.4, 291.4)))


def a_watcher(clock: Any, budget: float | None = None, seed: int = 5) -> Watcher:
    return Watcher(clock, budget, chance=random.Random(seed).random)


def lengths(count: int, median: float = 48.0) -> list[float]:
    dice = random.Random(6)
    return [dice.lognormvariate(math.log(median), 0.25) for _ in range(count)]


def most_in(asked: list[float], seconds: float = 60.0) -> int:
    """The most questions that any window of so many seconds holds."""
    return max(bisect_left(asked, at + seconds) - n for n, at in enumerate(asked))


# One job


def test_one_job_is_asked_about_by_its_plan() -> None:
    async def work(clock: LoopClock) -> tuple[list[float], float]:
        service, asked = Service(clock, a_watcher(clock)), []
        return asked, await service.job(IMAGE, 48.0, asked)

    asked, delay = lapse(work)
    assert 1.0 < asked[0] < 5.0
    assert len(asked) < 30
    assert delay < 1.5


def test_a_question_that_is_worth_asking_now_is_asked_now() -> None:
    async def work(clock: LoopClock) -> float:
        await a_watcher(clock).open(IMAGE).turn(0.0, at_once=True)
        return clock.monotonic()

    assert lapse(work) < 0.1


@pytest.mark.parametrize("at_once", [False, True])
def test_jobs_that_begin_together_do_not_ask_together(*, at_once: bool) -> None:
    async def work(clock: LoopClock) -> list[float]:
        watcher, asked = a_watcher(clock), []

        async def one() -> None:
            with watcher.open(CLIP) as ticket:
                if at_once:
                    await ticket.turn(0.0, at_once=True)
                await ticket.turn(0.0)
                asked.append(clock.monotonic())

        await asyncio.gather(*(one() for _ in range(100)))
        return asked

    asked = lapse(work)
    assert most_in(asked, 0.5) < 30
    assert asked[-1] > 1.7 * asked[0]


def test_a_deadline_is_not_overshot() -> None:
    async def work(clock: LoopClock) -> float:
        await a_watcher(clock).open(CLIP).turn(10.0, left=2.0)
        return clock.monotonic()

    assert 1.9 < lapse(work) <= 2.0 + 0.02


def test_failures_wait_longer_and_longer() -> None:
    async def work(clock: LoopClock) -> list[float]:
        watcher, waited = a_watcher(clock), []
        ticket = watcher.open(IMAGE)
        for failures in range(1, 8):
            begun = clock.monotonic()
            await ticket.turn(48.0, failures)
            waited.append(clock.monotonic() - begun)
        return waited

    waited = lapse(work)
    assert all(0.7 * 2**n < seconds < 1.3 * 2**n for n, seconds in enumerate(waited[:5]))
    assert 20 < waited[-1] < 40


def test_the_clocks_of_other_tests_serve_too() -> None:
    async def work() -> None:
        clock = QuickClock()
        watcher = a_watcher(clock, 50)
        with watcher.open(IMAGE) as ticket:
            for _ in range(20):
                await ticket.turn(clock.now)
        assert 20 < clock.now < 120

    asyncio.run(work())


def test_nothing_is_left_when_nobody_waits() -> None:
    async def work(clock: LoopClock) -> None:
        watcher = a_watcher(clock, 50)
        for _ in range(3):
            await asyncio.gather(*(Service(clock, watcher).job(IMAGE, 5.0) for _ in range(3)))
            await asyncio.sleep(0)
            assert watcher._alarm is None
            assert not watcher._later
            assert not watcher._due
        assert watcher._demand == pytest.approx(0.0, abs=1e-9)

    lapse(work)


def test_a_clock_that_breaks_is_heard_by_whoever_waits() -> None:
    class Broken(QuickClock):
        def call_later(self, seconds: float, callback: Callable[[], None]) -> asyncio.Task[None]:
            raise OSError("no time")

    async def work() -> None:
        watcher = a_watcher(Broken())
        with pytest.raises(OSError, match="no time"):
            await asyncio.wait_for(watcher.open(IMAGE).turn(0.0), 5)

    asyncio.run(work())


# The budget


@pytest.mark.parametrize(
    ("jobs", "budget"), [(1, 5), (10, 5), (1, 60), (10, 50), (100, 50), (100, 120), (300, 1000), (1000, 500)]
)
def test_no_minute_holds_more_than_the_budget(jobs: int, budget: int) -> None:
    async def work(clock: LoopClock) -> tuple[list[float], list[float]]:
        watcher = a_watcher(clock, budget)
        service = Service(clock, watcher)
        dice = random.Random(7)

        async def one(length: float) -> float:
            await asyncio.sleep(dice.uniform(0, 30))
            return await service.job(IMAGE, length)

        return list(await asyncio.gather(*map(one, lengths(jobs)))), service.asked

    delays, asked = lapse(work)
    assert most_in(asked) <= budget
    if most_in(asked) > 0.8 * budget:  # where there is too little it is used, not saved
        middle = [at for at in asked if asked[0] + 60 < at < asked[-1] - 60]
        assert len(middle) >= 0.75 * budget * (asked[-1] - asked[0] - 120) / 60
    assert len(delays) == jobs


def test_a_burst_of_submits_is_held_to_the_budget_too() -> None:
    async def work(clock: LoopClock) -> list[float]:
        watcher, sent = a_watcher(clock, 50), []

        async def one() -> None:
            await watcher.submit_turn()
            sent.append(clock.monotonic())

        await asyncio.gather(*(one() for _ in range(150)))
        return sent

    sent = lapse(work)
    assert most_in(sent) <= 50
    assert sent[0] < 0.1
    assert sent[-1] < 150 / 50 * 60 * 1.1


def test_submits_go_first_but_polls_go_on() -> None:
    async def work(clock: LoopClock) -> list[str]:
        watcher, order = a_watcher(clock, 60), []

        async def submit() -> None:
            await watcher.submit_turn()
            order.append("submit")

        async def poll() -> None:
            with watcher.open(IMAGE) as ticket:
                await ticket.turn(48.0)
            order.append("poll")

        polls = [asyncio.ensure_future(poll()) for _ in range(30)]
        await asyncio.sleep(2.0)
        order.clear()
        await asyncio.gather(*(submit() for _ in range(40)))
        told = list(order)
        await asyncio.gather(*polls)
        return told

    order = lapse(work)
    assert 0.1 < order.count("poll") / len(order) < 0.26
    assert order[:3] == ["submit"] * 3


def test_the_question_worth_most_goes_first_and_nobody_starves() -> None:
    ages = {"ending": 55.0, "young": 12.0, "old": 400.0}

    async def work(clock: LoopClock) -> dict[str, list[int]]:
        watcher = a_watcher(clock, 60)
        service = Service(clock, watcher)
        asked = {kind: [0] * 10 for kind in ages}

        async def forever(kind: str, number: int) -> None:
            with watcher.open(IMAGE) as ticket:
                while True:
                    await ticket.turn(ages[kind])
                    asked[kind][number] += 1
                    await service.question()

        tasks = [asyncio.ensure_future(forever(kind, number)) for kind in ages for number in range(10)]
        await asyncio.sleep(900.0)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        return asked

    asked = lapse(work)
    # The plans together ask for far more than there is: all are slowed by the same factor, about 0.034 here.
    slowed = {kind: IMAGE.next_delay(age, 0.034) for kind, age in ages.items()}
    for kind, times in asked.items():
        assert sum(times) == pytest.approx(10 * 900 / slowed[kind], rel=0.2)
        assert min(times) >= 0.6 * fmean(times)


def test_a_new_job_is_asked_about_although_hundreds_wait() -> None:
    async def work(clock: LoopClock) -> float:
        watcher = a_watcher(clock, 120)
        service = Service(clock, watcher)
        crowd = [asyncio.ensure_future(service.job(IMAGE, 1e6)) for _ in range(300)]
        await asyncio.sleep(300.0)
        begun = clock.monotonic()
        await watcher.open(IMAGE).turn(0.0)
        waited = clock.monotonic() - begun
        for task in crowd:
            task.cancel()
        await asyncio.gather(*crowd, return_exceptions=True)
        return waited

    # Three hundred jobs share two questions a second: a fair turn is 150 s away at the worst.
    assert lapse(work) < 150


def test_a_slow_service_is_not_flooded_and_the_dues_stay_in_order() -> None:
    async def work(clock: LoopClock) -> tuple[int, list[float]]:
        service = Service(clock, a_watcher(clock), travel=5.0)
        delays = await asyncio.gather(*(service.job(IMAGE, length) for length in lengths(100)))
        return most_in(service.asked, 5.0), list(delays)

    most, delays = lapse(work)
    assert most <= 16
    assert fmean(delays) < 30


def test_a_question_that_was_cancelled_or_lost_is_not_out_any_more() -> None:
    async def work(clock: LoopClock) -> None:
        watcher = a_watcher(clock)
        service = Service(clock, watcher, lambda now: None, travel=3.0)
        jobs = [asyncio.ensure_future(service.job(IMAGE, 1e6)) for _ in range(40)]
        await asyncio.sleep(20.0)
        assert 0 < watcher._out <= 16
        for job in jobs:
            job.cancel()
        await asyncio.gather(*jobs, return_exceptions=True)
        assert watcher._out == 0

    lapse(work)


def test_with_too_small_a_budget_the_delay_is_shared() -> None:
    async def work(clock: LoopClock, budget: float | None) -> list[float]:
        service = Service(clock, a_watcher(clock, budget))
        return list(await asyncio.gather(*(service.job(IMAGE, length) for length in lengths(60))))

    free = lapse(lambda clock: work(clock, None))
    tight = lapse(lambda clock: work(clock, 120))
    assert fmean(free) < 0.7
    assert fmean(tight) < 20
    assert max(tight) < 75


# Refusals


def test_a_refusal_slows_everybody_and_passes() -> None:
    async def work(clock: LoopClock) -> tuple[list[float], Watcher]:
        watcher = a_watcher(clock)
        refused: list[float] = []

        def answer(now: float) -> tuple[int, float | None]:
            if now >= 100 and now < (refused or [now])[0] + 0.2:
                refused.append(now)
                return 429, 20.0
            return 200, None

        service = Service(clock, watcher, answer)
        jobs = [asyncio.ensure_future(service.job(CLIP, 1e6)) for _ in range(50)]
        await asyncio.sleep(2000.0)
        for job in jobs:
            job.cancel()
        await asyncio.gather(*jobs, return_exceptions=True)
        return service.asked, watcher

    asked, watcher = lapse(work)

    def rate(begin: float, end: float) -> float:
        return (bisect_left(asked, end) - bisect_left(asked, begin)) / (end - begin)

    refused = next(at for at in asked if at >= 100)
    assert rate(refused + 0.2, refused + 20) == 0
    assert 0 < rate(refused + 20, refused + 40) < 0.8 * rate(60, 100)
    assert math.isinf(watcher._pace.rate)


def test_a_hundred_answers_to_one_refusal_halve_the_rate_once() -> None:
    async def work(clock: LoopClock) -> float:
        watcher = a_watcher(clock, 120)
        for _ in range(50):
            await watcher.submit_turn()
        for _ in range(100):
            watcher.told(429, 10.0)
        return watcher._pace.rate / watcher._pace.full

    assert 0.3 < lapse(work) <= 0.5


@pytest.mark.parametrize("pause", [None, 0.0, 15.0, 1e9])
def test_after_a_refusal_the_budget_comes_back_within_minutes(pause: float | None) -> None:
    async def work(clock: LoopClock) -> list[float]:
        watcher, rates = a_watcher(clock, 120), []
        for turn in range(600):
            await watcher.submit_turn()
            if turn == 100:
                watcher.told(429, pause)
            elif turn > 110:
                watcher.told(200)
            rates.append(watcher._pace.rate / watcher._pace.full)
            if rates[-1] >= 1 and turn > 120:
                break
        assert 60 < clock.monotonic() - 50 < 400
        return rates

    rates = lapse(work)
    assert min(rates) <= 0.5
    assert rates[-1] == 1.0


def test_never_slower_than_the_smallest_plan() -> None:
    async def work(clock: LoopClock) -> float:
        watcher = a_watcher(clock)
        for _ in range(40):
            await watcher.submit_turn()
            watcher.told(429)
        return watcher._pace.rate

    assert lapse(work) == pytest.approx(5 / 60)


def test_answers_that_are_no_refusal_change_nothing() -> None:
    async def work(clock: LoopClock) -> None:
        watcher = a_watcher(clock, 60)
        for status, pause in [(200, 30.0), (404, None), (500, None), (422, None), (502, None)]:
            watcher.told(status, pause)
        assert watcher._pace.rate == watcher._pace.full
        await watcher.submit_turn()
        assert clock.monotonic() < 0.1

    lapse(work)


@pytest.mark.parametrize("limit", [20, 50, 120])
def test_a_limit_that_nobody_told_us_is_found(limit: int) -> None:
    """Polls count at this service, the client was given no budget, and every job is still noticed."""

    async def work(clock: LoopClock) -> tuple[list[float], int, int]:
        taken: list[float] = []
        refusals = 0

        def answer(now: float) -> tuple[int, float | None]:
            nonlocal refusals
            taken[:] = [at for at in taken if at > now - 60]
            if len(taken) >= limit:
                refusals += 1
                return 429, taken[0] + 60 - now
            taken.append(now)
            return 200, None

        service = Service(clock, a_watcher(clock), answer)
        delays = await asyncio.gather(*(service.job(IMAGE, length) for length in lengths(10)))
        return list(delays), len(service.asked), refusals

    delays, asked, refusals = lapse(work)
    assert len(delays) == 10
    assert refusals < 0.35 * asked
    assert max(delays) < 120


# Nights


def test_an_hour_of_mixed_faults() -> None:
    async def work(clock: LoopClock) -> tuple[list[float], list[float]]:
        dice = random.Random(8)
        # The last entry is an outage: minutes in which nothing answers.
        kinds: list[Any] = [None, (500, None), (502, None), (503, 5.0), (429, 10.0), (429, None), (504, None)]

        def answer(now: float) -> Any:
            if 1200 < now < 1500:
                return None
            return dice.choice(kinds) if dice.random() < 0.25 else (200, None)

        service = Service(clock, a_watcher(clock, 500), answer)

        async def one(length: float) -> float:
            await asyncio.sleep(dice.uniform(0, 3000))
            return await service.job(CLIP, length)

        return list(await asyncio.gather(*map(one, lengths(200, 290.0)))), service.asked

    delays, asked = lapse(work)
    assert len(delays) == 200
    assert most_in(asked) <= 500
    assert fmean(delays) < 60
    assert max(delays) < 420  # the outage, and one long pause after it


def test_a_laptop_that_slept_asks_about_everything_at_once_within_the_budget() -> None:
    async def work(clock: LoopClock) -> tuple[list[float], list[float]]:
        service = Service(clock, a_watcher(clock, 120))
        jobs = [asyncio.ensure_future(service.job(CLIP, 1e6)) for _ in range(60)]
        await asyncio.sleep(30.0)
        before = len(service.asked)
        clock.ahead = 3600.0
        await asyncio.sleep(45.0)
        for job in jobs:
            job.cancel()
        await asyncio.gather(*jobs, return_exceptions=True)
        return service.asked, service.asked[before:]

    asked, after = lapse(work)
    assert most_in(asked) <= 120
    assert after[0] < 30 + 5.1
    assert len([at for at in after if at < 70]) >= 60


def test_a_pause_is_over_when_the_machine_slept_through_it() -> None:
    async def work(clock: LoopClock) -> float:
        watcher = a_watcher(clock)
        watcher.told(429, 100.0)
        clock.ahead = 200.0
        await watcher.submit_turn()
        return clock.monotonic()

    assert lapse(work) < 0.1


def test_a_small_correction_of_the_wall_clock_is_no_sleep() -> None:
    async def work(clock: LoopClock) -> float:
        watcher = a_watcher(clock)
        turn = asyncio.ensure_future(watcher.open(CLIP).turn(60.0))
        for step in (5.0, 20.0, -400.0):
            await asyncio.sleep(1.0)
            clock.ahead += step
        await turn
        return clock.monotonic()

    assert lapse(work) > 20


# Cancelling


def test_a_cancelled_turn_gives_its_place_back() -> None:
    async def work(clock: LoopClock) -> float:
        watcher = a_watcher(clock, 5)
        await watcher.submit_turn()
        crowd = [asyncio.ensure_future(watcher.submit_turn()) for _ in range(20)]
        polls = [asyncio.ensure_future(watcher.open(IMAGE).turn(48.0)) for _ in range(10)]
        await asyncio.sleep(3.0)
        for task in (*crowd, *polls):
            task.cancel()
        await asyncio.gather(*crowd, *polls, return_exceptions=True)
        await watcher.submit_turn()
        return clock.monotonic()

    assert lapse(work) < 61 / 5 + 0.1


def test_a_turn_cancelled_in_the_moment_it_is_given_returns_its_token() -> None:
    async def work(clock: LoopClock) -> float:
        watcher = a_watcher(clock, 5)
        first = asyncio.ensure_future(watcher.submit_turn())
        await asyncio.sleep(0)
        watcher._serve()
        first.cancel()
        await asyncio.gather(first, return_exceptions=True)
        assert first.cancelled()
        poll = asyncio.ensure_future(watcher.open(IMAGE).turn(0.0, at_once=True))
        await asyncio.sleep(0)
        watcher._serve()
        poll.cancel()
        await asyncio.gather(poll, return_exceptions=True)
        assert watcher._out == 0
        await watcher.submit_turn()
        return clock.monotonic()

    assert lapse(work) < 1.0


# Size


def test_a_thousand_waiting_jobs_are_small() -> None:
    async def work(clock: LoopClock) -> int:
        watcher = a_watcher(clock, 500)
        plan_for(IMAGE.curve)
        gc.collect()
        tracemalloc.start()
        tickets = [watcher.open(IMAGE) for _ in range(1000)]
        turns = [asyncio.ensure_future(ticket.turn(10.0)) for ticket in tickets]
        await asyncio.sleep(0.01)
        size, _ = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        for turn in turns:
            turn.cancel()
        await asyncio.gather(*turns, return_exceptions=True)
        return size

    assert lapse(work) < 4_000_000


def test_one_watcher_a_name() -> None:
    clock = QuickClock()
    one = shared("account", lambda: Watcher(clock, 50))
    assert shared("account", lambda: Watcher(clock, 60)) is one
    assert shared("another", lambda: Watcher(clock)) is not one
