"""What may still come: one simulated path of future incidents for each draw.

Pretending that no more news arrives says 6 % where 16 % happen; freezing today's news rings
too often; so future evidence is averaged over. Arrivals of tag k are Poisson with

    rate   nu_k ~ Gamma(0.5 + n_k, 60 days + e_k) * tempo
    tempo  ~ Gamma(4, 4), one for all tags: an escalation shows itself in all of them

n_k and e_k are the incidents seen and the days watched, forgotten with a half-life of 90
days. The same standard random numbers are used at every update, so that p does not jitter.
"""

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.covariates import Array

PRIOR_INCIDENTS = 0.5
PRIOR_DAYS = 60.0
MEMORY = 90.0  # days, half-life of what is remembered about arrival rates
TEMPO_SHAPE = 4.0
PRIOR_WEIGHT = 0.8  # of an incident of a tag of which none was seen, in ordinary incidents
FIRST_EDGES = (0.0, 2.0, 5.0, 10.0)
GROWTH = 0.3  # a bin is this part of its distance from now, and at least a week
SHORTEST_BIN = 7.0
TIMES = 1_000_003  # random numbers kept for arrival times; a prime, as is the stride
PRIME = 611_953
MOST_EXPECTED = 200.0  # of one tag on one path: where more are, one stands for several
BLOCK = 1000  # draws whose random numbers are made together
MOST_ARRIVALS = 400  # drawn of one tag on one path; Poisson of 200 never comes near


@dataclass(frozen=True, slots=True)
class Arrivals:
    """How a tag's incidents have arrived: Gamma `shape` and `rate` (days), mean `weight`.

    Each (tag,); the rate may be one for all.
    """

    shape: Array
    rate: Array | float
    weight: Array


def arrivals(
    ages: Array,
    weights: Array,
    tag: NDArray[np.int64],
    tags: int,
    watched: float,
    parts: Array | None = None,
) -> Arrivals:
    """Rates of `tags` tags from incidents with `ages` (days since known), over `watched` days.

    `parts` (day, tag) of each of those days, from the first on, were watched; all of it where
    nothing is said. The last day may not be over.
    """
    memory = 0.5 ** (ages / MEMORY)
    seen = np.bincount(tag, memory, tags)
    weight = np.bincount(tag, memory * weights, tags)
    began = np.asarray(watched - np.arange(0.0 if parts is None else float(len(parts))))
    fading = _remembered(began) - _remembered(np.maximum(began - 1, 0.0))
    remembered = _remembered(watched) if parts is None else fading @ parts
    return Arrivals(
        shape=PRIOR_INCIDENTS + seen,
        rate=PRIOR_DAYS + remembered,
        weight=(PRIOR_WEIGHT + weight) / (1.0 + seen),
    )


def _remembered(days: Any) -> Any:
    """What is left in memory of so many days up to now."""
    return MEMORY / math.log(2) * (1 - 0.5 ** (days / MEMORY))


def bin_edges(horizon: float, extra: tuple[float, ...]) -> Array:
    """Edges in days from now to `horizon`, with every `extra` point inside among them."""
    regular = list(FIRST_EDGES)
    while regular[-1] < horizon:
        regular.append(regular[-1] + max(SHORTEST_BIN, GROWTH * regular[-1]))
    regular.append(horizon)
    inside = [e for e in (*extra, *regular) if 0.0 <= e <= horizon]
    return np.unique(np.round(inside, 6))


def simulate(rates: Arrivals, edges: Array, half_lives: Array, draws: int, seed: int) -> Array:
    """Stocks (draw, bin, tag) of incidents still to come, at the middle of each bin.

    Arrivals of a bin count as spread evenly over it, and by half at its middle.
    """
    width = np.diff(edges)
    weight = _arriving_weight(rates, edges, draws, seed)
    whole, half = (_mean_decay(width * part, half_lives) for part in (1.0, 0.5))
    fade, fade_half = (0.5 ** (width[:, None] * part / half_lives) for part in (1.0, 0.5))
    stocks = np.empty_like(weight)
    carried = np.zeros((draws, len(half_lives)))
    for b in range(len(width)):
        np.multiply(carried, fade_half[b], out=stocks[b])
        stocks[b] += weight[b] * (0.5 * half[b])
        carried *= fade[b]
        carried += weight[b] * whole[b]
    return np.moveaxis(stocks, 0, 1)


