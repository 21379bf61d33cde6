"""What a changed prior would do, before it stands: every open question, every rule, the record.

Where a track has draws they are weighed anew, which takes a moment; where they do not carry that
far, or the family has none, its model really runs. The store is only read.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import groupby
from typing import TYPE_CHECKING, Any

from forecast.alert import ALARMED, Rule, State
from forecast.config import Config
from forecast.estimate import Estimate, Health
from forecast.evidence import Outcome
from forecast.question import Question
from forecast.scoring.proper import brier, log_loss, mean
from jobs.app import App
from jobs.decisions import Failure, States, Work, states_of
from jobs.questions import ended
from jobs.update import Snapshots, infer, prepare, tracks_of
from models.base_rate import BaseRate
from models.draws_family import DrawsFamily
from models.priors.beliefs import Beliefs, beliefs_of
from models.priors.elicit import Normal
from models.quantiles import interval_among
from models.registry import family

if TYPE_CHECKING:
    from models.engine.answers import Answered, Answers

MOST_PAST = 12  # stored moments of resolved questions that are estimated again
OF_EACH = 2  # of one question, whose moments are alike
FEW = 500  # draws of each: their error is small beside that of so few moments
NORMALS = ("log_rate", "log_ceiling", "log_shape")


@dataclass(frozen=True, slots=True)
class Flip:
    """A rule that the change would bring from one standing ("ok", "firing") to the other."""

    rule_id: str
    before: State
    after: State


@dataclass(frozen=True, slots=True)
class Shift:
    """One question before and after the change, as of one moment.

    `weaker` and `stronger` are P after it with the new belief held half and twice as strongly;
    None where the change is of no range.
    """

    question: Question
    before: Estimate
    after: Estimate
    flips: tuple[Flip, ...] = ()
    weaker: float | None = None
    stronger: float | None = None


@dataclass(frozen=True, slots=True)
class Record:
    """Mean scores of resolved questions at stored moments, as they would have been.

    Of `moments` out of `known`, on `questions`; each pair is (before, after). None where nothing
    is resolved.
    """

    questions: int
    moments: int
    known: int
    brier: tuple[float, float]
    log_loss: tuple[float, float]


@dataclass(frozen=True, slots=True)
class Preview:
    """The open questions, and what the past would have been.

    Where none is open, `last_open` is the newest moment at which one was estimated.
    """

    shifts: tuple[Shift, ...]
    record: Record | None
    last_open: datetime | None = None


def preview(
    app: App, edited: Config, root: str, as_of: datetime, most_past: int = MOST_PAST
) -> Preview:
    """Every open question of the root definition with and without the edit, and past scores."""
    inside = {name for name in app.config.definitions if app.config.root_of(name) == root}
    questions = [q for q in app.store.questions() if q.definition in inside]
    states = states_of(app)
    by_id = {s.question.question_id: s for s in shifts_of(app, edited, questions, as_of, states)}
    found = tuple(by_id[q.question_id] for q in questions if q.question_id in by_id)
    record = record_of(app, edited, questions, as_of, most_past)
    return Preview(found, record, None if found else _last_open(app, questions, as_of))


def _last_open(app: App, questions: Sequence[Question], as_of: datetime) -> datetime | None:
    stored = app.store.moments.of([q.question_id for q in questions])
    made = (
        moment
        for q in questions
        for moment in stored.get(q.question_id, ())
        if q.opens_at <= moment < min(q.deadline, as_of)
    )
    return max(made, default=None)


def shifts_of(
    app: App,
    edited: Config,
    questions: Sequence[Question],
    as_of: datetime,
    states: States,
    draws: int | None = None,
) -> list[Shift]:
    """Those of some questions that are open as of a moment, before and after.

    By the first so many draws of a track, where those are enough; by all where not stated.
    """
    then = replace(app, watch=replace(app.watch, config=edited))
    seen, seen_then = Snapshots(app, as_of), Snapshots(then, as_of)
    found: list[Shift] = []
    for track in tracks_of(app, questions, []):
        work = prepare(app, track, seen, states)
        if work is None or not work.task.questions:
            continue
        quick = _weighed(work, edited, draws)
        found += quick or _inferred(work, prepare(then, track, seen_then, states))
    return [replace(s, flips=_flips(app.config, states, s)) for s in found]


def record_of(
    app: App, edited: Config, questions: Sequence[Question], as_of: datetime, most: int
) -> Record | None:
    """What the scores of those that ended yes or no would have been, at a few stored moments.

    The newest moments go first. All that was known then is used, in the versions that stood.
    """
    ends = {n: e for n, e in ended(app, questions, as_of).items() if e.outcome is not Outcome.VOID}
    moments: list[tuple[datetime, Question]] = []
    known = 0
    stored = app.store.moments.of(ends)
    for question in (q for q in questions if q.question_id in stored):
        name = question.question_id
        until = min(ends[name].known_at, question.deadline, as_of)
        made = [m for m in stored[name] if question.opens_at <= m < until]
        known += len(made)
        moments += [(moment, question) for moment in _spread(made, OF_EACH)]
    moments = sorted(moments, key=lambda m: (m[0], m[1].question_id), reverse=True)[:most]
    scored: list[tuple[float, float, int]] = []
    names = set()
    for moment, some in groupby(moments, key=lambda m: m[0]):
        for shift in shifts_of(app, edited, [q for _, q in some], moment, {}, FEW):
            name = shift.question.question_id
            outcome = int(ends[name].outcome is Outcome.YES)
            scored.append((shift.before.probability, shift.after.probability, outcome))
            names.add(name)
    if not scored:
        return None

    return Record(len(names), len(scored), known, _means(brier, scored), _means(log_loss, scored))


def _means(
    score: Callable[[float, int], float], scored: list[tuple[float, float, int]]
) -> tuple[float, float]:
    before, after = (mean([score(row[which], row[2]) for row in scored]) for which in (0, 1))
    return before, after


def _spread(made: Sequence[datetime], most: int) -> list[datetime]:
    """At most so many of some moments, evenly over them, the last among them."""
    step = max(len(made) / most, 1.0)
    places = sorted({len(made) - 1 - int(step * k) for k in range(most)})
    return [made[place] for place in places if place >= 0]


def _weighed(work: Work, edited: Config, draws: int | None = None) -> list[Shift] | None:
    """By weighing draws; None where there are none, or they do not bear it."""
    task, model = work.task, family(work.task.beliefs.model)
    if work.reference or task.doubt or not isinstance(model, DrawsFamily):
        return None
    from models.retuning import retuned

    beliefs = beliefs_of(edited, task.beliefs.definition)
    beliefs = replace(beliefs, couplings=task.beliefs.couplings)
    found = retuned(model, task, beliefs, work.state, draws)
    if found is None:
        return None
    return [
        Shift(
            question,
            _estimate(work, question, found.before[name]),
            _estimate(work, question, found.after[name]),
            weaker=_p(found.weaker, name),
            stronger=_p(found.stronger, name),
        )
        for question in task.questions
        for name in [question.question_id]
    ]


def _estimate(work: Work, question: Question, answered: "Answered") -> Estimate:
    beliefs = work.task.beliefs
    return Estimate(
        question_id=question.question_id,
        as_of=work.task.snapshot.as_of,
        probability=answered.probability,
        interval=interval_among(answered.quantiles),
        mcse=answered.mcse,
        health=Health.HEALTHY,
        model=beliefs.model,
        model_hash=family(beliefs.model).model_hash(beliefs),
        method="weighed",
        inputs_digest="",
        quantiles=answered.quantiles,
    )


def _p(answers: "Answers", name: str) -> float | None:
    return answers[name].probability if name in answers else None


def _inferred(work: Work, then: Work | None) -> list[Shift]:
    """By running the model on both."""
    before, after = _answers(work), _answers(then) if then else {}
    weaker, stronger = ({}, {})
    if then and not then.reference and then.task.beliefs.model == BaseRate.name:
        normal = _changed(work.task.beliefs, then.task.beliefs)
        from models.retuning import STRENGTHS

        weaker, stronger = (_answers(_at_strength(then, normal, s)) for s in STRENGTHS)
    shifts = []
    for question in work.task.questions:
        name = question.question_id
        if name in before and name in after:
            ends = [
                found[name].probability if name in found else None for found in (weaker, stronger)
            ]
            shifts.append(Shift(question, before[name], after[name], (), *ends))
    return shifts


def _answers(work: Work | None) -> dict[str, Estimate]:
    if work is None:
        return {}
    answer = infer(work)
    if isinstance(answer, Failure):
        raise answer.error
    return {e.question_id: e for e in answer.estimates}


def _changed(one: Beliefs, other: Beliefs) -> tuple[str, ...]:
    return tuple(name for name in NORMALS if getattr(one, name) != getattr(other, name))


def _at_strength(work: Work, names: tuple[str, ...], strength: float) -> Work | None:
    """The work with some beliefs to a power: their spread is 1/sqrt(strength) times as wide."""
    if not names:
        return None
    beliefs = work.task.beliefs
    normals: dict[str, Normal] = {name: getattr(beliefs, name) for name in names}
    scaled = {n: replace(v, sd=v.sd / math.sqrt(strength)) for n, v in normals.items()}
    changed: Any = scaled
    return replace(work, task=replace(work.task, beliefs=replace(beliefs, **changed)), same=())


def _flips(config: Config, states: States, shift: Shift) -> tuple[Flip, ...]:
    ends = [(e.probability, e.mcse) for e in (shift.before, shift.after)]
    return tuple(flips_between(config, states, shift.question, ends[0], ends[1]))


def flips_between(
    config: Config,
    states: States,
    question: Question,
    before: tuple[float, float],
    after: tuple[float, float],
) -> list[Flip]:
    """The rules that would come to stand otherwise, between two (P, its Monte Carlo error)."""
    flips = []
    for rule in config.lines_for(question):
        state = states.get((rule.rule_id, question.question_id))
        is_up = state is not None and state.state in ALARMED
        old, new = _standing(rule, is_up, *before), _standing(rule, is_up, *after)
        if old is not new:
            flips.append(Flip(rule.rule_id, old, new))
    return flips


def _standing(rule: Rule, is_up: bool, p: float, mcse: float) -> State:
    """Where the rule comes to stand, its dwell over, if the number stays as it is."""
    margin = rule.z * mcse
    if is_up:
        return State.OK if p + margin <= rule.clear_at else State.FIRING
    return State.FIRING if p - margin >= rule.fire_at else State.OK
