"""Simulated panels, written without the model: units, tags that fade, events day by day."""

from dataclasses import dataclass

import numpy as np

from models.panel.facts import Facts

HALF_LIFE = 30.0
BEGAN = 0.0


@dataclass(frozen=True, slots=True)
class World:
    """Facts with the truth: log hazard a day of each unit on each day (unit, day)."""

    facts: Facts
    daily: np.ndarray


def world(
    units: int,
    days: int,
    effects: dict[str, float],
    rate: float,
    shape: float,
    seed: int,
    half_life: float = HALF_LIFE,
    every: float = 60.0,
) -> World:
    """Incidents of a tag come once in 60 days; one multiplies the hazard by exp(effect)."""
    rng = np.random.default_rng(seed)
    frailty = rng.gamma(shape, 1 / shape, units)
    log_hazard = np.log(rate * frailty)[:, None] + np.zeros((units, days))
    rows = []
    for tag, effect in effects.items():
        stock = np.zeros(units)
        for day in range(days):
            log_hazard[:, day] += effect * np.log2(1 + stock)
            came = rng.random(units) < 1 / every
            rows += [(f"u{u:02}", tag, day + 0.5, day + 0.5, 1.0) for u in np.flatnonzero(came)]
            stock = (stock + came * 2 ** (0.5 / half_life)) * 2 ** (-1 / half_life)
    happened = rng.random((units, days)) < -np.expm1(-np.exp(log_hazard))
    events = [
        (f"u{u:02}", "hit", d + 0.25, d + 0.25) for u, d in zip(*np.nonzero(happened), strict=True)
    ]
    spans = [(f"u{u:02}", BEGAN, np.inf) for u in range(units)]
    return World(Facts.of(rows, events, spans), np.exp(log_hazard))
