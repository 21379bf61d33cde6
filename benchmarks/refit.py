"""Rung R1 on a panel against samplers, on the same model and data, each in its own process."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from math import log
from pathlib import Path

from benchmarks.contenders import (
    Fitted,
    by_numpyro,
    by_nutpie,
    by_pm_sample,
    by_r1,
    by_rung_r2,
)
from benchmarks.panel import UNITS, Panel, synthetic
from benchmarks.rows import Row
from benchmarks.timing import alone, say

SMALL, LARGE, HUGE = 52, 520, 5200  # weeks
MOST_SLOPE = 1.2  # of log seconds over log rows: cost grows linearly
RUNS = 3  # of R1; a sampler, which takes minutes, runs once
MOST_SECONDS = 1.5
LEAST_RATIOS = {"compiling": 40, "sampling": 25, "NumPyro": 15}  # to nutpie, and to NumPyro


@dataclass(frozen=True, slots=True)
class Bout:
    """R1 on one panel, its rows as the table shows them, and where compiled code is kept.

    The budgets `at_least` are of the large panel, and empty for the small one.
    """

    panel: Panel
    r1: Fitted
    cache: Path
    at_least: Mapping[str, float]

    @property
    def name(self) -> str:
        """What is compared."""
        return f"R1 refit, {len(self.panel.rows.x):,} rows"

    def gates(self) -> Iterator[Row]:
        """A fast answer that would be held is no answer."""
        if self.r1.gate:
            say(f"R1 would be held: {self.r1.gate}")
        yield Row(f"{self.name}, would be held", int(bool(self.r1.gate)), "times", at_most=0)
        yield Row(f"{self.name}, k-hat", self.r1.khat, "", at_most=0.67)
        yield Row(f"{self.name}, ESS", self.r1.ess, "draws", at_least=400)

    def against(self, peer: str, needed: float | None, budget: str = "") -> Row:
        """R1 beside the seconds that a peer needed."""
        at_least = self.at_least.get(budget)
        return Row(self.name, self.r1.total, "s", peer, needed, at_least=at_least)

    def apart(self, peer: str, other: Fitted) -> Row:
        """How far the two probabilities lie from each other."""
        say(f"p is {self.r1.p:.5f} by R1 and {other.p:.5f} by {peer}")
        return Row(f"{self.name}, p off {peer}'s by", self.r1.distance(other), "MCSE", at_most=2)


def measure(cache: Path, full: bool) -> Iterator[Row]:
    """The rows of the small panel with every peer; of the large one with `full` only."""
    took = {}
    for weeks, limit in ((SMALL, None), (LARGE, MOST_SECONDS), (HUGE, None)):
        bout = _enter(weeks, cache)
        took[weeks] = bout.r1.total
        yield Row(bout.name, bout.r1.total, "s", at_most=limit)
        yield from bout.gates()
        if weeks == SMALL or (full and weeks == LARGE):
            yield from _nutpie(bout)
            yield from _rung_r2(bout)
            yield from _pm_sample(bout)
            yield from _numpyro(bout)
    slope = log(took[HUGE] / took[LARGE]) / log(HUGE / LARGE)
    name = "R1 refit, slope from 52,000 to 520,000 rows"
    yield Row(name, slope, "in logs", at_most=MOST_SLOPE)


def _enter(weeks: int, cache: Path) -> Bout:
    panel = synthetic(weeks)
    say(f"R1 on {UNITS} units x {weeks} weeks, {RUNS} times")
    runs = [alone(cache / "r1", by_r1, panel) for _ in range(RUNS if weeks < HUGE else 1)]
    middle = sorted(runs, key=lambda run: run.total)[len(runs) // 2]
    # a folder each, so that the large panel's samplers find nothing compiled either
    if weeks == SMALL:
        return Bout(panel, middle, cache / "small", {})
    return Bout(panel, middle, cache / "large", LEAST_RATIOS)


def _nutpie(bout: Bout) -> Iterator[Row]:
    say("nutpie, with nothing compiled yet")
    cold = alone(bout.cache, by_nutpie, bout.panel)
    yield bout.against("nutpie, nothing compiled yet", cold.total, "compiling")
    yield bout.against("nutpie, sampling only", cold.running, "sampling")
    yield bout.apart("nutpie", cold)


def _rung_r2(bout: Bout) -> Iterator[Row]:
    say("rung R2: nutpie in its worker, compiled for other data")
    warm = alone(bout.cache, by_rung_r2, bout.panel, synthetic(SMALL // 2, seed=2))
    yield bout.against("rung R2, program kept, new data", warm.running)
    yield bout.apart("rung R2", warm)


def _pm_sample(bout: Bout) -> Iterator[Row]:
    say("pm.sample, with that code on disk")
    sampled = alone(bout.cache, by_pm_sample, bout.panel)
    yield bout.against("pm.sample, compiled code on disk", sampled.total)
    yield bout.apart("pm.sample", sampled)


def _numpyro(bout: Bout) -> Iterator[Row]:
    if find_spec("numpyro") is None:
        yield bout.against("NumPyro (skipped: not installed)", None, "NumPyro")
        return
    say("NumPyro")
    sampled = alone(bout.cache, by_numpyro, bout.panel)
    yield bout.against("NumPyro", sampled.total, "NumPyro")
