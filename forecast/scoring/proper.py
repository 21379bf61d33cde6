"""Proper scores of probabilities for a yes (1) or no (0).

Source: Gneiting and Raftery (2007), Strictly proper scoring rules, prediction, and estimation.
"""

import math
from collections.abc import Sequence


def brier(p: float, outcome: int) -> float:
    """(p - y)^2: 0 is perfect, 0.25 is what 50 % always gets, 1 the worst.

    >>> brier(0.7, 1) == (0.7 - 1) ** 2
    True
    """
    return (p - outcome) ** 2


def log_loss(p: float, outcome: int) -> float:
    """-log of the probability given to what happened, in nats; infinite for a sure miss.

    >>> round(log_loss(0.5, 0), 4)
    0.6931
    """
    given = p if outcome else 1.0 - p
    return -math.log(given) if given > 0.0 else math.inf


def mean(scores: Sequence[float]) -> float:
    """The mean score; NaN of none."""
    return math.fsum(scores) / len(scores) if scores else math.nan
