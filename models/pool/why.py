"""Why a pooled number moved: each member's own reasons, as far as its move moved the pool.

From the numbers that the last estimate kept (what each member said, and its weight) the members
are moved one by one to what they say now; what that does to the log hazard of the pool is
divided as the member's own move was. What others say is evidence, and when it is too old to
count, time. What is left over is booked as learning where the weights changed, as a change of
model where other families answered, and else as Monte Carlo.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from forecast.estimate import Estimate, Move, log_hazard
from models.pool.record import CROWD
from models.pool.stack import expit, logits_of

SAYS = "p of "  # before a member's name, in the diagnostics
WEIGHS = "weight of "
SHARPNESS, SHIFT = "sharpness", "shift"
STILL = 1e-6  # of a log hazard: too little to divide
NUDGE = 1e-3
CLOSE = 1e-9


@dataclass(frozen=True, slots=True)
class Numbers:
    """What the members said and weighed, and the pool's sharpness and shift: one estimate's."""

    said: Mapping[str, float]
    weights: Mapping[str, float]
    sharpness: float
    shift: float

    @classmethod
    def of(cls, estimate: Estimate) -> "Numbers | None":
        """Those that an estimate kept; None where it kept none."""
        kept = estimate.diagnostics
        said = {n.removeprefix(SAYS): p for n, p in kept.items() if n.startswith(SAYS)}
        weights = {n.removeprefix(WEIGHS): w for n, w in kept.items() if n.startswith(WEIGHS)}
        if not said or set(said) != set(weights) or not {SHARPNESS, SHIFT} <= set(kept):
            return None
        return cls(said, weights, kept[SHARPNESS], kept[SHIFT])

    def diagnostics(self) -> dict[str, float]:
        """As an estimate keeps them."""
        return {
            **{SAYS + name: p for name, p in self.said.items()},
            **{WEIGHS + name: w for name, w in self.weights.items()},
            SHARPNESS: self.sharpness,
            SHIFT: self.shift,
        }

    def level(self, said: Mapping[str, float]) -> float:
        """The pool's log hazard with these numbers, by these weights."""
        logits = {name: float(logits_of(np.array(p))) for name, p in said.items()}
        mean = sum(self.weights[name] * logit for name, logit in logits.items())
        return log_hazard(float(expit(np.array(self.shift + self.sharpness * mean))))


def moved(
    last: Estimate, p: float, now: Numbers, families: Mapping[str, Estimate], model_hash: str
) -> Move:
    """The move from the last estimate to `p`; its parts sum to the whole."""
    before = Numbers.of(last)
    whole = log_hazard(p) - log_hazard(last.probability)
    if last.model_hash != model_hash or before is None:
        return Move(last.probability, p, model=whole)
    parts: dict[str, float] = {}
    said = dict(before.said)
    for name in sorted(set(said) & set(now.said)):
        level = before.level(said)
        said[name] = now.said[name]
        own = families[name].moved if name in families else None
        for cause, part in _divided(before, said, name, before.level(said) - level, own).items():
            parts[cause] = parts.get(cause, 0.0) + part
    rest = _rest(before, now)
    parts[rest] = parts.get(rest, 0.0) + whole - sum(parts.values())
    return Move(last.probability, p, **parts)


def _divided(
    pool: Numbers, said: Mapping[str, float], name: str, change: float, own: Move | None
) -> dict[str, float]:
    """What one member did to the pool, by the causes of its own move."""
    if name.startswith(CROWD):
        return {"evidence": change}
    if own is None:
        return {"model": change}
    whole = log_hazard(own.to_probability) - log_hazard(own.from_probability)
    share = change / whole if abs(whole) > STILL else _slope(pool, said, name)
    return {cause: share * part for cause, part in own.parts().items() if part}


def _slope(pool: Numbers, said: Mapping[str, float], name: str) -> float:
    """How far the pool's log hazard moves with a member's."""
    more = dict(said) | {name: said[name] * (1 + NUDGE) / (1 + NUDGE * said[name])}
    step = log_hazard(more[name]) - log_hazard(said[name])
    return (pool.level(more) - pool.level(said)) / step if step else 0.0


def _rest(before: Numbers, now: Numbers) -> str:
    """The cause of what no member moved."""
    gone, new = set(before.said) - set(now.said), set(now.said) - set(before.said)
    if any(not name.startswith(CROWD) for name in gone | new):
        return "model"
    if new or gone:
        return "evidence" if new else "time"
    same = all(abs(before.weights[n] - w) < CLOSE for n, w in now.weights.items())
    same = same and abs(before.sharpness - now.sharpness) < CLOSE
    return "montecarlo" if same and abs(before.shift - now.shift) < CLOSE else "learning"
