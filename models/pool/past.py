"""What the members would have said of questions that have come out: their forecasts of then.

Each family answers anew as of moments inside a question's window, from the snapshot as it was
known then, so that nothing later enters: forecasts out of sample, from the first day on, of
families that were not asked at the time. What does enter is hindsight in the priors, if they
were written after the fact. A family that learns from a class is taught by that class as it was
at the turn of the year before.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from forecast.estimate import Health
from forecast.evidence import Outcome, Resolution
from forecast.question import Question, Snapshot
from models.api import Learner, Lesson, Task
from models.pool.record import EPOCH, Record, Said, day_of, said_by_others
from models.priors.beliefs import Beliefs, Pooled
from models.registry import family

WHEN = (1 / 6, 1 / 2, 5 / 6)  # of a window's length: early, in the middle, late
MOST_QUESTIONS = 300  # the newest
EPOCH_LENGTH = timedelta(days=365)  # between two lessons of a family that learns from a class


@dataclass(frozen=True, slots=True)
class Ended:
    """A question that came out, the snapshot it is of, and the moments it is forecast at."""

    question: Question
    end: Resolution
    snapshot: Snapshot

    def moments(self) -> list[datetime]:
        """Those of its window before its outcome was known."""
        length = self.question.deadline - self.question.opens_at
        found = [self.question.opens_at + part * length for part in WHEN]
        return [moment for moment in found if moment < self.end.known_at]


def recall(lesson: Lesson, before: Record) -> Record:
    """The record of a class: rows of `before` where a question is in it, else made anew."""
    pooled = lesson.beliefs.pool or Pooled()
    kept: dict[str, list[Said]] = defaultdict(list)
    for said in before:
        kept[said.question].append(said)
    asked = ended_questions(lesson)
    past = _Past(lesson, pooled)
    new = [e for e in asked if not _still_stands(kept.get(e.question.question_id, []), e)]
    made = past.forecasts(new)
    names = [e.question.question_id for e in asked]
    return tuple(said for name in names for said in made.get(name, kept.get(name, [])))


def ended_questions(lesson: Lesson) -> list[Ended]:
    """The newest questions of the class that came out yes or no, in the order they did."""
    inside = set(lesson.beliefs.definitions())
    found = []
    for snapshot in lesson.snapshots:
        ends = {r.question_id: r for r in snapshot.resolutions if r.known_at < snapshot.as_of}
        for question in snapshot.questions:
            end = ends.get(question.question_id)
            if end and end.outcome is not Outcome.VOID and question.definition in inside:
                found.append(Ended(question, end, snapshot))
    found.sort(key=lambda e: (e.end.known_at, e.question.question_id))
    return found[-MOST_QUESTIONS:]


def of_family(beliefs: Beliefs, name: str) -> Beliefs:
    """The beliefs as one member has them."""
    return replace(beliefs, model=name, pool=None)


def _still_stands(rows: list[Said], ended: Ended) -> bool:
    """Whether rows are of this very outcome, at these moments."""
    moments = [day_of(moment) for moment in ended.moments()]
    outcome, known_at = _outcome(ended), day_of(ended.end.known_at)
    same = all(row.outcome == outcome and row.known_at == known_at for row in rows)
    return bool(rows) and same and [row.moment for row in rows] == moments


def _outcome(ended: Ended) -> int:
    return int(ended.end.outcome is Outcome.YES)


@dataclass(slots=True)
class _Past:
    """The families asked as of the past, each with what its class taught by then."""

    lesson: Lesson
    pooled: Pooled
    _learnt: dict[tuple[str, int], bytes | None] = field(default_factory=dict)

    def forecasts(self, asked: Iterable[Ended]) -> dict[str, list[Said]]:
        """What was said of each question, by its id, in order of time."""
        by_unit: dict[str, list[Ended]] = defaultdict(list)
        for ended in asked:
            by_unit[ended.snapshot.unit].append(ended)
        found: dict[str, list[Said]] = defaultdict(list)
        for of_unit in by_unit.values():
            for said in self._of_unit(of_unit):
                found[said.question].append(said)
        return found

    def _of_unit(self, asked: list[Ended]) -> Iterable[Said]:
        """Moment by moment, so that each family goes on from the state it left."""
        at: dict[datetime, list[Ended]] = defaultdict(list)
        for ended in asked:
            for moment in ended.moments():
                at[moment].append(ended)
        states: dict[str, bytes | None] = {}
        for moment in sorted(at):
            snapshot = asked[0].snapshot.as_known_at(moment)
            by_family = self._families(snapshot, [e.question for e in at[moment]], states)
            for ended in at[moment]:
                name = ended.question.question_id
                p = {m: said[name] for m, said in by_family.items() if name in said}
                p |= said_by_others(snapshot, name, moment, self.pooled)
                yield Said(
                    question=name,
                    definition=ended.question.definition,
                    moment=day_of(moment),
                    known_at=day_of(ended.end.known_at),
                    outcome=_outcome(ended),
                    p=p,
                )

    def _families(
        self, snapshot: Snapshot, questions: list[Question], states: dict[str, bytes | None]
    ) -> dict[str, dict[str, float]]:
        """P of each question by family; a family that fails, or is not sure, says nothing."""
        found: dict[str, dict[str, float]] = {}
        for name in self.pooled.families:
            task = Task(
                snapshot=snapshot,
                beliefs=of_family(self.lesson.beliefs, name),
                questions=tuple(questions),
                seed=self.lesson.seed,
                others=self._others(snapshot.as_of),
                learnt=self._taught(name, snapshot.as_of),
            )
            try:
                answer = family(name).update(task, states.get(name))
            except Exception:  # noqa: BLE001 - its row has no number of it, which the fit allows for
                continue
            states[name] = answer.state
            sure = [e for e in answer.estimates if e.health is Health.HEALTHY]
            found[name] = {e.question_id: e.probability for e in sure}
        return found

    def _others(self, moment: datetime) -> tuple[Snapshot, ...]:
        coupled = {c.unit for c in self.lesson.beliefs.couplings}
        return tuple(s.as_known_at(moment) for s in self.lesson.snapshots if s.unit in coupled)

    def _taught(self, name: str, moment: datetime) -> bytes | None:
        """What the class taught a family by the last turn; None where it learns from none."""
        model = family(name)
        if not isinstance(model, Learner):
            return None
        turn = (moment - EPOCH) // EPOCH_LENGTH
        if (name, turn) not in self._learnt:
            then = EPOCH + turn * EPOCH_LENGTH
            known = tuple(s.as_known_at(then) for s in self.lesson.snapshots)
            beliefs = of_family(self.lesson.beliefs, name)
            lesson = Lesson(known, beliefs, self.lesson.seed)
            try:
                self._learnt[name, turn] = model.learn(lesson, None)
            except Exception:  # noqa: BLE001 - nothing to learn from yet: the unit teaches itself
                self._learnt[name, turn] = None
        return self._learnt[name, turn]
