"""When to try again is arithmetic; these are its sums."""

from __future__ import annotations

import pytest

from kling_nb.service.retry import asked_pause, backoff, pause_before_retry

NOW = 1_700_000_000.0  # 2023-11-14 22:13:20 UTC


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"Retry-After": "7"}, 7.0),
        ({"retry-after": "0"}, 0.0),
        ({"retry-after-ms": "1500", "retry-after": "9"}, 1.5),
        ({"Retry-After": "Tue, 14 Nov 2023 22:13:50 GMT"}, 30.0),
        ({"Retry-After": "Tue, 14 Nov 2023 22:00:00 GMT"}, 0.0),
        ({"Retry-After": "soon"}, None),
        ({"Retry-After": "-3"}, None),
        ({"Retry-After": "inf"}, None),
        ({"Retry-After": "1e400"}, None),
        ({"x-rate-limit-reset-at-utc": "2023-11-14T22:14:20Z"}, 60.0),
        ({"x-rate-limit-reset-at-utc": "2023-11-14T22:14:20+00:00"}, 60.0),
        ({"x-rate-limit-reset-at-utc": "2023-11-14 22:14:20"}, 60.0),
        ({"x-rate-limit-reset-at-utc": "1700000010"}, 10.0),
        ({"x-rate-limit-reset-at-utc": "1700000010000"}, 10.0),
        ({"x-rate-limit-reset-at-utc": "Tue, 14 Nov 2023 22:13:50 GMT"}, 30.0),
        ({"x-rate-limit-reset-at-utc": "tomorrow"}, None),
        ({"x-rate-limit-reset-at-utc": "3"}, None),
    ],
)
def test_every_way_a_service_may_name_a_pause_is_read(headers: dict[str, str], seconds: float | None) -> None:
    assert asked_pause(headers, NOW) == seconds


def test_backoff_doubles_up_to_a_bound_and_is_spread_over_its_upper_half() -> None:
    assert [backoff(n, 1.0) for n in (0, 1, 2, 3)] == [0.5, 1.0, 2.0, 4.0]
    assert backoff(3, 0.0) == 2.0
    assert backoff(1000, 1.0) == 30.0


def test_a_pause_that_would_leave_the_budget_is_not_taken() -> None:
    assert pause_before_retry(0, 1.0, None, spent=9.4, budget=10.0) == 0.5
    assert pause_before_retry(0, 1.0, None, spent=9.6, budget=10.0) is None


def test_a_pause_longer_than_two_minutes_is_for_a_person_to_take() -> None:
    assert pause_before_retry(0, 1.0, 121.0, spent=0.0, budget=1e9) is None
    assert pause_before_retry(0, 1.0, 119.0, spent=0.0, budget=1e9) == 119.0
