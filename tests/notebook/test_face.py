"""What a card says, as strings."""

from __future__ import annotations

import html
import re
from pathlib import Path
from typing import Any

import pytest

import kling_nb as kn
from kling_nb.errors import DownloadFailed, JobFailed, KlingError, Stopped, SubmitUnknown
from kling_nb.jobs.estimate import Estimate
from kling_nb.jobs.job import Remembered
from kling_nb.notebook import face
from kling_nb.notebook.advice import advice
from kling_nb.states import JobEvent, State

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


def moved(*steps: tuple[State, float], note: str = "") -> tuple[JobEvent, ...]:
    """News of a job; the last one carries the note."""
    last = len(steps) - 1
    return tuple(JobEvent(state, at, note if n == last else "") for n, (state, at) in enumerate(steps))


@pytest.mark.parametrize(
    ("history", "more", "said"),
    [
        ((), {}, ()),
        (moved((State.QUEUED, 0.42)), {}, ("submitted in 0.4 s", "queued 43 s")),
        (
            moved((State.QUEUED, 0.42), (State.PROCESSING, 12.4)),
            {},
            ("submitted in 0.4 s", "queued 12 s", "in the making 31 s"),
        ),
        (
            moved((State.QUEUED, 0.42), (State.PROCESSING, 12.4), (State.COMPLETED, 43.4)),
            {"is_over": True},
            ("submitted in 0.4 s", "queued 12 s", "made and fetched in 31 s"),
        ),
        (  # it was finished at the next question, so nobody saw when the making began
            moved((State.QUEUED, 0.4), (State.PROCESSING, 40.0), note="Finished; fetching the file."),
            {"is_over": True},
            ("submitted in 0.4 s", "queued and made in 43 s"),
        ),
        (moved((State.QUEUED, 30.0)), {"resumed": True}, ()),
        (moved((State.COMPLETED, 30.0)), {"reused": True, "is_over": True}, ()),
    ],
)
def test_each_stage_has_its_time(history: Any, more: dict[str, Any], said: tuple[str, ...]) -> None:
    assert face.stages(StillJob(elapsed=43.4, history=history, **more)) == said


def test_the_status_shows_the_stages_below_the_state() -> None:
    job = StillJob(elapsed=43, history=moved((State.QUEUED, 0.42), (State.PROCESSING, 12)))
    assert words(face.status(job)).endswith("submitted in 0.4 s · queued 12 s · in the making 31 s")


ADVICE = [
    (State.SUBMITTING, 3, 3, None, ""),
    (State.SUBMITTING, 12, 12, None, "Pictures are uploaded"),
    (State.SUBMITTING, 60, 60, None, "repeated only where the service surely did not take it"),
    (State.QUEUED, 5, 6, 70, ""),
    (State.QUEUED, 30, 31, 70, "Waiting for a free machine"),
    (State.QUEUED, 119, 120, 70, "Waiting for a free machine"),
    (State.QUEUED, 120, 121, 70, "Queued for 2 minutes: a cold start is likely."),
    (State.QUEUED, 400, 401, 70, "client.recover()"),
    (State.QUEUED, 901, 902, 70, "that would be a second job"),
    (State.QUEUED, 3001, 3002, 70, "an hour after its submit"),
    (State.PROCESSING, 20, 60, 70, ""),
    (State.PROCESSING, 20, 71, 70, "Longer than usual is no failure"),
    (State.PROCESSING, 20, 141, 70, "Twice the usual time"),
    (State.PROCESSING, 200, 220, 480, "You need not wait here"),
    (State.PROCESSING, 200, 220, None, "You need not wait here"),
    (State.COMPLETED, 900, 900, 70, ""),
    (State.FAILED, 3500, 3500, 70, ""),
]


@pytest.mark.parametrize(("state", "in_state", "elapsed", "usual", "said"), ADVICE)
def test_advice_changes_with_age(
    state: State, in_state: float, elapsed: float, usual: float | None, said: str
) -> None:
    found = advice(state, in_state, elapsed, usual)
    assert said in found
    assert bool(said) == bool(found)


def test_news_goes_before_advice() -> None:
    job = StillJob(state=State.QUEUED, elapsed=130, history=moved((State.QUEUED, 1)))
    assert "a cold start is likely" in words(face.status(job))
    job.note = "No answer (timeout), once; still asking."
    assert "cold start" not in face.status(job)
    assert words(face.status(job)).endswith("still asking.")


