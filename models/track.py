"""A track: one unit and one root definition, with its rows, its evidence and its windows.

All questions whose definitions lie inside one root are answered from one posterior, so that
a wider definition is never less likely than a narrower one, draw by draw.
"""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

import numpy as np

from forecast.clock import days_between, format_instant, parse_instant
from forecast.evidence import Coverage, Event, Report, Superseded, incident_key
from forecast.names import matches
from forecast.question import Question, Snapshot
from models.api import Task
from models.covariates import Array, Pulses
from models.futures import bin_edges
from models.incidents import Incident, gather
from models.priors.beliefs import Beliefs, CoupledUnit
from models.rows import Rows, daily_rows, watched

MOST_POINTS = 40  # of a curve
SHORTEST_HORIZON = 30.0  # days that the curve shows at least
DEFAULT_WATCH = timedelta(days=365)  # observed before the first report, where not configured


@dataclass(frozen=True, slots=True)
class Track:
    """The task laid out for computation; days count from `origin`, tags as in the beliefs.

    `windows` remembers the places of windows that were asked for.
    """

    task: Task
    incidents: tuple[Incident, ...]
    pulses: Pulses
    rows: Rows
    now: float
    edges: Array
    windows: dict[tuple[datetime, datetime], tuple[int, int]] = field(default_factory=dict)

    @property
    def origin(self) -> datetime:
        """The start of observation, a UTC midnight."""
        return self.pulses.origin

    def evidence_before(self, moment: datetime) -> "Seen":
        """What had been seen at an earlier moment, and that with the incidents new since then."""
        reports = heard(self.task)
        old = [r for r in heard(self.task, moment) if r.report_id not in self.task.late]
        standing = {(r.report_id, r.known_at) for r in old}
        new = [r for r in reports if (r.report_id, r.known_at) not in standing]
        known = {(incident_key(r), r.tag) for r in old}
        fresh = [r for r in new if (incident_key(r), r.tag) not in known]
        is_any_new = len(new) > 0 or len(old) != len(reports)
        is_all_new = len(fresh) == len(new) and len(old) + len(new) == len(reports)
        ended = superseded(self.task, moment)
        return Seen(
            old=self._pulses_of(old, ended) if is_any_new else self.pulses,
            with_new=self.pulses if is_all_new else self._pulses_of([*old, *fresh], ended),
            is_any_new=is_any_new,
            is_all_new=is_all_new,
            reports=tuple(old),
        )

    def _pulses_of(self, reports: list[Report], ended: list[Superseded[Report]]) -> Pulses:
        return pulses_of(self.task.beliefs, gather(reports, ended), self.origin)

    def rows_as_of(self, moment: datetime) -> Rows:
        """The rows as they stood at an earlier moment: its days, and the events known then."""
        beliefs = self.task.beliefs
        events = events_of(self.task, beliefs.definition, moment)
        if events == events_of(self.task, beliefs.definition):
            days = max(int(days_between(self.origin, moment)), 0)
            return self.rows.between(0, days)
        return daily_rows(
            self.pulses, events, moment, beliefs.recurrent, coverage_of(self.task.snapshot)
        )

    def window(self, question: Question) -> tuple[int, int]:
        """The places among `edges` where the question's window, as far as it lies ahead, is."""
        key = (question.opens_at, question.deadline)
        if key not in self.windows:
            start = max(days_between(self.task.snapshot.as_of, question.opens_at), 0.0)
            end = days_between(self.task.snapshot.as_of, question.deadline)
            first, last = np.searchsorted(self.edges, np.round([start, end], 6))
            self.windows[key] = (int(first), int(last))
        return self.windows[key]

    def shown(self, question: Question) -> list[int]:
        """The places among `edges`, from the question's opening on, that its curve shows.

        All of them, unless deadlines of many other questions crowd it.
        """
        first, last = self.window(question)
        if len(self.edges) - first <= MOST_POINTS:
            return list(range(first, len(self.edges)))
        regular = np.searchsorted(self.edges, bin_edges(float(self.edges[-1]), ()))
        return sorted({first, last, *(int(place) for place in regular if place > first)})


@dataclass(frozen=True, slots=True)
class Seen:
    """The pulses of an earlier moment, and those with the incidents that are new since then.

    `is_any_new`: reports came in since; `is_all_new`: all of them of new incidents. `reports`
    are those of the earlier moment.
    """

    old: Pulses
    with_new: Pulses
    is_any_new: bool
    is_all_new: bool
    reports: tuple[Report, ...]


