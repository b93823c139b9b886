"""The studio: one form a model, whatever is made beside it, and nothing bought by accident."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from helpers import until

import kling_nb as kn
from kling_nb.notebook import board, studio
from kling_nb.notebook.studio import Studio
from kling_nb.sandbox import Sandbox

from .conftest import Wire
from .results import done, leave, opening, press, results, settled

IMAGES, CHANGES, CLIPS = "kling-3-text2image", "kling-3-image2image", "kling-3-standard-text2video"
ANIMATE = "kling-3-pro-image2video"
Opened = Callable[[], Studio]


@pytest.fixture
def opened(kling: kn.Client, wire: Wire) -> Iterator[Opened]:
    """Opens studios and closes them, once what they show has settled."""
    with opening(lambda: kn.studio(kling)) as open_one:
        yield open_one


def make(shown: Studio, slug: str = IMAGES, **values: Any) -> Any:
    """Generate something and wait for it."""
    shown.show(slug).values = {"prompt": "a fox", **values}
    job = shown.form.generate()
    done(shown)
    return job


def said(shown: Studio) -> str:
    """The line of news."""
    return str(shown._status.value)


# Choosing


def test_it_begins_with_the_first_model_and_builds_a_form_when_it_is_chosen(opened: Opened) -> None:
    shown = opened()
    assert list(shown.forms) == [IMAGES]
    assert shown.form is shown.forms[IMAGES]
    shown._picker.value = CLIPS
    assert list(shown.forms) == [IMAGES, CLIPS]
    assert shown._side.children[1:] == (shown.form,)
    assert repr(shown) == f"<Studio of 5 models, {CLIPS} shown>"


def test_the_models_are_named_in_words_with_their_price(opened: Opened) -> None:
    names = [name for name, _ in opened()._picker.options]
    assert names[0] == "Kling V3 Text to Image · $0.035"
    assert names[3] == "Kling 3.0 Pro Image-to-Video · about $1.94"
    assert len(names) == 5


def test_a_form_keeps_its_state_while_others_are_shown(opened: Opened) -> None:
    shown = opened()
    shown.form.values = {"prompt": "a fox", "aspect_ratio": "3:2"}
    shown.show(CLIPS).values = {"prompt": "a kite", "duration": "5"}
    assert shown.show(IMAGES).values == {"prompt": "a fox", "aspect_ratio": "3:2"}
    assert shown.show(kn.Kling3StandardTextToVideo).values == {"prompt": "a kite", "duration": "5"}


def test_an_untouched_form_takes_over_what_fits(opened: Opened) -> None:
    shown = opened()
    shown.form.values = {"prompt": "a fox", "aspect_ratio": "3:2", "output_format": "png"}
    assert shown.show(CHANGES).values == {"prompt": "a fox", "aspect_ratio": "3:2", "output_format": "png"}
    assert shown.show(CLIPS).values == {"prompt": "a fox"}  # its clips have no ratio of 3:2
    shown.show(IMAGES).values = {"prompt": "a hare"}
    assert shown.show(CLIPS).values == {"prompt": "a hare"}
    shown.form.values = {"prompt": "a hare that runs"}
    shown.show(IMAGES)
    assert shown.show(CLIPS).values == {"prompt": "a hare that runs"}


def test_an_unknown_model_is_refused_with_near_names(opened: Opened) -> None:
    with pytest.raises(kn.InvalidRequest, match="kling-3-text2image"):
        opened().show("kling-3-text-image")


# Making


def test_jobs_of_all_forms_are_shown_newest_first(opened: Opened, sandbox: Sandbox) -> None:
    shown = opened()
    image = make(shown)
    clip = make(shown, CLIPS, duration="3")
    assert shown.jobs == (clip, image)
    assert [("<video" in markup, "<img" in markup) for markup in results(shown)] == [
        (True, False),
        (False, True),
    ]
    assert shown._board.box not in shown.form.children
    assert shown.form.jobs == (clip,)
    assert "done" in said(shown)
    assert 'role="status"' in said(shown)
    assert len(sandbox.posts()) == 2


def test_a_card_is_live_before_it_is_a_result(opened: Opened) -> None:
    shown = opened()
    shown.form.values = {"prompt": "[sandbox:stuck] a fox"}
    job = shown.form.generate()
    assert shown._board.box.children[0]._dom_classes == ("kling-card",)
    job.stop()
    until(lambda: results(shown))
    assert "Stopped watching" in results(shown)[0]


def test_what_failed_can_be_changed_and_what_was_stopped_is_watched_again(
    opened: Opened, wire: Wire, sandbox: Sandbox
) -> None:
    shown = opened()
    failed = make(shown, prompt="[sandbox:failed] a fox")
    assert board.offers(failed) == (board.FILL,)
    shown.form.values = {}
    press(wire, shown, "Fill the form from this")
    assert shown.form.values["prompt"] == "[sandbox:failed] a fox"
    shown.form.values = {"prompt": "[sandbox:stuck] a fox"}
    stopped = shown.form.generate()
    until(lambda: stopped.request_id)
    stopped.stop()
    settled()
    assert board.offers(stopped) == (board.WATCH,)
    press(wire, shown, "Watch again")
    assert shown.jobs[0].request_id == stopped.request_id
    assert shown.jobs[0].watching
    assert len(sandbox.posts()) == 2


def test_another_take_buys_once_however_often_it_is_pressed(
    opened: Opened, wire: Wire, sandbox: Sandbox
) -> None:
    shown = opened()
    make(shown)
    for _ in range(50):
        press(wire, shown, "Another take")
    assert "wait a moment" in said(shown)
    done(shown)
    assert len(sandbox.posts()) == 2
    assert shown.jobs[0].take == 2
    assert "take 2" in results(shown)[0]


def test_only_so_many_results_stay(opened: Opened, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(board, "KEPT", 2)
    shown = opened()
    for number in range(4):
        make(shown, prompt=f"fox {number}")
    assert len(shown.jobs) == 4
    assert ["fox 3" in results(shown)[0], "fox 2" in results(shown)[1]] == [True, True]
    assert len(results(shown)) == 2
    assert "2 earlier" in shown._board._words.value


# Going on


def test_a_picture_goes_to_where_pictures_go(opened: Opened, wire: Wire) -> None:
    shown = opened()
    image = make(shown)
    press(wire, shown, "Use as input")
    assert shown.form is shown.forms[ANIMATE]
    assert shown.form.values["start_image_url"] == image.media
    assert "is now the start image of Kling 3.0 Pro Image-to-Video" in said(shown)
    shown.show(CHANGES)
    press(wire, shown, "Use as input")
    assert shown.form is shown.forms[CHANGES]
    assert image.media in shown.form.values.values()


def test_of_a_clip_the_last_frame_is_used(opened: Opened, wire: Wire) -> None:
    shown = opened()
    clip = make(shown, CLIPS, duration="3")
    press(wire, shown, "Use as input")
    assert shown.form.values["start_image_url"] == clip.media.last_frame()
    assert said(shown).count("The last frame of") == 1


def test_a_press_that_goes_wrong_is_said(opened: Opened, wire: Wire) -> None:
    shown = opened()
    clip = make(shown, CLIPS, duration="3")
    clip.media.path.unlink()
    press(wire, shown, "Use as input")
    assert 'role="alert"' in said(shown)


# The gallery


def test_the_gallery_is_built_when_it_is_opened_and_sees_what_is_made(
    opened: Opened, wire: Wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(studio, "_PAUSE", 0.0)
    shown = opened()
    make(shown)
    assert shown._gallery is None
    wire.press(shown._fold)
    assert shown._more.children == (shown._fold, shown.gallery)
    assert shown._fold.description == "Hide gallery"
    assert shown.gallery.count == 1
    make(shown, prompt="a hare")
    until(lambda: shown.gallery.count == 2)
    wire.press(shown._fold)
    assert shown._more.children == (shown._fold,)


def test_news_do_not_take_away_what_somebody_looks_at(
    opened: Opened, wire: Wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(studio, "_PAUSE", 0.0)
    shown = opened()
    make(shown)
    wire.press(shown._fold)
    wire.press(shown.gallery._tiles[0].opener)
    make(shown, prompt="a hare")
    until(lambda: shown.gallery._is_old)
    assert shown.gallery._stage.outputs
    wire.press(shown.gallery._back)
    assert shown.gallery.count == 2


def test_a_piece_of_the_gallery_fills_the_form_or_goes_into_it(opened: Opened, wire: Wire) -> None:
    shown = opened()
    image = make(shown, aspect_ratio="3:2")
    animated = make(shown, ANIMATE, start_image_url=image.media, duration="3")
    for each in shown.forms.values():
        each.values = {}
    shown.show(CLIPS)
    wire.press(shown._fold)
    shown.gallery._tiles[0]._tick.value = True
    (fill,) = shown.gallery._fill_in
    wire.press(fill)
    assert shown.form is shown.forms[ANIMATE]
    assert {name: shown.form.values[name] for name in ("prompt", "duration")} == {
        "prompt": "a fox",
        "duration": "3",
    }
    assert (
        kn.Image(getattr(shown.form.values["start_image_url"], "path", shown.form.values["start_image_url"]))
        == image.media
    )
    shown.form.values = {}
    wire.press(shown.gallery._use)
    assert shown.form.values["start_image_url"] == animated.media.last_frame()
    assert shown.gallery.selected == animated.media.last_frame()


# Traffic


def test_opening_is_few_messages(wire: Wire, kling: kn.Client) -> None:
    alone = kn.form(IMAGES, kling)
    own = wire.count()
    wire.clear()
    shown = kn.studio(kling)
    assert wire.count() <= own + 30
    leave(shown)
    alone.close()


@pytest.mark.usefixtures("nothing_left")
def test_nothing_is_left_when_it_is_closed(kling: kn.Client, wire: Wire) -> None:
    shown = kn.studio(kling)
    make(shown)
    wire.press(shown._fold)
    shown.show(CLIPS)
    leave(shown)


def test_neither_key_nor_markup_is_in_what_is_shown_of_a_job(opened: Opened, sandbox: Sandbox) -> None:
    shown = opened()
    make(shown, prompt=f"<img src=x onerror=alert(1)> {sandbox.key}")
    markup = "".join(results(shown)) + said(shown) + shown._board._remains()["text/plain"]
    assert sandbox.key not in markup
    assert "<img src=x" not in markup


# Being shown


def test_where_nobody_looks_it_is_one_line(
    kling: kn.Client, wire: Wire, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    monkeypatch.setenv("KLING_NB_UI", "plain")
    shown = kn.studio(kling)
    shown.form.values = {"prompt": "a fox"}
    shown._ipython_display_()
    shown.form.generate().wait(20)
    out = capsys.readouterr().out.splitlines()
    assert out[0] == "Studio of 5 models. Form for kling-3-text2image: prompt='a fox'"
    assert wire.count() == 0
    shown.close()


def test_what_is_saved_are_the_results_as_plain_html(opened: Opened, monkeypatch: pytest.MonkeyPatch) -> None:
    shown, said = opened(), []

    class Handle:
        def update(self, bundle: dict[str, str], raw: bool) -> None:  # noqa: FBT001 - the signature of IPython
            said.append(bundle)

    def display(bundle: dict[str, str], **more: Any) -> Any:
        said.append(bundle)
        return Handle() if more.get("display_id") else None

    monkeypatch.setattr(studio, "_display", display)
    monkeypatch.setattr(board, "_display", display)
    shown._ipython_display_()
    assert said[0]["text/plain"] == "Studio of 5 models. Form for kling-3-text2image: nothing filled in"
    make(shown)
    assert said[-1]["text/plain"] == "kling-3-text2image: COMPLETED"
    assert "<img" in said[-1]["text/html"]
    assert "widget" not in said[-1]["text/html"]
    # The same mark hides it while the widgets live, and nothing hides it without them.
    assert f'class="{shown._board._mark}"' in said[-1]["text/html"]
    assert f".{shown._board._mark}{{display:none}}" in shown.children[0].value
