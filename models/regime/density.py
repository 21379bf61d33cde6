"""The hidden states as one PyMC model: an exact filter without a loop over days.

    day b        z_b in {calm, tense, crisis},  z_b | z_(b-1) ~ A,  in balance before the first
    evidence     e_b(z) = sum over streams ( c log(r rho^z) - w r rho^z ) + n log h_z - E h_z
                 c the weight of the day's incidents, w the part of the day that was covered,
                 n events in E days at risk; an uncovered day says nothing
    likelihood   balance' prod_b ( A diag(exp e_b) ) 1
    state now    the same product without the 1, summed to one

The product of T matrices is taken in pairs, log2 T times over, so that its gradient needs no
scan and many draws go through at once. T is a power of two, with identities before the first
day. That power is the structure; new days within it, priors and the number of streams compile
nothing anew. Partial products are divided by their sums, so that nothing underflows. With
`begins` the days go on from states `begin` in place of the balance.

Source: Rabiner (1989) for the filter; Fischer and Meier-Hellstern (1993) for Markov-modulated
Poisson processes.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

import numpy as np
import pymc as pm
import pytensor.tensor as pt

from models.covariates import Array
from models.engine.compiled import CompiledModel
from models.engine.parts import in_parts
from models.regime.days import Days
from models.regime.prior import SCALARS, STATES, Prior

LEAST_LIKELY = -150.0  # log; the most that one day says against a state


def regime_model(values: Mapping[str, Any]) -> pm.Model:
    """The PyMC model of `arrays` of a power of two of days, to be sampled or compiled."""
    length = len(values["events"])
    with pm.Model() as model:
        data = {name: pm.Data(name, value) for name, value in values.items()}
        mean, sd = data["prior_mean"], data["prior_sd"]
        scalars = {name: pm.Normal(name, mean[i], sd[i]) for i, name in enumerate(SCALARS)}
        streams = pm.Normal("streams", mean[len(SCALARS) :], sd[len(SCALARS) :])
        beta, score = streams[: streams.shape[0] // 2], streams[streams.shape[0] // 2 :]

        log_h = log_hazards(scalars, data["capped"])
        chain, balance = transition(scalars)
        log_r = log_rate_of(score, data["usual"])
        evidence = list(log_evidence(data, log_h, beta, log_r))
        best = pt.maximum(pt.maximum(evidence[0], evidence[1]), evidence[2])
        given = [data["real"] * pt.exp(pt.maximum(e - best, LEAST_LIKELY)) for e in evidence]
        columns = (chain[None, :, :] * np.eye(3)[:, None, :]).reshape((3, 9))
        identity = (1 - data["real"])[:, None] * np.eye(3).ravel()
        steps = (pt.stack(given, axis=1) @ columns + identity).reshape((length, 3, 3))
        product, log_scale = product_of(steps, length.bit_length() - 1)
        start = data["begins"] * data["begin"] + (1 - data["begins"]) * balance
        ahead = start @ product
        likelihood = pt.log(ahead.sum()) + log_scale + best.sum()
        pm.Potential("likelihood", likelihood)
        state, hazard = ahead / ahead.sum(), pt.exp(pt.stack(log_h))
        told = [likelihood[None], state, hazard, chain.ravel()]
        pm.Deterministic("filtered", pt.concatenate(told))
        pm.Deterministic("evidence", pt.stack(evidence, axis=1))
        pm.Deterministic("rates", pt.stack([log_r, beta]))
    return model


def arrays(days: Days, prior: Prior, begins: bool = False) -> dict[str, Any]:
    """The model's `pm.Data` by name; `begins`: not in balance, but in states that are given."""
    return {
        "real": days.real,
        "begin": np.zeros(3),
        "begins": np.float64(begins),
        "counts": days.counts,
        "covered": days.covered,
        "exposure": days.exposure,
        "events": days.events,
        "usual": prior.usual,
        "prior_mean": prior.mean,
        "prior_sd": prior.sd,
        "capped": np.float64(prior.capped),
    }


def log_hazards(scalars: dict[str, Any], capped: Any) -> list[Any]:
    """Log hazards a day by state, rising; see `models.regime.prior`."""
    calm = scalars["log_rate"]
    rise = pt.softplus(scalars["log_crisis"] - capped * calm)
    return [calm, calm + pm.math.sigmoid(scalars["middle"]) * rise, calm + rise]


def transition(scalars: dict[str, Any]) -> tuple[Any, Any]:
    """The daily matrix A (from, to), and the balance (state,) that it leaves alone."""
    up, leave, settle = (-pt.expm1(-pt.exp(-scalars[f"dwell_{state}"])) for state in STATES)
    down = pm.math.sigmoid(scalars["exit"])
    none = pt.zeros_like(up)
    rows = [
        [1 - up, up, none],
        [leave * down, 1 - leave, leave * (1 - down)],
        [none, settle, 1 - settle],
    ]
    tense = up / (leave * down)
    balance = pt.stack([pt.ones_like(up), tense, tense * leave * (1 - down) / settle])
    return pt.stack([pt.stack(row) for row in rows]), balance / balance.sum()


