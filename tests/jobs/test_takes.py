"""The same request is one purchase per take."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from helpers import FOX, SLUG, EagerClock, Make, at_once, until
from PIL import Image

import kling_nb as kn
from kling_nb import errors
from kling_nb.jobs.budget import SpendLimit
from kling_nb.sandbox import Fault, Sandbox


def test_the_same_request_again_shows_the_finished_media(kling: kn.Client, sandbox: Sandbox) -> None:
    first = kling.run(SLUG, prompt=FOX)
    job = kling.submit(SLUG, prompt=FOX)
    assert job.result() == first
    assert job.reused
    assert "made earlier" in job.note
    assert len(sandbox.posts()) == 1


def test_it_holds_across_a_restart(client: Make, sandbox: Sandbox) -> None:
    first = client()
    image = first.run(SLUG, prompt=FOX)
    first.close()
    assert client().run(SLUG, prompt=FOX) == image
    assert len(sandbox.posts()) == 1


def test_a_live_job_is_joined(client: Make, sandbox: Sandbox) -> None:
    one, other = client(), client()
    jobs = [kling.submit(SLUG, prompt=FOX) for kling in (one, other, one)]
    assert len({job.request_id for job in jobs}) == 1
    assert len({job.result().path for job in jobs}) == 1
    assert len(sandbox.posts()) == 1


def test_another_take_buys_another(kling: kn.Client, sandbox: Sandbox) -> None:
    takes = [kling.submit(SLUG, take=take, prompt=FOX).take for take in (1, 2, "new", "new", 2)]
    assert takes == [1, 2, 3, 4, 2]
    assert len(sandbox.posts()) == 4


@pytest.mark.parametrize("take", [0, -1, "2", True, None, 1.5])
def test_what_is_no_take_is_refused(kling: kn.Client, sandbox: Sandbox, take: Any) -> None:
    with pytest.raises(kn.InvalidRequest, match="is not a take"):
        kling.submit(SLUG, take=take, prompt=FOX)
    assert sandbox.posts() == []


def test_a_default_written_out_asks_for_the_same(kling: kn.Client, sandbox: Sandbox) -> None:
    kling.run(SLUG, prompt=FOX)
    kling.run(SLUG, prompt=FOX, aspect_ratio="16:9", output_format="png")
    assert len(sandbox.posts()) == 1
    kling.run(SLUG, prompt=FOX, aspect_ratio="1:1")
    assert len(sandbox.posts()) == 2


def test_a_picture_counts_by_its_content(kling: kn.Client, sandbox: Sandbox, tmp_path: Path) -> None:
    path, copy = tmp_path / "a.png", tmp_path / "b.png"
    Image.new("RGB", (320, 320), "teal").save(path)
    copy.write_bytes(path.read_bytes())
    for given in (path, str(copy), path.read_bytes(), kn.Image(copy)):
        kling.run("kling-3-image2image", prompt=FOX, image_url=given)
    assert len(sandbox.posts()) == 1
    Image.new("RGB", (320, 320), "gold").save(path)
    kling.run("kling-3-image2image", prompt=FOX, image_url=path)
    assert len(sandbox.posts()) == 2


def test_after_a_failure_the_take_is_free_again(kling: kn.Client, sandbox: Sandbox) -> None:
    sandbox.script(Fault("submit", "fail", detail="tired"))
    with pytest.raises(kn.JobFailed):
        kling.run(SLUG, prompt=FOX)
    assert kling.run(SLUG, prompt=FOX).path.is_file()
    assert len(sandbox.posts()) == 2


def test_after_a_refusal_the_take_is_free_again(kling: kn.Client, sandbox: Sandbox) -> None:
    sandbox.script(Fault("submit", "status", code=400))
    with pytest.raises(errors.BadRequest):
        kling.run(SLUG, prompt=FOX)
    assert kling.run(SLUG, prompt=FOX).path.is_file()


def test_media_that_was_deleted_is_fetched_again_and_not_bought_again(
    kling: kn.Client, sandbox: Sandbox
) -> None:
    image = kling.run(SLUG, prompt=FOX)
    image.path.unlink()
    assert kling.run(SLUG, prompt=FOX).path.is_file()
    sandbox.clock.advance(4000)
    image.path.unlink()
    assert kling.run(SLUG, prompt=FOX).path.is_file()
    assert len(sandbox.posts()) == 1


def test_without_reuse_every_submit_buys(client: Make, sandbox: Sandbox) -> None:
    kling = client(reuse=False)
    assert kling.run(SLUG, prompt=FOX) != kling.run(SLUG, prompt=FOX)
    assert len(sandbox.posts()) == 2


def test_another_account_buys_for_itself(client: Make, sandbox: Sandbox) -> None:
    client().run(SLUG, prompt=FOX)
    with pytest.raises(errors.Unauthorized):
        client(api_key="SG_another").run(SLUG, prompt=FOX)
    assert len(sandbox.posts()) == 2


def test_many_at_once_make_one_post(sandbox: Sandbox, tmp_path: Path) -> None:
    async def main() -> set[str]:
        async with kn.AsyncClient(sandbox.key, base_url=sandbox.base_url, time_scale=2000) as kling:
            images = await asyncio.gather(*(kling.run(SLUG, prompt=FOX) for _ in range(10)))
            return {str(image.path) for image in images}

    assert len(asyncio.run(main())) == 1
    assert len(sandbox.posts()) == 1


def test_two_processes_at_the_same_moment_make_one_post(sandbox: Sandbox) -> None:
    code = (
        "import sys, kling_nb as kn\n"
        "kling = kn.Client(sys.argv[1], base_url=sys.argv[2], time_scale=2000)\n"
        "print('ready', flush=True); sys.stdin.readline()\n"
        f"job = kling.submit({SLUG!r}, prompt={FOX!r}); job.result(); print(job.request_id)\n"
    )
    assert len(set(at_once(3, code, sandbox.key, sandbox.base_url))) == 1
    assert len(sandbox.posts()) == 1


def test_a_lost_submit_is_found_in_the_history_and_not_sent_again(client: Make, sandbox: Sandbox) -> None:
    sandbox.script(Fault("submit", "drop_after"))
    kling = client()
    with pytest.raises(kn.SubmitUnknown):
        kling.run(SLUG, prompt=FOX)
    assert kling.run(SLUG, prompt=FOX).path.is_file()
    assert len(sandbox.posts()) == 1


def test_a_lost_submit_that_left_no_trace_is_not_sent_again_by_itself(client: Make, sandbox: Sandbox) -> None:
    sandbox.script(Fault("submit", "drop_before"))
    kling = client()
    for _ in range(2):
        with pytest.raises(kn.SubmitUnknown):
            kling.run(SLUG, prompt=FOX)
    assert len(sandbox.posts()) == 1
    assert kling.run(SLUG, take="new", prompt=FOX).path.is_file()


def test_a_spend_limit_refuses_before_any_post(client: Make, sandbox: Sandbox) -> None:
    kling = client(spend_limit=0.1)
    for number in range(2):
        kling.run(SLUG, prompt=f"{FOX} {number}")
    with pytest.raises(SpendLimit, match=r"limit of \$0.10: \$0.07 is spent"):
        kling.submit(SLUG, prompt=FOX)
    assert len(sandbox.posts()) == 2
    with pytest.raises(SpendLimit, match="is not known"):
        kling.submit("kling-create-voice", voice_url="https://example.com/a.wav")


def test_what_was_reused_costs_nothing_of_the_limit(client: Make) -> None:
    kling = client(spend_limit=0.08)
    for _ in range(5):
        kling.run(SLUG, prompt=FOX)


def test_jobs_lists_the_ledger_newest_first_with_filters(client: Make, sandbox: Sandbox) -> None:
    kling = client()
    kling.run(SLUG, prompt=FOX)
    with pytest.raises(kn.JobFailed):
        kling.run(SLUG, prompt=f"{FOX} [sandbox:fail no]")
    kling.run("kling-3-image2image", prompt="50% <b>off</b>", image_url="https://example.com/a.png")
    kling.close()
    again = client()
    assert [job.model for job in again.jobs()] == ["kling-3-image2image", SLUG, SLUG]
    assert [str(job.state) for job in again.jobs(model=SLUG)] == ["FAILED", "COMPLETED"]
    assert len(again.jobs(state="completed")) == 2
    assert [job.model for job in again.jobs(text="50%")] == ["kling-3-image2image"]
    assert again.jobs(model=kn.Kling3TextToImage, state="COMPLETED")[0].result().path.is_file()
    assert again.jobs(limit=1)[0].cost == pytest.approx(0.035)
    assert "&lt;b&gt;off" in again.jobs()._repr_html_()
    assert "<b>off" not in again.jobs()._repr_html_()
    assert len(repr(again.jobs()).splitlines()) == 4
    assert len(sandbox.posts()) == 3


def test_the_ledger_holds_neither_key_nor_account(client: Make, sandbox: Sandbox, tmp_path: Path) -> None:
    picture = tmp_path / "a.png"
    Image.new("RGB", (320, 320), "teal").save(picture)
    kling = client()
    kling.run("kling-3-image2image", prompt=f"{FOX} {sandbox.key}", image_url=picture)
    kling.close()
    stored = b"".join(path.read_bytes() for path in (tmp_path / "home").rglob("*"))
    assert sandbox.key.encode() not in stored
    assert b"artist@example.com" not in stored
    assert b"fox in the snow" in stored


def test_what_a_row_says_follows_the_job(client: Make, tmp_path: Path) -> None:
    kling = client(clock=None)
    job = kling.submit(SLUG, prompt=FOX)
    image = job.result()
    ledger = kling._core.ledger
    (row,) = ledger.rows(kling._core.settings.account, kling._core.settings.base_url)
    assert (row.request_id, row.state, row.take) == (job.request_id, kn.State.COMPLETED, 1)
    assert row.cost == pytest.approx(0.035)
    assert row.metrics["inference_time"] > 0
    assert row.outputs[0]["path"] == str(image.path)
    assert len(row.outputs[0]["sha256"]) == 64
    states = [str(state) for _, state, _ in ledger.changes(row.id)]
    assert states[0] == "SUBMITTING"
    assert states[-1] == "COMPLETED"
    assert json.loads(json.dumps(row.params)) == {"prompt": FOX}


def test_a_job_stopped_while_it_is_sent_is_let_through_and_can_be_resumed(
    client: Make, sandbox: Sandbox
) -> None:
    sandbox.script(Fault("submit", "slow", seconds=0.3))
    kling = client()
    job = kling._begin(SLUG, prompt=FOX)
    until(lambda: sandbox.seen)
    job.stop()
    with pytest.raises(kn.Stopped):
        job.result()
    assert job.request_id
    assert kling.resume(job.request_id).result().path.is_file()


def test_closing_lets_a_submit_on_its_way_through(client: Make, sandbox: Sandbox) -> None:
    sandbox.script(Fault("submit", "slow", seconds=0.3))
    kling = client()
    job = kling._begin(SLUG, prompt=FOX)
    until(lambda: sandbox.seen)
    kling.close()
    assert job.request_id
    (image,) = [found.media for found in client(clock=EagerClock()).recover()]
    assert image.path.is_file()
    assert len(sandbox.posts()) == 1
