"""A panel that has been learnt: predictions for any unit as of any moment, and bytes to keep."""

import io
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from functools import cache

import numpy as np

from forecast.errors import InputError
from models.api import BAND
from models.covariates import Array
from models.panel.clusters import at_least_chance
from models.panel.columns import Column, Recipe, build
from models.panel.density import PanelDensity
from models.panel.facts import Facts
from models.panel.landmarks import Landmarks
from models.panel.lesson import Scaling
from models.quantiles import weighted_quantiles


@cache
def density() -> PanelDensity:
    """The one that this process compiles."""
    return PanelDensity()


@dataclass(frozen=True, slots=True)
class Predicted:
    """Forecasts by row (a unit at a moment): P(at least one event), its band over the posterior,
    P(at least n events) of the n that was asked, and the expected number of events.
    """

    p: Array
    lower: Array
    upper: Array
    at_least: Array
    expected: Array


@dataclass(frozen=True, slots=True)
class PanelFit:
    """What a panel taught: draws (draw, 2 + column) of theta with normalised `weights` (draw,).

    `shape` and `rate` (draw, unit) are the Gamma of each unit's own g; a unit that is not among
    `units` has the class's, Gamma(kappa, kappa). `cluster` is how many events come together.
    `findings` are plain sentences about what could not be learnt; `khat` is that of the weights,
    and `shrinkage` (width,) the evidence for each width that the effects of tags may have.
    """

    made: Recipe
    scaling: Scaling
    as_of: float
    horizon: float
    units: tuple[str, ...]
    draws: Array
    weights: Array
    shape: Array
    rate: Array
    cluster: float
    shrinkage: Array
    khat: float
    findings: tuple[str, ...]

    def predict(
        self,
        facts: Facts,
        as_of: float,
        units: Sequence[str] | None = None,
        horizon: float | None = None,
        at_least: int = 1,
    ) -> Predicted:
        """Forecasts of [as_of, as_of + horizon) by unit, of all units where none are named.

        Only what was usable at `as_of` is seen. The hazard is that of windows of the fitted
        horizon, spread evenly: a horizon much longer or shorter asks for a fit of its own.
        """
        units = facts.units if units is None else units
        places = {name: code for code, name in enumerate(facts.units)}
        missing = [name for name in units if name not in places]
        if missing:
            raise InputError(f"{missing[0]} is not among the facts' units", at="units")
        codes = np.array([places[name] for name in units], np.int64)
        return self.at(facts, Landmarks(codes, np.full(len(codes), as_of)), horizon, at_least)

    def at(
        self, facts: Facts, marks: Landmarks, horizon: float | None = None, at_least: int = 1
    ) -> Predicted:
        """Forecasts at many landmarks (row,) at once, each from what was usable at its own."""
        shape, odds = self.by_draw(facts, marks, horizon)
        chance = at_least_chance(shape, odds, 1, self.cluster)
        lower, upper = weighted_quantiles(chance, self.weights, BAND)
        more, expected = self.counts(shape, odds, at_least)
        means = (self.weights @ each for each in (more, expected))
        return Predicted(self.weights @ chance, lower, upper, *means)

    def counts(self, shape: Array, odds: Array, at_least: int) -> tuple[Array, Array]:
        """P(at least n events) and their expected number, where a draw has these A and H/R.

        An event that ends the time at risk happens once or not at all.
        """
        if self.made.recurs:
            chance = at_least_chance(shape, odds, at_least, self.cluster)
            return chance, self.cluster * shape * odds
        chance = at_least_chance(shape, odds, 1, self.cluster)
        return (chance if at_least == 1 else np.zeros_like(chance)), chance

    def by_draw(
        self, facts: Facts, marks: Landmarks, horizon: float | None = None
    ) -> tuple[Array, Array]:
        """A and H/R (draw, row), such that a draw's P(no event) is (1 + H/R)^-A."""
        horizon = self.horizon if horizon is None else horizon
        if not horizon > 0:
            raise InputError(f"a horizon of {horizon} days is not ahead", at="horizon")
        order = np.lexsort((marks.origin, marks.unit))
        sorted_marks = Landmarks(marks.unit[order], marks.origin[order])
        x = np.empty((len(marks), len(self.made.columns)))
        x[order] = self.scaling.apply(build(self.made, facts, sorted_marks))
        mu = density().hazard_of(self.draws, x, self.horizon) * (horizon / self.horizon)
        shape, rate = self._gamma(facts, marks)
        return shape, mu / rate

    def multipliers(self, facts: Facts, unit: str, as_of: float) -> dict[str, Array]:
        """By tag and kind of column, exp of its part of the score (draw,), against its mean."""
        code = facts.units.index(unit)
        mark = Landmarks(np.array([code]), np.array([as_of]))
        part = self.scaling.apply(build(self.made, facts, mark))[0] * self.draws[:, 2:]
        names = [c.of or c.kind for c in self.made.columns]
        return {
            name: np.exp(part[:, [n == name for n in names]].sum(axis=1))
            for name in dict.fromkeys(names)
        }

    def _gamma(self, facts: Facts, marks: Landmarks) -> tuple[Array, Array]:
        place = {name: code for code, name in enumerate(self.units)}
        known = np.array([place.get(name, len(self.units)) for name in facts.units], np.int64)
        kappa = np.exp(self.draws[:, 1:2])
        picked = known[marks.unit]
        return np.hstack([self.shape, kappa])[:, picked], np.hstack([self.rate, kappa])[:, picked]

    def to_bytes(self) -> bytes:
        """The fit as npz without pickle."""
        head = {
            "columns": [asdict(column) for column in self.made.columns],
            "kind": self.made.kind,
            "recurs": self.made.recurs,
            "incidents": self.made.incidents,
            "watched": self.made.watched,
            "units": self.units,
            "findings": self.findings,
        }
        scaling = self.scaling
        numbers = (
            self.made.rate,
            self.made.activity,
            self.made.since,
            self.as_of,
            self.horizon,
            self.cluster,
        )
        buffer = io.BytesIO()
        np.savez(
            buffer,
            head=np.array(json.dumps(head)),
            numbers=np.array([*numbers, self.khat]),
            scaling=np.stack([scaling.mean, scaling.sd, scaling.low, scaling.high]),
            draws=self.draws,
            weights=self.weights,
            gamma=np.stack([self.shape, self.rate]),
            shrinkage=self.shrinkage,
        )
        return buffer.getvalue()

    @classmethod
    def from_bytes(cls, state: bytes) -> "PanelFit":
        """The inverse of `to_bytes`; ValueError where they are of something else."""
        with np.load(io.BytesIO(state), allow_pickle=False) as saved:
            head = json.loads(str(saved["head"]))
            rate, activity, since, as_of, horizon, cluster, khat = map(float, saved["numbers"])
            columns = tuple(Column(**column) for column in head["columns"])
            shape, gamma_rate = saved["gamma"]
            watched = tuple((start, end, count) for start, end, count in head["watched"])
            return cls(
                made=Recipe(
                    columns,
                    head["kind"],
                    head["recurs"],
                    rate,
                    tuple(head["incidents"]),
                    activity,
                    since,
                    watched,
                ),
                scaling=Scaling(*saved["scaling"]),
                as_of=as_of,
                horizon=horizon,
                units=tuple(head["units"]),
                draws=saved["draws"],
                weights=saved["weights"],
                shape=shape,
                rate=gamma_rate,
                cluster=cluster,
                shrinkage=saved["shrinkage"],
                khat=khat,
                findings=tuple(head["findings"]),
            )


