"""Lists of parts: arranged by words, folded to lines, and a strip that shows the seconds."""

from __future__ import annotations

import copy
import re
from typing import Any

import pytest

from kling_nb.model.fields import Param, options, seconds
from kling_nb.notebook.form import Form, form
from kling_nb.notebook.parts_editor import ListControl, make_control
from kling_nb.notebook.strip import timed
from kling_nb.notebook.theme import Wardrobe

from .conftest import Wire, open_widgets
from .standin import PRO, StillClient, note

URL = "https://example.com/{}.png"
ELEMENT = {"frontal_image_url": URL.format(1), "reference_image_urls": [URL.format(each) for each in "abc"]}
SHOT = {"prompt": "a fox runs", "duration": "3"}
FULLEST: dict[str, Any] = {
    "prompt": "@Element1 @Element2 @Element3 <<<voice_1>>> <<<voice_2>>>",
    "start_image_url": URL.format("start"),
    "end_image_url": URL.format("end"),
    "negative_prompt": "blur",
    "duration": "15",
    "aspect_ratio": "9:16",
    "elements": [ELEMENT] * 3,
    "generate_audio": True,
    "voice_ids": ["anna", "bert"],
    "multi_prompt": [SHOT] * 5,
    "shot_type": "customize",
    "cfg_scale": 0.75,
}


def a_list(made: Form, name: str) -> ListControl:
    """The control of a list."""
    control = made._controls[name]
    assert isinstance(control, ListControl)
    return control


def prompts(made: Form) -> list[str]:
    """What the shots say, in order."""
    return [shot.get("prompt", "") for shot in made.values.get("multi_prompt", [])]


def lines(control: ListControl) -> list[str]:
    """What is written on the lines of the parts."""
    return [row.toggle.description for row in control.rows]


def shots(made: Form, *texts: str) -> ListControl:
    """Fill in some shots; their control, with its tools at hand."""
    made.values = {"multi_prompt": [{"prompt": text} for text in texts]}
    control = a_list(made, "multi_prompt")
    control._pressed("fold", control.rows[0])
    return control


def test_a_filled_part_is_one_line_that_says_what_is_in_it(pro: Form) -> None:
    pro.values = {"multi_prompt": [SHOT, {"prompt": "two"}, {}], "elements": [ELEMENT, {}]}
    assert lines(a_list(pro, "multi_prompt")) == [
        "Shot 1 · 3 s · a fox runs",
        "Shot 2 · 5 s · two",
        "Shot 3 · empty",
    ]
    assert lines(a_list(pro, "elements")) == ["Element 1 · 1.png · other views: 3", "Element 2 · empty"]


def test_a_folded_line_follows_what_is_written_into_it(pro: Form) -> None:
    pro.values = {"multi_prompt": [SHOT]}
    pro.control("multi_prompt[0].duration").value = "7"
    assert lines(a_list(pro, "multi_prompt")) == ["Shot 1 · 7 s · a fox runs"]


def test_a_press_unfolds_and_folds(pro: Form, wire: Wire) -> None:
    pro.values = {"multi_prompt": [SHOT]}
    control = a_list(pro, "multi_prompt")
    (row,) = control.rows
    assert row.control.box not in control._items.children
    wire.press(row.toggle)
    assert control._items.children == (row.line, row.control.box)
    assert row.toggle.description == "Shot 1"
    wire.press(row.toggle)
    assert control._items.children == (row.line, row.control.note)


def test_what_a_person_adds_comes_open(pro: Form, wire: Wire) -> None:
    wire.press(pro.control("multi_prompt"))
    assert a_list(pro, "multi_prompt").rows[0].control.box in a_list(pro, "multi_prompt")._items.children


def test_what_is_wrong_in_a_folded_part_stands_below_its_line(pro: Form, wire: Wire) -> None:
    pro.values = {
        "multi_prompt": [{"prompt": "x" * 513}],
        "elements": [{"reference_image_urls": ["nowhere/at <all>.png"]}],
    }
    shown = note(pro, "multi_prompt[0]")
    assert "Prompt: 513 characters" in shown
    assert "kling-error" in shown
    assert "View 1: there is no file" in note(pro, "elements[0]")
    assert "<all>" not in note(pro, "elements[0]")
    wire.press(a_list(pro, "multi_prompt").rows[0].toggle)
    assert "513 characters" not in note(pro, "multi_prompt[0]"), "it stands at the field now"
    assert "513 characters" in note(pro, "multi_prompt[0].prompt")


