"""Ranks, their test and their band, against what is known of the uniform."""

import numpy as np
import pytest
from scipy.special import ndtr

from models.certify.ranks import (
    anderson_darling,
    anderson_darling_p,
    calibration_p,
    ecdf_difference,
    equal_draws,
    place_of,
    simultaneous_band,
)

RNG = np.random.default_rng(8)


def test_the_p_value_of_anderson_darling_is_uniform_under_the_uniform() -> None:
    found = np.array([anderson_darling_p(anderson_darling(RNG.random(200))) for _ in range(3000)])
    assert (found < 0.01).mean() == pytest.approx(0.01, abs=0.006)
    assert (found < 0.1).mean() == pytest.approx(0.1, abs=0.02)
    assert (found < 0.7).mean() == pytest.approx(0.7, abs=0.03)


def test_the_p_value_falls_as_the_statistic_grows_and_never_jumps() -> None:
    p = np.array([anderson_darling_p(a) for a in np.linspace(0.05, 40, 4000)])
    assert (np.diff(p) <= 1e-12).all()
    assert np.abs(np.diff(p)).max() < 0.02
    assert p[0] > 0.9999
    assert 0 < p[-1] < 1e-9


def test_far_out_the_p_value_is_that_of_the_limit_law() -> None:
    j = np.arange(1, 200)
    squares = RNG.standard_normal((400_000, 3)) ** 2 @ (1 / (j * (j + 1)))[:3]
    limit = squares + (1 / (j * (j + 1)))[3:].sum()  # the small ones by their mean
    for level in (4.0, 6.0):
        assert anderson_darling_p(level) == pytest.approx((limit > level).mean(), rel=0.15)
    assert anderson_darling_p(8.0001) == pytest.approx(anderson_darling_p(7.9999), rel=0.02)


def test_shifted_narrow_and_wide_posteriors_are_seen() -> None:
    z = RNG.standard_normal(400)
    for spoilt in (ndtr(z + 0.3), ndtr(1.4 * z), ndtr(z / 1.4)):
        assert anderson_darling_p(anderson_darling(spoilt)) < 1e-3


def test_equal_draws_stand_for_the_weights() -> None:
    w = np.array([0.5, 0.0, 0.3, 0.2])
    counts = np.bincount(equal_draws(w, 100, RNG), minlength=4)
    assert np.abs(counts - 100 * w).max() <= 1
    assert counts[1] == 0


def test_the_place_of_the_truth_counts_what_lies_below_and_breaks_ties_at_random() -> None:
    draws = np.arange(99.0)
    assert 0.5 <= place_of(49.5, draws, RNG) < 0.51
    assert 0.99 <= place_of(1e9, draws, RNG) < 1
    same = np.array([place_of(3.0, np.full(99, 3.0), RNG) for _ in range(400)])
    assert anderson_darling_p(anderson_darling(same)) > 0.01


def test_the_band_holds_the_whole_curve_of_a_uniform_sample_in_99_of_100() -> None:
    low, high = simultaneous_band(150)
    outside = 0
    for _ in range(1000):
        _, above = ecdf_difference(RNG.random(150))
        outside += bool(((above < low - 1e-9) | (above > high + 1e-9)).any())
    assert 1 <= outside <= 25


def test_probabilities_that_are_right_on_average_and_tilted_are_not_calibrated() -> None:
    true = RNG.beta(2, 5, 500)
    told = np.clip(true + RNG.normal(0, 0.05, 500), 0.01, 0.99)
    shrunk = true.mean() + 0.6 * (true - true.mean())
    assert calibration_p(shrunk, true) < 1e-6
    assert calibration_p(true * 1.1, true) < 1e-6
    assert calibration_p(true, true) == 1.0
    assert calibration_p(told, RNG.random(500) < told) > 0.01
