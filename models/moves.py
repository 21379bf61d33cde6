"""Why a probability moved: parts on the log scale of the cumulative hazard, which sum exactly."""

import math

from forecast.estimate import Move, log_hazard


def move(before: float, steps: dict[str, float], now: float, rest: str) -> Move:
    """The move from `before` to `now` by way of the probabilities after each named step.

    The parts sum exactly: what the steps leave over is booked under `rest`.
    """
    parts: dict[str, float] = {}
    level = log_hazard(before)
    for cause, p in steps.items():
        parts[cause] = log_hazard(p) - level
        level = log_hazard(p)
    parts[rest] = parts.get(rest, 0.0) + log_hazard(now) - level
    return Move(before, now, **parts)


def shifted(steps: dict[str, float], now: float) -> dict[str, float]:
    """Steps computed on few draws, moved on the log-hazard scale so that the last one is `now`."""
    off = log_hazard(now) - log_hazard(list(steps.values())[-1])
    return {cause: -math.expm1(-math.exp(log_hazard(p) + off)) for cause, p in steps.items()}
