"""Rows on the workers of an executor: the same batch, other processes."""

from __future__ import annotations

import multiprocessing
import os
import pickle
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import pytest
from helpers import MOCK, SLUG, Make

import kling_nb as kn
from kling_nb.core import Core
from kling_nb.jobs.batch import Batch
from kling_nb.jobs.remote import Outcome, outcome_of
from kling_nb.sandbox import Fault, Sandbox


@contextmanager
def dask() -> Iterator[Executor]:
    """A real local cluster of two worker processes; skipped where it is not installed, except in CI."""
    try:
        import distributed
    except ImportError:
        said = "distributed is not installed"
        pytest.fail(said) if os.environ.get("CI") == "true" else pytest.skip(said)
    size = {"n_workers": 2, "threads_per_worker": 2, "processes": True}
    with (
        distributed.LocalCluster(**size, host="127.0.0.1", dashboard_address=None) as cluster,
        distributed.Client(cluster) as client,
        client.get_executor() as executor,
    ):
        yield executor


@contextmanager
def processes() -> Iterator[Executor]:
    """Two processes that share nothing with this one but what is pickled."""
    with ProcessPoolExecutor(2, multiprocessing.get_context("spawn")) as executor:
        yield executor


@pytest.mark.filterwarnings("ignore")  # what other packages warn of is not ours
@pytest.mark.parametrize("workers", [processes, dask])
def test_rows_run_on_workers_and_are_bought_once(
    client: Make, sandbox: Sandbox, workers: Callable[[], Any]
) -> None:
    kling = client()
    foxes = [{"model": SLUG, "prompt": f"a fox {number // 2}", "aspect_ratio": "1:1"} for number in range(6)]
    wanted = [*foxes, {"model": SLUG, "prompt": "[sandbox:fail tired]"}, {"model": MOCK, "sleep": 1}]
    with workers() as executor:
        rows = Batch(kling._core, wanted, executor=executor, max_active=4)
        images = rows.results(90)
        assert [row.take for row in rows[:6]] == [1, 2] * 3
        assert len({image.path for image in images[:6]}) == 6
        assert all(image.path.is_file() for image in images[:6])
        assert images[6:] == [None, "ok"]
        assert isinstance(rows[6].error, kn.JobFailed)
        assert rows[6].error.detail == "tired"
        assert rows.cost == pytest.approx(6 * 0.035)
        assert all(row.request_id and row.seconds and row.job is None for row in rows)
        assert len(sandbox.posts()) == 8
        again = Batch(kling._core, foxes, executor=executor)
        assert again.results(60) == images[:6]
        assert again.counts == {"made earlier": 6}
    home = Batch(kling._core, foxes)
    assert home.results(20) == images[:6]
    assert len(sandbox.posts()) == 8
    owners = {row.owner for row in kling._core.ledger.rows(*account(kling))}
    assert len(owners) == 2
    assert all(not owner.endswith(f":{os.getpid()}") for owner in owners)


def account(kling: kn.Client) -> tuple[str, str]:
    settings = kling._core.settings
    return settings.account, settings.base_url


def test_workers_that_are_threads_use_the_clients_own_core(kling: kn.Client, sandbox: Sandbox) -> None:
    with ThreadPoolExecutor(3) as executor:
        rows = Batch(kling._core, [{"model": MOCK, "number": n} for n in range(9)], executor=executor)
        assert rows.results(30) == ["ok"] * 9
    assert len(kling._core.jobs) == 9


def test_stopping_leaves_running_workers_to_themselves(kling: kn.Client, sandbox: Sandbox) -> None:
    with ThreadPoolExecutor(1) as executor:
        wanted = [{"model": MOCK, "sleep": 2000, "number": n} for n in range(4)]
        rows = Batch(kling._core, wanted, executor=executor, max_active=2)
        while not sandbox.posts():
            pass
        rows.stop()
        rows.wait(5)
        assert rows.counts == {"stopped": 2, "not submitted": 2}
        assert rows[0].error is not None
        assert rows[0].error.charged == "maybe"
    assert len(sandbox.posts()) == 1


