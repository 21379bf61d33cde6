"""Worlds whose chances are known: units of unlike rates, months that go hard on all of them."""

import numpy as np
from numpy.typing import NDArray

type Floats = NDArray[np.float64]

MONTH = 30.0


def world(
    seed: int,
    units: int = 60,
    months: int = 180,
    overlap: int = 3,
    shock: float = 0.5,
    base: float = 0.02,
) -> tuple[Floats, Floats, Floats]:
    """Calibrated forecasts, outcomes and origins (row,) of windows of `overlap` months.

    A month multiplies the hazards of all units by a Gamma of mean 1 and variance `shock` that
    nobody can foresee: P(no event in a month) = (1 + rate shock)^(-1 / shock).
    """
    rng = np.random.default_rng(seed)
    rate = base * np.exp(rng.standard_normal(units))
    ahead = months + overlap - 1
    tempo = rng.gamma(1 / shock, shock, (ahead, 1)) if shock else np.ones((ahead, 1))
    came = rng.random((ahead, units)) < -np.expm1(-rate * tempo)
    outcome = np.array([came[m : m + overlap].any(axis=0) for m in range(months)]).astype(float)
    quiet = (1 + rate * shock) ** (-1 / shock) if shock else np.exp(-rate)
    p = np.tile(1 - quiet**overlap, months)
    return p, outcome.ravel(), np.repeat(MONTH * np.arange(months), units)
