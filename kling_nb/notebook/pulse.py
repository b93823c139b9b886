"""One heartbeat for all live cards of the process, on the engine's thread: their only writer.

A Jupyter server drops messages above a rate, and a dropped end would leave a card dead. So all cards share
one budget, however many there are: ends come first, then changes in turn, then clearing away.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable
from typing import Any, Protocol

from ..jobs.engine import Engine, engine

BEAT = 0.25
BUDGET = 40  # messages a second, of all cards together; the server's own limit is 1000
_SHARE = int(BUDGET * BEAT)

_log = logging.getLogger("kling_nb")
_current: Pulse | None = None


class Beating(Protocol):
    """What the pulse asks of a card."""

    @property
    def is_over(self) -> bool: ...
    def changes(self) -> list[Callable[[], None]]:
        """What would bring it up to date: each step sends one message."""
        ...

    def markup(self) -> Any:
        """The card's end, made on a worker thread: it may have to decode a film."""
        ...

    def swap(self, markup: Any) -> Any:
        """Put the end in the card's place; a number it returns is that of the messages it took."""
        ...

    def remains(self) -> list[Any]:
        """The widgets to close once it is swapped."""
        ...


def follow(card: Beating) -> None:
    """Keep a card up to date until its job is over. From any thread."""
    work = engine()
    work.loop.call_soon_threadsafe(_pulse_of(work).add, card)


def _pulse_of(work: Engine) -> Pulse:
    global _current
    if _current is None or _current.engine is not work:
        _current = Pulse(work)
    return _current


class Pulse:
    """The cards that are live, and the beat that goes on while there are any."""

    def __init__(self, work: Engine) -> None:
        self.engine = work
        self._live: deque[Beating] = deque()
        self._closing: deque[Any] = deque()
        self._cost = 1  # messages that an end takes
        self._beating: asyncio.Task[None] | None = None

    def add(self, card: Beating) -> None:
        """Take a card in; on the engine's thread."""
        self._live.append(card)
        if self._beating is None or self._beating.done():
            self._beating = asyncio.ensure_future(self._beat())

    async def _beat(self) -> None:
        left = 0
        while self._live or self._closing:
            left = _SHARE + min(0, left)  # an end may take more than was left: it is owed then
            left -= await self._finish(left)
            left -= self._refresh(left)
            left -= self._clear_away(left)
            await asyncio.sleep(BEAT)

    def _clear_away(self, left: int) -> int:
        sent = 0
        while self._closing and sent < left:
            widget = self._closing.popleft()
            if widget.comm is not None:  # a closed one sends nothing
                sent += _quietly(widget.close)
        return sent

    async def _finish(self, left: int) -> int:
        sent = 0
        for card in [card for card in self._live if card.is_over]:
            if sent + self._cost > left:
                break
            self._live.remove(card)
            markup = await asyncio.get_running_loop().run_in_executor(None, card.markup)
            sent += (cost := _quietly(card.swap, markup))
            self._cost = min(max(1, cost), _SHARE)  # the next one will cost about as much
            self._closing.extend(card.remains())
        return sent

    def _refresh(self, left: int) -> int:
        sent = 0
        for _ in range(len(self._live)):
            changes = self._live[0].changes()
            if sent + len(changes) > left:
                return sent  # whoever was not served comes first in the next beat
            sent += sum(_quietly(send) for send in changes)
            self._live.rotate(-1)
        return sent


def _quietly(act: Callable[..., Any], *arguments: Any) -> int:
    # A kernel that is going down closes its sockets under us: no reason to print a traceback anywhere.
    try:
        sent = act(*arguments)
    except Exception:  # noqa: BLE001
        _log.debug("a card could not be updated", exc_info=True)
        return 1
    return sent if isinstance(sent, int) else 1
