"""What a card says, as markup: pure functions of a job, without widgets.

While a job is live its card has three parts that change at their own pace: the head (who), the bar and the
status line. When the job is over, `final` is the whole card in plain HTML that needs no kernel.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, Protocol

from ..errors import KlingError, Stopped, SubmitUnknown
from ..markup import LITERAL, escape, money_text, short, tag, time_text
from ..media.trouble import place
from ..model.code import python_code
from ..model.pictures import code as picture_code
from ..model.table import table
from ..states import JobEvent, State
from .advice import advice


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
    @property
    def history(self) -> tuple[JobEvent, ...]: ...

    request: Any
    take: int
    reused: bool
    resumed: bool
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
_LONGEST = 8000  # characters of code in a saved notebook
_UNSEEN = 0.05  # seconds: shorter than a job, longer than the step from one news to the next
STOP_HINT = "No longer watch this job. It goes on at the service and is billed."

# Plain HTML gets inline style only; an untrusted notebook drops variables, and what is left still reads well.
_BOX = (
    "border:1px solid rgba(128,128,128,.35);border-radius:6px;padding:10px 14px;margin:4px 0;max-width:760px;"
    "line-height:1.5;font-size:13px;box-sizing:border-box"
)
_TITLE = "font-weight:600;font-size:14px"
_FACTS = "opacity:.8;overflow-wrap:anywhere"
_ID = "font-family:monospace;font-size:12px;user-select:all"
_CODE = (
    "white-space:pre-wrap;overflow-wrap:anywhere;margin:6px 0 0;padding:6px 8px;font-size:12px;"
    "line-height:1.45;border:1px solid rgba(128,128,128,.35);border-radius:4px;user-select:all;"
    "word-break:normal"
)
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
    """The state in words, the time so far, the usual range, the stages, and what there is to say."""
    state = tag("span", escape(_WORDS[job.state]), class_="kling-state")
    facts = [time_text(int(job.elapsed)), *_expected(job)]
    line = tag("div", state, tag("span", "".join(f" · {fact}" for fact in facts), class_="kling-muted"))
    remark = _STOPPING if stopping else job.note or _advice(job)
    below = (" · ".join(stages(job)), remark)
    return line + "".join(tag("div", escape(words), class_="kling-muted") for words in below if words)


def stages(job: Shown) -> tuple[str, ...]:
    """How long each stage took: `submitted in 0.4 s`, `queued 12 s`, `in the making 31 s`.

    Empty where nobody watched from the start. Two that ended between the same two questions are one.
    """
    first = {event.state: event for event in reversed(job.history)}
    queued, making = first.get(State.QUEUED), first.get(State.PROCESSING)
    if queued is None or job.resumed:
        return ()
    so_far = (f"submitted in {_span(queued.elapsed)}",)
    if making is None:
        return (*so_far, f"queued {_since(job, queued)}")
    # With a remark it is the news that the file is being fetched: nobody saw the making begin.
    if making.note or (job.is_over and job.elapsed - making.elapsed < _UNSEEN):
        return (*so_far, f"queued and made in {_since(job, queued)}")
    made = "made and fetched in" if job.is_over and job.error is None else "in the making"
    queue = f"queued {_span(making.elapsed - queued.elapsed)}"
    return (*so_far, queue, f"{made} {_since(job, making)}")


def _since(job: Shown, event: JobEvent) -> str:
    if job.is_over:
        return _span(job.elapsed - event.elapsed)
    # In whole seconds, and of the same beat as the time of all, so that both change in one message.
    return time_text(max(0, round(int(job.elapsed) - event.elapsed)))


def _advice(job: Shown) -> str:
    began = next((event.elapsed for event in job.history if event.state is job.state), 0.0)
    usual = job.estimate.high if job.estimate else None
    return advice(job.state, job.elapsed - began, job.elapsed, usual)


def range_text(expected: Range) -> str:
    """`40 to 70 s`, and in minutes where seconds would feign precision."""
    unit, length = ("s", 1) if expected.high < 99.5 else ("min", 60)
    low, high = (_figure(seconds / length, unit) for seconds in (expected.low, expected.high))
    return f"{high} {unit}" if low == high else f"{low} to {high} {unit}"


def _span(seconds: float) -> str:
    return f"{max(0.0, seconds):.1f} s" if seconds < 9.95 else time_text(seconds)


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
        return _card("kling-over", *_trouble(job, job.error), _facts(job), _fold(job))
    results = [_media_html(each) for each in job.outputs] if media else []
    if media and not job.outputs and job.value is not None:
        results = [tag("pre", escape(short(str(job.value), 2000)), style="white-space:pre-wrap;margin:4px 0")]
    return _card("kling-done", _title(job), *results, _facts(job), _fold(job))


def _card(kind: str, *rows: str) -> str:
    return tag("div", *rows, style=_BOX, class_=f"kling-final {kind} {LITERAL}")


def final_text(job: Shown) -> str:
    """The same in one deterministic line, for where only text is shown."""
    if isinstance(job.error, Stopped):
        return f"{job.model}: no longer watched"
    return f"{job.model}: {job.state}"


def _title(job: Shown) -> str:
    prompt = tag("div", escape(short(job.prompt, 300)), style=_FACTS) if job.prompt else ""
    return tag("div", escape(job.title), style=_TITLE) + prompt


def _facts(job: Shown) -> str:
    times = " · ".join(map(escape, (_end_word(job), *stages(job))))
    facts = [*_price(job), *([f"take {job.take}"] if job.take > 1 else [])]
    if job.request_id:
        facts.append(f"request {tag('span', escape(job.request_id), style=_ID)}")
    lines = [times, " · ".join(facts)]
    lines += [f"saved as {tag('span', escape(place(each.path)), style=_ID)}" for each in job.outputs]
    return tag("div", *(tag("div", line) for line in lines if line), style=_FACTS)


def _price(job: Shown) -> list[str]:
    cost = job.metrics.get("cost")
    if isinstance(cost, (int, float)):
        return [escape(money_text(cost))]
    return [] if job.error else ["cost not reported"]


def _end_word(job: Shown) -> str:
    time = time_text(job.elapsed)
    if job.error is not None:
        return f"ended after {time}"
    return f"made earlier in {time}, nothing was bought now" if job.reused else f"done in {time}"


def _fold(job: Shown) -> str:
    """What was set, and the code that asks for it: folded away by the browser alone, no kernel needed."""
    asked = {name: value for name, value in job.request.values().items() if name != "prompt"}
    rows = [(name, short(value_text(value), 200)) for name, value in asked.items()]
    inside = [table(("setting", "value"), rows)] if rows else []
    code = request_code(job.request)
    if code:
        inside.append(_code(code))
    inside += [_code("\n".join(_next(job)))] if job.error is None and job.outputs else []
    if not inside:
        return ""
    words = "Settings and code" if rows else "Code"
    return tag("details", tag("summary", words, style="cursor:pointer"), *inside, style="margin-top:6px")


def _code(code: str) -> str:
    inside = tag("code", escape(code), style="word-break:inherit")  # not in the middle of a word
    return tag("pre", inside, style=_CODE, title="One click selects all of it")


def _next(job: Shown) -> Iterator[str]:
    """What can be done with a result, as code: a card that outlives its kernel has no buttons."""
    yield 'kling.run(request, take="new")  # another take of the request above'
    for made in job.outputs:
        path = json.dumps(place(made.path), ensure_ascii=False)
        still = f"kn.Video({path}).last_frame()" if hasattr(made, "last_frame") else f"kn.Image({path})"
        yield f"{still}  # wherever a picture is wanted"


def value_text(value: Any) -> str:
    """A setting in words; a picture by the name of its file."""
    if isinstance(value, dict):
        return ", ".join(f"{name}: {value_text(each)}" for name, each in value.items())
    if isinstance(value, (list, tuple)):
        return "; ".join(map(value_text, value))
    if isinstance(value, bool):
        return "on" if value else "off"
    if _is_digest(value):
        return f"picture {value.rpartition('/')[2][:8]}"
    if value is None or isinstance(value, (str, int, float)):
        return str(value)
    path = value if isinstance(value, os.PathLike) else getattr(value, "path", None)
    return picture_code(value) if path is None else os.path.basename(os.fsdecode(path))  # noqa: PTH119


def request_code(request: Any) -> str:
    """The Python that asks for the same; empty where only the job's id is known."""
    if not hasattr(request, "code"):
        given = request.values()
        if not given:
            return ""
        request = replace(request, given=_with_gaps(given))
    code = python_code(request).strip()
    return code if len(code) <= _LONGEST else ""


