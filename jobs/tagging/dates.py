"""When the thing happened that a sentence tells of, as seen from the day it was published."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

FARTHEST = 200  # days back that a date without a year may mean; further back it means the future
_MONTHS = (
    "january", "february", "march", "april", "may", "june", "july", "august", "september",
    "october", "november", "december",
)  # fmt: skip
_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
# A sentence without any of these names no day: 19* and 20* are the years of 2025-11-25.
DATE_WORDS = [
    *_DAYS, *_MONTHS, *(month[:3] for month in _MONTHS), "sept", "yesterday", "ago", "earlier",
    "19*", "20*",
]  # fmt: skip
_NUMBERS = {"two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7}
_MONTH = (
    r"(?P<{}>jan(?:uary|\.)?|feb(?:ruary|\.)?|mar(?:ch|\.)?|apr(?:il|\.)?|may|june?\.?|july?\.?"
    r"|aug(?:ust|\.)?|sept?(?:ember|\.)?|oct(?:ober|\.)?|nov(?:ember|\.)?|dec(?:ember|\.)?)"
)
_DATE = re.compile(
    rf"\b(?P<iso>(?:19|20)\d\d-\d\d-\d\d)\b"
    rf"|\b{_MONTH.format('m1')}\s+(?P<d1>\d{{1,2}})(?:st|nd|rd|th)?\b(?:,?\s+(?P<y1>(?:19|20)\d\d)\b)?"
    rf"|\b(?P<d2>\d{{1,2}})(?:st|nd|rd|th)?\s+(?:of\s+)?{_MONTH.format('m2')}(?!\w)"
    rf"(?:,?\s+(?P<y2>(?:19|20)\d\d)\b)?"
    rf"|\b(?P<yesterday>yesterday)\b"
    rf"|\b(?P<ago>\d|two|three|four|five|six|seven)\s+days\s+(?:ago|earlier)\b"
    rf"|\b(?P<last>last\s+)?(?P<day>{'|'.join(_DAYS)})\b",
    re.IGNORECASE,
)
# What is said of a date to come, or of the end of a span, is not when the thing happened.
_NOT_THEN = re.compile(
    r"\b(?:by|before|until|till|after|since|from|next|coming|this coming|through|due|for|than)\s+"
    r"(?:the\s+|next\s+)?$",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Dated:
    """A date of a sentence: its characters [start, end), and the day that it names."""

    start: int
    end: int
    day: date


def dates(sentence: str, published: datetime) -> list[Dated]:
    """The days named in a sentence, none later than that on which it was published.

    >>> at = datetime(2025, 11, 25, 9, tzinfo=UTC)
    >>> [str(d.day) for d in dates("Hit on September 2 and last Monday, due by Friday", at)]
    ['2025-09-02', '2025-11-24']
    """
    return list(_dates(sentence, published.astimezone(UTC).date()))


def _dates(sentence: str, today: date) -> Iterator[Dated]:
    for match in _DATE.finditer(sentence):
        if _NOT_THEN.search(sentence, max(0, match.start() - 24), match.start()):
            continue
        day = _day(match, today)
        if day is not None and day <= today:
            yield Dated(match.start(), match.end(), day)


def start_of(day: date) -> datetime:
    """The first moment of a day, in UTC."""
    return datetime.combine(day, time.min, UTC)


def _day(match: re.Match[str], today: date) -> date | None:
    told = match.groupdict()
    try:
        if told["iso"]:
            return date.fromisoformat(told["iso"])
        if told["yesterday"]:
            return today - timedelta(days=1)
        if told["ago"]:
            return today - timedelta(days=_NUMBERS.get(told["ago"].lower()) or int(told["ago"]))
        if told["day"]:
            return _weekday(told["day"].lower(), today, is_last=bool(told["last"]))
        n = "1" if told["m1"] else "2"
        return _calendar_day(told[f"m{n}"], int(told[f"d{n}"]), told[f"y{n}"], today)
    except (ValueError, OverflowError):  # a 31 September, or a day before the first year
        return None


def _weekday(name: str, today: date, *, is_last: bool) -> date:
    back = (today.weekday() - _DAYS.index(name)) % 7
    return today - timedelta(days=7 if is_last and not back else back)


def _calendar_day(month: str, day: int, year: str | None, today: date) -> date | None:
    number = next(n for n, m in enumerate(_MONTHS, 1) if m.startswith(month.lower()[:3]))
    if year:
        return date(int(year), number, day)
    found = date(today.year, number, day)
    if found > today:
        found = date(today.year - 1, number, day)
    return found if (today - found).days <= FARTHEST else None
