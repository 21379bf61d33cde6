"""The smoothed weights: known tails, the sign, and errors that are what they say."""

import math

import numpy as np
import pytest
from arviz_stats.base import array_stats
from scipy.special import ndtri

from models.covariates import Array
from models.engine.gates import (
    Gate,
    is_near_threshold,
    khat_limit,
    precision_gate,
    weights_gate,
)
from models.engine.psis import Weights, smooth

S = 20_000


def pareto_log_weights(k: float) -> Array:
    """Log weights (S,) whose upper tail is a Pareto of index k, at its exact quantiles."""
    u = (np.random.default_rng(3).permutation(S) + 0.5) / S
    return np.asarray(-k * np.log(u))


@pytest.mark.parametrize("k", [0.2, 0.5, 0.8, 1.2])
def test_khat_is_the_index_of_the_tail(k: float) -> None:
    assert smooth(pareto_log_weights(k)).khat == pytest.approx(k, abs=0.15)


@pytest.mark.parametrize("k", [0.8, 1.2])
def test_weights_passed_the_wrong_way_round_would_be_seen(k: float) -> None:
    assert smooth(-pareto_log_weights(k)).khat < 0
    assert not weights_gate(smooth(pareto_log_weights(k))).passed


@pytest.mark.parametrize("efficiency", [1.0, 0.6])
@pytest.mark.parametrize("draws", [30, 150, 226, 1000, 3000])
@pytest.mark.parametrize("scale", [1e-6, 0.3, 1.0, 8.0])
@pytest.mark.parametrize("kind", ["normal", "heavy", "with nothing", "half alike"])
def test_weights_are_smoothed_as_arviz_smooths_them(
    kind: str, scale: float, draws: int, efficiency: float
) -> None:
    rng = np.random.default_rng(5)
    raw = scale * (rng.standard_t(3, draws) if kind == "heavy" else rng.normal(size=draws))
    if kind == "with nothing":
        raw = np.where(rng.random(draws) < 0.2, -np.inf, raw)
    if kind == "half alike":
        raw = np.maximum(raw, np.median(raw))
    theirs, khat = array_stats.psislw(-raw, r_eff=efficiency)
    w = np.exp(theirs - theirs.max())
    found = smooth(raw, efficiency)
    assert found.khat == pytest.approx(float(khat), rel=1e-8, abs=1e-9, nan_ok=True)
    assert found.w == pytest.approx(w / w.sum(), rel=1e-9, abs=1e-15)


def test_a_heavier_draw_weighs_more() -> None:
    log_weights = np.random.default_rng(0).normal(size=2000)
    w = smooth(log_weights).w
    assert np.all(np.diff(w[np.argsort(log_weights)]) >= 0)
    assert w.sum() == pytest.approx(1.0)
    assert np.corrcoef(w, np.exp(log_weights))[0, 1] > 0.99


def test_constant_weights_are_exact() -> None:
    found = smooth(np.full(500, -3.7))
    assert found.khat == -math.inf
    assert found.ess == 500
    assert weights_gate(found).passed


def test_weights_do_not_depend_on_the_constant_that_densities_leave_out() -> None:
    log_weights = np.random.default_rng(1).normal(size=1000)
    one, other = smooth(log_weights), smooth(log_weights + 1000.0)
    assert one.w == pytest.approx(other.w, rel=1e-9)
    assert one.khat == pytest.approx(other.khat)


def test_the_reported_error_is_the_spread_over_replications() -> None:
    rng = np.random.default_rng(5)
    means, errors = [], []
    for _ in range(300):
        z = rng.standard_normal(1000)
        weights = smooth(0.8 * z)  # the target is Normal(0.8, 1)
        g = 1 / (1 + np.exp(-z))
        means.append(float(weights.mean(g)))
        errors.append(weights.mcse(g))
    assert float(np.mean(errors)) == pytest.approx(float(np.std(means)), rel=0.12)
    exact = np.mean(1 / (1 + np.exp(-(0.8 + ndtri((np.arange(S) + 0.5) / S)))))
    assert np.mean(means) == pytest.approx(exact, abs=4 * np.std(means) / math.sqrt(300))


def test_the_error_of_draws_of_a_chain_is_the_spread_over_chains() -> None:
    """Of an AR(1) chain with correlation 0.6 a draw is worth (1 - 0.6) / (1 + 0.6) = 1/4."""
    rng = np.random.default_rng(9)
    means, errors = [], []
    for _ in range(300):
        z = rng.standard_normal(1000)
        for n in range(1, 1000):
            z[n] = 0.6 * z[n - 1] + 0.8 * z[n]
        weights = smooth(0.1 * z, 0.25)
        means.append(float(weights.mean(z)))
        errors.append(weights.mcse(z))
    assert float(np.mean(errors)) == pytest.approx(float(np.std(means)), rel=0.12)


def test_draws_of_a_chain_are_worth_fewer() -> None:
    log_weights = 0.6 * np.random.default_rng(10).standard_normal(4000)
    whole, quarter = smooth(log_weights), smooth(log_weights, 0.25)
    assert quarter.ess == pytest.approx(whole.ess / 4, rel=0.02)


def test_the_effective_sample_size_is_what_lognormal_weights_leave() -> None:
    rng = np.random.default_rng(6)
    left = [smooth(0.6 * rng.standard_normal(4000)).ess / 4000 for _ in range(20)]
    assert np.mean(left) == pytest.approx(math.exp(-0.36), rel=0.03)


def test_quantiles_are_of_the_weighed_draws() -> None:
    z = np.random.default_rng(8).standard_normal(S)
    weights = smooth(0.5 * z)
    assert weights.quantiles(z, (0.05, 0.95)) == pytest.approx([0.5 - 1.645, 0.5 + 1.645], abs=0.06)


def made(khat: float, ess: float, draws: int = 1000) -> Weights:
    return Weights(np.full(draws, 1 / draws), khat, ess)


@pytest.mark.parametrize(
    ("weights", "reason"),
    [
        (made(0.3, 900.0), ""),
        (made(0.67, 900.0), "k-hat"),
        (made(0.3, 399.0), "effective sample size"),
        (made(0.3, 799.0, 4000), "effective sample size"),
        (made(math.nan, 900.0), "not numbers"),
        (made(0.3, math.nan), "not numbers"),
    ],
)
def test_weights_are_refused_by_name(weights: Weights, reason: str) -> None:
    gate = weights_gate(weights)
    assert gate.passed == (not reason)
    assert reason in gate.reason


def test_the_limit_of_khat_grows_with_the_draws_up_to_seven_tenths() -> None:
    assert khat_limit(1000) == pytest.approx(2 / 3)
    assert khat_limit(4000) == 0.7


@pytest.mark.parametrize(
    ("p", "mcse", "passed"),
    [
        (0.3, 0.0099, True),
        (0.3, 0.0101, False),
        (0.3, math.nan, False),
        (math.nan, 0.001, False),
        (1.2, 0.001, False),
    ],
)
def test_a_number_that_is_too_rough_is_refused(p: float, mcse: float, passed: bool) -> None:
    assert precision_gate(p, mcse).passed is passed
    assert Gate().passed


@pytest.mark.parametrize(
    ("p", "mcse", "near"),
    [(0.31, 0.003, True), (0.33, 0.003, False), (0.30, 0.001, False), (0.29, 0.003, True)],
)
def test_a_threshold_is_near_within_six_errors(p: float, mcse: float, near: bool) -> None:
    assert is_near_threshold(p, mcse, (0.9, 0.3)) is near
    assert not is_near_threshold(p, mcse, ())
