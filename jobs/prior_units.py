"""The units that a prior is about, and what happened at each: for checking and retuning it."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime

import numpy as np

from forecast.clock import DAY, days_between, parse_instant
from forecast.question import Question
from jobs.app import App
from models.api import Task
from models.covariates import Array
from models.draws_family import DrawsFamily
from models.hazard.predictive import effective_days
from models.priors.beliefs import Beliefs, beliefs_of
from models.priors.evidence import History
from models.priors.holdout import UnitDays
from models.registry import family
from models.track import Track, lay_out

EPOCH = parse_instant("1900-01-01")  # of the calendar that all units share
MOST_UNITS = 200


@dataclass(frozen=True, slots=True)
class Watched:
    """A unit with its time at risk; `until_now` is that time as if nothing had ended it."""

    unit: str
    track: Track

    @property
    def history(self) -> History:
        """Its events and days at risk."""
        rows = self.track.rows
        return History(self.unit, float(rows.events.sum()), float(rows.exposure.sum()))

    @property
    def until_now(self) -> float:
        """Days from the start of observation, with or without an event."""
        return max(self.track.now, self.history.days)

    def days(self, scale: float = 1.0) -> UnitDays:
        """Day by day, with the exposure scaled."""
        first = int(days_between(EPOCH, self.track.origin))
        rows = self.track.rows
        return UnitDays(self.unit, first, rows.exposure * scale, rows.events)


def watched_units(app: App, root: str, as_of: datetime) -> tuple[list[Watched], int]:
    """The units with a question of the root definition, or an event of it, or of the watch.

    The first so many that were watched at all; and how many there are.
    """
    config, beliefs = app.config, beliefs_of(app.config, root)
    inside = {d for d in config.definitions if config.root_of(d) == root}
    asked = (q.unit for q in app.store.questions() if q.definition in inside)
    units = sorted({*asked, *config.units})
    found = list(_watched(app, beliefs, units[:MOST_UNITS], as_of))
    return found, len(units)


def _watched(app: App, beliefs: Beliefs, units: list[str], as_of: datetime) -> Iterator[Watched]:
    for unit in units:
        others = tuple(c for c in beliefs.couplings if c.unit != unit)
        probe = Question("-", "-", unit, beliefs.definition, as_of, as_of + DAY)
        snapshot = app.store.snapshot(probe, as_of)
        task = Task(snapshot, replace(beliefs, couplings=others), (), app.config.watch.seed)
        track = lay_out(task)
        if track.rows.exposure.sum() > 0:
            yield Watched(unit, track)


def hears_signs(beliefs: Beliefs) -> bool:
    """Whether the time at risk counts by what the signs do."""
    return beliefs.model == "hazard" and bool(beliefs.effects)


def effective(watched: Watched, log_rate: Array, log_shape: Array) -> Array:
    """Effective days (draw,) at risk at a unit, under draws of the prior."""
    task = watched.track.task
    model = family(task.beliefs.model)
    if not hears_signs(task.beliefs) or not isinstance(model, DrawsFamily):
        return np.full(len(log_rate), watched.history.days)
    return effective_days(model, task, log_rate, log_shape)
