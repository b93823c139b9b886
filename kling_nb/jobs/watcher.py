"""The one scheduler through which all jobs of a process ask the service, inside one budget of requests.

Every job has a `Plan` of its own; the watcher joins them. While the plans together ask for more than the
budget gives, planned time runs slower for all jobs alike. What is due is handed out one by one from a bucket
of tokens, first to the job that would soonest be a whole gap behind its plan. A 429, or a pause that the
service asks for, halts everybody, halves the rate, and lets it grow back.

Segmind publishes two tables of requests per minute, which disagree; which one is enforced is not known:

    docs.segmind.com/api-reference/rate-limits    Free 5, Pro 50, Enterprise by contract
    segmind.com/pricing                           Flexible 60, Pro 120, Business 500, Scale 1000

Nor is it known whether polls count. The vendor advises one poll a second, 60 a minute for a single job, so
probably they do not; the watcher holds submits and polls to one budget all the same, and `None` means no
budget until the service refuses something.
"""

from __future__ import annotations

import asyncio
import math
import random
import threading
from collections import deque
from collections.abc import Callable, Hashable
from heapq import heappop, heappush
from itertools import count
from weakref import WeakValueDictionary

from ..clock import Alarm, Clock
from ..service.retry import LONGEST_PAUSE
from .polling import Plan, next_try

# A minute, and a second more because requests do not all travel equally fast.
_MINUTE = 61.0
_LARGEST_BURST = 8.0
# The smallest plan's five a minute: no service of ours is slower than that.
_FLOOR = 5 / 60
# Seconds to wait after a 429 that names no time, and in which half the rate grows back.
_PAUSE, _RECOVERY = 5.0, 60.0
# The recent rate of requests is a mean over about so many seconds.
_RECENT = 10.0
# A rate without a budget is free again once it is that many times what was refused.
_FORGIVEN = 8.0
# What plans may use of the budget; the rest is for submits and for asking again.
_SHARE = 0.9
# Questions that are out at a time. Where answers come late, more of them would only stand in the queue of the
# connection pool, which knows no order. At 0.15 s an answer this is a hundred a second, six times the largest
# plan.
_AT_A_TIME = 16
# After so many submits in a row a waiting poll goes first.
_SUBMITS = 3
# The wall clock ran so many seconds ahead of the monotonic one: the machine slept. Looked at this often.
_SLEPT, _LOOK = 30.0, 5.0
# Questions due within this many seconds of the service are let go together.
_GRAIN = 0.01

_Turn = asyncio.Future[None]