def pulses_of(beliefs: Beliefs, incidents: Iterable[Incident], origin: datetime) -> Pulses:
    """The pulses of incidents, with the columns of the beliefs."""
    tags = tuple(effect.tag for effect in beliefs.columns())
    half_lives = np.array([effect.half_life for effect in beliefs.columns()])
    leads = np.array([e.lead if e.kind == "scheduled" else np.inf for e in beliefs.columns()])
    felt = [i for i in incidents if i.tag not in levels_of(beliefs)]
    return Pulses.of(felt, tags, half_lives, origin, beliefs.ordinary_value, leads)


def levels_of(beliefs: Beliefs) -> frozenset[str]:
    """The tags whose last value counts, and that are no incidents."""
    return frozenset(e.tag for e in beliefs.effects if e.kind == "level")


def heard(task: Task, moment: datetime | None = None) -> list[Report]:
    """The reports known at the unit, and those of coupled units under the name of their column.

    As they stood at an earlier moment, where one is given.
    """
    limit = moment or task.snapshot.as_of
    reports = [r for r in _as_known_at(task.snapshot, moment).reports if r.known_at < limit]
    for coupled, other in _listened_to(task):
        reports += [
            _as_of_column(r, coupled)
            for r in _as_known_at(other, moment).reports
            if r.known_at < limit and matches(r.tag, coupled.tags)
        ]
    return reports


def superseded(task: Task, moment: datetime | None = None) -> list[Superseded[Report]]:
    """The versions of those reports that counted before and no longer do."""
    limit = moment or task.snapshot.as_of
    ended = [v for v in _as_known_at(task.snapshot, moment).earlier_reports if v.until < limit]
    for coupled, other in _listened_to(task):
        ended += [
            Superseded(_as_of_column(v.fact, coupled), v.until)
            for v in _as_known_at(other, moment).earlier_reports
            if v.until < limit and matches(v.fact.tag, coupled.tags)
        ]
    return ended


def coverage_of(snapshot: Snapshot) -> list[Coverage]:
    """What was known of when the unit was at risk and watched."""
    as_of = snapshot.as_of
    return [c.as_known_at(as_of) for c in snapshot.coverage if c.known_at < as_of]


def watched_days(track: Track) -> Array | None:
    """The part of each day up to now (day, tag) on which a tag's feeds were; None for all of it.

    Of the feeds of coupled units nothing is said.
    """
    spans = coverage_of(track.task.snapshot)
    if not spans or track.now <= 0:
        return None
    beliefs = track.task.beliefs
    edges = np.append(np.arange(np.ceil(track.now)), track.now)
    here = watched(spans, [effect.tag for effect in beliefs.effects], track.origin, edges)
    parts = np.ones((len(edges) - 1, len(beliefs.columns())))
    parts[:, : here.shape[1]] = here
    return parts


def _as_known_at(snapshot: Snapshot, moment: datetime | None) -> Snapshot:
    # without earlier versions nothing of the past is otherwise than now
    return snapshot.as_known_at(moment) if moment and snapshot.earlier_reports else snapshot


def _listened_to(task: Task) -> list[tuple[CoupledUnit, Snapshot]]:
    elsewhere = {other.unit: other for other in task.others}
    return [(c, elsewhere[c.unit]) for c in task.beliefs.couplings if c.unit in elsewhere]


def _as_of_column(report: Report, coupled: CoupledUnit) -> Report:
    key = f"{coupled.unit}: {incident_key(report)}"
    return replace(report, tag=coupled.column, incident_id=key)


def lay_out(task: Task) -> Track:
    """Build the track of a task."""
    snapshot, beliefs = task.snapshot, task.beliefs
    incidents = gather(heard(task), superseded(task))
    origin = observation_start(task)
    pulses = pulses_of(beliefs, incidents, origin)
    marks = [
        days_between(snapshot.as_of, instant)
        for question in task.questions
        for instant in (question.opens_at, question.deadline)
    ]
    return Track(
        task=task,
        incidents=tuple(i for i in incidents if i.tag in {e.tag for e in beliefs.columns()}),
        pulses=pulses,
        rows=daily_rows(
            pulses,
            events_of(task, beliefs.definition),
            snapshot.as_of,
            beliefs.recurrent,
            coverage_of(snapshot),
        ),
        now=days_between(origin, snapshot.as_of),
        edges=bin_edges(max([SHORTEST_HORIZON, *marks]), tuple(marks)),
    )


