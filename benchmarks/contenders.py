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
from models.engine.gates import weights_gate
from models.engine.ladder import DRAWS, MANY_DRAWS
from models.engine.laplace import propose
from models.engine.psis import smooth
from models.engine.target import Loaded
from models.hazard.density import Density, hazard_model
from models.hazard.formulas import SCALARS, Data, Multiplier
from models.hazard.outlook import Frailty
from models.hazard.problem import expose

SEED = 20251125
PARAMETERS = (*SCALARS, "beta")  # the multiplier of every row is in the model, and not wanted


@dataclass(frozen=True, slots=True)
class Fitted:
    """Seconds to compile (0 where that cannot be told apart) and to run, and the answer.

    The answer is `p` with its standard error `mcse`; `gate` says why R1 would not be trusted,
    and is empty where it would. `khat` and `ess` are of its weights.
    """

    compiling: float
    running: float
    p: float
    mcse: float
    gate: str = ""
    khat: float = 0.0
    ess: float = 0.0

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
    density, data, prior = Density(), Data.of(panel.rows), panel.prior
    target = Loaded(prior.mean, prior.sd, lambda: density.load(data, prior))
    for count in (DRAWS, MANY_DRAWS):
        proposal = propose(target, count, SEED)
        level = target.log_prior(proposal.draws) + target.log_likelihood(proposal.draws)
        weights = smooth(level - proposal.log_density)
        gate = weights_gate(weights)
        if gate.passed:
            break
    took = perf_counter() - start
    p = chance(panel, proposal.draws)
    answer = (float(weights.mean(p)), weights.mcse(p))
    return Fitted(0.0, took, *answer, gate.reason, weights.khat, weights.ess)


def by_nutpie(panel: Panel) -> Fitted:
    """NUTS by nutpie, on four chains."""
    import nutpie

    start = perf_counter()
    model = hazard_model(Data.of(panel.rows), panel.prior)
    compiled = nutpie.compile_pymc_model(model, var_names=PARAMETERS)
    compiled_at = perf_counter()
    trace = nutpie.sample(compiled, chains=4, cores=2, seed=SEED, progress_bar=False)
    end = perf_counter()
    return Fitted(compiled_at - start, end - compiled_at, *_answer(panel, trace))


def by_rung_r2(panel: Panel, before: Panel) -> Fitted:
    """Rung R2: the same sampler in its worker, compiled for other data: only data are new."""
    from models.engine.nuts import NutsJob
    from models.engine.worker import NutsWorker
    from models.hazard.density import shared_values

    def job(asked: Panel) -> NutsJob:
        values = shared_values(Data.of(asked.rows), asked.prior)
        return NutsJob(
            "models.hazard.density:model_of", values, asked.prior.mean, asked.prior.sd, SEED
        )

    worker = NutsWorker()
    try:
        start = perf_counter()
        worker.run(job(before))
        warm = perf_counter()
        result = worker.run(job(panel))
        end = perf_counter()
    finally:
        worker.close()
    chains, draws, size = result.draws.shape
    p = chance(panel, result.draws.reshape(-1, size)).reshape(chains, draws)
    error = float(array_stats.mcse(p, chain_axis=0, draw_axis=1))
    return Fitted(warm - start, end - warm, float(p.mean()), error)


def by_pm_sample(panel: Panel) -> Fitted:
    """`pm.sample` as it comes."""
    return _pm_sample(panel)


def by_numpyro(panel: Panel) -> Fitted:
    """NUTS by NumPyro, through `pm.sample`."""
    return _pm_sample(panel, nuts_sampler="numpyro")


def _pm_sample(panel: Panel, **options: Any) -> Fitted:
    import pymc as pm

    start = perf_counter()
    with hazard_model(Data.of(panel.rows), panel.prior):
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
    multiplier, data = Multiplier(panel.prior), Data.of(panel.first_unit())
    frailty = Frailty.of(draws, expose(multiplier, draws, data), np.zeros((len(draws), 1)))
    ahead = np.exp(multiplier.log_multiplier(draws, panel.present[None, :])) * AHEAD
    return frailty.chance(np.zeros_like(ahead), ahead, np.ones(len(draws)), recurrent=True)
