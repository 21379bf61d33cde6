"""The density against loops over days and pairs of events, written anew."""

import math

import numpy as np
import pytest
from scipy.stats import beta as beta_distribution
from scipy.stats import norm

from models.covariates import Array
from models.hazard.formulas import Prior
from models.priors.elicit import Normal
from models.rows import Rows
from models.self_exciting.density import (
    BLOCK,
    BRANCHING,
    LOG_MEMORY,
    Density,
    Past,
    compiled_density,
    hawkes_target,
    prior_of,
)
from tests.models import worlds

BELIEVED = worlds.beliefs(
    worlds.effect("a"),
    worlds.effect("b", 0.3, 0.4),
    log_rate=Normal(-3.0, 0.5),
    log_ceiling=Normal(-1.0, 0.4),
    model="self-exciting",
)
PRIOR = prior_of(BELIEVED)
EARLIER = np.array([-3.0, -3.0, -40.0])


@pytest.fixture(scope="module")
def density() -> Density:
    return compiled_density()


def history(seed: int, days: int, rate: float) -> Rows:
    """Days with evidence, many events, stretches at half risk and none."""
    rng = np.random.default_rng(seed)
    x: Array = rng.gamma(0.5, 1.0, (days, 2)) * (rng.random((days, 1)) < 0.5)
    exposure = rng.choice(np.array([1.0, 1.0, 0.5, 0.0]), days // 10 + 1).repeat(10)[:days]
    return Rows.of_one_unit(x, exposure, np.asarray(rng.poisson(rate, days), np.float64))


def draws_of(n: int = 5, tags: int = 2) -> Array:
    target = hawkes_target(compiled_density(), Past.of(history(0, 20, 0.1)), PRIOR)
    z = np.random.default_rng(8).standard_normal((n, 4 + tags))
    return np.asarray(target.start + 1.5 * target.scale * z)


def log_likelihood(theta: Array, rows: Rows, earlier: Array, capped: bool = True) -> float:
    """Day by day, each event felt on each later day."""
    n, w = norm.cdf(theta[2]), math.exp(-theta[3])
    felt = [(int(day), 1.0) for day in earlier]
    felt += [(day, count) for day, count in enumerate(rows.events) if count]
    total = 0.0
    for day in range(len(rows.exposure)):
        m = 1 / (math.exp(-rows.x[day] @ theta[4:]) + capped * math.exp(theta[0] - theta[1]))
        rate = math.exp(theta[0]) * m
        for j, count in felt:
            if j < day:
                rate += count * n * (math.exp(-w * (day - 1 - j)) - math.exp(-w * (day - j)))
        total -= rows.exposure[day] * rate
        if rows.exposure[day] > 0:
            total += rows.events[day] * math.log(rate)
    return total


@pytest.mark.parametrize("rate", [0.0, 0.02, 0.15, 1.5])
@pytest.mark.parametrize("earlier", [np.zeros(0), EARLIER])
def test_the_likelihood_is_that_of_a_loop_over_days_and_events(
    density: Density, rate: float, earlier: Array
) -> None:
    rows = history(3, 260, rate)
    target = hawkes_target(density, Past.of(rows, earlier), PRIOR)
    draws = draws_of()
    expected = [log_likelihood(theta, rows, earlier) for theta in draws]
    assert target.log_likelihood(draws) == pytest.approx(expected, rel=1e-10, abs=1e-10)


def test_the_prior_is_normal_but_for_the_branching_ratio(density: Density) -> None:
    target = hawkes_target(density, Past.of(history(1, 20, 0.1)), PRIOR)
    draws = draws_of()
    expected = beta_distribution.logpdf(norm.cdf(draws[:, 2]), *BRANCHING)
    expected += norm.logpdf(draws[:, 2])
    expected += norm.logpdf(draws[:, 3], *LOG_MEMORY)
    normals = [BELIEVED.log_rate, BELIEVED.log_ceiling, *(e.log_ratio for e in BELIEVED.effects)]
    for column, normal in zip((0, 1, 4, 5), normals, strict=True):
        assert normal is not None
        expected += norm.logpdf(draws[:, column], normal.mean, normal.sd)
    assert target.log_prior(draws) == pytest.approx(expected, rel=1e-12)


def test_start_and_scale_are_the_moments_of_the_prior(density: Density) -> None:
    target = hawkes_target(density, Past.of(history(1, 20, 0.1)), PRIOR)
    n = np.random.default_rng(0).beta(*BRANCHING, 400_000)
    assert target.start[2] == pytest.approx(norm.ppf(n).mean(), abs=0.01)
    assert target.scale[2] == pytest.approx(norm.ppf(n).std(), rel=0.01)
    assert list(target.start[[0, 1, 3]]) == [-3.0, -1.0, math.log(14)]


def test_the_value_is_the_sum_of_its_parts_and_the_gradient_is_its_own(density: Density) -> None:
    target = hawkes_target(density, Past.of(history(3, 260, 0.1), EARLIER), PRIOR)
    for theta in draws_of(3):
        value, gradient = target.value_and_gradient(theta)
        parts = target.log_prior(theta[None]) + target.log_likelihood(theta[None])
        assert value == pytest.approx(parts[0], rel=1e-12)
        for k, step in enumerate(1e-5 * np.eye(len(theta))):
            ahead, behind = (target.value_and_gradient(theta + s)[0] for s in (step, -step))
            assert gradient[k] == pytest.approx((ahead - behind) / 2e-5, rel=1e-5, abs=1e-4)


def test_a_batch_is_the_same_as_one_by_one(density: Density) -> None:
    target = hawkes_target(density, Past.of(history(3, 400, 0.6)), PRIOR)
    draws = draws_of(30)  # more than are done at once
    alone = [target.log_likelihood(d[None])[0] for d in draws]
    assert target.log_likelihood(draws) == pytest.approx(alone, rel=1e-12)


def test_a_compensator_by_hand(density: Density) -> None:
    # one event on day 0 of three; nothing else; 1/w = 1 / log 2 days, so that half is left daily
    rows = Rows.of_one_unit(np.zeros((3, 1)), np.ones(3), np.array([1.0, 0.0, 0.0]))
    prior = Prior(np.zeros(4), np.ones(4), np.ones(1), np.zeros((1, 0)), False)
    target = hawkes_target(density, Past.of(rows), prior)
    theta = np.array([[math.log(0.1), 0.0, 0.0, -math.log(math.log(2)), 0.7]])  # n = 1/2
    # rates: 0.1; 0.1 + 1/4; 0.1 + 1/8
    assert target.log_likelihood(theta) == pytest.approx(math.log(0.1) - 0.3 - 0.375, rel=1e-12)


def test_without_branching_it_is_a_poisson_process(density: Density) -> None:
    rows = Rows.of_one_unit(np.zeros((50, 1)), np.ones(50), np.eye(50)[7] * 3)
    prior = Prior(np.zeros(4), np.ones(4), np.ones(1), np.zeros((1, 0)), False)
    target = hawkes_target(density, Past.of(rows), prior)
    theta = np.array([[-2.0, 0.0, -60.0, 2.0, 0.7]])
    assert target.log_likelihood(theta) == pytest.approx(3 * -2.0 - 50 * math.exp(-2), rel=1e-12)


def test_what_happens_on_a_day_without_risk_excites_and_is_not_scored(density: Density) -> None:
    rows = history(5, 60, 0.0)
    off = Rows.of_one_unit(rows.x, (np.arange(60) >= 30).astype(float), np.eye(60)[20])
    target = hawkes_target(density, Past.of(off), PRIOR)
    # the same as an event known from before the watch, which began on day 30
    late = Rows.of_one_unit(off.x[30:], np.ones(30), np.zeros(30))
    same = hawkes_target(density, Past.of(late, np.array([-10.0])), PRIOR)
    draws = draws_of()
    assert target.log_likelihood(draws) == pytest.approx(same.log_likelihood(draws), rel=1e-12)


def test_days_with_equal_evidence_are_one_row() -> None:
    days = np.arange(20_000)
    past = Past.of(Rows.of_one_unit(np.zeros((20_000, 2)), np.ones(20_000), 1.0 * (days == 77)))
    assert len(past.x) == 1
    assert past.exposure == [20_000]
    assert len(past.day) == BLOCK


def test_no_day_at_all_leaves_the_prior(density: Density) -> None:
    nothing = Rows.of_one_unit(np.zeros((0, 2)), np.zeros(0), np.zeros(0))
    target = hawkes_target(density, Past.of(nothing, np.array([-2.0])), PRIOR)
    draws = draws_of()
    assert target.log_likelihood(draws) == pytest.approx(0.0, abs=1e-300)
    assert np.isfinite(target.value_and_gradient(draws[0])[1]).all()
