"""Variances of sums over time: near the truth where it is known, and of the right size in tests."""

import numpy as np
import pytest
from scipy import stats

from forecast.scoring.dependence import are_alone, design_effect, long_run
from tests.forecast.scoring.worlds import MONTH, world


def test_independent_rows_have_their_own_variance() -> None:
    rng = np.random.default_rng(1)
    found = [long_run(rng.standard_normal((400, 1)), np.arange(400), 1.0) for _ in range(200)]
    variances = [run.variance[0, 0] for run in found if run]
    assert np.mean(variances) == pytest.approx(400.0, rel=0.05)
    # t with B waves: the variance of chi2_B / B is 2 / B
    assert np.var(variances) / 400.0**2 == pytest.approx(2 / 21, rel=0.3)


def test_two_sums_have_their_covariance() -> None:
    rng = np.random.default_rng(2)
    one = rng.standard_normal(4000)
    found = long_run(np.column_stack([one, -2 * one]), np.arange(4000), 1.0)
    assert found is not None
    assert found.variance == pytest.approx(found.variance[0, 0] * np.array([[1, -2], [-2, 4]]))


def test_a_constant_has_no_variance() -> None:
    """The mean is what a test asks about; it must not count as noise."""
    found = long_run(np.ones((100, 1)), np.arange(100), 1.0)
    assert found is not None
    assert found.variance[0, 0] == pytest.approx(0.0, abs=1e-18)


@pytest.mark.parametrize(
    ("origins", "horizon", "waves"),
    [(216, 1.0, 14), (216, 3.0, 14), (216, 12.0, 9), (12, 1.0, 4), (24, 3.0, 4), (6, 1.0, 3)],
)
def test_the_waves_are_few_where_windows_are(origins: int, horizon: float, waves: int) -> None:
    found = long_run(np.ones((origins, 1)), np.arange(origins), horizon)
    assert found is not None
    assert found.waves == waves


@pytest.mark.parametrize(("origins", "horizon"), [(5, 1.0), (12, 3.0), (1, 1.0)])
def test_too_short_a_time_tells_no_variance(origins: int, horizon: float) -> None:
    assert long_run(np.ones((origins, 1)), np.arange(origins), horizon) is None


@pytest.mark.parametrize(("overlap", "shock"), [(1, 0.5), (3, 0.5), (3, 0.0), (12, 0.5)])
def test_a_statistic_over_it_keeps_its_size(overlap: int, shock: float) -> None:
    values = []
    for seed in range(600):
        p, y, origin = world(seed, units=40, months=120, overlap=overlap, shock=shock)
        found = long_run((y - p)[:, None], origin, MONTH * overlap)
        assert found is not None
        t = (y - p).sum() / np.sqrt(found.variance[0, 0])
        values.append(2 * stats.t.sf(abs(t), found.waves))
    assert 0.002 <= np.mean(np.array(values) < 0.01) <= 0.03
    assert 0.02 <= np.mean(np.array(values) < 0.05) <= 0.085


def test_windows_that_overlap_threefold_say_a_third() -> None:
    effects = []
    for seed in range(30):
        p, y, origin = world(seed, units=100, shock=0.0)
        effects.append(design_effect(p, y, origin, 3 * MONTH))
    assert np.mean(effects) == pytest.approx(2.95, abs=0.3)


def test_rows_that_nothing_ties_say_all_they_can() -> None:
    effects = []
    for seed in range(30):
        p, y, origin = world(seed, units=100, overlap=1, shock=0.0)
        effects.append(design_effect(p, y, origin, MONTH))
    assert np.mean(effects) == pytest.approx(1.0, abs=0.1)
    sure = np.zeros(50)
    assert design_effect(sure, sure, np.arange(50.0), 1.0) == 1.0


def test_rows_are_alone_where_neither_an_origin_nor_a_window_is_shared() -> None:
    assert are_alone([0.0, 30.0, 60.0], 30.0)
    assert not are_alone([0.0, 0.0, 30.0], 30.0)
    assert not are_alone([0.0, 30.0, 60.0], 31.0)
    assert are_alone([0.0], 30.0)
