"""One question as its members see it, and what the pool makes of that: number, band, curve.

Families bring curves, counts, bands and contributions; others only their number at the deadline.
So the families' pool gives the shape, and one factor k on the hazard of every deadline brings it
through the number of the whole pool:

    P(by T)   1 - (1 - P_families(by T))^k,    k = H / H_families,  H = -log(1 - P) at the deadline
    band      at each level the pool of the members' own quantiles, as if they erred together,
              widened by what is not known of the pool's weights
    error     the members' Monte Carlo errors, carried through the pool

Where every family holds a thing to be impossible, or certain, it is so, whatever others say.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

import numpy as np

from forecast.estimate import QUANTILE_LEVELS, Contribution, CurvePoint, Estimate
from forecast.question import Question
from models.covariates import Array
from models.felt import VISIBLE, strongest_first
from models.pool.record import Pooler
from models.pool.stack import expit, logits_of
from models.quantiles import LOWER, UPPER, interval_among

FURTHEST = 1 - 1e-12  # a hazard is finite


@dataclass(frozen=True, slots=True)
class Voices:
    """What families (those that are sure of it) and others (`said`, by member) say of a question.

    `recurrent` is whether the event can happen more than once.
    """

    question: Question
    pooler: Pooler
    families: Mapping[str, Estimate]
    others: Mapping[str, float]
    recurrent: bool

    def said(self) -> dict[str, float]:
        """Every number at the deadline, by member."""
        return {n: e.probability for n, e in self.families.items()} | dict(self.others)

    def pooled(self, *said: Mapping[str, float]) -> Array:
        """p (row,) of numbers by member."""
        table = self.pooler.table(*map(dict, said))
        return self.pooler.probability(table, self.question.definition)

    def probability(self) -> float:
        """The whole pool's number."""
        alone = {e.probability for e in self.families.values()}
        if alone in ({0.0}, {1.0}):
            return alone.pop()
        return float(self.pooled(self.said())[0])

    def error(self) -> float:
        """Its Monte Carlo standard error."""
        said = self.said()
        parts = []
        for name, estimate in self.families.items():
            ends = [
                said | {name: min(max(estimate.probability + step, 0.0), 1.0)}
                for step in (-estimate.mcse, estimate.mcse)
            ]
            low, high = self.pooled(*ends)
            parts.append((high - low) / 2)
        return float(np.linalg.norm(parts))

    def quantiles(self, p: float) -> tuple[float, ...]:
        """P at `QUANTILE_LEVELS`, where the pool's number was raised to `p`."""
        rows = [
            {n: _level(e, nth) for n, e in self.families.items()} | dict(self.others)
            for nth in range(len(QUANTILE_LEVELS))
        ]
        middle = len(QUANTILE_LEVELS) // 2
        table = self.pooler.table(*rows)
        levels = logits_of(self.pooled(*rows))
        spread = self.pooler.pool.spread(table[middle : middle + 1])
        wide = _widened(levels, levels[middle], spread * _normal(QUANTILE_LEVELS))
        found = _powered(wide, _factor(p, self.probability()))
        if p in (0.0, 1.0):
            found = np.full(len(found), p)
        return tuple(np.clip(found, 0.0, 1.0).tolist())

    def curve(self, p: float, quantiles: tuple[float, ...]) -> tuple[CurvePoint, ...]:
        """The families' curve through `p`, at the dates of the first of them."""
        dates = [point.by for point in next(iter(self.families.values())).curve]
        middle, lower, upper = (self._along(dates, which) for which in range(3))
        k = _factor(p, self._of_families())
        band = interval_among(quantiles)
        points = []
        for date, mid, low, high in zip(dates, middle, lower, upper, strict=True):
            m, at_low, at_high = (float(x) for x in _powered(np.array([mid, low, high]), k))
            if date == self.question.deadline:
                m, at_low, at_high = p, band.lower, band.upper
            points.append(CurvePoint(date, m, min(at_low, m), max(at_high, m)))
        return tuple(points)

    def at_least(self, p: float) -> tuple[float, ...]:
        """P of at least 1, 2, ... events, with the factor that brings the families to `p`."""
        count = min(len(e.at_least) for e in self.families.values())
        if not count:
            return ()
        rows = [{n: e.at_least[nth] for n, e in self.families.items()} for nth in range(count)]
        return tuple(_powered(self.pooled(*rows), _factor(p, self._of_families())).tolist())

    def expected(self, p: float) -> float | None:
        """The expected number of events, by the same factor."""
        told = {
            n: e.expected_count for n, e in self.families.items() if e.expected_count is not None
        }
        if not self.recurrent:
            return p
        weights = self.pooler.weights(told)
        mean = math.fsum(weights[name] * count for name, count in told.items())
        return mean * _factor(p, self._of_families()) if told else None

    def contributions(self) -> tuple[Contribution, ...]:
        """The families' multipliers to the power of what each of them counts, and the others'."""
        weights = self.pooler.weights(self.said())
        power = {n: self.pooler.pool.sharpness * weights[n] for n in self.families}
        found = [self._tag(tag, power) for tag in self._tags()]
        whole, said = self.probability(), self.said()
        for name in self.others:
            without = float(self.pooled({n: q for n, q in said.items() if n != name})[0])
            times = _factor(whole, without)
            found.append(Contribution(name, times, times, times, ()))
        return strongest_first(
            c for c in found if max(abs(c.lower - 1), abs(c.upper - 1)) > VISIBLE
        )

    def _tags(self) -> list[str]:
        return sorted({c.tag for e in self.families.values() for c in e.contributions})

    def _tag(self, tag: str, power: Mapping[str, float]) -> Contribution:
        logs = np.zeros(3)
        incidents: tuple[str, ...] = ()
        for name, estimate in self.families.items():
            for c in estimate.contributions:
                if c.tag == tag:
                    logs += power[name] * np.log(np.maximum([c.median, c.lower, c.upper], 1e-12))
                    incidents = incidents or c.incidents
        median, lower, upper = np.exp(logs).tolist()
        return Contribution(tag, median, lower, upper, incidents)

    def _of_families(self) -> float:
        return float(self.pooled({n: e.probability for n, e in self.families.items()})[0])

    def _along(self, dates: list[datetime], which: int) -> Array:
        """The families' pool at dates: the probability (0), or an end of its band (1 or 2)."""
        rows = self._rows(dates, which)
        found = self.pooled(*rows)
        if which == 0:
            return found
        middle = self._rows(dates, 0)
        table, mid = self.pooler.table(*middle), self.pooled(*middle)
        step = self.pooler.pool.spread(table) * _normal(
            (QUANTILE_LEVELS[(LOWER, UPPER)[which - 1]],)
        )
        wide = _widened(logits_of(found), logits_of(mid), step)
        return np.where((mid == 0.0) | (mid == 1.0), mid, wide)

    def _rows(self, dates: list[datetime], which: int) -> list[dict[str, float]]:
        lines = {n: _line(e, dates, which) for n, e in self.families.items()}
        return [{n: float(line[nth]) for n, line in lines.items()} for nth in range(len(dates))]


