"""The search: axis by axis, what stands is replaced only by what is surely better.

On each axis every candidate that may compete is judged beside what stands, and the best of them
takes its place if its mean loss is lower by more than one standard error of the paired
difference. That is the one-standard-error rule, towards the default: to try many and to take
the best is itself a way to overfit. Source: Breiman et al. (1984), Classification and Regression
Trees, section 3.4.3; Hastie, Tibshirani and Friedman (2009), section 7.10.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from models.covariates import Array
from models.panel.choosing.candidates import AXES, Candidate, candidates
from models.panel.choosing.differences import Difference
from models.panel.choosing.support import SHRUNK, Support, why_not
from models.panel.choosing.table import settings_from
from models.panel.columns import Column
from models.panel.settings import Settings

DEFAULT = "default"


@dataclass(frozen=True, slots=True)
class Judged:
    """The losses (row,) of one candidate, on rows that all share, and what it took."""

    losses: Array
    seconds: float


@dataclass(frozen=True, slots=True)
class Trial:
    """What became of one candidate; `log_loss` and `gain` over the default where it was judged."""

    axis: str
    name: str
    settings: Settings
    log_loss: float | None
    gain: Difference | None
    seconds: float
    is_kept: bool
    why: str


@dataclass(frozen=True, slots=True)
class Found:
    """All trials, in order, and the settings that stand at the end, with their losses (row,)."""

    trials: tuple[Trial, ...]
    picked: Settings
    losses: Array
    default_losses: Array


@dataclass(frozen=True, slots=True)
class Bench:
    """Whom a search asks.

    `judge` the settings of an axis, `columns_of` settings at the end of what may be seen, and
    `compare` losses (row,) of one with those of another.
    """

    judge: Callable[[str, Sequence[Settings]], Sequence[Judged]]
    columns_of: Callable[[Settings], tuple[Column, ...]]
    compare: Callable[[Array, Array], Difference]


@dataclass(frozen=True, slots=True)
class _Standing:
    settings: Settings
    losses: Array


def search(default: Settings, support: Support, bench: Bench) -> Found:
    """Walk the axes once, from the default."""
    [first] = bench.judge(DEFAULT, [default])
    standing = _Standing(default, first.losses)
    trials = [
        Trial(
            DEFAULT, DEFAULT, default, _mean(first), None, first.seconds, False,
            "stands unless another is surely better",
        )
    ]  # fmt: skip
    for axis in AXES:
        tried, standing = _along(axis, standing, first.losses, support, bench)
        trials += tried
    return Found(tuple(trials), standing.settings, standing.losses, first.losses)


def _along(
    axis: str, standing: _Standing, default: Array, support: Support, bench: Bench
) -> tuple[list[Trial], _Standing]:
    """One axis: its trials, and what stands after it."""
    heard = bench.columns_of(standing.settings)
    asked = [(c, settings_from(c.table, standing.settings)) for c in candidates(axis)]
    kinds = [(c, s, bench.columns_of(s)) for c, s in asked]
    differing = [k for k in kinds if _kind(k[1], k[2]) != _kind(standing.settings, heard)]
    barred = {
        c: why_not(support, s, columns, standing.settings, heard) for c, s, columns in differing
    }
    open_ = [s for c, s, _ in differing if not barred[c]]
    answers = iter(bench.judge(axis, open_) if open_ else ())
    judged = {c: None if barred[c] else next(answers) for c, _, _ in differing}
    gains = {c: bench.compare(j.losses, standing.losses) for c, j in judged.items() if j}
    best = max(gains, key=lambda c: gains[c].value, default=None)
    trials = []
    for c, settings, _ in differing:
        j = judged[c]
        if j is None:
            trials.append(Trial(axis, c.name, settings, None, None, 0.0, False, barred[c]))
            continue
        is_kept = c is best and gains[c].is_sure
        why = _words(gains[c], None if c is best or best is None else best)
        over = bench.compare(j.losses, default)
        trials.append(Trial(axis, c.name, settings, _mean(j), over, j.seconds, is_kept, why))
        if is_kept:
            standing = _Standing(settings, j.losses)
    return trials, standing


def _kind(settings: Settings, columns: tuple[Column, ...]) -> object:
    """What makes two settings the same model; widths matter where something is shrunk."""
    is_shrunk = any(column.kind in SHRUNK for column in columns)
    return frozenset(columns), settings.shrinkage if is_shrunk else ()


def _words(gain: Difference, best: Candidate | None) -> str:
    if gain.error is None:
        return "too few stretches of time to tell"
    if gain.value <= 0:
        return "no better than what stands"
    errors = f"better than what stands by {gain.in_errors:.1f} standard errors"
    if not gain.is_sure:
        return f"{errors}: not enough"
    return errors if best is None else f"{errors}, but '{best.name}' is better still"


def _mean(judged: Judged) -> float:
    return float(np.mean(judged.losses))
