"""What a panel is learnt with: every default comes from the horizon and from the data."""

from dataclasses import dataclass

import numpy as np

from models.covariates import Array
from models.panel.facts import Stream

FOREVER = float("inf")
LEAST_ROWS = 8  # fewer rows of a tag do not tell how it behaves
LEAST_VALUES = 5
REGULAR = 0.8  # of a level's gaps are near the usual one
NEAR = 0.2  # of the usual gap


@dataclass(frozen=True, slots=True)
class Settings:
    """How a panel is learnt. Lengths of time are in horizons, so that forecasts of two days and
    of a quarter start from the same shape.

    `half_lives` are those of tags, `activity` of all rows of tags taken together, `history` of
    the event's own past at the unit, `drift` of its past in the whole class. `changes` of level
    tags are taken over this many of their usual gaps, and a level is stale after `stale` of them;
    without `levels` they are not heard, and without `season` neither is the time of year;
    `level_tags` None: found from the data, see `level_tags`. Landmarks are `step` apart, and at
    most `windows` of their windows are kept, those with an event first; none begins before `since`
    (in days since the facts' origin), though what was seen then is heard. `shrinkage` are standard
    deviations that effects of tags may have on standardised columns, equally likely beforehand.
    `log_rate` and `log_shape` are (mean, sd) of the log of events a day and of the Gamma shape;
    the rate is centred on the class's own where None. `draws` of the posterior are kept, and
    weighed where `weigh`.
    """

    half_lives: tuple[float, ...] = (0.25, 1.0, 3.0, 12.0)
    activity: tuple[float, ...] = (1.0, 4.0, 16.0, FOREVER)
    history: tuple[float, ...] = (0.25, 1.0, 3.0, 12.0, 48.0, FOREVER)
    drift: tuple[float, ...] = (1.0, 4.0, 16.0)
    changes: tuple[float, ...] = (1.0, 2.0, 4.0)
    stale: float = 20.0
    level_tags: tuple[str, ...] | None = None
    levels: bool = True
    season: bool = True
    step: float = 1 / 3
    windows: int = 25_000
    since: float = -FOREVER
    shrinkage: tuple[float, ...] = (0.01, 0.03, 0.1, 0.3)
    log_rate: tuple[float, float] | None = None
    log_shape: tuple[float, float] = (0.4, 1.0)
    draws: int = 1500
    weigh: bool = True


QUICK = Settings(draws=200, weigh=False)  # for backtests: the same forecasts to a few per mille


def level_tags(rows: Stream, tags: tuple[str, ...]) -> tuple[str, ...]:
    """The tags whose last value counts (a price, a wind speed), not a number of incidents.

    A level is read off an instrument: one row a unit and moment, at regular times, of values
    that vary. Incidents come when they come, several at once, mostly of one value.
    """
    return tuple(tag for code, tag in enumerate(tags) if _is_level(rows.where(rows.name == code)))


def usual_gap(rows: Stream) -> float:
    """The median time in days between a unit's rows; 1 where no unit has two."""
    gaps = _gaps(rows)
    return float(np.median(gaps)) if len(gaps) else 1.0


def _is_level(rows: Stream) -> bool:
    gaps = _gaps(rows)
    if min(len(rows), len(gaps)) < LEAST_ROWS or len(np.unique(rows.value)) < LEAST_VALUES:
        return False
    usual = float(np.median(gaps))
    return usual > 0 and float((abs(gaps - usual) <= NEAR * usual).mean()) >= REGULAR


def _gaps(rows: Stream) -> Array:
    order = np.lexsort((rows.occurred, rows.unit))
    return np.asarray(np.diff(rows.occurred[order])[np.diff(rows.unit[order]) == 0])
