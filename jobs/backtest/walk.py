"""A walk: every block of a task on an executor, and their rows in one piece."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np

from forecast.backtest import BacktestTask, FitNote, Forecasts, LeakCheck
from forecast.errors import InputError, UsageError
from jobs.backtest.blocks import Block, Done
from jobs.backtest.origins import from_days, origins, refits
from jobs.backtest.parts import Kept, Placed
from jobs.backtest.risk import marks_at, with_spans
from jobs.executor import Executor
from models.panel.facts import Facts

CHECKED = 12  # origins, spread over the walk
FITS_CHECKED = 2  # of their blocks
MOST_ROWS = 20_000_000  # units by origins; their columns are held at once

type Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Walked:
    """The rows of a walk, with a note of each fit and the leak check, if it was made."""

    rows: Forecasts
    fits: tuple[FitNote, ...]
    leak_check: LeakCheck | None


def blocks_of(
    task: BacktestTask, seed: int, check: bool, facts: Facts | None = None
) -> list[Block]:
    """The blocks of a task; with `check`, some of their origins are checked for leaks.

    With `facts` those at which a unit is at risk: where nobody is, nothing can be seen to change.
    """
    asked = origins(task)
    if not asked:
        raise InputError("no origin has its whole window within the data", at=task.name)
    starts = refits(task, asked[-1])
    found = []
    for place, (start, end) in enumerate(pairwise([*starts, np.inf])):
        inside = tuple(o for o in asked if start <= o < end)
        if inside:
            found.append(Block(task, seed, place, start, inside))
    if not check:
        return found
    at_risk = asked if facts is None else marks_at(task, with_spans(task, facts), asked).origin
    return _checked(found, set(np.asarray(at_risk).tolist()))


def check_size(task: BacktestTask, facts: Facts) -> None:
    """UsageError before hours of work: more rows than can be held, or none to be scored."""
    asked, place = origins(task), f"{task.name}.every"
    if len(asked) * len(facts.units) > MOST_ROWS:
        words = f"{len(asked):,} origins of {len(facts.units):,} units are more than"
        raise UsageError(f"{words} {MOST_ROWS:,} rows; forecast less often", at=place)
    if asked and not len(marks_at(task, with_spans(task, facts), asked)):
        raise UsageError("no unit is at risk at any origin: nothing can be scored", at=task.name)


def _checked(blocks: list[Block], may: Collection[float]) -> list[Block]:
    """Of the origins that `may` be, some spread over the walk; of some blocks the first one,
    with its fit.
    """
    those = [tuple(o for o in block.origins if o in may) for block in blocks]
    places = [place for place, some in enumerate(those) if some]
    spread = np.linspace(0, len(places) - 1, FITS_CHECKED if places else 0).round()
    refitted = {places[int(i)] for i in spread}
    firsts = {those[place][0] for place in refitted}
    rest = [o for some in those for o in some if o not in firsts]
    more = min(max(CHECKED - len(firsts), 0), len(rest))
    picked = firsts | {rest[int(i)] for i in np.linspace(0, len(rest) - 1, more).round()}
    return [
        replace(
            block,
            checked=tuple(o for o in some if o in picked),
            check_fit=place in refitted,
        )
        for place, (block, some) in enumerate(zip(blocks, those, strict=True))
    ]


def walk[Item: Placed](
    executor: Executor,
    work: Callable[[bytes, Item], Done],
    blocks: Sequence[Item],
    progress: Progress,
    kept: Kept | None = None,
) -> list[Done]:
    """What each block came to, in order; those that are `kept` are not run again.

    `progress(done, total)` is called as it begins, and after each block.
    """
    found = kept.there() if kept else {}
    waiting = [block for block in blocks if block.place not in found]
    progress(len(blocks) - len(waiting), len(blocks))
    answers = executor.map(work, waiting)
    if kept:
        answers = kept.keeping(waiting, answers)
    for block, done in zip(waiting, answers, strict=True):
        found[block.place] = done
        progress(len(found), len(blocks))
    return [found[block.place] for block in blocks]


def joined(blocks: Sequence[Block], parts: Sequence[Done]) -> Walked:
    """The rows of all blocks, by origin and then unit."""
    notes = tuple(
        FitNote(from_days(block.as_of), done.khat, done.seconds, done.findings)
        for block, done in zip(blocks, parts, strict=True)
    )
    checked = sum(len(block.checked) for block in blocks)
    return Walked(in_one([done.rows for done in parts]), notes, leaks_of(checked, parts))


def leaks_of(origins_checked: int, parts: Sequence[Done]) -> LeakCheck | None:
    """What the leak checks of all blocks came to; None where there were none."""
    planted, changed = (sum(getattr(d, name) for d in parts) for name in ("planted", "changed"))
    return LeakCheck(origins_checked, planted, changed) if origins_checked else None


def in_one(rows: Sequence[Forecasts]) -> Forecasts:
    """The rows of several parts of one walk."""
    names = rows[0].baselines
    return Forecasts(
        units=rows[0].units,
        unit=np.concatenate([part.unit for part in rows]),
        origin=np.concatenate([part.origin for part in rows]),
        p=np.concatenate([part.p for part in rows]),
        lower=np.concatenate([part.lower for part in rows]),
        upper=np.concatenate([part.upper for part in rows]),
        outcome=np.concatenate([part.outcome for part in rows]),
        event_at=np.concatenate([part.event_at for part in rows]),
        baselines={name: np.concatenate([p.baselines[name] for p in rows]) for name in names},
    )
