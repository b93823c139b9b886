"""What can be done with what came of a form: buttons while the kernel lives, plain HTML afterwards."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from helpers import until

import kling_nb as kn
from kling_nb.notebook import board, desk, face, form
from kling_nb.notebook.form import Form
from kling_nb.sandbox import Sandbox

from .conftest import Wire
from .results import done, leave, offered, opening, press, results, settled

IMAGES, CHANGES = "kling-3-text2image", "kling-3-image2image"
ANIMATE = "kling-3-pro-image2video"
Opened = Callable[[str], Form]


@pytest.fixture
def opened(kling: kn.Client, wire: Wire) -> Iterator[Opened]:
    """Opens forms and closes them, once what they show has settled."""
    with opening(lambda slug: kn.form(slug, kling)) as open_one:
        yield open_one


def make(shown: Form, **values: Any) -> Any:
    """Generate something and wait for it."""
    shown.values = {"prompt": "a fox", **values}
    job = shown.generate()
    done(shown)
    return job


@pytest.fixture
def image(kling: kn.Client) -> kn.Image:
    """A picture that was made earlier."""
    made = kling.run(IMAGES, prompt="a fox")
    assert isinstance(made, kn.Image)
    return made


def said(shown: Form) -> str:
    """What stands beside the button."""
    return str(shown._desk.status.value)


def test_a_result_has_buttons_that_fit_its_model(opened: Opened, image: kn.Image) -> None:
    pictures, clips = opened(IMAGES), opened(ANIMATE)
    make(pictures)
    assert offered(pictures) == ["Another take", "Fill the form from this"]
    make(clips, start_image_url=image, duration="3")
    assert offered(clips) == ["Another take", "Use as input", "Fill the form from this"]
    make(pictures, prompt="[sandbox:failed] a fox")
    assert offered(pictures) == ["Fill the form from this"]


def test_another_take_buys_once_however_often_it_is_pressed(
    opened: Opened, wire: Wire, sandbox: Sandbox
) -> None:
    shown = opened(IMAGES)
    make(shown)
    shown.control("prompt").value = "a hare"
    for _ in range(50):
        press(wire, shown, "Another take")
    assert "wait a moment" in said(shown)
    done(shown)
    assert len(sandbox.posts()) == 2
    assert [(job.take, job.prompt) for job in shown.jobs] == [(2, "a fox"), (1, "a fox")]
    assert "take 2" in results(shown)[0]
    # It is not what is filled in that was bought, so nothing keeps it from being bought at once.
    assert shown._desk.button.description == "Generate"


def test_a_later_press_is_one_more_take_but_not_while_one_is_being_submitted(
    opened: Opened, wire: Wire, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(desk, "QUIET", 0.0)
    shown = opened(IMAGES)
    job = make(shown)
    shown._desk._sending = job
    press(wire, shown, "Another take")
    assert "wait a moment" in said(shown)
    shown._desk._sending = None
    for takes in (2, 3):
        press(wire, shown, "Another take")
        done(shown)
        assert [each.take for each in shown.jobs] == list(range(takes, 0, -1))
    assert len(sandbox.posts()) == 3


def test_a_result_becomes_the_input_of_the_same_form(opened: Opened, wire: Wire, image: kn.Image) -> None:
    shown = opened(ANIMATE)
    clip = make(shown, start_image_url=image, duration="3").media
    press(wire, shown, "Use as input")
    assert shown.values["end_image_url"] == clip.last_frame()
    assert f"The last frame of {clip.path.name} is now the end image" in said(shown)
    changes = opened(CHANGES)
    changed = make(changes, image_url=image).media
    changes.values = {"prompt": "in the rain"}
    press(wire, changes, "Use as input")
    assert changes.values == {"prompt": "in the rain", "image_url": changed}


def test_a_press_that_goes_wrong_is_said(opened: Opened, wire: Wire, image: kn.Image) -> None:
    shown = opened(ANIMATE)
    make(shown, start_image_url=image, duration="3").media.path.unlink()
    press(wire, shown, "Use as input")
    assert 'role="alert"' in said(shown)


def test_what_was_stopped_is_watched_again_and_what_was_asked_comes_back(
    opened: Opened, wire: Wire, sandbox: Sandbox
) -> None:
    shown = opened(IMAGES)
    shown.values = {"prompt": "[sandbox:stuck] a fox"}
    stopped = shown.generate()
    until(lambda: stopped.request_id)
    stopped.stop()
    settled()
    shown.values = {}
    press(wire, shown, "Watch again")
    press(wire, shown, "Watch again")
    assert len(shown.jobs) == 2
    assert shown.jobs[0].watching
    assert len(sandbox.posts()) == 1
    shown.jobs[0].stop()
    make(shown, prompt="a hare")
    shown.values = {}
    press(wire, shown, "Fill the form from this")
    assert shown.values == {"prompt": "a hare"}


def test_only_so_many_results_stay(opened: Opened, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(board, "KEPT", 2)
    shown = opened(IMAGES)
    assert shown._board.box.children == ()
    for number in range(3):
        make(shown, prompt=f"fox {number}")
    assert ["fox 2" in results(shown)[0], "fox 1" in results(shown)[1]] == [True, True]
    assert "1 earlier" in shown._board.box.children[-1].value


@pytest.mark.usefixtures("nothing_left")
def test_nothing_is_left_when_it_is_closed(kling: kn.Client) -> None:
    shown = kn.form(IMAGES, kling)
    make(shown)
    leave(shown)


def test_what_is_saved_is_plain_html_without_buttons(opened: Opened, monkeypatch: pytest.MonkeyPatch) -> None:
    shown, sent = opened(IMAGES), []

    class Handle:
        def update(self, bundle: dict[str, str], raw: bool) -> None:  # noqa: FBT001 - the signature of IPython
            sent.append(bundle)

    def display(bundle: dict[str, str], **more: Any) -> Any:
        sent.append(bundle)
        return Handle() if more.get("display_id") else None

    monkeypatch.setattr(form, "_display", display)
    monkeypatch.setattr(board, "_display", display)
    shown._ipython_display_()
    make(shown)
    assert sent[-1]["text/plain"] == "kling-3-text2image: COMPLETED"
    assert "<img" in sent[-1]["text/html"]
    assert "<button" not in sent[-1]["text/html"]
    # The same mark hides it while the widgets live, and nothing hides it without them.
    assert f'class="{shown._board._mark}"' in sent[-1]["text/html"]
    assert f".{shown._board._mark}{{display:none}}" in shown.children[0].value


def test_a_form_says_the_same_of_the_time_as_its_cards(wire: Wire, opened: Opened) -> None:
    with kn.Client.sandbox() as kling:
        shown = kn.form(IMAGES, kling)
        job = make(shown)
        assert job.estimate.source == "published latency"
        usual = face.range_text(job.estimate)
        assert f"Usually {usual} in the sandbox" in shown.children[0].value
        leave(shown)
    # The client of this test is told of no sandbox, only of how fast its service is.
    assert "Usually 1 s ·" in opened(IMAGES).children[0].value
