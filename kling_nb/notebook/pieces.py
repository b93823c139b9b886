"""How what has been made looks in a gallery: pure functions of pieces, without widgets."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timezone
from typing import Any

from ..errors import InvalidRequest
from ..jobs.purchase import _CONTENT
from ..jobs.sweep import Wish, differences
from ..keep.ledger import Record
from ..keep.shelf import Piece
from ..markup import LITERAL, escape, mask, money_text, short, tag, time_text, void
from ..media.show import data_uri
from ..media.trouble import MediaError
from ..model.catalogue import find
from ..model.table import table
from .face import value_text
from .theme import _ERROR, _LINE, _MUTED

SHEET = f"""
.kling-gallery {{ max-width:1240px; padding:2px 4px 8px; overflow:visible; gap:8px }}
.kling-gallery > * {{ overflow:visible }}
.kling-gallery .kling-hidden {{ display:none !important }}
.kling-gallery .widget-html, .kling-gallery .widget-html-content {{ height:auto; min-height:0; margin:0;
  line-height:1.45; font-size:13px }}
.kling-gallery .jupyter-button {{ width:auto; margin:0 }}
.kling-filters {{ display:flex; flex-flow:row wrap; align-items:flex-end; gap:8px 16px }}
.kling-filters > .kling-field {{ flex:0 1 190px; margin:0 }}
.kling-filters > .kling-field:first-child {{ flex:1 1 220px; max-width:380px }}
.kling-filters > .jupyter-button {{ height:32px }}
.kling-gallery .kling-pager .widget-inline-hbox {{ width:auto; margin:0 0 0 8px }}
.kling-pager .widget-label {{ width:auto }}
.kling-gallery .kling-pager input {{ width:72px }}
.kling-ask {{ border-left:3px solid {_ERROR}; padding:4px 0 4px 12px }}
.kling-ask > .widget-html {{ flex:1 1 100% }}
.kling-gallery .kling-status {{ color:{_MUTED}; min-height:19px }}
.kling-tiles {{ display:grid; grid-template-columns:repeat(auto-fill,minmax(184px,1fr)); gap:14px }}
.kling-tile {{ display:flex; flex-flow:row wrap; align-items:center; gap:6px 12px;
  align-content:space-between; margin:0; padding:0 0 10px; border:1px solid {_LINE}; border-radius:6px;
  overflow:hidden }}
.kling-tile > .kling-tile-face {{ flex:0 0 100%; align-self:flex-start }}
.kling-tile, .kling-gallery .kling-tile-face, .kling-tile-face > .widget-html-content {{ min-width:0 }}
.kling-tile > .jupyter-button {{ flex:0 0 auto; margin:0 0 0 10px; height:26px; line-height:26px }}
.kling-tile > .widget-checkbox {{ flex:0 0 auto; width:auto; margin:0; height:26px; min-height:0 }}
.kling-tile .widget-checkbox .widget-label-basic {{ display:flex; align-items:center; width:auto; gap:6px;
  height:26px; font-size:13px }}
.kling-tile .widget-checkbox > .widget-label {{ display:none }}
.kling-tile .widget-checkbox input {{ margin:0; align-self:center }}
.kling-thumb {{ position:relative; display:flex; align-items:center; justify-content:center;
  aspect-ratio:4/3; padding:0; background:color-mix(in srgb,currentColor 8%,transparent); text-align:center }}
