"""A prior proposed from what happened at a class of units. It is never applied from here."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np

from forecast.errors import UsageError
from jobs.app import App
from jobs.prior_units import Watched, effective, watched_units
from jobs.proposals import counted
from models.priors.beliefs import Beliefs, beliefs_of
from models.priors.check import class_draws
from models.priors.elicit import Normal
from models.priors.evidence import History, hierarchical, of_a_unit
from models.priors.holdout import HeldOut, held_out
from models.priors.say import rate_words

LEAST_UNITS = 3
DRAWS = 64  # of what the signs make of the time at risk


@dataclass(frozen=True, slots=True)
class Retune:
    """The words that stand and those that are proposed for the base rate, with what they gain.

    `largest` is the share of the events that is of one unit.
    """

    root: str
    stands: str
    proposed: str
    units: int
    events: float
    days: float
    largest: float
    held_out: HeldOut

    @property
    def is_better(self) -> bool:
        """Whether it foresaw what came later better, by more than its error."""
        return self.held_out.is_gain


def propose_retune(app: App, root: str, as_of: datetime) -> Retune:
    """From all that was known before `as_of`; UsageError where it says too little.

    Hierarchical: the units of the class differ as `unit_spread` says. What the signs do counts
    as their effects are believed, so that the rate is of a time without them.
    """
    beliefs = beliefs_of(app.config, root)
    units, _ = watched_units(app, root, as_of)
    if len(units) < LEAST_UNITS:
        raise UsageError(
            f"'{root}' was watched at {counted(len(units), 'unit')}, a class needs {LEAST_UNITS}: "
            "what happened at a unit enters each of its estimates already, and a prior made from "
            "it would count it twice"
        )
    scales = [_scale(unit, beliefs, app.config.watch.seed) for unit in units]
    days = [unit.days(scale) for unit, scale in zip(units, scales, strict=True)]
    histories = [_scaled(u.history, s) for u, s in zip(units, scales, strict=True)]
    events = sum(h.events for h in histories)
    if events == 0:
        raise UsageError(
            f"nothing of '{root}' ever happened at them: there is nothing to learn from"
        )

    def propose(some: Sequence[History]) -> Normal | None:
        if len(some) < LEAST_UNITS:
            return None
        rate, log_shape = hierarchical(some, beliefs.log_shape)
        return of_a_unit(rate, log_shape)

    stands = beliefs.log_rate
    if beliefs.model != "base-rate":
        stands = of_a_unit(stands, beliefs.log_shape)
    rate, log_shape = hierarchical(histories, beliefs.log_shape)
    proposed = of_a_unit(rate, log_shape) if beliefs.model == "base-rate" else rate
    return Retune(
        root=root,
        stands=str(app.config.definitions[root].base_rate),
        proposed=rate_words(proposed),
        units=len(units),
        events=events,
        days=sum(u.history.days for u in units),
        largest=max(h.events for h in histories) / events,
        held_out=held_out(days, stands, propose),
    )


def _scale(watched: Watched, beliefs: Beliefs, seed: int) -> float:
    """Effective days over days, on average over the prior."""
    log_rate, log_shape = class_draws(beliefs, DRAWS, seed)
    return float(np.mean(effective(watched, log_rate, log_shape))) / watched.history.days


def _scaled(history: History, scale: float) -> History:
    return History(history.unit, history.events, history.days * scale)
