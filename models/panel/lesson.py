"""Lessons: facts up to a moment as windows with standardised columns, and what was left out."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from models.covariates import Array
from models.panel.columns import SCALED, Column, Recipe, build, choose, levels_of, recurs
from models.panel.density import Prior, Windows
from models.panel.facts import Codes, Facts, Spans
from models.panel.landmarks import Landmarks, count_in, landmarks
from models.panel.settings import Settings

LEAST_SPREAD = 1e-9
FAR = 3.0  # standard deviations between the believed rate and the seen one
SHOWN = 5  # names of columns in one finding
MOST_PER_WINDOW = 20  # landmarks looked at for each window that is kept
NO_WINDOWS = 0.1  # events a horizon, where nothing has been watched for that long

# Normal(mean, sd) of what a column's coefficient is; `tag` and `event` are shrunk together
ON_RATIOS = {
    "history": (0.15, 0.3),
    "activity": (0.0, 0.3),
    "drift": (0.3, 0.3),
}  # of log rate ratios
ON_STANDARDISED = dict.fromkeys(("level", "change", "sine", "cosine", "age"), 0.3)


@dataclass(frozen=True, slots=True)
class Scaling:
    """Standardising: the `mean` and `sd` (column,), and the range seen, beyond which all is cut."""

    mean: Array
    sd: Array
    low: Array
    high: Array

    @classmethod
    def of(cls, raw: Array) -> "Scaling":
        """From raw columns (row, column); a column without a number has mean and spread 0."""
        numbers = np.isfinite(raw)
        count = np.maximum(numbers.sum(axis=0), 1)
        mean = np.where(numbers, raw, 0.0).sum(axis=0) / count
        sd = np.sqrt(np.where(numbers, (raw - mean) ** 2, 0.0).sum(axis=0) / count)
        low = np.where(numbers, raw, np.inf).min(axis=0, initial=np.inf)
        high = np.where(numbers, raw, -np.inf).max(axis=0, initial=-np.inf)
        return cls(mean, sd, low, high)

    def only(self, kept: NDArray[np.bool_]) -> "Scaling":
        """Of some columns."""
        return Scaling(self.mean[kept], self.sd[kept], self.low[kept], self.high[kept])

    def apply(self, raw: Array) -> Array:
        """Standardised columns; what is missing is at its mean."""
        z = (np.clip(raw, self.low, self.high) - self.mean) / self.sd
        return np.nan_to_num(z, nan=0.0)


@dataclass(frozen=True, slots=True)
class Lesson:
    """What is learnt from; `counts` (window,) are the events in each window.

    `findings` are plain sentences about what the facts cannot teach.
    """

    made: Recipe
    scaling: Scaling
    windows: Windows
    counts: Array
    findings: tuple[str, ...]


def prepare(facts: Facts, kind: str, as_of: float, horizon: float, settings: Settings) -> Lesson:
    """The windows that had ended by `as_of`, seen with what was known at each one's start."""
    known = facts.before(as_of)
    every, share = _landmarks(known.at_risk(), as_of, horizon, settings)
    counts = count_in(known.events_of(kind), every, 0.0, horizon)
    places, stands_for = _thinned(counts, settings.windows)
    marks, counts = Landmarks(every.unit[places], every.origin[places]), counts[places]
    happened, weight = (counts > 0).astype(float), share * stands_for
    rate = _crude(float(weight @ happened), float(weight.sum()) * horizon, horizon)
    columns = tuple(choose(known, kind, as_of, horizon, settings)) if len(marks) else ()
    made = _recipe(known, kind, as_of, rate, columns, levels_of(known, settings))
    raw = build(made, known, marks)
    scaling = Scaling.of(raw)
    kept, findings = _worth_keeping(columns, raw, scaling)
    made = replace(made, columns=tuple(c for c, k in zip(columns, kept, strict=True) if k))
    scaling = scaling.only(kept)
    x = np.ascontiguousarray(scaling.apply(raw[:, kept]))
    windows = Windows(x, happened, weight, marks.unit, len(facts.units), horizon)
    findings += _about(kind, windows, made) + _conflict(settings, windows, rate)
    return Lesson(made, scaling, windows, counts, tuple(findings))


def _recipe(
    known: Facts,
    kind: str,
    as_of: float,
    rate: float,
    columns: tuple[Column, ...],
    levels: tuple[str, ...],
) -> Recipe:
    spans = known.at_risk()
    since = known.since() if known.spans is None else float(spans.start.min(initial=np.inf))
    incidents = tuple(tag for tag in known.tags if tag not in levels)
    days = float(np.maximum(np.minimum(spans.end, as_of) - spans.start, 0.0).sum())
    activity = _crude(float(known.incidents(incidents).value.sum()), days, NO_WINDOWS)
    watched = spans.grouped()
    return Recipe(columns, kind, recurs(known, kind), rate, incidents, activity, since, watched)


