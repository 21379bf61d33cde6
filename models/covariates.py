"""Covariates: what a unit's incidents amount to at a moment, as was known then.

    stock      s_k(t) = sum over pulses known before t of weight * 2^-(age / half-life_k)
    covariate  x_k(t) = log2(1 + s_k(t))

so that exp(beta_k) is what one fresh incident of full weight multiplies the hazard by.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from forecast.clock import DAY
from models.incidents import Incident

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Pulses:
    """The pulses of a unit as arrays, in days since `origin`; `tag` indexes `half_lives`.

    `first_known` is when the pulse's incident was first known.
    """

    origin: datetime
    first_known: Array
    known: Array
    occurred: Array
    weight: Array
    tag: NDArray[np.int64]
    half_lives: Array

    @classmethod
    def of(
        cls,
        incidents: Iterable[Incident],
        tags: tuple[str, ...],
        half_lives: Array,
        origin: datetime,
        ordinary_value: float = 1.0,
    ) -> "Pulses":
        """Lay out the pulses of the incidents whose tag is among `tags`.

        Weights are in ordinary incidents: strength times credibility over `ordinary_value`.
        """
        place = {tag: i for i, tag in enumerate(tags)}
        rows = [
            (
                (incident.known_at - origin) / DAY,
                (pulse.known_at - origin) / DAY,
                (incident.occurred_at - origin) / DAY,
                pulse.weight / ordinary_value,
                place[incident.tag],
            )
            for incident in incidents
            if incident.tag in place
            for pulse in incident.pulses
        ]
        first, known, occurred, weight, tag = np.array(rows, float).reshape(-1, 5).T
        return cls(origin, first, known, occurred, weight, tag.astype(np.int64), half_lives)

    def where(self, kept: NDArray[np.bool_]) -> "Pulses":
        """Only the pulses for which `kept` is true."""
        return Pulses(
            self.origin,
            self.first_known[kept],
            self.known[kept],
            self.occurred[kept],
            self.weight[kept],
            self.tag[kept],
            self.half_lives,
        )

    def stocks(self, days: Array) -> Array:
        """Stocks (day, tag) at days since origin, each seeing what was known before it."""
        age = np.maximum(days[:, None] - self.occurred, 0.0)
        weight = np.where(
            self.known < days[:, None], self.weight * 2.0 ** (-age / self.half_lives[self.tag]), 0.0
        )
        membership = self.tag[:, None] == np.arange(len(self.half_lives))
        return np.asarray(np.maximum(weight @ membership.astype(float), 0.0))


def covariates(stocks: Array) -> Array:
    """log2(1 + stock)."""
    return np.asarray(np.log2(1.0 + stocks))
