"""The incidents behind an estimate, and the reports that tell of them."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from types import MappingProxyType

from forecast.clock import DAY
from forecast.estimate import Contribution, Estimate, Move
from forecast.evidence import Report, incident_key
from forecast.reports.phrases import safe_url

MARKED = 7
NO_FADING: Mapping[str, float] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Incident:
    """One real-world thing: its dates, its first summary, and where it can be read.

    `known_at` is when the first report of it could be read. `url` is http(s) or empty. `grade`
    is the best Admiralty grade among its reports, such as "B2"; empty where none was judged.
    """

    incident_id: str
    tag: str
    occurred_at: datetime
    known_at: datetime
    summary: str
    sources: tuple[str, ...]
    url: str
    reports: int
    grade: str = ""


@dataclass(frozen=True, slots=True)
class Effect:
    """What a tag does to the hazard now, with those of its incidents that we can show.

    `half_life` is in days; None where its incidents do not fade, or nobody said how fast.
    """

    tag: str
    median: float
    lower: float
    upper: float
    count: int
    incidents: tuple[Incident, ...]
    half_life: float | None = None

    def left(self, incident: Incident, now: datetime) -> float | None:
        """The share of an incident's weight that has not faded: 2^-(age / half-life)."""
        if self.half_life is None:
            return None
        age = max((now - incident.occurred_at) / DAY, 0.0)
        return math.exp2(-age / self.half_life)


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
        grade=_best_grade(rows),
    )


def _best_grade(rows: Sequence[Report]) -> str:
    """F and 6 say that nobody judged."""
    grades = [(r.credibility, r.reliability) for r in rows]
    credibility, reliability = min(grades)
    return "" if (reliability, credibility) == ("F", 6) else f"{reliability}{credibility}"


def effects_of(
    estimate: Estimate, incidents: dict[str, Incident], half_lives: Mapping[str, float] = NO_FADING
) -> tuple[Effect, ...]:
    """The contributions, the strongest either way first, each with its newest incidents first.

    `half_lives` (days) are by tag.
    """
    ordered = sorted(estimate.contributions, key=lambda c: (-_strength(c), c.tag))
    return tuple(_effect(c, incidents, half_lives.get(c.tag)) for c in ordered)


def _effect(
    contribution: Contribution, incidents: dict[str, Incident], half_life: float | None
) -> Effect:
    shown = [incidents[key] for key in contribution.incidents if key in incidents]
    shown.sort(key=lambda i: i.known_at, reverse=True)
    return Effect(
        tag=contribution.tag,
        median=contribution.median,
        lower=contribution.lower,
        upper=contribution.upper,
        count=len(contribution.incidents),
        incidents=tuple(shown),
        half_life=half_life,
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
