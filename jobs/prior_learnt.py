"""What the data of one unit have made of a prior, from what is stored: nothing is fitted."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from forecast.belief import FADING, SIGNS, Belief, Learnt
from forecast.clock import DAY
from forecast.estimate import Health
from forecast.prior import PriorVersion
from forecast.question import Question
from jobs.app import App
from models.api import Answer, Certifiable, Task
from models.base_rate import BaseRate
from models.priors.after import Picture, beliefs_after, pictures_after
from models.priors.beliefs import beliefs_of
from models.priors.learnt import Array, drawn_from, is_of
from models.registry import family


@dataclass(frozen=True, slots=True)
class MovedAt:
    """What the data at a unit have moved, of the beliefs that the family keeps.

    `pictures` are densities before and after, by key. `others` are more units with the same
    prior; `remark` says where the draws are older than the beliefs, or that there are none yet.
    """

    unit: str
    beliefs: tuple[Belief, ...]
    pictures: Mapping[str, tuple[Picture, Picture]]
    others: int
    remark: str = ""


@dataclass(frozen=True, slots=True)
class Informed(Answer):
    """An answer with what the data have made of the prior, where that is news."""

    learnt: Learnt | None = None


def moved_by_data(
    app: App, definition: str, now: datetime, question: Question | None = None, unit: str = ""
) -> MovedAt | None:
    """Of the unit of a question, or of a unit, or of the first that has a question; else None."""
    root = app.config.root_of(definition)
    inside = {d for d in app.config.definitions if app.config.root_of(d) == root}
    units = list(dict.fromkeys(q.unit for q in app.store.questions() if q.definition in inside))
    at = question.unit if question else unit or (units[0] if units else "")
    if not at:
        return None
    beliefs = beliefs_of(app.config, root)
    others = tuple(c for c in beliefs.couplings if c.unit != at)
    beliefs = replace(beliefs, couplings=others)
    probe = Question("-", "-", at, root, now, now + DAY)
    task = Task(app.store.snapshot(probe, now), beliefs, (), seed=1)
    state = app.store.model_state(f"{at}/{root}/{beliefs.model}")
    return MovedAt(
        at,
        beliefs_after(task, state),
        pictures_after(task, state),
        len(set(units) - {at}),
        _remark(task, state),
    )


def _remark(task: Task, state: bytes | None) -> str:
    beliefs = task.beliefs
    if beliefs.model == BaseRate.name:
        return ""
    if not drawn_from(beliefs, state):
        return "no draws of it are kept yet: tocsin update makes them"
    if not is_of(beliefs, family(beliefs.model).model_hash(beliefs), state):
        return "the draws were made under earlier beliefs: tocsin update makes new ones"
    return ""


def informed(answer: Answer, task: Task, state: bytes | None, *, is_told: bool) -> Answer:
    """The answer of a model, with what it makes of the prior where that is news.

    It is, where the draws were made anew, where an event came or went, and where nothing is on
    record (`is_told`); of the family `base-rate` each day too. Draws that are only weighed anew
    between two fits move a belief by less than a tenth of its spread.
    """
    if not any(e.health is not Health.HELD for e in answer.estimates):
        return answer
    is_new, happened = answer.state != state, _has_news(answer, task)
    if is_told and not is_new and not happened:
        return answer
    weights = None if is_new else _weights_now(task, answer.state)
    found = beliefs_after(task, answer.state, weights)
    if is_told and not found:
        return answer
    moved = tuple(sorted(found, key=lambda belief: -abs(belief.moved)))
    snapshot, beliefs = task.snapshot, task.beliefs
    learnt = Learnt(beliefs.definition, snapshot.unit, beliefs.model, snapshot.as_of, moved)
    return Informed(answer.estimates, answer.state, learnt)


def _weights_now(task: Task, state: bytes | None) -> Array | None:
    """Those of the kept draws on the data of now; None where the family does not tell them."""
    model = family(task.beliefs.model)
    if not drawn_from(task.beliefs, state) or not isinstance(model, Certifiable):
        return None
    return model.posterior(task, state).weights


def _has_news(answer: Answer, task: Task) -> bool:
    """Whether events came or went since the last estimate; of `base-rate`, or a day."""
    names = ("events", "days_at_risk") if task.beliefs.model == BaseRate.name else ("events",)
    for estimate in answer.estimates:
        last = task.previous.get(estimate.question_id)
        if last is not None and last.model_hash == estimate.model_hash:
            pairs = [(last.diagnostics.get(n), estimate.diagnostics.get(n)) for n in names]
            return any(a is not None and b is not None and int(a) != int(b) for a, b in pairs)
    return False


def in_its_words(learnt: Learnt, prior: PriorVersion) -> Learnt:
    """The same with the words in which the prior was stated."""
    told = tuple(
        replace(
            belief,
            words=prior.words.get(belief.key, ""),
            fading=prior.words.get(belief.key.replace(SIGNS, FADING, 1), "")
            if belief.key.startswith(SIGNS)
            else "",
        )
        for belief in learnt.beliefs
    )
    return replace(learnt, beliefs=told)
