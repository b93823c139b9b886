"""Whether and when to try again: arithmetic only. Numbers and headers in, seconds out."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import datetime, timezone
from email.utils import parsedate_to_datetime

from pydantic import TypeAdapter

# Answers after which the same harmless question may be asked again.
TRANSIENT = frozenset({408, 425, 429, 500, 502, 503, 504, 520, 522, 524})
# Answers that say "not taken": the only ones after which a paid submit may be sent again.
REFUSED = frozenset({429, 503})
# A service that asks for a longer pause than this is asking a person, not a program.
LONGEST_PAUSE = 120.0
_MOMENT = TypeAdapter(datetime)


def backoff(attempt: int, chance: float) -> float:
    """Seconds before try number `attempt` + 1: doubling from 0.5 to 30, spread over their upper half.

    `chance` is a number in [0, 1) from the caller's own generator, so that this stays arithmetic.
    """
    return min(30.0, 0.5 * 2.0 ** min(attempt, 30)) * (0.5 + chance / 2)


def asked_pause(headers: Mapping[str, str], now: float) -> float | None:
    """Seconds the service asked us to wait, read at wall time `now`; None when it did not say.

    Understands Retry-After in seconds or as an HTTP date, its milliseconds form, and Segmind's
    `x-rate-limit-reset-at-utc`, whose format is not documented: ISO 8601, HTTP date and epoch in seconds
    or milliseconds are read. What can not be read counts as not said.
    """
    found = {name.lower(): value.strip() for name, value in headers.items()}
    for name, scale in (("retry-after-ms", 0.001), ("retry-after", 1.0)):
        number = _number(found.get(name))
        if number is not None:
            return max(0.0, number * scale)
    for name in ("retry-after", "x-rate-limit-reset-at-utc"):
        moment = moment_of(found.get(name))
        if moment is not None:
            return max(0.0, moment - now)
    return None


def pause_before_retry(
    attempt: int, chance: float, asked: float | None, spent: float, budget: float
) -> float | None:
    """Seconds to wait before trying again, or None when it is time to give up.

    Budgets are elapsed time, never a count of tries: `spent` and `budget` are in seconds.
    """
    pause = backoff(attempt, chance) if asked is None else asked
    return None if pause > LONGEST_PAUSE or spent + pause > budget else pause


def _number(text: str | None) -> float | None:
    try:
        value = float(text) if text else math.nan
    except ValueError:
        return None
    return value if math.isfinite(value) and value >= 0 else None


def moment_of(text: str | None) -> float | None:
    """Seconds since the epoch for ISO 8601, an HTTP date, or an epoch in seconds or milliseconds."""
    for read in (_MOMENT.validate_python, parsedate_to_datetime):
        try:
            moment = read((text or "").strip())
            seconds = (moment if moment.tzinfo else moment.replace(tzinfo=timezone.utc)).timestamp()
        except (ValueError, TypeError, OverflowError, IndexError):
            continue
        return seconds if seconds > 1e9 else None  # a few seconds are a length of time and no moment
    return None
