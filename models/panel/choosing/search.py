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
from models.panel.choosing.candidates import AXES, Axes, Candidate
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


@dataclass(frozen=True, slots=True)
class _Rival:
    """A candidate with all its settings; `barred` says why it may not compete, empty if it may."""

    candidate: Candidate
    settings: Settings
    barred: str


def search(default: Settings, support: Support, bench: Bench, axes: Axes = AXES) -> Found:
    """Walk the axes once, from the default."""
    [first] = bench.judge(DEFAULT, [default])
    standing = _Standing(default, first.losses)
    trials = [
        Trial(
            DEFAULT, DEFAULT, default, _mean(first), None, first.seconds, False,
            "stands unless another is surely better",
        )
    ]  # fmt: skip
    for axis, named in axes.items():
        asked = [Candidate(axis, name, table) for name, table in named.items()]
        tried, standing = _along(asked, standing, first.losses, support, bench)
        trials += tried
    return Found(tuple(trials), standing.settings, standing.losses, first.losses)


def _along(
    asked: Sequence[Candidate], standing: _Standing, default: Array, support: Support, bench: Bench
) -> tuple[list[Trial], _Standing]:
    """The candidates of one axis: what became of them, and what stands after it."""
    rivals = _rivals(asked, standing.settings, support, bench)
    open_ = [rival for rival in rivals if not rival.barred]
    answers = bench.judge(asked[0].axis, [rival.settings for rival in open_]) if open_ else ()
    judged = {r.candidate: answer for r, answer in zip(open_, answers, strict=True)}
    gains = {c: bench.compare(j.losses, standing.losses) for c, j in judged.items()}
    best = max(gains, key=lambda c: gains[c].value, default=None)
    after, trials = standing, []
    for rival in rivals:
        c = rival.candidate
        if rival.barred:
            trials.append(_trial(rival, None, None, False, rival.barred))
            continue
        is_kept = c is best and gains[c].is_sure
        why = _words(gains[c], None if c is best else best)
        over = bench.compare(judged[c].losses, default)
        trials.append(_trial(rival, judged[c], over, is_kept, why))
        if is_kept:
            after = _Standing(rival.settings, judged[c].losses)
    return trials, after


def _rivals(
    asked: Sequence[Candidate], standing: Settings, support: Support, bench: Bench
) -> list[_Rival]:
    """The candidates that make another model than what stands, and why some may not compete."""
    heard, found = bench.columns_of(standing), []
    for candidate in asked:
        settings = settings_from(candidate.table, standing)
        columns = bench.columns_of(settings)
        if _kind(settings, columns) != _kind(standing, heard):
            barred = why_not(support, settings, columns, standing, heard)
            found.append(_Rival(candidate, settings, barred))
    return found


def _trial(
    rival: _Rival, judged: Judged | None, gain: Difference | None, is_kept: bool, why: str
) -> Trial:
    c, loss, seconds = rival.candidate, None, 0.0
    if judged:
        loss, seconds = _mean(judged), judged.seconds
    return Trial(c.axis, c.name, rival.settings, loss, gain, seconds, is_kept, why)


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
