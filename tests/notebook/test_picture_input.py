"""Pictures in forms: typed, uploaded or made earlier; shown at once, and never saved with the notebook."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime, timezone
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from ipywidgets import Widget
from PIL import Image

import kling_nb as kn
from kling_nb.notebook.form import Form, form
from kling_nb.notebook.picture_input import PictureControl

from .conftest import Wire, open_widgets
from .standin import PRO, StillClient, note


def png(colour: str = "teal") -> bytes:
    """A small picture as a file."""
    out = BytesIO()
    Image.new("RGB", (40, 30), colour).save(out, "PNG")
    return out.getvalue()


def start(made: Form) -> PictureControl:
    """The control of the start image."""
    control = made._controls["start_image_url"]
    assert isinstance(control, PictureControl)
    return control


def upload(control: PictureControl, data: bytes, name: str = "fox.png") -> None:
    """What arrives when a person has chosen a file."""
    now = datetime.now(timezone.utc)
    file = {"name": name, "content": data, "size": len(data), "type": "", "last_modified": now}
    control.upload.value = (file,)


def test_a_path_is_shown_at_once(pro: Form, tmp_path: Path) -> None:
    (tmp_path / "a fox.png").write_bytes(png())
    pro.control("start_image_url").value = str(tmp_path / "a fox.png")
    assert "data:image/jpeg" in note(pro, "start_image_url")
    assert "kling-error" not in note(pro, "start_image_url")


def test_an_address_is_shown_without_telling_it_who_looks(pro: Form) -> None:
    pro.control("start_image_url").value = "https://example.com/a.png?x=<1>"
    shown = note(pro, "start_image_url")
    assert 'src="https://example.com/a.png?x=&lt;1&gt;"' in shown
    assert "no-referrer" in shown


def test_the_limits_are_said_before_the_click(pro: Form) -> None:
    assert "up to 50 MB" in note(pro, "start_image_url")
    assert "Uploads up to 10 MB, larger files by path." in note(pro, "start_image_url")
    assert "Links can be dragged in, files can not." in note(pro, "start_image_url")


@pytest.mark.parametrize("way", ["path", "upload"])
def test_what_is_no_picture_is_said_at_once(pro: Form, tmp_path: Path, way: str) -> None:
    if way == "upload":
        upload(start(pro), b"no picture", "<b>.png")
    else:
        (tmp_path / "notes.txt").write_text("no picture")
        pro.control("start_image_url").value = str(tmp_path / "notes.txt")
    assert "is no picture that can be read" in note(pro, "start_image_url")
    assert "<b>" not in note(pro, "start_image_url")
    assert any(problem.path == "start_image_url" for problem in pro.problems)


def test_an_upload_is_nowhere_in_what_would_be_saved(pro: Form, wire: Wire) -> None:
    data = png() + b"the very bytes" * 100
    upload(start(pro), data)
    assert pro.values == {"start_image_url": data}
    assert start(pro).upload.value == ()
    assert "data:image/jpeg" in note(pro, "start_image_url")
    assert "fox.png" in note(pro, "start_image_url")
    ours = [pro, *pro._clothes.pieces()]
    state = json.dumps(Widget.get_manager_state(widgets=ours), default=str)
    assert "FileUploadModel" in state
    assert "the very bytes" not in state
    assert "dGhlIHZlcnkgYnl0ZXM" not in state


def test_what_can_not_be_seen_in_the_input_has_a_button_that_clears_it(pro: Form, wire: Wire) -> None:
    control = start(pro)
    assert control._clear is None
    upload(control, png())
    assert control._clear in control.box.children
    wire.press(control._clear)
    assert pro.values == {}
    assert control._clear not in control.box.children
    assert "data:image" not in note(pro, "start_image_url")
    control.input.value = "https://example.com/a.png"
    assert control._clear not in control.box.children


def test_typing_replaces_an_upload(pro: Form) -> None:
    upload(start(pro), png())
    pro.control("start_image_url").value = "https://example.com/a.png"
    assert pro.values == {"start_image_url": "https://example.com/a.png"}
    assert "fox.png" not in note(pro, "start_image_url")


def choose(made: Form, wire: Wire, words: str) -> None:
    """Press "Earlier result" and choose the line that begins so."""
    control = start(made)
    wire.press(control.earlier)
    control._choice.value = next(value for line, value in control._choice.options if line.startswith(words))


def labels(made: Form, wire: Wire) -> list[str]:
    """What is offered."""
    wire.press(start(made).earlier)
    return [line for line, _ in start(made)._choice.options]


@pytest.fixture
def made(kling: kn.Client, wire: Wire) -> Form:
    """A form of a client that has made a picture and a clip."""
    kling.run("kling-3-text2image", prompt="a fox <in> the snow")
    kling.run("kling-3-text2image", prompt="a fox <in> the snow", take=2)
    kling.run("kling-3-standard-text2video", prompt="a kite", duration=3)
    return form(PRO, kling)


def test_earlier_results_are_offered_newest_first(made: Form, wire: Wire) -> None:
    assert labels(made, wire) == [
        "Choose one, newest first",
        "Last frame of clip: a kite",
        "Picture: a fox <in> the snow (take 2)",
        "Picture: a fox <in> the snow",
    ]


def test_an_earlier_picture_becomes_the_value(made: Form, wire: Wire) -> None:
    choose(made, wire, "Picture")
    value = made.values["start_image_url"]
    assert isinstance(value, kn.Image)
    assert value.prompt == "a fox <in> the snow"
    assert "data:image/jpeg" in note(made, "start_image_url")
    assert value.path.name in note(made, "start_image_url")
    assert start(made)._choice not in start(made).box.children
    assert not [problem for problem in made.problems if problem.path == "start_image_url"]


def test_of_a_clip_it_is_the_last_frame(made: Form, wire: Wire) -> None:
    choose(made, wire, "Last frame")
    value = made.values["start_image_url"]
    assert isinstance(value, kn.Image)
    assert "frame-" in value.path.name


def test_a_result_whose_file_is_gone_is_not_offered(made: Form, wire: Wire, kling: kn.Client) -> None:
    kling.jobs(limit=1)[0].media.path.unlink()
    assert not any("a kite" in line for line in labels(made, wire))


def test_a_clip_that_broke_after_it_was_offered_is_told(made: Form, wire: Wire, kling: kn.Client) -> None:
    wire.press(start(made).earlier)
    kling.jobs(limit=1)[0].media.path.write_bytes(b"cut short")
    choice = start(made)._choice
    choice.value = choice.options[1][1]
    assert made.values == {}
    assert 'role="status"' in note(made, "start_image_url")


def test_without_results_it_says_so(kling: kn.Client, wire: Wire) -> None:
    made = form(PRO, kling)
    wire.press(start(made).earlier)
    assert "No picture or clip of this account is on disk yet." in note(made, "start_image_url")
    assert start(made)._choice is None


def test_a_second_press_puts_the_choice_away_and_makes_no_second_one(made: Form, wire: Wire) -> None:
    wire.press(start(made).earlier)
    before = open_widgets()
    wire.press(start(made).earlier)
    assert start(made)._choice not in start(made).box.children
    wire.press(start(made).earlier)
    assert open_widgets() == before


def test_no_more_than_twenty_are_offered(
    still: StillClient, wire: Wire, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(png())

    class Made:
        def __init__(self, number: int) -> None:
            self.prompt, self.take, self.outputs = f"picture {number}", 1, (kn.Image(path),)

    def jobs(**asked: Any) -> list[Made]:
        assert asked["limit"] <= 100
        return [Made(number) for number in range(1, 31)]

    monkeypatch.setattr(still, "jobs", jobs, raising=False)
    offered = labels(form(PRO, still), wire)
    assert offered[1] == "Picture: picture 1"
    assert len(offered) == 21


def test_pictures_inside_elements_have_it_too(made: Form, wire: Wire) -> None:
    made.values = {"elements": [{}]}
    element: Any = made._controls["elements"]
    inside = element.rows[0].control.fields["frontal_image_url"]
    wire.press(inside.earlier)
    assert inside._choice.description == "Earlier result for Front view"
    inside._choice.value = inside._choice.options[2][1]
    assert made.values["elements"][0]["frontal_image_url"].path.is_file()


def test_a_chosen_picture_is_what_is_bought(
    kling: kn.Client, wire: Wire, sandbox: Any, client: Callable[..., kn.Client]
) -> None:
    picture = kling.run("kling-3-text2image", prompt="a fox")
    made = form("kling-3-image2image", kling)
    control: Any = made._controls["image_url"]
    made.control("prompt").value = "make it winter"
    wire.press(control.earlier)
    control._choice.value = control._choice.options[1][1]
    made.generate().result(30)
    (sent,) = sandbox.posts("kling-3-image2image")
    assert sent.body["prompt"] == "make it winter"
    assert sent.body["image_url"].startswith("http")
    assert picture.path.is_file()
