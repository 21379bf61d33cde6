"""One backtest from end to end: digest, walk, scores."""

import time
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cache

from forecast.backtest import Backtest, BacktestTask, Forecasts
from forecast.errors import UsageError
from forecast.publishing import BY_DEFAULT, PublishRule
from forecast.store import Store
from forecast.store.backtests import StoredBacktest
from jobs.backtest.blocks import settings_of
from jobs.backtest.compare import check_comparable, compared
from jobs.backtest.packing import digest_of, pack_forecasts, unpack_facts
from jobs.backtest.parts import Kept
from jobs.backtest.score import Identity, result
from jobs.backtest.stacking import stacked
from jobs.backtest.walk import Progress, blocks_of, joined, walk
from jobs.executor import Executor
from models.certify.code import meaning_digest, modules_behind

WALKS = (
    "models.panel",
    "models.panel.learn",
    "models.baselines",
    "jobs.backtest.blocks",
    "jobs.backtest.stacking",
)
MODELS = ("pool", "panel")  # that learn from files; a watch's questions have their own family

type Result = tuple[Backtest, Forecasts]


@dataclass(frozen=True, slots=True)
class Asked:
    """How tasks are run: when, with which seed, and whether leaks are looked for.

    Results are kept in `store`, and so are the blocks of a walk that was broken off: it goes on
    with them, unless `fresh`. `rule` is what must be beaten to be published.
    """

    made_at: datetime
    seed: int
    check_leaks: bool = True
    store: Store | None = None
    fresh: bool = False
    rule: PublishRule = BY_DEFAULT


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
    earlier: StoredBacktest | None = None,
) -> Result:
    """Walk a task over packed facts, score it, and keep the result where there is a store.

    Equal arguments give equal forecasts and scores, wherever the executor has them made. With
    an `earlier` result it is compared.
    """
    if earlier:
        check_comparable(task, earlier)
    if task.model not in MODELS:
        words = f"the family '{task.model}' is not learnt from a panel: {' and '.join(MODELS)} are"
        raise UsageError(words, at=task.name)
    began = time.perf_counter()
    digest = digest_of(packed, repr(task), repr(settings_of(task)), code_digest(), str(asked.seed))
    blocks = blocks_of(task, asked.seed, asked.check_leaks)
    kept = None
    if asked.store:
        # a walk that was not checked for leaks does not stand for one that is
        kept = Kept(asked.store, digest_of(digest, str(asked.check_leaks)), asked.made_at)
        if asked.fresh:
            kept.forget()
    walked = joined(blocks, walk(executor, blocks, progress, kept))
    if task.model == "pool":
        refits = [block.as_of for block in blocks]
        walked = replace(walked, rows=stacked(walked.rows, unpack_facts(packed), task, refits))
    identity = Identity(asked.made_at, asked.seed, digest, f"{task.model}:{code_digest()[:16]}")
    took = time.perf_counter() - began
    found = result(task, walked, identity, took, findings, asked.rule)
    if earlier:
        found = compared(found, walked.rows, earlier)
    if asked.store and kept:
        asked.store.backtests.add(found, pack_forecasts(walked.rows))
        kept.forget()
    return found, walked.rows
