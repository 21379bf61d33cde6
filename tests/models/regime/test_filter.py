"""The filter's graph against sums over all paths, its gradient, and what evidence must do."""

from dataclasses import replace

import numpy as np
import pytest

from models.covariates import Array
from models.priors.beliefs import Beliefs
from models.priors.elicit import Normal
from models.regime.days import SHORTEST, Days
from models.regime.density import Density, compiled_density
from models.regime.prior import Prior
from tests.models import worlds
from tests.models.regime.reference import chain_of, day_likelihoods, over_all_paths

DAYS = 10
BELIEVED = worlds.beliefs(
    worlds.effect("up", 0.8), worlds.effect("down", -0.5), log_rate=Normal(-3.0, 0.5)
)
UNCAPPED = replace(BELIEVED, log_ceiling=None)


def days_of(seed: int = 1) -> Days:
    """Ten days with everything in them: incidents of all weights, gaps, events, time off."""
    rng = np.random.default_rng(seed)
    counts: Array = rng.choice([0.0, 0.0, 0.0, 1.0, 0.4, 2.7], (DAYS, 2)).astype(float)
    covered = np.maximum(rng.choice([0.0, 0.5, 1.0, 1.0], (DAYS, 2)), counts > 0)
    exposure: Array = rng.choice([0.0, 1.0, 1.0], DAYS).astype(float)
    events = np.where(exposure > 0, rng.choice([0.0, 0.0, 1.0, 2.0], DAYS), 0.0)
    return Days(counts, covered, exposure, events, rows=DAYS)


def quiet(days: int, streams: int = 2) -> Days:
    """Days on which all was watched and nothing came."""
    shape = (days, streams)
    return Days(np.zeros(shape), np.ones(shape), np.ones(days), np.zeros(days), rows=days)


def draws_around(prior: Prior, n: int = 5, spread: float = 1.5) -> Array:
    z = np.random.default_rng(2).standard_normal((n, len(prior.mean)))
    return np.asarray(prior.mean + spread * prior.sd * z)


@pytest.fixture(scope="module")
def density() -> Density:
    return compiled_density(SHORTEST)


@pytest.mark.parametrize("believed", [BELIEVED, UNCAPPED], ids=["ceiling", "no ceiling"])
def test_the_filter_is_the_sum_over_all_paths(density: Density, believed: Beliefs) -> None:
    prior, days = Prior.of(believed), days_of().padded()
    draws = draws_around(prior, 2)
    found = density.load(days, prior).filtered(draws)
    for i, theta in enumerate(draws):
        chain = chain_of(theta, prior.usual, prior.capped)
        log_likelihood, state = over_all_paths(chain, day_likelihoods(chain, days))
        assert found.log_likelihood[i] == pytest.approx(log_likelihood, abs=1e-10)
        assert found.state[i] == pytest.approx(state, abs=1e-10)
        assert found.hazard[i] == pytest.approx(chain.hazard, rel=1e-12)
        assert found.transition[i] == pytest.approx(chain.transition, abs=1e-12)


def test_a_long_history_is_filtered_as_a_loop_over_days_does(density: Density) -> None:
    prior = Prior.of(BELIEVED)
    parts = [days_of(seed) for seed in range(25)]
    whole = Days(
        np.concatenate([p.counts for p in parts]),
        np.concatenate([p.covered for p in parts]),
        np.concatenate([p.exposure for p in parts]),
        np.concatenate([p.events for p in parts]),
        rows=250,
    )
    days = whole.padded()
    theta = draws_around(prior, 1, 0.5)
    found = density.load(days, prior).filtered(theta)
    chain = chain_of(theta[0], prior.usual, prior.capped)
    state, log_likelihood = chain.balance, 0.0
    for given in day_likelihoods(chain, days):
        state = state @ chain.transition * given
        log_likelihood += float(np.log(state.sum()))
        state = state / state.sum()
    assert found.log_likelihood[0] == pytest.approx(log_likelihood, rel=1e-12)
    assert found.state[0] == pytest.approx(state, abs=1e-10)
    assert len(days.events) == SHORTEST


def test_the_gradient_is_that_of_the_value(density: Density) -> None:
    prior = Prior.of(BELIEVED)
    density.load(days_of().padded(), prior)
    for theta in draws_around(prior, 3):
        _, gradient = density.value_and_gradient(theta)
        for i in range(len(theta)):
            step = 1e-5 * np.eye(len(theta))[i]
            ahead, behind = (density.value_and_gradient(theta + s)[0] for s in (step, -step))
            assert gradient[i] == pytest.approx((ahead - behind) / 2e-5, rel=1e-5, abs=1e-6)


