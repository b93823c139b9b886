"""A job costs money: these tests count the POSTs."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import pytest
from helpers import FOX, SLUG, EagerClock, Make

import kling_nb as kn
from kling_nb import errors
from kling_nb.sandbox import Fault, Sandbox


def test_a_lost_answer_is_one_post_and_says_it_may_be_billed(kling: kn.Client, sandbox: Sandbox) -> None:
    sandbox.script(Fault("submit", "drop_after"))
    with pytest.raises(errors.SubmitUnknown, match="may have been charged") as caught:
        kling.submit(SLUG, prompt=FOX)
    assert len(sandbox.posts()) == 1
    assert "Do not submit again" in str(caught.value)
    assert kling.jobs()[0].state is kn.State.UNKNOWN


@pytest.mark.parametrize(
    "fault",
    [
        Fault("submit", "html", code=200),
        Fault("submit", "html", code=502),
        Fault("submit", "empty", code=504),
        Fault("submit", "empty", code=200),
        Fault("submit", "cut", size=10),
        Fault("submit", "drop_before"),
        Fault("submit", "shape", shape="no_request_id"),
    ],
    ids=lambda fault: f"{fault.kind}-{fault.code}",
)
def test_an_answer_that_can_not_be_read_is_never_followed_by_a_second_post(
    kling: kn.Client, sandbox: Sandbox, fault: Fault
) -> None:
    sandbox.script(fault)
    with pytest.raises(errors.SubmitUnknown):
        kling.submit(SLUG, prompt=FOX)
    assert len(sandbox.posts()) == 1


@pytest.mark.parametrize("code", [429, 503])
def test_a_refusal_is_tried_again_until_it_is_taken(client: Make, sandbox: Sandbox, code: int) -> None:
    clock = EagerClock()
    sandbox.script(Fault("submit", "status", code=code, times=2, headers={"Retry-After": "3"}))
    job = client(clock=clock).submit(SLUG, prompt=FOX)
    assert job.request_id
    assert [post.status for post in sandbox.posts()] == [code, code, 200]
    assert clock.slept[:2] == [3.0, 3.0]


def test_a_refusal_that_stays_becomes_its_error_within_two_minutes(client: Make, sandbox: Sandbox) -> None:
    clock = EagerClock()
    sandbox.script(Fault("submit", "status", code=429, times=None))
    with pytest.raises(errors.RateLimited, match="Nothing was charged"):
        client(clock=clock).submit(SLUG, prompt=FOX)
    assert clock.now <= 120


def test_a_service_that_is_not_there_costs_nothing(client: Make, sandbox: Sandbox) -> None:
    sandbox.close()
    clock = EagerClock()
    with pytest.raises(errors.ServiceUnreachable, match="Nothing was charged"):
        client(clock=clock).submit(SLUG, prompt=FOX)


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        (Fault("submit", "status", code=400), errors.BadRequest),
        (Fault("submit", "status", code=401), errors.Unauthorized),
        (Fault("submit", "status", code=403), errors.Forbidden),
        (Fault("submit", "status", code=406), errors.NotAcceptable),
        (Fault("submit", "status", code=410), errors.ModelRetired),
        (Fault("submit", "status", code=422), errors.Unprocessable),
        (Fault("submit", "status", code=500), errors.ServerError),
        (Fault("submit", "redirect"), errors.UnexpectedAnswer),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_a_clear_no_is_one_post_and_its_typed_error(
    kling: kn.Client, sandbox: Sandbox, fault: Fault, kind: type[errors.ServiceError]
) -> None:
    sandbox.script(fault)
    with pytest.raises(kind) as caught:
        kling.submit(SLUG, prompt=FOX)
    assert len(sandbox.posts()) == 1
    assert type(pickle.loads(pickle.dumps(caught.value))) is kind


def test_a_balance_that_does_not_reach_is_told_apart() -> None:
    with (
        Sandbox(balance=0.01) as poor,
        kn.Client(poor.key, base_url=poor.base_url) as kling,
        pytest.raises(errors.InsufficientCredits, match="Top up"),
    ):
        kling.submit(SLUG, prompt=FOX)


def test_a_retired_model_and_an_unknown_one_are_told_apart(kling: kn.Client) -> None:
    with pytest.raises(errors.ModelRetired), pytest.warns(kn.RequestWarning):
        kling.submit("kling-text2image", prompt=FOX)
    with pytest.raises(errors.NotFound):
        kling.submit("no-such-model", prompt=FOX)


@pytest.mark.parametrize(
    ("model", "params"),
    [
        (SLUG, {}),
        (SLUG, {"prompt": ""}),
        (SLUG, {"prompt": FOX, "aspect_ratio": "5:4"}),
        (SLUG, {"prompt": FOX, "aspct_ratio": "1:1"}),
        ("kling-text2video", {"prompt": FOX, "duration": 7}),
        ("kling-3-image2image", {"prompt": FOX, "image_url": "no/such/file.png"}),
        ("kling-3-image2image", {"prompt": FOX, "image_url": b"not a picture"}),
        ("kling-3-image2image", {"prompt": FOX, "image_url": "data:image/png;base64,AAAA"}),
    ],
)
def test_a_wrong_request_is_refused_before_anything_is_sent(
    kling: kn.Client, sandbox: Sandbox, model: str, params: dict[str, Any]
) -> None:
    with pytest.raises(kn.InvalidRequest, match="Nothing was sent"):
        kling.submit(model, **params)
    assert sandbox.seen == []


def test_all_unreadable_pictures_are_named_at_once(kling: kn.Client, sandbox: Sandbox) -> None:
    request = kn.Kling3ProImageToVideo(
        prompt="it moves", start_image_url="gone.png", end_image_url=b"\x89PNG broken"
    )
    with pytest.raises(kn.InvalidRequest) as caught:
        kling.submit(request)
    assert [problem.path for problem in caught.value.problems] == ["start_image_url", "end_image_url"]
    assert sandbox.seen == []


def test_a_failed_job_carries_the_services_words_and_says_it_was_free(kling: kn.Client) -> None:
    job = kling.submit(SLUG, prompt=f"{FOX} [sandbox:fail the model is tired]")
    with pytest.raises(kn.JobFailed, match="the model is tired") as caught:
        job.result()
    assert caught.value.request_id == job.request_id
    assert "Nothing was charged" in str(caught.value)
    assert job.state is kn.State.FAILED


def test_the_cost_of_a_job_is_what_the_service_said(kling: kn.Client, sandbox: Sandbox) -> None:
    before = kling.credits().total
    job = kling.submit(SLUG, prompt=FOX)
    job.result()
    assert job.cost == pytest.approx(0.035)
    assert kling.credits().total == pytest.approx(before - 0.035)


def test_the_synchronous_call_never_repeats_a_lost_answer(kling: kn.Client, sandbox: Sandbox) -> None:
    sandbox.script(Fault("sync", "drop_after"))
    with pytest.raises(kn.SubmitUnknown):
        kling.run_sync(SLUG, prompt=FOX)
    assert len(sandbox.posts()) == 1


@pytest.mark.parametrize("verb", ["run", "run_sync"])
def test_nothing_is_bought_for_a_folder_that_takes_no_media(
    client: Make, sandbox: Sandbox, tmp_path: Path, verb: str
) -> None:
    (tmp_path / "taken").write_text("a file")
    kling = client(media=tmp_path / "taken" / "media")
    with pytest.raises(kn.KlingError, match=r"can not be kept in .*: a file is in the way") as refused:
        getattr(kling, verb)(SLUG, prompt=FOX)
    assert refused.value.charged == "no"
    assert sandbox.posts() == []
    (tmp_path / "taken").unlink()
    assert kling.run(SLUG, prompt=FOX).path.is_file()
