"""`tocsin models fit`: which settings of a panel forecast best what they had not seen.

    origins of the task    | block 1 | block 2 | ... | block n ||  held out  ||
    a candidate            fitted at each block's start on all before it, scored on the block
    the choice             by `models.panel.choosing`, from facts before the held-out stretch
    the confirmation       the choice and the default once, on the stretch that no choice saw

A choice sees only what was known before the held-out stretch began, outcomes too: windows that
reach into it are not scored.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
from threadpoolctl import threadpool_limits

from forecast.backtest import BacktestTask
from forecast.errors import HeldError
from forecast.scoring.scores import log_losses
from jobs.backtest.blocks import ONE_AT_A_TIME, Block, References, learn, settings_of
from jobs.backtest.origins import origins, to_days, training_origins
from jobs.backtest.packing import unpack_facts
from jobs.backtest.risk import marks_at, with_spans, without_quiet
from jobs.executor import Executor
from models.baselines import outcomes
from models.covariates import Array
from models.panel.choosing.candidates import AXES, Axes
from models.panel.choosing.differences import Difference, difference, stretches
from models.panel.choosing.search import Bench, Found, Judged, Trial, search
from models.panel.choosing.support import LEAST_JUDGED, SHRUNK, Support, refusal
from models.panel.choosing.table import table_from
from models.panel.columns import Column, choose
from models.panel.facts import Facts
from models.panel.settings import Settings

SECOND = 1 / 86400  # the last one of a day is its end
HELD_PER_BLOCK = 1 / 3  # blocks held out for each that decides
TOLD = ("pooled", "unit", "history")  # references that the held-out stretch is told beside

type Progress = Callable[[str, int], None]  # what begins, and how many fits it takes


@dataclass(frozen=True, slots=True)
class Plan:
    """Which origins, by block, decide (`judged`) and confirm (`held`); times in days since 1970.

    The choice sees what was known before `boundary`, the confirmation what was before `until`.
    """

    task: BacktestTask
    judged: tuple[tuple[float, ...], ...]
    held: tuple[tuple[float, ...], ...]
    boundary: float
    until: float


@dataclass(frozen=True, slots=True)
class Beside:
    """The choice beside the default, on `n` forecasts with `events` that came true; mean log
    losses, and what was gained.
    """

    origins: int
    n: int
    events: int
    log_loss: float
    default: float
    gain: Difference


@dataclass(frozen=True, slots=True)
class Choice:
    """What was tried and picked, how that did on the stretch that `held` out, and what stands.

    `stands` are the picked settings where the held-out stretch confirmed them, else the default;
    `references` are log losses there of forecasts without a model.
    """

    plan: Plan
    support: Support
    found: Found
    judged: Beside
    held: Beside
    references: dict[str, float]
    stands: Settings
    words: str
    findings: tuple[str, ...]
    seconds: float

    @property
    def picked(self) -> tuple[Trial, ...]:
        """The candidates that were taken, in order."""
        return tuple(trial for trial in self.found.trials if trial.is_kept)

    @property
    def is_changed(self) -> bool:
        """Whether what stands is what was picked, and not the default."""
        return self.stands != self.found.trials[0].settings

    @property
    def optimism(self) -> float | None:
        """How much less was gained on what the choice had not seen; None where none was made."""
        return self.judged.gain.value - self.held.gain.value if self.picked else None


@dataclass(frozen=True, slots=True)
class Part:
    """One candidate on one block, its settings in the block's task; facts known by `until`."""

    block: Block
    until: float


@dataclass(frozen=True, slots=True)
class Answer:
    """The losses and outcomes of a part's rows, all (row,), and what it took."""

    origin: Array
    outcome: Array
    losses: Array
    seconds: float


def plan_of(task: BacktestTask, blocks: int, until: float | None = None) -> Plan:
    """Cut the origins that are scored into blocks; HeldError where there are too few.

    Nothing that became known at `until` or later is seen; by default at the end of the data.
    What the task says of settings is not heard: the search begins at the default ones.
    """
    task = replace(task, settings=None)
    end = min(until or np.inf, to_days(task.data_end) + SECOND)
    asked = [o for o in origins(task) if o + task.horizon_days <= end]
    count = blocks + int(np.ceil(blocks * HELD_PER_BLOCK))
    if len(asked) < count:
        words = f"{len(asked)} origins to score, and to choose settings takes {count} at least"
        raise HeldError(f"{words}: the default settings stand", at=task.name)
    parts = [tuple(part.tolist()) for part in np.array_split(np.array(asked), count)]
    boundary = parts[blocks][0]
    judged = [
        tuple(o for o in part if o + task.horizon_days <= boundary) for part in parts[:blocks]
    ]
    return Plan(task, tuple(p for p in judged if p), tuple(parts[blocks:]), boundary, end)


