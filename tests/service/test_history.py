"""The request history, for what the one-hour record has forgotten."""

from __future__ import annotations

import numpy
import pytest

import kling_nb as kn
from kling_nb import errors
from kling_nb.sandbox import Fault, Sandbox


def test_a_past_request_is_found_by_its_id_after_the_record_is_gone(
    kling: kn.Client, sandbox: Sandbox
) -> None:
    job = kling.submit("kling-3-text2image", prompt="a fox")
    job.result()
    sandbox.clock.advance(7200)
    (row,) = kling.history(job.request_id)
    assert (row.model, row.state, row.cost) == ("kling-3-text2image", kn.State.COMPLETED, 0.035)
    assert row.body == {"prompt": "a fox"}
    assert row.url
    assert row.url.startswith(sandbox.output_url)


def test_a_page_of_history_takes_the_services_filters(kling: kn.Client) -> None:
    for number in range(3):
        kling.run("kling-3-text2image", prompt=f"fox {number}")
    assert len(kling.history(per_page=2)) == 2
    assert kling.history(model_name="text2video") == []


def test_a_history_that_stumbles_is_asked_again_and_one_that_refuses_is_an_error(
    kling: kn.Client, sandbox: Sandbox
) -> None:
    sandbox.script(Fault("history", "html", code=502))
    assert kling.history() == []
    sandbox.script(Fault("history", "status", code=403))
    with pytest.raises(errors.Forbidden):
        kling.history()


def test_what_a_notebook_shows_of_past_requests_and_addresses_holds_no_e_mail(kling: kn.Client) -> None:
    url = kling.upload(numpy.zeros((320, 320, 3), "uint8"))
    kling.run("kling-3-image2image", prompt="make it winter", image_url=url)
    (row,) = kling.history()
    assert "@" in url
    assert row.body is not None
    assert row.body["image_url"] == str(url)
    for shown in (repr(url), repr(row), repr([row])):
        assert "@" not in shown
        assert "***" in shown
