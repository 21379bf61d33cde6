"""One update, from a snapshot to the outbox: read, infer, decide, record.

    work    = prepare(track, as_of)      one read of what was known before as_of
    answer  = infer(work)                pure; the ladder of models, maybe in another process
    changes = decide(rule, ...)          pure; each with a named reason
    store.record(...)                    ONE transaction: estimates, transitions, outbox rows

Questions of one unit whose definitions lie inside one root are a track: one posterior answers
them all. Nothing is sent here; `alerts.outbox` does that.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from alerts import decide as alerting
from alerts.message import build_facts, delivery_id
from forecast.alert import Delivery, Rule, RuleState, State, Transition
from forecast.errors import ConfigError
from forecast.estimate import Estimate
from forecast.evidence import Resolution
from forecast.question import Question, Snapshot
from forecast.resolving import resolve
from forecast.words import parse_days
from jobs.app import App
from jobs.prior_ledger import settle_prior
from models.api import Answer, Task
from models.priors.beliefs import Beliefs, beliefs_of
from models.registry import family
from models.track import estimate_digest, snapshot_digest


@dataclass(frozen=True, slots=True)
class Work:
    """All that one track's update needs to know, read at once.

    `same` are estimates that stand already for exactly these inputs: then nothing is computed.
    """

    key: str
    task: Task
    state: bytes | None
    resolved: tuple[Resolution, ...]
    rule_states: dict[tuple[str, str], RuleState]
    same: tuple[Estimate, ...] = ()


@dataclass(slots=True)
class Updated:
    """What an update came to."""

    estimates: list[Estimate] = field(default_factory=list)
    resolutions: list[Resolution] = field(default_factory=list)
    transitions: list[Transition] = field(default_factory=list)
    deliveries: list[Delivery] = field(default_factory=list)

    def add(self, other: "Updated") -> None:
        """Take in what another came to."""
        self.estimates += other.estimates
        self.resolutions += other.resolutions
        self.transitions += other.transitions
        self.deliveries += other.deliveries


Compute = Callable[[Callable[[Work], Answer], Iterable[Work]], Iterable[Answer]]


def update_questions(
    app: App,
    questions: Sequence[Question],
    as_of: datetime,
    now: datetime,
    compute: Compute = map,
) -> Updated:
    """Update the questions as of `as_of`; `now` is when it is recorded.

    `compute` maps `infer` over the tracks: the built-in map, or that of a process pool.
    """
    states = {(s.rule_id, s.question_id): s for s in app.store.rule_states()}
    works: list[Work] = []

    def prepared() -> Iterator[Work]:
        # one by one, so that a pool is at work on the first while the next is read
        for track in tracks_of(app, questions):
            work = prepare(app, track, as_of, states)
            if work is not None:
                works.append(work)
                yield work

    updated = Updated()
    for place, answer in enumerate(compute(infer, prepared())):
        updated.add(finish(app, works[place], answer, now))
    return updated


def tracks_of(app: App, questions: Sequence[Question]) -> list[list[Question]]:
    """The questions by unit and root definition; ConfigError for one nobody defined."""
    tracks: dict[tuple[str, str], list[Question]] = defaultdict(list)
    for question in questions:
        if question.definition not in app.config.definitions:
            raise ConfigError(
                f"question '{question.question_id}' asks for it, but it is not defined",
                at=f"{app.watch.folder / 'watch.toml'}: definitions.{question.definition}",
            )
        tracks[question.unit, app.config.root_of(question.definition)].append(question)
    # the widest tracks take longest, and are begun first
    return sorted(tracks.values(), key=len, reverse=True)


def prepare(
    app: App,
    track: list[Question],
    as_of: datetime,
    states: dict[tuple[str, str], RuleState],
) -> Work | None:
    """Read what the update of a track needs, and write nothing; None where all have ended."""
    store, config = app.store, app.config
    beliefs = beliefs_of(config, track[0].definition)
    snapshot = store.snapshot(track[0], as_of)
    resolved = [_resolution(app, beliefs, question, snapshot) for question in track]
    ended = tuple(r for r in resolved if r is not None)
    has_ended = {r.question_id for r in ended}
    questions = tuple(q for q in track if q.question_id not in has_ended and q.deadline > as_of)
    if not questions and not any(_is_news(r, snapshot, states.values()) for r in ended):
        return None
    last = {q.question_id: store.latest_estimate(q.question_id, before=as_of) for q in questions}
    task = Task(
        snapshot=snapshot,
        beliefs=beliefs,
        questions=questions,
        seed=config.watch.seed,
        thresholds={
            q.question_id: tuple(
                _line_that_matters(rule, states.get((rule.rule_id, q.question_id)))
                for rule in config.rules_for(q.question_id)
            )
            for q in questions
        },
        previous={name: estimate for name, estimate in last.items() if estimate is not None},
    )
    key = f"{snapshot.unit}/{beliefs.definition}/{beliefs.model}"
    return Work(
        key=key,
        task=task,
        state=store.model_state(key, as_of),
        resolved=ended,
        rule_states=states,
        same=_standing(app, task),
    )


def infer(work: Work) -> Answer:
    """The estimates of a track; those that stand already, where the inputs are the same."""
    if work.same or not work.task.questions:
        return Answer(work.same, work.state)
    return family(work.task.beliefs.model).update(work.task, work.state)


def finish(app: App, work: Work, answer: Answer, now: datetime) -> Updated:
    """Decide every rule on every estimate, and record all of it in one transaction."""
    as_of = work.task.snapshot.as_of
    prior = settle_prior(app, work.task.beliefs.definition, now)
    updated = Updated(estimates=[replace(e, prior_version=prior.version) for e in answer.estimates])
    states: list[RuleState] = []
    questions = {q.question_id: q for q in work.task.questions}
    for estimate in updated.estimates:
        question = questions[estimate.question_id]
        last = work.task.previous.get(estimate.question_id)
        for rule in app.config.rules_for(question.question_id):
            before = work.rule_states.get((rule.rule_id, question.question_id))
            previous = last.probability if last else None
            after, transition = alerting.decide(rule, before, estimate, previous, now)
            if after != before:
                states.append(after)
            if transition is not None:
                updated.transitions.append(transition)
                updated.deliveries += _deliveries(app, question, rule, transition, estimate, last)
    _close(app, work, updated, states, now)
    is_new_state = answer.state is not None and answer.state is not work.state
    app.store.record(
        estimates=() if work.same else updated.estimates,
        resolutions=updated.resolutions,
        states=states,
        transitions=updated.transitions,
        deliveries=updated.deliveries,
        model_states=[(work.key, as_of, answer.state)] if answer.state and is_new_state else (),
        recorded_at=now,
    )
    return updated


def _close(app: App, work: Work, updated: Updated, states: list[RuleState], now: datetime) -> None:
    """End the watch on questions that were resolved, and keep the resolutions that are new."""
    for resolution in work.resolved:
        if not _is_news(resolution, work.task.snapshot, work.rule_states.values()):
            continue
        if resolution not in work.task.snapshot.resolutions:
            updated.resolutions.append(resolution)
        question = app.store.question(resolution.question_id)
        last = app.store.latest_estimate(resolution.question_id)
        if last is None:
            continue
        for rule in app.config.rules_for(resolution.question_id):
            before = work.rule_states.get((rule.rule_id, resolution.question_id))
            after, transition = alerting.close(
                rule, before, resolution.question_id, resolution.outcome, last.probability, now
            )
            if transition is not None:
                states.append(after)
                updated.transitions.append(transition)
                updated.deliveries += _deliveries(app, question, rule, transition, last, None)


def _is_news(resolution: Resolution, snapshot: Snapshot, states: Iterable[RuleState]) -> bool:
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
        )
        for channel in channels
    ]


def _resolution(
    app: App, beliefs: Beliefs, question: Question, snapshot: Snapshot
) -> Resolution | None:
    grace = timedelta(days=parse_days(app.config.definitions[question.definition].grace))
    return resolve(
        question, snapshot, lambda other: beliefs.includes(question.definition, other), grace
    )


def _line_that_matters(rule: Rule, state: RuleState | None) -> float:
    """The level that could change the rule's mind from where it stands."""
    is_up = state is not None and state.state in (State.FIRING, State.RECOVERING)
    return rule.clear_at if is_up else rule.fire_at


def _standing(app: App, task: Task) -> tuple[Estimate, ...]:
    """The stored estimates of every question for exactly these inputs, or none."""
    facts = snapshot_digest(task)
    model_hash = family(task.beliefs.model).model_hash(task.beliefs)
    as_of = task.snapshot.as_of
    found = []
    for question in task.questions:
        stored = app.store.estimates(question.question_id, as_of, as_of)
        digest = estimate_digest(task, question, facts, model_hash)
        if not stored or stored[-1].inputs_digest != digest:
            return ()
        found.append(stored[-1])
    return tuple(found)
