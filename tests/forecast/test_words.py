"""Plain words are read as analysts write them, and refused with how to write them."""

import math
from collections.abc import Callable

import pytest

from forecast.words import Range, parse_days, parse_percent, parse_rate, parse_ratio, parse_share


@pytest.mark.parametrize(
    "text",
    [
        "5%..20% per quarter, 90% sure",
        "5-20 % per quarter",
        "5 to 20% a quarter",
        "5%–20% per quarter",
    ],
)
def test_the_spellings_of_a_rate_mean_the_same(text: str) -> None:
    rate = parse_rate(text)
    quarter = 365.25 / 4
    assert rate.low == pytest.approx(-math.log(0.95) / quarter)
    assert rate.high == pytest.approx(-math.log(0.80) / quarter)
    assert rate.mass == 0.9


def test_a_waiting_time_is_turned_round() -> None:
    rate = parse_rate("one in 8..30 years, 80% sure")
    assert (1 / rate.high, 1 / rate.low) == pytest.approx((8 * 365.25, 30 * 365.25))
    assert rate.mass == 0.8


def test_ratios_shares_and_durations() -> None:
    assert (parse_ratio("0.4x..0.9x").low, parse_ratio("1.2..3x").high) == (0.4, 3.0)
    assert (parse_share("20%..60%").low, parse_share("20-60%").high) == (0.2, 0.6)
    assert parse_days("6 hours") == 0.25


@pytest.mark.parametrize(
    "text", ["0.001x..1000x", "0.99x..1.01x, 1% sure", "0.001x..0.002x, 99.9% sure", "999x..1000x"]
)
def test_the_widest_factors_are_accepted(text: str) -> None:
    assert 0.001 <= parse_ratio(text).low < parse_ratio(text).high <= 1000.0


def test_the_widest_rates_and_durations_are_accepted() -> None:
    rate = parse_rate("one in 0.01..36525000 days")
    assert (rate.low, rate.high) == pytest.approx((1 / 36525000, 100.0))
    assert parse_rate("one in 8..100000 years").low == rate.low
    assert parse_days("100 years") == 36525.0


@pytest.mark.parametrize("text", ["1e308 years", "1e300 days", "1e999 days", "100.01 years"])
def test_a_duration_of_more_than_a_century_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="a duration is at most 100 years"):
        parse_days(text)


@pytest.mark.parametrize(
    "text",
    [
        "one in 8..100001 years",
        "one in 1e300..1e308 years",
        "one in 0.009..1 days",
        "one in 1e-320..1 days",
        "1e-300%..1% per day",
        "1%..98.5% per hour",
    ],
)
def test_a_rate_beyond_all_experience_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"once in 100,000 years and 100 a day"):
        parse_rate(text)


def test_a_range_that_is_too_wide_for_how_sure_it_is_is_refused() -> None:
    # half as wide at 50 % as at 90 %: a factor of 10 each way becomes one of 275
    assert parse_ratio("0.1x..10x, 50% sure").mass == 0.5
    with pytest.raises(ValueError, match="the 90% interval that this implies does not"):
        parse_ratio("0.05x..20x, 50% sure")
    with pytest.raises(ValueError, match="the 90% interval that this implies does not"):
        parse_ratio("1x..3x, 1% sure")
    with pytest.raises(ValueError, match="the 90% interval that this implies does not"):
        parse_rate("one in 1..1000 days, 5% sure")


def test_a_waiting_time_that_rounds_to_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="must be more than 0"):
        parse_rate("one in 1e-323..1 hours")


@pytest.mark.parametrize("sure", ["0.0000000001", "0.99", "99.91", "100"])
def test_an_impossible_certainty_is_refused(sure: str) -> None:
    for parse, words in ((parse_rate, "1%..2% per day"), (parse_ratio, "1x..2x")):
        with pytest.raises(ValueError, match=r"how sure lies within 1%\.\.99\.9%"):
            parse(f"{words}, {sure}% sure")
    with pytest.raises(ValueError, match="how sure"):
        parse_share(f"1%..2%, {sure}% sure")


@pytest.mark.parametrize("text", ["100%..20% per day", "5%..5% per day", "5%..200% per year", ""])
def test_an_impossible_rate_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"strictly between|below the upper end|write it like"):
        parse_rate(text)


@pytest.mark.parametrize(
    "text",
    [
        "1e999x..2e999x",
        "1x..1e400x",
        "1e-300x..1e300x",
        "0.0009x..1x",
        "1x..1001x",
        "-1x..2x",
        "1x..2x, 0% sure",
    ],
)
def test_an_impossible_ratio_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"0\.001x\.\.1000x|write it like|how sure|below"):
        parse_ratio(text)


@pytest.mark.parametrize(("text", "p"), [("40%", 0.4), ("0.4", 0.4), (0.4, 0.4), (1, 1.0)])
def test_probabilities_are_read_as_people_write_them(text: str | float, p: float) -> None:
    assert parse_percent(text) == pytest.approx(p)


@pytest.mark.parametrize("text", ["140%", "-1%", "forty", math.nan, 1.5, True])
def test_what_is_no_probability_is_refused(text: str | float) -> None:
    with pytest.raises(ValueError, match="not a probability"):
        parse_percent(text)


@pytest.mark.parametrize("parse", [parse_rate, parse_ratio, parse_share])
def test_a_file_full_of_blanks_is_refused_as_fast_as_any(parse: Callable[[str], Range]) -> None:
    with pytest.raises(ValueError, match="write it like"):
        parse(f"1{' ' * 200_000}!")  # twenty minutes, where a pattern looks at each blank twice
