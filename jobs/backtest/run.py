"""One backtest from end to end: digest, walk, scores."""

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cache

from forecast.backtest import Backtest, BacktestTask, Forecasts
from forecast.errors import UsageError
from forecast.store.backtests import StoredBacktest
from jobs.backtest.asked import Asked
from jobs.backtest.blocks import Block, Done, run_block, settings_of
from jobs.backtest.compare import check_comparable, compared
from jobs.backtest.packing import digest_of, pack_forecasts, unpack_facts
from jobs.backtest.parts import Kept, Placed
from jobs.backtest.question_score import of_questions
from jobs.backtest.questions import Plan, run_questions, told
from jobs.backtest.replay import config_of
from jobs.backtest.score import Identity, result
from jobs.backtest.stack_check import stack_changes
from jobs.backtest.stacking import stacked
from jobs.backtest.walk import (
    Progress,
    Walked,
    blocks_of,
    check_size,
    in_one,
    joined,
    leaks_of,
    walk,
)
from jobs.executor import Executor
from models.certify.certificate import module_of
from models.certify.code import meaning_digest, modules_behind
from models.panel.facts import Facts

WALKS = (
    "models.panel",
    "models.panel.learn",
    "models.baselines",
    "jobs.backtest.blocks",
    "jobs.backtest.stacking",
)
QUESTIONS = ("models.base_rate", "jobs.backtest.questions")
MODELS = ("pool", "panel")  # that learn from files; a watch's questions have their own family

type Result = tuple[Backtest, Forecasts]


@cache
def code_digest(*roots: str) -> str:
    """A digest of the code that makes forecasts, found from the roots, or of that of panels."""
    return digest_of(*(
        f"{name} {meaning_digest(path)}"
        for name, path in modules_behind(*(roots or WALKS)).items()
        if name.startswith(("models.", "jobs.backtest", "forecast."))
    ))  # fmt: skip


def question_code() -> str:
    """A digest of the code that forecasts questions anew, the families aside."""
    return code_digest(*QUESTIONS)


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
    if task.model not in MODELS:
        words = f"the family '{task.model}' is not walked over units: {' and '.join(MODELS)} are"
        raise UsageError(words, at=task.name)
    run = _Run(task, packed, asked, repr(settings_of(task)), code_digest(), earlier)
    facts = unpack_facts(packed)
    check_size(task, facts)
    blocks = blocks_of(task, asked.seed, asked.check_leaks, facts)
    walked = joined(blocks, run.walk(executor, run_block, blocks, progress))
    if task.model == "pool":
        walked = _stacked(walked, facts, task, blocks)
    return run.finish(walked, (*findings, *no_fair_record(task)))


def no_fair_record(task: BacktestTask) -> tuple[str, ...]:
    """A finding where settings were chosen by what they now forecast."""
    chosen = task.settings.chosen_until if task.settings else None
    if chosen is None or chosen <= task.score_start:
        return ()
    day = chosen.date().isoformat()
    words = f"the settings were chosen by facts until {day}: before it this is no fair record"
    return (words,)


def backtest_questions(
    plan: Plan,
    packed: bytes,
    executor: Executor,
    asked: Asked,
    progress: Progress,
    earlier: StoredBacktest | None = None,
) -> Result:
    """Forecast the questions of a packed desk again, score them, and keep the result."""
    tables = config_of(packed).definitions.values()
    families = {name for table in tables for name in (table.model, *table.families())}
    code = code_digest(*QUESTIONS, *(module_of(name) for name in sorted(families)))
    run = _Run(plan.task, packed, asked, repr(plan.blocks), code, earlier)
    parts = run.walk(executor, run_questions, plan.blocks, progress)
    rows = told(in_one([done.rows for done in parts]))
    checked = sum(block.check_at is not None for block in plan.blocks)
    said = tuple(dict.fromkeys(words for done in parts for words in done.findings))
    walked = Walked(rows, (), leaks_of(checked, parts))
    ended = plan.ended()
    return run.finish(
        walked, (*plan.findings, *said), lambda found: of_questions(found, rows, ended)
    )


def _stacked(walked: Walked, facts: Facts, task: BacktestTask, blocks: Sequence[Block]) -> Walked:
    """The walk with its forecasts stacked, and that checked for leaks as the rest was."""
    refits = [block.as_of for block in blocks]
    check = walked.leak_check
    if check:
        origins = [origin for block in blocks for origin in block.checked]
        seed = blocks[0].seed
        more = stack_changes(walked.rows, facts, task, refits, origins, seed)
        check = replace(check, changed=check.changed + more)
    rows = stacked(walked.rows, facts, task, refits)
    return replace(walked, rows=rows, leak_check=check)


class _Run:
    """One run: what it depends on, the blocks of it that are kept, and its end."""

    def __init__(
        self,
        task: BacktestTask,
        packed: bytes,
        asked: Asked,
        settings: str,
        code: str,
        earlier: StoredBacktest | None,
    ) -> None:
        if earlier:
            check_comparable(task, earlier)
        self._began = time.perf_counter()
        self._task, self._asked, self._earlier = task, asked, earlier
        digest = digest_of(packed, repr(task), settings, code, str(asked.seed))
        model_hash = f"{task.model}:{code[:16]}"
        self._identity = Identity(asked.made_at, asked.seed, digest, model_hash)
        self._kept: Kept | None = None
        if asked.store:
            # a walk that was not checked for leaks does not stand for one that is
            part = digest_of(digest, str(asked.check_leaks))
            self._kept = Kept(asked.store, part, asked.made_at)
            if asked.fresh:
                self._kept.forget()

    def walk[Item: Placed](
        self,
        executor: Executor,
        work: Callable[[bytes, Item], Done],
        blocks: Sequence[Item],
        progress: Progress,
    ) -> list[Done]:
        """The blocks, as far as they are not kept already."""
        return walk(executor, work, blocks, progress, self._kept)

    def finish(
        self,
        walked: Walked,
        findings: tuple[str, ...],
        more: Callable[[Backtest], Backtest] = lambda found: found,
    ) -> Result:
        """The result, compared and kept."""
        took, rule = time.perf_counter() - self._began, self._asked.rule
        found = more(result(self._task, walked, self._identity, took, findings, rule))
        if self._earlier:
            found = compared(found, walked.rows, self._earlier)
        if self._asked.store and self._kept:
            self._asked.store.backtests.add(found, pack_forecasts(walked.rows))
            self._kept.forget()
        return found, walked.rows
