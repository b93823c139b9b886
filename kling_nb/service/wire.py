"""Between the service's JSON and our values: every body shape seen or documented is read here, only here."""

from __future__ import annotations

import ast
import json
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from .. import errors
from ..markup import mask, sentence, short
from ..states import State, state_of
from .retry import asked_pause, moment_of


@dataclass(frozen=True)
class Answer:
    """An HTTP answer as it arrived; `at` is the wall time in seconds it was read."""

    status: int
    headers: Mapping[str, str] = field(repr=False)
    content: bytes = field(repr=False)  # it may repeat the key, and tracebacks print what frames hold
    at: float = 0.0

    @property
    def media_type(self) -> str:
        """The Content-Type without its parameters, in lower case."""
        return self.headers.get("content-type", "").split(";")[0].strip().lower()

    @property
    def is_success(self) -> bool:
        """True for a 2xx."""
        return 200 <= self.status < 300

    @property
    def pause(self) -> float | None:
        """For how many seconds the service asked for quiet; None when it did not."""
        return asked_pause(self.headers, self.at)

    def json(self) -> Any:
        """The body as a JSON value, or None when it is no JSON (a page, nothing at all)."""
        return _loaded(self.content)

    def object(self) -> dict[str, Any]:
        """The body as a JSON object, empty when it is none."""
        value = self.json()
        return value if isinstance(value, dict) else {}

    def body(self) -> Any:
        """The body for a person to look at: the JSON value, else the text."""
        value = self.json()
        return value if value is not None else self.content.decode("utf-8", "replace")

    def said(self) -> dict[str, Any]:
        """What errors keep of it."""
        return {"status": self.status, "body": self.body()}


@dataclass(frozen=True)
class Status:
    """What one status or result answer said about a job."""

    state: State | None
    error: str = ""
    metrics: dict[str, Any] = field(default_factory=dict)
    body: Any = None


@dataclass(frozen=True)
class Output:
    """One file that a job made: where it is, and what the service says it is."""

    url: str
    content_type: str = ""
    file_name: str = ""


@dataclass(frozen=True)
class Credits:
    """The balance of the account, in US dollars: what was paid in and what was given."""

    paid: float
    free: float

    @property
    def total(self) -> float:
        """All that can be spent."""
        return self.paid + self.free

    def __float__(self) -> float:
        return self.total

    def __repr__(self) -> str:
        return f"<Credits ${self.total:.2f} (paid ${self.paid:.2f}, free ${self.free:.2f})>"


class Address(str):
    """The hosted address of a picture. It holds the account's e-mail, so only `print` shows it whole."""

    __slots__ = ()

    def __repr__(self) -> str:
        return mask(super().__repr__())


@dataclass(frozen=True, repr=False)
class HistoryRow:
    """One request of this account as the service remembers it, at any age.

    `cost` is in US dollars, `seconds` the run time, `created` in seconds since the epoch, `url` the output
    file (which lives 7 days).
    """

    request_id: str
    model: str
    state: State | None
    cost: float | None
    seconds: float | None
    url: str | None
    error: str
    body: dict[str, Any] | None
    created: float | None
    raw: dict[str, Any]

    def __repr__(self) -> str:
        shown = {name: value for name, value in vars(self).items() if name != "raw" and value is not None}
        # Addresses of uploaded pictures hold the account's e-mail.
        return mask(f"HistoryRow({', '.join(f'{name}={value!r}' for name, value in shown.items())})")


def request_id_of(answer: Answer) -> str | None:
    """The id in the answer to a submit, or None when there is none to be read."""
    found = answer.object().get("request_id")
    return found if isinstance(found, str) and found.strip() else None


def status_of(answer: Answer) -> Status | None:
    """What an answer says about a job; the body is believed before the HTTP code. None: it says nothing."""
    value = answer.object()
    if not isinstance(value.get("status"), str):
        return None
    metrics = value.get("metrics")
    metrics = metrics if isinstance(metrics, dict) else {}
    return Status(state_of(value["status"]), _sentence(value), metrics, value)


def outputs_of(body: Any) -> tuple[Output, ...]:
    """Every file named in a result body, in order and without repeats, whatever shape the body has."""
    found: dict[str, Output] = {}
    for item in _media_objects(body):
        known = found.get(item.url)
        if known is None or (item.content_type and not known.content_type):
            found[item.url] = item
    return tuple(found.values())


def value_of(body: Any) -> Any:
    """The output of a model that makes no file (a voice id, a text): parsed when it is JSON in a string."""
    output = body.get("output") if isinstance(body, dict) else body
    parsed = _parsed(output)
    return output if parsed is None else parsed


def credits_of(answer: Answer) -> Credits | None:
    """The balance; the free part is spelt with a hyphen in the published body."""
    value = answer.object()
    if not {"credits", "free-credits"} & value.keys():
        return None
    free = value.get("free-credits", value.get("free_credits"))
    return Credits(_float(value.get("credits")) or 0.0, _float(free) or 0.0)


def uploaded_of(answer: Answer) -> list[str]:
    """The addresses in the answer to an upload: `file_urls` in practice, `urls` in the vendor's page."""
    value = answer.object()
    found = value.get("file_urls") or value.get("urls")
    return [url for url in found if is_web_url(url)] if isinstance(found, list) else []


def history_of(value: Any) -> list[HistoryRow]:
    """History rows; a request with several outputs is repeated by the service and is one row here."""
    rows = value.get("data", value) if isinstance(value, dict) else value
    rows = [rows] if isinstance(rows, dict) else rows if isinstance(rows, list) else []
    found: dict[str, HistoryRow] = {}
    for row in rows:
        if isinstance(row, dict) and isinstance(row.get("request_id"), str):
            found.setdefault(row["request_id"], _history_row(row))
    return list(found.values())


