"""The hazard under other facts: its stored draws weighed anew, never made anew.

A change of the facts changes few rows: what those came to is taken from each draw's sums, and
what they come to now is added. The random futures stay as they are.
"""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from forecast.errors import HeldError
from forecast.explanation import Scenario
from forecast.question import Question
from models.api import Task
from models.covariates import Array
from models.engine.fit import Fit, Posterior
from models.engine.psis import smooth
from models.explaining import (
    SOON,
    Reading,
    Yardstick,
    arrival_within,
    retracted,
    silence_of,
    silent,
    watched_from,
    with_reports,
    without,
)
from models.hazard.formulas import Data
from models.hazard.problem import expose
from models.hazard.update import Work
from models.incidents import Incident
from models.priors.beliefs import Beliefs, Effect
from models.rows import Rows
from models.track import observation_start

FEW = 256  # draws: differences on the same draws need few


class Account:
    """What the draws of a fit say of one question, and would say under other facts."""

    def __init__(
        self, task: Task, question: Question, fit: Fit, model_hash: str, few: int = FEW
    ) -> None:
        self.question, self.model_hash = question, model_hash
        self.work = Work(task, model_hash)
        if fit.prior_digest != self.work.problem.prior_digest or not self.work.fits(fit):
            raise HeldError(
                "the beliefs are not those of its last estimate; update it first",
                at=question.question_id,
            )
        self.facts = watched_from(task, observation_start(task))
        self.fit, self.few = fit, fit.first(few)
        self.posterior = self.work.problem.reweigh(fit)
        self.start = self.work.problem.reweigh(self.few)
        self.hazard = self.work.hazard(fit, self.work.signals)
        self.whole = self.read(self.work, self.posterior, self.hazard)
        self.coming = self.futures(self.work)
        self.few_hazard = self.work.along(self.few.draws, self.coming)
        before = self.read(self.work, self.start, self.few_hazard)
        levels = task.thresholds.get(question.question_id, ())
        self.yardstick = Yardstick(self.whole.probability, before, levels)

    def futures(self, work: Work) -> list[Array]:
        """Covariates (draw, bin, tag) along the futures of the few draws, for each setting."""
        return work.futures(work.signals, len(self.few.draws))

    def read(
        self, work: Work, posterior: Posterior, hazard: Array, beliefs: Beliefs | None = None
    ) -> Reading:
        """P of the question on a posterior, along H; `beliefs` are for the shares of kinds."""
        task = replace(work.task, beliefs=beliefs or work.task.beliefs)
        chance = work.chance_along(hazard, posterior, self.question, task)
        return Reading(chance, smooth(posterior.log_weights, self.fit.efficiency))

    def under(self, task: Task) -> Reading:
        """P under other facts."""
        work = Work(task, self.model_hash)
        posterior = carried(work, self.start, self.work.problem.data)
        hazard = work.along(self.few.draws, self.futures(work))
        return self.read(work, posterior, hazard)

    # The scenarios

    def without(self, incident: Incident) -> Scenario:
        """As if the incident had never been reported."""
        facts = without(self.facts, incident.incident_id, incident.tag)
        return self.yardstick.scenario("without", incident.incident_id, self.under(facts))

    def retracted(self, incident: Incident) -> Scenario:
        """As if the incident were taken back now."""
        facts = retracted(self.facts, incident.incident_id, incident.tag)
        return self.yardstick.scenario("retracted", incident.incident_id, self.under(facts))

    def silence(self) -> list[Scenario]:
        """Some days on with nothing new; none where the deadline is too near."""
        days = silence_of(self.facts, self.question)
        if days is None:
            return []
        facts = silent(self.facts, days)
        return [self.yardstick.scenario("silence", f"{days} days", self.under(facts))]

    def reports(self) -> list[Scenario]:
        """One more report of each tag, and what the next one is worth to wait for.

        A tag's column ahead hangs on that tag's reports alone, so all the reports are simulated
        at once, and each scenario takes its own column.
        """
        effects = self.facts.beliefs.effects
        if not effects:
            return []
        more = Work(with_reports(self.facts, effects), self.model_hash)
        columns = self.futures(more)
        soon = self._arrivals()
        return [
            self._report(effect, k, columns, float(soon[k])) for k, effect in enumerate(effects)
        ]

    def _report(self, effect: Effect, k: int, columns: list[Array], arrival: float) -> Scenario:
        coming = [x.copy() for x in self.coming]
        for x, other in zip(coming, columns, strict=True):
            x[:, :, k] = other[:, :, k]
        hazard = self.work.along(self.few.draws, coming)
        reading = self.read(self.work, self.start, hazard)
        found = self.yardstick.scenario("report", effect.tag, reading)
        if effect.kind != "incident":
            return found
        return replace(found, arrival=arrival, value=arrival * abs(found.change))

    def _arrivals(self) -> Array:
        """P (tag,) that an incident of each tag arrives soon, as the futures have it."""
        rates = self.work.signals.rates(self.work.track.now)
        return arrival_within(SOON, rates.shape, rates.rate)


def carried(work: Work, start: Posterior, before: Data) -> Posterior:
    """The draws of `start`, whose rows were `before`, on the rows of `work`."""
    after, multiplier = work.problem.data, work.multiplier
    changed, common = changes(before, after)
    if len(before.rows.exposure) > len(after.rows.exposure) or 2 * len(changed) > common:
        extras = expose(multiplier, start.draws, after)
    else:
        new = np.concatenate([changed, np.arange(common, len(after.rows.exposure))])
        gone = expose(multiplier, start.draws, at_rows(before, changed))
        come = expose(multiplier, start.draws, at_rows(after, new))
        extras = {name: start.extras[name] - gone[name] + come[name] for name in gone}
    likelihood = np.logaddexp.reduce(work.problem.by_setting(start.draws, extras), axis=1)
    gain = likelihood - start.log_likelihood
    return Posterior(start.draws, start.log_weights + gain, np.asarray(likelihood), extras)


def changes(before: Data, after: Data) -> tuple[NDArray[np.int64], int]:
    """The places (row,) of the rows that both have and that differ, and how many both have."""
    n = min(len(before.rows.exposure), len(after.rows.exposure))
    differs = (before.x[:, :n] != after.x[:, :n]).any(axis=(0, 2))
    differs |= before.rows.exposure[:n] != after.rows.exposure[:n]
    differs |= before.rows.events[:n] != after.rows.events[:n]
    return np.flatnonzero(differs).astype(np.int64), n


def at_rows(data: Data, places: NDArray[np.int64]) -> Data:
    """The data at some rows of one unit."""
    rows = data.rows
    some = Rows.of_one_unit(rows.x[places], rows.exposure[places], rows.events[places])
    return Data(some, data.x[:, places], data.log_weight)