def observation_start(task: Task) -> datetime:
    """Midnight from which the unit has been watched: as configured, or a year before now."""
    if task.beliefs.observed_since:
        start = parse_instant(task.beliefs.observed_since)
    else:
        start = min((r.known_at for r in task.snapshot.reports), default=task.snapshot.as_of)
        start = max(start, task.snapshot.as_of - DEFAULT_WATCH)
    start = min(start, task.snapshot.as_of)
    return start.replace(hour=0, minute=0, second=0, microsecond=0)


def events_of(task: Task, definition: str, known_before: datetime | None = None) -> list[Event]:
    """The events at the unit that count as `definition`, of those known before a moment."""
    limit = known_before or task.snapshot.as_of
    return [
        e
        for e in task.snapshot.events
        if e.known_at < limit and task.beliefs.includes(definition, e.definition)
    ]


def already(task: Task, question: Question, known_before: datetime | None = None) -> int:
    """How many events of the question's window have happened, of those known before a moment."""
    happened = events_of(task, question.definition, known_before)
    aside = task.snapshot.put_aside(question.question_id)
    return sum(
        question.opens_at <= e.occurred_at <= question.deadline and e.event_id not in aside
        for e in happened
    )


def missing(task: Task, question: Question, known_before: datetime | None = None) -> int:
    """How many more events the window wants; one at least, as the question is still open.

    What can happen only once can never have happened so often as to want fewer.
    """
    if not task.beliefs.recurrent:
        return question.at_least
    return max(question.at_least - already(task, question, known_before), 1)


def snapshot_digest(task: Task) -> str:
    """SHA-256 over every fact of the snapshot that a model may use, and the seed."""
    learnt = hashlib.sha256(task.learnt or b"").hexdigest()
    snapshots = [_facts(snapshot) for snapshot in (task.snapshot, *task.others)]
    snapshots += [_said_and_resolved(task.snapshot)] if task.beliefs.pool else []
    text = json.dumps([format_instant(task.snapshot.as_of), task.seed, learnt, snapshots])
    return hashlib.sha256(text.encode()).hexdigest()


def _facts(snapshot: Snapshot) -> list[object]:
    """What a model may use of a snapshot, as JSON can hold it."""
    reports = [_report_facts(r) for r in snapshot.reports]
    ended = [
        [*_report_facts(version.fact), format_instant(version.until)]
        for version in snapshot.earlier_reports
    ]
    spans = [
        [c.coverage_id, c.state, c.tags, format_instant(c.since), format_instant(c.known_at)]
        + [format_instant(c.until) if c.until else ""]
        for c in coverage_of(snapshot)
    ]
    events = [
        [e.event_id, e.definition, format_instant(e.occurred_at), format_instant(e.known_at)]
        for e in (*snapshot.events, *(version.fact for version in snapshot.earlier_events))
    ]
    return [snapshot.unit, reports, events, ended, spans]


def _said_and_resolved(snapshot: Snapshot) -> list[object]:
    """What others said of the unit's questions, and how those ended."""
    said = [
        [c.question_id, c.source, c.probability, format_instant(c.at)]
        for c in snapshot.crowd
        if c.at < snapshot.as_of
    ]
    ends = [
        [r.question_id, r.outcome, format_instant(r.known_at)]
        for r in snapshot.resolutions
        if r.known_at < snapshot.as_of
    ]
    return [said, ends]


def _report_facts(r: Report) -> list[object]:
    return [
        *[r.report_id, r.incident_id, r.tag, r.value, r.reliability, r.credibility, r.source],
        *[r.origin, format_instant(r.occurred_at), format_instant(r.known_at)],
    ]


def estimate_digest(task: Task, question: Question, facts: str, model_hash: str) -> str:
    """SHA-256 over everything one estimate depends on; `facts` is the snapshot's digest."""
    window = [format_instant(question.opens_at), format_instant(question.deadline)]
    asked = [question.question_id, question.definition, question.at_least, *window]
    parts = [facts, model_hash, task.beliefs.digest(), *asked]
    parts += [task.doubt] if task.doubt else []
    aside = task.snapshot.put_aside(question.question_id)
    parts += [sorted(aside)] if aside else []
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()
