"""Waiting survives what a long night brings."""

from __future__ import annotations

import asyncio
import threading
import time
from pathlib import Path
from typing import Any

import httpx
import pytest
from helpers import FOX, SLUG, EagerClock, Make, until

import kling_nb as kn
from kling_nb import errors
from kling_nb.sandbox import Fault, Sandbox


@pytest.mark.parametrize(
    "fault",
    [
        Fault("status", "status", code=500),
        Fault("status", "html", code=502),
        Fault("status", "html", code=200),
        Fault("status", "empty", code=504),
        Fault("status", "empty", code=200),
        Fault("status", "status", code=429, headers={"Retry-After": "2"}),
        Fault("status", "drop_before"),
        Fault("status", "cut", size=5),
        Fault("status", "expire"),
        Fault("status", "shape", shape="unknown_status"),
        Fault("result", "html", code=502),
        Fault("result", "drop_after"),
        Fault("result", "shape", shape="unknown_status"),
        Fault("download", "status", code=503),
        Fault("download", "cut", size=3000),
        Fault("download", "drop_before"),
        Fault("download", "truncated", size=3000),
    ],
    ids=lambda fault: f"{fault.on}-{fault.kind}-{fault.code or fault.shape}",
)
def test_one_passing_fault_never_ends_a_wait(client: Make, sandbox: Sandbox, fault: Fault) -> None:
    sandbox.script(fault)
    image = client(clock=EagerClock()).run(SLUG, prompt=FOX)
    assert image.size == (1360, 768)
    assert len(sandbox.posts()) == 1


@pytest.mark.parametrize(
    "shape",
    [
        "no_output",
        "output_object",
        "output_list",
        "output_json",
        "top_url",
        "only_inference_time",
        "lower_case",
        "no_metrics",
        "bare",
    ],
)
def test_every_shape_of_a_result_is_understood(kling: kn.Client, sandbox: Sandbox, shape: str) -> None:
    sandbox.script(Fault("result", "shape", shape=shape))
    assert kling.run(SLUG, prompt=FOX).format == "png"


def test_finished_without_a_file_is_an_error_that_keeps_the_body(kling: kn.Client, sandbox: Sandbox) -> None:
    sandbox.script(Fault("result", "shape", shape="no_url"))
    with pytest.raises(errors.UnexpectedAnswer, match="names no file") as caught:
        kling.run(SLUG, prompt=FOX)
    assert caught.value.body["status"] == "COMPLETED"


@pytest.mark.parametrize("place", ["status", "result"])
def test_a_body_that_says_failed_is_a_failure_whatever_its_code(
    kling: kn.Client, sandbox: Sandbox, place: Any
) -> None:
    sandbox.script(Fault(place, "shape", shape="failed_200"))
    with pytest.raises(kn.JobFailed, match="The worker stopped"):
        kling.run(SLUG, prompt=FOX)


def test_a_terminal_word_of_another_service_ends_the_wait(kling: kn.Client, sandbox: Sandbox) -> None:
    sandbox.script(Fault("status", "shape", shape="cancelled"))
    with pytest.raises(kn.JobFailed):
        kling.run(SLUG, prompt=FOX)


def test_a_wait_that_runs_out_leaves_a_job_that_can_be_waited_for_again(
    client: Make, sandbox: Sandbox
) -> None:
    kling = client()
    sandbox.script(Fault("status", "slow", seconds=0.4, times=1))
    job = kling.submit(SLUG, prompt=FOX)
    with pytest.raises(kn.JobTimeout, match="the job goes on") as caught:
        job.result(timeout=0.05)
    assert caught.value.request_id == job.request_id
    assert isinstance(caught.value, TimeoutError)
    assert job.result().size == (1360, 768)


def test_the_default_limits_are_those_of_the_pages(kling: kn.Client) -> None:
    assert kn.Kling3TextToImage.timeout == 600
    assert kn.Kling3StandardTextToVideo.timeout == 900


