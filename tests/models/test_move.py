"""Rung T2: draws resampled and moved are of the target, or the gate says that they are not."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forecast.errors import HeldError
from models.covariates import Array
from models.engine.move import LEAST_ESS, Moved, efficiency_of, resample_and_move, systematic
from models.engine.psis import Weights, smooth
from tests.models.targets import Grid, Numeric, banana, gaussian, log_gamma, two_modes

DRAWS = 3000


def weighed(
    target: Numeric, mean: Array | float, sd: Array | float, seed: int = 3, draws: int = DRAWS
) -> tuple[Array, Weights]:
    """Draws of a Normal that is not the target, and their weights."""
    rng = np.random.default_rng(seed)
    z = rng.standard_normal((draws, len(target.scale)))
    theta = mean + sd * z
    return theta, smooth(target.log_posterior(theta) + 0.5 * (z**2).sum(axis=1))


def moved(target: Numeric, mean: Array | float, sd: Array | float, seed: int = 3) -> Moved:
    found = resample_and_move(target, *weighed(target, mean, sd, seed), seed)
    assert found.gate.passed, found.gate.reason
    return found


def assert_is_drawn_from(found: Moved, grid: Grid, place: int) -> None:
    """Mean, spread and quantiles, to four errors of as many independent draws as it says."""
    worth = len(found.draws) * found.efficiency
    x, mean, sd = found.draws[:, place], grid.mean(place), grid.sd(place)
    assert x.mean() == pytest.approx(mean, abs=4 * sd / np.sqrt(worth))
    kurtosis = float(grid.weights @ (grid.points[:, place] - mean) ** 4) / sd**4
    assert x.var() == pytest.approx(sd**2, rel=4 * np.sqrt((kurtosis - 1) / worth))
    for q in (0.05, 0.25, 0.5, 0.75, 0.95):
        error = 4 * np.sqrt(q * (1 - q) / worth) + 0.005  # the grid has steps
        assert grid.below(place, float(np.quantile(x, q))) == pytest.approx(q, abs=error)


@pytest.mark.parametrize("parameters", [2, 30])
def test_a_gaussian_comes_back_from_draws_that_were_off(parameters: int) -> None:
    target = gaussian(np.full(parameters, 0.8))
    # prior 2, error 0.5: precision 4.25
    mean, sd = 0.8 * 4 / 4.25, 4.25**-0.5
    off = 0.8 / np.sqrt(parameters)
    found = moved(target, mean + off * sd, 1.1 * sd)
    z = (found.draws - mean) / sd
    error = 4.5 / np.sqrt(DRAWS * found.efficiency)
    assert z.mean(axis=0) == pytest.approx(np.zeros(parameters), abs=error)
    assert z.var(axis=0) == pytest.approx(np.ones(parameters), abs=1.5 * error)
    assert np.corrcoef(z.T)[0, 1] == pytest.approx(0, abs=error)
    for q, expected in ((0.05, -1.645), (0.95, 1.645)):
        assert np.quantile(z, q, axis=0) == pytest.approx(
            np.full(parameters, expected), abs=2.2 * error
        )


@pytest.mark.parametrize("parameters", [2, 30])
def test_a_banana_comes_back(parameters: int) -> None:
    target = banana(parameters, bend=0.5 if parameters == 2 else 0.25, width=0.6)
    mean = np.r_[0.2, 0.1, np.full(parameters - 2, 0.4)]
    found = moved(target, mean, np.r_[1.1, 0.9, np.full(parameters - 2, 0.5)], seed=5)
    for place in (0, 1):
        assert_is_drawn_from(found, Grid.of(target), place)
    bend = np.corrcoef(found.draws[:, 0] ** 2, found.draws[:, 1])[0, 1]
    grid = Grid.of(target)
    squares, second = grid.points[:, 0] ** 2, grid.points[:, 1]
    covariance = np.cov(np.stack([squares, second]), aweights=grid.weights, bias=True)
    expected = covariance[0, 1] / np.sqrt(covariance[0, 0] * covariance[1, 1])
    assert bend == pytest.approx(expected, abs=0.06)


@pytest.mark.parametrize("parameters", [2, 30])
def test_a_skewed_target_comes_back(parameters: int) -> None:
    target = log_gamma(parameters, shape=2.0 if parameters == 2 else 5.0)
    found = moved(target, -0.2, 1.2 if parameters == 2 else 0.52)
    for place in (0, 1):
        assert_is_drawn_from(found, Grid.of(target, reach=12.0, nodes=1201), place)


def test_the_error_it_claims_is_the_spread_over_seeds() -> None:
    target = banana(2, width=0.25)
    means, claimed = [], []
    for seed in range(60):
        draws, weights = weighed(target, 0.4, 0.9, seed, draws=800)
        found = resample_and_move(target, draws, weights, seed)
        means.append(found.draws[:, 1].mean())
        claimed.append(found.draws[:, 1].std() / np.sqrt(800 * found.efficiency))
    assert 0.75 < np.std(means, ddof=1) / np.mean(claimed) < 1.35
    assert np.mean(means) == pytest.approx(Grid.of(target).mean(1), abs=4 * np.std(means) / 60**0.5)


def test_what_is_left_of_few_beginnings_counts_for_less() -> None:
    assert efficiency_of(0.0, 0.01) == 1.0
    assert efficiency_of(1.0, 0.02) == pytest.approx(0.02)
    assert efficiency_of(0.1, 0.02) == pytest.approx(1 / (0.01 / 0.02 + 0.99))
    assert efficiency_of(-0.1, 3.0) == pytest.approx(1.0)


def test_the_same_seed_moves_alike_and_another_otherwise() -> None:
    target = banana(3)
    draws, weights = weighed(target, 0.2, 0.9)
    one, same, other = (resample_and_move(target, draws, weights, seed) for seed in (1, 1, 2))
    assert np.array_equal(one.draws, same.draws)
    assert (one.acceptance, one.correlation) == (same.acceptance, same.correlation)
    assert not np.array_equal(one.draws, other.draws)


def test_too_few_draws_are_no_place_to_move_from() -> None:
    target = gaussian(np.full(10, 3.0))
    draws, weights = weighed(target, -1.0, 1.5)
    assert weights.ess < LEAST_ESS
    with pytest.raises(HeldError, match="draws' worth to move from"):
        resample_and_move(target, draws, weights, 1)
    unweighed = smooth(np.full(DRAWS, np.nan))
    with pytest.raises(HeldError, match="only 0 draws' worth"):
        resample_and_move(target, draws, unweighed, 1)


def test_draws_that_cannot_leave_where_they_began_are_refused() -> None:
    target = two_modes(2, apart=25.0)
    rng = np.random.default_rng(1)
    sides = np.where(rng.random(DRAWS) < 0.5, 25.0, -25.0)[:, None]
    draws = sides + rng.standard_normal((DRAWS, 2))
    found = resample_and_move(target, draws, smooth(np.zeros(DRAWS)), 1)
    assert found.correlation > 0.7
    assert "where they began" in found.gate.reason


def test_places_without_a_density_are_never_gone_to() -> None:
    def likelihood(draws: Array) -> Array:
        levels = -0.5 * ((draws - 0.5) ** 2).sum(axis=1)
        levels[draws[:, 0] < 0] = np.nan
        levels[draws[:, 0] > 2.0] = -np.inf
        return levels

    target = Numeric(np.ones(2), likelihood)
    draws, weights = weighed(target, 0.4, 1.0)
    found = resample_and_move(target, draws, weights, 1)
    assert np.all((found.draws[:, 0] >= 0) & (found.draws[:, 0] <= 2.0))


@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.lists(st.floats(0, 1), min_size=1, max_size=40).filter(lambda w: sum(w) > 0.01))
def test_each_draw_is_picked_as_often_as_it_weighs_to_within_one(parts: list[float]) -> None:
    w = np.array(parts) / sum(parts)
    picked = systematic(w, np.random.default_rng(1))
    counts = np.bincount(picked, minlength=len(w))
    assert counts.sum() == len(w)
    assert np.all(np.abs(counts - len(w) * w) < 1 + 1e-9)


def test_systematic_resampling_is_unbiased_and_in_no_order() -> None:
    w = np.array([0.05, 0.3, 0.02, 0.43, 0.2])
    rng = np.random.default_rng(2)
    picks = np.stack([systematic(w, rng) for _ in range(20_000)])
    counts = np.stack([np.bincount(p, minlength=5) for p in picks])
    assert counts.mean(axis=0) == pytest.approx(5 * w, abs=0.02)
    first = np.bincount(picks[:, 0], minlength=5) / len(picks)
    assert first == pytest.approx(w, abs=0.02)
