"""The forms an answer may take where the pages leave it open, and the odd ones clients have met."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Literal

Answer = dict[str, Any]


@dataclass(frozen=True)
class Shapes:
    """Switches for what nobody published. ``result`` is any name that ``reshape`` knows."""

    upload: Literal["file_urls", "urls"] = "file_urls"
    sync: Literal["bytes", "json", "page"] = "bytes"
    result: str = "plain"
    duplicate_history: bool = False
    reset_header: bool = True
    polls_count: bool = False
    balance_record: bool = True


def reshape(name: str, body: Answer, place: str = "result") -> Answer:
    """``body`` told in another form: each form is what goes and what comes instead."""
    url, time = body.get("output"), body.get("metrics", {}).get("inference_time")
    media, short = ("output", "images", "video"), {"metrics": {"inference_time": time}}
    failed = {"status": "FAILED", "error": "The worker stopped with an error.", "metrics": {}}
    bare = ("metrics", "request_id" if place == "status" else "poll_url")
    forms: dict[str, tuple[tuple[str, ...], Answer]] = {
        "plain": ((), {}),
        "no_output": (("output",), {}),
        "output_object": (media, {"output": {"url": url}}),
        "output_video_url": (media, {"output": {"video_url": url}}),
        "output_list": (media, {"output": {"videos": [{"url": url}]}}),
        "output_json": (media, {"output": json.dumps({"url": url})}),
        "top_url": (media, {"url": url}),
        "no_url": (media, {}),
        "only_inference_time": ((), short),
        "unknown_status": ((), {"status": "ARCHIVED"}),
        "cancelled": ((), {"status": "CANCELLED"}),
        "lower_case": ((), {"status": str(body.get("status")).lower()}),
        "failed_200": (tuple(body), failed),
        "no_request_id": (("request_id",), {}),
        "no_metrics": (("metrics",), {}),
        "bare": (tuple(body), {"status": body.get("status"), "output": url, **short})
        if place == "result"
        else (bare, {}),
    }
    goes, comes = forms[name]
    return {key: value for key, value in body.items() if key not in goes} | comes
