"""Reports into incidents: copies raise credibility, never strength.

An incident's weight is its strength times the probability that it happened. Reports arrive
one by one, and are corrected and retracted, so the weight is a step function of time; each
step is a *pulse* that counts from the moment it was known and fades with the age that the
incident was then taken to have.
"""

import math
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

from forecast.evidence import Report, Superseded, incident_key

# Probability that a statement is true, judged by itself, at even prior odds. Admiralty
# grades are words ("usually reliable", "probably true"); these numbers are our reading.
RELIABILITY = {"A": 0.97, "B": 0.92, "C": 0.80, "D": 0.62, "E": 0.35, "F": 0.60}
CREDIBILITY = {1: 0.97, 2: 0.88, 3: 0.68, 4: 0.50, 5: 0.12, 6: 0.55}
# Correlation between newsrooms that report one claim: n of them are worth
# n / (1 + (n - 1) rho) independent ones, so never more than 1.67.
CORRELATION = 0.6


@dataclass(frozen=True, slots=True)
class Pulse:
    """A change of an incident's weight, from `known_at` on; `weight` may be negative.

    It fades from `occurred_at`, the incident's date as it was known then.
    """

    known_at: datetime
    occurred_at: datetime
    weight: float


@dataclass(frozen=True, slots=True)
class Incident:
    """One real-world thing: strength in 0..1, credibility in 0..1, and how they came about."""

    incident_id: str
    tag: str
    occurred_at: datetime
    known_at: datetime
    strength: float
    credibility: float
    report_ids: tuple[str, ...]
    pulses: tuple[Pulse, ...]

    @property
    def weight(self) -> float:
        """Strength times credibility, as of the latest report."""
        return self.strength * self.credibility


def gather(
    reports: Iterable[Report], earlier: Iterable[Superseded[Report]] = ()
) -> tuple[Incident, ...]:
    """Group reports into incidents, ordered by (known_at, incident_id).

    Reports belong together by the incident that the store put them into and by tag. The
    strength and date of an incident are those of its best-graded report (the earliest of
    equals), at any time looking back only. `earlier` versions of reports count from when they
    were known until they ended: a correction is a step, and an incident whose reports were all
    retracted weighs nothing from then on.
    """
    spans = [_Span(report, None) for report in reports]
    spans += [_Span(version.fact, version.until) for version in earlier]
    spans.sort(key=lambda s: (s.report.known_at, s.report.report_id))
    groups: dict[tuple[str, str], list[_Span]] = defaultdict(list)
    for span in spans:
        groups[(incident_key(span.report), span.report.tag)].append(span)
    incidents = [_incident(key, tag, tuple(members)) for (key, tag), members in groups.items()]
    return tuple(sorted(incidents, key=lambda i: (i.known_at, i.incident_id, i.tag)))


@dataclass(frozen=True, slots=True)
class _Span:
    """A version of a report, and the moment from which it no longer counts, if there is one."""

    report: Report
    until: datetime | None


def credibility(reports: Iterable[Report]) -> float:
    """Probability that the thing happened, given its reports, at even prior odds.

    logit r = sum_j (n_eff(j) - n_eff(j-1)) l_j over newsrooms, best first, where l_j is the
    log-odds of the newsroom's best report and n_eff(j) = j / (1 + (j-1) rho). A copy of a
    newsroom's report adds nothing; a denial (l_j < 0) takes away.
    """
    best: dict[str, float] = {}
    for report in reports:
        newsroom = report.origin or report.source or report.report_id
        best[newsroom] = max(best.get(newsroom, -math.inf), _log_odds(report))
    total = 0.0
    for j, log_odds in enumerate(sorted(best.values(), key=abs, reverse=True), start=1):
        total += (_effective(j) - _effective(j - 1)) * log_odds
    return 1 / (1 + math.exp(-total))


def _effective(n: int) -> float:
    return n / (1 + (n - 1) * CORRELATION)


def _log_odds(report: Report) -> float:
    """The statement's grade, discounted where its source is not to be relied upon.

    p = credibility weighed with 1/2 by the source's reliability, so that a reliable source's
    word counts in full and an unreliable one's for little.
    """
    return _LOG_ODDS[report.reliability, report.credibility]


def _graded(reliability: str, credibility: int) -> float:
    trust = RELIABILITY[reliability]
    p = trust * CREDIBILITY[credibility] + (1 - trust) * 0.5
    return math.log(p / (1 - p))


_LOG_ODDS = {(r, c): _graded(r, c) for r in RELIABILITY for c in CREDIBILITY}


@lru_cache(maxsize=1 << 12)  # one update gathers most of a unit's incidents several times
def _incident(key: str, tag: str, spans: tuple[_Span, ...]) -> Incident:
    standing = [span.report for span in spans if span.until is None]
    lead = _lead(standing) if standing else spans[-1].report
    return Incident(
        incident_id=key,
        tag=tag,
        occurred_at=lead.occurred_at,
        known_at=spans[0].report.known_at,
        strength=_strength(lead) if standing else 0.0,
        credibility=credibility(standing) if standing else 0.0,
        report_ids=tuple(r.report_id for r in standing),
        pulses=tuple(_pulses(spans)),
    )


def _pulses(spans: Sequence[_Span]) -> Iterator[Pulse]:
    """The steps of one incident; what became known at one moment is one step.

    Where a better report moves the date, the weight is taken from the old one to the new.
    """
    occurred_at, weight = spans[0].report.occurred_at, 0.0
    for moment, standing in _steps(spans):
        lead = _lead(standing) if standing else None
        now = _strength(lead) * credibility(standing) if lead else 0.0
        then = lead.occurred_at if lead else occurred_at
        if then != occurred_at and weight:
            yield Pulse(moment, occurred_at, -weight)
            weight = 0.0
        if now != weight:
            yield Pulse(moment, then, now - weight)
        occurred_at, weight = then, now


def _steps(spans: Sequence[_Span]) -> Iterator[tuple[datetime, list[Report]]]:
    """The moments at which something changed, and the reports that count from then on."""
    moments = {span.report.known_at for span in spans}
    moments |= {span.until for span in spans if span.until is not None}
    for moment in sorted(moments):
        yield (
            moment,
            [
                span.report
                for span in spans
                if span.report.known_at <= moment and (span.until is None or moment < span.until)
            ],
        )


def _lead(reports: list[Report]) -> Report:
    return max(reports, key=_log_odds)


def _strength(report: Report) -> float:
    """The value as a strength, 0 to 1: a level's number that got among incidents counts as one."""
    return min(max(report.value, 0.0), 1.0)
