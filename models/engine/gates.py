"""When an answer may be trusted: the gates of the ladder, and why one failed in words.

Source: k-hat limit from Vehtari et al. (2024); the others were measured for this use, see
docs/models.md.
"""

import math
from dataclasses import dataclass

from models.engine.psis import Weights

MAX_MCSE = 0.01
FINE_MCSE = 0.002  # where a threshold is near
NEAR = 6.0  # MCSEs


@dataclass(frozen=True, slots=True)
class Gate:
    """A verdict: `reason` is empty where it passed."""

    reason: str = ""

    @property
    def passed(self) -> bool:
        """Whether nothing failed."""
        return not self.reason


def khat_limit(draws: int) -> float:
    """min(1 - 1/log10(S), 0.7): above it S draws are too few for the tail they have."""
    return min(1 - 1 / math.log10(draws), 0.7)


def least_ess(draws: int) -> float:
    """The effective sample size that so many weighed draws must have left."""
    return max(400.0, 0.2 * draws)


def weights_gate(weights: Weights) -> Gate:
    """k-hat and effective sample size; k-hat alone passes weights with 4 % left of them."""
    draws = len(weights.w)
    if not 0.0 < weights.ess < math.inf or math.isnan(weights.khat):
        return Gate("the weights of the draws are not numbers")
    if weights.khat >= khat_limit(draws):
        return Gate(f"Pareto k-hat {weights.khat:.2f} is above {khat_limit(draws):.2f}")
    if weights.ess < least_ess(draws):
        return Gate(f"the effective sample size {weights.ess:.0f} of {draws} draws is too small")
    return Gate()


def precision_gate(p: float, mcse: float) -> Gate:
    """Whether p is known to better than one percentage point."""
    if not (math.isfinite(p) and 0.0 <= p <= 1.0):
        return Gate(f"the probability came out as {p}")
    if not mcse <= MAX_MCSE:
        return Gate(f"the Monte Carlo error {mcse:.3f} is above {MAX_MCSE:g}")
    return Gate()


def is_near_threshold(p: float, mcse: float, thresholds: tuple[float, ...]) -> bool:
    """Whether more draws could change on which side of a threshold p lies."""
    return mcse > FINE_MCSE and any(abs(p - c) <= NEAR * mcse for c in thresholds)
