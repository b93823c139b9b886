"""Where what is filled in gets bought: the button, and beside it what it costs and what keeps it off."""

from __future__ import annotations

import threading
import time
from concurrent.futures import Future
from functools import partial
from typing import Any, Protocol

import ipywidgets as widgets

from ..errors import InvalidRequest
from ..jobs.job import Job
from ..markup import escape, money_text, tag
from ..states import JobEvent, State
from .board import Board
from .places import same
from .theme import Wardrobe, change, told

QUIET = 2.0  # seconds without a press before the same may be bought again


class Presses:
    """The presses of one button: fifty quick ones are one."""

    def __init__(self) -> None:
        self._last = 0.0

    def comes_after_a_pause(self) -> bool:
        """Count a press; whether nobody had pressed for a while."""
        quiet, self._last = time.monotonic() - self._last, time.monotonic()
        return quiet >= QUIET


class Buyer(Protocol):
    """What a desk asks of the form it belongs to."""

    @property
    def values(self) -> dict[str, Any]: ...
    def generate(self) -> Job: ...


class Desk:
    """One press buys once. The button is off while something is wrong, which stands beside it, and until the
    service has answered; after that the same values are bought again only by a press that comes after a
    pause: fifty quick presses are one job.
    """

    def __init__(
        self,
        buyer: Buyer,
        clothes: Wardrobe,
        board: Board,
        *,
        price: str = "",
        wrong: str = "",
        core: Any = None,
    ) -> None:
        self._buyer, self._clothes, self._board = buyer, clothes, board
        self._price, self._wrong, self._core = price, wrong, core
        self._said = self._balance = ""
        self._asked = 0
        self.lock = threading.RLock()  # presses come on one thread, news of jobs on another
        self.jobs: tuple[Job, ...] = ()
        self._sending: Job | None = None
        self._bought: dict[str, Any] | None = None
        self._presses, self._presses_for_more = Presses(), Presses()
        self.status = clothes.make(widgets.HTML, "kling-status", value=self._words())
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
        with self.lock:
            self._said = markup
            self._tell()

    def tell(self, wrong: str) -> None:
        """What keeps the button off, as markup; what was said before is over."""
        with self.lock:
            self._wrong, self._said = wrong, ""
            self._tell()
            self.rearm()

    def _tell(self) -> None:
        change(self.status, value=self._words())

    def _words(self) -> str:
        facts = " · ".join(filter(None, (self._price, self._balance)))
        return (tag("div", facts, class_="kling-muted") if facts else "") + self._said + self._wrong

    def _ask_balance(self) -> None:
        if self._core is None or self._clothes.silent:
            return
        self._asked += 1
        mine = self._asked
        asked = self._core.engine.start(self._core.credits())
        asked.add_done_callback(lambda done: self._hear_balance(mine, done))

    def _hear_balance(self, mine: int, done: Future[Any]) -> None:
        # On the engine's thread. Of several answers the one asked for last counts.
        with self.lock:
            if mine != self._asked or done.cancelled():
                return
            if done.exception() is None:
                whose = " (sandbox)" if self._core.is_sandbox else ""
                self._balance = escape(f"Balance {money_text(float(done.result()))}{whose}")
            else:
                self._balance = "Balance unknown"
            self._tell()

    def rearm(self) -> None:
        """Let the button say what a press would do now."""
        with self.lock:
            again = self._is_bought()
            self.button.disabled = self._sending is not None or bool(self._wrong)
            self.button.description = (
                "Submitting…" if self._sending else "Generate another" if again else "Generate"
            )

    def take(self, job: Job, bought: dict[str, Any] | None = None) -> None:
        """A job that was begun, with the values of the form it was bought with: watch and show it."""
        with self.lock:
            if any(each is job for each in self.jobs):
                return
            self.jobs = (job, *self.jobs)
            self._bought = self._bought if bought is None else bought
            self._sending = job if job.state is State.SUBMITTING else None
            job.add_listener(partial(self._heard, job))
            self._board.take(job)
            self.say("")
            self.rearm()

    def may_buy_more(self) -> bool:
        """Whether a press for one more take is meant as that, and not the second half of a double click."""
        return self._presses_for_more.comes_after_a_pause() and self._sending is None

    def _pressed(self, _: object) -> None:
        # On any thread, fifty at once, and nothing raised here would reach a person.
        with self.lock:
            deliberate = self._presses.comes_after_a_pause()
            if self._sending is not None:
                return
            if not deliberate and self._is_bought():
                self.say(tag("div", "For another take of the same, wait a moment and press again."))
                return
            self.button.disabled = True
            try:
                self._buyer.generate()
            except InvalidRequest:
                self.rearm()
            except Exception as error:  # noqa: BLE001 - it would end in a log that nobody reads
                self.say(told(error, wrong=True))
                self.rearm()

    def _is_bought(self) -> bool:
        return self._bought is not None and same(self._bought, self._buyer.values)

    def _heard(self, job: Job, event: JobEvent) -> None:
        with self.lock:
            if self._sending is job and (event.is_last or event.state is not State.SUBMITTING):
                self._sending = None
                self.rearm()
            if event.is_last:
                self._ask_balance()
