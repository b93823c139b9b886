"""The polling plan against constant asking and against the best possible plan with as many questions.

    python tests/benchmarks/polling_plan.py [--keep]

A simulation: durations are lognormal around each model's published latency with a spread of 0.25 in the
logarithm, of which nine in ten lie within 0.66 and 1.5 times the middle. `--keep` writes the table into
README.md.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from kept import keep, table

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from kling_nb.jobs.estimate import Curve
from kling_nb.jobs.polling import Plan, plan_for

SPREAD, JOBS, SEED = 0.25, 50_000, 11
LATENCIES = {
    "kling-3-text2image": (46.3, 50.5),
    "kling-3-image2image": (53.15, 68.9),
    "kling-3-standard-text2video": (145.3, 174.8),
    "kling-3-pro-image2video": (291.4, 291.4),
    "kling-text2video": (320.1, 320.76),
}
HEAD = (
    "model", "what the plan knows", "questions", "delay, s", "constant, s", "best, s",
    "of constant", "over best",
)  # fmt: skip


def main() -> None:
    text = table(HEAD, [row for name in LATENCIES for row in rows(name)])
    print(text)
    if "--keep" in sys.argv:
        keep("polling_plan", text)


def rows(name: str) -> Iterator[tuple[object, ...]]:
    """How the plan does for one model when it is right, when it is wrong, and when it has learned."""
    latency = LATENCIES[name]
    page = Curve.from_published(latency)
    jobs = durations(sum(latency) / 2)
    few = Curve.from_durations(list(durations(sum(latency) / 2 / 0.7)[:10]), page)
    yield row(name, "the page", plan_for(page), jobs)
    yield row("", "the page, but jobs take 30 % longer", plan_for(page), jobs * 1.3)
    yield row("", "the page, but jobs take 30 % less", plan_for(page), jobs * 0.7)
    yield row("", "the page and ten own jobs, which took 43 % longer", plan_for(few), jobs / 0.7)
    if name == "kling-3-text2image":
        yield row("", "nothing (a model without a page)", plan_for(Curve.from_published(None)), jobs)


def row(name: str, knows: str, plan: Plan, jobs: np.ndarray) -> tuple[object, ...]:
    questions, delay = measured(from_plan(plan, jobs.max()), jobs)
    constant = matching(lambda rate: np.arange(1, jobs.max() * rate + 2) / rate, questions, jobs)
    best = matching(lambda rate: from_hazard(jobs, rate), questions, jobs)
    return (
        name, knows, Figure(questions, 1), Figure(delay, 2), Figure(constant, 2), Figure(best, 2),
        Percent(delay / constant), Percent(delay / best - 1),
    )  # fmt: skip


class Figure(float):
    """A number with so many places."""

    def __new__(cls, value: float, places: int) -> Figure:
        new = super().__new__(cls, value)
        new.places = places
        return new

    def __str__(self) -> str:
        return f"{self:.{self.places}f}"


class Percent(float):
    """A share."""

    def __str__(self) -> str:
        return f"{self:.0%}"


def durations(mean: float) -> np.ndarray:
    dice = np.random.default_rng(SEED)
    return np.exp(math.log(mean) - SPREAD**2 / 2 + SPREAD * dice.standard_normal(JOBS))


def measured(asked: np.ndarray, jobs: np.ndarray) -> tuple[float, float]:
    """Questions per job and mean delay in seconds, for the ages at which is asked."""
    places = np.searchsorted(asked, jobs)
    return float(np.mean(places + 1)), float(np.mean(asked[places] - jobs))


def from_plan(plan: Plan, until: float) -> np.ndarray:
    ages = [plan.next_delay(0.0)]
    while ages[-1] < until:
        ages.append(ages[-1] + plan.next_delay(ages[-1]))
    return np.array(ages)


def from_hazard(jobs: np.ndarray, rate: float) -> np.ndarray:
    """The best plan: its rate is proportional to the square root of the true hazard."""
    mean = float(np.mean(jobs))
    true = Curve(math.log(mean) - SPREAD**2 / 2, SPREAD, surprise=1e-12)
    ages = np.linspace(0, jobs.max() * 1.2, 20_000)
    count = np.cumsum([math.sqrt(true.hazard(age)) for age in ages]) * (ages[1] - ages[0]) * rate
    return np.interp(np.arange(0.5, count[-1]), count, ages)


def matching(plan: Callable[[float], np.ndarray], questions: float, jobs: np.ndarray) -> float:
    """The delay of a plan whose rate is turned until it asks as often."""
    low, high = 1e-3, 1e3
    for _ in range(30):
        middle = math.sqrt(low * high)
        asked = plan(middle)
        enough = asked.size and asked[-1] > jobs.max()
        low, high = (low, middle) if enough and measured(asked, jobs)[0] > questions else (middle, high)
    return measured(plan(high), jobs)[1]


if __name__ == "__main__":
    main()
