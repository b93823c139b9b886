"""Where what is filled in gets bought: the button, the live cards below it, and the results below those."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, Protocol

import ipywidgets as widgets
from IPython import display as ipython

from ..errors import InvalidRequest
from ..jobs.job import Job
from ..markup import escape, money_text, tag
from ..states import JobEvent, State
from . import bridge
from .card import Bundle, Card
from .places import same
from .theme import Wardrobe

_QUIET = 2.0  # seconds without a press before the same values may be bought again
_KEPT = 12  # results below a form: each new one sends them all again
_display: Any = ipython.display  # without types of its own


class Buyer(Protocol):
    """What a desk asks of the form it belongs to."""

    @property
    def values(self) -> dict[str, Any]: ...
    def generate(self) -> Job: ...


class Purse(Protocol):
    """What a desk asks of the client: the balance, asked for on the engine's thread."""

    is_sandbox: bool

    def balance(self) -> Future[Any]: ...


class Desk:
    """One press buys once. The button is off while something is wrong, which stands beside it, and until the
    service has answered; after that the same values are bought again only by a press that comes after a
    pause: fifty quick presses are one job.
    """

    def __init__(
        self, buyer: Buyer, clothes: Wardrobe, *, price: str = "", wrong: str = "", purse: Purse | None = None
    ) -> None:
        self._buyer, self._clothes = buyer, clothes
        self._price, self._wrong, self._purse = price, wrong, purse
        self._said = self._balance = ""
        self._asked = 0
        self._lock = threading.RLock()  # presses come on one thread, news of jobs on another
        self.jobs: tuple[Job, ...] = ()
        self.elsewhere: Callable[[Job], None] | None = None  # shows jobs instead: a studio
        self._sending: Job | None = None
        self._bought: dict[str, Any] | None = None
        self._last_press = 0.0
        self._shelves: list[Any] = []
        self._finished: list[Bundle] = []
        self._inside: list[Any] = []
        self.status = clothes.make(widgets.HTML, "kling-status", value=self._words())
        self.cards = clothes.make(widgets.VBox, "kling-cards")
        weight = {"font_weight": "600"}
        self.button = clothes.make(
            widgets.Button,
            description="Generate",
            button_style="primary",
            clothes=weight,
            disabled=bool(wrong),
        )
        self.button.on_click(self._pressed)
        self._ask_balance()

    def say(self, markup: str) -> None:
        """Say something beside the button."""
        with self._lock:
            self._said = markup
            self._tell()

    def tell(self, wrong: str) -> None:
        """What keeps the button off, as markup; what was said before is over."""
        with self._lock:
            self._wrong, self._said = wrong, ""
            self._tell()
            self.rearm()

    def _tell(self) -> None:
        if self.status.value != (words := self._words()):
            self.status.value = words

    def _words(self) -> str:
        facts = " · ".join(filter(None, (self._price, self._balance)))
        return (tag("div", facts, class_="kling-muted") if facts else "") + self._said + self._wrong

    def _ask_balance(self) -> None:
        if self._purse is None or self._clothes.silent:
            return
        self._asked += 1
        mine = self._asked
        self._purse.balance().add_done_callback(lambda done: self._hear_balance(mine, done))

    def _hear_balance(self, mine: int, done: Future[Any]) -> None:
        # On the engine's thread. Of several answers the one asked for last counts.
        with self._lock:
            if mine != self._asked or done.cancelled():
                return
            known = self._purse is not None and done.exception() is None
            whose = " (sandbox)" if self._purse is not None and self._purse.is_sandbox else ""
            self._balance = escape(
                f"Balance {money_text(float(done.result()))}{whose}" if known else "Balance unknown"
            )
            self._tell()

    def rearm(self) -> None:
        """Let the button say what a press would do now."""
        with self._lock:
            again = self._is_bought()
            self.button.disabled = self._sending is not None or bool(self._wrong)
            self.button.description = (
                "Submitting…" if self._sending else "Generate another" if again else "Generate"
            )

    def take(self, job: Job) -> None:
        """A job that was begun: watch it and show its card, newest first."""
        with self._lock:
            self.jobs = (job, *self.jobs)
            self._bought = self._buyer.values
            self._sending = job if job.state is State.SUBMITTING else None
            job.add_listener(self._heard)
            if self.elsewhere is not None:
                self.elsewhere(job)
            elif not self._clothes.silent:
                self._show(Card(job))
            self.say("")
            self.rearm()

    def show_results(self) -> None:
        """Begin an output below, in plain HTML: the form dies with the kernel, and the results must not."""
        if bridge.in_voila():  # they stay where the cards were
            return
        with self._lock:
            shelf = _display(self._shelf(), raw=True, display_id=True)
            if shelf is not None:
                self._shelves.append(shelf)
                self._put(tuple(each for each in self.cards.children if each not in self._inside))

    def _pressed(self, _: object) -> None:
        # On any thread, fifty at once, and nothing raised here would reach a person.
        with self._lock:
            quiet, self._last_press = time.monotonic() - self._last_press, time.monotonic()
            if self._sending is not None:
                return
            if quiet < _QUIET and self._is_bought():
                self.say(tag("div", "For another take of the same, wait a moment and press again."))
                return
            self.button.disabled = True
            try:
                self._buyer.generate()
            except InvalidRequest:
                self.rearm()
            except Exception as error:  # noqa: BLE001 - it would end in a log that nobody reads
                self.say(tag("div", escape(error), class_="kling-error", role="alert"))
                self.rearm()

    def _is_bought(self) -> bool:
        return self._bought is not None and same(self._bought, self._buyer.values)

    def _heard(self, event: JobEvent) -> None:
        with self._lock:
            if self._sending and (event.is_last or event.state is not State.SUBMITTING):
                self._sending = None
                self.rearm()
            if event.is_last:
                self._ask_balance()

    def _show(self, card: Card) -> None:
        self._put((card.root, *self.cards.children))
        card.settle(lambda bundle: self._settle(card, bundle))

    def _settle(self, card: Card, bundle: Bundle) -> None:
        with self._lock:
            self._finished.insert(0, bundle)
            # Inside another widget there is no cell output of our own: the result takes the card's place.
            instead = () if self._shelves else (self._result(bundle),)
            at = self.cards.children.index(card.root)
            self._put((*self.cards.children[:at], *instead, *self.cards.children[at + 1 :]))
            for shelf in self._shelves:
                shelf.update(self._shelf(), raw=True)

    def _result(self, bundle: Bundle) -> Any:
        output = {"output_type": "display_data", "data": bundle, "metadata": {}}
        self._inside.append(self._clothes.make(widgets.Output, outputs=(output,)))
        return self._inside[-1]

    def _put(self, children: tuple[Any, ...]) -> None:
        if self.cards.children != children:
            self.cards.children = children

    def _shelf(self) -> Bundle:
        shown, more = self._finished[:_KEPT], len(self._finished) - _KEPT
        earlier = tag("div", escape(f"{more} earlier: form.jobs has them all.")) if more > 0 else ""
        return {
            "text/html": "".join(bundle["text/html"] for bundle in shown) + earlier,
            "text/plain": "\n".join(bundle["text/plain"] for bundle in shown),
        }
