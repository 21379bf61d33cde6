"""Alerts as facts: rules, the state of a rule on a subject, transitions, notices, deliveries."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

NO_TIME = timedelta(0)


class State(StrEnum):
    """Where a rule stands on one subject.

    OK -> PENDING -> FIRING -> RECOVERING -> OK; PENDING and RECOVERING are the dwell.
    """

    OK = "ok"
    PENDING = "pending"
    FIRING = "firing"
    RECOVERING = "recovering"


ALARMED = (State.FIRING, State.RECOVERING)


class RuleKind(StrEnum):
    """What a rule compares with its lines.

    Of an estimate: THRESHOLD the probability; CERTAINTY Pr(P > level); CHANGE the factor by
    which the odds moved; LOSS the expected loss against the cost of acting; UNHEALTHY whether
    its number may be acted on. Of a question: DEADLINE how near it is; RESOLVED its outcome.
    Of a unit: STALE how long nothing was reported. Of a channel: CHANNEL whether it works. Of a
    source: SOURCE whether it is silent or broken.
    """

    THRESHOLD = "threshold"
    CERTAINTY = "certainty"
    CHANGE = "change"
    LOSS = "loss"
    DEADLINE = "deadline"
    STALE = "stale"
    UNHEALTHY = "unhealthy"
    CHANNEL = "channel"
    SOURCE = "source"
    RESOLVED = "resolved"


class RuleHealth(StrEnum):
    """Whether the numbers that a rule reads may be acted on; unless healthy, its state is held."""

    HEALTHY = "healthy"
    STALE = "stale"
    MODEL_UNHEALTHY = "model_unhealthy"


class Route(StrEnum):
    """Whether a message rings now, or waits for its channel's digest."""

    NOW = "now"
    DIGEST = "digest"


class NoticeKind(StrEnum):
    """What a message tells of a rule: the words of `facts["kind"]`.

    OUTCOME is of a rule that rings once when its question is resolved.
    """

    FIRING = "firing"
    RESOLVED = "resolved"
    REMINDER = "reminder"
    ACKNOWLEDGED = "acknowledged"
    OUTCOME = "outcome"


_GAP, _LOW_GAP = 0.05, 0.6


def clear_line(fire_at: float) -> float:
    """Where a probability clears unless a rule says: 5 points or two fifths below `fire_at`.

    A low line must still be one that P can come down to.

    >>> clear_line(0.4), clear_line(0.05)
    (0.35000000000000003, 0.03)
    """
    return max(fire_at - _GAP, _LOW_GAP * fire_at)


@dataclass(frozen=True, slots=True)
class Rule:
    """Fire when the value is clearly at or above one line, clear when clearly at or below another.

    The value is what the kind says: a probability (threshold, loss), Pr(P > `level`)
    (certainty), the natural log of the odds ratio (change), or 1 and 0 for yes and no (all
    others). The lines are `fire_at` and, below it, `clear_at`. Clearly: by `z` Monte Carlo
    standard errors. `dwell_up` and `dwell_down` are the evaluations in a row that it takes,
    `for_up` and `for_down` the time that it takes; both must be met.

    change: the baseline is the estimate that stood `over` ago, or, where that is None, the one
    at which the rule last rang. loss: `cost` of acting, `loss` avoided by it, in one currency;
    fire_at is their ratio. deadline: `within` of it. stale, unhealthy, channel, source: longer
    than `after`. source: `when` it is "silent", "broken" or "either". `repeat`: a reminder so
    often while it fires. A move caused mainly by one of `digest_causes` (names of `Move.parts`)
    goes to the digest. `inhibited_by` are patterns of rules that, firing on the same question or
    its unit, keep this one from ringing.
    """

    rule_id: str
    fire_at: float = 1.0
    clear_at: float = 0.0
    dwell_up: int = 2
    dwell_down: int = 2
    z: float = 1.0
    severity: str = "warning"
    kind: RuleKind = RuleKind.THRESHOLD
    for_up: timedelta = NO_TIME
    for_down: timedelta = NO_TIME
    level: float = 0.0
    direction: str = "either"
    over: timedelta | None = None
    cost: float = 0.0
    loss: float = 0.0
    within: timedelta = NO_TIME
    after: timedelta | None = None
    repeat: timedelta | None = None
    digest_causes: tuple[str, ...] = ("prior", "model")
    inhibited_by: tuple[str, ...] = ()
    when: str = "either"


