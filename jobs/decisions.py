"""What an update comes to: every rule decided, notices made out, recorded in one transaction.

Rules are decided on the states that are the newest when the transaction begins; where another
process decides in between, the store refuses and it is decided again.
"""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from alerts import decide as alerting
from alerts.readings import Baseline, Reading, baseline_of, read_estimate, read_unit
from forecast.alert import (
    ALARMED,
    Notice,
    NoticeKind,
    Rule,
    RuleKind,
    RuleState,
    State,
    Transition,
)
from forecast.belief import Learnt
from forecast.clock import format_instant
from forecast.errors import ConflictError, StoreError, TocsinError
from forecast.estimate import Estimate, Health
from forecast.evidence import Resolution
from forecast.question import Question, Snapshot
from forecast.store import RunClaim, StateChange
from forecast.store.due_units import DueClaim
from jobs.app import App
from jobs.notices import notices_about
from jobs.prior_learnt import Informed, in_its_words
from jobs.prior_ledger import settle_prior
from models.api import Answer, Task
from models.reference import Reference

TRIES = 5
INSTANT = timedelta(microseconds=1)
type States = dict[tuple[str, str], RuleState]


@dataclass(frozen=True, slots=True)
class Work:
    """All that one track's update needs to know, read at once.

    `reopened` are rows that take back ends which follow no more. `same` are estimates that
    stand already for exactly these inputs: then nothing is computed. `reference` is the baseline
    that is published in the model's place, where the gate says so. `is_told` is whether what the
    data made of the prior is on record.
    """

    key: str
    task: Task
    state: bytes | None
    resolved: tuple[Resolution, ...]
    reopened: tuple[Resolution, ...] = ()
    same: tuple[Estimate, ...] = ()
    reference: Reference | None = None
    is_told: bool = False


@dataclass(frozen=True, slots=True)
class Failure:
    """A track that could not be estimated, and why."""

    error: TocsinError


@dataclass(slots=True)
class Updated:
    """What an update came to; `failures` are of tracks, which do not stop the others."""

    estimates: list[Estimate] = field(default_factory=list)
    resolutions: list[Resolution] = field(default_factory=list)
    reopened: list[Resolution] = field(default_factory=list)
    transitions: list[Transition] = field(default_factory=list)
    notices: list[Notice] = field(default_factory=list)
    learnt: list[Learnt] = field(default_factory=list)
    failures: list[TocsinError] = field(default_factory=list)

    def add(self, other: "Updated") -> None:
        """Take in what another came to."""
        self.estimates += other.estimates
        self.resolutions += other.resolutions
        self.reopened += other.reopened
        self.transitions += other.transitions
        self.notices += other.notices
        self.learnt += other.learnt
        self.failures += other.failures

    def in_brief(self) -> "Updated":
        """The same without what the numbers rest on: of ten thousand that is much to hold."""
        rest: dict[str, Any] = {"diagnostics": {}, "moved": None}
        rest |= dict.fromkeys(("curve", "contributions", "couplings", "at_least", "quantiles"), ())
        return replace(self, estimates=[replace(e, **rest) for e in self.estimates], learnt=[])


@dataclass(frozen=True, slots=True)
class Occasion:
    """When and as what an update is recorded.

    With `rings` the alert rules are decided; an update of the past rings nobody. `run` is the
    claim that must still be held when it is recorded.
    """

    now: datetime
    rings: bool = True
    run: RunClaim | DueClaim | None = None


def states_of(app: App, subjects: Sequence[str] | None = None) -> States:
    """The newest state of every rule on every subject, or on some, by (rule, subject)."""
    return {(s.rule_id, s.subject): s for s in app.store.alerts.states(subjects)}


