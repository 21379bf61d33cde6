"""What calibrated forecasts may do on their way to the answer: bounds, and tests of them. Pure.

A calibrated forecast that takes in news as it comes is a martingale: the mean of tomorrow's
number is today's. From that alone follow, whatever the model:

    P(ever at or above c | p now)   <= p / c             Ville's (Doob's) maximal inequality
    P(event | it reached c, at q)    = q >= c            optional stopping
    P(reaches c, and no event | p)  <= p (1 - c) / c     both
    E[ sum (p_t+1 - p_t)^2 ]         = E[ p_0 (1 - p_0) - p_T (1 - p_T) ]

Sources: J. Ville, Etude critique de la notion de collectif (1939), and J. L. Doob, Stochastic
Processes (1953), VII.3, for the first; N. Augenblick and M. Rabin, "Belief Movement,
Uncertainty Reduction, and Rational Updating", Quarterly Journal of Economics 136 (2021)
933-985, for the last.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import fmean, stdev

FEWEST = 30  # questions for a standard error to mean anything
LEAST = 10.0  # events to be expected, and as many non-events: else it is that of a rare jump


def ring_bound(p: float, line: float) -> float:
    """At most so probable is it that a calibrated forecast, now `p`, is ever at `line` or above.

    >>> ring_bound(0.1, 0.5), ring_bound(0.6, 0.5)
    (0.2, 1.0)
    """
    return min(1.0, p / line)


def false_alarm_bound(p: float, line: float) -> float:
    """At most so probable is it that it gets there, and that the event does not happen.

    >>> round(false_alarm_bound(0.1, 0.5), 3), round(false_alarm_bound(0.6, 0.5), 3)
    (0.1, 0.4)
    """
    return 1.0 - p if p >= line else p * (1.0 - line) / line


def chance_of_at_least(count: int, chances: Sequence[float]) -> float:
    """P(at least `count` of independent trials succeed): the upper tail of a Poisson binomial.

    Where `chances` are upper bounds it is one too, as more success is only likelier with them.

    >>> chance_of_at_least(2, [0.5, 0.5])
    0.25
    """
    import numpy as np

    mass = np.ones(1)
    for chance in chances:
        mass = np.convolve(mass, (1.0 - chance, chance))
    return min(1.0, float(mass[max(count, 0) :].sum()))


def chance_whatever_the_dependence(count: int, chances: Sequence[float]) -> float:
    """The same for trials that may depend on each other in any way: Markov's inequality.

    >>> chance_whatever_the_dependence(2, [0.5, 0.5])
    0.5
    """
    return min(1.0, math.fsum(chances) / count) if count > 0 else 1.0


@dataclass(frozen=True, slots=True)
class Movement:
    """How much beliefs moved, and how much uncertainty that took away, summed over questions.

    `z` is the mean excess of the one over the other in its standard errors: about 0 for
    calibrated forecasts of independent questions, far above where they overreact. None for
    fewer than `FEWEST` questions: one rare event more or less would turn it around.
    """

    questions: int
    moved: float
    resolved: float
    z: float | None


def movement(paths: Sequence[Sequence[float]]) -> Movement:
    """Of the forecasts of some questions, each path in order of time.

    A path ends now, or with the answer, 0 or 1: one that stops at the last forecast before
    its event hides what the event taught.

    >>> found = movement([[0.2, 0.4, 0.2], [0.5, 0.5]])
    >>> round(found.moved, 3), round(found.resolved, 3)
    (0.08, 0.0)
    """
    told = [path for path in paths if len(path) > 1]
    moved = [math.fsum((after - before) ** 2 for before, after in pairwise(p)) for p in told]
    resolved = [p[0] * (1 - p[0]) - p[-1] * (1 - p[-1]) for p in told]
    excess = [m - r for m, r in zip(moved, resolved, strict=True)]
    events = math.fsum(p[0] for p in told)
    is_enough = len(told) >= FEWEST and LEAST <= events <= len(told) - LEAST
    spread = stdev(excess) if is_enough else 0.0
    z = fmean(excess) / (spread / math.sqrt(len(told))) if spread > 0 else None
    return Movement(len(told), math.fsum(moved), math.fsum(resolved), z)