@dataclass(frozen=True, slots=True)
class RuleState:
    """The stored state of one rule on one subject: a question, unit, channel or source, by id.

    `streak` counts evaluations of a dwell, `streak_since` is the `as_of` of the first of them;
    `episode` numbers the stretches of firing from 1; `evaluated_as_of` is the evaluation last
    looked at, so that it counts once; `definition_digest` is of the rule's numbers, so that an
    edit is seen. `health`: unless healthy, the state is held. `cause` is that of the move which
    began the present dwell or episode (a name of `Move.parts`, or ""), `route` whether the
    episode rang or, for its cause, waits for the digest, and `baseline` the probability from
    which there may be news: at which the rule last rang, where a retune put it, or, before
    that, was first read. `outcome` is how the question ended as a rule of kind resolved told it
    last, or "".
    """

    rule_id: str
    subject: str
    state: State = State.OK
    streak: int = 0
    episode: int = 0
    since: datetime | None = None
    evaluated_as_of: datetime | None = None
    definition_digest: str = ""
    streak_since: datetime | None = None
    health: RuleHealth = RuleHealth.HEALTHY
    baseline: float | None = None
    route: Route = Route.NOW
    cause: str = ""
    outcome: str = ""


@dataclass(frozen=True, slots=True)
class Transition:
    """A rule's change of mind: one row, with its reason in a word and in words.

    `notify` is the kind of message it asks for (a `NoticeKind`), or "" for none; `route`
    whether that rings now. `probability` is that of the estimate, None where the subject has
    none; `previous` of the one before it, if there was one. `cause` is the main cause of the
    move between them, a name of `Move.parts`, or ""; of a ring that waits for the digest, the
    cause for which it does.
    """

    rule_id: str
    subject: str
    at: datetime
    before: State
    after: State
    reason: str
    detail: str
    episode: int
    probability: float | None
    previous: float | None = None
    notify: str = ""
    cause: str = ""
    route: Route = Route.NOW


@dataclass(frozen=True, slots=True)
class Notice:
    """One thing to be told to one channel, from the transition on until it is told or withheld.

    It waits; then it is formed into a delivery, alone or with others, or withheld for a
    reason. `facts` are those of `alerts.facts`; `number` counts reminders of an episode from 1.
    One id for ever. `status` is "waiting", "formed" or "withheld".
    """

    notice_id: str
    channel: str
    rule_id: str
    subject: str
    episode: int
    kind: NoticeKind
    severity: str
    route: Route
    created_at: datetime
    facts: dict[str, Any] = field(default_factory=dict)
    number: int = 0
    status: str = "waiting"
    delivery_id: str = ""
    reason: str = ""
    settled_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Delivery:
    """One outbox row: one message to one channel, at least once, under one id for ever.

    `facts` is what the message says, as JSON values; each channel renders it when it sends.
    `attempts` counts sends begun; `token` is the fencing token of the present claim: an
    acknowledgement with an older token is ignored. The retry schedule
    begins at `queued_at`: when it was made, or last replayed.
    """

    delivery_id: str
    channel: str
    kind: str
    created_at: datetime
    due_at: datetime
    facts: dict[str, Any] = field(default_factory=dict)
    attempts: int = 0
    token: int = 0
    status: str = "due"
    last_error: str = ""
    delivered_at: datetime | None = None
    queued_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Selector:
    """Which rules on which subjects; each a list of shell patterns of which any may fit.

    `units` and `tags` are of the question; a rule about a unit, a channel or a source has no
    tags, and its subject counts as the question.
    """

    rules: tuple[str, ...] = ("*",)
    questions: tuple[str, ...] = ("*",)
    units: tuple[str, ...] = ("*",)
    tags: tuple[str, ...] = ("*",)
    severities: tuple[str, ...] = ("*",)


@dataclass(frozen=True, slots=True)
class Target:
    """What a selector is held against: a rule on a subject."""

    rule: str
    question: str
    unit: str = ""
    tags: tuple[str, ...] = ()
    severity: str = "warning"


@dataclass(frozen=True, slots=True)
class Silence:
    """A person's word that what fits is not to ring from `starts_at` until before `ends_at`.

    Of several rows with one id the last recorded counts: ending one early is a row.
    """

    silence_id: str
    selector: Selector
    author: str
    reason: str
    starts_at: datetime
    ends_at: datetime


@dataclass(frozen=True, slots=True)
class Acknowledgement:
    """A person's word that an episode is known and being dealt with: no more reminders of it."""

    rule_id: str
    subject: str
    episode: int
    author: str
    note: str
    at: datetime


class ChannelHealth(StrEnum):
    """Whether a channel takes messages: DISABLED is never tried again until a person says so."""

    WORKS = "works"
    FAILING = "failing"
    DISABLED = "disabled"


@dataclass(frozen=True, slots=True)
class ChannelState:
    """How a channel fares, since `since`; only ever added, the last row of a channel counts."""

    channel: str
    health: ChannelHealth
    since: datetime
    reason: str = ""
    author: str = ""
