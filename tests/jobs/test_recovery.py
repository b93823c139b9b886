"""Nothing paid for is lost."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

import pytest
from helpers import FOX, SLUG, EagerClock, Make

import kling_nb as kn
from kling_nb.keep.ledger import Ledger
from kling_nb.sandbox import Fault, Sandbox


def abandoned(client: Make, prompt: str = FOX) -> str:
    """A job that was submitted and then forgotten by a kernel that went away."""
    kling = client(time_scale=0.001)
    job = kling.submit(SLUG, prompt=prompt)
    kling.close()
    assert job.request_id
    return job.request_id


def test_inside_the_hour_a_forgotten_job_is_collected_by_its_id(client: Make, sandbox: Sandbox) -> None:
    name = abandoned(client)
    found = client().recover()
    assert [(job.request_id, job.state, job.media.prompt) for job in found] == [
        (name, kn.State.COMPLETED, FOX)
    ]
    assert repr(found).startswith("Recovered 1.")
    assert len(sandbox.posts()) == 1


def test_after_the_hour_it_is_collected_from_the_history(client: Make, sandbox: Sandbox) -> None:
    abandoned(client)
    sandbox.join()
    sandbox.clock.advance(4000)
    (job,) = client().recover()
    assert job.media.path.is_file()
    assert job.cost == pytest.approx(0.035)


def test_a_second_recovery_has_nothing_to_do(client: Make) -> None:
    abandoned(client)
    kling = client()
    kling.recover()
    assert repr(kling.recover()) == "Nothing to recover: every paid job is on disk.\nno jobs"


def test_connect_says_that_something_is_waiting(
    client: Make, sandbox: Sandbox, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    abandoned(client)
    kn.connect(api_key=sandbox.key, base_url=sandbox.base_url, home=tmp_path / "home").close()
    assert capsys.readouterr().out.splitlines() == [
        f"Connected to {sandbox.base_url} with your API key: jobs cost money.",
        "1 paid job is not on disk yet: recover() collects them.",
    ]


def test_connect_does_not_call_waiting_what_another_client_watches(
    client: Make, sandbox: Sandbox, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    watching = client(time_scale=0.001)
    watching.submit(SLUG, prompt=FOX)
    options = {"api_key": sandbox.key, "base_url": sandbox.base_url, "home": tmp_path / "home"}
    kn.connect(**options).close()
    assert "not on disk yet" not in capsys.readouterr().out
    watching.close()
    kn.connect(**options).close()
    assert "1 paid job is not on disk yet" in capsys.readouterr().out


def test_a_submit_whose_answer_was_lost_is_found_by_what_was_asked(client: Make, sandbox: Sandbox) -> None:
    kling = client()
    for number in range(3):
        kling.run(SLUG, prompt=f"another {number}")
    sandbox.script(Fault("submit", "drop_after"))
    with pytest.raises(kn.SubmitUnknown):
        kling.submit(SLUG, prompt=FOX)
    kling.close()
    (job,) = client().recover()
    assert (job.media.prompt, job.state) == (FOX, kn.State.COMPLETED)
    assert len(sandbox.posts()) == 4


def test_when_none_fits_it_says_so(client: Make, sandbox: Sandbox) -> None:
    sandbox.script(Fault("submit", "drop_before"))
    kling = client()
    with pytest.raises(kn.SubmitUnknown):
        kling.submit(SLUG, prompt=FOX)
    (job,) = kling.recover()
    assert (job.state, job.media) == (kn.State.UNKNOWN, None)
    assert "shows no trace of it" in str(job.error)
    assert repr(kling.recover()).startswith("Recovered 0 of 1.")


def test_when_several_fit_it_names_them(client: Make, sandbox: Sandbox, tmp_path: Path) -> None:
    sandbox.script(Fault("submit", "drop_after"), Fault("submit", "drop_after"))
    for folder in ("one", "two"):
        with pytest.raises(kn.SubmitUnknown):
            client(home=tmp_path / folder).submit(SLUG, prompt=FOX)
    (job,) = client(home=tmp_path / "one").recover()
    assert job.state is kn.State.UNKNOWN
    assert "2 past requests fit" in str(job.error)
    assert "resume(id)" in str(job.error)


def test_a_job_that_failed_while_nobody_looked_is_recovered_as_a_failure(
    client: Make, sandbox: Sandbox
) -> None:
    abandoned(client, f"{FOX} [sandbox:fail no luck]")
    sandbox.clock.advance(4000)
    (job,) = client().recover()
    assert job.state is kn.State.FAILED
    assert "no luck" in str(job.error)
    assert len(client().recover()) == 0


def test_a_job_submitted_elsewhere_is_resumed_with_nothing_but_its_id(
    client: Make, sandbox: Sandbox, tmp_path: Path
) -> None:
    name = abandoned(client)
    kling = client(home=tmp_path / "another computer")
    image = kling.resume(name).result()
    assert image.size == (1360, 768)
    assert [job.request_id for job in kling.jobs()] == [name]
    assert kling.resume(name).result() == image


def test_recovery_survives_a_service_that_stumbles(client: Make, sandbox: Sandbox) -> None:
    abandoned(client)
    sandbox.script(Fault("status", "html", code=502), Fault("download", "cut", size=2000))
    (job,) = client(clock=EagerClock()).recover()
    assert job.media.path.is_file()


def ledger_of(tmp_path: Path) -> Path:
    return tmp_path / "home" / "ledger.sqlite3"


def spoilt(path: Path) -> bytes:
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(b"this is no database, but it is somebody's file" * 100)
    return path.read_bytes()


def newer(path: Path) -> bytes:
    Ledger(path, lambda: 0.0).rows("", "")
    with sqlite3.connect(path) as database:
        database.execute("PRAGMA user_version = 99")
    database.close()
    return path.read_bytes()


def foreign(path: Path) -> bytes:
    path.parent.mkdir(exist_ok=True)
    with sqlite3.connect(path) as database:
        database.execute("CREATE TABLE recipes (name)")
    database.close()
    return path.read_bytes()


@pytest.mark.parametrize(
    ("spoil", "words"),
    [(spoilt, "file is not a database"), (newer, "newer version"), (foreign, "no record of jobs")],
)
def test_a_ledger_that_can_not_be_used_is_refused_and_never_overwritten(
    client: Make, sandbox: Sandbox, tmp_path: Path, spoil: Any, words: str
) -> None:
    before = spoil(ledger_of(tmp_path))
    with pytest.raises(kn.KlingError, match=words) as caught:
        client().submit(SLUG, prompt=FOX)
    assert "KLING_NB_HOME" in str(caught.value)
    assert ledger_of(tmp_path).read_bytes() == before
    assert sandbox.posts() == []


def test_a_folder_that_can_not_be_made_stops_the_submit(
    client: Make, sandbox: Sandbox, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(kn.KlingError, match="can not be made"):
        client(home=tmp_path / "file" / "home").submit(SLUG, prompt=FOX)
    assert sandbox.posts() == []


def test_one_job_that_does_not_end_keeps_no_other_from_being_recovered(
    client: Make, sandbox: Sandbox
) -> None:
    kling = client(time_scale=0.001)
    kling.submit("mock-inference", sleep=1e9)
    kling.close()
    abandoned(client)
    found = client().recover(timeout=3)
    assert [job.state is kn.State.COMPLETED for job in found] == [False, True]
    assert repr(found).startswith("Recovered 1 of 2. 1 still running: recover() asks again.")


def test_an_id_that_the_service_never_gave_is_not_remembered(client: Make, sandbox: Sandbox) -> None:
    kling = client()
    with pytest.raises(kn.errors.RequestExpired):
        kling.resume("a-slip-of-the-pen").result()
    assert kling.jobs() == []
    assert kling.recover() == []


def test_what_was_bought_is_remembered_also_where_the_service_knows_nothing_of_it(
    client: Make, sandbox: Sandbox
) -> None:
    name = abandoned(client)
    sandbox.script(
        Fault("status", "status", code=404, times=None), Fault("history", "status", code=404, times=None)
    )
    kling = client(clock=EagerClock())
    (job,) = kling.recover()
    assert isinstance(job.error, kn.errors.RequestExpired)
    assert [job.request_id for job in kling.jobs()] == [name]


def test_what_was_deleted_is_fetched_again_for_nothing(client: Make, sandbox: Sandbox) -> None:
    kling = client()
    job = kling.submit(SLUG, prompt=FOX)
    first = job.result()
    first.path.unlink()
    again = kling.resume(job.request_id).result()
    assert again.path == first.path
    assert again.path.is_file()
    assert kling.resume(job.request_id).result() is again
    assert len(sandbox.posts()) == 1


def test_a_list_of_jobs_is_asked_for_in_words_that_exist(kling: kn.Client) -> None:
    with pytest.raises(kn.InvalidRequest, match="'PROCESSNG' is not a state"):
        kling.jobs(state="PROCESSNG")
    with pytest.raises(TypeError, match="modle"):
        kling.jobs(modle="kling-3-text2image")  # type: ignore[call-arg]
    kling.close()
    with pytest.raises(kn.KlingError, match="This client is closed"):
        kling.jobs()
