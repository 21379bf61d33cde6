"""How often an alert would ring for noise alone: a month of hourly refits at one true P.

A rule fires at 70 % and is otherwise as it comes. The truth does not move; each refit gives the
posterior mean with a Monte Carlo error of sqrt(P (1 - P) / ESS), the largest that a mean P
allows, as in the table of the anchors. The peer rings at every change of "P >= 70 %".
"""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import mean, median

import numpy as np

from alerts.decide import decide
from alerts.readings import read_estimate
from benchmarks.rows import Row
from benchmarks.timing import say
from forecast.alert import Rule
from forecast.alert_tables import RuleTable
from forecast.estimate import Estimate, Health, Interval

START, HOUR = datetime(2025, 1, 1, tzinfo=UTC), timedelta(hours=1)
REFITS = 30 * 24
WORLDS = 200
MOST = 1.0  # notifications a month at the threshold
SIZES = (400, 1000, 4000)
NEAR, ABOVE = (0.70, 0.69, 0.68), (0.72, 0.75)
USUAL = RuleTable(id="line", fire_at=0.70).rule()
RULES = {"": USUAL, ", z = 2": replace(USUAL, z=2.0)}


def measure(cache: Path, full: bool) -> Iterator[Row]:
    """Notifications in 30 days near the line, then evaluations until it fires above it."""
    say(f"{REFITS} refits in each of {WORLDS} worlds, three sizes, five truths, two rules")
    for truth in NEAR:
        for size in SIZES:
            worlds = [_month(truth, size, seed) for seed in range(WORLDS)]
            naive = mean(_crossings(world) for world in worlds)
            for name, rule in RULES.items():
                told = mean(len(_rings(rule, world, _error(truth, size))) for world in worlds)
                yield Row(
                    f"told in 30 days at P {truth:.0%}, ESS {size}{name}",
                    told,
                    "times",
                    "P >= 70 %",
                    naive,
                    at_most=MOST if truth == USUAL.fire_at else None,
                )
    for truth in ABOVE:
        for size in SIZES:
            worlds = [_month(truth, size, seed) for seed in range(WORLDS)]
            naive = median(_first(np.flatnonzero(world >= USUAL.fire_at)) for world in worlds)
            for name, rule in RULES.items():
                waits = [_first(_rings(rule, world, _error(truth, size), 1)) for world in worlds]
                yield Row(
                    f"refits to fire at P {truth:.0%}, ESS {size}{name}",
                    median(waits),
                    "refits",
                    "P >= 70 %",
                    naive,
                )


def _error(truth: float, size: int) -> float:
    return float((truth * (1.0 - truth) / size) ** 0.5)


def _month(truth: float, size: int, seed: int) -> np.ndarray:
    """What each refit gives, (refit,)."""
    noise = np.random.default_rng([seed, size, round(100 * truth)])
    return np.clip(noise.normal(truth, _error(truth, size), REFITS), 0.0, 1.0)


def _crossings(world: np.ndarray) -> int:
    """Changes of "P >= 70 %", from a start below."""
    above = np.concatenate([[False], world >= USUAL.fire_at])
    return int(np.count_nonzero(above[1:] != above[:-1]))


def _rings(rule: Rule, world: np.ndarray, error: float, most: int = REFITS) -> list[int]:
    """At which refits the rule tells something, by the functions that ring; the first `most`."""
    state, found = None, []
    for place, p in enumerate(world):
        reading = read_estimate(rule, _estimate(float(p), error, START + place * HOUR))
        assert reading is not None
        state, transition = decide(rule, state, reading, reading.as_of)
        if transition is not None and transition.notify:
            found.append(place)
            if len(found) == most:
                break
    return found


def _estimate(p: float, error: float, as_of: datetime) -> Estimate:
    return Estimate(
        "q", as_of, p, Interval(p, p), error, Health.HEALTHY, "hazard", "hash", "R1", "digest"
    )


def _first(places: "list[int] | np.ndarray") -> float:
    """How many refits it takes, the one that fires included; the month where none does."""
    return float(places[0]) + 1.0 if len(places) else float("inf")
