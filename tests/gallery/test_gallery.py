"""The gallery: a page at a time, nothing deleted without a question, nothing shown as markup."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

import kling_nb as kn
from kling_nb.keep import ledger as ledgers
from kling_nb.keep import shelf
from kling_nb.notebook import pieces
from kling_nb.notebook.gallery import SIZE, Gallery, gallery
from kling_nb.sandbox import Sandbox
from tests.notebook.conftest import Wire

from .conftest import CLIPS, IMAGES, Stock, buttons, faces, prompts, settle, staged

Opened = Callable[[], Gallery]

HOSTILE = [
    "<script>alert(1)</script>",
    "</div></body><script src=//x.example/a.js></script>",
    '"><img src=x onerror=alert(1)>',
    "' onmouseover='alert(1)",
    "<svg/onload=alert(1)>",
    "<iframe srcdoc='<script>alert(1)</script>'>",
    "javascript:alert(1)",
    "{{constructor.constructor('alert(1)')()}}",
    "&lt;script&gt;alert(1)&lt;/script&gt;",
    "</style><script>alert(1)</script>",
    "<!-- --><script>alert(1)</script>",
    "<a href=javascript:alert(1)>x</a>",
    "\u202e<b>evil</b>",
    "<math><mtext></mtext><script>alert(1)</script></math>",
]


# Looking through


def test_newest_first_a_page_at_a_time(opened: Opened, stock: Stock) -> None:
    stock(30)
    shown = opened()
    assert (shown.count, shown.pages, shown.page) == (30, 3, 1)
    assert prompts(shown) == [f"picture {number}" for number in range(30, 18, -1)]
    shown.page = 3
    assert prompts(shown) == [f"picture {number}" for number in range(6, 0, -1)]
    assert len(shown._grid.children) == 6
    shown.page = 99
    assert shown.page == 3


def test_rows_of_the_same_moment_are_neither_lost_nor_doubled(
    opened: Opened, stock: Stock, kling: kn.Client
) -> None:
    stock(20)
    with kling._core.ledger._writing() as database:
        database.execute("UPDATE jobs SET created = 5")
    shown = opened()
    first = prompts(shown)
    shown.page = 2
    assert len({*first, *prompts(shown)}) == 20


def test_the_buttons_turn_pages_and_say_where_the_end_is(opened: Opened, stock: Stock, wire: Wire) -> None:
    stock(14)
    shown = opened()
    assert shown._newer.disabled
    wire.press(shown._older)
    assert shown.page == 2
    assert shown._older.disabled
    shown._number.value = 1
    assert shown.page == 1


def test_filters_and_search(opened: Opened, stock: Stock) -> None:
    stock(3, prompt="a fox")
    stock(2, slug=CLIPS, prompt="a fox", duration="3")
    stock(1, prompt="100%_sure")
    shown = opened()
    shown._kind.value = "Clips"
    assert shown.count == 2
    shown._kind.value = "Pictures"
    assert shown.count == 4
    shown._model.value = CLIPS
    assert shown.count == 0
    assert "Nothing fits this search" in shown._empty.value
    shown._kind.value, shown._model.value, shown._search.value = "All kinds", "", "FOX a"
    assert shown.count == 5
    shown._search.value = "100%_s"
    assert prompts(shown) == ["100%_sure"]
    shown._search.value = "0%s"
    assert shown.count == 0


def test_an_account_sees_its_own_only(client: Any, stock: Stock, wire: Wire) -> None:
    stock(2)
    other = gallery(client(api_key="another-key"))
    assert other.count == 0
    assert "Nothing here yet" in other._empty.value
    other.close()


def test_what_is_made_meanwhile_appears_on_refresh(opened: Opened, kling: kn.Client, stock: Stock) -> None:
    shown = opened()
    image = kling.run(IMAGES, prompt="a fox in the snow")
    shown.refresh()
    assert prompts(settle(shown)) == ["a fox in the snow"]
    assert shown._shown[0].media() == (image,)
    assert shown._shown[0].record.cost is not None


# The work of a page


@contextmanager
def opens() -> Iterator[list[str]]:
    """Every file that is opened meanwhile, by name."""
    seen: list[str] = []
    _listening.append(seen)
    yield seen
    _listening.remove(seen)


_listening: list[list[str]] = []


def _hear(event: str, arguments: tuple[Any, ...]) -> None:
    if event == "open" and _listening and isinstance(arguments[0], (str, bytes)):
        for seen in _listening:
            seen.append(str(arguments[0]))


sys.addaudithook(_hear)


def test_of_thousands_only_the_page_is_read(
    opened: Opened, stock: Stock, monkeypatch: pytest.MonkeyPatch
) -> None:
    stock(5000, share="one.png")
    opened()
    read: list[Any] = []
    make = ledgers._record
    monkeypatch.setattr(ledgers, "_record", lambda row: read.append(row) or make(row))
    with opens() as files:
        shown = opened()
        shown.page = 300
        settle(shown)
    assert (shown.count, shown.pages) == (5000, 417)
    assert len(read) == 2 * SIZE
    # Small views only, one for each place: no media file is opened, and no other.
    media = [name for name in files if name.endswith(".png")]
    assert media == []
    assert len([name for name in files if name.endswith(".jpg")]) <= 2 * SIZE


def test_small_views_are_made_once_and_only_where_looked_at(
    opened: Opened, stock: Stock, kling: kn.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    stock(20)
    stock(2, slug=CLIPS)
    folder = kling._core.ledger.path.parent / "thumbnails"
    shown = opened()
    assert len(list(folder.iterdir())) == SIZE
    assert all('src="data:image/jpeg' in face for face in faces(shown))
    assert all(path.stat().st_size < 20_001 for path in folder.iterdir())

    def never(_: object) -> bytes:
        raise AssertionError("made again")

    monkeypatch.setattr(shelf, "_drawn", never)
    assert all('src="data:image/jpeg' in face for face in faces(opened()))


def test_a_page_is_few_messages(opened: Opened, stock: Stock, wire: Wire) -> None:
    stock(40)
    shown = opened()
    opened_with = wire.count("open")
    assert opened_with <= 90
    settle(shown)
    wire.clear()
    shown.page = 2
    settle(shown)
    assert wire.count("open") == 0
    assert wire.count() <= 60


@pytest.mark.usefixtures("nothing_left")
def test_nothing_is_left_when_it_is_closed(kling: kn.Client, stock: Stock) -> None:
    stock(14)
    shown = gallery(kling)
    settle(shown)
    shown.enlarge(shown._shown[0])
    shown.close()


def test_closing_while_views_are_made_harms_nobody(kling: kn.Client, stock: Stock, wire: Wire) -> None:
    stock(12)
    shown = gallery(kling)
    shown.close()


# Large, beside each other, chosen


def tick(shown: Gallery, *places: int) -> None:
    for place in places:
        shown._tiles[place]._tick.value = True


def test_one_large_with_all_that_is_known(opened: Opened, stock: Stock, wire: Wire) -> None:
    stock(1, prompt="a fox", aspect_ratio="3:2", take=2)
    shown = opened()
    wire.press(shown._tiles[0].opener)
    markup = staged(shown)
    for said in ("a fox", "aspect_ratio", "3:2", "take 2", "$0.035", "request-1", "made in 5 s", "<img"):
        assert said in markup
    assert "kling-hidden" in shown._grid._dom_classes
    wire.press(shown._back)
    assert staged(shown) == ""
    assert "kling-hidden" not in shown._grid._dom_classes


def test_a_clip_is_shown_by_its_poster_and_plays_when_large(opened: Opened, stock: Stock, wire: Wire) -> None:
    stock(1, slug=CLIPS, duration="3")
    shown = opened()
    assert "Clip, 3 s" in faces(shown)[0]
    assert "data:image/jpeg" in faces(shown)[0]
    wire.press(shown._tiles[0].opener)
    assert "<video controls" in staged(shown)
    assert "autoplay" not in staged(shown)


def test_two_to_four_are_compared_by_what_differs(opened: Opened, stock: Stock, wire: Wire) -> None:
    for ratio in ("1:1", "3:2", "16:9", "9:16", "4:3"):
        stock(1, prompt="a fox", aspect_ratio=ratio)
    shown = opened()
    assert shown._compare.disabled
    tick(shown, 0)
    assert shown._compare.disabled
    tick(shown, 1, 2)
    assert not shown._compare.disabled
    wire.press(shown._compare)
    markup = staged(shown)
    assert "kling-3-text2image: a fox" in markup
    assert all(f">{ratio}</div>" in markup for ratio in ("4:3", "9:16", "16:9"))
    assert ">1:1</div>" not in markup
    wire.press(shown._back)
    tick(shown, 3, 4)
    assert shown._compare.disabled
    assert "up to 4 can be compared" in shown._status.value


def test_takes_of_the_same_differ_by_their_take(opened: Opened, stock: Stock, wire: Wire) -> None:
    for take in (1, 2):
        stock(1, prompt="a fox", take=take)
    shown = opened()
    _, labels = pieces.told_apart([piece.record for piece in shown._shown])
    assert labels == ["take 2", "take 1"]


def test_a_selection_outlives_a_turn_of_the_page(opened: Opened, stock: Stock) -> None:
    stock(20)
    shown = opened()
    tick(shown, 0)
    shown.page = 2
    assert [tile._tick.value for tile in shown._tiles[:2]] == [False, False]
    tick(shown, 1)
    shown.page = 1
    assert shown._tiles[0]._tick.value
    assert len(shown._ticked) == 2
    shown._clear.click()
    assert not any(tile._tick.value for tile in shown._tiles)
    assert shown._ticked == {}


def test_use_as_input_gives_the_image(opened: Opened, stock: Stock, wire: Wire) -> None:
    stock(1, slug=CLIPS)
    stock(1)
    shown = opened()
    heard: list[Any] = []
    shown.observe(heard.append, "selected")
    assert shown._use.disabled
    tick(shown, 0)
    wire.press(shown._use)
    assert isinstance(shown.selected, kn.Image)
    assert shown.selected.path.name == "made-2.png"
    shown._clear.click()
    tick(shown, 1)
    assert shown._use.description == "Use last frame as input"
    wire.press(shown._use)
    assert isinstance(shown.selected, kn.Image)
    assert shown.selected.size == (160, 96)
    assert len(heard) == 2


# Deleting


def test_deleting_asks_first(opened: Opened, stock: Stock, wire: Wire) -> None:
    stock(3)
    shown = opened()
    assert shown._delete.disabled
    tick(shown, 0, 2)
    paths = [piece.paths[0] for piece in (shown._shown[0], shown._shown[2])]
    wire.press(shown._delete)
    assert all(path.is_file() for path in paths)
    assert "Delete these 2 files from disk?" in shown._question.value
    assert "kling-hidden" not in shown._ask._dom_classes
    wire.press(shown._keep)
    assert all(path.is_file() for path in paths)
    assert "kling-hidden" in shown._ask._dom_classes
    wire.press(shown._yes)  # as a press that was on its way
    assert all(path.is_file() for path in paths)
    assert "Deleted" not in shown._status.value


def test_deleted_is_gone_from_disk_and_stays_on_record(
    opened: Opened, stock: Stock, kling: kn.Client, wire: Wire
) -> None:
    (row,) = stock(1, prompt="a fox")
    folder = kling._core.ledger.path.parent / "thumbnails"
    shown = opened()
    path = shown._shown[0].paths[0]
    record = path.with_name(f"{path.name}.json")
    record.write_text("{}")
    tick(shown, 0)
    wire.press(shown._delete)
    wire.press(shown._yes)
    assert not path.exists()
    assert not record.exists()
    assert list(folder.iterdir()) == []
    assert "Deleted 1 file from disk" in shown._status.value
    assert "Deleted from disk on" in faces(shown)[0]
    assert shown._delete.disabled
    record = kling._core.ledger.get(row)
    assert (str(record.state), record.prompt, record.cost) == ("COMPLETED", "a fox", 0.035)
    assert kling._core.ledger.changes(row)[-1][2] == "deleted from disk"
    assert "Deleted from disk on" in faces(opened())[0]


def test_what_was_deleted_is_not_bought_again_by_itself(
    opened: Opened, kling: kn.Client, sandbox: Sandbox, wire: Wire
) -> None:
    image = kling.run(IMAGES, prompt="a fox")
    shown = opened()
    tick(shown, 0)
    wire.press(shown._delete)
    wire.press(shown._yes)
    assert not image.path.exists()
    again = kling.submit(IMAGES, prompt="a fox")
    again.wait(10)
    assert len(sandbox.posts()) == 1


def test_one_that_can_not_be_deleted_is_named(
    opened: Opened, stock: Stock, wire: Wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    stock(1)
    shown = opened()
    tick(shown, 0)
    wire.press(shown._delete)

    def refuse(path: Path, missing_ok: bool = False) -> None:  # noqa: FBT001, FBT002 - the signature of pathlib
        if path.suffix == ".png":
            raise PermissionError(13, "no", str(path))

    monkeypatch.setattr(Path, "unlink", refuse)
    wire.press(shown._yes)
    assert "Could not delete made-1.png" in shown._status.value
    assert 'role="alert"' in shown._status.value
    assert shown._shown[0].deleted is None


def test_a_missing_file_is_shown_as_such(opened: Opened, stock: Stock, wire: Wire) -> None:
    stock(2)
    shown = opened()
    shown._shown[0].paths[0].unlink()
    shown.refresh()
    assert "The file is missing" in faces(shown)[0]
    tick(shown, 0)
    assert shown._delete.disabled
    assert shown._use.disabled
    wire.press(shown._tiles[0].opener)
    assert "The file is missing: made-2.png" in staged(shown)


@pytest.mark.parametrize("cut", [8, 33, 60, -20])
def test_a_damaged_file_costs_its_own_place_only(opened: Opened, stock: Stock, wire: Wire, cut: int) -> None:
    stock(2)
    shown = opened()
    path = shown._shown[0].paths[0]
    path.write_bytes(path.read_bytes()[:cut] + b"nothing of use")
    shown.refresh()
    settle(shown)
    assert "This file can not be shown" in faces(shown)[0]
    assert "data:image/jpeg" in faces(shown)[1]
    wire.press(shown._tiles[0].opener)
    assert "damaged" in staged(shown)
    wire.press(shown._use)
    assert shown.selected is None or shown.selected.path.is_file()


# What is shown


class Reader(HTMLParser):
    """Collects what a browser would make of markup."""

    def __init__(self, markup: str) -> None:
        super().__init__()
        self.names: set[str] = set()
        self.attributes: set[str] = set()
        self.addresses: list[str] = []
        self.words = ""
        self.feed(markup)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.names.add(tag)
        self.attributes |= {name for name, _ in attrs}
        self.addresses += [value or "" for name, value in attrs if name in ("src", "href", "poster")]

    def handle_data(self, data: str) -> None:
        self.words += data


TAGS = {
    *("div", "span", "b", "br", "img", "video", "figure", "figcaption", "a"),
    *("table", "thead", "tbody", "tr", "th", "td"),
}


@pytest.mark.parametrize("text", HOSTILE)
def test_everything_shown_is_text(
    opened: Opened, stock: Stock, wire: Wire, tmp_path: Path, text: str
) -> None:
    name = text.replace("/", "_")[:80] + ".png"
    stock(1, share=name, prompt=text, negative_prompt=text)
    stock(1, prompt=f"{text} again", extra=[{text: text}])
    shown = opened()
    found = [*faces(shown), shown._plain_html()]
    tick(shown, 0, 1)
    wire.press(shown._delete)
    found.append(shown._question.value)
    wire.press(shown._keep)
    wire.press(shown._compare)
    found.append(staged(shown))
    wire.press(shown._back)
    wire.press(shown._tiles[1].opener)
    found.append(staged(shown))
    shown._say(text, wrong=True)
    found.append(shown._status.value)
    for markup in found:
        read = Reader(markup)
        assert read.names <= TAGS
        assert not {each for each in read.attributes if each.startswith("on") or each == "srcdoc"}
        assert all(each.startswith("data:image/") or "://" not in each for each in read.addresses)
        assert not any(each.strip().lower().startswith("javascript") for each in read.addresses)
    assert text in Reader(found[1]).words


def test_neither_key_nor_e_mail_is_in_anything_sent(
    opened: Opened, stock: Stock, kling: kn.Client, sandbox: Sandbox, wire: Wire
) -> None:
    stock(2, prompt=f"mail me@example.com {sandbox.key}")
    shown = opened()
    tick(shown, 0, 1)
    wire.press(shown._compare)
    wire.press(shown._back)
    wire.press(shown._tiles[0].opener)
    said = json.dumps([content for _, content in wire.sent], default=str)
    said += repr(shown) + shown._plain() + shown._plain_html()
    assert sandbox.key not in said
    assert "me@example.com" not in said


def test_every_control_is_named_in_words(opened: Opened, stock: Stock) -> None:
    stock(2)
    shown = opened()
    names = [each.description for each in buttons(shown)]
    assert len(names) > 30
    assert all(any(letter.isalpha() for letter in name) for name in names)
    assert not any(getattr(each, "icon", "") for each in buttons(shown))
    assert shown._tiles[0].opener.tooltip == "Open: Picture: picture 2"
    assert 'alt="Picture: picture 2"' in faces(shown)[0]


def test_a_press_that_goes_wrong_is_said(
    opened: Opened, stock: Stock, wire: Wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    stock(1)
    shown = opened()

    def fail(_: object) -> str:
        raise RuntimeError("<b>no</b>")

    monkeypatch.setattr(pieces, "large_html", fail)
    wire.press(shown._tiles[0].opener)
    assert "&lt;b&gt;no&lt;/b&gt;" in shown._status.value


def test_where_nobody_looks_it_is_a_table(
    kling: kn.Client, stock: Stock, wire: Wire, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    monkeypatch.setenv("KLING_NB_UI", "plain")
    stock(13, prompt="a fox")
    shown = gallery(kling)
    shown._shown[0].paths[0].unlink()
    shown.refresh()
    shown._ipython_display_()
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "Gallery: 1 to 12 of 13, newest first"
    assert lines[1].split() == ["kind", "model", "prompt", "file"]
    assert lines[2] == "1   picture  kling-3-text2image  a fox   made-13.png (missing)"
    assert len(lines) == 2 + SIZE
    assert wire.count() == 0
    shown.close()


def test_what_is_saved_reads_well(opened: Opened, stock: Stock, monkeypatch: pytest.MonkeyPatch) -> None:
    stock(1, prompt="a <b>fox</b>")
    shown, said = opened(), []
    monkeypatch.setattr("kling_nb.notebook.gallery._display", lambda bundle, **_: said.append(bundle))
    shown._ipython_display_()
    (bundle,) = said
    assert "application/vnd.jupyter.widget-view+json" in bundle
    assert bundle["text/plain"].splitlines()[0] == "Gallery: 1 to 1 of 1, newest first"
    assert "a &lt;b&gt;fox&lt;/b&gt;" in bundle["text/html"]
    assert repr(shown) == "<Gallery of 1, page 1 of 1>"
