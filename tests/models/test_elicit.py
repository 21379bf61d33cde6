"""Plain words to parameters: the reference numbers, both tails, and what cannot be."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import beta as beta_distribution

from forecast.errors import ConfigError
from forecast.watch import parse_config
from forecast.words import Range, parse_rate, parse_ratio, parse_share
from models.priors.beliefs import beliefs_of
from models.priors.elicit import beta_share, log_normal

WATCH = """
[watch]
title = "t"
[indicators.a]
effect = "1.2x..3x"
half_life = "30 days"
[definitions.wide]
base_rate = "5%..20% per quarter"
unit_spread = "1.5x..3x"
indicators = ["a"]
[definitions.inner]
within = "middle"
share = "20%..60%"
[definitions.middle]
within = "wide"
rest_of = "aside"
[definitions.aside]
within = "wide"
share = "20%..60%"
"""


@pytest.mark.parametrize(
    ("words", "parse", "mean", "sd"),
    [
        ("5%..20% per quarter, 90% sure", parse_rate, -6.749, 0.447),
        ("1.2x..3x, 90% sure", parse_ratio, 0.640, 0.279),
    ],
)
def test_words_give_the_numbers_of_the_reference(words, parse, mean, sd) -> None:  # type: ignore[no-untyped-def]
    found = log_normal(parse(words))
    assert found.mean == pytest.approx(mean, abs=6e-4)
    assert found.sd == pytest.approx(sd, abs=6e-4)


def test_a_normal_has_the_range_as_its_central_interval() -> None:
    words = parse_ratio("1.2x..3x, 80% sure")
    found = log_normal(words)
    assert found.quantile(0.1) == pytest.approx(math.log(1.2))
    assert found.quantile(0.9) == pytest.approx(math.log(3.0))


@settings(max_examples=30, deadline=None, derandomize=True)
@given(low=st.floats(0.02, 0.9), width=st.floats(0.03, 0.9), mass=st.sampled_from([0.5, 0.8, 0.9]))
def test_a_share_meets_both_tails(low: float, width: float, mass: float) -> None:
    words = Range(low, low + width * (0.98 - low), mass)
    found = beta_share(words)
    tail = (1 - mass) / 2
    assert beta_distribution.cdf(words.low, found.a, found.b) == pytest.approx(tail, abs=2e-6)
    assert beta_distribution.sf(words.high, found.a, found.b) == pytest.approx(tail, abs=2e-6)


def test_a_share_that_no_beta_has_is_an_error_of_the_configuration() -> None:
    with pytest.raises(ConfigError, match="no Beta has"):
        beta_share(Range(1e-300, 2e-300, 0.9))


def test_the_same_words_always_give_the_same_share() -> None:
    assert beta_share(parse_share("20%..60%")) == beta_share(parse_share("20%..60%, 90% sure"))


def test_units_that_differ_by_a_factor_have_that_as_the_spread_of_kappa() -> None:
    found = beliefs_of(parse_config(WATCH), "wide").log_shape
    few, many = (1.645 / math.log(3)) ** 2, (1.645 / math.log(1.5)) ** 2
    assert math.exp(found.quantile(0.05)) == pytest.approx(few, rel=1e-6)
    assert math.exp(found.quantile(0.95)) == pytest.approx(many, rel=1e-6)


def test_a_spread_that_is_none_is_an_error_of_the_configuration() -> None:
    config = parse_config(WATCH.replace("1.5x..3x", "0.5x..3x"))
    with pytest.raises(ConfigError, match="more than 1x"):
        beliefs_of(config, "wide")


def test_nested_definitions_come_after_what_they_lie_in_and_what_they_are_the_rest_of() -> None:
    found = beliefs_of(parse_config(WATCH), "inner")
    assert found.definitions() == ("wide", "aside", "middle", "inner")
    assert found.includes("wide", "inner")
    assert found.includes("middle", "inner")
    assert not found.includes("aside", "inner")
    assert not found.includes("inner", "wide")
