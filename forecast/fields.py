"""The types of fields in watch.toml: words that are checked and kept as they were written."""

import re
from collections.abc import Callable
from datetime import date, datetime
from typing import Annotated, Any
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BeforeValidator, Field

from forecast.clock import parse_instant
from forecast.words import (
    parse_days,
    parse_half_life,
    parse_percent,
    parse_rate,
    parse_ratio,
    parse_share,
)

URL_FORM = "sqlite:////srv/tocsin.db or postgresql://user@host/tocsin"
FIRST_YEAR = 1900  # of observing; a model has a row for each day since


def _checked(parse: Callable[[str], Any]) -> AfterValidator:
    """Keep the words as written, and refuse those that `parse` refuses."""

    def check(text: str) -> str:
        parse(text)
        return text

    return AfterValidator(check)


def _positive_days(text: str) -> str:
    if parse_days(text) <= 0:
        raise ValueError(f"'{text}' must be more than 0")
    return text


def _identifier(text: str) -> str:
    if not text.strip():
        raise ValueError("an id must not be empty")
    if not text.isprintable():
        raise ValueError(f"the id {text!a} has a character that cannot be printed")
    return text


def _zone_name(name: str) -> str:
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise ValueError(f"'{name}' is not a time zone; write it like 'Europe/Helsinki'") from None
    return name


def _secret_reference(text: str) -> str:
    if not text.startswith(("env:", "file:")) or not text.split(":", 1)[1]:
        raise ValueError("a secret is given by reference: env:NAME or file:PATH")
    return text


def _clock_time(text: str) -> str:
    if not re.fullmatch(r"([01]\d|2[0-3]):[0-5]\d", text):
        raise ValueError(f"'{text}' is not a time of day; write it like '07:00'")
    return text


def check_store(text: str) -> str:
    """A URL, a reference or the path of a file; ValueError for what looks like a broken URL.

    As the path of a file it would be printed, and the password that it holds with it.
    """
    is_address = "://" in text or text.startswith(("env:", "file:"))
    if not is_address and re.search(r"^\s*postgres|[@:=]", text, re.IGNORECASE):
        raise ValueError(f"is neither the path of a file nor a URL such as {URL_FORM}")
    return text


Rate = Annotated[str, _checked(parse_rate)]
Ratio = Annotated[str, _checked(parse_ratio)]
Share = Annotated[str, _checked(parse_share)]
Days = Annotated[str, _checked(parse_days)]
PositiveDays = Annotated[str, AfterValidator(_positive_days)]
HalfLife = Annotated[str, _checked(parse_half_life)]
Probability = Annotated[float, BeforeValidator(parse_percent)]
SecretReference = Annotated[str, AfterValidator(_secret_reference)]
Patterns = Annotated[list[str], Field(min_length=1)]
ClockTime = Annotated[str, AfterValidator(_clock_time)]
Identifier = Annotated[str, AfterValidator(_identifier)]
ZoneName = Annotated[str, AfterValidator(_zone_name)]


def utc_instant(value: object) -> datetime:
    """A date or an instant of TOML, in UTC; ValueError for a local time without a zone."""
    if not isinstance(value, date | str):
        raise ValueError("is not a date such as 2025-01-31")
    if isinstance(value, datetime) and value.tzinfo is None:
        raise ValueError(f"{value.isoformat()} has no time zone; add a Z for UTC")
    instant = parse_instant(value if isinstance(value, str) else value.isoformat())
    if instant.year < FIRST_YEAR:
        raise ValueError(f"{instant.date()} is before the year {FIRST_YEAR}")
    return instant
