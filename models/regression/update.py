"""One unit's estimate by a regression that its class of units taught.

The regression says p, of an event at the unit within a horizon from now. Other windows, counts,
narrower definitions and the band follow from the Gamma rate that gives this window this number,
see `models.reference`: as wide as what the unit's own events leave open of its rate, and what the
class leaves open of the coefficients.
"""

import hashlib
from dataclasses import replace

import numpy as np

from forecast.clock import days_between
from forecast.estimate import Contribution, Estimate, Move
from forecast.question import Question
from models.api import Answer, Lesson, Task
from models.felt import VISIBLE, strongest_first
from models.incidents import gather
from models.moves import move
from models.panel.family import MOST_SHOWN, ORIGIN, class_facts
from models.reference import Reference, estimates_by
from models.regression.taught import Said, Taught
from models.track import estimate_digest, events_of, heard, levels_of, snapshot_digest

METHOD = "regression"
ENDS = (0.0, -1.6448536269514722, 1.6448536269514722)  # of a Normal: median and central 90 %


def learn(name: str, lesson: Lesson) -> bytes:
    """What the units of a class teach as of one moment."""
    beliefs, now = lesson.beliefs, days_between(ORIGIN, lesson.snapshots[0].as_of)
    facts, levels = class_facts(lesson.snapshots, beliefs), tuple(levels_of(beliefs)) or None
    return Taught.of(name, facts, beliefs.definition, now, beliefs.horizon, levels).to_bytes()


def update(name: str, task: Task, state: bytes | None, model_hash: str) -> Answer:
    """Estimate every question of the task; the state is the digest of what was learnt."""
    if not task.questions:
        return Answer((), state)
    learnt = task.learnt or learn(name, Lesson((task.snapshot,), task.beliefs, task.seed))
    digest, taught = hashlib.sha256(learnt).digest(), Taught.from_bytes(learnt)
    is_new, facts, said = state != digest, snapshot_digest(task), ask(task, taught)
    plain = estimates_by(_reference(taught, said), task, model_hash)
    told = (
        replace(
            estimate,
            model=name,
            method=METHOD,
            inputs_digest=estimate_digest(task, question, facts, model_hash),
            diagnostics=_diagnostics(taught, said),
            contributions=_contributions(task, said) if said else (),
            findings=() if said else (_why_nothing(taught),),
            moved=_moved(task, question, estimate, taught, is_new),
        )
        for question, estimate in zip(task.questions, plain, strict=True)
    )
    return Answer(tuple(told), digest if is_new else state)


def ask(task: Task, taught: Taught) -> Said | None:
    """What the regression says of the task's unit now; None where its class could teach nothing.

    What can happen only once, and has, does not happen again.
    """
    beliefs, snapshot = task.beliefs, task.snapshot
    if not beliefs.recurrent and events_of(task, beliefs.definition):
        return Said(0.0, 0.0, {})
    if not taught.hits:
        return None
    own, now = class_facts((snapshot,), beliefs), days_between(ORIGIN, snapshot.as_of)
    return taught.at(snapshot.unit, own, now)


def _reference(taught: Taught, said: Said | None) -> Reference:
    if said is None:
        return Reference(taught.name, taught.horizon, None)
    return Reference(taught.name, taught.horizon, said.p, error=said.error)


def _diagnostics(taught: Taught, said: Said | None) -> dict[str, float]:
    found = {"windows of the class": taught.rows, "of them with an event": taught.hits}
    return found | ({f"p within {taught.horizon:g} days": said.p} if said else {})


def _why_nothing(taught: Taught) -> str:
    windows = f"none of the {taught.rows} windows of the class that have ended held an event"
    return f"{windows if taught.rows else 'no window of the class has ended'}: the base rate speaks"


def _contributions(task: Task, said: Said) -> tuple[Contribution, ...]:
    """What multiplies the odds now, against the class's mean: tags, and kinds of columns."""
    incidents: dict[str, list[str]] = {}
    for incident in gather(heard(task)):
        incidents.setdefault(incident.tag, []).append(incident.incident_id)
    found = []
    for name, (part, error) in said.parts.items():
        middle, lower, upper = np.exp([part + end * error for end in ENDS]).tolist()
        if max(abs(lower - 1), abs(upper - 1)) > VISIBLE:
            newest = tuple(reversed(incidents.get(name, [])[-MOST_SHOWN:]))
            found.append(Contribution(name, middle, lower, upper, newest))
    return strongest_first(found)


def _moved(
    task: Task, question: Question, now: Estimate, taught: Taught, is_new: bool
) -> Move | None:
    """Time and evidence; where the class was learnt anew, all of it is what that taught."""
    last = task.previous.get(question.question_id)
    if last is None:
        return None
    if last.model_hash != now.model_hash:
        return move(last.probability, {}, now.probability, "model")
    if is_new:
        return move(last.probability, {}, now.probability, "learning")
    known = task.snapshot.as_known_at(last.as_of)
    seen = tuple(report for report in known.reports if report.report_id not in task.late)
    then = replace(
        task,
        snapshot=replace(known, reports=seen, as_of=task.snapshot.as_of),
        questions=(question,),
        previous={},
    )
    [still] = estimates_by(_reference(taught, ask(then, taught)), then, now.model_hash)
    return move(last.probability, {"time": still.probability}, now.probability, "evidence")
