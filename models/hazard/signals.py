"""The covariates of a track under a setting: of its past, and along simulated futures.

    incident   x = log2(1 + stock), see `models.covariates`; what may still come is simulated
    scheduled  the same, felt ahead of its date; what is not announced is not simulated
    level      x = (last value - reference) / per, 0 once it is stale

The course of a level ahead is an Ornstein-Uhlenbeck path from where it stands: it fades to the
reference by half in each half-life, about which it spreads as it was seen to, and with one
step of `per` where it was hardly seen.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import numpy as np

from forecast.clock import days_between
from forecast.evidence import Report
from models.covariates import Array, Pulses, covariates
from models.futures import Arrivals, arrivals, simulate
from models.hazard.settings import Setting
from models.priors.beliefs import Beliefs, Effect

PRIOR_READINGS = 1.0  # of one step of `per`: what is thought of a level before it is seen


@dataclass(frozen=True, slots=True)
class Level:
    """Readings of a level (reading,), in steps of `per` above the reference, by when known.

    Times are days since the origin; `best` (reading,) is the newest reading among those known.
    """

    column: int
    known: Array
    occurred: Array
    x: Array
    best: np.ndarray[tuple[int], np.dtype[np.int64]]
    stale_after: float

    @classmethod
    def of(
        cls, reports: Sequence[Report], effect: Effect, column: int, origin: datetime
    ) -> "Level":
        """The readings of one tag, among all reports of a unit."""
        mine = [r for r in reports if r.tag == effect.tag]
        mine.sort(key=lambda r: (r.known_at, r.report_id))
        known = np.array([days_between(origin, r.known_at) for r in mine])
        occurred = np.array([days_between(origin, r.occurred_at) for r in mine])
        x = np.array([(r.value - effect.reference) / effect.per for r in mine])
        newest = np.maximum.accumulate(occurred) if len(mine) else occurred
        places = np.where(occurred == newest, np.arange(len(mine)), 0)
        best = np.maximum.accumulate(places) if len(mine) else places
        return cls(column, known, occurred, x, best.astype(np.int64), effect.stale_after)

    def at(self, days: Array) -> tuple[Array, Array]:
        """x (day,) as known before each day, and whether it is fresh (day,); x is 0 where not."""
        place = np.searchsorted(self.known, days, side="left") - 1
        if not len(self.known):
            return np.zeros(len(days)), np.zeros(len(days))
        best = self.best[np.maximum(place, 0)]
        fresh = (place >= 0) & (days - self.occurred[best] <= self.stale_after)
        return np.where(fresh, self.x[best], 0.0), fresh.astype(float)

    def ahead(self, now: float, edges: Array, half_life: float, normals: Array) -> Array:
        """x (draw, bin) at the middle of each bin; `normals` are standard (draw, bin).

        Where the last reading is stale, the level may be anywhere that it tends to be.
        """
        squares = float((self.x**2).sum())
        sd = np.sqrt((PRIOR_READINGS + squares) / (PRIOR_READINGS + len(self.x)))
        last, fresh = self.at(np.array([now]))
        middles = (edges[1:] + edges[:-1]) / 2
        kept = 0.5 ** (np.diff(middles, prepend=0.0) / half_life)
        if not fresh[0]:
            kept[0] = 0.0
        x = np.empty_like(normals)
        level = last[0]
        for b in range(len(middles)):
            level = kept[b] * level + sd * np.sqrt(1 - kept[b] ** 2) * normals[:, b]
            x[:, b] = level
        return x


@dataclass(frozen=True, slots=True)
class Signals:
    """All that bears on a track: the pulses of incidents, and the courses of levels.

    `comes` (tag,) is 1 for the tags of which more may come unannounced. `watched` (day, tag)
    is the part of each day, up to now, on which the feeds of a tag were; None for all of it.
    """

    pulses: Pulses
    levels: tuple[Level, ...]
    comes: Array
    watched: Array | None = None

    @classmethod
    def of(cls, beliefs: Beliefs, pulses: Pulses, reports: Sequence[Report]) -> "Signals":
        """Lay out the reports under the columns of the beliefs; `pulses` are of the same."""
        columns = beliefs.columns()
        levels = tuple(
            Level.of(reports, effect, place, pulses.origin)
            for place, effect in enumerate(columns)
            if effect.kind == "level"
        )
        # the column that stands in where there is no tag has no name, and is never fed
        comes = np.array([float(e.kind == "incident" and e.tag != "") for e in columns])
        return cls(pulses, levels, comes)

    def past(self, days: Array, setting: Setting) -> Array:
        """Covariates (day, tag) as known before each day."""
        x = covariates(self._pulses(setting).stocks(days))
        for level in self.levels:
            x[:, level.column] = level.at(days)[0]
        return x * setting.on

    def ahead(self, now: float, edges: Array, draws: int, seed: int, setting: Setting) -> Array:
        """Covariates (draw, bin, tag) at the middle of each bin, along each draw's own future."""
        pulses = self._pulses(setting)
        known = pulses.stocks(now + (edges[1:] + edges[:-1]) / 2)
        x = covariates(known + self._to_come(pulses, now, edges, draws, seed))
        for level in self.levels:
            half_life = float(setting.half_lives[level.column])
            normals = _normals(draws, len(edges) - 1, level.column, seed)
            x[:, :, level.column] = level.ahead(now, edges, half_life, normals)
        return x if setting.on.all() else x * setting.on

    def rates(self, now: float) -> Arrivals:
        """How incidents of each tag have arrived, up to so many days since the origin."""
        pulses = self.pulses
        # what was known before the watch began says nothing of how much arrives in a day of it
        first_known, weight, tag = pulses.where(pulses.first_known >= 0).whole()
        rates = arrivals(now - first_known, weight, tag, len(pulses.half_lives), now, self.watched)
        return replace(rates, weight=rates.weight * self.comes)

    def _to_come(self, pulses: Pulses, now: float, edges: Array, draws: int, seed: int) -> Array:
        return simulate(self.rates(now), edges, pulses.half_lives, draws, seed)

    def _pulses(self, setting: Setting) -> Pulses:
        return replace(self.pulses, half_lives=setting.half_lives)


def _normals(draws: int, bins: int, column: int, seed: int) -> Array:
    """Standard normals (draw, bin): those of a bin stay as others come and go."""
    streams = [np.random.default_rng([seed, column, 3, b]) for b in range(bins)]
    return np.stack([rng.standard_normal(draws) for rng in streams], axis=1)