def choose_settings(
    plan: Plan,
    packed: bytes,
    executor: Executor,
    seed: int,
    progress: Progress,
    axes: Axes = AXES,
) -> Choice:
    """Search, and confirm once; HeldError, in one line, where that would be to overfit."""
    began = time.perf_counter()
    task = plan.task
    default = settings_of(task)
    seen = _facts(packed, task, plan.boundary)
    support = support_of(plan, seen, default, _facts(packed, task, plan.until))
    if words := refusal(support):
        raise HeldError(words, at=task.name)
    runs = _Runs(plan, executor, seed, progress)
    bench = Bench(runs.judge, lambda settings: columns_of(plan, seen, settings), runs.compare)
    found = search(default, support, bench, axes)
    held = runs.confirm(found.picked, default)
    references = _references(packed, plan)
    stands, words = _verdict(found, default, held)
    stood = held.default if stands == default else held.log_loss
    return Choice(
        plan=plan,
        support=support,
        found=found,
        judged=runs.beside(found),
        held=held,
        references=references,
        stands=stands,
        words=words,
        findings=(*_of_support(support), *_of_references(stood, references)),
        seconds=time.perf_counter() - began,
    )


def support_of(plan: Plan, seen: Facts, default: Settings, later: Facts) -> Support:
    """How many events there are to choose by, and to confirm with, and how many columns."""
    task = plan.task
    first = plan.judged[0][0]
    before = [o for o in training_origins(task, seen.since()) if o + task.horizon_days <= first]
    judged = [o for part in plan.judged for o in part]
    columns = columns_of(plan, seen, default)
    return Support(
        training=_events(task, seen, before),
        judged=_events(task, seen, judged),
        held=_events(task, later, [o for part in plan.held for o in part]),
        stretches=stretches(np.array(judged), task.horizon_days),
        columns=sum(column.kind in SHRUNK for column in columns),
    )


def columns_of(plan: Plan, seen: Facts, settings: Settings) -> tuple[Column, ...]:
    """The columns of some settings at the end of what the choice sees, of what was ever heard."""
    task = plan.task
    heard = {seen.tags[code] for code in np.unique(seen.indicators.name)}
    heard |= {seen.kinds[code] for code in np.unique(seen.events.name)}
    found = choose(seen, task.definition, plan.boundary, task.horizon_days, settings)
    return tuple(c for c in found if c.kind not in SHRUNK or c.of in heard)


def judge_part(packed: bytes, part: Part) -> Answer:
    """Fit one candidate at the start of a block, and score it there."""
    began = time.perf_counter()
    block, task = part.block, replace(part.block.task, settings=None)
    with ONE_AT_A_TIME, threadpool_limits(1, user_api="blas"):
        facts = _facts(packed, task, part.until)
        learnt = learn(facts, block)
        marks = marks_at(task, facts, block.origins)
        p = learnt.at(without_quiet(task, facts, block.as_of), marks).p
    first = outcomes(facts, task.definition, marks, task.horizon_days).first
    happened = np.isfinite(first).astype(float)
    took = time.perf_counter() - began
    return Answer(marks.origin, happened, log_losses(p, happened), took)


