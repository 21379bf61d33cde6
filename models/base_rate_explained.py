"""Why the base rate says what it says: closed forms all, as there is no evidence to take apart.

prior^alpha        Gamma(a, b) of a rate, as a density of its log, becomes Gamma(alpha a, alpha b)
likelihood^alpha   n events in E days count as alpha n in alpha E
surprise           N ~ NegativeBinomial before the data: P(N <= n) = I_x(a, n + 1), x = b / (b + E)
"""

import math
from dataclasses import dataclass, replace

import numpy as np

from forecast.explanation import Conflict, Explanation, Scaling, Scenario, Swing
from forecast.question import Question
from models.api import BAND, Task
from models.base_rate import SHARE_DRAWS, AtLeast, Gamma, gamma_of
from models.covariates import Array
from models.engine.psis import Weights
from models.explaining import (
    ALPHAS,
    MILD,
    NUDGE,
    Reading,
    judge,
    leverage_notes,
    sensitivity,
    share_ends,
    silence_of,
    silent,
    with_share,
)
from models.priors.beliefs import Beliefs
from models.shares import share_of
from models.track import Track, lay_out, missing


def explain(task: Task, question: Question) -> Explanation:
    """The explanation of one question of the task."""
    prior, track = gamma_of(task.beliefs.log_rate), lay_out(task)
    counted = _Counted(track, question, prior, task.thresholds.get(question.question_id, ()))
    scalings, swings = counted.scalings(), counted.swings()
    conflict = counted.conflict(scalings)
    return Explanation(
        question_id=question.question_id,
        as_of=task.snapshot.as_of,
        probability=counted.whole,
        mcse=0.0,
        draws=0,
        whole=None,
        tags=(),
        scenarios=tuple(counted.silence()),
        untested=0,
        scalings=tuple(scalings),
        swings=tuple(swings),
        conflict=conflict,
        notes=tuple(leverage_notes(conflict, swings)),
    )


@dataclass(frozen=True, slots=True)
class _Counted:
    """A track of counts, one question of it, the prior of its rate, and the alert levels."""

    track: Track
    question: Question
    prior: Gamma
    levels: tuple[float, ...]

    @property
    def events(self) -> float:
        """How many there were in the time at risk."""
        return float(self.track.rows.events.sum())

    @property
    def days(self) -> float:
        """The time at risk."""
        return float(self.track.rows.exposure.sum())

    @property
    def whole(self) -> float:
        """P as it is."""
        return self.chance(self.prior.after(self.events, self.days))

    def chance(self, posterior: Gamma, beliefs: Beliefs | None = None) -> float:
        """P under a Gamma of the rate; `beliefs` are for the shares of kinds."""
        return float(self._within(posterior.at_least, beliefs).mean())

    def _within(self, at_least: AtLeast, beliefs: Beliefs | None = None) -> Array:
        """P of enough events in the window for each draw of the share (draw,)."""
        task = self.track.task
        if beliefs is not None:
            task = replace(task, beliefs=beliefs)
        start, end = self.track.edges[list(self.track.window(self.question))]
        wanted = missing(task, self.question)
        draws = 1 if self.question.definition == task.beliefs.definition else SHARE_DRAWS
        share = share_of(task, self.question.definition, draws)
        if task.beliefs.recurrent:
            return at_least(wanted, share * (end - start))
        ahead, behind = at_least(1, np.array([end])), at_least(1, np.array([start]))
        return share * (ahead - behind) * (wanted == 1)

    def silence(self) -> list[Scenario]:
        """Some days on with no event; none where the deadline is too near."""
        days = silence_of(self.track.task, self.question)
        if days is None:
            return []
        later = replace(self, track=lay_out(silent(self.track.task, days))).whole
        crosses = self._crossed(later)
        return [Scenario("silence", f"{days} days", later, later - self.whole, 0.0, crosses)]

    def scalings(self) -> list[Scaling]:
        """The prior and the likelihood at every power."""
        found = []
        for component in ("base rate", "prior", "likelihood"):
            for alpha in ALPHAS:
                p = self.chance(self._scaled(component, alpha))
                change, crosses = p - self.whole, self._crossed(p)
                found.append(Scaling(component, alpha, p, change, 0.0, -math.inf, crosses=crosses))
        return found

    def _scaled(self, component: str, alpha: float) -> Gamma:
        if component == "likelihood":
            return self.prior.after(alpha * self.events, alpha * self.days)
        weighed = Gamma(alpha * self.prior.shape, alpha * self.prior.rate)
        return weighed.after(self.events, self.days)

    def swings(self) -> list[Swing]:
        """The rate and each share, its middle moved to either end of its band."""
        beliefs, normal = self.track.task.beliefs, self.track.task.beliefs.log_rate
        low, high = (normal.quantile(p) for p in BAND)
        at_low, at_high = (
            self.chance(gamma_of(replace(normal, mean=end)).after(self.events, self.days))
            for end in (low, high)
        )
        found = [self._swing("base_rate", (math.exp(low), math.exp(high)), (at_low, at_high))]
        posterior = self.prior.after(self.events, self.days)
        for part in beliefs.narrower:
            if part.share is not None:
                name, ends = part.definition, share_ends(part.share)
                low, high = (self.chance(posterior, with_share(beliefs, name, e)) for e in ends)
                found.append(self._swing(f"{name}.share", ends, (low, high)))
        return sorted(found, key=lambda swing: (-swing.width, swing.key))

    def _swing(self, key: str, ends: tuple[float, float], at: tuple[float, float]) -> Swing:
        crosses = {level for p in at for level in self._crossed(p)}
        return Swing(key, ends, at, 0.0, tuple(sorted(crosses)))

    def conflict(self, scalings: list[Scaling]) -> Conflict:
        """Whether data and prior contradict each other."""
        posterior = self.prior.after(self.events, self.days)
        rate = posterior.quantile_rates()
        now = self._reading(rate, np.zeros_like(rate))
        log_prior = self.prior.log_density(np.log(rate))
        log_likelihood = self.events * np.log(rate) - rate * self.days
        prior, likelihood = (
            sensitivity(now, (self._reading(rate, low), self._reading(rate, high)))
            for low, high in (
                [(alpha - 1) * part for alpha in NUDGE] for part in (log_prior, log_likelihood)
            )
        )
        mild = [s for s in scalings if s.component == "prior" and s.alpha in MILD]
        return judge(prior, likelihood, int(self.events), self.tail(), mild)

    def _reading(self, rate: Array, log_weight: Array) -> Reading:
        """P at equally likely rates, weighed anew."""
        chance = [float(self._within(_at_rate(r)).mean()) for r in rate]
        w = np.exp(log_weight - log_weight.max())
        return Reading(np.array(chance), Weights(w / w.sum(), -math.inf, float(len(rate))))

    def tail(self) -> float:
        """The smaller prior-predictive probability of at most, or at least, so many events."""
        from scipy.special import betainc

        a, x = self.prior.shape, self.prior.rate / (self.prior.rate + self.days)
        n = self.events
        at_least = 1 - betainc(a, n, x) if n else 1.0
        return float(min(betainc(a, n + 1, x), at_least))

    def _crossed(self, p: float) -> tuple[float, ...]:
        return tuple(c for c in self.levels if (self.whole >= c) != (p >= c))


def _at_rate(rate: float) -> AtLeast:
    from scipy.special import gammainc

    return lambda events, days: np.asarray(gammainc(events, rate * days))
