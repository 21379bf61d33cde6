"""One update, from a snapshot to the outbox: read, infer, decide, record.

    work    = prepare(track, snapshot)   a snapshot is what was known before as_of
    answer  = infer(work)                pure; the ladder of models, maybe in another process
    changes = decide(rule, ...)          pure; each with a named reason
    store.record(...)                    ONE transaction: estimates, transitions, outbox rows

Questions of one unit whose definitions lie inside one root are a track: one posterior answers
them all, and its failure does not stop the others. The last two lines are in `jobs.decisions`;
nothing is sent here, `alerts.outbox` does that.
"""

from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from threading import Lock

from forecast.alert import ALARMED, Rule, RuleState
from forecast.audit import doubt_of
from forecast.errors import ConfigError, HeldError, StoreError, TocsinError
from forecast.estimate import Estimate
from forecast.question import Question, Snapshot
from forecast.resolving import Endings
from forecast.store.answers import ModelState
from jobs.app import App
from jobs.decisions import Failure, Occasion, States, Updated, Work, is_news, settle, states_of
from jobs.learning import learnt_of
from jobs.log import bound
from jobs.prior_learnt import informed
from jobs.publish import Class, published_class
from models.api import Answer, Task
from models.certify import standing
from models.engine.bounds import with_bounds
from models.findings import findings
from models.priors.beliefs import beliefs_of
from models.reference import Reference, republish
from models.registry import family
from models.track import estimate_digest, snapshot_digest

_HERE = Lock()

TOGETHER = 16  # quick tracks recorded in one transaction

type Inferred = Answer | Failure
Compute = Callable[[Callable[[Work], Inferred], Iterable[Work]], Iterable[Inferred]]


def update_questions(
    app: App,
    questions: Sequence[Question],
    as_of: datetime,
    occasion: Occasion,
    compute: Compute = map,
) -> Updated:
    """Update the questions as of `as_of`; StoreError where the store fails.

    `compute` maps `infer` over the tracks: the built-in map, or that of a process pool.
    """
    updated = Updated()
    works: deque[Work] = deque()
    seen = Snapshots(app, as_of)

    def prepared() -> Iterator[Work]:
        for work in works_of(app, questions, seen, updated.failures):
            works.append(work)
            yield work

    for together in _in_batches((works.popleft(), a) for a in compute(infer, prepared())):
        updated.add(settle(app, together, occasion))
    if seen.to_keep:
        app.store.record(model_states=seen.to_keep, recorded_at=occasion.now)
    return updated


def _in_batches(answered: Iterable[tuple[Work, Inferred]]) -> Iterator[list[tuple[Work, Inferred]]]:
    """Tracks to be recorded together: those that took milliseconds. Of the others, each at once."""
    together: list[tuple[Work, Inferred]] = []
    for work, answer in answered:
        together.append((work, answer))
        is_quick = isinstance(answer, Answer) and answer.state == work.state
        if not is_quick or len(together) >= TOGETHER:
            yield together
            together = []
    if together:
        yield together


def works_of(
    app: App, questions: Sequence[Question], seen: "Snapshots", failures: list[TocsinError]
) -> Iterator[Work]:
    """What the tracks of the questions need, read one by one as they are asked for.

    So a pool is at work on the first while the next is read. A track that cannot be read is a
    failure, and does not stop the others.
    """
    states = states_of(app, [question.question_id for question in questions])
    for track in tracks_of(app, questions, failures):
        try:
            work = prepare(app, track, seen, states)
        except StoreError:
            raise
        except Exception as error:  # noqa: BLE001 - a track must not stop the others
            failures.append(failure_of(track[0].definition, error))
            continue
        if work is not None:
            yield work


class Snapshots:
    """What was known of each unit as of one moment, read once: tracks of one unit see the same."""

    def __init__(self, app: App, as_of: datetime) -> None:
        self._app, self.as_of = app, as_of
        self._read: dict[str, Snapshot] = {}
        self._endings: dict[str, Endings] = {}
        self._learnt: dict[str, bytes | None] = {}
        self._published: dict[str, Class | None] = {}
        self.to_keep: list[ModelState] = []

    def learnt(self, definition: str) -> bytes | None:
        """What the class of units of a root definition taught by then, if it learns from one."""
        if definition not in self._learnt:
            self._learnt[definition], new = learnt_of(self._app, definition, self.as_of)
            self.to_keep += [new] if new else []
        return self._learnt[definition]

    def reference(self, definition: str, unit: str) -> Reference | None:
        """The baseline that the gate publishes in the model's place; None: the model's own."""
        if definition not in self._published:
            self._published[definition] = published_class(self._app, definition, self.as_of)
        found = self._published[definition]
        return found.at(unit) if found else None

    def of(self, question: Question) -> Snapshot:
        """The snapshot of a question's unit."""
        unit = question.unit
        if unit not in self._read:
            self._read[unit] = self._app.store.snapshot(question, self.as_of)
        return self._read[unit]

    def endings(self, question: Question) -> Endings:
        """How the questions at a question's unit end."""
        unit = question.unit
        if unit not in self._endings:
            self._endings[unit] = Endings(self._app.config, self.of(question))
        return self._endings[unit]


