"""The forms an answer may take where the pages leave it open, and the odd ones clients have met."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

Answer = dict[str, Any]


@dataclass(frozen=True)
class Shapes:
    """Switches for what nobody published. ``result`` is any name that ``reshape`` knows, or "plain"."""

    upload: Literal["file_urls", "urls"] = "file_urls"
    sync: Literal["bytes", "json", "page"] = "bytes"
    result: str = "plain"
    duplicate_history: bool = False
    reset_header: bool = True
    polls_count: bool = False
    balance_record: bool = True

    @classmethod
    def of(cls, value: Shapes | Mapping[str, Any] | None) -> Shapes:
        return value if isinstance(value, Shapes) else cls(**(value or {}))


def reshape(name: str, code: int, body: Answer, place: str = "result") -> tuple[int, Answer]:
    """``body`` told in another form, with the HTTP code that goes with it."""
    if name == "failed_200":
        return 200, {"status": "FAILED", "error": "The worker stopped with an error.", "metrics": {}}
    return code, _FORMS[name](body, place)


def _url(body: Answer) -> Any:
    return body.get("output")


def _without(body: Answer, *names: str) -> Answer:
    return {name: value for name, value in body.items() if name not in names}


def _output(value: Any, body: Answer) -> Answer:
    return _without(body, "images", "video") | {"output": value}


def _bare(body: Answer, place: str) -> Answer:
    if place == "result":
        time = body.get("metrics", {}).get("inference_time")
        return {"status": body["status"], "output": _url(body), "metrics": {"inference_time": time}}
    return _without(body, "metrics", "request_id" if place == "status" else "poll_url")


_FORMS: Mapping[str, Any] = {
    "plain": lambda body, _: body,
    "no_output": lambda body, _: _without(body, "output"),
    "output_object": lambda body, _: _output({"url": _url(body)}, body),
    "output_video_url": lambda body, _: _output({"video_url": _url(body)}, body),
    "output_list": lambda body, _: _output({"videos": [{"url": _url(body)}]}, body),
    "output_json": lambda body, _: _output(json.dumps({"url": _url(body)}), body),
    "top_url": lambda body, _: _without(body, "output", "images", "video") | {"url": _url(body)},
    "no_url": lambda body, _: _without(body, "output", "images", "video"),
    "only_inference_time": lambda body, _: (
        body | {"metrics": {"inference_time": body.get("metrics", {}).get("inference_time")}}
    ),
    "unknown_status": lambda body, _: body | {"status": "ARCHIVED"},
    "cancelled": lambda body, _: body | {"status": "CANCELLED"},
    "lower_case": lambda body, _: body | {"status": str(body.get("status")).lower()},
    "no_request_id": lambda body, _: _without(body, "request_id"),
    "no_metrics": lambda body, _: _without(body, "metrics"),
    "bare": _bare,
}
