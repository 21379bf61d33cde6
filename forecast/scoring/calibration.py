"""Whether forecasts mean what they say: the score taken apart, two tests, and a verdict."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from forecast.scoring.calibration_tests import Found, Ties, likelihood_ratio, power, spiegelhalter
from forecast.scoring.corp import decomposition, points
from forecast.scoring.dependence import design_effect
from forecast.scoring.regression import fit
from forecast.scoring.results import Calibration
from forecast.scoring.scores import checked
from forecast.scoring.verdict import FEWEST, LEVEL, Evidence, verdict, words

type Floats = NDArray[np.float64]

SURE = 1e-6  # the tests take no forecast to be surer than that


def calibration(
    p: ArrayLike, outcome: ArrayLike, origin: ArrayLike, horizon: float, seed: int
) -> Calibration:
    """What can be said of forecasts `p` (row,) of outcomes 0 or 1 (row,).

    `origin` (row,) and `horizon` are in days; `seed` draws the band. With fewer than `FEWEST`
    events, or non-events, both come and forecast, there are no tests. CORP of no forecasts is
    NaN. ValueError, naming the row, for what is no forecast or outcome.
    """
    p, y = checked(p, outcome)
    ties = Ties(np.asarray(origin, dtype=float), horizon)
    parts = decomposition(p, y)
    curve = points(p, y, seed, design_effect(p, y, ties.origin, horizon))
    off = np.clip(p, SURE, 1.0 - SURE)
    line = fit(off, y) if len(p) else None
    tests: tuple[Found | None, Found | None] = (None, None)
    if line and _are_many(p, y):
        tests = spiegelhalter(off, y, ties), likelihood_ratio(off, y, line.ratio, ties)
    z, ratio = tests
    strength = power(off, y, ties, LEVEL / 2.0) if len(p) else None
    evidence = Evidence(
        n=len(p),
        origins=len(np.unique(ties.origin)),
        events=int(y.sum()),
        expected=float(p.sum()),
        p_values=tuple(found.p_value for found in tests if found),
        slope=line.slope if line else None,
        power=strength,
    )
    return Calibration(
        mcb=parts.mcb,
        dsc=parts.dsc,
        unc=parts.unc,
        points=curve,
        spiegelhalter_z=z.statistic if z else None,
        spiegelhalter_p=z.p_value if z else None,
        intercept=line.intercept if line else None,
        slope=line.slope if line else None,
        likelihood_ratio=ratio.statistic if ratio else None,
        likelihood_ratio_p=ratio.p_value if ratio else None,
        power=strength.chance if strength else None,
        verdict=verdict(evidence),
        words=words(evidence),
    )


def _are_many(p: Floats, y: Floats) -> bool:
    """Whether enough came, or should have come, and enough did not."""
    return bool(min(max(p.sum(), y.sum()), max((1.0 - p).sum(), (1.0 - y).sum())) >= FEWEST)