def settle(
    app: App, tracks: Sequence[tuple[Work, Answer | Failure]], occasion: Occasion
) -> Updated:
    """Decide and record some tracks together; StoreError where the run is no longer ours.

    What keeps one of them from being recorded does not keep the others: then each goes alone.
    """
    if len(tracks) > 1:
        try:
            return _settle_once(app, tracks, occasion)
        except (ConflictError, StoreError):
            updated = Updated()
            for track in tracks:
                updated.add(settle(app, [track], occasion))
            return updated
    for tries_left in reversed(range(TRIES)):
        try:
            return _settle_once(app, tracks, occasion)
        except ConflictError:
            if not tries_left:
                raise
    raise AssertionError("unreachable")


def _settle_once(
    app: App, tracks: Sequence[tuple[Work, Answer | Failure]], occasion: Occasion
) -> Updated:
    states = states_of(app, sorted({name for work, _ in tracks for name in _subjects(work)}))
    updated, fresh, changes, kept = Updated(), [], [], []
    for work, answer in tracks:
        found = _answered(app, work, answer, occasion.now)
        if not work.same:
            fresh += found.estimates
        if isinstance(answer, Answer) and answer.state and answer.state != work.state:
            kept.append((work.key, work.task.snapshot.as_of, answer.state))
        if occasion.rings:
            decided = _Decided(app, work, found, states, occasion.now)
            decided.on_estimates()
            decided.on_ends()
            changes += decided.changes
        updated.add(found)
    app.store.record(
        estimates=fresh,
        resolutions=[*updated.resolutions, *updated.reopened],
        states=changes,
        transitions=updated.transitions,
        to_tell=updated.notices,
        model_states=kept,
        beliefs=updated.learnt,
        run=occasion.run,
        recorded_at=occasion.now,
    )
    return updated


def _answered(app: App, work: Work, answer: Answer | Failure, now: datetime) -> Updated:
    """What a track came to before any rule is decided on it."""
    prior = settle_prior(app, work.task.beliefs.definition, now)
    updated = Updated(
        resolutions=[r for r in work.resolved if r not in work.task.snapshot.resolutions],
        reopened=list(work.reopened),
    )
    if isinstance(answer, Failure):
        updated.failures.append(answer.error)
        updated.estimates = list(_held(work.task, answer.error))
    else:
        updated.estimates = [replace(e, prior_version=prior.version) for e in answer.estimates]
        if isinstance(answer, Informed) and answer.learnt is not None:
            updated.learnt = [in_its_words(answer.learnt, prior)]
    return updated


def _subjects(work: Work) -> list[str]:
    """What the rules on a track may be about."""
    ended = [r.question_id for r in work.resolved]
    return [*(q.question_id for q in work.task.questions), *ended, work.task.snapshot.unit]


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


