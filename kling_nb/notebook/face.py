"""What a card says, as markup: pure functions of a job, without widgets.

While a job is live its card has three parts that change at their own pace: the head (who), the bar and the
status line. When the job is over, `final` is the whole card in plain HTML that needs no kernel.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from ..errors import KlingError, Stopped, SubmitUnknown
from ..markup import escape, money_text, short, tag, time_text
from ..states import State


class Range(Protocol):
    """How long a job is likely to take."""

    @property
    def low(self) -> float: ...
    @property
    def high(self) -> float: ...
    @property
    def source(self) -> str: ...
    def fraction(self, elapsed: float) -> float | None: ...


class Shown(Protocol):
    """What a card asks of a job."""

    @property
    def title(self) -> str: ...
    @property
    def model(self) -> str: ...
    @property
    def prompt(self) -> str: ...
    @property
    def state(self) -> State: ...
    @property
    def elapsed(self) -> float: ...
    @property
    def is_over(self) -> bool: ...

    request_id: str | None
    estimate: Any
    error: KlingError | None
    note: str
    metrics: dict[str, Any]
    outputs: tuple[Any, ...]
    value: Any

    def stop(self) -> None: ...


_WORDS: Mapping[State, str] = {
    State.SUBMITTING: "Submitting",
    State.QUEUED: "In the queue",
    State.PROCESSING: "In the making",
    State.COMPLETED: "Made, fetching the file",
    State.FAILED: "Failed",
    State.UNKNOWN: "Outcome unknown",
}
_STOPPING = "Stopping as soon as the submit is answered, so that its request id is known."
STOP_HINT = "No longer watch this job. It goes on at the service and is billed."

# Plain HTML gets inline style only; an untrusted notebook drops variables, and what is left still reads well.
_BOX = (
    "border:1px solid rgba(128,128,128,.35);border-radius:6px;padding:10px 14px;margin:4px 0;max-width:760px;"
    "line-height:1.5;font-size:13px;box-sizing:border-box"
)
_TITLE = "font-weight:600;font-size:14px"
_FACTS = "opacity:.8;overflow-wrap:anywhere"
_ID = "font-family:monospace;font-size:12px;user-select:all"
_GOOD = "font-weight:600;margin-top:6px"
_BAD = "color:var(--jp-error-color1,#d32f2f);font-weight:600;margin-top:6px"


def head(job: Shown) -> str:
    """Who it is: the model, the prompt, and the request id once there is one."""
    lines = [tag("div", escape(job.title), class_="kling-title")]
    if job.prompt:
        lines.append(tag("div", escape(short(job.prompt, 140)), class_="kling-muted", title=job.prompt))
    if job.request_id:
        number = tag("span", escape(job.request_id), class_="kling-id")
        lines.append(tag("div", "Request ", number, class_="kling-muted"))
    return "".join(lines)


def bar(job: Shown) -> str:
    """The bar: a share of the usual time, or just moving when that is over or not known."""
    share = _share(job)
    if share is None:
        word = "past the usual time" if job.estimate else ""
        return _bar(tag("div"), "kling-bar kling-open", word, "in progress, end not known")
    percent = round(100 * share)
    filled = tag("div", style=f"width:{percent}%")
    return _bar(filled, "kling-bar", "estimated", f"about {percent} % of the usual time, estimated")


def _bar(inner: str, classes: str, word: str, spoken: str) -> str:
    track = tag("div", inner, class_=classes, role="progressbar", aria_label=spoken, title=spoken)
    beside = tag("span", escape(word), class_="kling-muted") if word else ""
    return tag("div", track, beside, class_="kling-track")


def status(job: Shown, *, stopping: bool = False) -> str:
    """The state in words, the time so far, the usual range, and the latest remark."""
    state = tag("span", escape(_WORDS[job.state]), class_="kling-state")
    facts = [time_text(int(job.elapsed)), *_expected(job)]
    line = tag("div", state, tag("span", "".join(f" · {fact}" for fact in facts), class_="kling-muted"))
    remark = _STOPPING if stopping else job.note
    return line + (tag("div", escape(remark), class_="kling-muted") if remark else "")


def range_text(expected: Range) -> str:
    """`40 to 70 s`, and in minutes where seconds would feign precision."""
    unit, length = ("s", 1) if expected.high < 99.5 else ("min", 60)
    low, high = (_figure(seconds / length, unit) for seconds in (expected.low, expected.high))
    return f"{high} {unit}" if low == high else f"{low} to {high} {unit}"


def _figure(value: float, unit: str) -> str:
    return f"{max(1, round(value))}" if unit == "s" else f"{value:.1f}".removesuffix(".0")


def _share(job: Shown) -> float | None:
    return job.estimate.fraction(job.elapsed) if job.estimate else None


def _expected(job: Shown) -> list[str]:
    if job.estimate is None:
        return ["no estimate for this model"]
    usual = f"{range_text(job.estimate)} ({escape(job.estimate.source)})"
    if _share(job) is None:
        return [f"longer than the usual {usual}; the service does not say how much longer"]
    return [f"usually {usual}"]


# The end


def final(job: Shown, *, media: bool = True) -> str:
    """The whole card of a job that is over. Without `media` where the media is shown beside it anyway."""
    if job.error is not None:
        return tag("div", *_trouble(job, job.error), style=_BOX, class_="kling-final kling-over")
    results = [_media_html(each) for each in job.outputs] if media else []
    if media and not job.outputs and job.value is not None:
        results = [tag("pre", escape(short(str(job.value), 2000)), style="white-space:pre-wrap;margin:4px 0")]
    return tag("div", _title(job), *results, _facts(job), style=_BOX, class_="kling-final kling-done")


def final_text(job: Shown) -> str:
    """The same in one deterministic line, for where only text is shown."""
    if isinstance(job.error, Stopped):
        return f"{job.model}: no longer watched"
    return f"{job.model}: {job.state}"


def _title(job: Shown) -> str:
    prompt = tag("div", escape(short(job.prompt, 300)), style=_FACTS) if job.prompt else ""
    return tag("div", escape(job.title), style=_TITLE) + prompt


def _facts(job: Shown) -> str:
    facts = [escape(_end_word(job)), *_price(job)]
    if job.request_id:
        facts.append(f"request {tag('span', escape(job.request_id), style=_ID)}")
    return tag("div", " · ".join(facts), style=_FACTS)


def _price(job: Shown) -> list[str]:
    cost = job.metrics.get("cost")
    if isinstance(cost, (int, float)):
        return [escape(money_text(cost))]
    return [] if job.error else ["cost not reported"]


def _end_word(job: Shown) -> str:
    return f"done in {time_text(job.elapsed)}" if job.error is None else f"after {time_text(job.elapsed)}"


def _trouble(job: Shown, error: KlingError) -> list[str]:
    heading = tag("div", escape(_heading(error)), style=_GOOD if isinstance(error, Stopped) else _BAD)
    answers = (
        ("Was I charged?", error.charged_text),
        ("Is it safe to try again?", error.again),
        ("What now?", error.todo),
    )
    rows = [tag("div", tag("b", escape(q)), f" {escape(a)}", style=_ANSWER) for q, a in answers if a]
    listed = tag("div", *rows, style="margin:6px 0")
    return [_title(job), heading, tag("div", escape(error.what), style="margin-top:2px"), listed, _facts(job)]


_ANSWER = "margin-top:2px;white-space:pre-wrap;overflow-wrap:anywhere"


def _heading(error: KlingError) -> str:
    if isinstance(error, Stopped):
        return "Stopped watching"
    return "Nobody knows whether it was accepted" if isinstance(error, SubmitUnknown) else "It did not work"


def _media_html(media: Any) -> str:
    try:
        bundle = media._repr_mimebundle_()
        return str((bundle[0] if isinstance(bundle, tuple) else bundle)["text/html"])
    except Exception as error:  # noqa: BLE001 - a file that vanished must not cost the card
        return tag("div", escape(f"The file can not be shown: {error}"), style=_FACTS)
