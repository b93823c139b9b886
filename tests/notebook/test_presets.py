"""Presets: kept by name in files, shared as text, and nothing in them can hurt."""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import kling_nb as kn
from kling_nb.notebook.drawers import PresetDrawer
from kling_nb.notebook.form import Form, form

from .conftest import Wire, open_widgets
from .standin import PRO
from .test_form import FULL

NAMES = ("night", "Night", "a/b", "..", "../../escape", "con", "🦊 fox", "n" * 80, ".hidden", "a b", "a  b ")


@pytest.fixture
def pro(kling: kn.Client, wire: Wire) -> Form:
    return form(PRO, kling)


def drawer(made: Form, wire: Wire) -> PresetDrawer:
    """The panel of the presets, open."""
    (found,) = (each for each in made._drawers if isinstance(each, PresetDrawer))
    wire.press(found.button)
    return found


def press(wire: Wire, opened: PresetDrawer, words: str) -> str:
    """Press one of its buttons; what is said then."""
    for row in opened._panel.children:
        for widget in (row, *getattr(row, "children", ())):
            if getattr(widget, "description", "") == words and hasattr(widget, "on_click"):
                wire.press(widget)
                return str(opened._said.value)
    raise AssertionError(f"no button {words!r}")


def test_saved_loaded_and_deleted(pro: Form, kling: kn.Client) -> None:
    pro.values = FULL
    assert pro.presets.save("night") == ()
    assert (kling._core.settings.home / "presets" / PRO / "night.json").is_file()
    pro.values = {}
    pro.presets.load("night")
    assert pro.values == FULL
    assert list(pro.presets) == ["night"]
    assert pro.presets["night"] == FULL
    pro.presets.delete("night")
    pro.presets.delete("night")
    assert len(pro.presets) == 0


def test_another_form_of_the_same_model_has_them_and_another_model_has_not(
    pro: Form, kling: kn.Client
) -> None:
    pro.presets.save("night")
    assert list(form(PRO, kling).presets) == ["night"]
    assert list(form("kling-3-text2image", kling).presets) == []


def test_any_name_is_one_file_in_its_folder(pro: Form) -> None:
    for name in NAMES:
        pro.values = {"prompt": name}
        pro.presets.save(name)
    kept = {" ".join(name.split()) for name in NAMES}
    assert set(pro.presets) == kept
    assert {name: pro.presets[name]["prompt"].split() for name in kept} == {
        name: name.split() for name in kept
    }
    files = list(pro.presets.folder.rglob("*"))
    assert len(files) == len(kept)
    assert all(each.name.isascii() and each.parent == pro.presets.folder for each in files)


@pytest.mark.parametrize("name", ["", "  ", "\n", "n" * 81])
def test_no_name_is_refused(pro: Form, name: str) -> None:
    with pytest.raises(kn.InvalidRequest, match="no name for a preset"):
        pro.presets.save(name)


def test_a_preset_that_is_not_there_is_named_with_those_that_are(pro: Form) -> None:
    pro.presets.save("night")
    with pytest.raises(kn.InvalidRequest, match="Did you mean 'night'"):
        pro.presets.load("nigth")
    with pytest.raises(KeyError):
        pro.presets["nigth"]


def test_pictures_in_memory_are_left_out_and_named(pro: Form) -> None:
    pro.values = {
        "prompt": "p",
        "start_image_url": b"123",
        "end_image_url": Path("a.png"),
        "elements": [{"frontal_image_url": "b.png", "reference_image_urls": [b"1", "c.png"]}],
    }
    left = pro.presets.save("night")
    assert left == ("start_image_url", "elements[0].reference_image_urls[0]")
    assert pro.presets["night"] == {
        "prompt": "p",
        "end_image_url": "a.png",
        "elements": [{"frontal_image_url": "b.png", "reference_image_urls": ["c.png"]}],
    }


