"""Filling a form in again: from jobs, from what they made, and from what others hand over."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import PIL.Image
import pytest
from every import EVERY

import kling_nb as kn
from kling_nb.notebook.form import Form, form
from kling_nb.sandbox import Sandbox

from .conftest import Wire
from .test_card import settled, until
from .test_form import SLUGS

T2I, PRO = "kling-3-text2image", "kling-3-pro-image2video"


@pytest.fixture
def pictures(tmp_path: Path) -> list[Path]:
    made = []
    for name in ("front", "side"):
        made.append(tmp_path / f"{name}.png")
        PIL.Image.new("RGB", (320, 320), "teal").save(made[-1])
    PIL.Image.new("RGB", (320, 320), "gold").save(made[1])
    return made


@pytest.fixture
def made(kling: kn.Client, wire: Wire) -> Form:
    return form(T2I, kling)


def asked(pictures: list[Path], **more: Any) -> kn.Kling3TextToImage:
    element = kn.Element(frontal_image_url=str(pictures[0]), reference_image_urls=[pictures[1]])
    return kn.Kling3TextToImage(prompt="(element1) <b>", resolution="2K", elements=[element], **more)


def said(made: Form) -> str:
    return str(made._desk.status.value)


def test_from_a_job_of_this_session(made: Form, kling: kn.Client, pictures: list[Path]) -> None:
    job = kling.submit(asked(pictures))
    assert made.fill(job) == ()
    assert made.value == job.request
    assert f"Filled in from job {job.request_id}: " in said(made)
    job.result()


def test_from_the_ledger_after_a_restart_files_come_back_as_files(
    client: Callable[..., kn.Client], pictures: list[Path], wire: Wire
) -> None:
    client().run(asked(pictures))
    later = client()
    (job,) = later.jobs()
    made = form(T2I, later)
    assert made.fill(job) == ()
    front, side = map(str, pictures)
    assert made.values["elements"] == [{"frontal_image_url": front, "reference_image_urls": [side]}]
    assert made.values["prompt"] == "(element1) <b>"
    assert f"Front view (from {front})" in said(made)
    assert made.generate().result().size
    settled()


def test_from_a_picture_and_from_its_file_wherever_that_is_now(
    client: Callable[..., kn.Client], pictures: list[Path], tmp_path: Path, wire: Wire
) -> None:
    image = client().run(asked(pictures))
    made = form(T2I, client())
    made.fill(image)
    wanted = made.values
    assert wanted["resolution"] == "2K"
    elsewhere = tmp_path / "renamed.png"
    shutil.copy(image.path, elsewhere)
    for source in (elsewhere, str(elsewhere), kn.Image(elsewhere), image.path):
        made.values = {}
        made.fill(source)
        assert made.values == wanted
    assert "Filled in from " in said(made)


def test_where_no_ledger_knows_a_file_its_own_record_does(
    client: Callable[..., kn.Client], pictures: list[Path], tmp_path: Path, wire: Wire
) -> None:
    image = client().run(asked(pictures))
    made = form(T2I, client(home=tmp_path / "another machine"))
    assert made.fill(image.path) == ()
    front, side = (str(path.resolve()) for path in pictures)
    (element,) = made.values["elements"]
    assert element == {"frontal_image_url": front, "reference_image_urls": [side]}
    record = json.loads(image.path.with_name(f"{image.path.name}.json").read_text())
    assert (record["model"], record["request_id"], record["cost"]) == (T2I, image.job_id, 0.035)
    assert str(tmp_path) not in json.dumps(record)


def test_what_can_not_be_brought_back_is_left_out_and_named(
    client: Callable[..., kn.Client], pictures: list[Path], wire: Wire
) -> None:
    kling = client()
    hosted = kling.upload(pictures[1])  # an address that holds the account's e-mail
    views = [*pictures, hosted]
    kept = kn.Element(frontal_image_url="https://example.com/kept.png")
    element = kn.Element(frontal_image_url=pictures[0].read_bytes(), reference_image_urls=views)
    kling.run(kn.Kling3TextToImage(prompt="(element1) (element2) me@example.com", elements=[element, kept]))
    PIL.Image.new("RGB", (320, 320), "red").save(pictures[0])
    pictures[1].unlink()
    later = client()
    made = form(T2I, later)
    left = {problem.path: problem.message for problem in made.fill(later.jobs()[0])}
    assert set(left) == {
        "elements[0].frontal_image_url",
        "elements[0].reference_image_urls[0]",
        "elements[0].reference_image_urls[1]",
        "elements[0].reference_image_urls[2]",
        "prompt",
    }
    assert "in memory" in left["elements[0].frontal_image_url"]
    assert "has changed since" in left["elements[0].reference_image_urls[0]"]
    assert "is gone" in left["elements[0].reference_image_urls[1]"]
    assert "never written down" in left["elements[0].reference_image_urls[2]"]
    assert made.values["elements"] == [{}, {"frontal_image_url": "https://example.com/kept.png"}]
    assert "Front view of Element 1: it was a picture in memory" in said(made)


@pytest.mark.filterwarnings("ignore::kling_nb.RequestWarning")
@pytest.mark.parametrize("slug", SLUGS)
def test_from_a_request_a_dict_and_a_file_of_json(
    slug: str, kling: kn.Client, wire: Wire, tmp_path: Path
) -> None:
    request, made = kn.models()[slug].request(**EVERY[slug]), form(slug, kling)
    for source in (request, EVERY[slug], {"model": slug, **EVERY[slug]}):
        made.values = {}
        made.fill(source)
        assert made._model(**made.values) == request
    made.presets.save("night")
    (file,) = made.presets.folder.iterdir()
    made.values = {}
    made.fill(file)
    assert made.values == made.presets["night"]


def test_another_models_are_refused_by_name(kling: kn.Client, wire: Wire) -> None:
    made = form("kling-text2video", kling)
    made.values = {"prompt": "mine"}
    job = kling.submit(T2I, prompt="a dog")
    for source in (job.request, job, job.result(), kling.jobs()[0], {"model": T2I}):
        with pytest.raises(
            kn.InvalidRequest, match="is of kling-3-text2image, and this form is for kling-text"
        ):
            made.fill(source)
    assert made.values == {"prompt": "mine"}


def test_what_is_no_source_is_refused(made: Form, pictures: list[Path], tmp_path: Path) -> None:
    bad = {"empty": "", "list": "[]", "deep": "[" * 100_000, "wrong": json.dumps({"model": T2I, "params": 5})}
    for name, text in bad.items():
        (tmp_path / f"{name}.json").write_text(text)
        with pytest.raises(kn.InvalidRequest, match="is no record of a request"):
            made.fill(tmp_path / f"{name}.json")
    with pytest.raises(kn.InvalidRequest, match=r"no job on record has made front\.png"):
        made.fill(pictures[0])
    with pytest.raises(kn.InvalidRequest, match="there is no file"):
        made.fill("nowhere.png")
    with pytest.raises(kn.InvalidRequest, match="can not be filled in from 5"):
        made.fill(5)
    assert made.values == {}


def test_the_balance_stands_beside_the_button_and_follows_the_jobs(made: Form) -> None:
    until(lambda: "Balance $" in said(made))
    before = said(made)
    made.values = {"prompt": "a fox"}
    made.generate().result()
    settled()
    until(lambda: "Balance $" in said(made) and said(made) != before)


def test_an_unknown_balance_is_said(client: Callable[..., kn.Client], wire: Wire) -> None:
    kling = client()
    kling.close()
    made = form(T2I, kling)
    until(lambda: "Balance unknown" in said(made))


def test_fifty_quick_presses_are_one_post(kling: kn.Client, sandbox: Sandbox, wire: Wire) -> None:
    made = form(T2I, kling)
    made.control("prompt").value = "a fox"
    for _ in range(50):
        wire.press(made._desk.button)
    made.jobs[0].result()
    assert len(sandbox.posts()) == len(made.jobs) == 1
    settled()
