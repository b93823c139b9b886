"""Forms: made from descriptions, honest about what is filled in, and quick."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import PIL.Image
import pytest
from every import EVERY

import kling_nb as kn
from kling_nb.model.catalogue import models
from kling_nb.notebook import desk
from kling_nb.notebook.form import Form, form
from kling_nb.states import State

from .conftest import Wire
from .results import settled
from .standin import PRO, StillClient, note

SLUGS = [model.slug for model in models()]
FULL: dict[str, Any] = {
    "prompt": "@Element1 <<<voice_1>>> greets @Element2 <<<voice_2>>>",
    "start_image_url": "https://example.com/a.png",
    "duration": "9",
    "elements": [
        {
            "frontal_image_url": "https://example.com/1.png",
            "reference_image_urls": ["https://example.com/2.png"],
        },
        {"frontal_image_url": "https://example.com/3.png"},
    ],
    "voice_ids": ["anna", "bert"],
    "multi_prompt": [{"prompt": "one", "duration": "4"}, {"prompt": "two"}],
    "cfg_scale": 0.75,
}


@pytest.mark.parametrize("slug", SLUGS)
def test_every_parameter_has_a_control_with_its_label_and_help(slug: str, still: StillClient) -> None:
    made = form(slug, still)
    for param in made._model.params():
        assert made.control(param.name) is not None
        assert param.help.split("'")[0].split("<")[0] in note(made, param.name).replace("&#x27;", "'")


@pytest.mark.parametrize("slug", SLUGS)
def test_an_untouched_form_holds_nothing_and_accuses_nobody(slug: str, still: StillClient) -> None:
    made = form(slug, still)
    assert made.values == {}
    assert all("kling-error" not in control.note.value for _, control in made._walk())
    with pytest.raises(kn.InvalidRequest):
        _ = made.value


@pytest.mark.parametrize("slug", SLUGS)
@pytest.mark.usefixtures("nothing_left")
def test_closing_leaves_nothing(slug: str, still: StillClient) -> None:
    form(slug, still).close()


def test_values_go_in_and_come_out_the_same(pro: Form) -> None:
    pro.values = FULL
    assert pro.values == FULL
    assert pro.value == kn.Kling3ProImageToVideo(**FULL)


def test_a_request_goes_in_and_comes_out_the_same(pro: Form) -> None:
    request = kn.Kling3ProImageToVideo(**FULL)
    pro.value = request
    assert pro.value == request


def test_what_is_not_in_the_new_values_is_gone(pro: Form) -> None:
    pro.values = FULL
    pro.values = {"prompt": "alone"}
    assert pro.values == {"prompt": "alone"}


def test_a_touched_field_counts_and_a_cleared_one_does_not(pro: Form) -> None:
    pro.control("duration").value = "7"
    pro.control("prompt").value = "a fox"
    assert pro.values == {"prompt": "a fox", "duration": "7"}
    pro.control("prompt").value = "  "
    assert pro.values == {"duration": "7"}


@pytest.mark.parametrize(
    "values",
    [
        {"duration": "99"},
        {"cfg_scale": "much"},
        {"cfg_scale": 7},
        {"generate_audio": "maybe"},
        {"elements": "one"},
        {"elements": [{"strange": 1}, 5]},
        {"start_image_url": b"\x89PNG"},
        {"nonsense": 1},
        {"prompt": 5},
    ],
)
def test_wrong_values_are_kept_told_and_never_raise(pro: Form, values: dict[str, Any]) -> None:
    pro.values = values
    assert pro.values == values
    assert {problem.path.partition("[")[0] for problem in pro.problems} >= set(values) - {"start_image_url"}


def test_what_is_wrong_is_said_at_the_field_once_it_was_touched(pro: Form) -> None:
    prompt = pro.control("prompt")
    prompt.value = "a"
    prompt.value = ""
    assert "kling-error" in note(pro, "prompt")
    assert "kling-error" not in note(pro, "start_image_url")


def test_a_press_with_something_missing_says_it_everywhere_and_sends_nothing(
    pro: Form, still: StillClient, wire: Wire
) -> None:
    wire.press(pro._desk.button)
    assert still.asked == []
    assert "2 things have to be put right first" in pro._desk.status.value
    assert "kling-error" in note(pro, "prompt")
    assert "kling-error" in note(pro, "start_image_url")


def test_generate_is_off_and_says_why_without_accusing_anybody(pro: Form) -> None:
    assert pro._desk.button.disabled
    assert "Prompt and Start image have to be filled in." in pro._desk.status.value
    assert "kling-error" not in pro._desk.status.value
    pro.control("prompt").value = "a fox"
    assert "Start image has to be filled in." in pro._desk.status.value
    pro.control("start_image_url").value = "https://example.com/a.png"
    assert "to be filled in" not in pro._desk.status.value
    assert not pro._desk.button.disabled
    pro.values = {**FULL, "multi_prompt": [{"duration": "4"}], "voice_ids": ["a", "b"]}
    assert "Prompt of Shot 1 has to be filled in." in pro._desk.status.value
    pro.values = {**FULL, "cfg_scale": "much", "duration": "99"}
    assert "Seconds and Prompt strength have to be put right." in pro._desk.status.value
    assert "kling-error" in pro._desk.status.value
    assert pro._desk.button.disabled


def test_many_reasons_are_counted(pro: Form) -> None:
    pro.values = {"elements": [{}, {}, {}], "multi_prompt": [{}, {}]}
    assert "4 more have to be filled in." in pro._desk.status.value


def test_price_and_time_are_there_as_estimates(pro: Form, still: StillClient) -> None:
    assert "Estimated price about $1.94" in pro._desk.status.value
    assert "Usually 3.4 to 7.8 min ·" in pro.children[0].value
    other = form("kling-text2video", still)
    assert "Estimated price $" in other._desk.status.value
    assert " to $" in other._desk.status.value


def test_start_over_can_be_taken_back_until_the_next_edit(pro: Form, wire: Wire) -> None:
    wire.press(pro._reset)
    assert pro._reset.description == "Start over"
    pro.values = FULL
    wire.press(pro._reset)
    assert (pro.values, pro._reset.description) == ({}, "Undo start over")
    wire.press(pro._reset)
    assert (pro.values, pro._reset.description) == (FULL, "Start over")
    wire.press(pro._reset)
    pro.control("prompt").value = "a"
    assert pro._reset.description == "Start over"
    assert pro.values == {"prompt": "a"}


def test_the_code_is_live_while_it_is_open_exact_and_escaped(pro: Form, wire: Wire) -> None:
    drawer = pro._drawers[0]
    assert drawer.panel == ()
    wire.press(drawer.button)
    (panel,) = drawer.panel
    assert panel in pro.children
    assert "# This does not run as it stands:" in panel.value
    pro.values = {**FULL, "prompt": "</textarea><b>me@example.com @Element1 @Element2 <<<voice_1>>>"}
    assert "&lt;/textarea&gt;&lt;b&gt;me@example.com" in panel.value
    assert panel.value.count("</textarea>") == 1
    assert "<label>" in panel.value
    wire.press(drawer.button)
    assert panel not in pro.children
    wire.clear()
    pro.control("prompt").value = "other"
    assert "other" not in panel.value


@pytest.mark.filterwarnings("ignore::kling_nb.RequestWarning")
@pytest.mark.parametrize("slug", SLUGS)
def test_from_form_to_code_to_form_is_the_identity(slug: str, still: StillClient) -> None:
    request = kn.models()[slug].request(**EVERY[slug])
    one, other = form(slug, still), form(slug, still)
    one.value = request
    space: dict[str, Any] = {}
    exec(one.code, space)
    other.value = space["request"]
    assert other._model(**other.values) == request
    assert other.values == one.values
    assert other.code == one.code == request.code()


def test_a_picture_goes_into_the_first_free_field_or_the_named_one(pro: Form, tmp_path: Path) -> None:
    path = tmp_path / "fox.png"
    PIL.Image.new("RGB", (8, 8)).save(path)
    image = kn.Image(path)
    assert pro.picture_fields() == [
        "start_image_url",
        "end_image_url",
        "elements[0].frontal_image_url",
        "elements[0].reference_image_urls[0]",
    ]
    assert pro.use(image) == "start_image_url"
    assert pro.use(image) == "end_image_url"
    assert pro.use(image, "elements[0].reference_image_urls[0]") == "elements[0].reference_image_urls[0]"
    assert pro.use(image) == "elements[0].frontal_image_url"
    assert pro.values == {
        "start_image_url": image,
        "end_image_url": image,
        "elements": [{"frontal_image_url": image, "reference_image_urls": [image]}],
    }
    assert pro.use("https://example.com/a.png", "start_image_url") == "start_image_url"
    assert pro.values["start_image_url"] == "https://example.com/a.png"
    with pytest.raises(kn.InvalidRequest, match=r"called 'prompt'. It has start_image_url, "):
        pro.use(image, "prompt")


def test_no_free_field_is_said(still: StillClient) -> None:
    with pytest.raises(kn.InvalidRequest, match="It takes none"):
        form("kling-text2video", still).use("a.png")


def test_of_a_clip_the_last_frame_is_used(pro: Form) -> None:
    class Clip:
        def last_frame(self) -> str:
            return "https://example.com/last.png"

    pro.use(Clip())
    assert pro.values == {"start_image_url": "https://example.com/last.png"}


def test_what_was_typed_elsewhere_stays_when_a_picture_comes(pro: Form) -> None:
    pro.control("prompt").value = "a"
    pro.control("prompt").value = ""
    pro.use("https://example.com/a.png")
    assert "kling-error" in note(pro, "prompt")


def test_limits_can_be_seen(pro: Form, wire: Wire) -> None:
    add = pro.control("multi_prompt")
    for _ in range(7):
        wire.press(add)
    assert len(pro.values["multi_prompt"]) == 5
    assert add.disabled
    assert add.description == "Full (5 of 5)"


def test_characters_are_counted_from_half_of_the_limit_on(pro: Form, wire: Wire) -> None:
    pro.values = {"multi_prompt": [{"prompt": "x"}, {"prompt": "x" * 513}]}
    for row in pro._controls["multi_prompt"].rows:  # type: ignore[attr-defined]
        wire.press(row.toggle)
    assert "up to 512" in note(pro, "multi_prompt[0].prompt")
    pro.control("multi_prompt[0].prompt").value = "x" * 300
    assert "300 / 512" in note(pro, "multi_prompt[0].prompt")
    assert "513 / 512" in note(pro, "multi_prompt[1].prompt")
    assert "kling-error" in note(pro, "multi_prompt[1].prompt")


def test_a_row_in_the_middle_can_go(pro: Form, wire: Wire) -> None:
    pro.values = {"multi_prompt": [{"prompt": "one"}, {"prompt": "two"}, {"prompt": "three"}]}
    rows = pro._controls["multi_prompt"].rows  # type: ignore[attr-defined]
    wire.press(rows[1].toggle)
    wire.press(rows[1].tools["remove"])
    assert [shot["prompt"] for shot in pro.values["multi_prompt"]] == ["one", "three"]
    assert pro.control("multi_prompt[1].prompt").value == "three"


def test_rows_are_kept_and_refilling_leaks_nothing(pro: Form) -> None:
    from .conftest import open_widgets

    pro.values = FULL
    before = open_widgets()
    for _ in range(3):
        pro.values = {}
        pro.values = FULL
    assert open_widgets() == before


def test_fields_show_themselves_when_they_mean_something(still: StillClient) -> None:
    made = form("kling-text2video", still)
    axis = made._controls["camera_control_config"].box
    assert axis not in made._grid.children
    made.control("camera_control_type").value = "simple"
    assert axis in made._grid.children
    made.control("camera_control_config").value = "pan"
    made.control("camera_control_type").value = "down_back"
    assert axis in made._grid.children, "what is filled in is never hidden"


def test_labels_are_shown_and_values_are_held(still: StillClient) -> None:
    made = form("kling-3-text2image", still)
    formats = made.control("output_format")
    assert [label for label, _ in formats.options] == ["PNG", "JPEG", "WebP"]
    formats.value = "jpeg"
    assert made.values == {"output_format": "jpeg"}


def test_required_fields_are_marked(pro: Form) -> None:
    marked = {
        path for path, control in pro._walk() if getattr(control.input, "description", "").endswith(" *")
    }
    assert marked == {"prompt", "start_image_url"}


def test_a_file_that_is_not_there_is_named(pro: Form, tmp_path: Path) -> None:
    pro.values = {"prompt": "p", "start_image_url": str(tmp_path / "no.png")}
    assert "There is no file" in note(pro, "start_image_url")


def test_everything_typed_is_escaped(pro: Form) -> None:
    pro.values = {"start_image_url": "<script>alert(1)</script>", "duration": "<b>", "<i>": "<u>"}
    pro._tell_all()
    shown = pro._desk.status.value + "".join(control.note.value for _, control in pro._walk())
    assert "<script" not in shown
    assert "<b>" not in shown
    assert "<i>" not in shown


def test_fifty_quick_presses_are_one_job(pro: Form, still: StillClient, wire: Wire) -> None:
    pro.values = FULL
    for count in range(50):
        wire.press(pro._desk.button)
        assert pro._desk.button.disabled is (count < 25)
        if count == 24:
            still.jobs[0].move(State.QUEUED)
    assert len(still.asked) == 1
    still.jobs[0].end()
    settled()


def test_a_later_press_is_another_take_and_a_changed_form_needs_no_patience(
    pro: Form, still: StillClient, wire: Wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    pro.values = FULL
    wire.press(pro._desk.button)
    still.jobs[0].move(State.QUEUED)
    assert pro._desk.button.description == "Generate another"
    pro.control("prompt").value = "@Element1 leaves @Element2"
    assert pro._desk.button.description == "Generate"
    wire.press(pro._desk.button)
    still.jobs[1].move(State.QUEUED)
    assert len(still.asked) == 2
    monkeypatch.setattr(desk, "QUIET", 0.0)
    wire.press(pro._desk.button)
    assert len(still.asked) == 3
    assert list(pro.jobs) == still.jobs[::-1]
    for job in still.jobs:
        job.end()
    settled()


def test_a_press_that_comes_too_early_sends_nothing(pro: Form, still: StillClient, wire: Wire) -> None:
    pro.values = {"prompt": "a"}
    wire.press(pro._desk.button)
    assert still.asked == []
    assert "1 thing has to be put right first" in pro._desk.status.value


def test_where_nobody_looks_a_form_sends_nothing_and_still_works(
    still: StillClient, wire: Wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KLING_NB_UI", "plain")
    made = form(PRO, still)
    made.values = FULL
    assert made.generate() is still.jobs[0]
    assert made.values == FULL
    assert wire.count() == 0


def test_a_refused_submit_is_said_and_the_button_lives(pro: Form, wire: Wire) -> None:
    def refuse(_: object) -> None:
        raise kn.KlingError("This client is <closed>.")

    pro._client._begin = refuse
    pro.values = FULL
    wire.press(pro._desk.button)
    assert "This client is &lt;closed&gt;." in pro._desk.status.value
    assert not pro._desk.button.disabled


def test_without_a_front_end_a_form_is_a_line(
    pro: Form, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("KLING_NB_UI", "plain")
    pro.values = {"prompt": "a fox"}
    pro._ipython_display_()
    assert capsys.readouterr().out == f"Form for {PRO}: prompt='a fox'\n"


def test_a_form_is_light(still: StillClient, wire: Wire) -> None:
    from .conftest import open_widgets

    form(PRO, still).close()
    before = open_widgets()
    wire.clear()
    began = time.perf_counter()
    made = form(PRO, still)
    assert time.perf_counter() - began < 0.1
    assert len(open_widgets() - before) <= 65
    assert wire.count() <= 70
    made.values = FULL
    made.control("prompt").value = FULL["prompt"] + " now"
    wire.clear()
    made.control("prompt").value = FULL["prompt"] + " now and then"
    assert wire.count() <= 2
    made.close()


@pytest.mark.parametrize(
    "values", [{"elements": "one"}, {"duration": "99"}, {"elements": [5]}, {"prompt": 5}]
)
def test_a_value_that_can_not_be_shown_is_named(pro: Form, values: dict[str, Any]) -> None:
    pro.values = values
    assert "Holds " in "".join(control.note.value for _, control in pro._walk())


def test_pictures_in_memory_are_held_as_they_are(pro: Form) -> None:
    import numpy as np

    picture = np.zeros((4, 4, 3), dtype="uint8")
    pro.values = {"prompt": "p", "start_image_url": picture, "end_image_url": Path("a.png")}
    assert pro.values["start_image_url"] is picture
    assert pro.values["end_image_url"] == Path("a.png")


def test_what_is_no_client_or_no_dict_is_refused_in_words() -> None:
    for ask in (lambda: kn.form("kling-3-text2image", "x"), lambda: kn.studio("x"), lambda: kn.gallery("x")):
        with pytest.raises(kn.InvalidRequest, match="'x' is not a client"):
            ask()
    made = kn.form("kling-3-text2image", StillClient())
    with pytest.raises(kn.InvalidRequest, match="'fox' is no dict of parameters"):
        made.values = "fox"
