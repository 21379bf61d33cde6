"""Who is at risk when: the spans that a model learns on, and the rows that are forecast."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from forecast.backtest import BacktestTask
from models.covariates import Array
from models.panel.facts import Codes, Facts, Spans, Stream
from models.panel.landmarks import Landmarks, count_in

type Interval = tuple[float, float]


def with_spans(task: BacktestTask, facts: Facts) -> Facts:
    """The facts with when each unit is at risk, quiet days aside.

    The spans that the facts bring are kept. `until-event`: from a unit's first row to its first
    event or its last row.
    """
    if task.at_risk == "always":
        return facts
    lives = _lives(facts, task.definition)
    if facts.spans is not None:
        lives = _common(lives, facts.spans)
    return replace(facts, spans=lives)


def watched(task: BacktestTask, facts: Facts) -> Spans:
    """The spans, or from each unit's first row on; of all units, from the first row of all on."""
    if facts.spans is not None or task.units == "seen":
        return facts.at_risk()
    units = np.arange(len(facts.units))
    return Spans(units, np.full(len(units), facts.since()), np.full(len(units), np.inf))


def without_quiet(task: BacktestTask, facts: Facts, as_of: float) -> Facts:
    """The facts with the quiet days after each event that was known by `as_of` taken away.

    What is learnt is then learnt from the same kind of moments as are forecast.
    """
    if not task.quiet_days:
        return facts
    known = facts.events_of(task.definition).before(as_of)
    gaps: dict[int, list[Interval]] = defaultdict(list)
    for unit, begin, occurred in zip(known.unit, known.known, known.occurred, strict=True):
        if begin < occurred + task.quiet_days:  # known only after that it silenced nothing
            gaps[int(unit)].append((float(begin), float(occurred) + task.quiet_days))
    whole = watched(task, facts)
    kept = [
        (int(unit), *left)
        for unit, start, end in zip(whole.unit, whole.start, whole.end, strict=True)
        for left in _left_of((float(start), float(end)), sorted(gaps[int(unit)]))
    ]
    return replace(facts, spans=_spans(kept))


def marks_at(task: BacktestTask, facts: Facts, origins: Sequence[float]) -> Landmarks:
    """Every unit that is at risk at each origin, by unit and origin.

    Within `quiet_days` after an event that is known, it is not.
    """
    at = np.unique(np.asarray(origins, float))
    since = facts.first_seen() if task.units == "seen" else np.full(len(facts.units), -np.inf)
    spans = facts.spans
    if spans is None:
        spans = Spans(np.arange(len(since)), since, np.full(len(since), np.inf))
    first, last = (np.searchsorted(at, bound, side="right") for bound in (spans.start, spans.end))
    length = np.maximum(last - first, 0)
    nth = np.arange(length.sum()) - np.repeat(np.cumsum(length) - length, length)
    origin = at[np.repeat(first, length) + nth]
    unit = np.repeat(spans.unit, length)
    seen = origin > since[unit]
    marks = Landmarks.of(unit[seen], origin[seen])
    kept = np.ones(len(marks), bool)
    kept[1:] = (np.diff(marks.unit) != 0) | (np.diff(marks.origin) != 0)  # spans may overlap
    if task.quiet_days:
        events = facts.events_of(task.definition)
        ends = events.occurred + task.quiet_days
        felt = ends > events.known
        kept &= ~_inside(events.unit[felt], events.known[felt], ends[felt], marks)
    return Landmarks(marks.unit[kept], marks.origin[kept])


def _inside(unit: Codes, start: Array, end: Array, marks: Landmarks) -> NDArray[np.bool_]:
    """Whether each mark lies in an interval (start, end] of its unit."""
    begun, over = (count_in(_dated(unit, at), marks, -np.inf, 0.0) for at in (start, end))
    return np.asarray(begun > over)


def _dated(unit: Codes, at: Array) -> Stream:
    return Stream(unit, np.zeros(len(unit), np.int64), at, at, np.ones(len(unit)))


def _lives(facts: Facts, kind: str) -> Spans:
    rows, events = facts.indicators, facts.events_of(kind)
    start = facts.first_seen()
    last, first_event = np.full(len(start), -np.inf), np.full(len(start), np.inf)
    np.maximum.at(last, rows.unit, rows.occurred)
    np.minimum.at(first_event, events.unit, events.occurred)
    end = np.minimum(last, first_event)
    lived = np.flatnonzero(end > start)
    return Spans(lived, start[lived], end[lived])


def _common(one: Spans, other: Spans) -> Spans:
    """What lies in both."""
    found = []
    for unit, start, end in zip(one.unit, one.start, one.end, strict=True):
        its = other.unit == unit
        for begin, until in zip(other.start[its], other.end[its], strict=True):
            if max(start, begin) < min(end, until):
                found.append((int(unit), float(max(start, begin)), float(min(end, until))))
    return _spans(found)


def _left_of(span: Interval, gaps: list[Interval]) -> list[Interval]:
    """What gaps, sorted, leave of a span."""
    start, end = span
    left = []
    for begin, until in gaps:
        if start < begin:
            left.append((start, min(begin, end)))
        start = max(start, until)
        if start >= end:
            return left
    return [*left, (start, end)]


def _spans(rows: list[tuple[int, float, float]]) -> Spans:
    unit, start, end = (np.array([row[i] for row in rows]) for i in range(3))
    return Spans(unit.astype(np.int64), start.astype(float), end.astype(float))
