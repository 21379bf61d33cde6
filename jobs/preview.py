"""What a rule would have rung on the questions' own history, and how often rightly.

Rings are matched to events one to one: of the rings on a question whose event happened, the
last one before the event is the hit, and those before that are false alarms, as they had been
called off.
"""

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from statistics import median
from typing import Any

from alerts.decide import decide
from alerts.readings import read_unit
from alerts.replay import Episode, episodes, replay
from forecast.alert import ALARMED, Route, Rule, RuleKind, RuleState
from forecast.alert_tables import RuleTable, alert_rules
from forecast.clock import days_between
from forecast.config import Config
from forecast.errors import UsageError
from forecast.estimate import Estimate, Health
from forecast.evidence import Event, Outcome, Resolution
from forecast.names import did_you_mean
from forecast.question import Question
from forecast.selecting import fits
from jobs.app import App

FORETELLING = (RuleKind.THRESHOLD, RuleKind.LOSS, RuleKind.CERTAINTY, RuleKind.CHANGE)


class Verdict(StrEnum):
    """What became of a ring; LATE rang after the event, which was not known yet."""

    HIT = "hit"
    FALSE_ALARM = "false alarm"
    LATE = "late"
    UNDECIDED = "undecided"


@dataclass(frozen=True, slots=True)
class Ring:
    """An episode on a question, and what it was worth.

    `lead_days` are from the ring to the event, negative where it came late; None without one.
    """

    episode: Episode
    verdict: Verdict
    event_at: datetime | None = None

    @property
    def lead_days(self) -> float | None:
        """Days from the ring to the event."""
        return days_between(self.episode.rang_at, self.event_at) if self.event_at else None

    @property
    def quiet_days(self) -> float | None:
        """Days between the all-clear and the event; None where it was still on."""
        ended, event = self.episode.ended_at, self.event_at
        return days_between(ended, event) if ended and event and ended < event else None


@dataclass(frozen=True, slots=True)
class Past:
    """One question under the rule: its forecasts, how it ended, what rang.

    `event` is the one that answered it. `digests` are episodes that a retune began, which do
    not ring. `forecasts` are the probabilities that could be acted on.
    """

    question: Question
    estimates: tuple[Estimate, ...]
    resolution: Resolution | None
    event: Event | None
    rings: tuple[Ring, ...]
    digests: tuple[Episode, ...]

    @property
    def forecasts(self) -> tuple[float, ...]:
        """The probabilities of healthy estimates, in order."""
        return tuple(e.probability for e in self.estimates if e.health is Health.HEALTHY)

    @property
    def outcome(self) -> int | None:
        """1 for yes, 0 for no, None while undecided, and where it is void."""
        if self.resolution is None or self.resolution.outcome is Outcome.VOID:
            return None
        return int(self.resolution.outcome is Outcome.YES)

    @property
    def weeks(self) -> float:
        """How long it was watched: from its first estimate until its last."""
        return days_between(self.estimates[0].as_of, self.estimates[-1].as_of) / 7

    @property
    def is_missed(self) -> bool:
        """Whether its event came without a ring before it."""
        return self.outcome == 1 and all(r.verdict is not Verdict.HIT for r in self.rings)


@dataclass(frozen=True, slots=True)
class Preview:
    """What a rule would have done as of `now`; `unseen` are questions without any estimate."""

    rule: Rule
    now: datetime
    pasts: tuple[Past, ...]
    unseen: tuple[str, ...]

    @property
    def rings(self) -> list[Ring]:
        """All of them, by question."""
        return [ring for past in self.pasts for ring in past.rings]

    def count(self, verdict: Verdict) -> int:
        """How many rings came to that."""
        return sum(ring.verdict is verdict for ring in self.rings)

    @property
    def weeks(self) -> float:
        """Question-weeks in all."""
        return sum(past.weeks for past in self.pasts)

    @property
    def weeks_passed(self) -> float:
        """Weeks on the calendar, from the first estimate of any question until the last."""
        firsts = [past.estimates[0].as_of for past in self.pasts]
        lasts = [past.estimates[-1].as_of for past in self.pasts]
        return days_between(min(firsts), max(lasts)) / 7 if firsts else 0.0

    @property
    def false_alarms_per_100_weeks(self) -> float | None:
        """False alarms in 100 question-weeks; None where nothing was watched for any time."""
        return 100 * self.count(Verdict.FALSE_ALARM) / self.weeks if self.weeks else None

    @property
    def leads(self) -> list[float]:
        """Days of lead of the hits, of which it is known, shortest first."""
        hits = [r.lead_days for r in self.rings if r.verdict is Verdict.HIT]
        return sorted(lead for lead in hits if lead is not None)

    @property
    def median_lead(self) -> float | None:
        """The median of them."""
        return median(self.leads) if self.leads else None

    @property
    def events_hit(self) -> int:
        """Distinct events behind the hits: one event may answer several questions."""
        hits = [p for p in self.pasts if any(r.verdict is Verdict.HIT for r in p.rings)]
        return len({p.event.event_id if p.event else p.question.question_id for p in hits})

    @property
    def missed(self) -> list[str]:
        """The questions whose event came without a ring."""
        return [past.question.question_id for past in self.pasts if past.is_missed]


