"""Reports into incidents: copies raise credibility, never strength.

An incident's weight is its strength times the probability that it happened. Reports arrive
one by one, so the weight is a step function of time; each step is a *pulse* that counts
from the moment it was known and fades with the age that the incident was then taken to have.
"""

import math
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

from forecast.evidence import Report, incident_key

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


def gather(reports: Iterable[Report]) -> tuple[Incident, ...]:
    """Group reports into incidents, ordered by (known_at, incident_id).

    Reports belong together by `incident_id`; without one, by unit, tag and UTC day. The
    strength and date of an incident are those of its best-graded report (the earliest of
    equals), at any time looking back only.
    """
    groups: dict[tuple[str, str], list[Report]] = defaultdict(list)
    for report in sorted(reports, key=lambda r: (r.known_at, r.report_id)):
        groups[(incident_key(report), report.tag)].append(report)
    incidents = [_incident(key, tag, members) for (key, tag), members in groups.items()]
    return tuple(sorted(incidents, key=lambda i: (i.known_at, i.incident_id, i.tag)))


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
    trust = RELIABILITY[report.reliability]
    p = trust * CREDIBILITY[report.credibility] + (1 - trust) * 0.5
    return math.log(p / (1 - p))


def _incident(key: str, tag: str, reports: list[Report]) -> Incident:
    lead = _lead(reports)
    return Incident(
        incident_id=key,
        tag=tag,
        occurred_at=lead.occurred_at,
        known_at=reports[0].known_at,
        strength=lead.value,
        credibility=credibility(reports),
        report_ids=tuple(r.report_id for r in reports),
        pulses=tuple(_pulses(reports)),
    )


def _pulses(reports: list[Report]) -> Iterator[Pulse]:
    """The steps of one incident; what became known at one moment is one step.

    Where a better report moves the date, the weight is taken from the old one to the new.
    """
    occurred_at, weight = reports[0].occurred_at, 0.0
    for n, report in enumerate(reports, start=1):
        if n < len(reports) and reports[n].known_at == report.known_at:
            continue
        lead = _lead(reports[:n])
        now = lead.value * credibility(reports[:n])
        if lead.occurred_at != occurred_at and weight:
            yield Pulse(report.known_at, occurred_at, -weight)
            weight = 0.0
        if now != weight:
            yield Pulse(report.known_at, lead.occurred_at, now - weight)
        occurred_at, weight = lead.occurred_at, now


def _lead(reports: list[Report]) -> Report:
    return max(reports, key=_log_odds)
