"""The bounds hold on forecasts that are calibrated by construction, and tell those that are not."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.stats import norm, poisson_binom

from forecast.martingale import (
    FEWEST,
    chance_of_at_least,
    chance_whatever_the_dependence,
    false_alarm_bound,
    movement,
    ring_bound,
)

WORLDS, DAYS = 20_000, 60


def calibrated_paths(seed: int, first: float) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """P(W_DAYS > level | W_t) of Brownian motions, day by day, and whether it was so."""
    rng = np.random.default_rng(seed)
    walk = np.cumsum(rng.standard_normal((WORLDS, DAYS)), axis=1)
    level = norm.isf(first) * np.sqrt(DAYS)
    left = np.sqrt(DAYS - np.arange(1, DAYS))
    paths = norm.sf((level - walk[:, :-1]) / left)
    return np.column_stack([np.full(WORLDS, first), paths]), walk[:, -1] > level


@pytest.mark.parametrize(("first", "line"), [(0.1, 0.3), (0.1, 0.5), (0.2, 0.25), (0.4, 0.3)])
def test_calibrated_forecasts_keep_within_the_bounds_and_come_near_them(
    first: float, line: float
) -> None:
    paths, happened = calibrated_paths(1, first)
    rang = (paths >= line).any(axis=1)
    error = 3 / np.sqrt(WORLDS)
    assert 0.75 * ring_bound(first, line) < rang.mean() <= ring_bound(first, line) + error
    assert (rang & ~happened).mean() <= false_alarm_bound(first, line) + error
    places = np.argmax(paths[rang] >= line, axis=1)
    at_ring = paths[rang][np.arange(rang.sum()), places]
    assert at_ring.min() >= line
    assert happened[rang].mean() == pytest.approx(at_ring.mean(), abs=3 / np.sqrt(rang.sum()))


def test_calibrated_forecasts_move_as_much_as_they_learn() -> None:
    paths, happened = calibrated_paths(2, 0.2)
    whole = np.column_stack([paths, happened.astype(float)])
    found = movement(whole[:2000].tolist())
    assert found.z is not None
    assert abs(found.z) < 3.5
    assert found.moved == pytest.approx(found.resolved, rel=0.1)


def test_forecasts_that_overreact_are_found_out() -> None:
    paths, happened = calibrated_paths(3, 0.2)
    odds = np.clip(paths, 1e-6, 1 - 1e-6) / (1 - np.clip(paths, 1e-6, 1 - 1e-6))
    shouting = (odds / 0.25) ** 1.6 * 0.25
    whole = np.column_stack([shouting / (1 + shouting), happened.astype(float)])
    z = movement(whole[:2000].tolist()).z
    assert z is not None
    assert z > 5


def test_leaving_out_the_answer_would_make_patience_look_like_a_fault() -> None:
    """A rare event: P falls day by day, and jumps to one where it happens."""
    rng = np.random.default_rng(4)
    hazard = 0.3 / DAYS
    days = rng.exponential(1 / hazard, 4000)
    paths = []
    for day in days:
        seen = [1 - np.exp(-hazard * (DAYS - t)) for t in range(min(int(day) + 1, DAYS))]
        paths.append([*seen, float(day < DAYS)])
    whole = movement(paths).z
    cut = movement([path[:-1] for path in paths]).z
    assert whole is not None
    assert cut is not None
    assert abs(whole) < 3.5
    assert cut < -10


def test_few_questions_have_no_standard_error() -> None:
    paths = [[0.4, 0.3 + 0.001 * n] for n in range(FEWEST)]
    assert movement(paths).z is not None
    assert movement(paths[1:]).z is None
    assert movement([[0.2]]).questions == 0


chances = st.lists(st.floats(0.0, 1.0), min_size=1, max_size=12)


@given(chances, st.integers(0, 13))
def test_the_tail_is_that_of_the_poisson_binomial(found: list[float], count: int) -> None:
    expected = float(poisson_binom.sf(count - 1, found)) if count <= len(found) else 0.0
    assert chance_of_at_least(count, found) == pytest.approx(expected, abs=1e-9)


@given(chances, st.integers(1, 12))
def test_no_dependence_beats_markov(found: list[float], count: int) -> None:
    bound = chance_whatever_the_dependence(count, found)
    assert chance_of_at_least(count, found) <= bound + 1e-9
    together = min(found) if count <= len(found) else 0.0  # all of them at once, or none
    assert together <= bound + 1e-9