def test_a_mended_problem_leaves_the_line(pro: Form) -> None:
    pro.values = {"multi_prompt": [{"prompt": "x" * 513}]}
    pro.control("multi_prompt[0].prompt").value = "short"
    assert "characters" not in note(pro, "multi_prompt[0]")


@pytest.mark.parametrize(
    ("tool", "at", "then"),
    [
        ("up", 1, ["b", "a", "c"]),
        ("down", 1, ["a", "c", "b"]),
        ("copy", 0, ["a", "a", "b", "c"]),
        ("remove", 1, ["a", "c"]),
    ],
)
def test_rows_are_arranged(pro: Form, wire: Wire, tool: str, at: int, then: list[str]) -> None:
    control = shots(pro, "a", "b", "c")
    wire.press(control.rows[at].tools[tool])
    assert prompts(pro) == then
    assert [row.control.title for row in control.rows] == [f"Shot {n}" for n in range(1, len(then) + 1)]
    assert [pro.control(f"multi_prompt[{n}].prompt").value for n in range(len(then))] == then


def test_moving_moves_the_rows_themselves(pro: Form, wire: Wire) -> None:
    control = shots(pro, "a", "b")
    first, second = control.rows
    before = open_widgets()
    wire.clear()
    wire.press(second.tools["up"])
    assert control.rows == [second, first]
    assert open_widgets() == before
    assert wire.count() <= 16, "two lines and their buttons, the order, and the keyboard"


def test_every_tool_says_what_it_does_to_which_item(pro: Form, wire: Wire) -> None:
    control = shots(pro, "a", "b")
    words = [button.description for button in control.rows[1].tools.values()]
    assert words == ["Move shot 2 up", "Move shot 2 down", "Duplicate shot 2", "Remove shot 2"]
    pro.values = {"voice_ids": ["anna", "bert"]}
    voices = a_list(pro, "voice_ids").rows
    assert voices[0].tools["remove"].description == "Remove voice id 1"


def test_a_tool_that_can_do_nothing_is_off(pro: Form, wire: Wire) -> None:
    control = shots(pro, "a", "b", "c")
    off = [[name for name, button in row.tools.items() if button.disabled] for row in control.rows]
    assert off == [["up"], [], ["down"]]
    for _ in range(4):
        wire.press(control.rows[0].tools["copy"])
    assert len(prompts(pro)) == 5
    assert all(row.tools["copy"].disabled for row in control.rows)
    assert control.input.description == "Full (5 of 5)"
    wire.press(control.rows[0].tools["up"])
    assert len(prompts(pro)) == 5


def test_a_late_press_on_a_row_that_is_gone_does_nothing(pro: Form, wire: Wire) -> None:
    control = shots(pro, "a", "b")
    gone = control.rows[0]
    wire.press(gone.tools["remove"])
    for tool in ("remove", "copy", "down", "up"):
        wire.press(gone.tools[tool])
    assert prompts(pro) == ["b"]


def test_a_row_taken_from_the_pool_is_empty_and_named_anew(pro: Form, wire: Wire) -> None:
    control = shots(pro, "a", "b")
    wire.press(control.rows[0].tools["remove"])
    before = open_widgets()
    wire.press(control.input)
    assert open_widgets() == before
    assert prompts(pro) == ["b", ""]
    assert control.rows[1].tools["remove"].description == "Remove shot 2"


def test_a_copy_is_its_own(pro: Form, wire: Wire) -> None:
    pro.values = {"elements": [ELEMENT]}
    control = a_list(pro, "elements")
    wire.press(control.rows[0].toggle)
    wire.press(control.rows[0].tools["copy"])
    pro.control("elements[1].reference_image_urls[0]").value = URL.format("z")
    assert pro.values["elements"][0] == ELEMENT
    assert pro.values["elements"][1]["reference_image_urls"][0] == URL.format("z")


def strip(made: Form) -> str:
    """The strip as plain words."""
    picture = a_list(made, "multi_prompt")._strip.picture  # type: ignore[union-attr]
    return re.sub(r"<[^>]+>", " ", picture.value)


def button(made: Form) -> Any:
    """The button of the strip, while it is there."""
    control = a_list(made, "multi_prompt")
    found = control._strip.button  # type: ignore[union-attr]
    return found if found in control.box.children else None


