"""When one job is asked about."""

from __future__ import annotations

import random
import timeit
from itertools import pairwise

import pytest

from kling_nb.jobs.estimate import Curve
from kling_nb.jobs.polling import Plan, next_try, plan_for

LATENCIES = [(46.3, 50.5), (53.15, 68.9), (145.3, 174.8), (291.4, 291.4), (320.1, 320.76), None]
SCALES = [1.0, 20.0]


@pytest.fixture(params=[(latency, scale) for latency in LATENCIES for scale in SCALES], ids=str)
def plan(request: pytest.FixtureRequest) -> Plan:
    latency, scale = request.param
    return plan_for(Curve.from_published(latency, scale), scale)


def schedule(plan: Plan, until: float, scale: float = 1.0) -> list[float]:
    """The ages at which a job is asked about that never ends."""
    ages = [0.0]
    while ages[-1] < until:
        ages.append(ages[-1] + plan.next_delay(ages[-1], scale))
    return ages[1:]


def gaps(ages: list[float]) -> list[float]:
    return [after - before for before, after in pairwise(ages)]


@pytest.mark.parametrize("scale", [1.0, 0.3, 0.05])
def test_one_question_fits_between_two(plan: Plan, scale: float) -> None:
    dice = random.Random(2)
    for _ in range(200):
        age = dice.uniform(0, 3) * plan.curve.median
        delay = plan.next_delay(age, scale)
        assert plan.asked(age + delay) - plan.asked(age) == pytest.approx(1 / scale, abs=1e-6)


def test_the_gaps_keep_their_bounds(plan: Plan) -> None:
    ages = schedule(plan, 8 * plan.curve.median)
    for age, gap in zip(ages, gaps(ages), strict=False):
        assert gap * plan.time_scale >= 0.5 - 1e-9
        assert gap * plan.time_scale <= (60.001 if age < plan.curve.median / 2 else 30.001)


def test_the_first_question_comes_early(plan: Plan) -> None:
    assert 0.5 <= plan.next_delay(0.0) * plan.time_scale <= 10.0
    assert plan.next_delay(0.0) < plan.curve.median / 5


@pytest.mark.parametrize("latency", LATENCIES[:-1], ids=str)
def test_questions_grow_dense_towards_the_end_and_rare_after_it(latency: tuple[float, float]) -> None:
    plan = plan_for(Curve.from_published(latency))
    median = plan.curve.median
    towards = [plan.next_delay(median * share) for share in (0.25, 0.4, 0.6, 0.8, 1.0)]
    assert towards == sorted(towards, reverse=True)
    beyond = [plan.next_delay(median * times) for times in (3, 5, 10, 30)]
    assert beyond == sorted(beyond)
    assert towards[0] > 10 * towards[-1]


def test_a_job_that_never_ends_costs_little(plan: Plan) -> None:
    hour = schedule(plan, 3600 / plan.time_scale)
    assert len(hour) < 1000  # asked once a second it would be 3600
    assert all(gap > 0 for gap in gaps(schedule(plan, 48 * 3600 / plan.time_scale)))


def test_asking_less_is_asking_in_proportion(plan: Plan) -> None:
    until = 3 * plan.curve.median
    full, third = len(schedule(plan, until)), len(schedule(plan, until, 1 / 3))
    assert third == pytest.approx(full / 3, abs=2)


def test_a_deadline_is_never_overshot(plan: Plan) -> None:
    for age in (0.0, plan.curve.median, 50 * plan.curve.median):
        for left in (-1.0, 0.0, 0.01, 3.0, 1e9):
            assert 0 <= plan.next_delay(age, left=left) <= max(0.0, left)


def test_odd_ages_are_harmless(plan: Plan) -> None:
    assert plan.next_delay(-5.0) == plan.next_delay(0.0)
    assert plan.next_delay(1e9) * plan.time_scale <= 30.001


def test_it_is_cheap(plan: Plan) -> None:
    assert plan_for(plan.curve, plan.time_scale) is plan
    best = min(timeit.repeat(lambda: plan.next_delay(40.0), number=1000, repeat=5)) / 1000
    assert best < 20e-6


def test_failures_double_the_pause_up_to_half_a_minute() -> None:
    assert [next_try(n) for n in (1, 2, 3, 4, 5, 6, 99)] == [1, 2, 4, 8, 16, 30, 30]
    assert next_try(99, 20.0) == 1.5
