"""Instants are aware, in UTC, and written one way."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from forecast.clock import format_instant, parse_instant, utc_now


def test_now_is_aware_and_in_utc() -> None:
    assert utc_now().tzinfo is UTC


@pytest.mark.parametrize("text", ["2025-11-29T10:00", "2025-11-29 10:00:00"])
def test_a_time_without_a_zone_is_refused_with_the_way_out(text: str) -> None:
    with pytest.raises(ValueError, match=r"has no time zone; write .*Z for UTC"):
        parse_instant(text)


@pytest.mark.parametrize(
    "text", ["yesterday", "2025-13-01", "2025-02-30", "29/11/2025", "", "20251"]
)
def test_what_is_no_date_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not a date or time in ISO 8601"):
        parse_instant(text)


def test_the_ends_of_time_are_refused() -> None:
    with pytest.raises(ValueError, match="years 1 to 9999"):
        parse_instant("0001-01-01T00:00:00+14:00")


def test_an_instant_survives_being_written() -> None:
    instant = datetime(2025, 11, 29, 3, 4, 5, 678, timezone(timedelta(hours=5, minutes=30)))
    assert parse_instant(format_instant(instant)) == instant
    assert format_instant(instant) == "2025-11-28T21:34:05.000678Z"