@dataclass(frozen=True, slots=True)
class UnitForecast:
    """One unit's forecast for each horizon asked, by draw with `weights` (draw,).

    `p`, P(`at_least` n) and the `expected` number are (draw, horizon); `multipliers` are (draw,)
    by tag, see `PanelFit.multipliers`.
    """

    weights: Array
    p: Array
    at_least: Array
    expected: Array
    multipliers: dict[str, Array]
    findings: tuple[str, ...]


def for_unit(
    fit: PanelFit,
    facts: Facts,
    unit: str,
    as_of: float,
    horizons: Sequence[float],
    at_least: int = 1,
) -> UnitForecast:
    """One unit at one moment, for horizons in days ahead: how the family hazard asks a panel.

    `facts` may hold this unit only, and the events of the class for its drift; without spans they
    are read against those of the fit. A unit that the fit never saw gets the class's g. A weighted
    mean over draws is the estimate, weighted quantiles its band; `fit.khat` and `fit.findings` say
    how far to trust them.
    """
    if unit not in facts.units:
        facts = replace(facts, units=(*facts.units, unit))
    mark = Landmarks(np.array([facts.units.index(unit)]), np.array([as_of]))
    shape, odds = fit.by_draw(facts, mark, fit.horizon)
    ahead = odds * (np.asarray(horizons, float) / fit.horizon)
    more, expected = fit.counts(shape, ahead, at_least)
    return UnitForecast(
        fit.weights,
        at_least_chance(shape, ahead, 1, fit.cluster),
        more,
        expected,
        fit.multipliers(facts, unit, as_of),
        fit.findings,
    )
