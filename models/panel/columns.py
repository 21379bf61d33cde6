"""Columns: what a landmark looked like to someone who knew only what was known then.

tag       log2(1 + stock) at several half-lives; one row of full value is one incident
activity  log( (1 + n) / (1 + rate * time) ) of all rows of such tags at the unit, both faded, where
          `rate` is the class's: what no single tag tells alone
event     the same of events of other kinds
history   log( (1 + n) / (1 + rate * time) ) of the unit's own events, both faded, where `rate`
          is the class's: above 0 for a unit that has had more than its share
drift     the same of the class as a whole: above 0 while events come faster than they used to
level     the last value of a level tag, and its change; missing where stale
season    sine and cosine of the time of year;   age   log(1 + days at risk so far)
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from models.covariates import Array
from models.panel.facts import Facts, Stream, one_at_most
from models.panel.landmarks import Landmarks, faded_time, last_known, stocks
from models.panel.settings import Settings, level_tags, usual_gap

YEAR = 365.25
UNIT_PRIOR = 1.0  # events at the class's rate, that a unit's history is shrunk by
CLASS_PRIOR = 5.0
LEAST_YEARS = 2.0  # of facts, from which a season can be told
WORDS = {
    "history": "own history",
    "activity": "all that was reported",
    "drift": "history of the class",
}
SCALED = set(WORDS)  # a coefficient of one hands a log ratio of rates on in full


@dataclass(frozen=True, slots=True)
class Column:
    """One covariate: of which tag or kind, with which half-life or lag, stale after how long."""

    kind: str
    of: str = ""
    days: float = 0.0
    stale: float = np.inf

    @property
    def name(self) -> str:
        """In words."""
        match self.kind:
            case "tag":
                return f"{self.of}, {self._fades}"
            case "event":
                return f"events {self.of}, {self._fades}"
            case "history" | "activity" | "drift":
                return f"{WORDS[self.kind]}, {self._fades}"
            case "change":
                return f"{self.of}, change in {self.days:.3g} days"
            case "sine" | "cosine":
                return f"season, {self.kind}"
            case _:
                return self.of or self.kind

    @property
    def _fades(self) -> str:
        return f"half-life {self.days:.3g} days" if np.isfinite(self.days) else "of all time"


@dataclass(frozen=True, slots=True)
class Recipe:
    """How columns are made from facts: chosen at a fit, followed at every prediction.

    `kind` of event and whether it `recurs` at a unit, `rate` of the class in windows with an
    event a unit-day; `incidents` are the tags that are no levels, and `activity` how many rows of
    them come a unit-day; `since` when watching began; `watched` are the class's spans at risk
    (start, end, how many), which stand in where a prediction's facts have none: those may be one
    unit's.
    """

    columns: tuple[Column, ...]
    kind: str
    recurs: bool
    rate: float
    incidents: tuple[str, ...]
    activity: float
    since: float
    watched: tuple[tuple[float, float, int], ...]


def choose(
    facts: Facts, kind: str, as_of: float, horizon: float, settings: Settings
) -> list[Column]:
    """The columns that these facts allow: no half-life is longer than the facts reach back."""
    reach = as_of - facts.since()

    def halves(of_horizons: tuple[float, ...]) -> list[float]:
        return [h * horizon for h in of_horizons if h * horizon <= reach or np.isinf(h)]

    levels = levels_of(facts, settings)
    # a tag that will be heard of only later must change nothing
    heard = {facts.tags[code] for code in np.unique(facts.indicators.name)}
    incidents = [tag for tag in facts.tags if tag in heard and tag not in levels]
    columns = [Column("tag", tag, h) for tag in incidents for h in halves(settings.half_lives)]
    if len(incidents) > 1:
        columns += [Column("activity", days=h) for h in halves(settings.activity)]
    others = [name for name in facts.kinds if name != kind]
    columns += [Column("event", name, h) for name in others for h in halves(settings.half_lives)]
    if recurs(facts, kind):
        columns += [Column("history", days=h) for h in halves(settings.history)]
        columns += [Column("drift", days=h) for h in halves(settings.drift)]
    if settings.season and reach > LEAST_YEARS * YEAR:
        columns += [Column("sine", "season"), Column("cosine", "season")]
    if facts.spans is not None:
        columns.append(Column("age"))
    for tag in facts.tags:
        if settings.levels and tag in levels:
            columns += _level_columns(facts, tag, settings)
    return columns


def levels_of(facts: Facts, settings: Settings) -> tuple[str, ...]:
    """The level tags: those that the settings name, or what the data look like."""
    named = settings.level_tags
    return level_tags(facts.indicators, facts.tags) if named is None else named


def recurs(facts: Facts, kind: str) -> bool:
    """Whether a unit that has had its event is still at risk of another."""
    events, spans = facts.events_of(kind), facts.at_risk()
    until = np.full(len(facts.units), -np.inf)
    np.maximum.at(until, spans.unit, spans.end)
    return not len(events) or bool((until[events.unit] > events.occurred).any())


def _level_columns(facts: Facts, tag: str, settings: Settings) -> list[Column]:
    gap = usual_gap(facts.indicators.where(facts.indicators.name == facts.tags.index(tag)))
    stale = settings.stale * gap
    changes = [Column("change", tag, n * gap, stale) for n in settings.changes]
    return [Column("level", tag, 0.0, stale), *changes]


@dataclass(frozen=True, slots=True)
class _View:
    """What the columns of one kind are made from; `age` (row,) is days watched so far."""

    made: Recipe
    facts: Facts
    marks: Landmarks
    age: Array


def build(made: Recipe, facts: Facts, marks: Landmarks) -> Array:
    """Raw columns (row, column) at landmarks; NaN where a level is missing or stale.

    Each row sees only what was usable at its own landmark, whatever else the facts hold.
    """
    began = np.full(len(facts.units), made.since)
    if facts.spans is not None:
        began[:] = np.inf
        np.minimum.at(began, facts.spans.unit, facts.spans.start)
    view = _View(made, facts, marks, np.maximum(marks.origin - began[marks.unit], 0.0))
    out = np.zeros((len(marks), len(made.columns)))
    for kind, fill in FILL.items():
        places = [i for i, column in enumerate(made.columns) if column.kind == kind]
        if places:
            out[:, places] = fill(view, [made.columns[i] for i in places])
    return out


def _tags(view: _View, columns: list[Column]) -> Array:
    return _stocks_of(view.facts.indicators, view.facts.tags, columns, view.marks)


def _events(view: _View, columns: list[Column]) -> Array:
    return _stocks_of(view.facts.events, view.facts.kinds, columns, view.marks)


def _stocks_of(
    rows: Stream, names: tuple[str, ...], columns: list[Column], marks: Landmarks
) -> Array:
    asked, halves = sorted({c.of for c in columns}), sorted({c.days for c in columns})
    place = np.array([asked.index(n) if n in asked else -1 for n in names], np.int64)
    rows = rows.where((place[rows.name] >= 0) & np.isin(rows.unit, marks.unit))
    counted = replace(rows, name=place[rows.name], value=one_at_most(rows.value))
    found = stocks(counted, len(asked), marks, np.array(halves))
    picked = [found[:, asked.index(c.of), halves.index(c.days)] for c in columns]
    stock = np.stack(picked, axis=1)
    return np.asarray(np.sign(stock) * np.log2(1.0 + abs(stock)))


def _history(view: _View, columns: list[Column]) -> Array:
    return _against_class(view, view.facts.events_of(view.made.kind), view.made.rate, columns)


def _activity(view: _View, columns: list[Column]) -> Array:
    rows = view.facts.incidents(view.made.incidents)
    return _against_class(view, rows, view.made.activity, columns)


def _against_class(view: _View, rows: Stream, rate: float, columns: list[Column]) -> Array:
    """log( (1 + seen) / (1 + expected at the class's rate) ) of rows at the unit, both faded."""
    halves = np.array([c.days for c in columns])
    rows = rows.where(np.isin(rows.unit, view.marks.unit))
    seen = stocks(replace(rows, name=np.zeros_like(rows.name)), 1, view.marks, halves)[:, 0]
    expected = rate * faded_time(view.age, halves)
    return np.asarray(np.log((UNIT_PRIOR + seen) / (UNIT_PRIOR + expected)))


def _drift(view: _View, columns: list[Column]) -> Array:
    halves = np.array([c.days for c in columns])
    moments, place = np.unique(view.marks.origin, return_inverse=True)
    events = view.facts.events_of(view.made.kind)
    nobody = np.zeros_like(events.unit)
    pooled = replace(events, unit=nobody, name=nobody)
    marks = Landmarks(np.zeros(len(moments), np.int64), moments)
    seen = stocks(pooled, 1, marks, halves)[:, 0]
    spans = view.facts.spans
    watched = _watched(spans.grouped() if spans else view.made.watched, moments, halves)
    ratio = (CLASS_PRIOR + seen) / (CLASS_PRIOR + view.made.rate * watched)
    return np.asarray(np.log(ratio)[place])


def _watched(spans: tuple[tuple[float, float, int], ...], moments: Array, halves: Array) -> Array:
    """Faded days at risk (moment, half-life), summed over units."""
    total = np.zeros((len(moments), len(halves)))
    for start, end, units in spans:
        whole, gone = faded_time(moments - start, halves), faded_time(moments - end, halves)
        total += units * (whole - gone)
    return total


def _sine(view: _View, columns: list[Column]) -> Array:
    return np.sin(2 * np.pi * view.marks.origin / YEAR)[:, None]


def _cosine(view: _View, columns: list[Column]) -> Array:
    return np.cos(2 * np.pi * view.marks.origin / YEAR)[:, None]


def _age(view: _View, columns: list[Column]) -> Array:
    return np.log1p(view.age)[:, None]


def _levels(view: _View, columns: list[Column]) -> Array:
    return np.stack([_level(view, column) for column in columns], axis=1)


def _level(view: _View, column: Column) -> Array:
    if column.of not in view.facts.tags:
        return np.full(len(view.marks), np.nan)
    rows = view.facts.indicators
    rows = rows.where(rows.name == view.facts.tags.index(column.of))
    value, age = last_known(rows, view.marks, 0.0)
    value = np.where(age <= column.stale, value, np.nan)
    if column.kind == "level":
        return np.asarray(value)
    before, old = last_known(rows, view.marks, column.days)
    return np.asarray(np.where(old - column.days <= column.stale, value - before, np.nan))


FILL: dict[str, Callable[[_View, list[Column]], Array]] = {
    "tag": _tags,
    "event": _events,
    "history": _history,
    "activity": _activity,
    "drift": _drift,
    "sine": _sine,
    "cosine": _cosine,
    "age": _age,
    "level": _levels,
    "change": _levels,
}
