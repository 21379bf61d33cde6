"""What the hazard's answer rests on: the strength and the place of each belief.

    strength   prior^alpha: weights gain prior^(alpha - 1); where these fail, the draws are moved
               to m + (theta - m) / sqrt(alpha), which has exactly that prior
    place      the prior's middle moved to its 5 % or 95 % end, its width kept: the draws move
               with it, theta + (end - m)

Moved draws keep the density of their prior up to a constant, so that their weights change by
the likelihood alone. For that one the time at risk is taken by the week. The likelihood to the
power alpha counts each day and event alpha times, the unit's own rate included.
"""

import math

import numpy as np

from forecast.explanation import Conflict, Scaling, Swing
from models.api import BAND
from models.covariates import Array
from models.engine.fit import Posterior
from models.engine.gates import FINE_MCSE
from models.explaining import (
    ALPHAS,
    MILD,
    NUDGE,
    Reading,
    difference_error,
    judge,
    scaled,
    sensitivity,
    share_ends,
    with_share,
)
from models.hazard.formulas import SCALARS, Data
from models.hazard.problem import AT_RISK, expose
from models.hazard.scenarios import Account
from models.priors.elicit import Beta, Normal
from models.rows import Rows

WEEK = 7
PRIOR_DRAWS = 256
SPREAD = 1.645  # a unit's rate lies within the spread's factor so many standard deviations
RATE, SHAPE, CEILING = range(len(SCALARS))