def test_a_finished_card_shows_media_cost_time_request_and_file() -> None:
    job = StillJob(outputs=(Picture(),), metrics={"cost": 0.04}, is_over=True, state=State.COMPLETED, take=2)
    assert "<figure>a picture</figure>" in face.final(job)
    facts = "done in 12 s $0.04 · take 2 · request 7f9c-11 saved as kling-media/fox.png"
    assert facts in words(face.final(job))
    assert "<figure>" not in face.final(job, media=False)


def test_a_finished_card_has_its_settings_and_code_folded_away_without_a_script() -> None:
    request = kn.Kling3TextToImage(prompt="a fox </pre><b>", aspect_ratio="3:2")
    markup = face.final(StillJob(request=request, is_over=True))
    assert "<details" in markup
    assert "<summary" in markup
    assert "aspect_ratio</td>" in markup
    assert html.escape('prompt="a fox </pre><b>"', quote=True) in markup
    assert "user-select:all" in markup
    assert "<script" not in markup


def test_a_card_without_buttons_says_in_code_what_can_be_done_with_its_result(kling: kn.Client) -> None:
    job = kling.submit("kling-3-text2image", prompt="a fox")
    image = job.result()
    markup = html.unescape(face.final(job))
    assert 'kling.run(request, take="new")' in markup
    (path,) = re.findall(r'kn\.Image\("([^"]+)"\)', markup)
    assert kn.Image(path) == image
    job.error = kn.Stopped("no longer watched")
    assert "kn.Image(" not in html.unescape(face.final(job))


def test_what_the_ledger_remembers_has_code_too_and_names_its_gaps() -> None:
    digest = "https://content.invalid/sha256/0123456789abcdef"
    given = {"prompt": "it turns", "start_image_url": digest, "duration": "5"}
    known = Remembered("kling-3-pro-image2video", given=given)
    code = face.request_code(known)
    assert "kling.submit" in code
    assert "content.invalid" not in code
    assert "picture_1 stands for" in code
    compile(code, "code", "exec")
    assert "picture 01234567" in words(face.final(StillJob(request=known, is_over=True)))
    assert face.request_code(Remembered()) == ""


def test_code_that_would_bloat_the_notebook_is_left_out() -> None:
    long = Remembered("some-model", given={"text": "word " * 5000})
    assert face.request_code(long) == ""
    assert len(face.final(StillJob(request=long, is_over=True))) < 4000


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (True, "on"),
        ([{"prompt": "a", "duration": "3"}, {"prompt": "b"}], "prompt: a, duration: 3; prompt: b"),
        (Path("in/fox.png"), "fox.png"),
        (5, "5"),
        (b"1234", "<4 bytes of data>"),
    ],
)
def test_settings_in_words(value: Any, text: str) -> None:
    assert face.value_text(value) == text


def test_what_was_made_earlier_says_that_nothing_was_bought() -> None:
    assert "made earlier in 12 s, nothing was bought now" in words(
        face.final(StillJob(is_over=True, reused=True))
    )


def test_a_finished_card_without_a_cost_says_that_none_was_reported() -> None:
    assert "cost not reported" in face.final(StillJob(is_over=True))


def test_an_error_card_answers_three_questions() -> None:
    said = words(face.final(StillJob(error=JobFailed("The prompt was refused.", request_id="7f9c-11"))))
    assert "Was I charged? Nothing was charged." in said
    assert "Is it safe to try again? Trying the same again is safe" in said
    assert "What do I change? Change what the message names" in said


def test_a_stopped_card_tells_the_truth() -> None:
    job = StillJob()
    job.end_stopped()
    said = words(face.final(job))
    assert "Stopped watching" in said
    assert "The job is billed." in said
    assert "kling.resume(&quot;7f9c-11&quot;)" in said


@pytest.mark.parametrize(
    "error", [KlingError("It broke."), KlingError("It broke.", charged="yes"), DownloadFailed("Cut.")]
)
def test_every_error_card_has_all_three_answers(error: KlingError) -> None:
    said = words(face.final(StillJob(error=error, is_over=True)))
    for question in ("Was I charged?", "Is it safe to try again?", "What do I change?"):
        assert re.search(re.escape(question) + r" [A-Z]", said), said


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
        path = Path("kling-media/fox.png")

        def _repr_mimebundle_(self) -> dict[str, str]:
            raise OSError("fox.png is gone")

    said = words(face.final(StillJob(outputs=(Gone(),), is_over=True)))
    assert "The file can not be shown: fox.png is gone" in said