def _with_gaps(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _with_gaps(each) for name, each in value.items()}
    if isinstance(value, list):
        return [_with_gaps(each) for each in value]
    return _Picture() if _is_digest(value) else value


class _Picture:
    """What stands in code for a picture of which the ledger has the digest only."""


def _is_digest(value: Any) -> bool:
    from ..jobs.purchase import _CONTENT  # with all that it takes to buy, which a form does not need at first

    return isinstance(value, str) and value.startswith(_CONTENT)


def _trouble(job: Shown, error: KlingError) -> list[str]:
    is_stop = isinstance(error, Stopped)
    heading = tag("div", escape(_heading(error)), style=_GOOD if is_stop else _BAD)
    answers = (
        ("Was I charged?", error.charged_text),
        ("Is it safe to try again?", error.again or _AGAIN[error.charged]),
        ("What now?" if is_stop else "What do I change?", error.todo or "Nothing in the request."),
    )
    rows = [tag("div", tag("b", escape(q)), f" {escape(a)}", style=_ANSWER) for q, a in answers]
    listed = tag("div", *rows, style="margin:6px 0")
    return [_title(job), heading, tag("div", escape(error.what), style="margin-top:2px"), listed]


_AGAIN = {
    "no": "Yes: nothing was bought.",
    "yes": "Submitting again buys a second job.",
    "maybe": "Look first whether it was made: submitting again may buy it twice.",
}
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
