"""Plain words are read as analysts write them, and refused with how to write them."""

import math

import pytest

from forecast.words import parse_days, parse_percent, parse_rate, parse_ratio, parse_share


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


@pytest.mark.parametrize("text", ["100%..20% per day", "5%..5% per day", "5%..200% per year", ""])
def test_an_impossible_rate_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"strictly between|below the upper end|write it like"):
        parse_rate(text)


@pytest.mark.parametrize("text", ["1e999x..2e999x", "1x..1e400x", "-1x..2x", "1x..2x, 0% sure"])
def test_an_impossible_ratio_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"too large|more than 0|write it like|how sure|below"):
        parse_ratio(text)


@pytest.mark.parametrize(("text", "p"), [("40%", 0.4), ("0.4", 0.4), (0.4, 0.4), (1, 1.0)])
def test_probabilities_are_read_as_people_write_them(text: str | float, p: float) -> None:
    assert parse_percent(text) == pytest.approx(p)


@pytest.mark.parametrize("text", ["140%", "-1%", "forty", math.nan, 1.5, True])
def test_what_is_no_probability_is_refused(text: str | float) -> None:
    with pytest.raises(ValueError, match="not a probability"):
        parse_percent(text)
