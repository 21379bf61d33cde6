"""Time at risk, cut into rows: what a likelihood is computed from."""

import math
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from forecast.clock import days_between
from forecast.evidence import Event
from models.covariates import Array, Pulses, covariates


@dataclass(frozen=True, slots=True)
class Rows:
    """Time at risk of one or many units, cut into rows with constant covariates.

    `x` (row, tag), `exposure` (row,) in days, `events` (row,) counts, `unit` (row,) sorted index
    into `events_by_unit` (unit,).
    """

    x: Array
    exposure: Array
    events: Array
    unit: NDArray[np.int64]
    events_by_unit: Array

    @property
    def bounds(self) -> NDArray[np.int64]:
        """Where each unit's rows begin, and the end of the last (unit + 1,)."""
        return np.searchsorted(self.unit, np.arange(len(self.events_by_unit) + 1))

    @classmethod
    def of_one_unit(cls, x: Array, exposure: Array, events: Array) -> "Rows":
        """Rows of a single unit."""
        return cls(x, exposure, events, np.zeros(len(x), np.int64), np.array([events.sum()]))

    def between(self, first: int, last: int | None = None) -> "Rows":
        """The rows of one unit from place `first` up to `last`."""
        part = slice(first, last)
        return Rows.of_one_unit(self.x[part], self.exposure[part], self.events[part])


def daily_rows(pulses: Pulses, events: list[Event], as_of: datetime, recurrent: bool) -> Rows:
    """One row a whole day from the origin to as_of, with what was known at its start.

    Evidence of a day enters the next one. Where the event can happen only once, the time at
    risk ends with it.
    """
    days = np.arange(max(math.floor(days_between(pulses.origin, as_of)), 0), dtype=float)
    counts = np.zeros(len(days))
    exposure = np.ones(len(days))
    for event in events:
        day = math.floor(days_between(pulses.origin, event.occurred_at))
        if 0 <= day < len(days) and (recurrent or not counts.any()):
            counts[day] += 1.0
            if not recurrent:
                exposure[day + 1 :] = 0.0
    return Rows.of_one_unit(covariates(pulses.stocks(days)), exposure, counts)