def prior_of(lesson: Lesson, settings: Settings) -> Prior:
    """Priors on standardised columns, one width for each shrinkage."""
    kinds = [c.kind for c in lesson.made.columns]
    mean, sd = np.zeros(len(kinds)), np.empty((len(settings.shrinkage), len(kinds)))
    for i, kind in enumerate(kinds):
        if kind in SCALED:
            mean[i], sd[:, i] = np.array(ON_RATIOS[kind]) * lesson.scaling.sd[i]
        else:
            sd[:, i] = ON_STANDARDISED.get(kind, settings.shrinkage)
    widths = len(settings.shrinkage)
    return Prior(
        settings.log_rate or (float(np.log(lesson.made.rate)), 1.0),
        settings.log_shape,
        mean,
        sd,
        np.full(widths, -np.log(widths)),
    )


def _landmarks(
    spans: Spans, as_of: float, horizon: float, settings: Settings
) -> tuple[Landmarks, float]:
    """Landmarks whose windows have ended, and their weight, so that no day counts twice.

    They are a step apart, or more where there would be far too many, but no day is left out.
    """
    last, step = as_of - horizon, settings.step * horizon
    begins = np.maximum(spans.start, settings.since)
    watched = np.maximum(np.minimum(last, spans.end) - begins, 0.0).sum()
    step *= max(1.0, watched / step / (MOST_PER_WINDOW * settings.windows))
    step = min(step, horizon)
    every = landmarks(spans, last, step)
    kept = every.origin >= settings.since
    return Landmarks(every.unit[kept], every.origin[kept]), step / horizon


def _thinned(happened: Array, most: int) -> tuple[Codes, Array]:
    """At most this many places of windows, and what each of them stands for (place,).

    Windows with an event are the rarer and say more: all are kept while they fill half of the
    room. Of the others some are drawn, and weigh as much as all of them did.
    """
    if len(happened) <= most:
        return np.arange(len(happened)), np.ones(len(happened))
    hits, rest = np.flatnonzero(happened > 0), np.flatnonzero(happened == 0)
    room = min(len(hits), max(most // 2, most - len(rest)))
    rng = np.random.default_rng(0)
    kept = [rng.choice(hits, room, False), rng.choice(rest, min(most - room, len(rest)), False)]
    stands_for = [
        np.full(len(some), len(of) / max(len(some), 1))
        for some, of in zip(kept, (hits, rest), strict=True)
    ]
    places = np.concatenate(kept)
    order = np.argsort(places)
    return places[order], np.concatenate(stands_for)[order]


def _crude(events: float, days: float, horizon: float) -> float:
    """Windows with an event a day, never 0; half an event is added, as by Jeffreys' prior."""
    return (events + 0.5) / days if days else NO_WINDOWS / horizon


def _worth_keeping(
    columns: tuple[Column, ...], raw: Array, scaling: Scaling
) -> tuple[NDArray[np.bool_], list[str]]:
    """Which columns vary and repeat no other, and what was found of the rest."""
    varies = scaling.sd > LEAST_SPREAD * (1 + abs(scaling.mean))
    kept, findings = varies.copy(), []
    x = scaling.only(varies).apply(raw[:, varies])
    # equal columns have equal sums over rows that count by chance
    sums = np.random.default_rng(0).standard_normal(len(raw)) @ x
    places = np.flatnonzero(varies)
    order = np.argsort(sums, kind="stable")
    same = np.diff(sums[order]) <= 1e-9 * np.sqrt(len(raw))
    for i in np.flatnonzero(same):
        kept[places[max(order[i], order[i + 1])]] = False
    if not varies.all():
        findings.append(f"{_listed(columns, ~varies)} never changed, and was left out")
    if (varies & ~kept).any():
        findings.append(f"{_listed(columns, varies & ~kept)} repeats another, and was left out")
    return kept, findings


def _listed(columns: tuple[Column, ...], which: NDArray[np.bool_]) -> str:
    names = [c.name for c, w in zip(columns, which, strict=True) if w]
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return "; ".join(names[:SHOWN]) + more


def _about(kind: str, windows: Windows, made: Recipe) -> list[str]:
    """What the windows cannot teach."""
    if not len(windows.x):
        return ["no window has ended at a unit at risk: only the priors speak"]
    findings, hit = [], windows.happened > 0
    days = windows.weight.sum() * windows.length
    if not hit.any():
        findings.append(f"no event {kind} in {days:.0f} unit-days: only a low rate can be told")
    if hit.all():
        findings.append(f"every window has an event {kind}: only a high rate can be told")
    if len(np.unique(windows.unit)) == 1:
        findings.append("one unit only: how units differ is not known")
    if hit.any() and not hit.all():
        low, high = windows.x[hit].min(axis=0), windows.x[hit].max(axis=0)
        below, above = windows.x[~hit].max(axis=0), windows.x[~hit].min(axis=0)
        apart = (low > below) | (high < above)
        if apart.any():
            names = _listed(made.columns, apart)
            findings.append(
                f"{names} parts windows with an event from all others: "
                "only the prior holds its effect back"
            )
    return findings


def _conflict(settings: Settings, windows: Windows, rate: float) -> list[str]:
    """Whether the rate that was believed is far from the one that was seen."""
    if settings.log_rate is None or not len(windows.x):
        return []
    mean, sd = settings.log_rate
    events = float(windows.weight @ windows.happened)
    apart = float(np.log(rate)) - mean
    if abs(apart) <= FAR * np.hypot(sd, 1 / np.sqrt(events + 0.5)):
        return []
    return [f"events came {np.exp(apart):.2g} times as often as was believed: check the base rate"]
