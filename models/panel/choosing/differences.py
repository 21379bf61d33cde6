"""Paired differences of losses on the same rows, with their block-bootstrap standard error."""

import math
from dataclasses import dataclass

import numpy as np

from forecast.scoring.bootstrap import FEWEST, block_length, resampled_means, sums_by_origin
from models.covariates import Array


@dataclass(frozen=True, slots=True)
class Difference:
    """A mean loss less ours (above 0: ours is better) and its standard error.

    The error is None where there are too few stretches of time to tell.
    """

    value: float
    error: float | None

    @property
    def is_sure(self) -> bool:
        """Whether ours is better by more than one standard error."""
        return self.error is not None and self.value > self.error

    @property
    def in_errors(self) -> float:
        """The value in standard errors; 0 where they are not known, or nothing differs."""
        return self.value / self.error if self.error else 0.0


def difference(ours: Array, theirs: Array, origin: Array, horizon: float, seed: int) -> Difference:
    """Mean of `theirs` - `ours`, losses (row,), over resampled stretches of origins (row,).

    The spread over replicates is widened by sqrt(B / (B - 1)) for B stretches, as they are few.

    >>> found = difference(np.zeros(60), np.arange(60) % 2.0, np.arange(60.0), 1.0, seed=1)
    >>> found.value, found.is_sure
    (0.5, True)
    """
    sums, counts = sums_by_origin(theirs - ours, origin)
    value = float(sums.sum() / counts.sum())
    length = block_length(np.unique(origin), horizon)
    found = math.ceil(len(sums) / length)
    if found < FEWEST:
        return Difference(value, None)
    spread = float(resampled_means(sums, counts, length, seed).std())
    return Difference(value, spread * math.sqrt(found / (found - 1)))


def stretches(origins: Array, horizon: float) -> int:
    """How many stretches of time that do not depend on each other origins (distinct,) make."""
    return math.ceil(len(origins) / block_length(origins, horizon)) if len(origins) else 0