class Pace:
    """A bucket of tokens that never lets more than `per_minute` pass in any minute; None is no limit.

    Arithmetic only: `now` is the caller's monotonic time in seconds.
    """

    def __init__(self, per_minute: float | None, time_scale: float = 1.0, now: float = 0.0) -> None:
        self.burst = 1.0 if per_minute is None else min(max(1.0, per_minute // 12), _LARGEST_BURST)
        # A full bucket counts towards the minute that begins with it.
        self.full = math.inf if per_minute is None else (per_minute - self.burst + 1) / _MINUTE
        self.rate = self.full
        self.quiet_until = -math.inf
        self._tokens, self._filled = self.burst, now
        self._refused, self._told = math.inf, now
        self._recent, self._counted = 0.0, now
        # A service that runs faster forgives faster, too.
        self._pause, self._recovery = _PAUSE / time_scale, _RECOVERY / time_scale
        self._window, self._floor = _RECENT / time_scale, _FLOOR * time_scale

    def take(self, now: float) -> bool:
        """Take one token, if there is one and no pause."""
        if now < self.quiet_until:
            return False
        self._fill(now)
        if self._tokens < 1.0:
            return False
        self._tokens -= 1.0
        self._recent, self._counted = self._flow(now) + 1 / self._window, now
        return True

    def give_back(self) -> None:
        """Return a token that was not used."""
        self._tokens = min(self.burst, self._tokens + 1.0)

    def wait(self, now: float) -> float:
        """Seconds until there is a token."""
        self._fill(now)
        return max(self.quiet_until - now, (1.0 - self._tokens) / self.rate, 0.0)

    def refused(self, now: float, pause: float | None) -> None:
        """The service wants less: halve the rate and be quiet for `pause` seconds."""
        self._fill(now)
        # During a pause only answers to what was sent before it come in: the same refusal once more.
        if now >= self.quiet_until:
            self._refused = max(self._floor, min(self.rate, self._flow(now)))
            self.rate = min(self.full, max(self._floor, self._refused / 2))
            self._tokens = min(self._tokens, 1.0)
        wait = max(pause or self._pause, self._pause / 5)
        self.quiet_until = max(self.quiet_until, now + min(wait, LONGEST_PAUSE))

    def answered(self, now: float) -> None:
        """The service is content: let the rate grow back."""
        since = max(self._told, self.quiet_until)
        self._told = max(now, self._told)
        if self.rate >= self.full or now <= since:
            return
        self._fill(now)
        known = self._refused if math.isinf(self.full) else self.full
        self.rate += known / 2 / self._recovery * (now - since)
        if self.rate >= min(self.full, _FORGIVEN * known):
            self.rate = self.full

    def _fill(self, now: float) -> None:
        if now > self._filled:
            self._tokens = min(self.burst, self._tokens + (now - self._filled) * self.rate)
            self._filled = now
        if math.isinf(self.rate):
            self._tokens = self.burst

    def _flow(self, now: float) -> float:
        return self._recent * math.exp((self._counted - now) / self._window)


class Ticket:
    """One job's place in the watcher; a context manager that closes itself."""

    __slots__ = ("_asks", "_begun", "_plan", "_rate", "_slept", "_watcher")

    def __init__(self, watcher: Watcher, plan: Plan) -> None:
        self._watcher, self._plan = watcher, plan
        self._rate, self._slept, self._begun = 0.0, watcher._slept, False
        self._asks = False

    async def turn(
        self, elapsed: float, failures: int = 0, *, left: float | None = None, at_once: bool = False
    ) -> None:
        """Return when this job may ask; `elapsed` is in seconds since its submit.

        The question counts as out until the next turn is wanted or the ticket is closed.

        After `failures` unanswered questions in a row it waits longer. The question is placed at most `left`
        seconds ahead, and now with `at_once` (a result that is known to be there, a resumed job): the budget
        holds for these too. Cancelling gives the place back.
        """
        await self._watcher._turn(self, elapsed, failures, left, at_once=at_once)

    def close(self) -> None:
        """This job asks no more; closing twice changes nothing."""
        self._watcher._asked(self)
        self._watcher._plan_changed(self, 0.0)

    def __enter__(self) -> Ticket:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _age(self, elapsed: float) -> float:
        # The job went on while the machine slept and the monotonic clock stood still.
        return elapsed + self._watcher._slept - self._slept

    def _delay(self, planned: float, failures: int, chance: float) -> float:
        if failures:
            return next_try(failures, self._plan.time_scale) * (0.75 + chance / 2)
        # Jobs that begin together begin at different places of their plan, so that they do not ask together.
        begun, self._begun = self._begun, True
        return planned if begun else planned * (0.5 + chance / 2)


class Watcher:
    """Says when which job may ask. One per process and budget, used on one event loop only.

    `requests_per_minute` counts submits and polls in real minutes; None means no limit until the service
    refuses something. `chance` returns numbers in [0, 1).
    """

    def __init__(
        self,
        clock: Clock,
        requests_per_minute: float | None = None,
        *,
        time_scale: float = 1.0,
        chance: Callable[[], float] = random.random,
    ) -> None:
        now = clock.monotonic()
        self._pace = Pace(requests_per_minute, time_scale, now)
        self._clock, self._chance, self._grain = clock, chance, _GRAIN / time_scale
        self._seen, self._offset, self._slept = now, clock.wall() - now, 0.0
        # Planned time, and the sum of the rates that the plans of all open tickets ask for.
        self._planned, self._demand = 0.0, 0.0
        self._number = count()
        self._later: list[tuple[float, int, float, _Turn]] = []
        self._due: list[tuple[float, int, _Turn]] = []
        self._submits: deque[_Turn] = deque()
        self._submits_in_a_row = self._waiting = self._out = 0
        # A timer and no task: each step of a task that sleeps would be one more turn of the loop a question.
        self._alarm: Alarm | None = None
        self._wakes = math.inf

    @property
    def quiet(self) -> float:
        """Seconds for which nothing will be sent, because the service asked for it."""
        return max(0.0, self._pace.quiet_until - self._clock.monotonic())

    def open(self, plan: Plan) -> Ticket:
        """A place for one job; close it when the job is over."""
        return Ticket(self, plan)

    async def submit_turn(self) -> None:
        """Return when a submit may be sent: before the polls that wait, but not before all of them."""
        self._advance()
        turn: _Turn = asyncio.get_running_loop().create_future()
        self._submits.append(turn)
        await self._stand(turn, 0.0)

    def told(self, status_code: int, pause_asked: float | None = None) -> None:
        """Hear how the service answered, and for how many seconds it asked for quiet."""
        now = self._advance()
        if status_code == 429 or (status_code >= 400 and pause_asked):
            self._pace.refused(now, pause_asked)
        elif status_code < 400:
            self._pace.answered(now)

    async def _turn(
        self, ticket: Ticket, elapsed: float, failures: int, left: float | None, *, at_once: bool
    ) -> None:
        self._advance()
        self._asked(ticket)
        speed = self._speed()
        planned = ticket._plan.next_delay(ticket._age(elapsed), speed)
        delay = 0.0 if at_once else ticket._delay(planned, failures, self._chance())
        delay = delay if left is None else min(delay, max(0.0, left))
        self._plan_changed(ticket, 1.0 / (planned * speed))
        turn: _Turn = asyncio.get_running_loop().create_future()
        place, patience = self._planned + delay * speed, 0.0 if at_once else planned * speed
        heappush(self._later, (place, next(self._number), patience, turn))
        try:
            await self._stand(turn, delay)
            ticket._asks = True
        except asyncio.CancelledError:
            self._out -= not turn.cancelled()
            raise

    def _asked(self, ticket: Ticket) -> None:
        """The question of this ticket, if one was out, has been answered or lost."""
        if ticket._asks:
            ticket._asks = False
            self._out -= 1
            if self._due:
                self._look_again()

    async def _stand(self, turn: _Turn, delay: float) -> None:
        """Wait for a turn that has its place already."""
        self._waiting += 1
        self._stir(delay)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.cancelled():
                self._waiting -= 1
            else:
                self._pace.give_back()
            self._look_again()
            raise

    def _stir(self, delay: float) -> None:
        """Serve in at most `delay` seconds from when the clock was last looked at."""
        if self._seen + delay < self._wakes:
            self._rest()
            pause = min(_LOOK, max(0.0, delay))
            self._wakes = self._seen + pause
            self._alarm = self._clock.call_later(pause, self._wake)

    def _look_again(self) -> None:
        if self._waiting:
            self._stir(0.0)
        else:
            self._rest()
            self._clear()

    def _wake(self) -> None:
        self._rest()
        try:
            pause = self._serve()
            if self._waiting:
                self._stir(pause)
        except Exception as error:  # noqa: BLE001 - whoever waits must hear of it, or would wait for ever
            self._give_up(error)
        if not self._waiting:
            self._clear()

    def _rest(self) -> None:
        if self._alarm is not None:
            self._alarm.cancel()
        self._alarm, self._wakes = None, math.inf

    def _serve(self) -> float:
        """Give out the turns that may be had now; seconds until there may be another."""
        now = self._advance()
        while self._later and self._later[0][0] <= self._planned + self._grain / 2:
            place, number, patience, turn = heappop(self._later)
            heappush(self._due, (place + patience, number, turn))
        while self._anyone() and self._pace.take(now):
            self._next().set_result(None)
            self._waiting -= 1
        return max(self._grain, self._until_next(now))

    def _until_next(self, now: float) -> float:
        first = (self._later[0][0] - self._planned) / self._speed() if self._later else math.inf
        return min(first, self._pace.wait(now)) if self._anyone() else first

    def _anyone(self) -> bool:
        while self._submits and self._submits[0].done():
            self._submits.popleft()
        while self._due and self._due[0][2].done():
            heappop(self._due)
        return bool(self._submits or self._may_poll())

    def _may_poll(self) -> bool:
        return bool(self._due) and self._out < _AT_A_TIME

    def _next(self) -> _Turn:
        if self._submits and (self._submits_in_a_row < _SUBMITS or not self._may_poll()):
            self._submits_in_a_row += 1
            return self._submits.popleft()
        self._submits_in_a_row = 0
        self._out += 1
        return heappop(self._due)[2]

    def _advance(self) -> float:
        """Bring planned time up to the present and return the monotonic time."""
        now = self._clock.monotonic()
        self._planned += (now - self._seen) * self._speed()
        self._seen = now
        offset = self._clock.wall() - now
        if offset - self._offset > _SLEPT:
            self._woke_up(offset - self._offset)
        self._offset = offset
        return now

    def _woke_up(self, slept: float) -> None:
        """Everything may have ended meanwhile: all that waits is due, and pauses are over."""
        self._slept += slept
        self._pace.quiet_until -= slept
        self._planned = max([self._planned, *(place for place, *_ in self._later)])
        self._look_again()

    def _speed(self) -> float:
        """How fast planned time runs: below 1 while all plans together ask for more than there is."""
        share = _SHARE * self._pace.rate
        return 1.0 if self._demand <= share else share / self._demand

    def _plan_changed(self, ticket: Ticket, rate: float) -> None:
        self._advance()
        before = self._speed()
        # Sums of floats drift: never below zero.
        self._demand = max(0.0, self._demand + rate - ticket._rate)
        ticket._rate = rate
        if self._speed() > before:
            self._look_again()

    def _give_up(self, error: Exception) -> None:
        planned = [entry[3] for entry in self._later] + [entry[2] for entry in self._due]
        for turn in (*self._submits, *planned):
            if not turn.done():
                turn.set_exception(error)
                self._waiting -= 1

    def _clear(self) -> None:
        # Nobody waits, or the loop is closing: what is left are places that were given back.
        self._later.clear()
        self._due.clear()
        self._submits.clear()


_lock = threading.Lock()
_shared: WeakValueDictionary[Hashable, Watcher] = WeakValueDictionary()


def shared(name: Hashable, make: Callable[[], Watcher]) -> Watcher:
    """The watcher of this process for `name` (an account at a service), made when there is none."""
    with _lock:
        found = _shared.get(name)
        if found is None:
            found = _shared[name] = make()
        return found
