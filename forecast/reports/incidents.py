"""The incidents behind an estimate, and the reports that tell of them."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby

from forecast.estimate import Contribution, Estimate, Move
from forecast.evidence import Report, incident_key
from forecast.reports.phrases import safe_url

MARKED = 7


@dataclass(frozen=True, slots=True)
class Incident:
    """One real-world thing: its dates, its first summary, and where it can be read.

    `known_at` is when the first report of it could be read. `url` is http(s) or empty.
    """

    incident_id: str
    tag: str
    occurred_at: datetime
    known_at: datetime
    summary: str
    sources: tuple[str, ...]
    url: str
    reports: int


@dataclass(frozen=True, slots=True)
class Effect:
    """What a tag does to the hazard now, with those of its incidents that we can show."""

    tag: str
    median: float
    lower: float
    upper: float
    count: int
    incidents: tuple[Incident, ...]


def incidents_of(reports: Iterable[Report]) -> dict[str, Incident]:
    """The incidents that the reports describe, by id, the earliest known first."""
    ordered = sorted(reports, key=lambda r: (incident_key(r), r.known_at, r.report_id))
    found = [_incident(key, tuple(rows)) for key, rows in groupby(ordered, incident_key)]
    return {i.incident_id: i for i in sorted(found, key=lambda i: (i.known_at, i.incident_id))}


def _incident(key: str, rows: Sequence[Report]) -> Incident:
    return Incident(
        incident_id=key,
        tag=rows[0].tag,
        occurred_at=min(r.occurred_at for r in rows),
        known_at=rows[0].known_at,
        summary=next((r.summary for r in rows if r.summary.strip()), ""),
        sources=tuple(dict.fromkeys(r.source for r in rows if r.source.strip())),
        url=next((url for r in rows if (url := safe_url(r.url))), ""),
        reports=len(rows),
    )


def effects_of(estimate: Estimate, incidents: dict[str, Incident]) -> tuple[Effect, ...]:
    """The contributions, the strongest either way first, each with its newest incidents first."""
    ordered = sorted(estimate.contributions, key=lambda c: (-_strength(c), c.tag))
    return tuple(_effect(c, incidents) for c in ordered)


def _effect(contribution: Contribution, incidents: dict[str, Incident]) -> Effect:
    shown = [incidents[key] for key in contribution.incidents if key in incidents]
    shown.sort(key=lambda i: i.known_at, reverse=True)
    return Effect(
        tag=contribution.tag,
        median=contribution.median,
        lower=contribution.lower,
        upper=contribution.upper,
        count=len(contribution.incidents),
        incidents=tuple(shown),
    )


def _strength(contribution: Contribution) -> float:
    return abs(math.log(contribution.median)) if contribution.median > 0 else math.inf


def _points(moved: Move) -> float:
    """What new evidence did to P, to first order: dP = H e^-H d(log H), with H = -log(1 - P)."""
    p = moved.to_probability
    return moved.evidence * -math.log1p(-p) * (1 - p) if p < 1 else 0.0


def marked_incidents(
    history: Sequence[Estimate], incidents: dict[str, Incident], limit: int = MARKED
) -> tuple[Incident, ...]:
    """The incidents that moved the history most, by date: one an estimate, at most `limit`.

    An incident is first seen by the earliest estimate after it was known; its weight is what
    new evidence did to that estimate, in points of probability.
    """
    if not history:
        return ()
    weight = {e.as_of: abs(_points(e.moved)) for e in history if e.moved is not None}
    loudest: dict[datetime, Incident] = {}
    for incident in incidents.values():
        seen = next((e.as_of for e in history if e.as_of > incident.known_at), None)
        if seen is not None and weight.get(seen, 0.0) > 0 and incident.known_at >= history[0].as_of:
            best = loudest.get(seen, incident)
            loudest[seen] = max(best, incident, key=lambda i: i.reports)
    top = sorted(loudest, key=lambda at: -weight[at])[:limit]
    return tuple(sorted((loudest[at] for at in top), key=lambda i: i.known_at))
