"""Whether a rate proposed from the past would have foreseen what came later.

    for each cut: propose from what lay before it, and score what came after, up to the next cut
    score of a unit   log P( n events | a Gamma of its rate, updated by its own past, E days )

The Gamma is that of the log rate's mean and spread. Between two candidates only differences of
the score count, so what is common to them, such as when a unit ceased to be at risk, falls out.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from models.base_rate import gamma_of
from models.priors.elicit import Normal
from models.priors.evidence import Array, History

BLOCKS = 5


@dataclass(frozen=True, slots=True)
class UnitDays:
    """A unit's exposure and events by day (day,), the first of which is day `first` of a
    calendar that all units share.
    """

    unit: str
    first: int
    exposure: Array
    events: Array

    def between(self, start: int, end: int) -> History:
        """What happened on days start <= day < end of the calendar."""
        part = slice(max(start - self.first, 0), max(end - self.first, 0))
        return History(self.unit, float(self.events[part].sum()), float(self.exposure[part].sum()))


@dataclass(frozen=True, slots=True)
class HeldOut:
    """The gain of a proposal over what stands, in nats a unit and block, with its error.

    `tested` is how many units and blocks it is of, `events` how many events lay in them.
    """

    gain: float
    error: float
    tested: int
    events: float

    @property
    def is_gain(self) -> bool:
        """Whether it is more than its error."""
        return self.tested > 1 and self.gain > self.error


def held_out(
    units: Sequence[UnitDays],
    stands: Normal,
    propose: Callable[[Sequence[History]], Normal | None],
    blocks: int = BLOCKS,
) -> HeldOut:
    """Leave-future-out over equal blocks of the time in which there is anything.

    `propose` makes the log rate of one unit from the histories of all, or None where they say
    too little. The error is that of the mean over units, which are taken for independent.
    """
    start = min(u.first for u in units)
    end = max(u.first + len(u.exposure) for u in units)
    cuts = np.linspace(start, end, blocks + 1).astype(int).tolist()
    by_unit: dict[str, list[float]] = {u.unit: [] for u in units}
    events = 0.0
    for cut, until in pairwise(cuts[1:]):
        past = [u.between(start, cut) for u in units]
        proposed = propose([h for h in past if h.days > 0])
        if proposed is None:
            continue
        for unit, before in zip(units, past, strict=True):
            after = unit.between(cut, until)
            if after.days > 0:
                gain = log_score(proposed, before, after) - log_score(stands, before, after)
                by_unit[unit.unit].append(gain)
                events += after.events
    return _summary(list(by_unit.values()), events)


def log_score(log_rate: Normal, before: History, after: History) -> float:
    """Log probability density of what came, under a Gamma that has seen the unit's own past."""
    gamma = gamma_of(log_rate).after(before.events, before.days)
    a, b, n, days = gamma.shape, gamma.rate, after.events, after.days
    return math.lgamma(a + n) - math.lgamma(a) + a * math.log(b) - (a + n) * math.log(b + days)


def _summary(gains: list[list[float]], events: float) -> HeldOut:
    tested = sum(map(len, gains))
    if not tested:
        return HeldOut(0.0, math.inf, 0, 0.0)
    sums, counts = np.array([sum(g) for g in gains]), np.array([float(len(g)) for g in gains])
    mean = float(sums.sum() / tested)
    errors = sums - mean * counts
    spread = math.sqrt(float((errors**2).sum()) * len(gains) / max(len(gains) - 1, 1)) / tested
    return HeldOut(mean, spread if len(gains) > 1 else math.inf, tested, events)
