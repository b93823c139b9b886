"""How long jobs of a kind take, from this person's own ledger where it knows enough, else as published."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..keep.ledger import Ledger
from .estimate import Curve, Estimate, learned, published
from .job import Asked
from .polling import Plan, plan_for

# What makes a job of one model longer or shorter, by what the pages say of it.
_COUNTS = ("duration", "mode", "resolution", "generate_audio")
# Rows are read again after so many new jobs of a model.
_STALE = 20


class Experience:
    """Past durations by model and the parameters that matter; asked once a kind and kept for a while."""

    def __init__(self, ledger: Ledger, time_scale: float) -> None:
        self._ledger, self._scale = ledger, time_scale
        self._kept: dict[tuple[Any, ...], tuple[int, list[float]]] = {}

    def of(self, request: Asked) -> tuple[Estimate | None, Plan]:
        """The range for a person and the plan for the watcher."""
        known = self._durations(request)
        prior = Curve.from_published(request.latency, self._scale)
        estimate = learned(known, published(request.latency, self._scale))
        return estimate, plan_for(Curve.from_durations(known, prior), self._scale)

    def _durations(self, request: Asked) -> list[float]:
        kind = (request.slug, *_kind(request.values()))
        uses, known = self._kept.get(kind, (_STALE, []))
        if uses >= _STALE:
            rows = self._ledger.durations(request.slug)
            uses, known = 0, [seconds for values, seconds in rows if _kind(values) == kind[1:]]
        self._kept[kind] = uses + 1, known
        return known


def _kind(values: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(str(values.get(name, "")) for name in _COUNTS)