class Inline(Executor):
    """Runs what it is given in the calling thread."""

    def submit(self, work: Any, /, *args: Any, **more: Any) -> Future[Any]:
        done: Future[Any] = Future()
        done.set_result(work(*args, **more))
        return done


class Closed(Executor):
    """Takes no work."""

    def submit(self, work: Any, /, *args: Any, **more: Any) -> Future[Any]:
        raise RuntimeError("cannot schedule new futures after shutdown")


@pytest.mark.parametrize(
    ("executor", "said"), [(Inline(), "in the thread that hands it out"), (Closed(), "after shutdown")]
)
def test_an_executor_that_can_not_work_is_explained(
    kling: kn.Client, sandbox: Sandbox, executor: Executor, said: str
) -> None:
    rows = Batch(kling._core, [{"model": MOCK}] * 2, executor=executor)
    assert rows.results(10) == [None, None]
    assert all(said in row.reason for row in rows)
    assert sandbox.posts() == []


def test_a_lost_worker_is_an_error_that_says_what_is_safe() -> None:
    lost: Future[Outcome] = Future()
    lost.set_exception(RuntimeError("killed"))
    told = outcome_of(lost)
    assert told.error is not None
    assert "RuntimeError: killed" in told.error.what
    assert told.error.charged == "maybe"
    assert "Running the same batch again is safe" in str(told.error)


@pytest.mark.filterwarnings("ignore")
def test_a_worker_that_is_killed_costs_its_row_and_no_second_purchase(client: Make, sandbox: Sandbox) -> None:
    kling = client()
    wanted = [{"model": SLUG, "prompt": "a fox", "aspect_ratio": "1:1"}]
    sandbox.script(Fault("download", "slow", seconds=30))
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as executor:
        rows = Batch(kling._core, wanted, executor=executor)
        while not any(seen.origin == "output" for seen in sandbox.seen):
            pass
        next(iter(executor._processes.values())).kill()
        rows.wait(20)
    assert "The worker of this row gave no answer" in rows[0].reason
    again = Batch(kling._core, wanted)
    assert again.results(20)[0].path.is_file()
    assert len(sandbox.posts()) == 1


def test_all_that_travels_pickles(kling: kn.Client, sandbox: Sandbox) -> None:
    image = kling.run(SLUG, prompt="a fox", aspect_ratio="1:1")
    shots = [kn.Shot(prompt="x", duration=3)]
    things = [
        kn.Kling3StandardTextToVideo(prompt="x", duration=3, multi_prompt=shots),
        kn.Kling3ImageToImage(prompt="x", image_url=image),
        image,
        kling._core.settings,
        Core,
    ]
    for thing in things:
        assert pickle.loads(pickle.dumps(thing)) == thing
    assert sandbox.key not in repr(pickle.loads(pickle.dumps(kling._core.settings)))


def threads() -> Executor:
    """Two threads of this process, which share the client's own core."""
    return ThreadPoolExecutor(2)


@pytest.mark.parametrize("workers", [threads, processes])
def test_a_clients_spend_limit_holds_for_it_and_its_workers_together(
    client: Make, sandbox: Sandbox, workers: Callable[[], Any]
) -> None:
    kling = client(spend_limit=0.08)
    kling.run(SLUG, prompt="a fox, 1")
    with workers() as executor:
        second = Batch(kling._core, [{"model": SLUG, "prompt": "a fox, 2"}], executor=executor)
        second.wait(60)
        third = Batch(kling._core, [{"model": SLUG, "prompt": "a fox, 3"}], executor=executor)
        third.wait(60)
    assert second[0].media is not None
    assert third[0].status == "not submitted"
    assert "$0.07 is spent" in third[0].reason
    assert len(sandbox.posts()) == 2
    with pytest.raises(kn.KlingError, match="exceed the limit"):
        kling.submit(SLUG, prompt="a fox, 4")
