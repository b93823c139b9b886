"""The service's long memory: every request as a row, filtered and paged like the history endpoints."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, timedelta
from typing import Any

from .shapes import Shapes
from .world import Job, World

Row = dict[str, Any]
Query = Mapping[str, str]
Reader = Callable[[World, Query, Shapes], Any]

SORTABLE = ("model_created", "model_name", "credits_deduction")


def row(world: World, job: Job) -> Row:
    """One request as the history shows it; the inputs are a Python repr, as the service stores them."""
    state = world.state(job)
    final = state in ("COMPLETED", "FAILED")
    return {
        "request_id": job.id,
        "model_name": job.slug,
        "model_status": state if final else "PENDING",
        "credits_deduction": job.charged,
        "request_body": repr(job.body),
        "generation_url": job.media_object["url"] if job.media_object else None,
        "latency_ms": round(world.metrics(job)["total_time"] * 1000) if final else None,
        "model_created": world.clock.utc(job.submitted).isoformat(timespec="milliseconds"),
        "error": job.failure if state == "FAILED" else None,
    }


def query(world: World, asked: Query, shapes: Shapes) -> Row:
    """Rows in a window of days, one per output, newest first unless asked otherwise."""
    last = date.fromisoformat(asked["to_date"]) if "to_date" in asked else world.clock.utc().date()
    first = date.fromisoformat(asked["from_date"]) if "from_date" in asked else last - timedelta(days=7)
    if last - first > timedelta(days=31):
        raise ValueError("The date range must not exceed 31 days")
    rows = [row(world, job) for job in world.jobs.values()]
    rows = [r for r in rows if first.isoformat() <= r["model_created"][:10] <= last.isoformat()]
    rows = [r for r in rows if asked.get("status") in (None, r["model_status"])]
    key = asked.get("sort_by", "model_created")
    if key not in SORTABLE:
        raise ValueError(f"sort_by must be one of {', '.join(SORTABLE)}")
    rows.sort(key=lambda r: r[key], reverse=asked.get("sort_order", "desc") == "desc")
    return _page(rows, asked, shapes)


def generations(world: World, asked: Query, shapes: Shapes) -> Row:
    """Requests that made something, newest first."""
    first, last = asked.get("start_date", ""), asked.get("end_date", "9")
    rows = [
        row(world, job) | {"prompt": job.body.get("prompt"), "parameters": job.body}
        for job in reversed(world.jobs.values())
    ]
    rows = [r | {"status": r["model_status"], "created_at": r["model_created"]} for r in rows]
    rows = [r for r in rows if r["status"] == "COMPLETED"]
    return _page([r for r in rows if first <= r["created_at"][:10] <= last], asked, shapes)


def recent(world: World, asked: Query, shapes: Shapes) -> Row:
    """The last generations of one model."""
    if not asked.get("model_name"):
        raise ValueError("model_name is required")
    return {"data": generations(world, {"model_name": asked["model_name"]}, shapes)["data"]}


def _page(rows: list[Row], asked: Query, shapes: Shapes) -> Row:
    """One page of the rows of one model, with as many copies of a row as it has outputs."""
    copies, wanted = 2 if shapes.duplicate_history else 1, asked.get("model_name", "")
    rows = [r for r in rows if wanted in r["model_name"] for _ in range(copies if r["generation_url"] else 1)]
    page, size = int(asked.get("page", 1)), int(asked.get("per_page", 20))
    if page < 1 or not 1 <= size <= 100:
        raise ValueError("page starts at 1 and per_page is 1 to 100")
    counts = {"page": page, "per_page": size, "total": len(rows), "total_pages": -(-len(rows) // size)}
    return {"data": rows[(page - 1) * size : page * size], **counts}
