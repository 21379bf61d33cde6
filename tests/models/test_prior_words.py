"""Priors from people, from the past and from likelihood ratios, and back into words."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import gamma, nbinom, norm

from forecast.words import DAYS_IN, Range, parse_rate, parse_ratio, parse_share
from models.priors.elicit import Beta, Normal, beta_share, log_normal
from models.priors.evidence import History, hierarchical, rate_from
from models.priors.pooling import disagree, pooled_beta, pooled_normal
from models.priors.ratios import converted, hazard_ratio, likelihood_ratio
from models.priors.say import rate_words, ratio_words, share_words

LOW, HIGH = 0.05, 0.95
SHAPE = Normal(math.log(6.0), 0.5)


@given(st.floats(-12.0, 1.5), st.floats(0.05, 2.0))
@settings(max_examples=60, deadline=None)
def test_words_of_a_rate_say_the_same_rate(mean: float, sd: float) -> None:
    again = log_normal(parse_rate(rate_words(Normal(mean, sd))))
    assert again.mean == pytest.approx(mean, abs=0.02)
    assert again.sd == pytest.approx(sd, rel=0.05, abs=0.02)


def test_words_of_a_factor_and_of_a_share_say_the_same() -> None:
    ratio, share = Normal(0.6, 0.3), beta_share(parse_share("20%..60%"))
    again = log_normal(parse_ratio(ratio_words(ratio)))
    assert again.mean == pytest.approx(0.6, abs=0.01)
    assert again.sd == pytest.approx(0.3, abs=0.01)
    assert beta_share(parse_share(share_words(share))).mean == pytest.approx(share.mean, abs=0.005)


# Several people


def test_a_linear_pool_has_the_quantiles_of_the_mixture() -> None:
    beliefs, weights = [Normal(0.0, 1.0), Normal(2.0, 0.5)], [1.0, 3.0]
    found = pooled_normal(beliefs, weights, "linear")
    for p in (LOW, HIGH):
        x = found.quantile(p)
        assert 0.25 * norm.cdf(x, 0, 1) + 0.75 * norm.cdf(x, 2, 0.5) == pytest.approx(p, abs=1e-6)


def test_a_logarithmic_pool_is_the_normalised_product_of_powers() -> None:
    beliefs = [Normal(0.0, 1.0), Normal(2.0, 0.5)]
    found = pooled_normal(beliefs, [1.0, 1.0], "logarithmic")

    def log_product(x: float) -> float:
        return float(sum(0.5 * norm.logpdf(x, n.mean, n.sd) for n in beliefs))

    off = [log_product(x) - norm.logpdf(x, found.mean, found.sd) for x in (-1.0, 0.5, 3.0)]
    assert off[0] == pytest.approx(off[1]) == pytest.approx(off[2])


@pytest.mark.parametrize("pool", ["linear", "logarithmic"])
def test_ten_who_say_the_same_are_no_surer_than_one(pool: str) -> None:
    one, share = Normal(0.3, 0.7), Beta(3.0, 5.0)
    found = pooled_normal([one] * 10, [1.0] * 10, pool)  # type: ignore[arg-type]
    assert found.mean == pytest.approx(0.3)
    assert found.sd == pytest.approx(0.7)
    shares = pooled_beta([share] * 10, [1.0] * 10, pool)  # type: ignore[arg-type]
    assert shares.a == pytest.approx(3.0, rel=1e-3)
    assert shares.b == pytest.approx(5.0, rel=1e-3)


def test_people_whose_ranges_have_nothing_in_common_are_found_out() -> None:
    assert disagree([Normal(0.0, 0.1), Normal(1.0, 0.1)])
    assert not disagree([Normal(0.0, 0.5), Normal(1.0, 0.5)])


# A likelihood ratio


def test_a_hazard_ratio_gives_back_its_likelihood_ratio() -> None:
    for p in (0.001, 0.3, 0.9):
        for ratio in (0.2, 1.0, 4.0):
            assert likelihood_ratio(hazard_ratio(ratio, p), p) == pytest.approx(ratio)


def test_the_odds_of_the_event_are_multiplied() -> None:
    p, ratio = 0.4, 3.0
    with_sign = -math.expm1(hazard_ratio(ratio, p) * math.log1p(-p))
    assert with_sign / (1 - with_sign) == pytest.approx(ratio * p / (1 - p))


def test_where_the_event_is_rare_both_are_the_same_and_else_no_one_is_meant() -> None:
    rare = log_normal(parse_rate("0.1%..1% per quarter"))
    found = converted(Range(1.2, 3.0), rare, DAYS_IN["quarter"])
    assert found.is_one
    assert found.log_ratio.mean == pytest.approx(log_normal(Range(1.2, 3.0)).mean, abs=0.01)
    often = log_normal(parse_rate("20%..80% per quarter"))
    assert not converted(Range(1.2, 3.0), often, DAYS_IN["quarter"]).is_one


# The past


def test_a_rate_from_events_is_jeffreys_gamma_by_its_log() -> None:
    found = rate_from(8.0, 1000.0)
    exact = gamma(8.5, scale=1 / 1000.0)
    for p in (LOW, HIGH):
        assert found.quantile(p) == pytest.approx(math.log(exact.ppf(p)), abs=0.05)


def test_what_is_less_relevant_counts_less_and_stays_in_place() -> None:
    whole, part = rate_from(8.0, 1000.0), rate_from(8.0, 1000.0, 0.3)
    assert part.sd > 1.5 * whole.sd
    assert part.mean == pytest.approx(whole.mean, abs=0.1)


def test_a_class_that_differs_says_less_of_its_rate_than_its_sum_does() -> None:
    alike = [History(f"u{k}", 3.0, 1000.0) for k in range(8)]
    uneven = [History(f"u{k}", 24.0 * (k == 0), 1000.0) for k in range(8)]
    rate, shape = hierarchical(alike, SHAPE)
    assert math.exp(rate.mean) == pytest.approx(0.003, rel=0.1)
    assert rate.sd > rate_from(24.0, 8000.0).sd
    assert hierarchical(uneven, SHAPE)[1].mean < shape.mean


def test_the_grid_is_the_posterior_of_the_negative_binomial() -> None:
    histories = [History("a", 2.0, 500.0), History("b", 0.0, 300.0), History("c", 5.0, 900.0)]
    rate, _ = hierarchical(histories, Normal(math.log(6.0), 1e-6))
    points = [rate.mean + 6 * rate.sd * (k / 200 - 1) for k in range(401)]

    def density(log_mu: float) -> float:
        mu, level = math.exp(log_mu), 0.5 * log_mu
        for h in histories:
            level += nbinom.logpmf(h.events, 6.0, 6.0 / (6.0 + mu * h.days))
        return math.exp(level)

    weights = [density(x) for x in points]
    mean = sum(w * x for w, x in zip(weights, points, strict=True)) / sum(weights)
    assert rate.mean == pytest.approx(mean, abs=0.01)
