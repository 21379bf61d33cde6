"""The view of one question: everything that a report says, gathered once from facts."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import TypedDict, Unpack

from forecast.alert import Rule, State, Transition
from forecast.belief import Learnt
from forecast.estimate import Estimate, Health
from forecast.evidence import CrowdForecast, Report, Resolution
from forecast.prior import PriorVersion
from forecast.question import Question
from forecast.reports.beside import Beside, newest_of_others
from forecast.reports.incidents import (
    NO_FADING,
    Effect,
    Incident,
    effects_of,
    incidents_of,
    marked_incidents,
)
from forecast.reports.moves import Shift, last_shift, week_shift
from forecast.reports.surroundings import NOTHING_AROUND, Surroundings
from forecast.reports.track_record import TrackRecord


class Status(StrEnum):
    """Where the question stands: what a reader must know before the number."""

    EMPTY = "empty"
    OPEN = "open"
    DUE = "due"
    RESOLVED = "resolved"


@dataclass(frozen=True, slots=True)
class Related:
    """A question at the same unit with the same deadline, whose definition nests with ours."""

    question: Question
    wider: bool
    estimate: Estimate | None = None


@dataclass(frozen=True, slots=True)
class Standing:
    """Where one rule stands on the question; `last` is its newest change of mind."""

    rule: Rule
    state: State
    last: Transition | None = None

    @property
    def is_firing(self) -> bool:
        """Whether an alert is out: RECOVERING still is one."""
        return self.state in (State.FIRING, State.RECOVERING)


@dataclass(frozen=True, slots=True)
class QuestionReport:
    """One question as of its newest estimate, read at `now`.

    `history`, `transitions`, `crowd` and `marked` are in the order of time; `effects` the
    strongest first. `reopened` is the last act that took back how it had ended. `record` is of
    the questions of its kind that ended; `proof` is what the newest backtest of its class came to,
    in words; `learnt` what the data had made of the prior. `week_move` is since a week ago, or
    since another moment that was asked for.
    `asides` say what in it is not of the moment `now`, of a report on the past.
    """

    question: Question
    now: datetime
    status: Status
    history: tuple[Estimate, ...]
    standings: tuple[Standing, ...]
    transitions: tuple[Transition, ...]
    resolution: Resolution | None
    crowd: tuple[CrowdForecast, ...]
    effects: tuple[Effect, ...]
    marked: tuple[Incident, ...]
    last_move: Shift | None
    week_move: Shift | None
    related: tuple[Related, ...]
    prior: PriorVersion | None
    caveats: tuple[str, ...]
    reopened: Resolution | None = None
    record: TrackRecord | None = None
    proof: str = ""
    learnt: Learnt | None = None
    around: Surroundings = NOTHING_AROUND
    asides: tuple[str, ...] = ()

    @property
    def others(self) -> tuple[Beside, ...]:
        """The newest number of each who gave one, beside ours of then."""
        return newest_of_others(self.crowd, self.history)

    @property
    def estimate(self) -> Estimate | None:
        """The newest estimate."""
        return self.history[-1] if self.history else None

    @property
    def is_over(self) -> bool:
        """Whether its deadline has passed or it has ended: no estimate will follow."""
        return self.status in (Status.DUE, Status.RESOLVED)

    @property
    def aged_at(self) -> datetime:
        """When the ages of evidence are told: of what is over, as its last estimate saw them."""
        return self.history[-1].as_of if self.history and self.is_over else self.now

    @property
    def evidence_title(self) -> str:
        """What the evidence is headed with."""
        return "Evidence at the last estimate" if self.is_over else "Evidence now"

    @property
    def is_firing(self) -> bool:
        """Whether any rule's alert is out."""
        return any(standing.is_firing for standing in self.standings)

    @property
    def held_since(self) -> datetime | None:
        """The start of the stretch of held estimates that the newest one ends, if it is held."""
        since = None
        for estimate in reversed(self.history):
            if estimate.health is Health.HEALTHY:
                break
            since = estimate.as_of
        return since

    @property
    def fresh_tags(self) -> tuple[str, ...]:
        """The tags that pull the way P went and have an incident new in the week."""
        week = self.week_move
        if week is None:
            return ()
        rose = week.end > week.start
        pulling = (e for e in self.effects if (e.median > 1.0 if rose else e.median < 1.0))
        return tuple(e.tag for e in pulling if any(i.known_at >= week.since for i in e.incidents))


class Given(TypedDict, total=False):
    """What a report shows as it is given to it; see `QuestionReport`."""

    reopened: Resolution | None
    record: TrackRecord | None
    proof: str
    learnt: Learnt | None
    around: Surroundings


def build_view(
    question: Question,
    history: Sequence[Estimate],
    *,
    now: datetime,
    rules: Sequence[Rule] = (),
    transitions: Sequence[Transition] = (),
    resolution: Resolution | None = None,
    crowd: Sequence[CrowdForecast] = (),
    reports: Iterable[Report] = (),
    related: Sequence[Related] = (),
    prior: PriorVersion | None = None,
    caveats: Sequence[str] = (),
    half_lives: Mapping[str, float] = NO_FADING,
    since: datetime | None = None,
    asides: Sequence[str] = (),
    **given: Unpack[Given],
) -> QuestionReport:
    """Gather the report of `question` from its facts; `reports` are those at its unit.

    Pure: the order of the arguments' rows does not matter. Of the reports only those are
    used that were known before the newest estimate, as the estimate did. `half_lives` (days) are
    by tag; `since` is what the move is told from, in place of a week ago.
    """
    past = tuple(sorted(history, key=lambda e: e.as_of))
    changes = tuple(sorted(transitions, key=lambda t: t.at))
    incidents = incidents_of(r for r in reports if past and r.known_at < past[-1].as_of)
    effects = effects_of(past[-1], incidents, half_lives) if past else ()
    return QuestionReport(
        question=question,
        now=now,
        status=_status(question, past, resolution, now),
        history=past,
        standings=tuple(_standing(rule, changes) for rule in rules),
        transitions=changes,
        resolution=resolution,
        crowd=tuple(sorted(crowd, key=lambda c: (c.at, c.source))),
        effects=effects,
        marked=marked_incidents(past, incidents),
        last_move=last_shift(past),
        week_move=week_shift(past, since),
        related=tuple(related),
        prior=prior,
        caveats=tuple(caveats),
        asides=tuple(asides),
        **given,
    )


def _status(
    question: Question, history: Sequence[Estimate], resolution: Resolution | None, now: datetime
) -> Status:
    if resolution is not None:
        return Status.RESOLVED
    if question.deadline < now:
        return Status.DUE
    return Status.OPEN if history else Status.EMPTY


def _standing(rule: Rule, transitions: Sequence[Transition]) -> Standing:
    mine = [t for t in transitions if t.rule_id == rule.rule_id]
    return Standing(rule, mine[-1].after, mine[-1]) if mine else Standing(rule, State.OK)