def test_stop_ends_the_watch_tells_the_truth_and_resume_brings_the_job_back(
    client: Make, sandbox: Sandbox, tmp_path: Path
) -> None:
    kling = client(time_scale=1.0)
    job = kling.submit(SLUG, prompt=FOX)
    job.stop()
    with pytest.raises(kn.Stopped, match="goes on at the service") as caught:
        job.result()
    assert f'client.resume("{job.request_id}")' in str(caught.value)
    assert "billed" in str(caught.value)
    again = client(home=tmp_path / "elsewhere").resume(job.request_id or "")
    assert again.result().size == (1360, 768)
    assert len(sandbox.posts()) == 1


def test_resuming_a_watched_job_gives_the_same_handle(kling: kn.Client) -> None:
    job = kling.submit(SLUG, prompt=FOX)
    assert kling.resume(job.request_id or "") is job


def test_an_unknown_or_forgotten_id_says_so(kling: kn.Client) -> None:
    with pytest.raises(errors.RequestExpired, match="not found"):
        kling.resume("7d1d7b1e-0000-4000-8000-000000000000").result()


@pytest.mark.parametrize("name", ["", "../secrets", "a b", "x" * 300, None])
def test_what_is_no_id_is_refused_here(kling: kn.Client, sandbox: Sandbox, name: Any) -> None:
    with pytest.raises(kn.InvalidRequest, match="is not the id of a request"):
        kling.resume(name)
    assert sandbox.seen == []


def test_events_tell_each_change_once_and_end_with_the_job(kling: kn.Client) -> None:
    job = kling.submit(SLUG, prompt=FOX)
    told = [(event.state, event.is_last) for event in job.events() if not event.note]
    assert [str(state) for state, _ in told] == ["QUEUED", "PROCESSING", "COMPLETED"]
    assert [last for _, last in told] == [False, False, True]
    assert list(job.events()) == list(job.events())


def test_leaving_the_loop_over_events_harms_nothing(kling: kn.Client) -> None:
    job = kling.submit(SLUG, prompt=FOX)
    for _ in job.events():
        break
    assert job.result().path.is_file()


def test_status_asks_now(kling: kn.Client, sandbox: Sandbox) -> None:
    job = kling.submit(SLUG, prompt=FOX)
    assert job.status() in kn.State
    job.result()
    assert job.status() is kn.State.COMPLETED


def test_awaiting_works_on_any_loop_and_with_many_at_once(kling: kn.Client) -> None:
    async def main() -> list[Any]:
        jobs = [kling.submit(SLUG, prompt=f"{FOX} {number}") for number in range(3)]
        return await asyncio.gather(*jobs)

    assert len({image.path for image in asyncio.run(main())}) == 3


def test_a_cancelled_await_leaves_the_job_alone(kling: kn.Client, capsys: pytest.CaptureFixture[str]) -> None:
    async def main() -> kn.Job:
        job = kling.submit(SLUG, prompt=FOX)
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(job, 0.01)
        return job

    job = asyncio.run(main())
    assert "the job goes on" in capsys.readouterr().err
    assert job.result().path.is_file()


def test_the_async_client_has_the_same_verbs(sandbox: Sandbox, tmp_path: Any) -> None:
    async def main() -> tuple[Any, float]:
        async with kn.AsyncClient(
            sandbox.key, base_url=sandbox.base_url, time_scale=2000, media=tmp_path
        ) as kling:
            job = await kling.submit(SLUG, prompt=FOX)
            states = [event.state async for event in job.events()]
            assert states[-1] is kn.State.COMPLETED
            return await kling.run(SLUG, prompt="another"), (await kling.credits()).total

    image, balance = asyncio.run(main())
    assert image.path.is_file()
    assert balance == pytest.approx(100 - 0.07)


def test_a_worker_thread_may_wait(kling: kn.Client) -> None:
    found: list[Any] = []
    thread = threading.Thread(target=lambda: found.append(kling.run(SLUG, prompt=FOX)))
    thread.start()
    thread.join(20)
    assert found[0].path.is_file()