def tracks_of(
    app: App, questions: Sequence[Question], failures: list[TocsinError]
) -> list[list[Question]]:
    """The questions by unit and root definition; one whose definition is unknown is a failure."""
    tracks: dict[tuple[str, str], list[Question]] = defaultdict(list)
    for question in questions:
        if question.definition not in app.config.definitions:
            words = f"question '{question.question_id}' asks for it, but it is not defined"
            place = f"{app.watch.folder / 'watch.toml'}: definitions.{question.definition}"
            failures.append(ConfigError(words, at=place))
            continue
        tracks[question.unit, app.config.root_of(question.definition)].append(question)
    # the widest tracks take longest, and are begun first
    return sorted(tracks.values(), key=len, reverse=True)


def prepare(app: App, track: list[Question], seen: Snapshots, states: States) -> Work | None:
    """Read what the update of a track needs, and write nothing; None where all have ended."""
    store, config, as_of = app.store, app.config, seen.as_of
    beliefs = beliefs_of(config, track[0].definition)
    snapshot = seen.of(track[0])
    others = tuple(c for c in beliefs.couplings if c.unit != snapshot.unit)  # not with itself
    beliefs = replace(beliefs, couplings=others)
    endings = seen.endings(track[0])
    ended = [(question, end) for question in track if (end := endings.of(question))]
    reopened = tuple(row for question in track if (row := endings.withdrawn(question)))
    has_ended = {end.question_id for _, end in ended}
    questions = tuple(q for q in track if q.question_id not in has_ended and q.deadline > as_of)
    is_news_of_ends = bool(reopened) or any(
        is_news(end, snapshot, config.rules_for(question), states) for question, end in ended
    )
    if not questions and not is_news_of_ends:
        return None
    key = f"{snapshot.unit}/{beliefs.definition}/{beliefs.model}"
    reference = seen.reference(beliefs.definition, snapshot.unit)
    brief = store.briefs.of(key, snapshot.unit, [q.question_id for q in questions], as_of)
    task = Task(
        snapshot=snapshot,
        beliefs=beliefs,
        questions=questions,
        seed=config.watch.seed,
        thresholds={
            q.question_id: tuple(
                _line_that_matters(rule, states.get((rule.rule_id, q.question_id)))
                for rule in config.lines_for(q)
            )
            for q in questions
        },
        late=brief.late,
        previous=brief.last,
        others=tuple(seen.of(replace(track[0], unit=other.unit)) for other in beliefs.couplings),
        doubt=doubt_of(brief.audits),
        learnt=None if reference else seen.learnt(beliefs.definition),
    )
    return Work(
        key=key,
        task=task,
        state=brief.state,
        resolved=tuple(end for _, end in ended),
        reopened=reopened,
        same=() if reference else _standing(task, brief.standing),
        reference=reference,
        is_told=brief.is_told,
    )


def infer(work: Work) -> Inferred:
    """The estimates of a track; those that stand already, where the inputs are the same.

    Of a process's threads one at a time: compiled models cannot hold two tracks' data at once.
    """
    with _HERE, bound(track=work.key):
        return _infer(work)


def _infer(work: Work) -> Inferred:
    if work.same or not work.task.questions:
        return Answer(work.same, work.state)
    try:
        if work.reference:
            answer, certificate = republish(work.task, work.reference, work.state), ""
        else:
            answer = family(work.task.beliefs.model).update(work.task, work.state)
            certificate = standing(work.task.beliefs.model)
        odd = findings(work.task)
        vouched = (
            with_bounds(replace(e, certificate=certificate, findings=(*e.findings, *odd)))
            for e in answer.estimates
        )
        answer = replace(answer, estimates=tuple(vouched))
        if work.reference:
            return answer
        return informed(answer, work.task, work.state, is_told=work.is_told)
    except Exception as error:  # noqa: BLE001 - whatever a model does, the last number is held
        return Failure(failure_of(work.key, error))


def failure_of(track: str, error: Exception) -> TocsinError:
    """An error of ours as it is; what else a model may raise, in one line with its track."""
    if isinstance(error, TocsinError):
        return error
    return HeldError(f"the model failed: {type(error).__name__}: {error}", at=track)


def _line_that_matters(rule: Rule, state: RuleState | None) -> float:
    """The level that could change the rule's mind from where it stands."""
    is_up = state is not None and state.state in ALARMED
    return rule.clear_at if is_up else rule.fire_at


def _standing(task: Task, stored: Mapping[str, Estimate]) -> tuple[Estimate, ...]:
    """The estimates stored for this very moment, where every one is of exactly these inputs."""
    if any(question.question_id not in stored for question in task.questions):
        return ()
    facts = snapshot_digest(task)
    model_hash = family(task.beliefs.model).model_hash(task.beliefs)
    found = [(stored[q.question_id], q) for q in task.questions]
    is_same = all(
        one.inputs_digest == estimate_digest(task, question, facts, model_hash)
        for one, question in found
    )
    return tuple(one for one, _ in found) if is_same else ()