.kling-thumb > span:first-child {{ padding:0 12px }}
.kling-thumb img {{ width:100%; height:100%; object-fit:contain; display:block; margin:0 }}
.kling-clip {{ position:absolute; left:8px; bottom:8px; padding:1px 7px; border-radius:4px; font-size:12px;
  color:#fff; background:rgba(0,0,0,.78) }}
.kling-words {{ padding:8px 10px 0 }}
.kling-words > div:first-child {{ display:-webkit-box; -webkit-box-orient:vertical; -webkit-line-clamp:2;
  overflow:hidden; overflow-wrap:anywhere; height:2.9em }}
.kling-words > .kling-muted {{ font-size:12px; white-space:nowrap; overflow:hidden; text-overflow:ellipsis }}
.kling-stage {{ margin:0 }}
.kling-stage .jp-OutputArea-output {{ padding:0 }}
.kling-empty {{ color:{_MUTED}; padding:24px 0 }}
"""

_TITLE = "font-weight:600;font-size:14px;overflow-wrap:anywhere"
_FACTS = "opacity:.85;overflow-wrap:anywhere"
_LARGE = "font-size:13px;line-height:1.5"
_SIDES = "display:flex;flex-flow:row wrap;gap:4px 24px;align-items:flex-start"
_BESIDE = (
    "display:grid;grid-template-columns:repeat(auto-fit,minmax(250px,1fr));gap:4px 16px;"
    "align-items:start;margin-top:10px"
)
# Rows are shared by the cells, so that media stand level whatever the length of their labels.
_CELL = (
    "display:grid;grid-row:span 3;grid-template-rows:subgrid;min-width:0;align-items:start;"
    "padding-bottom:14px"
)
_PROMPT = "white-space:pre-wrap;overflow-wrap:anywhere;margin:2px 0 8px"
_MOST_NAMES = 6
_HEAD = ("", "kind", "model", "prompt", "file")


# A page


def tile_html(piece: Piece, small: bytes | None, *, waiting: bool) -> str:
    """One place of the page: the small view, the prompt, and what it is."""
    record = piece.record
    prompt = tag("div", escape(short(record.prompt, 160) or "No prompt"), title=record.prompt[:1000] or None)
    facts = [_day(record.created), *_price(record), *_take(record)]
    lines = (title(record), " · ".join(facts))
    muted = (tag("div", escape(each), class_="kling-muted", title=each) for each in lines)
    return _thumb(piece, small, waiting=waiting) + tag("div", prompt, *muted, class_="kling-words")


def _thumb(piece: Piece, small: bytes | None, *, waiting: bool) -> str:
    if piece.state != "here":
        return tag("div", tag("span", escape(_absence(piece))), class_="kling-thumb")
    if small is None:
        words = "Preparing a small view …" if waiting else "This file can not be shown"
        return tag("div", tag("span", words), _badge(piece), class_="kling-thumb")
    view = void("img", src=data_uri(small, "image/jpeg"), alt=spoken(piece))
    return tag("div", view, _badge(piece), class_="kling-thumb")


def _badge(piece: Piece) -> str:
    if piece.kind != "video":
        return ""
    seconds = piece.record.params.get("duration")
    return tag("span", escape(f"Clip, {seconds} s" if seconds else "Clip"), class_="kling-clip")


def spoken(piece: Piece) -> str:
    """A piece in a few words."""
    kind = "Clip" if piece.kind == "video" else "Picture"
    return mask(f"{kind}: {short(piece.record.prompt, 120) or title(piece.record)}")


def _absence(piece: Piece) -> str:
    if piece.deleted is not None:
        return f"Deleted from disk on {when(piece.deleted)}"
    return "The file is missing"


def title(record: Record) -> str:
    """The model's name for a person."""
    try:
        return find(record.slug).title
    except InvalidRequest:
        return record.slug


def when(moment: float) -> str:
    """A time in the words of this machine's zone: `2026-11-21 14:05`."""
    return f"{_local(moment):%Y-%m-%d %H:%M}"


def _day(moment: float) -> str:
    then = _local(moment)
    is_this_year = then.year == datetime.now(timezone.utc).astimezone().year
    return f"{then:%d %b}" if is_this_year else f"{then:%d %b %Y}"


def _local(moment: float) -> datetime:
    return datetime.fromtimestamp(moment, timezone.utc).astimezone()


def _price(record: Record) -> list[str]:
    return [] if record.cost is None else [money_text(record.cost)]


def _take(record: Record) -> list[str]:
    return [f"take {record.take}"] if record.take > 1 else []


# One large, or several beside each other


def large_html(piece: Piece) -> str:
    """A piece with its media as it shows itself, and all that is known of how it was made."""
    record = piece.record
    head = tag("div", escape(title(record)), style=_TITLE) + tag("div", escape(record.prompt), style=_PROMPT)
    rest = {name: value for name, value in settings(record).items() if name != "prompt"}
    rows = [(name, value_text(value)) for name, value in rest.items()]
    asked = tag("div", table(("setting", "value"), rows), style="margin-top:10px") if rows else ""
    beside = tag("div", _known(piece), asked, style="flex:1 1 280px;max-width:420px;margin-top:4px")
    sides = tag("div", tag("div", _media(piece), style="min-width:0"), beside, style=_SIDES)
    return tag("div", head, sides, style=_LARGE, class_=f"kling-large {LITERAL}")


def _known(piece: Piece) -> str:
    record = piece.record
    facts = [when(record.created), f"take {record.take}", *_price(record)]
    facts += [f"made in {time_text(record.seconds)}"] if record.seconds else []
    lines = [record.slug, " · ".join(facts)]
    lines += [f"request {record.request_id}"] if record.request_id else []
    return tag("div", *(tag("div", escape(line)) for line in lines), style=_FACTS)


def compared_html(pieces: Sequence[Piece]) -> str:
    """Two to four pieces beside each other, each under the label of what differs."""
    common, labels = told_apart([piece.record for piece in pieces])
    cells = [
        tag(
            "div",
            tag("div", escape(label), style=_TITLE),
            tag("div", _media(piece)),
            _known(piece),
            style=_CELL,
        )
        for piece, label in zip(pieces, labels, strict=True)
    ]
    head = tag("div", escape(common), style=_FACTS) if common else ""
    beside = tag("div", *cells, style=_BESIDE)
    wide = "font-size:13px;line-height:1.5;max-width:1240px"
    return tag("div", head, beside, style=wide, class_=f"kling-compared {LITERAL}")


def told_apart(records: Sequence[Record]) -> tuple[str, list[str]]:
    """What all have in common, and for each a label of what differs; equal ones differ by their take."""
    found = differences([Wish(record.slug, settings(record), _class(record)) for record in records])
    labels = list(found.labels)
    if len(set(labels)) < len(labels):
        takes = [f"take {record.take}" for record in records]
        labels = [", ".join(filter(None, pair)) for pair in zip(labels, takes, strict=True)]
    return found.common, labels


def _class(record: Record) -> Any:
    try:
        return find(record.slug)
    except InvalidRequest:
        return None


def settings(record: Record) -> dict[str, Any]:
    """What was asked, with pictures by the names of their files instead of their digests."""
    names = {each["sha256"]: each.get("file") or "" for each in record.inputs.values() if "sha256" in each}
    return {name: _named(value, names) for name, value in record.params.items()}


def _named(value: Any, names: Mapping[str, str]) -> Any:
    if isinstance(value, dict):
        return {name: _named(each, names) for name, each in value.items()}
    if isinstance(value, list):
        return [_named(each, names) for each in value]
    if isinstance(value, str) and value.startswith(_CONTENT):
        digest = value.removeprefix(_CONTENT)
        file = names.get(digest, "").replace("\\", "/").rpartition("/")[2]
        return f"picture {file or digest[:8]}"
    return value


def _media(piece: Piece) -> str:
    if piece.state != "here":
        return tag("div", escape(f"{_absence(piece)}: {_files(piece)}"), style=f"{_FACTS};margin:12px 0")
    try:
        return "".join(each._repr_mimebundle_()["text/html"] for each in piece.media())
    except MediaError as error:
        return tag("div", escape(error), style=f"{_FACTS};margin:12px 0")


def _files(piece: Piece) -> str:
    return ", ".join(path.name for path in piece.paths)


# Sentences


def line(words: str) -> str:
    """A few words."""
    return tag("div", escape(words))


def question(names: Sequence[str]) -> str:
    """What is asked before files are deleted."""
    listed = ", ".join(names[:_MOST_NAMES]) + (
        f" and {len(names) - _MOST_NAMES} more" if names[_MOST_NAMES:] else ""
    )
    what = "this file" if len(names) == 1 else f"these {len(names)} files"
    asked = tag("b", escape(f"Delete {what} from disk? "))
    after = "This can not be undone. What made it stays on record, with prompt and cost."
    return tag("div", asked, escape(after), role="alert") + tag("div", escape(listed), class_="kling-muted")


def empty(*, filtered: bool) -> str:
    """What stands where nothing is."""
    words = (
        "Nothing fits this search. Take away a word, or choose all kinds and all models."
        if filtered
        else "Nothing here yet. What this account makes appears here, newest first."
    )
    return tag("div", words)


# As text


def table_text(heading: str, pieces: Sequence[Piece]) -> str:
    """A page as lines that can be read."""
    rows = [_HEAD, *_cells(pieces)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ["  ".join(map(str.ljust, row, widths)).strip() for row in rows]
    return "\n".join([heading, *(lines if pieces else ())])


def table_html(heading: str, pieces: Sequence[Piece]) -> str:
    """The same as a plain table."""
    return tag("div", tag("div", escape(heading)), table(_HEAD, _cells(pieces)) if pieces else "")


def _cells(pieces: Sequence[Piece]) -> Iterator[tuple[str, ...]]:
    for number, piece in enumerate(pieces, 1):
        kind = "clip" if piece.kind == "video" else "picture"
        away = "" if piece.state == "here" else f" ({piece.state})"
        cells = (
            str(number),
            kind,
            piece.record.slug,
            short(piece.record.prompt, 48),
            f"{_files(piece)}{away}",
        )
        yield tuple(map(mask, cells))
