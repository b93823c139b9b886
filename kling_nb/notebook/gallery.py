"""What has been made, across sessions: look through it, open one large, compare, choose, delete."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import Any

import ipywidgets as widgets
import traitlets
from IPython import display as ipython

from ..errors import KlingError
from ..jobs.engine import engine
from ..keep.ledger import Record
from ..keep.shelf import Piece, Shelf, Wanted
from ..media import Video
from ..model.catalogue import models
from . import bridge, pieces, theme

SIZE = 12
_MOST = 4
_ALL: dict[str, Any] = {"All kinds": None, "Pictures": "image", "Clips": "video"}
_HIDDEN = "kling-hidden"
_display: Any = ipython.display  # without types of its own


def gallery(client: Any = None) -> Gallery:
    """What has been made with an account, across sessions, newest first.

    `client` says whose; without one it is the client that was made last.
    """
    return Gallery(bridge.connected(client))


class Gallery(widgets.VBox):  # type: ignore[misc]
    """A page of small views at a time, with search and filters.

    `selected` is the `Image` that was chosen by "Use as input" (of a clip, its last frame), else None; it can
    be observed. `page` is the number of the page that is shown (settable), `pages` how many there are,
    `count` how many jobs match. `refresh()` looks again.
    """

    selected = traitlets.Any(None, allow_none=True)

    def __init__(
        self,
        client: Any,
        *,
        use: Callable[[Any], None] | None = None,
        fill: Callable[[Record], None] | None = None,
    ) -> None:
        self._on_use, self._on_fill = use, fill  # what a studio does with a picture or clip, and with a row
        self._client = client  # held: a client that nobody holds is made anew each time
        settings = self._client._core.settings
        self._shelf = Shelf(self._client._core.ledger, settings.account, settings.base_url)
        self._clothes = theme.Wardrobe(silent=bridge.ui() == "plain")
        self._lock = threading.RLock()
        self._busy = self._closed = self._is_old = False
        self._ticked: dict[int, Piece] = {}
        self._doomed: tuple[Piece, ...] = ()
        self._opened: Piece | None = None
        self._shown: list[Piece] = []
        self._filling: Future[None] | None = None
        self._page, self.count = 1, 0
        rows = self._rows()
        look = {"layout": self._clothes.layout(), "_dom_classes": ("kling-gallery",)}
        super().__init__(children=rows, **look, **self._clothes.line())
        self.refresh()

    # What a program does with it

    @property
    def page(self) -> int:
        """The number of the page that is shown, from 1."""
        return self._page

    @page.setter
    def page(self, number: int) -> None:
        with self._lock:
            self._turn(number)

    @property
    def pages(self) -> int:
        """How many pages there are; an empty gallery has one."""
        return max(1, -(-self.count // SIZE))

    def refresh(self) -> None:
        """Look again at what there is."""
        with self._lock:
            self._offer_models()
            self._find()

    def look_again(self) -> None:
        """Refresh, but not under somebody's hands: what is open large or asked about stays first."""
        with self._lock:
            self._is_old = bool(self._stage.outputs or self._doomed)
            if not self._is_old:
                self.refresh()

    def close(self) -> None:
        """Close the gallery with everything in it."""
        self._closed = True
        if self._filling is not None:
            self._filling.cancel()
        super().close()
        for widget in self._clothes.pieces():
            widget.close()

    def __repr__(self) -> str:
        return f"<Gallery of {self.count}, page {self.page} of {self.pages}>"

    def _ipython_display_(self) -> None:
        if bridge.ui() == "plain" or self._clothes.silent:
            print(self._plain())  # noqa: T201 - the plain form of a gallery
            return
        words = {"text/plain": self._plain(), "text/html": self._plain_html()}
        _display({**self._repr_mimebundle_(), **words}, raw=True)

    def _plain(self) -> str:
        return pieces.table_text(self._title(), self._shown)

    def _plain_html(self) -> str:
        return pieces.table_html(self._title(), self._shown)

    # How it is laid out

    def _rows(self) -> tuple[Any, ...]:
        make = self._clothes.make
        style = theme.sheet(theme.FORM_SHEET, pieces.SHEET)
        head = make(widgets.HTML, value=f"{style}<div class='kling-title'>Gallery</div>")
        self._status = make(widgets.HTML, "kling-status")
        self._tiles = [_Tile(self) for _ in range(SIZE)]
        self._grid = make(widgets.VBox, "kling-tiles")
        self._stage = make(widgets.Output, "kling-stage")
        self._empty = make(widgets.HTML, "kling-empty")
        self._filters, self._bar, self._ask = self._filter_row(), self._action_row(), self._ask_row()
        self._pager = self._pager_row()
        return (
            *(head, self._filters, self._bar, self._ask, self._status),
            *(self._empty, self._grid, self._stage, self._pager),
        )

    def _filter_row(self) -> Any:
        make = self._clothes.make
        self._search = make(
            widgets.Text, description="Search", placeholder="words, then Enter", continuous_update=False
        )
        self._kind = make(widgets.Dropdown, description="Kind", options=tuple(_ALL))
        self._model = make(widgets.Dropdown, description="Model", options=(("All models", ""),))
        for each in (self._search, self._kind, self._model):
            each.observe(self._when(self._filtered), "value")
        again = self._button("Refresh", self.refresh)
        fields = [
            make(widgets.VBox, "kling-field", children=(each,))
            for each in (self._search, self._kind, self._model)
        ]
        return make(widgets.HBox, "kling-filters", children=(*fields, again))

    def _action_row(self) -> Any:
        self._back = self._button("Back to all", self._to_grid)
        self._compare = self._button("Compare", self._to_compare)
        self._use = self._button("Use as input", self._choose)
        self._delete = self._button("Delete from disk", self._ask_first)
        self._clear = self._button("Clear selection", self._untick)
        self._fill_in = [self._button("Fill the form from this", self._refill)] if self._on_fill else []
        row = (self._back, self._compare, self._use, *self._fill_in, self._delete, self._clear)
        return self._clothes.make(widgets.HBox, "kling-actions", children=row)

    def _ask_row(self) -> Any:
        self._question = self._clothes.make(widgets.HTML)
        self._yes = self._button("Yes, delete", self._delete_now, button_style="danger")
        self._keep = self._button("Keep", self._spare)
        row = (self._question, self._yes, self._keep)
        return self._clothes.make(widgets.HBox, "kling-actions", "kling-ask", _HIDDEN, children=row)

    def _pager_row(self) -> Any:
        make = self._clothes.make
        self._newer = self._button("Newer", lambda: self._turn(self._page - 1))
        self._older = self._button("Older", lambda: self._turn(self._page + 1))
        self._number = make(
            widgets.BoundedIntText, description="Page", min=1, max=1, value=1, continuous_update=False
        )
        self._number.observe(self._when(self._jumped), "value")
        self._of = make(widgets.HTML)
        row = (self._newer, self._older, self._number, self._of)
        return make(widgets.HBox, "kling-actions", "kling-pager", children=row)

    def _button(self, words: str, act: Callable[[], None], **more: Any) -> Any:
        made = self._clothes.make(widgets.Button, description=words, **more)
        made.on_click(self._when(lambda _: act()))
        return made

    def _when(self, act: Callable[[Any], None]) -> Callable[[Any], None]:
        return bridge.heard(self._lock, act, lambda words: self._say(words, wrong=True))

    # Pages

    def _offer_models(self) -> None:
        known = {model.slug: model.title for model in models()}
        found = [(known.get(slug, slug), slug) for slug in self._shelf.models()]
        options = (("All models", ""), *found)
        if self._model.options != options:
            kept, self._busy = self._model.value, True
            self._model.options = options
            self._model.value = kept if kept in dict(options).values() else ""
            self._busy = False

    def _wanted(self) -> Wanted:
        return Wanted(self._model.value or None, _ALL[self._kind.value], self._search.value)

    def _filtered(self, _: object) -> None:
        if not self._busy:
            self._page = 1
            self._find()

    def _jumped(self, change: Any) -> None:
        if not self._busy:
            self._turn(change["new"])

    def _turn(self, number: int) -> None:
        self._page = number
        self._find()

    def _find(self) -> None:
        wanted = self._wanted()
        self.count = self._shelf.count(wanted)
        self._page = min(max(1, self._page), self.pages)
        self._shown = self._shelf.page(wanted, self._page, SIZE)
        self._fill()
        self._number_pages()
        self._to_grid()

    def _number_pages(self) -> None:
        self._busy = True
        self._number.max, self._number.value = self.pages, self._page
        self._busy = False
        self._newer.disabled, self._older.disabled = self._page == 1, self._page == self.pages
        theme.change(self._of, value=pieces.line(f"of {self.pages:,}"))

    def _fill(self) -> None:
        unseen = []
        for tile, piece in zip(self._tiles, self._shown, strict=False):
            small = None if self._clothes.silent else self._shelf.known_view(piece)
            tile.show(piece, small, ticked=piece.id in self._ticked)
            if small is None and piece.state == "here":
                unseen.append((tile, piece))
        self._grid.children = tuple(tile.box for tile in self._tiles[: len(self._shown)])
        if self._filling is not None:
            self._filling.cancel()
        if unseen and not self._clothes.silent:
            self._filling = engine().start(self._draw(unseen))

    async def _draw(self, unseen: Sequence[tuple[_Tile, Piece]]) -> None:
        # Making a view means decoding a file: one after the other, away from whoever waits for the page.
        for tile, piece in unseen:
            small = await asyncio.get_running_loop().run_in_executor(None, self._shelf.view, piece)
            if not self._closed:
                tile.draw(piece, small)

    # Choosing

    def tick(self, piece: Piece, *, on: bool) -> None:
        """Select a piece, or no longer."""
        self._ticked.pop(piece.id, None)
        if on:
            self._ticked[piece.id] = piece
        self._spare()

    def _untick(self) -> None:
        self._ticked.clear()
        for tile in self._tiles:
            tile.untick()
        self._spare()

    def _at_hand(self) -> tuple[Piece, ...]:
        return (self._opened,) if self._opened else tuple(self._ticked.values())

    def _refill(self) -> None:
        (piece,) = self._at_hand()
        if self._on_fill:
            self._on_fill(piece.record)
            self._say("The form is filled in as it was then.")

    def _choose(self) -> None:
        (piece,) = self._at_hand()
        (media, *_) = piece.media()
        if self._on_use:
            self._on_use(media)
        self.selected = media.last_frame() if isinstance(media, Video) else media
        what = "The last frame of " if isinstance(media, Video) else ""
        self._say(f"{what}{media.path.name} is chosen as input. In code: gallery.selected")

    # Views: the page, one large, or several beside each other

    def _to_grid(self) -> None:
        staged, left, self._opened = bool(self._stage.outputs), self._opened, None
        self._stage.outputs = ()
        self._spare()
        if staged:
            self._return_focus(left)
        if self._is_old:
            self.look_again()

    def _return_focus(self, left: Piece | None) -> None:
        # The pressed button is gone, and without this the keyboard would begin at the top of the page.
        places = [tile for tile in self._tiles if left and tile.piece and tile.piece.id == left.id]
        (places[0].opener if places else self._compare).focus()

    def enlarge(self, piece: Piece) -> None:
        """Show one piece large."""
        self._opened = piece
        self._set_stage(pieces.large_html(piece))

    def _to_compare(self) -> None:
        chosen = tuple(self._ticked.values())
        self._opened = None
        self._set_stage(pieces.compared_html(chosen))

    def _set_stage(self, markup: str) -> None:
        # An output, because only there a notebook finds a clip by its path.
        data = {"text/html": markup, "text/plain": "media"}
        self._stage.outputs = ({"output_type": "display_data", "data": data, "metadata": {}},)
        self._spare()
        self._back.focus()

    def _arrange(self) -> None:
        count, staged, asking = len(self._at_hand()), bool(self._stage.outputs), bool(self._doomed)
        comparing = staged and self._opened is None
        for part, wanted in (
            *((self._filters, not staged), (self._grid, not staged), (self._pager, not staged)),
            *((self._stage, staged), (self._back, staged), (self._compare, not staged)),
            *((self._clear, not staged), (self._use, not comparing), (self._delete, not comparing)),
            *((self._bar, not asking), (self._ask, asking), (self._empty, not self.count and not staged)),
        ):
            (part.remove_class if wanted else part.add_class)(_HIDDEN)
        here = [piece for piece in self._at_hand() if piece.state == "here"]
        self._compare.disabled = not 2 <= count <= _MOST
        self._use.disabled = not (count == len(here) == 1)
        for each in self._fill_in:
            (each.add_class if comparing else each.remove_class)(_HIDDEN)
            each.disabled = count != 1
        self._use.description = "Use last frame as input" if _is_clip(here) else "Use as input"
        self._delete.disabled, self._clear.disabled = not here, not self._ticked

    # Deleting asks first

    def _ask_first(self) -> None:
        self._doomed = tuple(piece for piece in self._at_hand() if piece.state == "here")
        names = [path.name for piece in self._doomed for path in piece.paths]
        theme.change(self._question, value=pieces.question(names))
        self._yes.description = f"Yes, delete {_counted(len(names))}"
        self._keep.description = "Keep it" if len(names) == 1 else "Keep them"
        self._arrange()
        self._keep.focus()

    def _spare(self) -> None:
        self._doomed = ()
        self._arrange()
        self._say(self._hint())

    def _delete_now(self) -> None:
        doomed, gone = self._doomed, 0
        if not doomed:  # a press that was on its way when somebody chose to keep them
            return
        self._doomed = ()
        try:
            for piece in doomed:
                self._shelf.delete(piece)
                self._ticked.pop(piece.id, None)
                gone += len(piece.paths)
        finally:
            self._find()
        self._say(f"Deleted {_counted(gone)} from disk. What made them stays on record.")

    # Saying

    def _title(self) -> str:
        if not self.count:
            return "Gallery: nothing here"
        first = (self._page - 1) * SIZE + 1
        return f"Gallery: {first:,} to {first + len(self._shown) - 1:,} of {self.count:,}, newest first"

    def _hint(self) -> str:
        if self._stage.outputs:
            return ""
        count, filtered = len(self._ticked), self._wanted() != Wanted()
        theme.change(self._empty, value=pieces.empty(filtered=filtered))
        if not count:
            return self._title().partition(": ")[2] if self.count else ""
        if count == 1:
            return "1 selected. Select 2 to 4 to compare them."
        return f"{count} selected." if count <= _MOST else f"{count} selected; up to {_MOST} can be compared."

    def _say(self, words: str, *, wrong: bool = False) -> None:
        theme.change(self._status, value=theme.told(words, wrong=wrong))


