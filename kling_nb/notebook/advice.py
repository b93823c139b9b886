"""What to tell somebody who waits, by the state of the job and its age: a table and a pure function.

The service reports neither a place in the queue nor progress, so nothing here pretends to know either.
"""

from __future__ import annotations

from collections.abc import Mapping

from ..states import State

_LIFE = 3600.0  # seconds that the service keeps the record of a job, counted from its submit
_SOON = 600.0  # before that, it is worth a word

_LATE = (
    "The service forgets a job an hour after its submit. It is still asked until then, and after that the "
    "account's history is."
)
_NO_SECOND = "Do not submit it again: that would be a second job."

# (seconds in the state, what to say from then on), the highest that is reached counts.
_ADVICE: Mapping[State, tuple[tuple[float, str], ...]] = {
    State.SUBMITTING: (
        (10, "Pictures are uploaded before the request is sent."),
        (45, "No answer yet. A submit is repeated only where the service surely did not take it."),
    ),
    State.QUEUED: (
        (20, "Waiting for a free machine; the service does not tell the place in the queue."),
        (120, "Queued for 2 minutes: a cold start is likely. There is nothing to do but wait."),
        (300, "Queued for 5 minutes. You need not wait here: client.recover() collects it later."),
        (900, f"Queued for a quarter of an hour. A job that fails is not charged. {_NO_SECOND}"),
    ),
    State.PROCESSING: (
        (180, "You need not wait here: it goes on by itself, and client.recover() collects it later."),
    ),
}
_OVERDUE = (
    (1.0, "Longer than usual is no failure: the file is fetched as soon as it is made."),
    (2.0, f"Twice the usual time. It is asked about less often now. {_NO_SECOND}"),
)


def advice(state: State, in_state: float, elapsed: float, usual: float | None = None) -> str:
    """What to say now, or nothing: `in_state` and `elapsed` seconds in this state and since the submit.

    `usual` is the longest a job like this usually takes, None when nobody knows.
    """
    if elapsed >= _LIFE - _SOON and state in (State.QUEUED, State.PROCESSING):
        return _LATE
    said = _reached(_ADVICE.get(state, ()), in_state)
    if state is State.PROCESSING and usual:
        return _reached(_OVERDUE, elapsed / usual) or said
    return said


def _reached(steps: tuple[tuple[float, str], ...], age: float) -> str:
    return next((words for start, words in reversed(steps) if age >= start), "")