def test_the_value_is_prior_and_likelihood_of_the_batch(density: Density) -> None:
    prior = Prior.of(BELIEVED)
    density.load(days_of().padded(), prior)
    draws = draws_around(prior)
    parts = density.log_prior(draws) + density.log_likelihood(draws)
    for theta, part in zip(draws, parts, strict=True):
        assert density.value_and_gradient(theta)[0] == pytest.approx(part, rel=1e-12)


def test_gradients_stay_numbers_where_a_feed_is_loud(density: Density) -> None:
    prior, days = Prior.of(BELIEVED), quiet(100)
    loud = replace(days, counts=np.full((100, 2), 40.0)).padded()
    theta = prior.mean.copy()
    theta[-2:] = 60.0  # of a score: some 36 a day
    value, gradient = density.load(loud, prior).value_and_gradient(theta)
    assert np.isfinite(value)
    assert np.isfinite(gradient).all()


def test_a_tag_as_likely_in_every_state_says_nothing(density: Density) -> None:
    prior = Prior.of(BELIEVED)
    theta = draws_around(prior, 3)
    theta[:, 8] = 0.0  # beta of the second stream
    days = days_of()
    without = days.counts.copy()
    without[:, 1] = 0.0
    seen = density.load(days.padded(), prior).filtered(theta)
    unseen = density.load(replace(days, counts=without).padded(), prior).filtered(theta)
    assert seen.state == pytest.approx(unseen.state, abs=1e-12)


def hazard_now(density: Density, prior: Prior, days: Days) -> float:
    found = density.load(days.padded(), prior).filtered(prior.mean[None])
    return float((found.state * found.hazard).sum())


def test_silence_lowers_the_hazard_and_an_uncovered_stretch_does_not(density: Density) -> None:
    prior = Prior.of(worlds.beliefs(worlds.effect("a", 1.0), log_rate=Normal(-7.0, 0.5)))
    start = replace(quiet(1, 1), covered=np.zeros((1, 1)), exposure=np.zeros(1))
    watched = replace(quiet(40, 1), exposure=np.zeros(40))
    down = replace(watched, covered=np.zeros((40, 1)))
    at_first = hazard_now(density, prior, start)
    assert hazard_now(density, prior, watched) < 0.9 * at_first
    assert hazard_now(density, prior, down) == pytest.approx(at_first, rel=1e-12)


def test_a_missing_day_is_not_a_day_of_nothing(density: Density) -> None:
    prior = Prior.of(BELIEVED)
    days = days_of()
    days.counts[4] = 0.0
    days.covered[4] = 1.0
    gap = days.covered.copy()
    gap[4] = 0.0
    zero = density.load(days.padded(), prior).log_likelihood(prior.mean[None])
    missing = density.load(replace(days, covered=gap).padded(), prior).log_likelihood(
        prior.mean[None]
    )
    assert missing[0] > zero[0] + 1e-3


def test_an_incident_raises_the_state_and_its_opposite_lowers_it(density: Density) -> None:
    prior = Prior.of(BELIEVED)
    silent = quiet(30)
    up, down = (silent.counts.copy() for _ in range(2))
    up[-1, 0], down[-1, 1] = 1.0, 1.0
    levels = [
        hazard_now(density, prior, replace(silent, counts=counts))
        for counts in (down, silent.counts, up)
    ]
    assert levels[0] < levels[1] < levels[2]
    half = silent.counts.copy()
    half[-1, 0] = 0.5
    assert levels[1] < hazard_now(density, prior, replace(silent, counts=half)) < levels[2]


def test_tags_of_a_group_are_one_stream_and_opposite_ones_another() -> None:
    effects = worlds.grouped(
        worlds.effect("a", 0.5, 0.3), worlds.effect("b", 0.9, 0.4), worlds.effect("c", -0.4, 0.2)
    )
    prior = Prior.of(worlds.beliefs(*effects, worlds.effect("d")))
    assert prior.names == ("all+", "all-", "d")
    assert prior.stream == (0, 0, 1, 2)
    assert prior.usual == pytest.approx(np.array([2, 1, 1]) / 60)
    # the mixture of N(0.5, 0.3²) and N(0.9, 0.4²)
    assert prior.mean[7] == pytest.approx(0.7)
    assert prior.sd[7] == pytest.approx(np.sqrt(0.04 + (0.09 + 0.16) / 2))


def test_the_rate_of_a_stream_is_exponential(density: Density) -> None:
    prior = Prior.of(BELIEVED)
    draws = np.repeat(prior.mean[None], 4000, axis=0)
    draws[:, -2:] = np.random.default_rng(3).standard_normal((4000, 2))
    _, log_rate, _ = density.load(quiet(3).padded(), prior).evidence(draws)
    days = 60 * np.exp(log_rate)
    assert days.mean() == pytest.approx(1.0, abs=0.04)
    assert days.std() == pytest.approx(1.0, abs=0.06)
    assert np.median(days) == pytest.approx(np.log(2), abs=0.04)
