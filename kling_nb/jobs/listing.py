"""Jobs as a list that reads well: a table in a notebook, lines in a terminal, handles in code."""

from __future__ import annotations

from collections.abc import Sequence

from ..markup import LITERAL, escape, money_text, short, tag, time_text
from .job import Job

_HEAD = ("model", "state", "prompt", "take", "seconds", "cost", "file or reason")
_CELL = "text-align:left;padding:2px 14px 2px 0;border-bottom:1px solid var(--jp-border-color2,#8884)"


class JobList(list[Job]):
    """A list of jobs, newest first."""

    def __init__(self, jobs: Sequence[Job] = (), title: str = "") -> None:
        super().__init__(jobs)
        self.title = title

    def __repr__(self) -> str:
        rows = [_HEAD, *(_row(job) for job in self)]
        widths = [max(len(cell) for cell in column) for column in zip(*rows, strict=True)]
        lines = ["  ".join(f"{c:<{w}}" for c, w in zip(row, widths, strict=True)).rstrip() for row in rows]
        return "\n".join([*([self.title] if self.title else []), *(lines if self else ["no jobs"])])

    def _repr_html_(self) -> str:
        head = tag("tr", *(tag("th", name, style=_CELL) for name in _HEAD))
        body = [tag("tr", *(tag("td", escape(cell), style=_CELL) for cell in _row(job))) for job in self]
        title = (
            tag("caption", escape(self.title), style="text-align:left;padding:2px 0") if self.title else ""
        )
        shown = tag("table", title, head, *body) if self else escape(self.title or "No jobs.")
        return tag("div", shown, class_=LITERAL)


def _row(job: Job) -> tuple[str, ...]:
    return (
        job.model,
        str(job.state),
        short(job.prompt, 48),
        str(job.take),
        time_text(job.elapsed) if job.is_over and job.elapsed else "",
        "" if job.cost is None else money_text(job.cost),
        _outcome(job),
    )


def _outcome(job: Job) -> str:
    if job.error is not None:
        return short(job.error.what, 60)
    return job.media.path.name if job.media is not None else ""
