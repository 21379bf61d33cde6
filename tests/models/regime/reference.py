"""The regime written anew and slowly: formulas in NumPy, and sums over every path of states."""

from dataclasses import dataclass
from itertools import product

import numpy as np
from scipy.stats import norm

from models.covariates import Array
from models.regime.days import Days


@dataclass(frozen=True)
class Chain:
    """One draw's world: hazards (3,), transition (3, 3), balance (3,), rates (stream, 3)."""

    hazard: Array
    transition: Array
    balance: Array
    rates: Array


def chain_of(theta: Array, usual: Array, capped: bool) -> Chain:
    """The world that theta stands for, from the words of the docs."""
    log_rate, log_crisis, middle, calm, tense, crisis, leave = theta[:7]
    beta, score = theta[7:].reshape(2, -1)
    h0 = np.exp(log_rate)
    h2 = h0 + np.exp(log_crisis) * (1.0 if capped else h0)
    part = 1 / (1 + np.exp(-middle))
    hazard = np.array([h0, h0 ** (1 - part) * h2**part, h2])
    gone = [1 - np.exp(-1 / np.exp(d)) for d in (calm, tense, crisis)]
    down = 1 / (1 + np.exp(-leave))
    transition = np.array(
        [
            [1 - gone[0], gone[0], 0.0],
            [gone[1] * down, 1 - gone[1], gone[1] * (1 - down)],
            [0.0, gone[2], 1 - gone[2]],
        ]
    )
    values, vectors = np.linalg.eig(transition.T)
    balance = np.real(vectors[:, np.argmax(np.real(values))])
    rates = -usual[:, None] * norm.logsf(score)[:, None] * np.exp(beta[:, None] * np.arange(3))
    return Chain(hazard, transition, balance / balance.sum(), rates)


def day_likelihoods(chain: Chain, days: Days) -> Array:
    """P of what each day brought, but for factorials (day, 3)."""
    out = np.ones((days.rows, 3))
    for b in range(days.rows):
        row = len(days.events) - days.rows + b
        for z in range(3):
            h = chain.hazard[z]
            out[b, z] = h ** days.events[row] * np.exp(-h * days.exposure[row])
            for k, rate in enumerate(chain.rates[:, z]):
                out[b, z] *= rate ** days.counts[row, k] * np.exp(-rate * days.covered[row, k])
    return out


def over_all_paths(chain: Chain, likelihoods: Array) -> tuple[float, Array]:
    """Log likelihood, and the probabilities of the last state (3,), by brute force."""
    each = chain.balance * likelihoods[0]  # one number a path, an axis a day
    for given in likelihoods[1:]:
        each = each[..., :, None] * chain.transition * given
    total = each.reshape(-1, 3).sum(axis=0)
    return float(np.log(total.sum())), total / total.sum()


def counts_over_all_paths(
    chain: Chain, state: Array, share: float, pieces: list[tuple[bool, float]], most: int
) -> Array:
    """P of 0, 1, .. `most` events (most + 1,) over `pieces` of days to come, by brute force.

    A piece is (whether a midnight comes before it, the days it is counted for); the first
    piece is of today. Given the path of states the number of events is Poisson.
    """
    total = np.zeros(most + 1)
    for path in product(range(3), repeat=len(pieces)):
        p = state[path[0]]
        for b in range(1, len(path)):
            moved = chain.transition[path[b - 1], path[b]]
            p *= moved if pieces[b][0] else float(path[b - 1] == path[b])
        mean = sum(
            share * chain.hazard[z] * days for z, (_, days) in zip(path, pieces, strict=True)
        )
        for n in range(most + 1):
            total[n] += p * np.exp(-mean) * mean**n / float(np.prod(np.arange(1, n + 1)))
    return total