def _line(estimate: Estimate, dates: list[datetime], which: int) -> Array:
    """A curve at dates, straight in the hazard between its points."""
    points = estimate.curve
    at = [point.by.timestamp() for point in points]
    p = [(c.probability, c.lower, c.upper)[which] for c in points]
    hazard = np.interp([d.timestamp() for d in dates], at, -np.log1p(-np.minimum(p, FURTHEST)))
    return np.asarray(-np.expm1(-hazard))


def _level(estimate: Estimate, nth: int) -> float:
    return estimate.quantiles[nth] if estimate.quantiles else estimate.probability


def _factor(p: float, base: float) -> float:
    """k, by which the hazard is multiplied where `base` becomes `p`."""
    if not (0.0 < base < 1.0 and 0.0 < p < 1.0):
        return 1.0
    return math.log1p(-p) / math.log1p(-base)


def _powered(p: Array, k: float) -> Array:
    with np.errstate(divide="ignore"):
        return np.asarray(-np.expm1(k * np.log1p(-p)))


def _widened(level: Array, middle: Array, step: Array) -> Array:
    """p of levels of the log odds about their middle, where that itself is unsure by `step`."""
    return expit(middle + np.sign(step) * np.hypot(level - middle, step))


def _normal(levels: tuple[float, ...]) -> Array:
    from scipy.special import ndtri

    return np.asarray(ndtri(np.array(levels)))
