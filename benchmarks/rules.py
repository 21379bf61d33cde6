"""Rules decided a second, on one core: from an estimate to a state, and to a transition if any."""

import math
import random
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from alerts.decide import decide
from alerts.readings import Baseline, baseline_of, read_estimate
from benchmarks.rows import Row
from benchmarks.timing import median_seconds, say
from forecast.alert import Rule, RuleKind, RuleState
from forecast.alert_tables import RuleTable
from forecast.estimate import QUANTILE_LEVELS, Estimate, Health, Interval, Move, log_hazard

QUESTIONS, HOURS, RUNS = 250, 24, 3
LEAST = 10_000.0
START, HOUR = datetime(2025, 1, 1, tzinfo=UTC), timedelta(hours=1)
# As a desk has them: mostly thresholds, one of each of the others.
RULES = [
    RuleTable(id="watch", fire_at="20%").rule(),
    RuleTable(id="likely", fire_at="50%", severity="page").rule(),
    RuleTable(id="very-likely", fire_at="80%", dwell="6 hours").rule(),
    RuleTable(id="sure", kind=RuleKind.CERTAINTY, level=0.3).rule(),
    RuleTable(id="jump", kind=RuleKind.CHANGE, fire_at="1.5x", over="24 hours").rule(),
    RuleTable(id="since", kind=RuleKind.CHANGE, fire_at="1.5x", over="last alert").rule(),
    RuleTable(id="worth", kind=RuleKind.LOSS, cost=2, loss=10).rule(),
    RuleTable(id="health", kind=RuleKind.UNHEALTHY).rule(),
]


def measure(cache: Path, full: bool) -> Iterator[Row]:
    """A day of hourly estimates of each question, every rule on every one of them."""
    say(f"{len(RULES)} rules on {QUESTIONS} questions, {HOURS} estimates each")
    days = [_day(number) for number in range(QUESTIONS)]
    rings = sum(decide_all(day) for day in days)
    count = len(RULES) * QUESTIONS * HOURS
    seconds = median_seconds(lambda: [decide_all(day) for day in days], RUNS)
    yield Row("rules decided, one core", count / seconds, "a second", at_least=LEAST)
    yield Row("rules decided, that rang", 100.0 * rings / count, "%")


def decide_all(day: list[Estimate]) -> int:
    """Every rule on a question's estimates, one after the other; how often one rang."""
    states: dict[str, RuleState] = {}
    rings, came = 0, None
    for estimate in day:
        for rule in RULES:
            state = states.get(rule.rule_id)
            reading = read_estimate(rule, estimate, came, _baseline(rule, state, day[0]))
            assert reading is not None
            states[rule.rule_id], made = decide(rule, state, reading, estimate.as_of)
            rings += made is not None and made.notify == "firing"
        came = estimate.probability
    return rings


def _baseline(rule: Rule, state: RuleState | None, first: Estimate) -> Baseline | None:
    return baseline_of(rule, state, first) if rule.kind is RuleKind.CHANGE else None


def _day(number: int) -> list[Estimate]:
    """A walk of the log odds with a jump now and then; one estimate in fifty is held."""
    noise = random.Random(number)
    odds, came, day = noise.gauss(-1.0, 1.0), None, []
    for hour in range(HOURS):
        odds += noise.gauss(0.0, 0.05) + (noise.gauss(0.0, 1.0) if noise.random() < 0.05 else 0.0)
        p = 1.0 / (1.0 + math.exp(-odds))
        estimate = _estimate(f"q{number}", START + hour * HOUR, p, noise)
        if came is not None:
            whole = log_hazard(p) - log_hazard(came)
            estimate = replace(
                estimate, moved=Move(came, p, time=0.3 * whole, evidence=0.7 * whole)
            )
        if noise.random() < 0.02:
            estimate = replace(estimate, health=Health.HELD, reason="a gate failed", moved=None)
        day.append(estimate)
        came = p
    return day


def _estimate(name: str, as_of: datetime, p: float, noise: random.Random) -> Estimate:
    width = 0.3 * p * (1.0 - p)
    quantiles = tuple(min(max(p + (2.0 * q - 1.0) * width, 0.0), 1.0) for q in QUANTILE_LEVELS)
    mcse = width / math.sqrt(noise.uniform(400.0, 1000.0))
    return Estimate(
        *(name, as_of, p, Interval(p - width, p + width), mcse, Health.HEALTHY),
        *("hazard", "hash", "T1", "digest"),
        diagnostics={"ess": 700.0},
        quantiles=quantiles,
    )