def _arriving_weight(rates: Arrivals, edges: Array, draws: int, seed: int) -> Array:
    """Weight (bin, draw, tag) of the incidents that arrive in each bin.

    How many arrive in all is Poisson; given that, each falls anywhere with equal chance.
    """
    tags = len(rates.shape)
    chance = _standard_numbers(draws, tags, seed)
    rate = _gamma(rates.shape, chance.normal) / rates.rate * chance.tempo[:, None]
    mean = rate * edges[-1]
    # where very many come, one stands for several: so many hardly differ from their mean
    bundle = np.maximum(mean / MOST_EXPECTED, 1.0)
    counts = _poisson(mean / bundle, chance.uniform).ravel()
    cell = np.repeat(np.arange(counts.size), counts)
    nth = np.arange(len(cell)) - np.repeat(np.cumsum(counts) - counts, counts)
    # an arrival's time is its draw's own number, so that it stays where it was as rates move
    when = chance.time[(cell + nth * PRIME) % len(chance.time)] * edges[-1]
    arrived = np.searchsorted(edges, when, side="right").clip(1, len(edges) - 1) - 1
    weights = rates.weight[cell % tags] * bundle.ravel()[cell]
    bins = len(edges) - 1
    flat = np.bincount(arrived * counts.size + cell, weights, bins * counts.size)
    # counts of nothing come as integers
    return flat.astype(float, copy=False).reshape(bins, draws, tags)


@dataclass(frozen=True, slots=True)
class _Chance:
    """Standard random numbers: normal and uniform (draw, tag), tempo (draw,), time (any,)."""

    normal: Array
    uniform: Array
    tempo: Array
    time: Array


@lru_cache(maxsize=16)
def _standard_numbers(draws: int, tags: int, seed: int) -> _Chance:
    """By the block: what comes along a draw does not hang on how many others there are."""
    blocks = [_block(n, tags, seed) for n in range(max(-(-draws // BLOCK), 1))]
    return _Chance(
        normal=np.concatenate([block.normal for block in blocks])[:draws],
        uniform=np.concatenate([block.uniform for block in blocks])[:draws],
        tempo=np.concatenate([block.tempo for block in blocks])[:draws],
        time=blocks[0].time,
    )


@lru_cache(maxsize=16)
def _block(n: int, tags: int, seed: int) -> _Chance:
    rng = np.random.default_rng([seed, tags, n])
    return _Chance(
        tempo=rng.standard_gamma(TEMPO_SHAPE, BLOCK) / TEMPO_SHAPE,
        normal=rng.standard_normal((BLOCK, tags)),
        uniform=rng.random((BLOCK, tags)),
        time=rng.random(TIMES if n == 0 else 0),
    )


def _gamma(shape: Array, z: Array) -> Array:
    """Gamma(shape) draws from standard normals, smooth in shape (Wilson and Hilferty 1931)."""
    return np.asarray(shape * np.maximum(1 - 1 / (9 * shape) + z / (3 * np.sqrt(shape)), 0.0) ** 3)


def _poisson(mean: Array, uniform: Array) -> NDArray[np.int64]:
    """Poisson counts by inversion of uniforms, so that they change little with the mean."""
    counts = np.zeros(mean.shape, np.int64)
    term = np.exp(-mean)
    left = np.flatnonzero(uniform > term)  # few: most tags see no arrival
    mu, u, term = mean.ravel()[left], uniform.ravel()[left], term.ravel()[left]
    below, n = term.copy(), 0
    while left.size and n < MOST_ARRIVALS:
        n += 1
        counts.reshape(-1)[left] = n
        term = term * mu / n
        below = below + term
        more = u > below
        left, mu, u, term, below = left[more], mu[more], u[more], term[more], below[more]
    return counts


def _mean_decay(width: Array, half_lives: Array) -> Array:
    """Mean of 2^(-a/half-life) over ages a from 0 to width: (bin, tag)."""
    rate = math.log(2) * width[:, None] / half_lives
    return np.asarray(-np.expm1(-rate) / rate)
