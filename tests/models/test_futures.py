"""Futures: Poisson counts, shot noise, and bins, each against its analytic moments."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.covariates import Array
from models.futures import Arrivals, _poisson, arrivals, bin_edges, simulate
from tests.models import worlds

DRAWS = 20_000
HALF = np.array([14.0, 60.0])


def rates(shape: float, rate: float, weight: float = 0.7) -> Arrivals:
    return Arrivals(np.full(2, shape), rate, np.full(2, weight))


def mean_stock(lam: float, weight: float, t: Array) -> Array:
    """Campbell: lam w integral of 2^-(a/h) over ages 0 to t, (time, tag)."""
    decay = math.log(2) / HALF
    return np.asarray(lam * weight * (1 - np.exp(-decay * t[:, None])) / decay)


def test_stocks_have_the_mean_of_shot_noise() -> None:
    edges = bin_edges(120.0, ())
    stocks = simulate(rates(5.0, 100.0), edges, HALF, 10 * DRAWS, worlds.SEED)
    middle = (edges[1:] + edges[:-1]) / 2
    assert stocks.mean(axis=0) == pytest.approx(mean_stock(0.05, 0.7, middle), rel=0.03)


@pytest.mark.parametrize("a_day", [1.0, 20.0])
def test_what_comes_often_far_ahead_does_not_thin_what_comes_soon(a_day: float) -> None:
    edges = bin_edges(360.0, ())
    stocks = simulate(rates(500.0 * a_day, 500.0), edges, HALF, 2_000, worlds.SEED)
    middle = (edges[1:] + edges[:-1]) / 2
    # arrivals of a bin count by half at its middle, which falls a little short in long ones
    assert stocks.mean(axis=0) == pytest.approx(mean_stock(a_day, 0.7, middle), rel=0.12)


def test_stocks_vary_as_shot_noise_with_an_uncertain_rate_and_tempo() -> None:
    edges = np.linspace(0, 60, 61)
    stocks = simulate(rates(5.0, 100.0), edges, HALF, DRAWS, worlds.SEED)[:, -1]
    decay, t = math.log(2) / HALF, 59.5
    within = 0.05 * 0.7**2 * (1 - np.exp(-2 * decay * t)) / (2 * decay)
    of_rate = (1 + 1 / 5) * (1 + 1 / 4) - 1  # of the product of two Gammas of mean 1
    between = of_rate * mean_stock(0.05, 0.7, np.array([t]))[0] ** 2
    assert stocks.var(axis=0) == pytest.approx(within + between, rel=0.06)


def test_one_tempo_moves_all_tags_together() -> None:
    edges = np.linspace(0, 60, 13)
    stocks = simulate(rates(50.0, 100.0), edges, HALF, DRAWS, worlds.SEED)[:, -1]
    mean = stocks.mean(axis=0)
    shared = np.cov(stocks.T)[0, 1] / mean.prod()
    assert shared == pytest.approx(1 / 4, rel=0.15)


@pytest.mark.parametrize("mean", [0.05, 1.0, 17.0, 120.0])
def test_counts_are_poisson(mean: float) -> None:
    uniform = (np.arange(DRAWS) + 0.5)[:, None] / DRAWS
    counts = _poisson(np.full((DRAWS, 1), mean), uniform)
    assert counts.mean() == pytest.approx(mean, rel=0.002)
    assert counts.var() == pytest.approx(mean, rel=0.01)


def test_no_arrivals_leave_no_stock() -> None:
    found = simulate(rates(0.5, 1e12), bin_edges(90, ()), HALF, 200, worlds.SEED)
    assert not found.any()


def test_rates_are_those_of_what_was_seen_and_the_prior_where_nothing_was() -> None:
    found = arrivals(np.array([0.0, 90.0]), np.array([0.5, 1.0]), np.array([0, 0]), 2, 1e9)
    assert found.shape == pytest.approx([0.5 + 1.5, 0.5])
    assert found.rate == pytest.approx(60 + 90 / math.log(2))
    assert found.weight == pytest.approx([(0.8 + 1.0) / 2.5, 0.8])


def test_only_the_days_on_which_a_feed_was_watched_make_its_silence_count() -> None:
    nothing = (np.zeros(0), np.zeros(0), np.zeros(0, int), 2)
    for now in (40.0, 40.3):
        parts = np.ones((math.ceil(now), 2))
        whole = arrivals(*nothing, now, parts)
        assert whole.rate == pytest.approx(np.full(2, arrivals(*nothing, now).rate))
        parts[10:, 1] = 0.0  # down since then
        found = arrivals(*nothing, now, parts)
        left = 90 / math.log(2) * (0.5 ** ((now - 10) / 90) - 0.5 ** (now / 90))
        assert found.rate == pytest.approx([float(np.ravel(whole.rate)[0]), 60 + left])


def test_a_short_watch_is_hardly_forgotten() -> None:
    found = arrivals(np.zeros(0), np.zeros(0), np.zeros(0, int), 1, 10.0)
    assert found.rate == pytest.approx(70, abs=0.5)


def test_the_same_seed_gives_the_same_futures_and_a_small_change_a_small_move() -> None:
    edges = bin_edges(90, ())
    one = simulate(rates(5.0, 100.0), edges, HALF, 500, 1)
    assert np.array_equal(one, simulate(rates(5.0, 100.0), edges, HALF, 500, 1))
    near = simulate(rates(5.0, 100.5), edges, HALF, 500, 1)
    other = simulate(rates(5.0, 100.0), edges, HALF, 500, 2)
    assert abs(near - one).mean() < 0.05 * abs(other - one).mean()


@settings(max_examples=40, deadline=None, derandomize=True)
@given(
    horizon=st.floats(1, 900),
    extra=st.lists(st.integers(-3000, 54000).map(lambda n: n / 60), max_size=5),
)
def test_bins_begin_now_end_at_the_horizon_and_hold_every_mark(
    horizon: float, extra: list[float]
) -> None:
    edges = bin_edges(horizon, tuple(extra))
    assert edges[0] == 0
    assert edges[-1] == round(horizon, 6)
    assert np.all(np.diff(edges) > 0)
    for mark in extra:
        assert (round(mark, 6) in edges) == (0 <= mark <= horizon)


def test_what_comes_along_a_draw_does_not_hang_on_how_many_draws_there_are() -> None:
    rates = Arrivals(np.array([0.5, 6.0]), 60.0, np.array([0.8, 1.0]))
    edges, half_lives = np.array([0.0, 2.0, 9.0, 40.0]), np.array([14.0, 60.0])
    whole = simulate(rates, edges, half_lives, 1000, seed=3)
    assert np.array_equal(simulate(rates, edges, half_lives, 300, seed=3), whole[:300])


def test_draws_of_one_block_have_futures_of_their_own_and_not_those_of_another() -> None:
    edges = np.array([0.0, 9.0, 40.0])
    stocks = simulate(rates(6.0, 30.0), edges, HALF, 3000, seed=3)[:, -1, 0].reshape(3, 1000)
    alike = np.asarray(np.corrcoef(stocks)) - np.eye(3)
    assert np.abs(alike).max() < 0.13  # four of its standard errors
