"""A made-up panel: 100 units, 12 tags, a row a unit and week, drawn from the model itself.

No ceiling and no groups: they stand in for data where one unit has none, and a panel has some.
"""

from dataclasses import dataclass

import numpy as np

from models.covariates import Array, covariates
from models.hazard.formulas import Prior
from models.rows import Rows

UNITS, TAGS = 100, 12
WEEK, AHEAD = 7.0, 30.0  # days
FADES = 0.5 ** (1 / 6)  # of a stock in a week: a half-life of six
RATE, SHAPE = 1 / 2000, 2.0  # events a day; the shape has no unit
EFFECTS = np.linspace(-0.2, 0.6, TAGS)


@dataclass(frozen=True, slots=True)
class Panel:
    """Rows of all units with their prior, and the covariates (tag,) of the first unit now."""

    rows: Rows
    prior: Prior
    present: Array

    def first_unit(self) -> Rows:
        """The rows of the unit that is asked about."""
        its = self.rows.unit == 0
        return Rows.of_one_unit(self.rows.x[its], self.rows.exposure[its], self.rows.events[its])


def synthetic(weeks: int, seed: int = 1) -> Panel:
    """A panel of UNITS x weeks rows."""
    rng = np.random.default_rng(seed)
    x = covariates(_stocks(weeks, rng))
    unit = np.repeat(np.arange(UNITS), weeks)
    rate = rng.gamma(SHAPE, RATE / SHAPE, UNITS)[unit]
    events = rng.poisson(rate * np.exp(x @ EFFECTS) * WEEK).astype(float)
    by_unit = np.bincount(unit, events, UNITS)
    rows = Rows(x, np.full(len(x), WEEK), events, unit, by_unit)
    return Panel(rows, _prior(), x[weeks - 1])


def _stocks(weeks: int, rng: np.random.Generator) -> Array:
    """Stocks (row, tag) of incidents that come a few times a year and fade; units in turn."""
    stocks = rng.poisson(0.1, (UNITS, weeks, TAGS)).astype(float)
    for week in range(1, weeks):
        stocks[:, week] += FADES * stocks[:, week - 1]
    return stocks.reshape(-1, TAGS)


def _prior() -> Prior:
    """Wide of what the data were drawn from; the third parameter, a ceiling, does nothing."""
    return Prior(
        mean=np.array([np.log(1 / 1000), 0.0, 0.0, *np.full(TAGS, 0.2)]),
        sd=np.array([1.0, 0.7, 1.0, *np.full(TAGS, 0.3)]),
        alone=np.ones(TAGS),
        groups=np.zeros((TAGS, 0)),
        capped=False,
    )
