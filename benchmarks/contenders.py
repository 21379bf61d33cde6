"""The same PyMC model and data, answered by rung R1 and by its peers.

Each contender is timed from the data to its draws, model building and compilation included,
imports not. Each then answers one question, with a Monte Carlo error: the probability of an
event at one unit within the next 30 days.
"""

from dataclasses import dataclass
from time import perf_counter
from typing import Any

import numpy as np
from arviz_stats.base import array_stats

from benchmarks.panel import AHEAD, Panel
from models.covariates import Array
from models.engine.density import SCALARS, Density, hazard_model
from models.engine.fit import Posterior, expose
from models.engine.gates import weights_gate
from models.engine.ladder import DRAWS, MANY_DRAWS
from models.engine.laplace import propose
from models.engine.psis import smooth
from models.outlook import Frailty

SEED = 20251125
PARAMETERS = (*SCALARS, "beta")  # the multiplier of every row is in the model, and not wanted


@dataclass(frozen=True, slots=True)
class Fitted:
    """Seconds to compile (0 where that cannot be told apart) and to run, and the answer.

    The answer is `p` with its standard error `mcse`; `gate` says why R1 would not be trusted,
    and is empty where it would.
    """

    compiling: float
    running: float
    p: float
    mcse: float
    gate: str = ""

    @property
    def total(self) -> float:
        """Seconds in all."""
        return self.compiling + self.running

    def distance(self, other: "Fitted") -> float:
        """Between the two probabilities, in combined Monte Carlo standard errors."""
        return float(abs(self.p - other.p) / np.hypot(self.mcse, other.mcse))


def by_r1(panel: Panel) -> Fitted:
    """Rung R1: mode, curvature, weighted t draws, and three times as many where a gate fails."""
    start = perf_counter()
    density = Density()
    density.load(panel.rows, panel.prior)
    for count in (DRAWS, MANY_DRAWS):
        proposal = propose(density, panel.prior.mean, panel.prior.sd, count, SEED)
        weights = smooth(density.log_posterior(proposal.draws) - proposal.log_density)
        gate = weights_gate(weights)
        if gate.passed:
            break
    took = perf_counter() - start
    p = chance(panel, proposal.draws)
    return Fitted(0.0, took, float(weights.mean(p)), weights.mcse(p), gate.reason)


def by_nutpie(panel: Panel) -> Fitted:
    """NUTS by nutpie, on four chains."""
    import nutpie

    start = perf_counter()
    model = hazard_model(panel.rows, panel.prior)
    compiled = nutpie.compile_pymc_model(model, var_names=PARAMETERS)
    compiled_at = perf_counter()
    trace = nutpie.sample(compiled, chains=4, cores=2, seed=SEED, progress_bar=False)
    end = perf_counter()
    return Fitted(compiled_at - start, end - compiled_at, *_answer(panel, trace))


def by_pm_sample(panel: Panel) -> Fitted:
    """`pm.sample` as it comes."""
    return _pm_sample(panel)


def by_numpyro(panel: Panel) -> Fitted:
    """NUTS by NumPyro, through `pm.sample`."""
    return _pm_sample(panel, nuts_sampler="numpyro")


def _pm_sample(panel: Panel, **options: Any) -> Fitted:
    import pymc as pm

    start = perf_counter()
    with hazard_model(panel.rows, panel.prior):
        trace = pm.sample(
            var_names=PARAMETERS, random_seed=SEED, progressbar=False, quiet=True, **options
        )
    took = perf_counter() - start
    return Fitted(0.0, took, *_answer(panel, trace))


def _answer(panel: Panel, trace: Any) -> tuple[float, float]:
    """The probability and its Monte Carlo error from the chains of a sampler."""
    parts = [np.atleast_3d(trace.posterior[name].to_numpy()) for name in PARAMETERS]
    draws = np.concatenate(parts, axis=2)  # (chain, draw, parameter)
    p = chance(panel, draws.reshape(-1, draws.shape[2])).reshape(draws.shape[:2])
    return float(p.mean()), float(array_stats.mcse(p, chain_axis=0, draw_axis=1))


def chance(panel: Panel, draws: Array) -> Array:
    """P (draw,) of an event at the panel's first unit in the days ahead."""
    density = Density()
    density.load(panel.rows, panel.prior)
    exposure = expose(density, draws, panel.first_unit())
    ahead = np.exp(density.log_multiplier(draws, panel.present[None, :]))[:, 0] * AHEAD
    return Frailty.of(Posterior(draws, np.zeros(len(draws)), exposure)).probability(ahead)
