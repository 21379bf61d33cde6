"""What an update comes to: every rule decided, messages made out, recorded in one transaction.

Rules are decided on the states that are the newest when the transaction begins; where another
process decides in between, the store refuses and it is decided again.
"""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime

from alerts import decide as alerting
from alerts.message import build_facts, delivery_id
from forecast.alert import Delivery, Rule, RuleState, State, Transition
from forecast.clock import format_instant
from forecast.errors import ConflictError, TocsinError
from forecast.estimate import Estimate, Health
from forecast.evidence import Resolution
from forecast.question import Question, Snapshot
from forecast.store import RunClaim, StateChange
from jobs.app import App
from jobs.prior_ledger import settle_prior
from models.api import Answer, Task

TRIES = 5
type States = dict[tuple[str, str], RuleState]


@dataclass(frozen=True, slots=True)
class Work:
    """All that one track's update needs to know, read at once.

    `same` are estimates that stand already for exactly these inputs: then nothing is computed.
    """

    key: str
    task: Task
    state: bytes | None
    resolved: tuple[Resolution, ...]
    same: tuple[Estimate, ...] = ()


@dataclass(frozen=True, slots=True)
class Failure:
    """A track that could not be estimated, and why."""

    error: TocsinError


@dataclass(slots=True)
class Updated:
    """What an update came to; `failures` are of tracks, which do not stop the others."""

    estimates: list[Estimate] = field(default_factory=list)
    resolutions: list[Resolution] = field(default_factory=list)
    transitions: list[Transition] = field(default_factory=list)
    deliveries: list[Delivery] = field(default_factory=list)
    failures: list[TocsinError] = field(default_factory=list)

    def add(self, other: "Updated") -> None:
        """Take in what another came to."""
        self.estimates += other.estimates
        self.resolutions += other.resolutions
        self.transitions += other.transitions
        self.deliveries += other.deliveries
        self.failures += other.failures


@dataclass(frozen=True, slots=True)
class Occasion:
    """When and as what an update is recorded.

    With `rings` the alert rules are decided; an update of the past rings nobody. `run` is the
    claim that must still be held when it is recorded.
    """

    now: datetime
    rings: bool = True
    run: RunClaim | None = None


def states_of(app: App) -> States:
    """The newest state of every rule on every question, by (rule, question)."""
    return {(s.rule_id, s.question_id): s for s in app.store.rule_states()}


def settle(app: App, work: Work, answer: Answer | Failure, occasion: Occasion) -> Updated:
    """Decide and record; StoreError where the run is no longer ours."""
    for tries_left in reversed(range(TRIES)):
        try:
            return _settle_once(app, work, answer, occasion)
        except ConflictError:
            if not tries_left:
                raise
    raise AssertionError("unreachable")


def _settle_once(app: App, work: Work, answer: Answer | Failure, occasion: Occasion) -> Updated:
    now, as_of = occasion.now, work.task.snapshot.as_of
    prior = settle_prior(app, work.task.beliefs.definition, now)
    updated, changes = Updated(), []
    if isinstance(answer, Failure):
        updated.failures.append(answer.error)
        updated.estimates = list(_held(work.task, answer.error))
        new_state = None
    else:
        updated.estimates = [replace(e, prior_version=prior.version) for e in answer.estimates]
        new_state = answer.state if answer.state is not work.state else None
    if occasion.rings:
        states = states_of(app)
        changes = _decide(app, work, updated, states, now) + _close(app, work, updated, states, now)
    updated.resolutions = [r for r in work.resolved if r not in work.task.snapshot.resolutions]
    app.store.record(
        estimates=() if work.same else updated.estimates,
        resolutions=updated.resolutions,
        states=changes,
        transitions=updated.transitions,
        deliveries=updated.deliveries,
        model_states=[(work.key, as_of, new_state)] if new_state else (),
        run=occasion.run,
        recorded_at=now,
    )
    return updated


def _held(task: Task, error: TocsinError) -> Iterable[Estimate]:
    """The last good estimates, held as of now; none for a question that has none."""
    as_of = task.snapshot.as_of
    for last in task.previous.values():
        text = f"{last.inputs_digest} {format_instant(as_of)} {error.message}"
        yield replace(
            last,
            as_of=as_of,
            health=Health.HELD,
            reason=error.message,
            moved=None,
            inputs_digest=hashlib.sha256(text.encode()).hexdigest(),
        )


def _decide(
    app: App, work: Work, updated: Updated, states: States, now: datetime
) -> list[StateChange]:
    """Every rule on every new estimate of a question that can still happen."""
    changes: list[StateChange] = []
    questions = {q.question_id: q for q in work.task.questions if q.deadline > now}
    for estimate in updated.estimates:
        question = questions.get(estimate.question_id)
        if question is None:
            continue
        last = work.task.previous.get(estimate.question_id)
        for rule in app.config.rules_for(question.question_id):
            before = states.get((rule.rule_id, question.question_id))
            previous = last.probability if last else None
            after, transition = alerting.decide(rule, before, estimate, previous, now)
            if after != before:
                changes.append((before, after))
            if transition is not None:
                updated.transitions.append(transition)
                updated.deliveries += _deliveries(app, question, rule, transition, estimate, last)
    return changes


def _close(
    app: App, work: Work, updated: Updated, states: States, now: datetime
) -> list[StateChange]:
    """End the watch on questions that were resolved."""
    changes: list[StateChange] = []
    for resolution in work.resolved:
        name = resolution.question_id
        if not is_news(resolution, work.task.snapshot, states.values()):
            continue
        question, last = app.store.question(name), app.store.latest_estimate(name)
        if last is None:
            continue
        for rule in app.config.rules_for(name):
            before = states.get((rule.rule_id, name))
            after, transition = alerting.close(
                rule, before, name, resolution.outcome, last.probability, now
            )
            if transition is not None:
                changes.append((before, after))
                updated.transitions.append(transition)
                updated.deliveries += _deliveries(app, question, rule, transition, last, None)
    return changes


def is_news(resolution: Resolution, snapshot: Snapshot, states: Iterable[RuleState]) -> bool:
    """Whether an end has yet to be recorded, or an episode to be closed."""
    return resolution not in snapshot.resolutions or any(
        s.question_id == resolution.question_id and s.state is not State.OK for s in states
    )


def _deliveries(
    app: App,
    question: Question,
    rule: Rule,
    transition: Transition,
    estimate: Estimate,
    last: Estimate | None,
) -> list[Delivery]:
    """One outbox row for each channel that subscribed, where the transition asks for a message."""
    channels = app.config.channels_for(rule.rule_id, question.question_id)
    if not transition.notify or not channels:
        return []
    link = app.config.watch.link
    facts = build_facts(
        question,
        rule,
        transition,
        estimate,
        f"{link.rstrip('/')}/questions/{question.question_id}" if link else "",
        previous_at=last.as_of if last else None,
        meanings={tag: i.meaning for tag, i in app.config.indicators.items()},
        crowd=[c for c in app.store.crowd(question.question_id) if c.at < estimate.as_of],
    )
    return [
        Delivery(
            delivery_id=delivery_id(
                channel, rule.rule_id, question.question_id, transition.episode, transition.notify
            ),
            channel=channel,
            kind=transition.notify,
            created_at=transition.at,
            due_at=transition.at,
            facts=facts,
            stream=f"{rule.rule_id}/{question.question_id}",
        )
        for channel in channels
    ]