def preview(app: App, table: RuleTable, now: datetime) -> Preview:
    """Replay a rule on every question that it watches, as known at `now`.

    UsageError for a rule of a kind that foretells nothing.
    """
    rule = table.rule()
    if rule.kind not in FORETELLING:
        words = f"{rule.rule_id} is of kind {rule.kind}: it foretells no event, rightly or wrongly"
        raise UsageError(words)
    selector = table.selector()
    watched = [q for q in app.store.questions() if fits(selector, app.config.target(rule, q))]
    pasts, unseen = [], []
    for question in watched:
        past = _past(app, rule, question, now)
        if past is None:
            unseen.append(question.question_id)
        else:
            pasts.append(past)
    return Preview(rule, now, tuple(pasts), tuple(unseen))


def rule_table(config: Config, rule_id: str) -> RuleTable:
    """The table of a rule; UsageError, with the nearest name, where there is none."""
    tables = {table.id: table for table in alert_rules(config.rules)}
    if rule_id not in tables:
        raise UsageError(f"there is no rule '{rule_id}'{did_you_mean(rule_id, tables)}")
    return tables[rule_id]


def edited(table: RuleTable, edits: dict[str, Any]) -> RuleTable:
    """The rule with some of its keys changed; UsageError where that cannot be."""
    from pydantic import ValidationError

    try:
        return RuleTable.model_validate(table.model_dump(exclude_unset=True) | edits)
    except ValidationError as error:
        words = error.errors(include_url=False)[0]["msg"].removeprefix("Value error, ")
        raise UsageError(words, at=f"{table.id} as edited") from None


def _past(app: App, rule: Rule, question: Question, now: datetime) -> Past | None:
    name = question.question_id
    end = app.store.resolution(name, now)
    estimates = [e for e in app.store.estimates(name, until=now) if e.as_of < question.deadline]
    if end is not None:
        estimates = [e for e in estimates if e.as_of <= end.known_at]
    if not estimates:
        return None
    event = answering_event(app, question, end, now)
    stale_at = _stale_at(app, question.unit, [e.as_of for e in estimates])
    found = episodes(replay(rule, estimates, end, stale_at))
    return Past(
        question,
        tuple(estimates),
        end,
        event,
        _judged([e for e in found if e.route is Route.NOW], end, event),
        tuple(e for e in found if e.route is Route.DIGEST),
    )


def answering_event(
    app: App, question: Question, end: Resolution | None, now: datetime
) -> Event | None:
    """Of a question that ended with a yes, the event that made it one, as far as it is known."""
    if end is None or end.outcome is not Outcome.YES:
        return None
    events = [
        event
        for event in app.store.snapshot(question, now).events
        if (
            event.definition == question.definition  # which watch.toml may have lost since
            or app.config.is_inside(event.definition, question.definition)
        )
        and question.opens_at <= event.occurred_at <= question.deadline
    ]
    events.sort(key=lambda event: event.occurred_at)
    return events[question.at_least - 1] if len(events) >= question.at_least else None


def _judged(
    found: Sequence[Episode], end: Resolution | None, event: Event | None
) -> tuple[Ring, ...]:
    if end is None or end.outcome is Outcome.VOID:
        return tuple(Ring(episode, Verdict.UNDECIDED) for episode in found)
    if end.outcome is Outcome.NO:
        return tuple(Ring(episode, Verdict.FALSE_ALARM) for episode in found)
    at = event.occurred_at if event else None
    early = [episode for episode in found if at is None or episode.rang_at < at]
    late = [episode for episode in found if episode not in early]
    return (
        *(Ring(episode, Verdict.FALSE_ALARM) for episode in early[:-1]),
        *(Ring(episode, Verdict.HIT, at) for episode in early[-1:]),
        *(Ring(episode, Verdict.LATE, at) for episode in late),
    )


def _stale_at(app: App, unit: str, moments: Iterable[datetime]) -> set[datetime]:
    """The moments at which a rule of kind stale was firing on the unit."""
    rules = app.config.rules_of(RuleKind.STALE, unit)
    moments = sorted(moments)
    if not rules or not moments:
        return set()
    known = sorted(report.known_at for report in app.store.reports(unit, moments[-1]))
    found = set()
    for rule in rules:
        state: RuleState | None = None
        for moment in moments:
            place = bisect_left(known, moment)
            reading = read_unit(rule, unit, known[place - 1] if place else None, moment)
            if reading is not None:
                state, _ = decide(rule, state, reading, moment)
            if state is not None and state.state in ALARMED:
                found.add(moment)
    return found
