"""One backtest from end to end: digest, walk, scores."""

import time
from dataclasses import dataclass
from datetime import datetime
from functools import cache

from forecast.backtest import Backtest, BacktestTask, Forecasts
from forecast.errors import UsageError
from jobs.backtest.blocks import settings_of
from jobs.backtest.packing import digest_of
from jobs.backtest.score import Identity, result
from jobs.backtest.walk import Progress, blocks_of, joined, walk
from jobs.executor import Executor
from models.certify.code import meaning_digest, modules_behind

WALKS = ("models.panel", "models.panel.learn", "models.baselines", "jobs.backtest.blocks")
FAMILY = "panel"  # learns from files; questions of a watch are asked of their own family

type Result = tuple[Backtest, Forecasts]


@dataclass(frozen=True, slots=True)
class Asked:
    """How tasks are run: when, with which seed, and whether leaks are looked for."""

    made_at: datetime
    seed: int
    check_leaks: bool = True


@cache
def code_digest() -> str:
    """A digest of the code that makes forecasts."""
    return digest_of(*(
        f"{name} {meaning_digest(path)}"
        for name, path in modules_behind(*WALKS).items()
        if name.startswith(("models.", "jobs.backtest", "forecast."))
    ))  # fmt: skip


def backtest(
    task: BacktestTask,
    packed: bytes,
    executor: Executor,
    asked: Asked,
    progress: Progress,
    findings: tuple[str, ...] = (),
) -> Result:
    """Walk a task over packed facts, and score it; pure but for how long it took."""
    if task.model != FAMILY:
        raise UsageError(f"the family '{task.model}' is not learnt from a panel: {FAMILY} is")
    began = time.perf_counter()
    digest = digest_of(packed, repr(task), repr(settings_of(task)), code_digest(), str(asked.seed))
    blocks = blocks_of(task, asked.seed, asked.check_leaks)
    walked = joined(blocks, list(walk(executor, blocks, progress)))
    identity = Identity(asked.made_at, asked.seed, digest, f"{task.model}:{code_digest()[:16]}")
    took = time.perf_counter() - began
    return result(task, walked, identity, took, findings), walked.rows