def test_the_strip_shows_each_share_and_the_sum(pro: Form) -> None:
    pro.values = {"duration": "10", "multi_prompt": [SHOT, {"prompt": "b"}, {"duration": "4"}]}
    markup = a_list(pro, "multi_prompt")._strip.picture.value  # type: ignore[union-attr]
    assert re.findall(r"flex:(\d+) 1 0", markup) == ["3", "5", "4"]
    assert 'aria-label="Shot 1: 3 s, Shot 2: 5 s, Shot 3: 4 s. 12 s of 10 s, 2 s too long"' in markup
    assert "12 s of 10 s" in strip(pro)
    pro.control("duration").value = "15"
    assert "3 s free" in strip(pro)


def test_one_press_sets_the_duration(pro: Form, wire: Wire) -> None:
    pro.values = {"duration": "10", "multi_prompt": [SHOT] * 4}
    assert button(pro).description == "Set duration to 12 s"
    wire.press(button(pro))
    assert pro.values["duration"] == "12"
    assert pro.control("duration").value == "12"
    assert button(pro) is None
    assert "12 s of 12 s" in strip(pro)


def test_a_sum_that_can_not_be_had_is_not_offered(pro: Form) -> None:
    pro.values = {"multi_prompt": [{"duration": "1"}]}
    assert button(pro) is None
    pro.values = {"multi_prompt": [{"duration": "9"}, {"duration": "9"}]}
    assert button(pro) is None
    assert "18 s of 5 s" in strip(pro)


def test_seconds_that_can_not_be_read_are_not_counted(pro: Form) -> None:
    pro.values = {"multi_prompt": [SHOT, {"duration": "<b>"}]}
    assert "3 s of 5 s, without what can not be read" in strip(pro)
    assert "<b>&lt;" not in strip(pro)
    assert button(pro) is None


def test_without_shots_there_is_no_strip(pro: Form, wire: Wire) -> None:
    control = shots(pro, "a")
    wire.press(control.rows[0].tools["remove"])
    assert control._strip is not None
    assert control._strip.picture not in control.box.children


def test_a_list_is_timed_by_its_description_alone() -> None:
    scene = Param("part", parts=(Param("text", name="words"), seconds(2, 9, name="length")))
    still = Param("part", parts=(Param("choice", name="length", choices=options("1", "2")),))
    assert timed(Param("list", item=scene)) == "length"
    assert timed(Param("list", item=still)) is None
    assert timed(Param("list", item=Param("text"))) is None


@pytest.mark.usefixtures("wire")
def test_any_list_of_timed_parts_has_a_strip() -> None:
    changes: list[Any] = []
    clothes = Wardrobe()
    part = Param(
        "part", label="Scene", parts=(Param("text", name="words"), seconds(2, 9, name="length", default="2"))
    )
    params = (seconds(4, 20, name="length", default="4"), Param("list", name="scenes", item=part))
    controls = {param.name: make_control(param, clothes, changes.append) for param in params}
    controls["scenes"].measure(controls)
    controls["scenes"].write([{"length": "3"}, {}])
    scenes: Any = controls["scenes"]
    assert "Scene 1: 3 s, Scene 2: 2 s. 5 s of 4 s, 1 s too long" in scenes._strip.picture.value
    scenes._strip.button.click()
    assert controls["length"].value == "5"
    assert changes == [controls["length"]]


def test_the_fullest_form_is_light(still: StillClient, wire: Wire) -> None:
    before = open_widgets()
    made = form(PRO, still)
    wire.clear()
    made.values = FULLEST
    assert len(open_widgets() - before) <= 280
    assert wire.count() <= 300
    assert made.values == FULLEST
    made.close()
    assert open_widgets() == before


def test_refilling_and_arranging_leaks_nothing(pro: Form, wire: Wire) -> None:
    pro.values = FULLEST
    control = a_list(pro, "multi_prompt")
    wire.press(control.rows[0].toggle)
    wire.press(control.rows[4].tools["remove"])  # the button of the strip is made
    pro.values = FULLEST
    before = open_widgets()
    for _ in range(3):
        wire.press(control.rows[4].tools["remove"])
        wire.press(control.rows[3].tools["up"])
        wire.press(control.rows[0].tools["copy"])
        pro.values = {}
        pro.values = copy.deepcopy(FULLEST)
    assert open_widgets() == before
