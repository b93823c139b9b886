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
LONGEST_WINDOW = timedelta(days=31)


def row(world: World, job: Job) -> Row:
    """One request as the history shows it; the inputs are a Python repr, as the service stores them."""
    state = world.state(job)
    created = world.clock.utc(job.submitted).isoformat(timespec="milliseconds")
    final = state in ("COMPLETED", "FAILED")
    return {
        "request_id": job.id,
        "model_name": job.slug,
        "model_status": state if final else "PENDING",
        "credits_deduction": job.charged,
        "request_body": repr(dict(job.body)),
        "generation_url": job.media_object["url"] if job.media_object else None,
        "latency_ms": round(world.metrics(job)["total_time"] * 1000) if final else None,
        "model_created": created,
        "error": job.failure if state == "FAILED" else None,
    }


def query(world: World, asked: Query, shapes: Shapes) -> Row:
    """Rows in a window of days, one per output, newest first unless asked otherwise."""
    first, last = _window(world, asked)
    rows = [row(world, job) for job in world.jobs.values()]
    rows = [r for r in rows if first.isoformat() <= r["model_created"][:10] <= last.isoformat()]
    rows = [r for r in rows if asked.get("status") in (None, r["model_status"])]
    rows = _named(rows, asked)
    key = asked.get("sort_by", "model_created")
    if key not in SORTABLE:
        raise ValueError(f"sort_by must be one of {', '.join(SORTABLE)}")
    rows.sort(key=lambda r: r[key], reverse=asked.get("sort_order", "desc") == "desc")
    return _page(_per_output(rows, shapes), asked)


def generations(world: World, asked: Query, shapes: Shapes) -> Row:
    """Requests that made something, newest first."""
    first, last = asked.get("start_date", ""), asked.get("end_date", "9")
    rows = [
        _generation(world, job) for job in reversed(world.jobs.values()) if world.state(job) == "COMPLETED"
    ]
    rows = [r for r in rows if first <= r["created_at"][:10] <= last]
    return _page(_per_output(_named(rows, asked), shapes), asked)


def recent(world: World, asked: Query, shapes: Shapes) -> Row:
    """The last generations of one model."""
    if not asked.get("model_name"):
        raise ValueError("model_name is required")
    return {"data": generations(world, {"model_name": asked["model_name"]}, shapes)["data"][:20]}


def _generation(world: World, job: Job) -> Row:
    full = row(world, job)
    kept = {name: full[name] for name in ("request_id", "model_name", "generation_url", "credits_deduction")}
    extra = {"prompt": job.body.get("prompt"), "parameters": dict(job.body), "latency_ms": full["latency_ms"]}
    return kept | extra | {"status": full["model_status"], "created_at": full["model_created"]}


def _window(world: World, asked: Query) -> tuple[date, date]:
    last = date.fromisoformat(asked["to_date"]) if "to_date" in asked else world.clock.utc().date()
    first = date.fromisoformat(asked["from_date"]) if "from_date" in asked else last - timedelta(days=7)
    if last - first > LONGEST_WINDOW:
        raise ValueError("The date range must not exceed 31 days")
    return first, last


def _named(rows: list[Row], asked: Query) -> list[Row]:
    return [r for r in rows if asked.get("model_name", "") in r["model_name"]]


def _per_output(rows: list[Row], shapes: Shapes) -> list[Row]:
    return [r for r in rows for _ in range(2 if shapes.duplicate_history and r["generation_url"] else 1)]


def _page(rows: list[Row], asked: Query) -> Row:
    page, size = int(asked.get("page", 1)), int(asked.get("per_page", 20))
    if page < 1 or not 1 <= size <= 100:
        raise ValueError("page starts at 1 and per_page is 1 to 100")
    data = rows[(page - 1) * size : page * size]
    return {
        "data": data,
        "page": page,
        "per_page": size,
        "total": len(rows),
        "total_pages": -(-len(rows) // size),
    }