def error_of(answer: Answer, request_id: str | None = None, doing: str = "") -> errors.ServiceError:
    """The typed error for an answer that is not a success."""
    text = _text(answer)
    words = f"said: {text}" if text else "gave no reason"
    error = _kind(answer.status, text, request_id)(
        sentence(f"{doing or 'The request'} was answered with HTTP {answer.status}; the service {words}"),
        request_id=request_id,
        retry_after=answer.pause,
        **answer.said(),
    )
    if isinstance(error, errors.NotAcceptable):
        error.reason = _reason(text)
    if isinstance(error, errors.Unauthorized) and "missing" in text.lower():
        error.todo = "The key did not arrive although one is set: a proxy or redirect may have dropped it."
    return error


def is_web_url(text: object) -> bool:
    """True for an absolute http or https address with a host."""
    if not isinstance(text, str):
        return False
    try:
        parts = urlsplit(text)
        return parts.scheme.lower() in {"http", "https"} and bool(parts.hostname)
    except ValueError:
        return False


_BY_STATUS: dict[int, type[errors.ServiceError]] = {
    400: errors.BadRequest,
    401: errors.Unauthorized,
    403: errors.Forbidden,
    404: errors.NotFound,
    406: errors.NotAcceptable,
    410: errors.ModelRetired,
    422: errors.Unprocessable,
    429: errors.RateLimited,
}


def _kind(status: int, text: str, request_id: str | None) -> type[errors.ServiceError]:
    if status == 404 and request_id:
        return errors.RequestExpired
    if status == 406:
        return {
            "credits": errors.InsufficientCredits,
            "spend_limit": errors.SpendLimitReached,
        }.get(_reason(text), errors.NotAcceptable)
    if status in _BY_STATUS:
        return _BY_STATUS[status]
    if 400 <= status < 500:
        return errors.BadRequest
    return errors.ServerError if status >= 500 else errors.UnexpectedAnswer


def _reason(text: str) -> Any:
    lower = text.lower()
    if "content type" in lower or "content-type" in lower:
        return "content_type"
    if "credit" in lower or "balance" in lower:
        return "credits"
    # "limit" alone would also catch "above the limit of 15 s": a spend limit names the money or the team.
    if "limit" in lower and any(word in lower for word in ("spend", "team", "budget", "cap")):
        return "spend_limit"
    return "parameter"


def _text(answer: Answer) -> str:
    value = answer.json()
    if isinstance(value, dict):
        return _sentence(value)
    if value is None and answer.content:
        page = answer.content.lstrip()[:1] == b"<"
        return "(a web page instead of an answer)" if page else short(str(answer.body()), 300)
    return short(value, 300) if isinstance(value, str) else ""


def _sentence(value: Mapping[str, Any]) -> str:
    for name in ("error", "error_description", "message", "detail", "errors"):
        said = value.get(name)
        if said:
            described = value.get("error_description") if name == "error" else None
            return " - ".join(_flat(part) for part in (said, described) if part)
    return ""


def _flat(said: Any) -> str:
    if isinstance(said, str):
        return said.strip()
    if isinstance(said, dict):
        return _sentence(said) or json.dumps(said, ensure_ascii=False, default=str)
    if isinstance(said, list):
        return "; ".join(_flat(part) for part in said)
    return str(said)


def _media_objects(value: Any) -> Iterator[Output]:
    """Files named in a body or a part of it, the richest places first."""
    if isinstance(value, str):
        if is_web_url(value):
            yield Output(value)
        else:
            yield from _media_objects(_parsed(value))
    elif isinstance(value, list):
        for item in value:
            yield from _media_objects(item)
    elif isinstance(value, dict):
        yield from _named_media(value)


def _named_media(value: Mapping[str, Any]) -> Iterator[Output]:
    for name in ("url", "video_url", "image_url", "audio_url"):
        if is_web_url(value.get(name)):
            described = (str(value.get(part) or "") for part in ("content_type", "file_name"))
            yield Output(value[name], *described)
    for name in ("images", "video", "videos", "audio", "image", "output"):
        yield from _media_objects(value.get(name))


def _parsed(text: Any) -> Any:
    return _loaded(text) if isinstance(text, str) and text.lstrip()[:1] in {"{", "["} else None


def _loaded(text: str | bytes) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _history_row(row: dict[str, Any]) -> HistoryRow:
    milliseconds = _float(row.get("latency_ms"))
    url = row.get("generation_url")
    return HistoryRow(
        request_id=row["request_id"],
        model=str(row.get("model_name") or ""),
        state=state_of(row.get("model_status")),
        cost=_float(row.get("credits_deduction")),
        seconds=None if milliseconds is None else milliseconds / 1000,
        url=url if is_web_url(url) else None,
        error=_flat(row["error"]) if row.get("error") else "",
        body=_request_body(row.get("request_body")),
        created=_created(row),
        raw=row,
    )


def _created(row: Mapping[str, Any]) -> float | None:
    for name in ("model_created", "created_at", "createdAt", "timestamp"):
        if row.get(name):
            return moment_of(str(row[name]))
    return None


def _request_body(value: Any) -> dict[str, Any] | None:
    """What was sent, which the service gives back as JSON or as the printed form of a Python dict."""
    for read in (json.loads, ast.literal_eval):
        with suppress(ValueError, SyntaxError, MemoryError, RecursionError):
            value = read(value) if isinstance(value, str) else value
    return value if isinstance(value, dict) else None


def _float(value: Any) -> float | None:
    try:
        return None if value is None or isinstance(value, bool) else float(value)
    except (TypeError, ValueError):
        return None
