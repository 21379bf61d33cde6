"""A walk of the budget's size: 500 origins, 100 units, 20 tags, yearly refits, leaks looked for."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import numpy as np

from benchmarks.rows import Row
from benchmarks.timing import say, seconds
from forecast.backtest import BacktestTask
from forecast.clock import parse_instant
from jobs.backtest.asked import Asked
from jobs.backtest.origins import from_days
from jobs.backtest.packing import pack_facts
from jobs.backtest.run import Result, backtest
from jobs.executor import local_executor
from models.panel.facts import Facts, Stream

ORIGINS, UNITS, TAGS = 500, 100, 20
WEEK, HORIZON = 7.0, 30.0  # days
BEFORE = 4 * 365  # days of facts before the first origin
GAP, RATE = 60.0, 1 / 200  # days between reports of a tag at a unit; events a day
WORKERS, MOST = 2, 60.0
START = parse_instant("2010-01-01")


def measure(cache: Path, full: bool) -> Iterator[Row]:
    """The whole of a backtest, from packed facts to scores, on two processes."""
    facts, task = synthetic(), task_of(ORIGINS)
    say(f"a walk over {len(facts.indicators):,} reports and {len(facts.events):,} events")
    took = seconds(lambda: walked(facts, task, WORKERS))
    name = f"backtest, {ORIGINS} x {UNITS} x {TAGS}"
    yield Row(name, took, "s", at_most=MOST)


def walked(facts: Facts, task: BacktestTask, workers: int) -> Result:
    """The result of a walk on so many processes, started and ended for it."""
    packed = pack_facts(facts)
    executor = local_executor(packed, workers)
    try:
        return backtest(task, packed, executor, Asked(START, seed=1), lambda done, total: None)
    finally:
        executor.close()


def task_of(origins: int) -> BacktestTask:
    """A forecast a week."""
    last = START + timedelta(days=WEEK * (origins - 1))
    return BacktestTask(
        name="synthetic",
        definition="hit",
        horizon_days=HORIZON,
        every="7 days",
        score_start=START,
        score_end=last,
        data_end=last + timedelta(days=HORIZON),
        units="all",
    )


def synthetic(origins: int = ORIGINS, units: int = UNITS, tags: int = TAGS) -> Facts:
    """Reports that come when they come, and events at rates of the units' own."""
    rng = np.random.default_rng(1)
    begin = (START - from_days(0.0)) / timedelta(days=1) - BEFORE
    days = BEFORE + WEEK * origins + HORIZON
    count = rng.poisson(days / GAP, (units, tags))
    unit, tag = (
        np.repeat(codes, count.ravel()) for codes in np.indices((units, tags)).reshape(2, -1)
    )
    when = begin + rng.uniform(0.0, days, len(unit))
    rows = Stream.of(unit, tag, when, when + rng.exponential(2.0, len(unit)))
    happened = rng.poisson(days * RATE * rng.gamma(2.0, 0.5, units))
    at = begin + rng.uniform(0.0, days, happened.sum())
    whose = np.repeat(np.arange(units), happened)
    events = Stream.of(whose, np.zeros_like(whose), at, at)
    who, what = (tuple(f"{a}{n}" for n in range(many)) for a, many in (("u", units), ("t", tags)))
    return Facts(who, what, ("hit",), rows, events)