def test_a_listener_that_waits_for_its_own_job_is_told_not_to(kling: kn.Client) -> None:
    said: list[str] = []

    def listen(event: kn.JobEvent) -> None:
        try:
            job.result()
        except kn.KlingError as error:
            said.append(str(error))

    job = kling.submit(SLUG, prompt=FOX)
    job.add_listener(listen)
    job.result()
    assert until(lambda: said)
    assert "Use await there" in said[0]


def test_scripts_get_one_line_per_state(kling: kn.Client, capsys: pytest.CaptureFixture[str]) -> None:
    kling.run(SLUG, prompt=FOX)
    assert capsys.readouterr().err.splitlines() == [
        "kling-3-text2image: QUEUED",
        "kling-3-text2image: PROCESSING",
        "kling-3-text2image: COMPLETED",
    ]


def test_a_clients_end_leaves_no_thread_or_socket_of_its_own(sandbox: Sandbox, tmp_path: Any) -> None:
    def run() -> None:
        with kn.Client(sandbox.key, base_url=sandbox.base_url, time_scale=2000, media=tmp_path) as kling:
            kling.run(SLUG, prompt=FOX)

    run()
    before = set(threading.enumerate())
    run()
    assert set(threading.enumerate()) - before == set()


def test_a_closed_client_says_so(kling: kn.Client) -> None:
    kling.close()
    kling.close()
    with pytest.raises(kn.KlingError, match="closed"):
        kling.submit(SLUG, prompt=FOX)


def test_a_model_we_do_not_describe_goes_through_and_may_answer_with_a_value(kling: kn.Client) -> None:
    answer = kling.run("kling-create-voice", voice_url="https://example.com/me.wav")
    assert answer["voice_id"]


def test_a_foreign_transport_can_be_put_in(tmp_path: Any) -> None:
    seen: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(200, json={"credits": 3.0, "free-credits": 0.5})

    with kn.Client("k-1", transport=httpx.MockTransport(answer), media=tmp_path) as kling:
        assert kling.credits().total == 3.5
    assert seen[0].url == "https://api.segmind.com/v1/get-user-credits"
    assert seen[0].headers["x-api-key"] == "k-1"


def test_each_line_is_said_once_whoever_waits_first(
    kling: kn.Client, capsys: pytest.CaptureFixture[str]
) -> None:
    job = kling.submit(SLUG, prompt=FOX)
    until(lambda: job.is_over)
    job.wait()
    job.result()
    assert capsys.readouterr().err.splitlines() == [
        f"{SLUG}: {s}" for s in ("QUEUED", "PROCESSING", "COMPLETED")
    ]
    assert kling.run(SLUG, prompt=FOX) == job.media
    assert capsys.readouterr().err.splitlines() == [
        f'{SLUG}: COMPLETED (made earlier; take="new" buys another)'
    ]
    kling.jobs()[0].result()
    assert capsys.readouterr().err == ""


def test_a_job_that_ran_between_two_questions_was_in_the_making_all_the_same(kling: kn.Client) -> None:
    events = list(kling.submit(SLUG, prompt=FOX).events())
    assert [event.note for event in events if event.state is kn.State.PROCESSING] == [
        "",
        "Finished at the service; fetching the file.",
    ]


def test_a_long_pause_is_told_by_every_job_it_holds_up_and_holds_up_no_close(
    client: Make, sandbox: Sandbox
) -> None:
    kling = client()
    held = kling.submit("mock-inference", sleep=1e9)
    sandbox.script(Fault("submit", "status", code=429, headers={"Retry-After": "30"}, times=None))
    notes: list[str] = []
    held.add_listener(lambda event: notes.append(event.note))
    refused = kling._begin(SLUG, prompt=FOX)
    refused.add_listener(lambda event: notes.append(event.note))
    until(lambda: notes.count("The service asked for a pause of 30 s.") >= 2)
    began = time.monotonic()
    kling.close()
    assert time.monotonic() - began < 5
    assert isinstance(refused.error, errors.RateLimited)
    assert [row.state for row in client().jobs(model=SLUG)] == [kn.State.FAILED]
