"""When to try again: the schedule by a table, and Retry-After in all its forms."""

from datetime import UTC, datetime, timedelta
from itertools import accumulate

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.retry import SCHEDULE, retry_after, retry_delay

NOW = datetime(2025, 11, 17, 10, tzinfo=UTC)
OLD = timedelta(days=30)
ids = st.text("0123456789abcdef", min_size=32, max_size=32).map("msg_".__add__)


def test_the_schedule_is_that_of_the_specification() -> None:
    """0, 5 s, 5 m, 30 m, 2 h, 5 h, 10 h, 14 h, 20 h, 24 h: together 75:35:05."""
    assert sum(SCHEDULE, timedelta()) == timedelta(hours=75, minutes=35, seconds=5)
    assert len(SCHEDULE) == 10


@given(delivery_id=ids)
def test_each_wait_is_the_scheduled_one_within_a_fifth(delivery_id: str) -> None:
    for attempts in range(1, 10):
        delay = retry_delay(delivery_id, attempts, OLD)
        assert delay is not None
        assert 0.8 * SCHEDULE[attempts] <= delay <= 1.2 * SCHEDULE[attempts]
    assert retry_delay(delivery_id, 10, OLD) is None


@given(delivery_id=ids)
def test_a_delivery_that_keeps_failing_gets_ten_attempts(delivery_id: str) -> None:
    age, attempts = timedelta(0), 1
    while (delay := retry_delay(delivery_id, attempts, age)) is not None:
        age, attempts = age + delay, attempts + 1
    assert attempts == 10


def test_a_delivery_that_seems_to_come_from_the_future_waits_by_its_attempts() -> None:
    """The clock was ahead when it was made: without a wait it would be sent without end."""
    ahead = timedelta(days=-3650)
    for attempts in range(1, 11):
        assert retry_delay("msg_1", attempts, ahead) == retry_delay("msg_1", attempts, OLD)


def test_the_jitter_is_the_deliverys_own_and_always_the_same() -> None:
    delays = {retry_delay(f"msg_{n}", 3, OLD) for n in range(50)}
    assert len(delays) == 50
    assert retry_delay("msg_1", 3, OLD) == retry_delay("msg_1", 3, OLD)
    assert retry_delay("msg_1", 3, OLD) == timedelta(seconds=1800) * (1 + 0.2 * spread_of_msg_1())


def spread_of_msg_1() -> float:
    """The jitter of the delivery msg_1 after 3 attempts, worked out by hand."""
    import hashlib

    first = int(hashlib.sha256(b"msg_1 3").hexdigest()[:8], 16)
    return first / (2**31 - 0.5) - 1


def test_tries_that_came_too_soon_use_nothing_up() -> None:
    """Forty tries in the first minute, as when a busy channel was paused: still the third."""
    delay = retry_delay("msg_1", 40, timedelta(minutes=1))
    assert delay is not None
    assert delay <= 1.2 * SCHEDULE[2]
    starts = list(accumulate(SCHEDULE))
    assert retry_delay("msg_1", 40, starts[-1] * 0.79) is not None
    assert retry_delay("msg_1", 40, starts[-1]) is None


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("120", 120),
        (" 7 ", 7),
        ("0", 0),
        ("-5", 0),
        ("3600", 3600),
        ("3601", 3600),
        ("1000000000", 3600),
        ("9" * 5000, 3600),
        ("-" + "9" * 5000, 0),
        ("Mon, 17 Nov 2025 10:02:00 GMT", 120),
        ("Mon, 17 Nov 2025 12:02:00 +0200", 120),
        ("Mon, 17 Nov 2025 10:02:00 -0000", 120),
        ("Mon, 17 Nov 2025 09:00:00 GMT", 0),
        ("Mon, 17 Nov 2098 09:00:00 GMT", 3600),
        ("1e9", None),
        ("soon", None),
        ("", None),
        ("١٢", None),
        ("Thu, 99 Foo 2025", None),
        ("Mon, 17 Nov 2025 99:99:99 GMT", None),
    ],
)
def test_retry_after_is_honoured_up_to_an_hour(text: str, seconds: int | None) -> None:
    wanted = None if seconds is None else timedelta(seconds=seconds)
    assert retry_after({"retry-after": text}, NOW) == wanted


def test_without_the_header_there_is_no_wish() -> None:
    assert retry_after({}, NOW) is None


@given(st.text())
def test_no_header_breaks_it(text: str) -> None:
    wait = retry_after({"retry-after": text}, NOW)
    assert wait is None or timedelta(0) <= wait <= timedelta(hours=1)
