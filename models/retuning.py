"""What other beliefs would make of a track, from the draws that it has: nothing is fitted.

    weights   w' = w p'(theta) / p(theta) of the kept draws, where only the priors differ
    moved     theta' = m' + (theta - m) s' / s, weighed by target'(theta') / target(theta) too,
              where the weights do not carry that far, or P of a draw rests on other beliefs
    steadied  P' + b (P of all - P of the first), b = cov(p', p) / var(p) over the first draws,
              where only they are moved

m, s are the prior means and standard deviations on the scale of the draws. Without data the moved
draws are those of the new prior exactly; with data the weights mend the rest, and the gate of
every update says whether they could. A wider prior has tails where there are few draws: its
weights pass that gate with 0.7 points of bias, so that moved draws go before weights with a tail.
p, p' are P of one draw under the old beliefs and the new. Source of b: Owen (2013), Monte Carlo
theory, methods and examples, 8.9.
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
from models.engine.ladder import Rung
from models.engine.psis import Weights, smooth
from models.engine.target import Target
from models.priors.beliefs import Beliefs
from models.work import DrawsWork

STRENGTHS = (0.5, 2.0)  # powers of what is newly believed
FEW = 500  # draws whose P is computed first, each of which costs a pass over the rows if moved
LEAST = 200  # of moved ones, as effective sample size: the look is not stored, and says its error
LIGHT = 0.3  # k-hat below which weights have no tail to speak of


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

    def weights(self, more: Array | None = None) -> Weights:
        """Those of the draws whose P is known, the log weights raised by some more."""
        log_weights = self.posterior.log_weights + (0.0 if more is None else more)
        known = min(map(len, self.chances.values()), default=len(log_weights))
        return smooth(log_weights, self.efficiency).first(known)

    def answers(self) -> Answers:
        """What they say."""
        return answers(self.weights(), self.chances)


def retuned(
    family: DrawsFamily, task: Task, beliefs: Beliefs, state: bytes | None, most: int | None = None
) -> Retuned | None:
    """The answers of a track under its own beliefs and others; None where a fit is wanted.

    By the first `most` draws, where so many are enough.
    """
    fit = Fit.restored(state)
    if fit is None:
        return None
    old = family.work(task)
    if not (old.fits(fit) and old.problem.is_fresh(fit)):
        return None
    most = most or len(fit.draws)
    standing = old.problem.reweigh(fit)
    if not weights_gate(smooth(standing.log_weights, fit.efficiency)).passed:
        return None
    new = family.work(replace(task, beliefs=beliefs))
    if not new.fits(fit):
        return None
    was, then = old.problem.target, new.problem.target
    now, weighed = Seen(standing, fit.efficiency, chances(old, standing, most)), None
    if says_the_same(family, task.beliefs, beliefs):
        gain = then.log_prior(fit.draws) - was.log_prior(fit.draws)
        posterior = Posterior(fit.draws, standing.log_weights + gain, standing.log_likelihood)
        weights = smooth(posterior.log_weights, fit.efficiency)
        if weights_gate(weights).passed:
            weighed = Seen(posterior, fit.efficiency, now.chances)
            if weights.khat < LIGHT:
                return _answers(now, weighed, was, then)
    for draws in dict.fromkeys((min(FEW, most), len(fit.draws))):
        moved = _moved(old, new, standing, draws)
        if _bears(moved, fit.efficiency):
            seen = Seen(moved, fit.efficiency, chances(new, moved, draws))
            return _answers(now, seen, was, then)
    return _answers(now, weighed, was, then) if weighed else None


def chances(work: DrawsWork, posterior: Posterior, most: int) -> dict[str, Array]:
    """P of each question for each of the first so many draws (draw,)."""
    drawn = (posterior.draws, posterior.log_weights, posterior.log_likelihood)
    fit = Fit(*drawn, "look", "", "", 0, extras=posterior.extras)
    return work.chances(Rung.of_fit(fit.first(most)))


def _bears(moved: Posterior, efficiency: float) -> bool:
    """Whether enough of moved draws is left for a look."""
    weights = smooth(moved.log_weights, efficiency)
    return weights.ess >= LEAST and weights.khat < khat_limit(len(weights.w))


def says_the_same(family: DrawsFamily, one: Beliefs, other: Beliefs) -> bool:
    """Whether a draw's P is the same under both: only priors of its parameters differ."""
    rest = [(b.narrower, b.couplings, b.ordinary_value, family.model_hash(b)) for b in (one, other)]
    return rest[0] == rest[1]


def _moved(old: DrawsWork, new: DrawsWork, before: Posterior, most: int) -> Posterior:
    """The first so many draws, moved to the new prior and weighed."""
    was, then = old.problem.target, new.problem.target
    draws = before.draws[:most]
    moved = then.start + (draws - was.start) * (then.scale / was.scale)
    likelihood, extras = new.problem.kept(moved)
    gain = then.log_prior(moved) - was.log_prior(draws)
    gain += likelihood - before.log_likelihood[:most]
    return Posterior(moved, before.log_weights[:most] + gain, likelihood, extras)


def _answers(now: Seen, then: Seen, old: Target, new: Target) -> Retuned:
    before, changed = now.answers(), _changed(old, new, then.posterior.draws)
    part = now.first(len(then.posterior.draws))
    few = part.answers()

    def after(more: Array | None = None) -> Answers:
        weights = then.weights(more)
        found = answers(weights, then.chances)
        return {
            name: _steadied(found[name], weights, p, part.chances[name], before[name], few[name])
            for name, p in then.chances.items()
        }

    if changed is None:
        return Retuned(before, after(), {}, {})
    weaker, stronger = (after((strength - 1) * changed) for strength in STRENGTHS)
    return Retuned(before, after(), weaker, stronger)


def _steadied(
    one: Answered, weights: Weights, p: Array, was: Array, whole: Answered, part: Answered
) -> Answered:
    """An answer of the first draws less what they say by their own chance, and not by the change.

    `p`, `was` (draw,) are P under the new beliefs and the old; `whole` and `part` what all draws
    and the first say under the old. What does not change shows no change.
    """
    apart = whole.probability - part.probability
    if not apart or not 0 < one.probability < 1:
        return one
    away = was - weights.mean(was)
    spread = float(weights.mean(away**2))
    follows = float(weights.mean(p * away)) / spread if spread > 0 else 0.0
    middle = one.probability + follows * apart
    middle = min(max(middle, one.probability / 2), (1 + one.probability) / 2)
    by = _logit(middle) - _logit(one.probability)
    levels = tuple(_unlogit(_logit(level) + by) for level in one.quantiles)
    error = math.hypot(weights.mcse(p - follows * was), follows * whole.mcse)
    return Answered(middle, error, levels)


def _logit(p: float) -> float:
    """Of what is surely 0 or 1 a number that is far away."""
    p = min(max(p, 1e-15), 1 - 1e-15)
    return math.log(p / (1 - p))


def _unlogit(x: float) -> float:
    return 1 / (1 + math.exp(-x))


def _changed(old: Target, new: Target, draws: Array) -> Array | None:
    """The log prior density (draw,) of the parameters whose prior differs, up to a constant."""
    differs = (old.start != new.start) | (old.scale != new.scale)
    if not differs.any():
        return None
    away = (draws[:, differs] - new.start[differs]) / new.scale[differs]
    return np.asarray(-0.5 * (away**2).sum(axis=1))
