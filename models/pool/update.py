"""One update of a pool: its families answer, others are heard, and all of it becomes one number."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from forecast.errors import HeldError, TocsinError
from forecast.estimate import Estimate, Health
from forecast.question import Question
from models.api import Answer, Learner, Lesson, Task
from models.pool.kept import Kept
from models.pool.order import coherent
from models.pool.past import of_family, recall
from models.pool.record import Pooler, said_by_others
from models.pool.told import Voices
from models.pool.why import Numbers, moved
from models.priors.beliefs import Pooled
from models.quantiles import interval_among
from models.registry import family
from models.track import estimate_digest, snapshot_digest

METHOD = "pool"


def learn(lesson: Lesson, state: bytes | None) -> bytes:
    """What a class teaches: its families, and the record of its questions that came out."""
    before, pooled = Kept.restored(state), lesson.beliefs.pool or Pooled()
    families = {}
    for name in pooled.families:
        model = family(name)
        if isinstance(model, Learner):
            own = replace(lesson, beliefs=of_family(lesson.beliefs, name))
            families[name] = model.learn(own, before.families.get(name))
    return Kept(families, recall(lesson, before.record)).to_bytes()


def update(task: Task, state: bytes | None, model_hash: str) -> Answer:
    """Estimate every question; the state is that of the families, and the record of the unit."""
    if not task.questions:
        return Answer((), state)
    kept, pooled = Kept.restored(state), task.beliefs.pool or Pooled()
    taught = Kept.restored(task.learnt)
    own = () if task.learnt else recall(_lesson_of(task), kept.record)
    answered = ask(task, pooled, kept, taught)
    work = Work(task, pooled, replace(taught, record=own or taught.record), answered, model_hash)
    after = Kept({**kept.families, **answered.states}, own).to_bytes()
    return Answer(work.estimates(), state if state == after else after)


def _lesson_of(task: Task) -> Lesson:
    """A unit without a class, and the units coupled to it, as the class that it learns from."""
    return Lesson((task.snapshot, *task.others), task.beliefs, task.seed)


@dataclass(frozen=True, slots=True)
class Answered:
    """The families' estimates by family and question, what they keep, and those that failed."""

    estimates: Mapping[str, Mapping[str, Estimate]]
    states: Mapping[str, bytes]
    failures: Mapping[str, str]


def ask(task: Task, pooled: Pooled, kept: Kept, taught: Kept) -> Answered:
    """Let each family answer the task; the error of the first where all of them fail."""
    estimates, states, failures = {}, {}, {}
    first: Exception | None = None
    for name, model in [(name, family(name)) for name in pooled.families]:
        beliefs = of_family(task.beliefs, name)
        own = replace(
            task,
            beliefs=beliefs,
            previous=_previous(task, name, model.model_hash(beliefs)),
            learnt=taught.families.get(name),
        )
        try:
            answer = model.update(own, kept.families.get(name))
        except Exception as error:  # noqa: BLE001 - the other families can still answer
            first = first or error
            failures[name] = error.message if isinstance(error, TocsinError) else repr(error)
            continue
        estimates[name] = {e.question_id: e for e in answer.estimates}
        if answer.state is not None:
            states[name] = answer.state
    if first is not None and not estimates:
        raise first
    return Answered(estimates, states, failures)


def _previous(task: Task, name: str, model_hash: str) -> dict[str, Estimate]:
    """What a family said last, as far as the pool's last estimates kept it."""
    found = {}
    for question, last in task.previous.items():
        numbers = Numbers.of(last)
        if numbers and name in numbers.said:
            p = numbers.said[name]
            found[question] = replace(last, probability=p, model=name, model_hash=model_hash)
    return found


class Work:
    """The questions of one task, their voices, and the pool as fitted."""

    def __init__(
        self, task: Task, pooled: Pooled, taught: Kept, answered: Answered, model_hash: str
    ) -> None:
        self.task, self.answered, self.model_hash = task, answered, model_hash
        snapshot = task.snapshot
        others = {
            q.question_id: said_by_others(snapshot, q.question_id, snapshot.as_of, pooled)
            for q in task.questions
        }
        heard = {member for said in others.values() for member in said}
        self.pooler = Pooler.of(taught.record, pooled, heard, snapshot.as_of)
        self.voices = {
            q.question_id: Voices(
                question=q,
                pooler=self.pooler,
                families=self._sure(q.question_id) or self._all(q.question_id),
                others=others[q.question_id],
                recurrent=task.beliefs.recurrent,
            )
            for q in task.questions
        }

    def estimates(self) -> tuple[Estimate, ...]:
        """The estimates, coherent with each other."""
        alone = {name: voices.probability() for name, voices in self.voices.items()}
        p = coherent(self.task.questions, alone, self.task.beliefs)
        facts = snapshot_digest(self.task)
        return tuple(self._estimate(q, p[q.question_id], facts) for q in self.task.questions)

    def _estimate(self, question: Question, p: float, facts: str) -> Estimate:
        voices = self.voices[question.question_id]
        numbers = self._numbers(voices)
        quantiles = voices.quantiles(p)
        is_sure = bool(self._sure(question.question_id))
        last = self.task.previous.get(question.question_id)
        return Estimate(
            question_id=question.question_id,
            as_of=self.task.snapshot.as_of,
            probability=p,
            interval=interval_among(quantiles),
            mcse=voices.error(),
            health=Health.HEALTHY if is_sure else Health.UNVERIFIED,
            model=METHOD,
            model_hash=self.model_hash,
            method=METHOD,
            inputs_digest=estimate_digest(self.task, question, facts, self.model_hash),
            reason="" if is_sure else self._why_unsure(voices),
            diagnostics=numbers.diagnostics() | {"resolved questions": self.pooler.pool.groups},
            curve=voices.curve(p, quantiles),
            contributions=voices.contributions(),
            moved=moved(last, p, numbers, voices.families, self.model_hash) if last else None,
            expected_count=voices.expected(p),
            at_least=voices.at_least(p),
            couplings=next((e.couplings for e in voices.families.values() if e.couplings), ()),
            escalation=tuple(
                f"{name} {rung}" for name, e in voices.families.items() for rung in e.escalation
            ),
            findings=self._findings(question.question_id),
            quantiles=quantiles,
        )

    def _numbers(self, voices: Voices) -> Numbers:
        said, pool = voices.said(), self.pooler.pool
        return Numbers(said, self.pooler.weights(said), pool.sharpness, pool.shift)

    def _all(self, question: str) -> dict[str, Estimate]:
        told = self.answered.estimates
        found = {name: said[question] for name, said in told.items() if question in said}
        if not found:
            raise HeldError("no family of the pool answered", at=question)
        return found

    def _sure(self, question: str) -> dict[str, Estimate]:
        found = self._all(question)
        return {name: e for name, e in found.items() if e.health is Health.HEALTHY}

    def _why_unsure(self, voices: Voices) -> str:
        return "; ".join(f"{name}: {e.reason}" for name, e in voices.families.items())

    def _findings(self, question: str) -> tuple[str, ...]:
        """Those of the families, each once, and which of them do not count."""
        found = list(dict.fromkeys(f for e in self._all(question).values() for f in e.findings))
        out = {n: e for n, e in self._all(question).items() if n not in self._sure(question)}
        found += [
            f"{n} does not count in the pool, it is {e.health}: {e.reason}" for n, e in out.items()
        ]
        found += [
            f"{n} failed, and does not count in the pool: {why}"
            for n, why in self.answered.failures.items()
        ]
        return tuple(found)
