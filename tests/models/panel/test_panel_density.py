"""The panel's density against brute-force quadrature over the frailty, and what it gives for g."""

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.stats import gamma, norm

from models.covariates import Array
from models.panel.density import PanelDensity, Prior, Windows
from models.panel.fitted import density

LENGTH = 30.0
THETA = np.array([-3.2, 0.3, 0.2, -0.3])
WIDTHS = Prior((-4.0, 1.0), (0.0, 1.0), np.zeros(2), np.array([[1.0] * 2, [2.0] * 2]),
               np.log([0.3, 0.7]))  # fmt: skip


def windows(rare: bool, seed: int = 0) -> Windows:
    """Thirty windows at units 0 to 2, some overlapping, and a unit 3 without any."""
    rng = np.random.default_rng(seed)
    return Windows(
        rng.normal(size=(30, 2)),
        (rng.random(30) < (0.1 if rare else 0.6)).astype(float),
        np.where(rng.random(30) < 0.5, 1.0, 0.5),
        np.sort(rng.integers(0, 3, 30)),
        4,
        LENGTH,
    )


def hazards(of: Windows, theta: Array) -> Array:
    return np.asarray(np.log1p(np.exp(theta[0] + np.log(LENGTH) + of.x @ theta[2:])))


def over_g(of: Windows, theta: Array, unit: int, what: object = None) -> float:
    """The integral of a unit's likelihood over its g, times a function of g."""
    its = of.unit == unit
    mu, happened, weight = hazards(of, theta)[its], of.happened[its], of.weight[its]
    kappa = np.exp(theta[1])

    def inside(g: float) -> float:
        terms = np.where(happened > 0, np.log(-np.expm1(-g * mu)), -g * mu)
        factor = what(g) if callable(what) else 1.0
        return float(np.exp(weight @ terms) * gamma.pdf(g, kappa, scale=1 / kappa) * factor)

    return float(quad(inside, 0, 60, limit=400, points=[0.1, 0.5, 1, 3])[0])


@pytest.fixture
def loaded() -> PanelDensity:
    density().load(windows(rare=False), WIDTHS)
    return density()


@pytest.mark.parametrize("rare", [True, False])
def test_the_likelihood_is_the_integral_over_the_unit_rates(rare: bool) -> None:
    of = windows(rare)
    density().load(of, WIDTHS)
    brute = sum(np.log(over_g(of, THETA, unit)) for unit in range(4))
    [ours] = density().log_likelihood(THETA[None])
    assert ours == pytest.approx(brute, abs=1e-4)


def test_the_prior_is_a_mixture_of_widths(loaded: PanelDensity) -> None:
    beta = THETA[2:]
    mixed = 0.3 * norm.pdf(beta).prod() + 0.7 * norm.pdf(beta, scale=2).prod()
    others = norm.logpdf(THETA[0], -4, 1) + norm.logpdf(THETA[1], 0, 1)
    [ours] = loaded.log_prior(THETA[None])
    assert ours == pytest.approx(others + np.log(mixed), abs=1e-10)


def test_the_parts_add_up_and_the_gradient_is_theirs(loaded: PanelDensity) -> None:
    value, gradient = loaded.value_and_gradient(THETA)
    parts = loaded.log_prior(THETA[None]) + loaded.log_likelihood(THETA[None])
    assert value == pytest.approx(parts[0], abs=1e-9)
    steps = 1e-5 * np.eye(4)
    ends = [[loaded.value_and_gradient(THETA + s * e)[0] for s in (1, -1)] for e in steps]
    assert gradient == pytest.approx([(a - b) / 2e-5 for a, b in ends], abs=1e-6)


def test_a_units_gamma_predicts_as_quadrature_does(loaded: PanelDensity) -> None:
    of = windows(rare=False)
    shape, rate = loaded.unit_gamma(THETA[None])
    for ahead in (0.05, 0.4, 2.0):
        none = [
            over_g(of, THETA, u, lambda g, h=ahead: np.exp(-g * h)) / over_g(of, THETA, u)
            for u in range(4)
        ]
        assert (rate / (rate + ahead)) ** shape == pytest.approx(np.array([none]), abs=1e-3)


def test_a_unit_without_windows_keeps_the_class(loaded: PanelDensity) -> None:
    shape, rate = loaded.unit_gamma(THETA[None])
    assert (shape[0, 3], rate[0, 3]) == pytest.approx((np.exp(0.3), np.exp(0.3)))


def test_weights_are_powers_of_the_likelihood() -> None:
    """Two copies at half weight are one at full weight."""
    one = windows(rare=False)
    order = np.repeat(np.arange(30), 2)
    two = Windows(one.x[order], one.happened[order], one.weight[order] / 2, one.unit[order], 4,
                  LENGTH)  # fmt: skip
    values = []
    for each in (one, two):
        density().load(each, WIDTHS)
        values.append(density().log_likelihood(THETA[None])[0])
    assert values[0] == pytest.approx(values[1], abs=1e-9)


def test_far_out_scores_stay_finite(loaded: PanelDensity) -> None:
    for level in (-200.0, 60.0):
        theta = np.array([level, 0.0, 3.0, -3.0])
        value, gradient = loaded.value_and_gradient(theta)
        assert np.isfinite(value)
        assert np.isfinite(gradient).all()