class Leverage:
    """The draws of an account under beliefs of another strength, or in another place."""

    def __init__(self, account: Account) -> None:
        self.account, self.work = account, account.work
        self.mean, self.sd = self.work.prior.mean, self.work.prior.sd
        self.weeks = by_week(self.work.problem.data)
        self.roughly = expose(self.work.multiplier, account.start.draws, self.weeks)

    def components(self) -> dict[str, list[int]]:
        """The places among the parameters that each component of the prior takes."""
        beliefs = self.work.task.beliefs
        found = {"base rate": [RATE], "unit spread": [SHAPE]}
        if beliefs.log_ceiling is not None:
            found["ceiling"] = [CEILING]
        if beliefs.effects or beliefs.couplings:
            found["effects"] = list(range(len(SCALARS), len(self.mean)))
        return {**found, "prior": [place for places in found.values() for place in places]}

    # Strength

    def scalings(self) -> list[Scaling]:
        """Every component at every power, then the likelihood."""
        found = [
            self.prior_power(name, places, alpha)
            for name, places in self.components().items()
            for alpha in ALPHAS
        ]
        return found + [self.likelihood_power(alpha) for alpha in ALPHAS]

    def prior_power(self, name: str, places: list[int], alpha: float) -> Scaling:
        """One component of the prior to a power: by weights, or by moved draws where they fail.

        They fail by k-hat, by what is left of the draws, or by an error above FINE_MCSE.
        """
        account, whole = self.account, self.account.whole
        weights = scaled(
            account.posterior.log_weights,
            self.log_prior(account.posterior.draws, places),
            alpha,
            account.fit.efficiency,
        )
        after = Reading(whole.chance, weights)
        if not after.trouble() and difference_error(whole, after) <= FINE_MCSE:
            return self._scaling(name, alpha, whole, after, moved=False)
        moved = self.at(self.tempered(places, alpha))
        return self._scaling(name, alpha, account.yardstick.few, moved, moved=True)

    def tempered(self, places: list[int], alpha: float) -> Array:
        """The draws with some parameters moved towards their prior means, or away from them."""
        draws = self.account.start.draws.copy()
        draws[:, places] = self.mean[places] + (draws - self.mean)[:, places] / math.sqrt(alpha)
        return draws

    def likelihood_power(self, alpha: float) -> Scaling:
        """The likelihood to a power."""
        return self._scaling(
            "likelihood", alpha, self.account.whole, self._counted(alpha), moved=False
        )

    def _scaling(
        self, name: str, alpha: float, before: Reading, after: Reading, moved: bool
    ) -> Scaling:
        return self.account.yardstick.scaling(name, alpha, before, after, moved)

    def log_prior(self, draws: Array, places: list[int]) -> Array:
        """The log density (draw,) of some parameters' Normal priors, up to a constant."""
        z = (draws[:, places] - self.mean[places]) / self.sd[places]
        return np.asarray(-0.5 * (z**2).sum(axis=1))

    def _counted(self, alpha: float) -> Reading:
        """The reading with each day and event counted `alpha` times."""
        account, start = self.account, self.account.posterior
        extras = {name: alpha * values for name, values in start.extras.items()}
        likelihood = np.logaddexp.reduce(self.work.problem.by_setting(start.draws, extras), axis=1)
        log_weights = start.log_weights + likelihood - start.log_likelihood
        posterior = Posterior(start.draws, log_weights, np.asarray(likelihood), extras)
        return account.read(self.work, posterior, account.hazard)

    # Place

    def swings(self) -> list[Swing]:
        """Every elicited belief at its two ends, those that move P most first."""
        beliefs = self.work.task.beliefs
        found = [self._swing("base_rate", RATE), self._swing("unit_spread", SHAPE)]
        if beliefs.log_ceiling is not None:
            found.append(self._swing("ceiling", CEILING))
        for k, effect in enumerate(beliefs.effects):
            found.append(self._swing(f"effects.{effect.tag}", len(SCALARS) + k))
        for part in beliefs.narrower:
            if part.share is not None:
                found.append(self._share_swing(part.definition, part.share))
        return sorted(found, key=lambda swing: (-swing.width, swing.key))

    def _swing(self, key: str, place: int) -> Swing:
        """One parameter; a large shape kappa is a small spread of the units."""
        normal = Normal(float(self.mean[place]), float(self.sd[place]))
        low, high = (normal.quantile(p) for p in BAND)
        ends = (math.exp(low), math.exp(high))
        if place == SHAPE:
            low, high = high, low
            ends = (math.exp(SPREAD * math.exp(-low / 2)), math.exp(SPREAD * math.exp(-high / 2)))
        return self._made(key, ends, [self.at(self._shifted(place, end)) for end in (low, high)])

    def _shifted(self, place: int, end: float) -> Array:
        draws = self.account.start.draws.copy()
        draws[:, place] += end - self.mean[place]
        return draws

    def _share_swing(self, definition: str, share: Beta) -> Swing:
        account, beliefs, ends = self.account, self.work.task.beliefs, share_ends(share)
        readings = [
            account.read(
                self.work,
                account.start,
                account.few_hazard,
                with_share(beliefs, definition, end),
            )
            for end in ends
        ]
        return self._made(f"{definition}.share", ends, readings)

    def _made(self, key: str, ends: tuple[float, float], readings: list[Reading]) -> Swing:
        stick = self.account.yardstick
        lower, upper = (stick.probability(reading.probability) for reading in readings)
        troubles = [reading.trouble() for reading in readings]
        return Swing(
            key,
            ends,
            (lower, upper),
            max(difference_error(stick.few, reading) for reading in readings),
            tuple(sorted({*stick.crossed(lower), *stick.crossed(upper)})),
            next(filter(None, troubles), ""),
        )

    def at(self, draws: Array) -> Reading:
        """P on moved draws, weighed by what the likelihood gained."""
        account, start = self.account, self.account.start
        there = expose(self.work.multiplier, draws, self.weeks)
        extras = {n: start.extras[n] + there[n] - self.roughly[n] for n in start.extras}
        likelihood = np.logaddexp.reduce(self.work.problem.by_setting(draws, extras), axis=1)
        log_weights = start.log_weights + likelihood - start.log_likelihood
        posterior = Posterior(draws, log_weights, np.asarray(likelihood), extras)
        hazard = self.work.along(draws, account.coming)
        return account.read(self.work, posterior, hazard)

    # Conflict

    def conflict(self, scalings: list[Scaling]) -> Conflict:
        """Whether data and prior contradict each other, and whether an alert hangs on it."""
        whole, places = self.account.whole, self.components()["prior"]
        start, efficiency = self.account.posterior, self.account.fit.efficiency
        log_prior = self.log_prior(start.draws, places)
        low, high = (
            (
                Reading(whole.chance, scaled(start.log_weights, log_prior, alpha, efficiency)),
                self._counted(alpha),
            )
            for alpha in NUDGE
        )
        events = int(self.work.problem.data.rows.events.sum())
        mild = [s for s in scalings if s.component == "prior" and s.alpha in MILD]
        return judge(
            sensitivity(whole, (low[0], high[0])),
            sensitivity(whole, (low[1], high[1])),
            events,
            self.tail(events),
            mild,
        )

    def tail(self, events: int) -> float:
        """The smaller prior-predictive probability of at most, or at least, so many events.

        Given theta the count is negative binomial, P(N <= n) = I_x(kappa, n + 1) with
        x = b / (b + E) and b = kappa / rate; its mean over draws of the prior.
        """
        from scipy.special import betainc

        rng = np.random.default_rng([self.work.task.seed, 5])
        draws = self.mean + self.sd * rng.standard_normal((PRIOR_DRAWS, len(self.mean)))
        at_risk = expose(self.work.multiplier, draws, self.weeks)[AT_RISK]
        kappa, scale = np.exp(draws[:, [SHAPE]]), np.exp(draws[:, [SHAPE]] - draws[:, [RATE]])
        weight = np.exp(self.work.problem.data.log_weight)
        x = scale / (scale + at_risk)
        at_most = betainc(kappa, events + 1, x) @ weight
        below = betainc(kappa, max(events, 1), x) @ weight if events else np.zeros(len(draws))
        return float(min(at_most.mean(), 1 - below.mean()))


def by_week(data: Data) -> Data:
    """One unit's rows summed up by the week, each day with an event on its own."""
    rows, n = data.rows, len(data.rows.exposure)
    has_event = np.flatnonzero(rows.events)
    first = np.unique(np.concatenate([np.arange(0, n, WEEK), has_event, has_event + 1]))
    first = first[first < n].astype(np.int64)
    if not n:
        return data
    size = np.diff(np.append(first, n))
    x = np.add.reduceat(data.x, first, axis=1) / size[:, None]
    exposure, events = (np.add.reduceat(v, first) for v in (rows.exposure, rows.events))
    return Data(Rows.of_one_unit(x[0], exposure, events), x, data.log_weight)