def log_rate_of(score: Any, usual: Any) -> Any:
    """Log rates a day (stream,) of an Exponential with mean `usual`, by its normal score.

    r = -usual log(1 - Phi(score)): where few incidents were seen, log r is far from Normal and
    the score is near to it. erfcx keeps the upper tail.
    """
    tail = pt.log(pt.erfcx(score / np.sqrt(2.0)) / 2.0) - score**2 / 2.0
    return pt.log(-tail) + pt.log(usual)


def log_evidence(data: dict[str, Any], log_h: list[Any], beta: Any, log_r: Any) -> Iterator[Any]:
    """What each day says (day,) of each state in turn, up to a constant of the data."""
    for z in range(3):
        log_rate = log_r + z * beta
        seen = data["counts"] @ log_rate - data["covered"] @ pt.exp(log_rate)
        yield seen + data["events"] * log_h[z] - data["exposure"] * pt.exp(log_h[z])


def product_of(steps: Any, levels: int) -> tuple[Any, Any]:
    """The product (3, 3) of 2^levels matrices (day, 3, 3) but for a factor, and its log."""
    log_scale = pt.zeros(())
    for level in range(levels):
        steps = steps[0::2] @ steps[1::2]
        if level % 2:
            total = steps.sum(axis=(1, 2))
            steps = steps / total[:, None, None]
            log_scale += pt.log(total).sum()
    return steps[0], log_scale


@dataclass(frozen=True, slots=True)
class Filtered:
    """What the filter says for each draw.

    `log_likelihood` (draw,) of all the days, `state` (draw, 3) the probabilities of today's,
    `hazard` (draw, 3) a day, `transition` (draw, 3, 3) from one day to the next.
    """

    log_likelihood: Array
    state: Array
    hazard: Array
    transition: Array

    @classmethod
    def of(cls, told: Array) -> "Filtered":
        """From the model's `filtered` (draw, 16)."""
        chain = told[:, 7:].reshape(-1, 3, 3)
        return cls(told[:, 0].copy(), told[:, 1:4].copy(), told[:, 4:7].copy(), chain)

    def some(self, part: slice) -> "Filtered":
        """The same of some of the draws."""
        return Filtered(
            self.log_likelihood[part], self.state[part], self.hazard[part], self.transition[part]
        )


class Density(CompiledModel):
    """The compiled model of `length` days, a power of two."""

    def __init__(self, length: int) -> None:
        nothing, never = np.zeros((length, 1)), np.zeros(length)
        days = Days(nothing, nothing, never, never, rows=0)
        self.days, self.prior, self.begins = days, BLANK, False
        super().__init__(regime_model(arrays(days, BLANK)))

    def load(self, days: Days, prior: Prior, begins: bool = False) -> "Density":
        """Put padded days and a prior into the compiled functions."""
        if days is not self.days or prior is not self.prior or begins != self.begins:
            self.days, self.prior, self.begins = days, prior, begins
            self.set_data(arrays(days, prior, begins))
        return self

    def log_likelihood(self, draws: Array) -> Array:
        """Log likelihoods (draw,) of the loaded days."""
        return self.filtered(draws).log_likelihood

    def filtered(self, draws: Array) -> Filtered:
        """Run the filter for every draw."""
        return Filtered.of(self._in_parts(self._compiled_filter, draws))

    def filtered_from(self, draws: Array, states: Array) -> Filtered:
        """Run the filter on from `states` (draw, 3) of the day before; `begins` must be loaded."""
        return Filtered.of(self._in_parts(self._compiled_going_on, draws, states))

    def evidence(self, draws: Array) -> tuple[Array, Array, Array]:
        """What each day says (draw, day, 3), and log rates and beta (draw, stream)."""
        log_rates, beta = np.moveaxis(self._in_parts(self._compiled_rates, draws), 1, 0)
        return self._in_parts(self._compiled_evidence, draws), log_rates, beta

    def _in_parts(self, compiled: Any, draws: Array, *by_draw: Array) -> Array:
        return in_parts(compiled, draws, len(self.days.events), *by_draw)

    @cached_property
    def _compiled_filter(self) -> Any:
        return self._compile("filtered")

    @cached_property
    def _compiled_going_on(self) -> Any:
        states = pt.matrix("states")
        batched = self.batched(self.named("filtered"), {self.model["begin"]: states})
        return self.function([self.draws, states], batched)

    @cached_property
    def _compiled_evidence(self) -> Any:
        return self._compile("evidence")

    @cached_property
    def _compiled_rates(self) -> Any:
        return self._compile("rates")

    def _compile(self, name: str) -> Any:
        return self.function([self.draws], self.batched(self.named(name)))


BLANK = Prior(np.zeros(9), np.ones(9), np.ones(1), (0,), ("",), True)


@lru_cache(maxsize=4)
def compiled_density(length: int) -> Density:
    """The compiled density of `length` days, a power of two; each once a process."""
    return Density(length)
