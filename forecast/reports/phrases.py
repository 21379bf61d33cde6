"""Numbers, dates and other people's text, as a report writes them."""

import math
import re
from datetime import UTC, datetime, time

from forecast.alert import State
from forecast.clock import DAY
from forecast.estimate import CurvePoint, Interval
from forecast.likelihood import percent

MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
STATE_WORDS = {
    State.OK: "○ ok",
    State.PENDING: "◔ pending",
    State.FIRING: "▲ firing",
    State.RECOVERING: "▽ recovering",
}

# Control characters, lone surrogates, non-characters, and the marks that turn text around:
# none of them has a place in a report, and each can break a terminal, a page or a reader.
_UNPRINTABLE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufdd0-\ufdef\ufffe\uffff"
    "\ud800-\udfff]|[\U0001fffe\U0001ffff]"
)


def clean(text: str, limit: int = 2000) -> str:
    r"""`text` in one line without control and direction marks, at most `limit` long.

    >>> clean("a\x1b[31mred\u202e", 4)
    'a[3…'
    """
    text = _UNPRINTABLE.sub("", " ".join(text.split()))
    return text if len(text) <= limit else text[: limit - 1].rstrip() + "…"


def safe_url(url: str) -> str:
    """`url` if it is plainly http or https, else nothing."""
    url = url.strip()
    plain = re.fullmatch(r"https?://[^\s\x00-\x20\"'<>\\^`{|}]+", url, re.IGNORECASE)
    return url if plain and len(url) <= 2000 and clean(url) == url else ""


def day_words(instant: datetime) -> str:
    """The UTC day, such as '7 Dec 2025'."""
    instant = instant.astimezone(UTC)
    return f"{instant.day} {MONTHS[instant.month - 1]} {instant.year}"


def instant_words(instant: datetime) -> str:
    """The UTC minute, such as '7 Dec 2025, 14:05 UTC'."""
    return f"{day_words(instant)}, {instant.astimezone(UTC):%H:%M} UTC"


def deadline_words(deadline: datetime) -> str:
    """Before which moment: a last second of a day is the end of that day."""
    deadline = deadline.astimezone(UTC)
    if deadline.time() >= time(23, 59):
        return f"by the end of {day_words(deadline)} UTC"
    if deadline.time() == time(0):
        return f"before {day_words(deadline)} UTC"
    return f"before {instant_words(deadline)}"


def age_words(then: datetime, now: datetime) -> str:
    """How long ago, in one unit.

    >>> from forecast.clock import parse_instant as at
    >>> age_words(at("2025-11-01"), at("2025-11-04T12:00:00Z"))
    '3 days ago'
    """
    days = (now - then) / DAY
    if days < 0:
        return "in " + _span(-days)
    return "just now" if days < 1 / 24 else _span(days) + " ago"


def _span(days: float) -> str:
    if days < 1:
        return counted(max(1, int(days * 24)), "hour")
    if days < 60:
        return counted(int(days), "day")
    return counted(round(days / 30.44), "month")


def counted(number: int, noun: str) -> str:
    """'1 incident', '2 incidents'."""
    return f"{number} {noun}{'' if number == 1 else 's'}"


def band_words(interval: Interval | CurvePoint) -> str:
    """The two ends of a band, such as '22–41 %'."""
    lower, upper = percent(interval.lower), percent(interval.upper)
    return upper if lower == upper else f"{lower.removesuffix(' %')}–{upper}"


def mass_words(interval: Interval) -> str:
    """'90 % band'."""
    return f"{interval.mass:.0%} band".replace("%", " %")


def points(start: float, end: float) -> int:
    """The change in percentage points, between the two numbers as they are shown."""
    return round(100 * end) - round(100 * start)


def points_words(change: int) -> str:
    """'up 13 points', 'down 1 point', 'unchanged'."""
    if change == 0:
        return "unchanged"
    return f"{'up' if change > 0 else 'down'} {counted(abs(change), 'point')}"


def times(factor: float) -> str:
    """A multiplier, such as '×1.9', '×0.45' or '×12'.

    >>> times(1.904), times(0.4501), times(12.3)
    ('×1.9', '×0.45', '×12')
    """
    if not math.isfinite(factor) or factor >= 1e6:
        return "×∞" if factor > 0 else "×?"
    if factor < 0.01:
        return "×<0.01"
    return f"×{factor:.{0 if factor >= 10 else 1 if factor >= 1 else 2}f}"


def range_words(lower: float, upper: float) -> str:
    """The interval of a multiplier, such as '1.2–2.9'."""
    return f"{times(lower)[1:]}–{times(upper)[1:]}"


_CHECKS = {
    "khat": "Pareto k-hat",
    "ess": "effective sample size",
    "draws": "posterior draws",
    "mcse": "Monte Carlo standard error",
    "rhat": "R-hat",
    "ebfmi": "E-BFMI",
    "max_depth_share": "share at the greatest tree depth",
    "acceptance": "accepted steps",
    "correlation": "correlation left",
    "days_at_risk": "days at risk",
    "events": "events",
    "divergences": "divergent transitions",
}


def check_words(name: str, value: float) -> tuple[str, str]:
    """The name and the number of a diagnostic, as people write them.

    >>> check_words("ess", 1391.4), check_words("khat", 0.2134)
    (('effective sample size', '1,391'), ('Pareto k-hat', '0.213'))
    """
    written = f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"
    return _CHECKS.get(name, name), written
