"""A peak and a bound: each met, by the distributions themselves and by PreliZ."""

import math
from statistics import NormalDist

import pytest
from scipy.stats import beta

from models.priors.peaked import furthest, peaked_beta, peaked_normal


@pytest.mark.parametrize(
    ("mode", "bound", "mass", "a", "b"),
    [  # what PreliZ 0.28 gives: maxent(Beta(), 0, bound, mass, fixed_stat=("mode", mode))
        (0.3, 0.6, 0.95, 3.28457, 6.33067),
        (0.08, 0.4, 0.95, 1.57756, 7.64194),
        (0.5, 0.7, 0.9, 4.94965, 4.94965),
    ],
)
def test_a_share_is_peaked_as_preliz_has_it(
    mode: float, bound: float, mass: float, a: float, b: float
) -> None:
    found = peaked_beta(mode, bound, mass)
    assert found is not None
    assert (found.a, found.b) == pytest.approx((a, b), rel=1e-4)


@pytest.mark.parametrize("mode", [0.02, 0.3, 0.9])
@pytest.mark.parametrize("mass", [0.6, 0.95])
def test_a_share_has_its_peak_and_its_bound_on_either_side(mode: float, mass: float) -> None:
    for bound in (mode + 0.5 * (mass - mode), mode + 0.5 * (1 - mass - mode)):
        found = peaked_beta(mode, bound, mass)
        if found is None:  # on the mode's side of it lies too much, however flat
            continue
        assert (found.a - 1) / (found.a + found.b - 2) == pytest.approx(mode)
        below = beta(found.a, found.b).cdf(bound)
        assert (below if bound > mode else 1 - below) == pytest.approx(mass, abs=1e-8)


def test_no_beta_is_flatter_than_the_uniform_and_the_furthest_bound_has_one() -> None:
    for bound in (0.97, 0.01):
        assert peaked_beta(0.3, bound, 0.95) is None
        assert peaked_beta(0.3, furthest(0.3, bound, 0.95), 0.95) is not None


def test_a_rate_has_its_peak_on_the_log_and_its_bound() -> None:
    for bound in (0.4, 0.02):
        found = peaked_normal(0.08, bound, 0.95)
        below = NormalDist(found.mean, found.sd).cdf(math.log(bound))
        assert math.exp(found.mean) == pytest.approx(0.08)
        assert (below if bound > 0.08 else 1 - below) == pytest.approx(0.95)