class _Runs:
    """Candidates on blocks, on the executor; remembers which rows all of them share."""

    def __init__(self, plan: Plan, executor: Executor, seed: int, progress: Progress) -> None:
        self._plan, self._executor, self._seed = plan, executor, seed
        self._progress = progress
        self._rows: list[Answer] = []

    def judge(self, axis: str, asked: Sequence[Settings]) -> list[Judged]:
        """The losses of candidates over the blocks that decide."""
        plan = self._plan
        found = list(self._run(axis, asked, plan.judged, plan.boundary))
        self._rows = found[0]
        return [
            Judged(_losses(answers), sum(answer.seconds for answer in answers)) for answers in found
        ]

    def compare(self, ours: Array, theirs: Array) -> Difference:
        """Paired, over the blocks that decide."""
        return self._difference(ours, theirs, self._rows)

    def beside(self, found: Found) -> Beside:
        """The picked settings on the blocks that decided."""
        return self._beside(found.losses, found.default_losses, self._rows)

    def confirm(self, picked: Settings, default: Settings) -> Beside:
        """The same on the stretch that no choice saw, and that is looked at here alone."""
        plan = self._plan
        asked = [picked] if picked == default else [picked, default]
        found = list(self._run("held out", asked, plan.held, plan.until))
        return self._beside(_losses(found[0]), _losses(found[-1]), found[0])

    def _beside(self, ours: Array, theirs: Array, rows: list[Answer]) -> Beside:
        origin, outcome = (
            np.concatenate([getattr(r, n) for r in rows]) for n in ("origin", "outcome")
        )
        gain = self._difference(ours, theirs, rows)
        means = float(ours.mean()), float(theirs.mean())
        return Beside(len(np.unique(origin)), len(origin), int(outcome.sum()), *means, gain)

    def _difference(self, ours: Array, theirs: Array, rows: list[Answer]) -> Difference:
        origin = np.concatenate([row.origin for row in rows])
        return difference(ours, theirs, origin, self._plan.task.horizon_days, self._seed)

    def _run(
        self,
        what: str,
        asked: Sequence[Settings],
        blocks: Sequence[tuple[float, ...]],
        until: float,
    ) -> Iterator[list[Answer]]:
        """The answers of each candidate, block by block."""
        parts = [
            Part(Block(self._with(settings), self._seed, place, block[0], block), until)
            for settings in asked
            for place, block in enumerate(blocks)
        ]
        self._progress(what, len(parts))
        answers = self._executor.map(judge_part, parts)
        for _ in asked:
            yield [next(answers) for _ in blocks]

    def _with(self, settings: Settings) -> BacktestTask:
        return replace(self._plan.task, settings=table_from(settings))


# the parent and its workers ask for the facts before the boundary again and again
@lru_cache(maxsize=2)
def _facts(packed: bytes, task: BacktestTask, until: float) -> Facts:
    """What was known before `until`; lives that end later are not yet over."""
    return with_spans(task, unpack_facts(packed).before(until))


def _losses(answers: Sequence[Answer]) -> Array:
    return np.concatenate([answer.losses for answer in answers])


def _events(task: BacktestTask, facts: Facts, asked: Sequence[float]) -> int:
    """Different events that are the first in some window from these origins on."""
    marks = marks_at(task, facts, asked)
    first = outcomes(facts, task.definition, marks, task.horizon_days).first
    hit = np.isfinite(first)
    return len(set(zip(marks.unit[hit].tolist(), first[hit].tolist(), strict=True)))


def _references(packed: bytes, plan: Plan) -> dict[str, float]:
    """Log losses over the held-out stretch of forecasts without a model."""
    task = plan.task
    facts = _facts(packed, task, plan.until)
    every = [o for part in plan.judged + plan.held for o in part]
    references = References.of(facts, task, every)
    losses: dict[str, list[Array]] = {name: [] for name in TOLD}
    for part in plan.held:
        asked = np.isin(references.marks.origin, part)
        happened = np.isfinite(references.held.first[asked]).astype(float)
        found = references.forecasts(part[0], asked)
        for name in TOLD:
            losses[name].append(log_losses(found[name], happened))
    return {name: float(np.concatenate(parts).mean()) for name, parts in losses.items()}


def _verdict(found: Found, default: Settings, held: Beside) -> tuple[Settings, str]:
    """What stands after the confirmation, and why."""
    if found.picked == default:
        return default, "nothing that was tried is surely better: the default settings stand"
    if held.events < LEAST_JUDGED:
        words = f"the held-out stretch has {held.events} events, too few to confirm the choice"
        return default, f"{words}: the default settings stand"
    if held.gain.value <= 0:
        return default, (
            "on the held-out stretch the choice is no better than the default settings: they stand"
        )
    return found.picked, "the held-out stretch confirms the choice"


def _of_support(support: Support) -> tuple[str, ...]:
    """What so many events can tell of so many columns."""
    if not support.columns:
        return ()
    found = f"{support.events} events for {support.columns} columns of tags"
    if support.is_crowded:
        return (
            f"{found}: more than they can tell apart, so that only the shrunk default and what "
            "leaves columns out competed",
        )
    if not np.isfinite(support.widest):
        return (f"{found}: enough for effects of any width",)
    return (f"{found}: enough for effects as wide as {support.widest:.2g}",)


def _of_references(stood: float, references: dict[str, float]) -> tuple[str, ...]:
    """Whether a forecast without a model did better than what stands, where neither had seen."""
    best = min(references, key=lambda name: references[name])
    if references[best] >= stood:
        return ()
    words = f"held out, '{best}' without a model does better than what stands"
    return (f"{words}: {references[best]:.5f} against {stood:.5f}",)
