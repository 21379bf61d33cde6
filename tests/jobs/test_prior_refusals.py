"""Beliefs that cannot be are refused with the nearest that can, which then is taken."""

import re

import pytest

from forecast.errors import UsageError
from forecast.words import parse_half_life, parse_rate, parse_ratio, parse_share
from jobs.attainable import nearest_said
from jobs.peaks import from_peak
from jobs.proposals import from_experts

PARSERS = {
    "base_rate": parse_rate,
    "effects.a": parse_ratio,
    "half_life.a": parse_half_life,
    "a.share": parse_share,
}


@pytest.mark.parametrize(
    ("key", "words", "nearest"),
    [
        ("base_rate", "20%..5% per quarter", "5%..20% per quarter"),
        ("base_rate", "5%..150% per quarter", "5%..99% per quarter"),
        ("base_rate", "150% per quarter", "one in 30.4..122 days"),
        ("base_rate", "0%..5% per quarter", "0.5%..5% per quarter"),
        ("base_rate", "5%..20%", "5%..20% per quarter"),
        ("base_rate", "5% per month", "2.5%..10% per month"),
        ("base_rate", "5%..20% per year, 100% sure", "5%..20% per year, 99% sure"),
        ("base_rate", "one in 0..5 years", "one in 0.5..5 years"),
        ("effects.a", "3x..1.2x", "1.2x..3x"),
        ("effects.a", "0x..2x", "0.2x..2x"),
        ("effects.a", "1.2..3", "1.2x..3x"),
        ("effects.a", "1x..99999x", "1x..1000x"),
        ("half_life.a", "0 days", "1 days"),
        ("half_life.a", "60..15 days", "15..60 days"),
        ("half_life.a", "30", "30 days"),
        ("half_life.a", "900 years", "100 years"),
        ("a.share", "60%..120%", "60%..99%"),
        ("a.share", "0%..60%, 50% sure", "6%..60%, 50% sure"),
    ],
)
def test_the_nearest_is_said_and_can_be(key: str, words: str, nearest: str) -> None:
    parse = PARSERS[key]
    with pytest.raises(ValueError, match=r"'"):
        parse(words)
    assert nearest_said(key, words, parse) == f"; the nearest that can be is '{nearest}'"
    parse(nearest)


def test_where_nothing_near_is_known_nothing_is_said() -> None:
    assert nearest_said("base_rate", "often", parse_rate) == ""
    assert nearest_said("effects.a", "0", parse_ratio) == ""


@pytest.mark.parametrize(
    ("key", "words", "range_"),
    [
        ("base_rate", "most likely 8%, surely below 40% per quarter", "1.35%..40% per quarter"),
        ("base_rate", "about 1% per month, 95% sure below 40% per year", "0.709%..12% per quarter"),
        ("effects.a", "most likely 2x, surely at most 5x", "0.8x..5x"),
        ("effects.a", "most likely 0.8x, 90% sure above 0.4x", "0.329x..1.95x"),
        ("half_life.a", "most likely 2 weeks, surely below 90 days", "2.18..90 days"),
        ("a.share", "most likely 30%, surely below 60%", "12.2%..60%"),
    ],
)
def test_a_peak_and_a_bound_are_words_too(key: str, words: str, range_: str) -> None:
    found = from_peak(key, words)
    assert found is not None
    assert (found.words, found.notes) == (f"{range_}, 90% sure", (f"from '{words}'",))
    PARSERS[key](found.words)


@pytest.mark.parametrize(
    ("key", "words"),
    [
        ("base_rate", "most likely 8%, surely below 4% per quarter"),
        ("base_rate", "most likely 8%, surely below 8% per quarter"),
        ("base_rate", "most likely 8%, 40% sure below 20% per quarter"),
        ("base_rate", "most likely 8%, surely below 140% per quarter"),
        ("base_rate", "most likely 0%, surely below 40% per quarter"),
        ("effects.a", "most likely 2x, surely above 0x"),
        ("a.share", "most likely 30%, surely below 97%"),
        ("a.share", "most likely 30%, surely below 120%"),
        ("a.share", "most likely 30%, surely above 1%"),
    ],
)
def test_a_peak_and_a_bound_that_cannot_be_have_a_nearest_that_can(key: str, words: str) -> None:
    with pytest.raises(UsageError, match="the nearest that can be is") as refused:
        from_peak(key, words)
    nearest = re.search("nearest that can be is '(.*)'", str(refused.value))
    assert nearest is not None
    found = from_peak(key, nearest[1])
    assert found is not None
    PARSERS[key](found.words)


def test_words_of_another_kind_are_left_to_others() -> None:
    assert from_peak("base_rate", "5%..20% per quarter") is None
    assert from_peak("unit_spread", "most likely 2x, surely below 4x") is None


@pytest.mark.parametrize("weight", ["0", "-1", "much", "inf"])
def test_an_expert_without_weight_is_refused_with_an_example(weight: str) -> None:
    with pytest.raises(UsageError, match=r"more than 0, as in '5%\.\.20%:1'"):
        from_experts("base_rate", [f"5%..20%:{weight}", "1%..2%"], "linear")