def test_shared_as_text(pro: Form, kling: kn.Client) -> None:
    pro.values = FULL
    text = pro.presets.export()
    other = form(PRO, kling)
    other.presets.import_json(text)
    assert other.values == FULL
    with pytest.raises(kn.InvalidRequest, match="is for the model 'kling-3-pro-image2video'"):
        form("kling-3-text2image", kling).presets.import_json(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "not json",
        "[]",
        "null",
        '"text"',
        "{}",
        "[" * 100_000,
        '{"values": ' * 5_000,
        json.dumps({"model": PRO, "values": []}),
        json.dumps({"model": PRO, "values": {"elements": [{}] * 5000}}),
        json.dumps({"model": "<b>", "values": {}}),
        json.dumps({"model": PRO, "values": {"prompt": "x" * 1_000_001}}),
    ],
)
def test_hostile_text_is_refused_with_a_reason(pro: Form, wire: Wire, text: str) -> None:
    pro.values = {"prompt": "mine"}
    with pytest.raises(kn.InvalidRequest, match=r"holds no values|is no JSON of a preset|is for the model"):
        pro.presets.import_json(text)
    pro.presets.folder.mkdir(parents=True)
    (pro.presets.folder / "bad.json").write_text(text)
    with pytest.raises(kn.InvalidRequest):
        pro.presets.load("bad")
    assert pro.values == {"prompt": "mine"}
    opened = drawer(pro, wire)
    opened._choice.value = "bad"
    assert "kling-error" in opened._said.value
    assert "<b>" not in opened._said.value
    press(wire, opened, "Delete this preset")
    assert list(pro.presets) == []


@pytest.mark.parametrize(
    "values", [{"prompt": [[["deep"]]]}, {"elements": {"a": 1}}, {"nonsense": 1}, {"duration": True}]
)
def test_values_that_do_not_fit_are_shown_as_what_they_are(pro: Form, values: dict[str, Any]) -> None:
    pro.presets.import_json(json.dumps({"model": PRO, "values": values}))
    assert pro.values == values
    assert pro._desk.button.disabled


def test_the_panel_saves_fills_in_and_brings_back(pro: Form, wire: Wire) -> None:
    before = open_widgets()
    pro.values = FULL
    assert len(open_widgets() - before) > 0
    opened = drawer(pro, wire)
    assert opened._choice.options == (("None yet", ""),)
    opened._name.value = "night <b>"
    assert "Saved &#x27;night &lt;b&gt;&#x27;." in press(wire, opened, "Save what is filled in")
    assert "in place of the earlier one" in press(wire, opened, "Save what is filled in")
    pro.values = {"prompt": "other"}
    opened._choice.value = ""
    opened._choice.value = "night <b>"
    assert pro.values == FULL
    assert pro._reset.description == "Undo preset"
    wire.press(pro._reset)
    assert pro.values == {"prompt": "other"}
    said = press(wire, opened, "Delete this preset")
    assert "should you want it back" in said
    assert list(pro.presets) == []
    press(wire, opened, "Fill in from this JSON")
    assert pro.values == FULL
    press(wire, opened, "Show what is filled in as JSON")
    assert json.loads(opened._json.value)["values"] == FULL


def test_what_goes_with_the_sandbox_is_said(wire: Wire) -> None:
    with kn.Client.sandbox() as kling:
        opened = drawer(form(PRO, kling), wire)
        opened._name.value = "night"
        assert "goes when the sandbox does" in press(wire, opened, "Save what is filled in")


def test_what_goes_wrong_on_the_disk_is_said(pro: Form, wire: Wire) -> None:
    opened = drawer(pro, wire)
    assert "no name for a preset" in press(wire, opened, "Save what is filled in")
    pro.presets.folder.parent.mkdir(parents=True, exist_ok=True)
    pro.presets.folder.write_text("in the way")
    opened._name.value = "night"
    assert "kling-error" in press(wire, opened, "Save what is filled in")


@pytest.mark.usefixtures("nothing_left")
def test_closing_leaves_nothing_of_the_panels(client: Callable[..., kn.Client], wire: Wire) -> None:
    made = form(PRO, client())
    for each in made._drawers:
        wire.press(each.button)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        made.values = FULL
    made.close()
