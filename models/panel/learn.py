"""`fit`: from the dated facts of many units to what they taught."""

import numpy as np

from forecast.errors import InputError
from models.covariates import Array
from models.panel.clusters import cluster_size
from models.panel.facts import Facts
from models.panel.fitted import PanelFit, density
from models.panel.lesson import Lesson, prepare, prior_of
from models.panel.posterior import Posterior, draw
from models.panel.settings import Settings

DEFAULT = Settings()


def fit(
    facts: Facts,
    kind: str,
    as_of: float,
    horizon: float,
    settings: Settings = DEFAULT,
    seed: int = 0,
) -> PanelFit:
    """Learn P(an event of `kind` within `horizon` days) from all that was usable at `as_of`.

    Pure: equal arguments give equal bytes. Times are in days since the facts' origin. What the
    facts cannot teach is a finding, not an error; InputError where nothing can be meant.
    """
    if not (np.isfinite(as_of) and np.isfinite(horizon) and horizon > 0):
        raise InputError(f"as of {as_of} with a horizon of {horizon} days", at="panel")
    lesson = prepare(facts, kind, as_of, horizon, settings)
    prior = prior_of(lesson, settings)
    posterior = draw(density(), lesson.windows, prior, settings.draws, settings.weigh, seed)
    shape, rate = density().unit_gamma(posterior.draws)
    return PanelFit(
        made=lesson.made,
        scaling=lesson.scaling,
        as_of=as_of,
        horizon=horizon,
        units=facts.units,
        draws=posterior.draws,
        weights=posterior.weights,
        shape=shape,
        rate=rate,
        cluster=_cluster(lesson, posterior, shape / rate),
        shrinkage=posterior.shrinkage,
        khat=posterior.khat,
        findings=lesson.findings + posterior.findings,
    )


def _cluster(lesson: Lesson, posterior: Posterior, rates: Array) -> float:
    """Events a cluster, at the posterior mean of theta and of each unit's rate."""
    if not len(lesson.counts):
        return 1.0
    windows, theta = lesson.windows, posterior.weights @ posterior.draws
    hazard = density().hazard_of(theta[None], windows.x, windows.length)[0]
    unit_rate = posterior.weights @ rates
    return cluster_size(lesson.counts, hazard * unit_rate[windows.unit], windows.weight)
