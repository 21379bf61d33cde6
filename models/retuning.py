"""What other beliefs would make of a track, from the draws that it has: nothing is fitted.

    weights   w' = w p'(theta) / p(theta) of the kept draws, where only the priors differ
    moved     theta' = m' + (theta - m) s' / s, weighed by target'(theta') / target(theta) too,
              where the weights do not carry that far, or P of a draw rests on other beliefs

m, s are the prior means and standard deviations on the scale of the draws. Without data the moved
draws are those of the new prior exactly; with data the weights mend the rest, and the gate of
every update says whether they could.
"""

import math
from dataclasses import dataclass, replace

import numpy as np

from models.api import Task
from models.covariates import Array
from models.draws_family import DrawsFamily
from models.engine.answers import Answered, Answers, answers
from models.engine.fit import Fit, Posterior
from models.engine.gates import khat_limit, weights_gate
from models.engine.psis import smooth
from models.look import Look
from models.priors.beliefs import Beliefs

STRENGTHS = (0.5, 2.0)  # powers of what is newly believed
FEW = 500  # draws whose P is computed first, each of which costs a pass over the rows if moved
LEAST = 200  # of moved ones, as effective sample size: the look is not stored, and says its error


@dataclass(frozen=True, slots=True)
class Retuned:
    """The answers under two beliefs; `weaker` and `stronger` with the new one half and twice as
    sure, empty where the change is of no parameter's prior.
    """

    before: Answers
    after: Answers
    weaker: Answers
    stronger: Answers


@dataclass(frozen=True, slots=True)
class Seen:
    """Draws under one look, with P of each question for the first of them."""

    posterior: Posterior
    efficiency: float
    chances: dict[str, Array]

    def first(self, draws: int) -> "Seen":
        """Those of the first draws, as if there were no others."""
        whole = self.posterior
        some = Posterior(
            whole.draws[:draws], whole.log_weights[:draws], whole.log_likelihood[:draws]
        )
        return Seen(some, self.efficiency, {name: p[:draws] for name, p in self.chances.items()})

    def answers(self, more: Array | None = None) -> Answers:
        """What they say, the log weights raised by some more."""
        log_weights = self.posterior.log_weights + (0.0 if more is None else more)
        weights = smooth(log_weights, self.efficiency)
        known = min(map(len, self.chances.values()), default=len(log_weights))
        return answers(weights.first(known), self.chances)


def retuned(
    family: DrawsFamily, task: Task, beliefs: Beliefs, state: bytes | None, most: int | None = None
) -> Retuned | None:
    """The answers of a track under its own beliefs and others; None where a fit is wanted.

    By the first `most` draws, where so many are enough.
    """
    fit = Fit.restored(state)
    if fit is None:
        return None
    old = Look(family, task)
    if not old.is_of(fit):
        return None
    most = most or len(fit.draws)
    standing = old.reweigh(fit)
    if not weights_gate(smooth(standing.log_weights, fit.efficiency)).passed:
        return None
    new = Look(family, replace(task, beliefs=beliefs))
    if not new.has_place_for(fit):
        return None
    now = Seen(standing, fit.efficiency, old.chances(standing, most))
    if says_the_same(family, task.beliefs, beliefs):
        gain = new.log_prior(fit.draws) - old.log_prior(fit.draws)
        weighed = Posterior(fit.draws, standing.log_weights + gain, standing.log_likelihood)
        if weights_gate(smooth(weighed.log_weights, fit.efficiency)).passed:
            return _answers(now, Seen(weighed, fit.efficiency, now.chances), old, new)
    for draws in dict.fromkeys((min(FEW, most), len(fit.draws))):
        moved = _moved(old, new, standing, draws)
        if _bears(moved, fit.efficiency):
            then = Seen(moved, fit.efficiency, new.chances(moved, draws))
            return _answers(now, then, old, new)
    return None


def _bears(moved: Posterior, efficiency: float) -> bool:
    """Whether enough of moved draws is left for a look."""
    weights = smooth(moved.log_weights, efficiency)
    return weights.ess >= LEAST and weights.khat < khat_limit(len(weights.w))


def says_the_same(family: DrawsFamily, one: Beliefs, other: Beliefs) -> bool:
    """Whether a draw's P is the same under both: only priors of its parameters differ."""
    rest = [(b.narrower, b.couplings, b.ordinary_value, family.model_hash(b)) for b in (one, other)]
    return rest[0] == rest[1]


def _moved(old: Look, new: Look, before: Posterior, most: int) -> Posterior:
    """The first so many draws, moved to the new prior and weighed."""
    was = before.draws[:most]
    made = new.posterior(new.start + (was - old.start) * (new.scale / old.scale))
    gain = new.log_prior(made.draws) - old.log_prior(was)
    gain += made.log_likelihood - before.log_likelihood[:most]
    return Posterior(made.draws, before.log_weights[:most] + gain, made.log_likelihood, made.extras)


def _answers(now: Seen, then: Seen, old: Look, new: Look) -> Retuned:
    before, changed = now.answers(), _changed(old, new, then.posterior.draws)
    apart = _apart(before, now.first(len(then.posterior.draws)).answers())

    def after(more: Array | None = None) -> Answers:
        return {name: _shifted(a, apart[name]) for name, a in then.answers(more).items()}

    if changed is None:
        return Retuned(before, after(), {}, {})
    weaker, stronger = (after((strength - 1) * changed) for strength in STRENGTHS)
    return Retuned(before, after(), weaker, stronger)


def _apart(whole: Answers, part: Answers) -> dict[str, float]:
    """How far the first draws' logit of P is from that of all: their own chance, not the change."""
    return {
        name: _logit(one.probability) - _logit(part[name].probability)
        for name, one in whole.items()
    }


def _shifted(one: Answered, by: float) -> Answered:
    """The answer with its logits moved; so that what does not change shows no change."""
    if not by or not 0 < one.probability < 1:
        return one
    p, *levels = (_unlogit(_logit(x) + by) for x in (one.probability, *one.quantiles))
    return Answered(p, one.mcse, tuple(levels))


def _logit(p: float) -> float:
    """Of what is surely 0 or 1 a number that is far away."""
    p = min(max(p, 1e-15), 1 - 1e-15)
    return math.log(p / (1 - p))


def _unlogit(x: float) -> float:
    return 1 / (1 + math.exp(-x))


def _changed(old: Look, new: Look, draws: Array) -> Array | None:
    """The log prior density (draw,) of the parameters whose prior differs, up to a constant."""
    differs = (old.start != new.start) | (old.scale != new.scale)
    if not differs.any():
        return None
    away = (draws[:, differs] - new.start[differs]) / new.scale[differs]
    return np.asarray(-0.5 * (away**2).sum(axis=1))
