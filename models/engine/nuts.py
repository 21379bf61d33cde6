"""Rung R2: NUTS as a job for the worker, its draws, and when they may be trusted.

A job is made and judged in the process that asks, which never imports nutpie, and sampled in
another, see `models.engine.worker`.

Sources: Vehtari, Gelman, Simpson, Carpenter, Bürkner (2021), Rank-normalization, folding and
localization: an improved R-hat (four chains, R-hat <= 1.01, 100 effective draws a chain);
Betancourt (2016), Diagnosing suboptimal cotangent disintegrations (E-BFMI >= 0.3).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from arviz_stats.base import array_stats
from numpy.typing import NDArray

from models.covariates import Array
from models.engine.gates import Gate

MAX_RHAT = 1.01
MIN_ESS = 100.0  # a chain
MIN_EBFMI = 0.3
MAX_DEPTH_SHARE = 0.01  # of the draws, that end at the greatest depth of the tree
TAIL = 0.05  # of each quantity, whose effective size counts as that of the bulk does
DENSITY_TOLERANCE = 1e-6  # of log densities, relative to the greatest of them or to 1


@dataclass(frozen=True, slots=True)
class NutsJob:
    """A posterior to sample.

    `build`: "package.module:function" of the function that makes the `pm.Model` from `data`,
    which is called where no program of its structure is compiled yet. `data` is the value of
    *every* `pm.Data` of the model, so that rows and outcomes always change together; all that
    depends on data or beliefs must be `pm.Data`. `structure`: whatever else decides the
    program; the number of parameters, and rank and type of the data, go without saying.
    `start` and `scale` (parameter,), unconstrained: chains begin within one `scale` of `start`.
    """

    build: str
    data: Mapping[str, NDArray[Any] | np.generic]
    start: Array
    scale: Array
    seed: int
    structure: str = ""
    chains: int = 4
    tune: int = 500
    draws: int = 1000

    def program_key(self) -> tuple[Any, ...]:
        """Jobs with equal keys share a compiled program."""
        arrays = {name: np.asarray(value) for name, value in sorted(self.data.items())}
        kinds = tuple((name, array.ndim, array.dtype.str) for name, array in arrays.items())
        return (self.build, self.structure, len(self.start), kinds)


@dataclass(frozen=True, slots=True)
class NutsResult:
    """What came of a job: `draws` (chain, draw, parameter), unconstrained, by `model.value_vars`.

    `log_density` (chain, draw) is what the program thought the log posterior was there.
    `ebfmi` (chain,). `max_depth_share` of the draws ended at the greatest depth of the tree.
    `retried`: the draws are of a second run with smaller steps, as the first one diverged.
    """

    draws: Array
    log_density: Array
    divergences: int
    ebfmi: Array
    max_depth_share: float
    retried: bool


@dataclass(frozen=True, slots=True)
class Mixing:
    """How well chains agree: the worst R-hat and effective size, and whose they are."""

    rhat: float
    rhat_of: str
    ess: float
    ess_of: str


@dataclass(frozen=True, slots=True)
class Judged:
    """A result under its gate; `diagnostics` are the numbers that an estimate shows."""

    gate: Gate
    diagnostics: dict[str, float] = field(default_factory=dict)


def rhat(values: Array) -> float:
    """Rank-normalised split R-hat of values (chain, draw), bulk and tail, the greater.

    1 where all values are the same number, as of a log likelihood without data; infinite
    where each chain has a number of its own; NaN where one is not finite.
    """
    if not np.isfinite(values).all():
        return np.nan
    if np.ptp(values) == 0.0:
        return 1.0
    with np.errstate(divide="ignore", invalid="ignore"):
        found = float(array_stats.rhat(values, chain_axis=0, draw_axis=1, method="rank"))
    return found if np.isfinite(found) else np.inf


def effective_size(values: Array) -> float:
    """The effective sample size of values (chain, draw): of the bulk or of a tail, the least.

    All the draws where all values are the same number; NaN where one is not finite.
    """
    if not np.isfinite(values).all():
        return np.nan
    with np.errstate(divide="ignore", invalid="ignore"):
        bulk = array_stats.ess(values, chain_axis=0, draw_axis=1, method="bulk")
        tail = array_stats.ess(values, chain_axis=0, draw_axis=1, method="tail", prob=TAIL)
    return float(np.minimum(bulk, tail))


def mcse(values: Array) -> float:
    """The Monte Carlo standard error of the mean of values (chain, draw)."""
    if np.ptp(values) == 0.0:
        return 0.0
    return float(array_stats.mcse(values, chain_axis=0, draw_axis=1, method="mean"))


def mixing(quantities: Mapping[str, Array]) -> Mixing:
    """The worst of named quantities (chain, draw); a NaN is the worst of all."""
    rhats = {name: rhat(values) for name, values in quantities.items()}
    sizes = {name: effective_size(values) for name, values in quantities.items()}
    rhat_of = max(rhats, key=lambda name: np.nan_to_num(rhats[name], nan=np.inf))
    ess_of = min(sizes, key=lambda name: np.nan_to_num(sizes[name], nan=-np.inf))
    return Mixing(rhats[rhat_of], rhat_of, sizes[ess_of], ess_of)


def judge(result: NutsResult, log_density: Array, quantities: Mapping[str, Array]) -> Judged:
    """The gate of R2.

    `log_density` (chain, draw) is the log posterior of the draws by whoever asked, up to a
    constant: that the program sampled the posterior of these data, and not of others, is seen
    there. `quantities` (chain, draw) are what must have mixed beside the parameters: the log
    likelihood, and the probability of each question.
    """
    parameters = {f"parameter {i + 1}": result.draws[:, :, i] for i in range(result.draws.shape[2])}
    stuck = [name for name, values in parameters.items() if np.ptp(values) == 0.0]
    worst = mixing({**parameters, **quantities})
    diagnostics = {
        "rhat": worst.rhat,
        "ess": worst.ess,
        "draws": float(result.draws[:, :, 0].size),
        "divergences": float(result.divergences),
        "ebfmi": float(result.ebfmi.min()),
        "max_depth_share": result.max_depth_share,
    }
    if stuck:
        return Judged(Gate(f"NUTS did not move in {stuck[0]}"), diagnostics)
    reasons = (
        _density_reason(result.log_density, log_density),
        _mixing_reason(worst, len(result.draws)),
        _trajectory_reason(result),
    )
    return Judged(Gate(next(filter(None, reasons), "")), diagnostics)


def _density_reason(sampled: Array, asked: Array) -> str:
    difference = sampled - asked
    size = max(1.0, float(np.abs(asked).max(initial=0.0)))
    if not np.ptp(difference) <= DENSITY_TOLERANCE * size:  # nor NaN
        return "NUTS sampled another density than that of this model on these data"
    return ""


def _mixing_reason(worst: Mixing, chains: int) -> str:
    if not worst.rhat <= MAX_RHAT:
        return f"R-hat {worst.rhat:.3f} of {worst.rhat_of} is above {MAX_RHAT:g}"
    if not worst.ess >= MIN_ESS * chains:
        least = MIN_ESS * chains
        return f"the effective sample size {worst.ess:.0f} of {worst.ess_of} is below {least:g}"
    return ""


def _trajectory_reason(result: NutsResult) -> str:
    if result.divergences:
        return f"{result.divergences} draws of NUTS diverged, with small steps too"
    if not result.ebfmi.min() >= MIN_EBFMI:
        return f"E-BFMI {result.ebfmi.min():.2f} of NUTS is below {MIN_EBFMI:g}"
    if result.max_depth_share > MAX_DEPTH_SHARE:
        return f"{result.max_depth_share:.0%} of the draws of NUTS ended at the greatest tree depth"
    return ""
