"""What other beliefs would make of a track, from the draws that it has: nothing is fitted.

    weights   w' = w p'(theta) / p(theta) of the kept draws, where only the priors differ
    moved     theta' = m' + (theta - m) s' / s, weighed by target'(theta') / target(theta) too,
              where the weights do not carry that far, or P of a draw rests on other beliefs

m, s are the prior means and standard deviations on the scale of the draws. Without data the moved
draws are those of the new prior exactly; with data the weights mend the rest, and the gate of
every update says whether they could.
"""

from dataclasses import dataclass, replace

import numpy as np

from models.api import Task
from models.covariates import Array
from models.draws_family import DrawsFamily
from models.engine.answers import Answers, answer
from models.engine.fit import Fit, Posterior
from models.engine.gates import khat_limit
from models.engine.ladder import Rung
from models.engine.psis import Weights, smooth
from models.priors.beliefs import Beliefs
from models.work import DrawsWork

STRENGTHS = (0.5, 2.0)  # powers of what is newly believed
FEW = 500  # moved draws, each of which costs a pass over the rows
LEAST = 200  # of them, as effective sample size


@dataclass(frozen=True, slots=True)
class Retuned:
    """The answers under two beliefs; `weaker` and `stronger` with the new one half and twice as
    sure, empty where the change is of no parameter's prior.
    """

    before: Answers
    after: Answers
    weaker: Answers
    stronger: Answers


def retuned(
    family: DrawsFamily, task: Task, beliefs: Beliefs, state: bytes | None
) -> Retuned | None:
    """The answers of a track under its own beliefs and others; None where a fit is wanted."""
    fit, old = Fit.restored(state), family.work(task)
    if fit is None or not old.fits(fit) or not old.problem.is_fresh(fit):
        return None
    now = Rung.of("T1", fit, old.problem.reweigh(fit))
    chances = old.chances(now)
    prior = old.problem.target.log_prior(fit.draws)
    if not now.gate.passed:
        return None
    new = family.work(replace(task, beliefs=beliefs))
    if not new.fits(fit):
        return None
    if _says_the_same(family, task.beliefs, beliefs):
        gain = new.problem.target.log_prior(fit.draws) - prior
        weighed = Posterior(fit.draws, now.posterior.log_weights + gain, fit.log_likelihood)
        rung = Rung.of("T1", fit, weighed)
        if rung.gate.passed:
            return _answers(now, chances, rung, chances, _changed(old, new, fit.draws))
    rung = _moved(old, new, fit, now.posterior, prior, FEW)
    if not _will_do(rung):
        rung = _moved(old, new, fit, now.posterior, prior, len(fit.draws))
    if not _will_do(rung):
        return None
    changed = _changed(old, new, rung.posterior.draws)
    return _answers(now, chances, rung, new.chances(rung), changed)


def _will_do(rung: Rung) -> bool:
    """Whether the weights bear a look: that is not stored, and says its error."""
    weights = rung.weights
    return weights.khat < khat_limit(len(weights.w)) and weights.ess >= LEAST


def _says_the_same(family: DrawsFamily, one: Beliefs, other: Beliefs) -> bool:
    """Whether a draw's P is the same under both: only priors of its parameters differ."""
    rest = [(b.narrower, b.couplings, b.ordinary_value, family.model_hash(b)) for b in (one, other)]
    return rest[0] == rest[1]


def _moved(
    old: DrawsWork, new: DrawsWork, fit: Fit, before: Posterior, prior: Array, most: int
) -> Rung:
    """The first so many of the kept draws, moved to the new prior and weighed."""
    source, goal, fit = old.problem.target, new.problem.target, fit.first(most)
    draws = goal.start + (fit.draws - source.start) * (goal.scale / source.scale)
    likelihood, extras = new.problem.kept(draws)
    gain = goal.log_prior(draws) + likelihood - prior[:most] - before.log_likelihood[:most]
    made = replace(
        fit,
        draws=draws,
        log_weights=before.log_weights[:most] + gain,
        log_likelihood=likelihood,
        prior_digest=new.problem.prior_digest,
        data_digest=new.problem.data_digest,
        size=new.problem.size,
        extras=extras,
    )
    return Rung.of("T1", made, Posterior(draws, made.log_weights, likelihood, extras))


def _changed(old: DrawsWork, new: DrawsWork, draws: Array) -> Array | None:
    """The log prior density (draw,) of the parameters whose prior differs, up to a constant."""
    was, goal = old.problem.target, new.problem.target
    differs = (was.start != goal.start) | (was.scale != goal.scale)
    if not differs.any():
        return None
    away = (draws[:, differs] - goal.start[differs]) / goal.scale[differs]
    return np.asarray(-0.5 * (away**2).sum(axis=1))


def _answers(
    now: Rung,
    before: dict[str, Array],
    rung: Rung,
    after: dict[str, Array],
    changed: Array | None,
) -> Retuned:
    def at(strength: float) -> Answers:
        if changed is None:
            return {}
        log_weights = rung.posterior.log_weights + (strength - 1) * changed
        return _answered(smooth(log_weights, rung.fit.efficiency), after)

    weaker, stronger = map(at, STRENGTHS)
    return Retuned(_answered(now.weights, before), _answered(rung.weights, after), weaker, stronger)


def _answered(weights: Weights, chances: dict[str, Array]) -> Answers:
    return {name: answer(weights, p) for name, p in chances.items()}
