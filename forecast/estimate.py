"""The estimate: the stored answer of one update of one question."""

import math
from bisect import bisect_right
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

# Levels of `Estimate.quantiles`, finer in the tails where rules on certainty look.
QUANTILE_LEVELS = (
    *(0.005, 0.01, 0.025),
    *(round(0.05 * step, 2) for step in range(1, 20)),
    *(0.975, 0.99, 0.995),
)


class Health(StrEnum):
    """Whether the number may be acted on.

    HELD: the gates failed; the last good probability stands and `reason` says why.
    UNVERIFIED: a new number that no gate vouches for, as there is no good one to hold, or
    that an audit by another method contradicts; `reason` says why.
    """

    HEALTHY = "healthy"
    HELD = "held"
    UNVERIFIED = "unverified"


@dataclass(frozen=True, slots=True)
class Interval:
    """The central interval that holds `mass` of the posterior of P."""

    lower: float
    upper: float
    mass: float = 0.9


@dataclass(frozen=True, slots=True)
class CurvePoint:
    """P(event in the window that ends at `by`), with the same band as the estimate."""

    by: datetime
    probability: float
    lower: float
    upper: float


@dataclass(frozen=True, slots=True)
class Contribution:
    """What one tag does to the hazard now: its multiplier, and the incidents behind it.

    The medians' logs need not sum to the log of the whole; each draw's do.
    """

    tag: str
    median: float
    lower: float
    upper: float
    incidents: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Coupling:
    """Whether what happens at another unit bears on this track, or moves with it by chance.

    `prior` and `posterior` are probabilities that it does; the multiplier is of the hazard,
    by one fresh ordinary incident there, given that it does.
    """

    unit: str
    prior: float
    posterior: float
    median: float
    lower: float
    upper: float


def log_hazard(p: float) -> float:
    """log(-log(1-p)), the log of the cumulative hazard; p is kept 1e-12 away from 0 and 1."""
    return math.log(-math.log1p(-min(max(p, 1e-12), 1 - 1e-12)))


@dataclass(frozen=True, slots=True)
class Move:
    """Why P moved from `from_probability` to `to_probability`.

    Parts are differences of log cumulative hazard, log(-log(1-p)), and sum exactly to the
    whole: time (the clock ran, evidence faded), evidence (new incidents), credibility
    (more reports of known incidents, corrections), learning (time at risk and events),
    prior, model, and the Monte Carlo remainder.
    """

    from_probability: float
    to_probability: float
    time: float = 0.0
    evidence: float = 0.0
    credibility: float = 0.0
    learning: float = 0.0
    prior: float = 0.0
    model: float = 0.0
    montecarlo: float = 0.0

    def parts(self) -> dict[str, float]:
        """The causes by name, in the order in which they were applied."""
        return {
            "time": self.time,
            "evidence": self.evidence,
            "credibility": self.credibility,
            "learning": self.learning,
            "prior": self.prior,
            "model": self.model,
            "montecarlo": self.montecarlo,
        }

    def main_cause(self) -> str:
        """The name of the part that did most to move P where it went."""
        up = self.to_probability >= self.from_probability
        return max(self.parts().items(), key=lambda part: part[1] if up else -part[1])[0]


@dataclass(frozen=True, slots=True)
class Estimate:
    """The probability of one question as of one moment, and how it came about.

    `probability` is the posterior mean of P(at least as many events in the window as the
    question asks for, one unless it says); `at_least` (n,) of P(at least 1, 2, ... events in
    it), and `expected_count` their posterior mean number; `interval` the central 90 % of P
    over parameters and futures, and `quantiles` those of P at `QUANTILE_LEVELS`; `mcse` the
    Monte Carlo standard error of `probability` (0 where the answer is a closed form). `method`
    is the rung that answered (T0, T1, T2, R1, R2, conjugate); `escalation` the rungs that
    failed before it, each with its reason in words; `diagnostics` its numbers (khat, ess,
    draws, rhat, divergences, ebfmi), and the bounds of its gates (khat_below, ess_at_least,
    mcse_at_most). `certificate` is what is known of the model's calibration
    at that moment: passed, failed, stale (the code has changed since) or none. `findings` are
    sentences about facts that contradict each other or cannot be used.
    `inputs_digest` is a SHA-256 over everything the answer depends on.
    """

    question_id: str
    as_of: datetime
    probability: float
    interval: Interval
    mcse: float
    health: Health
    model: str
    model_hash: str
    method: str
    inputs_digest: str
    reason: str = ""
    prior_version: int = 0
    diagnostics: dict[str, float] = field(default_factory=dict)
    curve: tuple[CurvePoint, ...] = ()
    contributions: tuple[Contribution, ...] = ()
    moved: Move | None = None
    expected_count: float | None = None
    at_least: tuple[float, ...] = ()
    couplings: tuple[Coupling, ...] = ()
    escalation: tuple[str, ...] = ()
    certificate: str = ""
    findings: tuple[str, ...] = ()
    quantiles: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        if not 0.0 <= self.probability <= 1.0:
            raise ValueError(f"probability {self.probability} is not a number from 0 to 1")
        if not self.mcse >= 0.0:
            raise ValueError(f"mcse {self.mcse} is not a number of at least 0")
        if len(self.quantiles) not in (0, len(QUANTILE_LEVELS)):
            raise ValueError(f"{len(self.quantiles)} quantiles for {len(QUANTILE_LEVELS)} levels")

    def exceedance(self, level: float) -> float | None:
        """Pr(P > level) over the posterior, by interpolation; None where no quantiles are kept.

        Past the outermost quantiles, half a percent from either end, it is 0 or 1.
        """
        found = self.quantiles
        if not found:
            return None
        place = bisect_right(found, level)
        if place in (0, len(found)):
            return 1.0 if place == 0 else 0.0
        share = (level - found[place - 1]) / (found[place] - found[place - 1])
        low, high = QUANTILE_LEVELS[place - 1 : place + 1]
        return 1.0 - (low + share * (high - low))
