"""Checks of a prior against counts, and proposals against what came later."""

import numpy as np
import pytest
from scipy.special import gammaln
from scipy.stats import kstest, nbinom

from forecast.watch import parse_config
from models.base_rate import gamma_of
from models.priors.beliefs import Beliefs, beliefs_of
from models.priors.check import check_counts, class_draws, predicted
from models.priors.elicit import Normal
from models.priors.evidence import History, hierarchical, of_a_unit, rate_from
from models.priors.holdout import UnitDays, held_out, log_score

UNITS, DAYS = 12, 400
WATCH = """
[watch]
title = "t"
[definitions.strike]
base_rate = "30%..60% per quarter"
recurrent = true
"""


@pytest.fixture(scope="module")
def beliefs() -> Beliefs:
    return beliefs_of(parse_config(WATCH), "strike")


def counts_of(beliefs: Beliefs, seed: int, draws: int = 2000) -> np.ndarray:
    rate, shape = class_draws(beliefs, draws, seed)
    at_risk = np.full((draws, UNITS), float(DAYS))
    return predicted(rate, shape, at_risk, seed, once=False, alone=False)


def test_data_of_the_prior_itself_are_rarely_in_conflict(beliefs: Beliefs) -> None:
    worlds, against = counts_of(beliefs, 1, 200), counts_of(beliefs, 2)
    p = [check_counts(world.tolist(), against, once=False)[0].p for world in worlds]
    assert np.mean(np.array(p) < 0.05) < 0.1
    assert kstest(p, "uniform").pvalue > 1e-4


def test_worlds_grown_apart_from_the_code_are_rarely_in_conflict_by_any_statistic(
    beliefs: Beliefs,
) -> None:
    rng, against, found = np.random.default_rng(11), counts_of(beliefs, 2), []
    for _ in range(200):
        rate = np.exp(rng.normal(beliefs.log_rate.mean, beliefs.log_rate.sd))
        kappa = np.exp(rng.normal(beliefs.log_shape.mean, beliefs.log_shape.sd))
        units = [rng.poisson(rng.gamma(kappa, rate / kappa) * DAYS) for _ in range(UNITS)]
        found.append([check.p for check in check_counts(units, against, once=False)])
    assert np.all((np.array(found) < 0.05).mean(axis=0) < 0.1)
    assert np.all((np.array(found) < 0.5).mean(axis=0) > 0.35)


def test_far_too_many_and_far_too_few_events_are_a_conflict(beliefs: Beliefs) -> None:
    counts = counts_of(beliefs, 1)
    for many in (0.0, 40.0):
        found = check_counts([many] * UNITS, counts, once=False)
        assert found[0].verdict == "conflict"


def test_units_that_differ_more_than_believed_are_found_though_the_sum_is_right(
    beliefs: Beliefs,
) -> None:
    counts = counts_of(beliefs, 1)
    whole = round(float(counts.sum(axis=1).mean()))
    total, most, uneven = check_counts([whole] + [0.0] * (UNITS - 1), counts, once=False)
    assert (total.verdict, most.verdict, uneven.verdict) == ("fine", "conflict", "conflict")


def test_of_what_happens_once_only_the_number_is_judged(beliefs: Beliefs) -> None:
    rate, shape = class_draws(beliefs, 500, 1)
    at_risk = np.full((500, UNITS), float(DAYS))
    counts = predicted(rate, shape, at_risk, 1, once=True, alone=True)
    assert set(np.unique(counts)) == {0.0, 1.0}
    assert len(check_counts([1.0] * UNITS, counts, once=True)) == 1


@pytest.mark.parametrize("kappa", [0.7, 1.1, 6.0])
def test_the_rate_of_a_unit_of_a_class_is_that_of_the_gamma_which_has_the_classs_mean(
    kappa: float,
) -> None:
    """What is told of one unit has the class's rate as its mean, not as its middle."""
    one = of_a_unit(Normal(np.log(0.004), 1e-9), Normal(np.log(kappa), 0.3))
    assert gamma_of(one).shape == pytest.approx(kappa, rel=1e-6)
    assert gamma_of(one).shape / gamma_of(one).rate == pytest.approx(0.004, rel=1e-6)
    unsure = of_a_unit(Normal(np.log(0.004), 0.5), Normal(np.log(kappa), 0.3))
    rng = np.random.default_rng(3)
    rates = np.log(rng.gamma(kappa, np.exp(rng.normal(np.log(0.004), 0.5, 400_000)) / kappa))
    assert (unsure.mean, unsure.sd) == pytest.approx((rates.mean(), rates.std()), abs=0.01)


def units(rate: float, seed: int = 1) -> list[UnitDays]:
    rng = np.random.default_rng(seed)
    return [
        UnitDays(f"u{k}", 0, np.ones(DAYS), rng.poisson(rate, DAYS).astype(float))
        for k in range(UNITS)
    ]


def propose(histories: "list[History]") -> Normal:
    return rate_from(sum(h.events for h in histories), sum(h.days for h in histories))


def test_a_proposal_gains_where_what_stands_is_wrong_and_not_where_it_is_right() -> None:
    wrong, right = Normal(np.log(0.2), 0.3), Normal(np.log(0.02), 0.1)
    assert held_out(units(0.02), wrong, propose).is_gain  # type: ignore[arg-type]
    found = held_out(units(0.02), right, propose)  # type: ignore[arg-type]
    assert not found.is_gain
    assert found.tested == UNITS * 4


def test_what_comes_later_never_enters_a_proposal() -> None:
    seen: list[float] = []

    def remember(histories: "list[History]") -> Normal:
        seen.append(max(h.days for h in histories))
        return Normal(-4.0, 0.5)

    held_out(units(0.02), Normal(-4.0, 0.5), remember)  # type: ignore[arg-type]
    assert seen == [DAYS / 5, 2 * DAYS / 5, 3 * DAYS / 5, 4 * DAYS / 5]


def test_equal_candidates_score_the_same_and_the_own_past_counts() -> None:
    belief = Normal(-4.0, 1.0)
    after = History("u", 3.0, 100.0)
    assert held_out(units(0.02), belief, lambda _: belief).gain == 0.0
    quiet, busy = History("u", 0.0, 300.0), History("u", 9.0, 300.0)
    assert log_score(belief, busy, after) > log_score(belief, quiet, after)


def test_the_score_is_the_negative_binomials_but_for_what_candidates_have_in_common() -> None:
    before, after = History("u", 2.0, 300.0), History("u", 3.0, 100.0)
    common = gammaln(4.0) - 3.0 * np.log(100.0)  # the same whatever is believed
    for belief in (Normal(-4.0, 1.0), Normal(-6.0, 0.3)):
        gamma = gamma_of(belief).after(2.0, 300.0)
        exact = nbinom.logpmf(3, gamma.shape, gamma.rate / (gamma.rate + 100.0))
        assert log_score(belief, before, after) == pytest.approx(exact + common)


@pytest.mark.parametrize("events", [1.0, 4.0])
def test_units_that_do_not_differ_are_one_and_its_rate_is_that_of_jeffreys(events: float) -> None:
    histories = [History("a", events, 500.0), History("b", 0.0, 250.0), History("c", 0.0, 250.0)]
    rate, _ = hierarchical(histories, Normal(np.log(1e5), 0.1))
    exact = rate_from(events, 1000.0)
    assert (rate.mean, rate.sd) == pytest.approx((exact.mean, exact.sd), abs=0.02)
