"""The record beside a media file, which goes where the file goes: what was asked, and what it cost."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from ..media.whole import write_whole
from ..settings import VERSION
from .ledger import Record


def beside(media: Path) -> Path:
    """Where the record of a media file is: `fox.png.json` for `fox.png`."""
    return media.with_name(f"{media.name}.json")


def write_beside(media: Path, record: Record) -> None:
    """Write the record of the job that made `media`. Raises `MediaError`."""
    told = {
        "model": record.slug,
        "params": record.params,
        "inputs": {place: _near(known, media.parent) for place, known in record.inputs.items()},
        "take": record.take,
        "request_id": record.request_id,
        "made": datetime.fromtimestamp(record.created, timezone.utc).isoformat(timespec="seconds"),
        "cost": record.cost,
        "metrics": record.metrics,
        "kling_nb": VERSION,
    }
    text = json.dumps(told, ensure_ascii=False, indent=1)
    write_whole(beside(media), text.encode("utf-8", "replace"))


def _near(known: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    """A picture's file as seen from the record: who gets both need not know whose machine it was."""
    try:
        return {**known, "file": Path(os.path.relpath(known["file"], folder)).as_posix()}
    except (KeyError, ValueError):  # in memory, or on another drive
        return {name: value for name, value in known.items() if name != "file"}
