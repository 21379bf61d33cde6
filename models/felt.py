"""Contributions: which tags are felt now, the strongest first."""

import math
from collections.abc import Callable, Iterable, Sequence

import numpy as np

from forecast.estimate import Contribution
from models.api import BAND
from models.covariates import Array
from models.engine.psis import Weights

VISIBLE = 0.01  # a multiplier nearer to 1 than this at both ends of its band is not listed


def felt(
    tags: Sequence[str],
    log_parts: Array,
    weights: Weights,
    incidents: Callable[[str], tuple[str, ...]],
) -> tuple[Contribution, ...]:
    """The multipliers of the tags that are felt, from the log of each (draw, tag)."""
    levels = weights.quantiles(log_parts, (0.5, *BAND))
    middle, lower, upper = np.exp(levels).tolist()
    return strongest_first(
        Contribution(tag, middle[k], lower[k], upper[k], incidents(tag))
        for k, tag in enumerate(tags)
        if np.abs(np.expm1(levels[:, k])).max() > VISIBLE
    )


def strongest_first(found: Iterable[Contribution]) -> tuple[Contribution, ...]:
    """Contributions in the order in which they are shown."""
    return tuple(sorted(found, key=lambda c: (-abs(math.log(c.median)), c.tag)))
