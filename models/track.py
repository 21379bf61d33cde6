"""A track: one unit and one root definition, with its rows, its evidence and its windows.

All questions whose definitions lie inside one root are answered from one posterior, so that
a wider definition is never less likely than a narrower one, draw by draw.
"""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np

from forecast.clock import days_between, format_instant, parse_instant
from forecast.evidence import Event, Report, incident_key
from forecast.question import Question
from models.api import Task
from models.covariates import Array, Pulses
from models.futures import bin_edges
from models.incidents import Incident, gather
from models.priors.beliefs import Beliefs
from models.rows import Rows, daily_rows

MOST_POINTS = 40  # of a curve
SHORTEST_HORIZON = 30.0  # days that the curve shows at least
DEFAULT_WATCH = timedelta(days=365)  # observed before the first report, where not configured


@dataclass(frozen=True, slots=True)
class Track:
    """The task laid out for computation; days count from `origin`, tags as in the beliefs."""

    task: Task
    incidents: tuple[Incident, ...]
    pulses: Pulses
    rows: Rows
    now: float
    edges: Array

    @property
    def origin(self) -> datetime:
        """The start of observation, a UTC midnight."""
        return self.pulses.origin

    def evidence_before(self, moment: datetime) -> "Seen":
        """What had been seen at an earlier moment, and that with the incidents new since then."""
        reports = [r for r in self.task.snapshot.reports if r.known_at < self.task.snapshot.as_of]
        old = [r for r in reports if r.known_at < moment and r.report_id not in self.task.late]
        known = {(incident_key(r), r.tag) for r in old}
        fresh = [r for r in reports if (incident_key(r), r.tag) not in known]
        is_any_new, is_all_new = len(old) < len(reports), len(old) + len(fresh) == len(reports)
        return Seen(
            old=self._pulses_of(old) if is_any_new else self.pulses,
            with_new=self.pulses if is_all_new else self._pulses_of([*old, *fresh]),
            is_any_new=is_any_new,
            is_all_new=is_all_new,
        )

    def _pulses_of(self, reports: list[Report]) -> Pulses:
        return pulses_of(self.task.beliefs, gather(reports), self.origin)

    def rows_as_of(self, moment: datetime) -> Rows:
        """The rows as they stood at an earlier moment: its days, and the events known then."""
        beliefs = self.task.beliefs
        events = events_of(self.task, beliefs.definition, moment)
        if events == events_of(self.task, beliefs.definition):
            days = max(int(days_between(self.origin, moment)), 0)
            return self.rows.between(0, days)
        return daily_rows(self.pulses, events, moment, beliefs.recurrent)

    def stocks_ahead(self, pulses: Pulses) -> Array:
        """Stocks (bin, tag) of the known incidents at the middle of each future bin."""
        return pulses.stocks(self.now + (self.edges[1:] + self.edges[:-1]) / 2)

    def window(self, question: Question) -> tuple[int, int]:
        """The places among `edges` where the question's window, as far as it lies ahead, is."""
        start = max(days_between(self.task.snapshot.as_of, question.opens_at), 0.0)
        end = days_between(self.task.snapshot.as_of, question.deadline)
        first, last = np.searchsorted(self.edges, np.round([start, end], 6))
        return int(first), int(last)

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

    `is_any_new`: reports came in since; `is_all_new`: all of them of new incidents.
    """

    old: Pulses
    with_new: Pulses
    is_any_new: bool
    is_all_new: bool


def pulses_of(beliefs: Beliefs, incidents: Iterable[Incident], origin: datetime) -> Pulses:
    """The pulses of incidents, with the columns of the beliefs."""
    tags = tuple(effect.tag for effect in beliefs.columns())
    half_lives = np.array([effect.half_life for effect in beliefs.columns()])
    return Pulses.of(incidents, tags, half_lives, origin, beliefs.ordinary_value)


def lay_out(task: Task) -> Track:
    """Build the track of a task."""
    snapshot, beliefs = task.snapshot, task.beliefs
    incidents = gather(r for r in snapshot.reports if r.known_at < snapshot.as_of)
    origin = observation_start(task)
    pulses = pulses_of(beliefs, incidents, origin)
    marks = [
        days_between(snapshot.as_of, instant)
        for question in task.questions
        for instant in (question.opens_at, question.deadline)
    ]
    return Track(
        task=task,
        incidents=tuple(i for i in incidents if i.tag in {e.tag for e in beliefs.effects}),
        pulses=pulses,
        rows=daily_rows(
            pulses, events_of(task, beliefs.definition), snapshot.as_of, beliefs.recurrent
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


def snapshot_digest(task: Task) -> str:
    """SHA-256 over every fact of the snapshot that a model may use, and the seed."""
    snapshot = task.snapshot
    facts = [
        [r.report_id, r.incident_id, r.tag, r.value, r.reliability, r.credibility, r.source]
        + [r.origin, format_instant(r.occurred_at), format_instant(r.known_at)]
        for r in snapshot.reports
    ]
    events = [
        [e.event_id, e.definition, format_instant(e.occurred_at), format_instant(e.known_at)]
        for e in snapshot.events
    ]
    text = json.dumps([snapshot.unit, format_instant(snapshot.as_of), task.seed, facts, events])
    return hashlib.sha256(text.encode()).hexdigest()


def estimate_digest(task: Task, question: Question, facts: str, model_hash: str) -> str:
    """SHA-256 over everything one estimate depends on; `facts` is the snapshot's digest."""
    window = [format_instant(question.opens_at), format_instant(question.deadline)]
    parts = [facts, model_hash, task.beliefs.digest(), question.question_id, question.definition]
    return hashlib.sha256(json.dumps([*parts, *window]).encode()).hexdigest()
