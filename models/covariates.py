"""Covariates: what a unit's incidents amount to at a moment, as was known then.

    stock      s_k(t) = sum over pulses known before t of weight * 2^-(age / half-life_k)
               before the date of a scheduled thing, weight * 2^-(days left / lead_k)
    covariate  x_k(t) = log2(1 + s_k(t))

so that exp(beta_k) is what one fresh incident of full weight multiplies the hazard by.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from forecast.clock import DAY
from models.incidents import Incident

Array = NDArray[np.float64]
ROUNDING = 1e-9  # of an ordinary incident: what sums of pulses may leave of a retracted one


@dataclass(frozen=True, slots=True)
class Pulses:
    """The pulses of a unit as arrays, in days since `origin`; `tag` indexes `half_lives`.

    `incident` numbers the incident a pulse is of, `first_known` is when that was first known.
    `leads` are infinite but for scheduled tags: what is known counts, whatever its date.
    """

    origin: datetime
    first_known: Array
    known: Array
    occurred: Array
    weight: Array
    tag: NDArray[np.int64]
    incident: NDArray[np.int64]
    half_lives: Array
    leads: Array

    @classmethod
    def of(
        cls,
        incidents: Iterable[Incident],
        tags: tuple[str, ...],
        half_lives: Array,
        origin: datetime,
        ordinary_value: float = 1.0,
        leads: Array | None = None,
    ) -> "Pulses":
        """Lay out the pulses of the incidents whose tag is among `tags`.

        Weights are in ordinary incidents: strength times credibility over `ordinary_value`.
        """
        place = {tag: i for i, tag in enumerate(tags)}
        rows = [
            (
                (incident.known_at - origin) / DAY,
                (pulse.known_at - origin) / DAY,
                (pulse.occurred_at - origin) / DAY,
                pulse.weight / ordinary_value,
                place[incident.tag],
                number,
            )
            for number, incident in enumerate(incidents)
            if incident.tag in place
            for pulse in incident.pulses
        ]
        first, known, occurred, weight, tag, number = np.array(rows, float).reshape(-1, 6).T
        tag, number = tag.astype(np.int64), number.astype(np.int64)
        if leads is None:
            leads = np.full(len(tags), np.inf)
        return cls(origin, first, known, occurred, weight, tag, number, half_lives, leads)

    def where(self, kept: NDArray[np.bool_]) -> "Pulses":
        """Only the pulses for which `kept` is true."""
        return replace(
            self,
            first_known=self.first_known[kept],
            known=self.known[kept],
            occurred=self.occurred[kept],
            weight=self.weight[kept],
            tag=self.tag[kept],
            incident=self.incident[kept],
        )

    def whole(self) -> tuple[Array, Array, NDArray[np.int64]]:
        """Each incident as one: when it was first known, its weight by now, its tag.

        One that was retracted weighs nothing, and is not among them.
        """
        _, first, member = np.unique(self.incident, return_index=True, return_inverse=True)
        weight = np.bincount(member, self.weight, len(first))
        stands = weight > ROUNDING
        first = first[stands]
        return self.first_known[first], weight[stands], self.tag[first]

    def stocks(self, days: Array) -> Array:
        """Stocks (day, tag) at days since origin, each seeing what was known before it."""
        age = days[:, None] - self.occurred
        halvings = np.maximum(age, 0.0) / self.half_lives[self.tag]
        if not np.isinf(self.leads).all():
            with np.errstate(divide="ignore", invalid="ignore"):
                halvings += np.where(age < 0, -age / self.leads[self.tag], 0.0)
        weight = np.where(self.known < days[:, None], self.weight * 2.0**-halvings, 0.0)
        membership = self.tag[:, None] == np.arange(len(self.half_lives))
        return np.asarray(np.maximum(weight @ membership.astype(float), 0.0))


def covariates(stocks: Array) -> Array:
    """log2(1 + stock)."""
    return np.asarray(np.log2(1.0 + stocks))
