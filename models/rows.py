"""Time at risk, cut into rows: what a likelihood is computed from."""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from forecast.clock import days_between, format_instant
from forecast.evidence import Coverage, CoverageState, Event
from forecast.names import matches
from models.covariates import Array, Pulses, covariates


@dataclass(frozen=True, slots=True)
class Rows:
    """Time at risk of one or many units, cut into rows with constant covariates.

    `x` (row, tag), `exposure` (row,) in days, `events` (row,) counts, `unit` (row,) sorted index
    into `events_by_unit` (unit,).
    """

    x: Array
    exposure: Array
    events: Array
    unit: NDArray[np.int64]
    events_by_unit: Array

    @property
    def bounds(self) -> NDArray[np.int64]:
        """Where each unit's rows begin, and the end of the last (unit + 1,)."""
        return np.searchsorted(self.unit, np.arange(len(self.events_by_unit) + 1))

    @classmethod
    def of_one_unit(cls, x: Array, exposure: Array, events: Array) -> "Rows":
        """Rows of a single unit."""
        return cls(x, exposure, events, np.zeros(len(x), np.int64), np.array([events.sum()]))

    def between(self, first: int, last: int | None = None) -> "Rows":
        """The rows of one unit from place `first` up to `last`."""
        part = slice(first, last)
        return Rows.of_one_unit(self.x[part], self.exposure[part], self.events[part])


def daily_rows(
    pulses: Pulses,
    events: list[Event],
    as_of: datetime,
    recurrent: bool,
    coverage: Iterable[Coverage] = (),
) -> Rows:
    """One row a whole day from the origin to as_of, with what was known at its start.

    Evidence of a day enters the next one. Where the event can happen only once, the time at
    risk ends with it. A day's exposure is the part of it at risk by the `coverage`; a day with
    an event counts in full, for the event shows that there was a risk (see `contradictions`).
    """
    days = np.arange(max(math.floor(days_between(pulses.origin, as_of)), 0), dtype=float)
    counts = np.zeros(len(days))
    exposure = at_risk(coverage, pulses.origin, np.arange(len(days) + 1.0))
    for event in events:
        day = math.floor(days_between(pulses.origin, event.occurred_at))
        if 0 <= day < len(days) and (recurrent or not counts.any()):
            counts[day] += 1.0
            exposure[day] = 1.0
            if not recurrent:
                exposure[day + 1 :] = 0.0
    return Rows.of_one_unit(covariates(pulses.stocks(days)), exposure, counts)


def at_risk(coverage: Iterable[Coverage], origin: datetime, edges: Array) -> Array:
    """The part of each bin (edge - 1,) at risk, 0 to 1; `edges` in days since `origin`, rising.

    All of it where nothing is said. A span without an end goes on.
    """
    spans = [span for span in coverage if span.state in _OF_THE_UNIT]
    return _part_inside(spans, CoverageState.AT_RISK, origin, edges)


def watched(
    coverage: Iterable[Coverage], tags: Iterable[str], origin: datetime, edges: Array
) -> Array:
    """The part of each bin in which each tag's feed was watched (edge - 1, tag), 0 to 1.

    What a feed that was down did not bring is no evidence of silence: arrival rates are learnt
    from watched time alone.
    """
    spans = [span for span in coverage if span.state not in _OF_THE_UNIT]
    columns = [
        _part_inside(
            [span for span in spans if matches(tag, (span.tags,))],
            CoverageState.COVERED,
            origin,
            edges,
        )
        for tag in tags
    ]
    return np.array(columns).reshape(-1, len(edges) - 1).T


def contradictions(events: Iterable[Event], coverage: Iterable[Coverage]) -> list[str]:
    """Events at times at which the unit was said not to be at risk, a sentence each."""
    spans = list(coverage)
    return [
        f"{event.definition} on {format_instant(event.occurred_at)} ({event.event_id}) "
        f"happened while {event.unit} was said not to be at risk"
        for event in events
        if not at_risk(spans, event.occurred_at, np.array([0.0, _MOMENT]))[0]
    ]


_OF_THE_UNIT = (CoverageState.AT_RISK, CoverageState.NOT_AT_RISK)
_MOMENT = 1e-6  # days


def _part_inside(
    spans: list[Coverage], within: CoverageState, origin: datetime, edges: Array
) -> Array:
    """The part of each bin inside the spans of the state `within`, if any, less all others."""
    starts = np.array([days_between(origin, span.since) for span in spans])
    ends = np.array(
        [days_between(origin, span.until) if span.until else math.inf for span in spans]
    )
    is_within = np.array([span.state is within for span in spans], bool)
    marks = np.concatenate([starts, ends])
    cuts = np.union1d(edges, marks[(marks > edges[0]) & (marks < edges[-1])])
    middle = (cuts[1:] + cuts[:-1]) / 2
    inside = (starts[:, None] <= middle) & (middle < ends[:, None])
    counts = ~inside[~is_within].any(axis=0)
    if is_within.any():
        counts &= inside[is_within].any(axis=0)
    place = np.searchsorted(edges, middle) - 1
    width = np.bincount(place, np.diff(cuts) * counts, len(edges) - 1)
    return np.asarray(np.minimum(width / np.diff(edges), 1.0))
