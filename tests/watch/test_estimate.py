"""What is expected of a job, from published figures and from one's own jobs."""

from __future__ import annotations

import math
import random

import pytest

from kling_nb.jobs.estimate import Curve, Estimate, learned, published

IMAGE = (46.3, 50.5)
CURVES = [
    Curve.from_published(IMAGE),
    Curve.from_published((320.1, 320.76)),
    Curve.from_published((145.3, 174.8), 20.0),
    Curve.from_published(None),
]


def jobs(count: int, median: float, sigma: float = 0.25, seed: int = 1) -> list[float]:
    dice = random.Random(seed)
    return [dice.lognormvariate(math.log(median), sigma) for _ in range(count)]


@pytest.mark.parametrize("curve", CURVES)
def test_a_curve_is_a_distribution(curve: Curve) -> None:
    step, t, total = curve.median / 2000, 0.0, 0.0
    while t < 5 * curve.median:
        total += step * curve.density(t + step / 2)
        t += step
    assert total == pytest.approx(1 - curve.survival(t), rel=0.01)
    assert curve.hazard(curve.median) == curve.density(curve.median) / curve.survival(curve.median)
    shares = [curve.survival(curve.median * 0.97**n) for n in range(-200, 200)]
    assert shares == sorted(shares)
    assert curve.survival(0) == 1.0
    assert curve.survival(-1) == 1.0


@pytest.mark.parametrize("curve", CURVES)
@pytest.mark.parametrize("medians", [0, 1e-6, 0.01, 1, 10, 1e3, 1e6])
def test_the_hazard_is_finite_everywhere(curve: Curve, medians: float) -> None:
    assert 0 < curve.hazard(medians * curve.median) < math.inf


def test_an_early_surprise_is_possible_and_a_late_end_ever_less_likely() -> None:
    curve = Curve.from_published(IMAGE)
    assert curve.hazard(1.0) == pytest.approx(curve.surprise / curve.median, rel=0.05)
    late = [curve.hazard(minutes * 60) for minutes in (5, 10, 30, 60)]
    assert late == sorted(late, reverse=True)


def test_a_faster_service_has_shorter_jobs() -> None:
    assert Curve.from_published(IMAGE, 20.0).median == pytest.approx(Curve.from_published(IMAGE).median / 20)
    assert Curve.from_published(None, 20.0).median == pytest.approx(3.0)


def test_own_jobs_outweigh_the_page_once_they_are_many() -> None:
    page = Curve.from_published(IMAGE)
    medians = [Curve.from_durations(jobs(count, 90.0), page).median for count in (0, 1, 5, 50, 500)]
    assert medians == sorted(medians)
    assert medians[0] == page.median
    assert 60 < medians[2] < 80
    assert medians[-1] == pytest.approx(90.0, rel=0.05)
    many = Curve.from_durations(jobs(500, 90.0), page)
    assert many.sigma == pytest.approx(0.25, abs=0.05)


def test_what_nobody_published_is_learned_from_a_few_jobs() -> None:
    found = Curve.from_durations(jobs(5, 200.0), Curve.from_published(None))
    assert found.median == pytest.approx(200.0, rel=0.3)
    assert found.sigma < 0.6


def test_strays_and_nonsense_do_not_bend_the_curve() -> None:
    page = Curve.from_published(IMAGE)
    good = jobs(40, 48.0)
    bent = Curve.from_durations([*good, 30_000.0, 0.0, -3.0, math.nan, math.inf], page)
    straight = Curve.from_durations(good, page)
    assert bent.median == pytest.approx(straight.median, rel=0.05)
    assert bent.sigma < 1.4 * straight.sigma


@pytest.mark.parametrize("stray", [0.1, 30_000.0])
def test_a_first_job_that_is_a_stray_hardly_moves_the_page(stray: float) -> None:
    page = Curve.from_published(IMAGE)
    moved = Curve.from_durations([stray], page)
    assert moved.median == pytest.approx(page.median, rel=0.15)
    assert moved.sigma < 0.4


def test_jobs_that_never_vary_leave_some_room() -> None:
    assert Curve.from_durations([48.0] * 1000, Curve.from_published(IMAGE)).sigma >= 0.08


def test_the_range_is_learned_from_five_jobs_on() -> None:
    page = published(IMAGE)
    assert learned([50.0] * 4, page) is page
    assert learned([]) is None
    assert learned([10.0, 20.0, 30.0, 40.0, 50.0]) == Estimate(14.0, 46.0, "your last 5 jobs")


@pytest.mark.parametrize("durations", [[50.0] * 5, [1e-9] * 5, [1.0, 2.0, 3.0, 4.0, 1e6]])
def test_a_bar_never_stands_at_the_end(durations: list[float]) -> None:
    bar = learned(durations)
    assert bar is not None
    shown = [bar.fraction(bar.high * n / 100) for n in range(101)]
    assert all(each is not None and 0 <= each <= 0.951 for each in shown)
    assert bar.fraction(bar.high * 1.01) is None
