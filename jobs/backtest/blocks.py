"""A block: one refit, and the forecasts of every origin until the next; the unit of work.

    fit        on windows that had ended by the refit
    forecast   each origin from what was usable at it
    references the same, see `models.baselines`
    check      some origins again on facts with what became known later planted, see `planting`

Blocks do not depend on each other, and equal blocks give equal bytes, wherever they are run.
"""

import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
from threadpoolctl import threadpool_limits

from forecast.backtest import BacktestTask, Forecasts
from jobs.backtest.origins import origins, to_days, training_origins, usual_step
from jobs.backtest.packing import unpack_facts
from jobs.backtest.planting import plant
from jobs.backtest.risk import marks_at, watched, with_spans, without_quiet
from models.baselines import Columns, Outcomes, Rows, columns, forecasts, outcomes
from models.covariates import Array
from models.panel.choosing.table import settings_from
from models.panel.facts import Facts
from models.panel.fitted import PanelFit
from models.panel.landmarks import Landmarks
from models.panel.learn import fit
from models.panel.settings import QUICK, Settings

# a fit loads its data into the one compiled density of its process
ONE_AT_A_TIME = threading.Lock()


@dataclass(frozen=True, slots=True)
class Block:
    """`place` in the walk, the refit `as_of` and the `origins` until the next, in days since 1970.

    The origins of `checked` are forecast again on facts with later ones planted; with
    `check_fit` the first of them by a fit that is made again, and the references too.
    """

    task: BacktestTask
    seed: int
    place: int
    as_of: float
    origins: tuple[float, ...]
    checked: tuple[float, ...] = ()
    check_fit: bool = False


@dataclass(frozen=True, slots=True)
class Done:
    """What a block came to; `planted` rows in its leak check `changed` so many forecasts."""

    rows: Forecasts
    khat: float | None
    findings: tuple[str, ...]
    seconds: float
    planted: int = 0
    changed: int = 0


def run_block(packed: bytes, block: Block) -> Done:
    """Fit and forecast one block on packed facts."""
    began = time.perf_counter()
    with ONE_AT_A_TIME, threadpool_limits(1, user_api="blas"):
        facts = _facts(packed, block.task)
        learnt = learn(facts, block)
        rows = _forecast(facts, block, learnt, _references(packed, block.task))
        took = time.perf_counter() - began
        planted, changed = check(facts, block, learnt)
    khat = None if np.isnan(learnt.khat) else learnt.khat
    return Done(rows, khat, learnt.findings, took, planted, changed)


@dataclass(frozen=True, slots=True)
class References:
    """The columns and outcomes of all rows of a task, those it trains on and those it scores."""

    marks: Landmarks
    seen: Columns
    held: Outcomes

    @classmethod
    def of(cls, facts: Facts, task: BacktestTask, scored: Sequence[float]) -> "References":
        """Of the training origins and the `scored` ones."""
        marks = marks_at(task, facts, [*training_origins(task, facts.since()), *scored])
        horizon, step = task.horizon_days, usual_step(task.every)
        kind, at_risk = task.definition, watched(task, facts)
        begins = to_days(task.score_start)
        seen = columns(facts, kind, marks, horizon, step, at_risk, begins, task.level_tags)
        return cls(marks, seen, outcomes(facts, task.definition, marks, horizon))

    def forecasts(self, as_of: float, asked: Rows) -> dict[str, Array]:
        """Forecasts of the asked rows, learnt from windows that had ended by `as_of`."""
        past = self.held.ended <= as_of
        happened = (self.held.known[past] < as_of).astype(float)
        return forecasts(self.seen, past, happened, asked)


# a walk asks for the facts and the columns of one task again and again
@lru_cache(maxsize=2)
def _facts(packed: bytes, task: BacktestTask) -> Facts:
    return with_spans(task, unpack_facts(packed))


@lru_cache(maxsize=1)
def _references(packed: bytes, task: BacktestTask) -> References:
    return References.of(_facts(packed, task), task, origins(task))


def settings_of(task: BacktestTask) -> Settings:
    """What the model of a task is learnt with."""
    since = to_days(task.train_start) if task.train_start else -np.inf
    stated = replace(QUICK, level_tags=task.level_tags, since=since)
    return settings_from(task.settings, stated)


def learn(facts: Facts, block: Block) -> PanelFit:
    """The fit of a block."""
    task = block.task
    at_risk = without_quiet(task, facts, block.as_of)
    horizon, settings = task.horizon_days, settings_of(task)
    return fit(at_risk, task.definition, block.as_of, horizon, settings, block.seed)


def _forecast(facts: Facts, block: Block, learnt: PanelFit, references: References) -> Forecasts:
    """The rows of a block, by origin and then unit."""
    asked = np.isin(references.marks.origin, block.origins)
    unit, origin = references.marks.unit[asked], references.marks.origin[asked]
    at_risk = without_quiet(block.task, facts, block.as_of)
    found = learnt.at(at_risk, Landmarks(unit, origin))
    first = references.held.first[asked]
    order = np.lexsort((unit, origin))
    baselines = references.forecasts(block.as_of, asked)
    return Forecasts(
        units=facts.units,
        unit=unit[order],
        origin=origin[order],
        p=found.p[order],
        lower=found.lower[order],
        upper=found.upper[order],
        outcome=np.isfinite(first[order]).astype(float),
        event_at=np.where(np.isfinite(first), first, np.nan)[order],
        baselines={name: p[order] for name, p in baselines.items()},
    )


def check(facts: Facts, block: Block, learnt: PanelFit) -> tuple[int, int]:
    """How many rows were planted, and how many forecasts they changed, if by a single bit."""
    planted = changed = 0
    for origin in block.checked:
        strange, count = plant(facts, block.task.definition, origin, block.seed)
        planted += count
        marks, theirs = (marks_at(block.task, each, [origin]) for each in (facts, strange))
        if not np.array_equal(marks.unit, theirs.unit):  # who is at risk is known at the origin
            changed += len(np.setxor1d(marks.unit, theirs.unit))
            continue
        anew = block.check_fit and origin == block.checked[0]
        again = learn(strange, block) if anew else learnt
        # both of these marks alone: sums of other lengths differ in their last bits
        ours = _at(facts, block, learnt, marks)
        differs = ours != _at(strange, block, again, marks)
        if anew:
            said, strangely = (_references_at(each, block, origin) for each in (facts, strange))
            differs |= (said != strangely).any(axis=0)
        changed += int(differs.sum())
    return planted, changed


def _at(facts: Facts, block: Block, learnt: PanelFit, marks: Landmarks) -> Array:
    return learnt.at(without_quiet(block.task, facts, block.as_of), marks).p


def _references_at(facts: Facts, block: Block, origin: float) -> Array:
    """What the references (name, row) say at an origin, of rows up to it alone."""
    until = [o for o in origins(block.task) if o <= origin]
    references = References.of(facts, block.task, until)
    found = references.forecasts(block.as_of, references.marks.origin == origin)
    return np.stack(list(found.values()))
