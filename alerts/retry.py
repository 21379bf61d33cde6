"""When to try again: the schedule as a value, and the receiver's own wish."""

import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from itertools import accumulate

# The example schedule of Standard Webhooks 1.0.0: the last attempt comes after 75:35:05.
SCHEDULE = tuple(
    timedelta(seconds=seconds)
    for seconds in (0, 5, 300, 1800, 7200, 18000, 36000, 50400, 72000, 86400)
)
_STARTS = tuple(accumulate(SCHEDULE))
JITTER = 0.2
LONGEST_WAIT = timedelta(hours=1)


def retry_delay(delivery_id: str, attempts: int, age: timedelta) -> timedelta | None:
    """The wait after `attempts` tries of a delivery made `age` ago; None at the end.

    Tries that came sooner than scheduled, as when a busy receiver paused the whole channel,
    use nothing up: the schedule ends when both its attempts and its time are spent. An age
    below zero, left by a clock that was ahead, tells nothing: then the attempts alone count.
    The jitter of +-20 % spreads a storm of deliveries, and is each delivery's own.
    """
    reached = sum(age >= start * (1 - JITTER) for start in _STARTS)
    spent = min(attempts, reached) if age >= timedelta(0) else attempts
    if spent >= len(SCHEDULE):
        return None
    return SCHEDULE[spent] * (1 + JITTER * _spread(f"{delivery_id} {spent}"))


def retry_after(headers: Mapping[str, str], now: datetime) -> timedelta | None:
    """The wait that a Retry-After header asks for, at most an hour; None if it says nothing.

    Seconds or an HTTP date (RFC 9110, 10.2.3); what lies in the past is no wait.
    """
    text = headers.get("retry-after", "").strip()
    if text.lstrip("+-").isdecimal() and text.isascii():
        # Longer than nine digits is more than an hour anyway, and int() limits its input.
        seconds = int(text) if len(text) < 10 else 10**9 * (-1 if text[0] == "-" else 1)
        return _bounded(timedelta(seconds=seconds))
    try:
        date = parsedate_to_datetime(text)
        return _bounded((date if date.tzinfo else date.replace(tzinfo=UTC)) - now)
    except (ValueError, OverflowError):
        return None


def _bounded(wait: timedelta) -> timedelta:
    return min(max(wait, timedelta(0)), LONGEST_WAIT)


def _spread(key: str) -> float:
    """A number from -1 to 1 that is always the same for one key."""
    digest = hashlib.sha256(key.encode()).digest()
    return int.from_bytes(digest[:4]) / (2**31 - 0.5) - 1
