"""What a card says, as strings."""

from __future__ import annotations

import re

import pytest

from kling_nb.errors import JobFailed, Stopped, SubmitUnknown
from kling_nb.jobs.estimate import Estimate
from kling_nb.notebook import face
from kling_nb.states import State

from .standin import Picture, StillJob

HOSTILE = "<img src=x onerror=alert(1)>&\"'"


def words(markup: str) -> str:
    """The text of markup."""
    return " ".join(re.sub(r"<[^>]+>", " ", markup).split())


def test_the_head_names_model_prompt_and_request() -> None:
    assert words(face.head(StillJob())) == "Kling 3.0 Text to Image a fox in the snow Request 7f9c-11"


def test_the_head_says_nothing_of_a_request_id_that_is_not_there() -> None:
    assert "Request" not in face.head(StillJob(request_id=None))


def test_the_status_gives_state_time_and_range() -> None:
    said = words(face.status(StillJob()))
    assert said == "In the making · 12 s · usually 40 to 70 s (published latency)"


def test_past_the_range_the_bar_is_open_and_the_status_says_so() -> None:
    job = StillJob(elapsed=71)
    assert "kling-open" in face.bar(job)
    assert "longer than the usual 40 to 70 s" in words(face.status(job))


@pytest.mark.parametrize("elapsed", [0, 39, 69.9])
def test_inside_the_range_the_bar_is_marked_as_estimated_and_never_full(elapsed: float) -> None:
    markup = face.bar(StillJob(elapsed=elapsed))
    assert "estimated" in markup
    assert int(re.findall(r"width:(\d+)%", markup)[0]) <= 95


def test_without_an_estimate_nothing_is_promised() -> None:
    job = StillJob(estimate=None)
    assert "kling-open" in face.bar(job)
    assert "no estimate" in face.status(job)


@pytest.mark.parametrize(
    ("low", "high", "text"),
    [
        (40, 70, "40 to 70 s"),
        (9, 9.2, "9 s"),
        (0.7, 4, "1 to 4 s"),
        (90, 180, "1.5 to 3 min"),
    ],
)
def test_ranges_read_well(low: float, high: float, text: str) -> None:
    assert face.range_text(Estimate(low, high, "")) == text


def test_the_remark_of_the_moment_is_shown() -> None:
    assert words(face.status(StillJob(note="no answer for 12 s, still trying"))).endswith("still trying")


def test_a_finished_card_shows_media_cost_time_and_request() -> None:
    job = StillJob(outputs=(Picture(),), metrics={"cost": 0.04}, is_over=True, state=State.COMPLETED)
    assert "<figure>a picture</figure>" in face.final(job)
    assert words(face.final(job)).endswith("done in 12 s · $0.04 · request 7f9c-11")
    assert "<figure>" not in face.final(job, media=False)


def test_a_finished_card_without_a_cost_says_that_none_was_reported() -> None:
    assert "cost not reported" in face.final(StillJob(is_over=True))


def test_an_error_card_answers_three_questions() -> None:
    said = words(face.final(StillJob(error=JobFailed("The prompt was refused.", request_id="7f9c-11"))))
    assert "Was I charged? Nothing was charged." in said
    assert "Is it safe to try again? Trying the same again is safe" in said
    assert "What now? Change what the message names" in said


def test_a_stopped_card_tells_the_truth() -> None:
    job = StillJob()
    job.end_stopped()
    said = words(face.final(job))
    assert "Stopped watching" in said
    assert "The job is billed." in said
    assert "kling.resume(&quot;7f9c-11&quot;)" in said


def test_a_lost_answer_is_not_called_a_failure() -> None:
    said = words(face.final(StillJob(error=SubmitUnknown("The answer was lost."))))
    assert "Nobody knows whether it was accepted" in said
    assert "It may have been charged." in said


@pytest.mark.parametrize("name", ["title", "prompt", "request_id", "note"])
def test_everything_shown_is_escaped(name: str) -> None:
    job = StillJob(**{name: HOSTILE}, error=Stopped(HOSTILE, todo=HOSTILE))
    for markup in (face.head(job), face.status(job), face.final(job)):
        assert "<img" not in markup


def test_a_live_card_is_saved_as_a_line_that_can_be_read_and_a_final_one_too() -> None:
    assert face.final_text(StillJob(state=State.COMPLETED)) == "kling-3-text2image: COMPLETED"
    assert face.final_text(StillJob(error=Stopped("x"))) == "kling-3-text2image: no longer watched"


def test_media_that_vanished_does_not_cost_the_card() -> None:
    class Gone:
        def _repr_mimebundle_(self) -> dict[str, str]:
            raise OSError("fox.png is gone")

    said = words(face.final(StillJob(outputs=(Gone(),), is_over=True)))
    assert "The file can not be shown: fox.png is gone" in said
