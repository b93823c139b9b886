"""Jobs that stand still until a test moves them, and a client that begins such jobs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import kling_nb as kn
from kling_nb.errors import KlingError, Stopped
from kling_nb.jobs.estimate import Estimate
from kling_nb.notebook.form import Form
from kling_nb.states import JobEvent, State

PRO = "kling-3-pro-image2video"


@dataclass
class StillJob:
    """What a card asks of a job, set by hand."""

    title: str = "Kling 3.0 Text to Image"
    model: str = "kling-3-text2image"
    prompt: str = "a fox in the snow"
    state: State = State.PROCESSING
    elapsed: float = 12.0
    is_over: bool = False
    request_id: str | None = "7f9c-11"
    estimate: Estimate | None = Estimate(40, 70, "published latency")  # noqa: RUF009 - frozen
    error: KlingError | None = None
    note: str = ""
    metrics: dict[str, Any] = field(default_factory=dict)
    outputs: tuple[Any, ...] = ()
    value: Any = None
    request: Any = field(default_factory=lambda: kn.Kling3TextToImage(prompt="a fox in the snow"))
    history: tuple[JobEvent, ...] = ()
    take: int = 1
    reused: bool = False
    resumed: bool = False
    stops: int = 0

    def stop(self) -> None:
        self.stops += 1

    def end(self, error: KlingError | None = None) -> None:
        """Be over."""
        self.error = error
        self.state = State.COMPLETED if error is None else State.FAILED
        self.is_over = True

    def end_stopped(self) -> None:
        """Be no longer watched."""
        self.error = Stopped("No longer watched.", request_id=self.request_id, todo='kling.resume("7f9c-11")')
        self.is_over = True


@dataclass
class Picture:
    """A result that shows itself."""

    markup: str = "<figure>a picture</figure>"
    path: Path = Path("kling-media/fox.png")

    def _repr_mimebundle_(self, **_: Any) -> dict[str, str]:
        return {"text/html": self.markup}


class ListeningJob(StillJob):
    """A job that tells its listeners."""

    def add_listener(self, listener: Callable[[JobEvent], None]) -> Callable[[], None]:
        self.listener = listener
        return lambda: None

    def move(self, state: State) -> None:
        self.state = state
        self.listener(JobEvent(state, 1.0))


class StillClient:
    """Begins jobs that stand still."""

    def __init__(self) -> None:
        self.asked: list[Any] = []
        self.jobs: list[ListeningJob] = []

    def _begin(self, request: Any) -> ListeningJob:
        self.asked.append(request)
        self.jobs.append(ListeningJob(state=State.SUBMITTING, request_id=None))
        return self.jobs[-1]


def note(made: Form, path: str) -> str:
    """What is written below the control of `path`."""
    return str(next(control for known, control in made._walk() if known == path).note.value)