class _Decided:
    """The rules on one track's questions, decided one after the other on their newest states."""

    def __init__(
        self, app: App, work: Work, updated: Updated, states: States, now: datetime
    ) -> None:
        self._app, self._work, self._updated, self._now = app, work, updated, now
        self._states, unit = states, work.task.snapshot.unit
        self._is_stale = any(map(self._is_silent, app.config.rules_of(RuleKind.STALE, unit)))
        self._past: dict[datetime, dict[str, Estimate]] = {}
        self.changes: list[StateChange] = []

    def _is_silent(self, rule: Rule) -> bool:
        """Whether a rule on silence fires on the unit, and nothing has come since."""
        snapshot = self._work.task.snapshot
        state = self._states.get((rule.rule_id, snapshot.unit))
        newest = max((report.known_at for report in snapshot.reports), default=None)
        reading = read_unit(rule, snapshot.unit, newest, snapshot.as_of)
        is_long = reading is None or reading.value >= rule.fire_at
        return state is not None and state.state in ALARMED and is_long

    def on_estimates(self) -> None:
        """Every rule on every new estimate of a question that can still happen."""
        questions = {q.question_id: q for q in self._work.task.questions if q.deadline > self._now}
        for estimate in self._updated.estimates:
            question = questions.get(estimate.question_id)
            if question is None:
                continue
            for rule in self._app.config.rules_for(question):
                before = self._states.get((rule.rule_id, question.question_id))
                if rule.kind is RuleKind.RESOLVED:
                    name = question.question_id
                    waits, end = alerting.await_outcome(rule, before, name, self._now)
                    self._note(question, rule, before, waits, end, estimate)
                    continue
                baseline = self._baseline(rule, before, estimate)
                reading = self._reading(rule, estimate, baseline)
                if reading is not None:
                    after, transition = alerting.decide(rule, before, reading, self._now)
                    self._note(
                        question, rule, before, after, transition, estimate, baseline=baseline
                    )

    def on_ends(self) -> None:
        """End the watch on questions that were resolved."""
        questions = {q.question_id: q for q in self._work.task.snapshot.questions}
        for resolution in self._work.resolved:
            name = resolution.question_id
            question = questions.get(name) or self._app.store.question(name)
            rules = self._app.config.rules_for(question)
            if not is_news(resolution, self._work.task.snapshot, rules, self._states):
                continue
            last = self._app.store.latest_estimate(name)
            p = last.probability if last else None
            for rule in rules:
                before = self._states.get((rule.rule_id, name))
                if before is None:
                    continue
                end = (
                    alerting.tell_outcome
                    if rule.kind is RuleKind.RESOLVED
                    else alerting.close_question
                )
                after, transition = end(before, resolution.outcome, p, self._now)
                self._note(
                    question, rule, before, after, transition, last, outcome=resolution.outcome
                )

    def _baseline(self, rule: Rule, state: RuleState | None, estimate: Estimate) -> Baseline | None:
        """What a rule of kind change compares with."""
        if rule.kind is not RuleKind.CHANGE:
            return None
        earlier = None
        if rule.over is not None:
            earlier = self._just_before(estimate.as_of - rule.over).get(estimate.question_id)
        return baseline_of(rule, state, earlier)

    def _just_before(self, moment: datetime) -> dict[str, Estimate]:
        """The newest estimates of all the track's questions at a moment, read at once."""
        if moment not in self._past:
            names = [question.question_id for question in self._work.task.questions]
            self._past[moment] = self._app.store.briefs.latest(names, moment + INSTANT)
        return self._past[moment]

    def _reading(self, rule: Rule, estimate: Estimate, baseline: Baseline | None) -> Reading | None:
        last = self._work.task.previous.get(estimate.question_id)
        return read_estimate(
            rule,
            estimate,
            last.probability if last else None,
            baseline,
            is_stale=self._is_stale,
        )

    def _note(
        self,
        question: Question,
        rule: Rule,
        before: RuleState | None,
        after: RuleState,
        transition: Transition | None,
        estimate: Estimate | None,
        *,
        baseline: Baseline | None = None,
        outcome: str = "",
    ) -> None:
        if after != before:
            self.changes.append((before, after))
        if transition is not None:
            last = self._work.task.previous.get(question.question_id)
            self._updated.transitions.append(transition)
            if before is not None and transition.reason == alerting.Reason.RISING_ON:
                over = _ended_by(transition, before)
                self._updated.notices += notices_about(
                    self._app, question, rule, over, estimate, last
                )
            self._updated.notices += notices_about(
                self._app,
                question,
                rule,
                transition,
                estimate,
                last,
                baseline=baseline,
                outcome=outcome,
            )


def _ended_by(rings: Transition, before: RuleState) -> Transition:
    """The end of an episode that only a digest told, as the same alert rings now by another."""
    return replace(
        rings,
        after=State.OK,
        episode=before.episode,
        notify=NoticeKind.RESOLVED.value,
        route=before.route,
        detail=f"It rings now, as episode {rings.episode}.",
    )


def is_news(
    resolution: Resolution, snapshot: Snapshot, rules: Sequence[Rule], states: States
) -> bool:
    """Whether an end has yet to be recorded, an episode to be closed, or another one was told.

    `rules` are those that watch the question.
    """
    name = resolution.question_id
    stands = [s for rule in rules if (s := states.get((rule.rule_id, name)))]
    return resolution not in snapshot.resolutions or any(
        s.state is not State.OK or s.outcome not in ("", resolution.outcome) for s in stands
    )
