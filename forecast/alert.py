"""Alerts as facts: rules, the state of a rule on a question, transitions, deliveries."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any


class State(StrEnum):
    """Where a rule stands on one question.

    OK -> PENDING -> FIRING -> RECOVERING -> OK; PENDING and RECOVERING are the dwell.
    """

    OK = "ok"
    PENDING = "pending"
    FIRING = "firing"
    RECOVERING = "recovering"


@dataclass(frozen=True, slots=True)
class Rule:
    """Fire when P is clearly at or above `fire_at`, clear when clearly at or below `clear_at`.

    Clearly: by `z` Monte Carlo standard errors. `dwell_up` and `dwell_down` are the numbers
    of evaluations in a row that it takes. Probabilities are 0 to 1, clear_at < fire_at.
    """

    rule_id: str
    fire_at: float
    clear_at: float
    dwell_up: int = 2
    dwell_down: int = 2
    z: float = 1.0
    severity: str = "warning"


@dataclass(frozen=True, slots=True)
class RuleState:
    """The stored state of one rule on one question.

    `streak` counts evaluations in PENDING or RECOVERING; `episode` numbers the stretches of
    firing from 1; `evaluated_as_of` is the estimate last looked at, so that an evaluation
    counts once; `definition_digest` is of the rule's numbers, so that an edit is seen.
    """

    rule_id: str
    question_id: str
    state: State = State.OK
    streak: int = 0
    episode: int = 0
    since: datetime | None = None
    evaluated_as_of: datetime | None = None
    definition_digest: str = ""


@dataclass(frozen=True, slots=True)
class Transition:
    """A rule's change of mind: one row, with its reason in a word and in words.

    `notify` is the kind of message it asks for ("firing", "resolved"), or "" for none.
    `previous` is the probability of the estimate before this one, if there was one.
    """

    rule_id: str
    question_id: str
    at: datetime
    before: State
    after: State
    reason: str
    detail: str
    episode: int
    probability: float
    previous: float | None = None
    notify: str = ""


@dataclass(frozen=True, slots=True)
class Delivery:
    """One outbox row: one message to one channel, at least once, under one id for ever.

    `facts` is what the message says, as JSON values; each channel renders it when it sends.
    `attempts` counts sends begun; `token` is the fencing token of the present claim: an
    acknowledgement with an older token is ignored. Of one `stream` and channel, each message
    waits until those recorded before it are delivered or dead; "" is in no order.
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
    stream: str = ""