class _Tile:
    """One place of the page: made once, shows one piece after the other."""

    def __init__(self, owner: Gallery) -> None:
        make = owner._clothes.make
        self._owner = owner
        self.piece: Piece | None = None
        self._hanging = threading.Lock()  # a late small view must not come beside another piece's words
        self._face = make(widgets.HTML, "kling-tile-face")
        self.opener = owner._button("Open", lambda: owner.enlarge(self._held))
        self._tick = make(widgets.Checkbox, description="Select", indent=False)
        self._tick.observe(owner._when(self._ticked), "value")
        self.box = make(widgets.VBox, "kling-tile", children=(self._face, self.opener, self._tick))

    @property
    def _held(self) -> Piece:
        if self.piece is None:
            raise KlingError("Nothing is shown in this place.")
        return self.piece

    def show(self, piece: Piece, small: bytes | None, *, ticked: bool) -> None:
        """Show a piece, with its small view where there is one yet."""
        self.piece = None  # what follows is no tick by a person
        self._tick.value = ticked
        words = pieces.spoken(piece)
        self.opener.tooltip, self._tick.tooltip = f"Open: {words}", f"Select: {words}"
        with self._hanging:
            self.piece = piece
            theme.change(self._face, value=pieces.tile_html(piece, small, waiting=small is None))

    def draw(self, piece: Piece, small: bytes | None) -> None:
        """Add the small view of a piece that is still shown here, or say that there is none."""
        with self._hanging:
            if self.piece is piece:
                theme.change(self._face, value=pieces.tile_html(piece, small, waiting=False))

    def untick(self) -> None:
        """Take the tick away."""
        piece, self.piece = self.piece, None
        self._tick.value = False
        self.piece = piece

    def _ticked(self, change: Any) -> None:
        if self.piece is not None:
            self._owner.tick(self.piece, on=change["new"])


def _is_clip(found: Sequence[Piece]) -> bool:
    return len(found) == 1 and found[0].kind == "video"


def _counted(count: int) -> str:
    return "1 file" if count == 1 else f"{count} files"
