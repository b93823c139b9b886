"""What the plan is for: few questions and a short delay at once, measured as their product.

For a constant gap g the questions per job are mean / g and the delay g / 2, so the product is half the mean
duration whatever g is; that is 1.0 here. The best possible plan reaches the square of the integral of
sqrt(density * survival), over the mean: 0.44 for a lognormal of spread 0.25, which fits the published
latencies. The official SDK's own figures (51 questions, 0.56 s at a mean of 53 s) are 1.08.
"""

from __future__ import annotations

import math
import random
from bisect import bisect_left
from statistics import fmean

import pytest

from kling_nb.jobs.estimate import Curve
from kling_nb.jobs.polling import Plan, plan_for

MEAN, SPREAD = 53.0, 0.25
BEST, SDK = 0.44, 51 * 0.56 / (MEAN / 2)
PAGE = plan_for(Curve.from_published((MEAN, MEAN)))


def durations(factor: float = 1.0, count: int = 20_000) -> list[float]:
    dice = random.Random(3)
    mu = math.log(MEAN * factor) - SPREAD**2 / 2
    return [dice.lognormvariate(mu, SPREAD) for _ in range(count)]


def measured(plan: Plan, jobs: list[float]) -> tuple[float, float, float]:
    """Questions per job, mean delay in seconds, and their product against constant asking."""
    asked = [plan.next_delay(0.0)]
    while asked[-1] < max(jobs):
        asked.append(asked[-1] + plan.next_delay(asked[-1]))
    places = [bisect_left(asked, job) for job in jobs]
    questions = fmean(place + 1 for place in places)
    delay = fmean(asked[place] - job for place, job in zip(places, jobs, strict=True))
    return questions, delay, questions * delay / (fmean(jobs) / 2)


def test_near_the_best_possible_and_under_half_of_the_sdk() -> None:
    questions, delay, product = measured(PAGE, durations())
    assert product < 1.15 * BEST
    assert product < SDK / 2
    assert 0.8 * 0.53 < delay < 1.2 * 0.53
    assert questions < 30


@pytest.mark.parametrize("factor", [0.7, 1 / 1.3, 1.3, 1 / 0.7])
def test_a_curve_that_is_wrong_by_a_third_still_pays(factor: float) -> None:
    _, _, product = measured(PAGE, durations(factor))
    assert product < 0.6


@pytest.mark.parametrize("factor", [0.7, 1.3])
def test_ten_own_jobs_make_a_wrong_curve_right(factor: float) -> None:
    own = Curve.from_durations(durations(factor, 10), PAGE.curve)
    _, _, product = measured(plan_for(own), durations(factor))
    assert product < 1.2 * BEST


def test_a_job_of_an_unknown_model_is_no_worse_than_constant_asking() -> None:
    _, _, product = measured(plan_for(Curve.from_published(None)), durations())
    assert product < 1.1


@pytest.mark.parametrize("latency", [(46.3, 50.5), (145.3, 174.8), (291.4, 291.4), (320.1, 320.76)], ids=str)
def test_every_model_is_noticed_within_a_hundredth(latency: tuple[float, float]) -> None:
    middle = math.sqrt(latency[0] * latency[1])
    _, delay, product = measured(plan_for(Curve.from_published(latency)), durations(middle / MEAN))
    assert 0.5 * min(3.0, 0.01 * middle) < delay < 1.3 * min(3.0, max(0.5, 0.01 * middle))
    assert product < 1.15 * BEST
