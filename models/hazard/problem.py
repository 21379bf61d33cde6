"""The hazard's posterior as the ladder sees it: what each draw's rows come to is kept with it."""

import hashlib
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from models.covariates import Array
from models.engine.fit import Fit, Posterior
from models.engine.problem import Problem
from models.engine.target import Loaded
from models.hazard.formulas import Data, Multiplier, Prior, unit_log_likelihood
from models.rows import Rows

if TYPE_CHECKING:
    from models.engine.nuts import NutsJob
    from models.hazard.density import Density

AT_RISK, LOG_M, EVENTS = "at_risk", "log_m_of_events", "events"
Extras = dict[str, Array]


@dataclass(frozen=True, slots=True, kw_only=True)
class HazardProblem(Problem):
    """One unit's rows under every setting; only who asks for a new density loads PyMC.

    Kept with each draw are E and the sum of log m over events, (draw, setting), and the
    number of events (draw, 1), which is the same for all.
    """

    multiplier: Multiplier
    data: Data

    @classmethod
    def of(cls, data: Data, prior: Prior, prior_digest: str, seed: int) -> "HazardProblem":
        """Pose the problem."""
        return cls(
            target=HazardTarget(prior.mean, prior.sd, lambda: _loaded(data, prior)),
            seed=seed,
            prior_digest=prior_digest,
            data_digest=data_digest(data),
            size=len(data.rows.exposure),
            nuts_job=lambda: _nuts_job(data, prior, seed),
            multiplier=Multiplier(prior),
            data=data,
        )

    def kept(self, draws: Array) -> tuple[Array, Extras]:
        """Log likelihood (draw,), settings summed out, and what the rows come to."""
        extras = expose(self.multiplier, draws, self.data)
        return self._likelihood(draws, extras), extras

    def reweigh(self, fit: Fit) -> Posterior:
        """Appended rows are added to what the fit had; where earlier ones changed, all are."""
        if fit.data_digest == self.data_digest:
            return Posterior(fit.draws, fit.log_weights, fit.log_likelihood, fit.extras)
        if data_digest(self.data, fit.size) == fit.data_digest:
            new = expose(self.multiplier, fit.draws, since(self.data, fit.size))
            extras = {name: fit.extras[name] + new[name] for name in new}
        else:
            extras = expose(self.multiplier, fit.draws, self.data)
        likelihood = self._likelihood(fit.draws, extras)
        gain = likelihood - fit.log_likelihood
        return Posterior(fit.draws, fit.log_weights + gain, likelihood, extras)

    def by_setting(self, draws: Array, extras: Extras) -> Array:
        """Log of prior weight times likelihood (draw, setting)."""
        kept = (extras[name] for name in (AT_RISK, LOG_M, EVENTS))
        given = unit_log_likelihood(draws[:, :1], draws[:, 1:2], *kept)
        return np.asarray(given + self.data.log_weight)

    def _likelihood(self, draws: Array, extras: Extras) -> Array:
        levels = self.by_setting(draws, extras)
        if levels.shape[1] == 1:
            return levels[:, 0]
        return np.asarray(np.logaddexp.reduce(levels, axis=1))


class HazardTarget(Loaded):
    """The compiled density of some data under a prior that is Normal in every parameter."""

    __slots__ = ()

    def log_prior(self, draws: Array) -> Array:
        """Log prior densities (draw,)."""
        away = (draws - self.start) / self.scale
        height = np.log(self.scale).sum() + len(self.scale) * math.log(2 * math.pi) / 2
        return np.asarray(-0.5 * (away**2).sum(axis=1) - height)


def _loaded(data: Data, prior: Prior) -> "Density":
    from models.hazard.density import compiled_density

    return compiled_density().load(data, prior)


def _nuts_job(data: Data, prior: Prior, seed: int) -> "NutsJob":
    from models.engine.nuts import NutsJob
    from models.hazard.density import shared_values

    return NutsJob(
        build="models.hazard.density:model_of",
        data=shared_values(data, prior),
        start=prior.mean,
        scale=prior.sd,
        seed=seed,
    )


def expose(multiplier: Multiplier, draws: Array, data: Data) -> Extras:
    """E, the sum of log m over events, and their number, of one unit's rows."""
    at_risk = np.zeros((len(draws), len(data.x)))
    log_m_of_events = np.zeros_like(at_risk)
    for g, x in enumerate(data.x):
        if len(x):
            log_m = multiplier.log_multiplier(draws, x)
            at_risk[:, g] = np.exp(log_m) @ data.rows.exposure
            log_m_of_events[:, g] = log_m @ data.rows.events
    events = np.full((len(draws), 1), data.rows.events.sum())
    return {AT_RISK: at_risk, LOG_M: log_m_of_events, EVENTS: events}


def since(data: Data, first: int, last: int | None = None) -> Data:
    """The data of one unit's rows from place `first` up to `last`."""
    part = slice(first, last)
    return Data(data.rows.between(first, last), data.x[:, part], data.log_weight)


def data_digest(data: Data, rows: int | None = None) -> str:
    """SHA-256 of the first rows, or of all, under every setting."""
    digest = hashlib.sha256()
    some: Rows = data.rows
    for array in (data.x[:, :rows], some.exposure[:rows], some.events[:rows], data.log_weight):
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()
