"""What one cell of a row says: a time, a number, a flag; ValueError where it says nothing."""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from functools import lru_cache

from forecast.clock import DAY, parse_instant
from forecast.evidence import Outcome

type Cells = Mapping[str, str]

MOST_EVENTS = 999_999  # that a question may ask for
LONGEST_NAME = 500  # characters: an index of a database takes no more, nor does the API
_NAMES = (
    *("report_id", "event_id", "question_id", "coverage_id", "incident_id"),
    *("unit", "tag", "definition"),
)
_YES, _NO = ("true", "yes", "1"), ("false", "no", "0")
_WITHDRAWN = ("retracted", "withdrawn")

# One parse for each date that occurs in a file, not for each row.
_start_of = lru_cache(maxsize=1 << 16)(parse_instant)
_end_of = lru_cache(maxsize=1 << 16)(lambda text: parse_instant(text, end_of_day=True))


def check_names(cells: Cells) -> None:
    """ValueError where an id or a name is so long that it cannot be one."""
    for name in _NAMES:
        if len(cells.get(name, "")) > LONGEST_NAME:
            raise ValueError(f"{name} is longer than {LONGEST_NAME} characters")


def both_times(cells: Cells) -> tuple[datetime, datetime]:
    """occurred_at and known_at; where one is not given, it is the other.

    A bare date stands for its first second in occurred_at and its last in known_at.
    """
    occurred_text = cells["occurred_at"] or cells["known_at"]
    occurred_at = start(occurred_text, "occurred_at")
    known_at = end(cells["known_at"] or occurred_text, "known_at")
    if known_at < occurred_at and cells["known_at"] == occurred_at.date().isoformat():
        known_at = occurred_at  # in the last second of a day that was given as a date
    return occurred_at, known_at


def start(text: str, name: str) -> datetime:
    """The instant, a bare date being its first second."""
    return _instant(_start_of, text, name)


def end(text: str, name: str) -> datetime:
    """The instant, a bare date being its last second."""
    return _instant(_end_of, text, name)


def after(text: str, name: str) -> datetime:
    """Where a span ends that lasts through the date: the first second after it."""
    instant = start(text, name)
    return instant + DAY if _end_of(text) - instant > timedelta() else instant


def _instant(parse: Callable[[str], datetime], text: str, name: str) -> datetime:
    if not text:
        raise ValueError(f"{name} is empty")
    try:
        return parse(text)
    except ValueError as error:
        raise ValueError(f"{name}: {error}") from None


def number(text: str, name: str) -> float:
    """A number in plain digits."""
    try:
        return float(text.replace("_", "x"))  # Python alone reads 0_5 as a number
    except ValueError:
        raise ValueError(f"{name} '{text}' is not a number") from None


def grade(text: str) -> int:
    """A grade of credibility."""
    if text not in ("1", "2", "3", "4", "5", "6"):
        raise ValueError(f"credibility '{text}' is not a grade from 1 to 6")
    return int(text)


def how_many(text: str) -> int:
    """How many events a question asks for; one where nothing is said."""
    if not text:
        return 1
    if not (text.isascii() and text.isdigit() and 0 < int(text[:10]) <= MOST_EVENTS):
        raise ValueError(f"at_least '{text}' is not a number of events from 1 to {MOST_EVENTS:,}")
    return int(text)


def flag(text: str, name: str) -> bool:
    """True or false; false where nothing is said."""
    if not text:
        return False
    if text.lower() in _YES:
        return True
    if text.lower() in _NO:
        return False
    raise ValueError(f"{name} '{text}' is not true or false")


def retracted(cells: Cells) -> bool:
    """Whether a row takes back what was stated: by its flag, or by its status."""
    is_so = flag(cells["retracted"], "retracted")
    return is_so or (bool(cells["status"]) and cells["status"].lower() in _WITHDRAWN)


def outcome(text: str, name: str, words: str) -> Outcome:
    """How a question ended."""
    try:
        return Outcome(text.lower())
    except ValueError:
        raise ValueError(f"{name} '{text}' is not {words}") from None
