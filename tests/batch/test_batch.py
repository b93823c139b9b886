"""Many jobs at once: order, limits, failures, restarts."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import pytest
from helpers import MOCK, SLUG, Make, until

import kling_nb as kn
from kling_nb import errors
from kling_nb.jobs.batch import Batch, BatchFailed
from kling_nb.jobs.budget import SpendLimit
from kling_nb.jobs.row import NotSubmitted
from kling_nb.jobs.sweep import sweep
from kling_nb.sandbox import Fault, Sandbox


def batch(kling: Any, requests: Any, **options: Any) -> Batch:
    return Batch(kling._core, requests, **options)


def mocks(count: int, **more: Any) -> list[dict[str, Any]]:
    return [{"model": MOCK, "sleep": 1, "number": number, **more} for number in range(count)]


def fox(number: int, **more: Any) -> dict[str, Any]:
    return {"model": SLUG, "prompt": f"a fox in the snow {number}", "aspect_ratio": "1:1", **more}


def test_results_come_in_order_and_a_batch_is_a_sequence_of_rows(kling: kn.Client) -> None:
    rows = batch(kling, [fox(1), fox(2), *mocks(2, sleep=0.1)])
    assert repr(rows) == "<Batch of 4 rows>"
    images = rows.results()
    assert [getattr(each, "prompt", each) for each in images] == [
        f"a fox in the snow {n}" for n in (1, 2)
    ] + ["ok"] * 2
    assert [row.index for row in rows[1:3]] == [1, 2]
    assert rows[0].media == images[0]
    assert rows[0].request == kn.Kling3TextToImage(prompt="a fox in the snow 1", aspect_ratio="1:1")
    assert rows[0].job is not None
    assert rows[0].job.request_id == rows[0].request_id
    assert rows.cost == pytest.approx(0.07)
    assert repr(rows) == "<Batch of 4 rows: 4 done; $0.07>"


def test_twenty_rows_with_two_failures_a_429_and_a_restart_buy_eighteen(
    client: Make, sandbox: Sandbox
) -> None:
    wanted = [fox(number) for number in range(20)]
    wanted[4]["aspect_ratio"] = "5:4"
    wanted[11]["prompt"] += " [sandbox:fail the worker is tired]"
    sandbox.script(Fault("submit", "status", code=429, after=5))
    first = client()
    half = batch(first, wanted, max_active=6)
    until(lambda: sum(row.is_over for row in half) >= 8, 30)
    first.close()
    half.wait(30)
    assert half.counts["not submitted"] > 0
    again = batch(client(), wanted, max_active=6)
    made = again.results(60)
    assert len({image.path for image in made if image}) == 18
    assert [row.index for row in again.errors] == [4, 11]
    assert "'5:4' is not one of the allowed values" in again[4].reason
    assert again[11].reason == f"{SLUG} failed at the service: the worker is tired."
    assert sandbox.balance == pytest.approx(100 - 18 * 0.035)


def test_equal_rows_are_takes_and_the_same_batch_after_a_restart_posts_nothing(
    client: Make, sandbox: Sandbox
) -> None:
    wanted = [fox(1), fox(1, output_format="png"), fox(2), fox(1)]
    first = client()
    rows = batch(first, wanted)
    assert len({image.path for image in rows.results()}) == 4
    assert [row.take for row in rows] == [1, 2, 1, 3]
    assert [row.label for row in rows][1:3] == ["a fox in the snow 1, take 2", "a fox in the snow 2"]
    first.close()
    again = batch(client(), wanted)
    assert again.results() == rows.results()
    assert again.counts == {"made earlier": 4}
    assert again.cost == 0
    assert len(sandbox.posts()) == 4


def test_equal_pictures_in_different_forms_are_takes_too(kling: kn.Client, tmp_path: Any) -> None:
    from PIL import Image

    one, copy, other = (tmp_path / name for name in ("a.png", "b.png", "c.png"))
    Image.new("RGB", (320, 320), "teal").save(one)
    copy.write_bytes(one.read_bytes())
    Image.new("RGB", (320, 320), "gold").save(other)
    given = [one, str(copy), other, one.read_bytes()]
    rows = batch(
        kling, [{"prompt": "it sings", "image_url": each} for each in given], model="kling-3-image2image"
    )
    rows.wait()
    assert [row.take for row in rows] == [1, 2, 1, 3]


def test_rows_that_are_wrong_explain_themselves_and_cost_nothing(kling: kn.Client, sandbox: Sandbox) -> None:
    rows = batch(kling, [fox(1, aspect_ratio="5:4"), {"prompt": "no model"}, 7, fox(2, prmpt="x"), *mocks(1)])
    assert rows.results() == [None, None, None, None, "ok"]
    assert all(isinstance(row.error, kn.InvalidRequest) for row in rows.errors)
    assert "none was named" in rows[1].reason
    assert "7 is not a request" in rows[2].reason
    assert "Did you mean 'prompt'?" in rows[3].reason
    assert len(sandbox.posts()) == 1


@pytest.mark.parametrize(
    "given", ["kling-3-text2image", {"prompt": "x"}, kn.Kling3TextToImage(prompt="x"), None]
)
def test_what_is_no_list_of_requests_is_refused(kling: kn.Client, given: Any) -> None:
    with pytest.raises(kn.InvalidRequest, match="is not a list of requests"):
        batch(kling, given)


@pytest.mark.parametrize("wrong", [{"max_active": 0}, {"stop_after_failures": 1.5}, {"spend_limit": -1}])
def test_numbers_that_make_no_sense_are_refused(kling: kn.Client, wrong: dict[str, Any]) -> None:
    with pytest.raises(kn.InvalidRequest, match="can not be used"):
        batch(kling, [], **wrong)


def test_an_empty_batch_is_over_at_once(kling: kn.Client) -> None:
    rows = batch(kling, [])
    assert rows.results() == []
    assert list(rows.as_completed()) == []


def test_strict_results_raise_what_went_wrong_in_which_row(kling: kn.Client) -> None:
    rows = batch(kling, [*mocks(1), fox(1, aspect_ratio="5:4"), fox(2, prompt="[sandbox:fail tired]")])
    with pytest.raises(BatchFailed, match="2 of 3 rows have no result") as caught:
        rows.results(strict=True)
    assert list(caught.value.rows) == [1, 2]
    assert "[2]" in str(caught.value)
    assert "tired" in str(caught.value)
    assert "for these rows." in str(caught.value)
    assert "\n " not in str(caught.value).split("tired")[1]
    with pytest.raises(BatchFailed, match="1 of 2 rows has no result"):
        batch(kling, [*mocks(1), fox(1, aspect_ratio="5:4")]).results(strict=True)


def test_rows_come_as_they_end(kling: kn.Client) -> None:
    slow, quick = [{"model": MOCK, "sleep": seconds} for seconds in (1500, 1)]
    rows = batch(kling, [slow, quick, fox(1, aspect_ratio="5:4")])
    assert [row.index for row in rows.as_completed()] == [2, 1, 0]
    assert [row.index for row in rows.as_completed()] == [2, 1, 0]


def test_a_loop_over_rows_may_run_out_of_time(kling: kn.Client) -> None:
    rows = batch(kling, [{"model": MOCK, "sleep": 4000}, *mocks(1)])
    assert [row.index for row in rows.as_completed(timeout=0.8)] == [1]
    with pytest.raises(kn.JobTimeout, match=r"after 0 s: 2 rows: 1 done, 1 running"):
        rows.wait(0.01)
    rows.stop()


def test_everything_is_awaited_on_any_loop(sandbox: Sandbox) -> None:
    async def main() -> list[Any]:
        async with kn.AsyncClient(sandbox.key, base_url=sandbox.base_url, time_scale=2000) as kling:
            rows = batch(kling, mocks(5))
            seen = [row.index async for row in rows.as_completed()]
            assert sorted(seen) == [0, 1, 2, 3, 4]
            return await rows

    assert asyncio.run(main()) == ["ok"] * 5


def test_it_is_waited_for_in_a_thread(kling: kn.Client) -> None:
    got: list[Any] = []
    thread = threading.Thread(target=lambda: got.extend(batch(kling, mocks(3)).results()))
    thread.start()
    thread.join(20)
    assert got == ["ok"] * 3


def test_an_interrupt_ends_the_wait_and_not_the_batch(
    kling: kn.Client, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def press(*_: object) -> None:
        raise KeyboardInterrupt

    rows = batch(kling, mocks(4))
    with monkeypatch.context() as patch:
        patch.setattr(kling._core.engine, "waiter", press)
        with pytest.raises(KeyboardInterrupt):
            rows.wait()
    assert "the batch goes on" in capsys.readouterr().err
    assert rows.results() == ["ok"] * 4
    rows.wait()
    assert capsys.readouterr().err == "Batch of 4 rows: 4 done\n"


def test_three_hundred_rows_never_exceed_max_active(kling: kn.Client, sandbox: Sandbox) -> None:
    before = threading.active_count()
    rows = batch(kling, mocks(300), max_active=25)
    assert rows.results(60) == ["ok"] * 300
    assert len(sandbox.posts()) == 300
    assert 20 <= peak(sandbox) <= 25
    assert threading.active_count() <= before + 8


def peak(sandbox: Sandbox) -> int:
    """The most jobs that were submitted and whose result was not fetched yet, as the service saw it."""
    now, most = 0, 0
    fetched: set[str] = set()
    for seen in sandbox.seen:
        if seen.method == "POST":
            now += 1
        elif not seen.path.endswith("/status") and seen.path not in fetched:
            fetched.add(seen.path)
            now -= 1
        most = max(most, now)
    return most


def test_the_default_of_max_active_is_the_clients(client: Make, sandbox: Sandbox) -> None:
    batch(client(max_active=3), mocks(12)).wait(30)
    assert peak(sandbox) <= 3


def test_after_some_failures_nothing_more_is_submitted(kling: kn.Client, sandbox: Sandbox) -> None:
    bad = [fox(number, prompt=f"[sandbox:fail no {number}]") for number in range(2)]
    rows = batch(kling, [*bad, *mocks(5)], stop_after_failures=2, max_active=1)
    rows.wait(30)
    assert rows.counts == {"failed": 2, "not submitted": 5}
    assert rows[6].reason == "Not submitted: 2 rows had failed."
    assert len(sandbox.posts()) == 2


def test_an_error_that_no_row_can_escape_ends_the_submitting(client: Make, sandbox: Sandbox) -> None:
    rows = batch(client(api_key="SG_wrong"), mocks(10), max_active=1)
    rows.wait(30)
    assert isinstance(rows[0].error, errors.Unauthorized)
    assert rows.counts == {"failed": 1, "not submitted": 9}
    assert len(sandbox.posts()) == 1


def test_a_lost_submit_is_a_row_of_unknown_outcome(kling: kn.Client, sandbox: Sandbox) -> None:
    sandbox.script(Fault("submit", "drop_after"))
    rows = batch(kling, mocks(3), max_active=1)
    rows.wait(30)
    assert rows.counts == {"unknown": 1, "done": 2}
    assert len(sandbox.posts()) == 3


def test_stopping_submits_no_more_and_what_runs_can_be_resumed(kling: kn.Client, sandbox: Sandbox) -> None:
    rows = batch(kling, [fox(1), *mocks(5, sleep=9000)], max_active=2)
    until(lambda: len(sandbox.posts()) >= 2 and all(row.request_id for row in rows[:2]))
    rows.stop()
    rows.wait(10)
    assert rows.counts == {"stopped": 2, "not submitted": 4}
    assert isinstance(rows[5].error, NotSubmitted)
    assert rows[5].error.charged == "no"
    assert isinstance(rows[0].error, kn.Stopped)
    assert kling.resume(str(rows[0].request_id)).result().path.is_file()
    assert len(sandbox.posts()) == 2


def test_a_closed_client_starts_no_batch_and_ends_one(client: Make) -> None:
    kling = client()
    rows = batch(kling, mocks(6, sleep=9000), max_active=2)
    until(lambda: rows[1].request_id)
    kling.close()
    rows.wait(10)
    assert rows.counts == {"stopped": 2, "not submitted": 4}
    with pytest.raises(kn.KlingError, match="closed"):
        batch(kling, mocks(1))


def test_a_spend_limit_refuses_before_any_post(kling: kn.Client, sandbox: Sandbox) -> None:
    with pytest.raises(SpendLimit, match=r"3 rows are expected to cost \$0.105, above the limit of \$0.10"):
        batch(kling, [fox(1), fox(2), fox(3)], spend_limit=0.1)
    with pytest.raises(SpendLimit, match="What mock-inference costs is not known"):
        batch(kling, [fox(1), *mocks(1)], spend_limit=5)
    assert sandbox.posts() == []
    assert batch(kling, []).expected_cost == 0
    kept = batch(kling, [fox(1), fox(2, aspect_ratio="5:4")], spend_limit=0.035)
    assert kept.expected_cost == pytest.approx(0.035)
    kept.wait(20)
    assert kept.counts == {"done": 1, "failed": 1}


def test_the_clients_own_limit_holds_too(client: Make, sandbox: Sandbox) -> None:
    with pytest.raises(SpendLimit, match="above the limit of"):
        batch(client(spend_limit=0.05), [fox(1), fox(2)])
    assert sandbox.posts() == []


def test_what_jobs_really_cost_ends_the_submitting(
    kling: kn.Client, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kn.Kling3TextToImage, "average_price", 0.02)
    rows = batch(kling, [fox(number) for number in range(4)], spend_limit=0.08, max_active=1)
    rows.wait(20)
    assert rows.counts == {"done": 2, "not submitted": 2}
    assert "would exceed the spend limit of $0.08; $0.07 is spent" in rows[2].reason
    assert len(sandbox.posts()) == 2


def test_a_dataframe_goes_in_and_out(kling: kn.Client) -> None:
    pd = pytest.importorskip("pandas")
    frame = pd.DataFrame(
        {
            "prompt": ["a fox", "a hare", "an owl"],
            "aspect_ratio": ["1:1", None, "5:4"],
            "negative_prompt": [float("nan"), "blur", float("nan")],
            "model": [SLUG, None, SLUG],
        }
    )
    rows = batch(kling, frame, model="kling-3-text2image")
    assert rows[0].params == {"prompt": "a fox", "aspect_ratio": "1:1"}
    assert rows[1].params == {"prompt": "a hare", "negative_prompt": "blur"}
    rows.wait(20)
    out = rows.to_dataframe()
    facts = ["state", "take", "seconds", "cost", "path", "error", "request_id"]
    assert list(out.columns) == ["model", "prompt", "aspect_ratio", "negative_prompt", *facts]
    assert list(out.state) == ["COMPLETED", "COMPLETED", "FAILED"]
    assert out.path[0] == str(rows[0].media.path)
    assert out.cost.sum() == pytest.approx(0.07)
    assert "aspect_ratio" in out.error[2]


def test_numbers_of_a_dataframe_become_plain_ones(kling: kn.Client) -> None:
    pd = pytest.importorskip("pandas")
    frame = pd.DataFrame({"duration": [3, 5], "cfg_scale": [0.25, float("nan")], "cost": [1, 2]})
    rows = batch(kling, frame[["duration", "cfg_scale"]], model=kn.Kling3StandardTextToVideo(prompt="x"))
    assert [row.params for row in rows] == [
        {"prompt": "x", "duration": "3", "cfg_scale": 0.25},
        {"prompt": "x", "duration": "5"},
    ]
    rows.stop()
    named = batch(kling, frame[["cost"]], model=MOCK)
    assert {type(row.params["cost"]) for row in named} == {int}
    named.wait(20)
    assert list(named.to_dataframe().param_cost) == [1, 2]


def test_a_sweep_is_a_batch_labelled_with_what_differs(kling: kn.Client) -> None:
    request = kn.Kling3StandardTextToVideo(prompt="a fox")
    rows = batch(
        kling,
        sweep(request, aspect_ratio=["9:16", "1:1"], cfg_scale=[0.3, 0.7], generate_audio=[True, False]),
    )
    assert rows[0].label == "9:16, generate_audio on, cfg_scale 0.3"
    assert rows[7].label == "1:1, generate_audio off, cfg_scale 0.7"
    rows.stop()
    rows.wait(20)
