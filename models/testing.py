"""For people who write models: the checks that a family must pass before its number is believed.

    from models.testing import check_model

    def test_my_model_keeps_the_contract():
        check_model(MyModel())

Every check is an AssertionError that says what went wrong. They hold for any family whose
narrower definitions are parts of a wider one; none knows how the number is made.
"""

import math
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import pairwise

from forecast.clock import parse_instant
from forecast.estimate import QUANTILE_LEVELS, Estimate, Health, log_hazard
from forecast.evidence import Event, Report
from forecast.question import Question, Snapshot
from models.api import Answer, EventModel, Task
from models.priors.beliefs import Beliefs, Effect, Narrower
from models.priors.elicit import Beta, Normal
from models.quantiles import interval_among

START = parse_instant("2024-03-01")
AS_OF = START + timedelta(days=120)
ROUNDING = 1e-9


def check_model(model: EventModel) -> None:
    """Run every check on a family; AssertionError says which promise it breaks."""
    check_shape(model)
    check_purity(model)
    check_probabilities(model)
    check_quantiles(model)
    check_order(model)
    check_leaks(model)
    check_moves(model)
    check_state(model)
    check_digest(model)
    check_emptiness(model)


def check_shape(model: EventModel) -> None:
    """A name, a hash of the structure and not of the numbers, one estimate a question in order."""
    assert model.name, "the family has no name"
    task = sample_task(model)
    digest = model.model_hash(task.beliefs)
    assert digest == model.model_hash(task.beliefs), "the model hash is not the same twice"
    moved = replace(task.beliefs, log_rate=Normal(-4.0, 0.4))
    assert digest == model.model_hash(moved), "a change of prior changes the model hash"
    bare = replace(task.beliefs, narrower=())
    assert digest != model.model_hash(bare), "a change of structure leaves the model hash alone"
    answer = model.update(task, None)
    asked = [q.question_id for q in task.questions]
    told = [e.question_id for e in answer.estimates]
    assert told == asked, f"estimates of {told} where {asked} were asked"
    for estimate in answer.estimates:
        assert estimate.as_of == AS_OF, "an estimate is not as of the snapshot"
        assert estimate.model == model.name, "an estimate names another model"
        assert estimate.model_hash == digest, "an estimate carries another model hash"
        assert estimate.health is Health.HEALTHY or estimate.reason, "held, and no reason given"


def check_purity(model: EventModel) -> None:
    """Equal task and state give equal answers, byte for byte."""
    task = sample_task(model)
    first = model.update(task, None)
    model.update(sample_task(model, days=7, seed=5), first.state)  # what it did between is nothing
    assert model.update(task, None) == first, "the same task gave two answers"


def check_probabilities(model: EventModel) -> None:
    """Numbers are probabilities, inside their band, on a curve that rises and passes through."""
    task = sample_task(model)
    for question, estimate in zip(task.questions, _estimates(model, task), strict=True):
        name, p = question.question_id, estimate.probability
        assert 0.0 <= p <= 1.0, f"{name}: {p} is not a probability"
        assert math.isfinite(estimate.mcse), f"{name}: the Monte Carlo error is {estimate.mcse}"
        band = estimate.interval
        assert 0.0 <= band.lower <= band.upper <= 1.0, f"{name}: the band is {band}"
        curve = estimate.curve
        for one, next_one in pairwise(curve):
            assert one.by < next_one.by, f"{name}: the curve goes back in time"
            rises = one.probability <= next_one.probability + ROUNDING
            assert rises, f"{name}: the curve falls after {one.by}"
        at = [c.probability for c in curve if abs(c.by - question.deadline) < timedelta(seconds=1)]
        assert at, f"{name}: the curve has no point at the deadline"
        assert abs(at[0] - p) < ROUNDING, f"{name}: {p} is not on its curve, which says {at[0]}"


def check_quantiles(model: EventModel) -> None:
    """None at all, or one a level: probabilities that rise, with the band's ends among them."""
    for estimate in _estimates(model, sample_task(model)):
        name, found = estimate.question_id, estimate.quantiles
        if not found:
            continue
        told = f"{name}: the quantiles are {found}"
        assert len(found) == len(QUANTILE_LEVELS), f"{told}, not one a level"
        assert all(0.0 <= p <= 1.0 for p in found), f"{told}, which are not probabilities"
        assert all(one <= other for one, other in pairwise(found)), f"{told}, which fall"
        among, band = interval_among(found), estimate.interval
        off = max(abs(among.lower - band.lower), abs(among.upper - band.upper))
        assert off < ROUNDING, f"{name}: the band is {band}, and by the quantiles {among}"


def check_order(model: EventModel) -> None:
    """A later deadline and a wider definition are never less likely."""
    p = {e.question_id: e.probability for e in _estimates(model, sample_task(model))}
    for less, more in (("soon", "late"), ("part", "late"), ("rest", "late"), ("opening", "late")):
        assert p[less] <= p[more] + ROUNDING, f"{less} is likelier than {more}, which contains it"
    whole = p["part"] + p["rest"]
    assert whole >= p["late"] - ROUNDING, "the parts of a definition sum to less than the whole"


def check_leaks(model: EventModel) -> None:
    """What became known at or after as_of changes nothing."""
    task = sample_task(model)
    clean = _numbers(_estimates(model, task))
    for moment in (AS_OF, AS_OF + timedelta(days=1)):
        planted = replace(
            task.snapshot,
            reports=(
                *task.snapshot.reports,
                sample_report("planted", AS_OF - timedelta(days=5), moment),
                # a better report of an old incident, with another date and strength
                replace(
                    sample_report("better", AS_OF - timedelta(days=90), moment),
                    incident_id="r0",
                    value=0.2,
                ),
            ),
            events=(
                *task.snapshot.events,
                Event("planted", "u", "part", AS_OF - timedelta(days=3), moment),
            ),
        )
        leaked = _numbers(_estimates(model, replace(task, snapshot=planted)))
        assert leaked == clean, f"what was known only at {moment} changed the answer as of {AS_OF}"


def check_moves(model: EventModel) -> None:
    """A move leads from the last probability to this one, and its parts sum to it."""
    first = model.update(sample_task(model), None)
    previous = {e.question_id: e for e in first.estimates}
    for days, beliefs in ((1, None), (3, _retuned(sample_beliefs(model)))):
        task = sample_task(model, days=days, previous=previous, beliefs=beliefs)
        for estimate in _estimates(model, task, first.state):
            name, moved = estimate.question_id, estimate.moved
            if estimate.health is Health.HELD:
                continue
            assert moved is not None, f"{name}: a new probability without a move"
            ends = (moved.from_probability, moved.to_probability)
            expected = (previous[name].probability, estimate.probability)
            assert ends == expected, f"{name}: the move is between {ends}, not {expected}"
            total = log_hazard(ends[1]) - log_hazard(ends[0])
            parts = sum(moved.parts().values())
            assert abs(parts - total) < ROUNDING, f"{name}: the parts sum to {parts}, not {total}"


def check_state(model: EventModel) -> None:
    """The state is bytes, comes back as equal bytes, and a copy does as well as the original."""
    first = model.update(sample_task(model), None)
    again = model.update(sample_task(model), None)
    assert first.state == again.state, "the same task left two states"
    if first.state is None:
        return
    assert isinstance(first.state, bytes), "the state is not bytes"
    copy = bytes(bytearray(first.state))
    for days in (0, 2):
        task = sample_task(model, days=days)
        one, other = model.update(task, first.state), model.update(task, copy)
        assert one == other, f"a copy of the state answers otherwise {days} days later"


def check_digest(model: EventModel) -> None:
    """The inputs digest changes if, and only if, an input does."""
    task = sample_task(model)

    def digest(task: Task, state: bytes | None = None) -> str:
        return _estimates(model, task, state)[0].inputs_digest

    first = model.update(task, None)
    plain = first.estimates[0].inputs_digest
    previous = {e.question_id: e for e in first.estimates}
    same = replace(task, previous=previous)
    assert plain == digest(same, first.state), "the digest changed and no input did"
    reports, questions = task.snapshot.reports, task.questions
    changed = {
        "a report": _with_reports(task, (replace(reports[0], value=0.5), *reports[1:])),
        "the reports": _with_reports(task, reports[1:]),
        "the events": replace(task, snapshot=replace(task.snapshot, events=())),
        "the beliefs": replace(task, beliefs=_retuned(task.beliefs)),
        "the seed": replace(task, seed=task.seed + 1),
        "the deadline": replace(
            task,
            questions=(
                replace(questions[0], deadline=questions[0].deadline + timedelta(days=1)),
                *questions[1:],
            ),
        ),
        "as_of": sample_task(model, days=1),
    }
    for what, other in changed.items():
        assert plain != digest(other), f"another value of {what}, and the same digest"


def check_emptiness(model: EventModel) -> None:
    """No reports, no events, tags nobody asked for, no tags, no questions: all are answered."""
    task = sample_task(model)
    empty = replace(task.snapshot, reports=(), events=())
    stranger = replace(sample_report("odd", START, START + timedelta(days=9)), tag="unheard-of")
    cases = {
        "no reports and no events": replace(task, snapshot=empty),
        "a tag that nobody listens to": _with_reports(task, (stranger,)),
        "no tags": replace(task, beliefs=replace(task.beliefs, effects=())),
    }
    for what, case in cases.items():
        found = _estimates(model, case)
        assert len(found) == len(task.questions), f"{what}: not every question was answered"
    assert model.update(replace(task, questions=()), None).estimates == (), (
        "estimates where nothing was asked"
    )


def sample_task(
    model: EventModel,
    *,
    days: float = 0.0,
    seed: int = 11,
    previous: dict[str, Estimate] | None = None,
    beliefs: Beliefs | None = None,
) -> Task:
    """A track with reports, an event and nested questions, as of some days after AS_OF."""
    reports = [
        sample_report(f"r{i}", START + timedelta(days=at - 1), START + timedelta(days=at))
        for i, at in enumerate((20, 60, 100, 121, 122))
    ]
    as_of = AS_OF + timedelta(days=days)
    questions = (
        _question("soon", "whole", AS_OF - timedelta(days=30), 20),
        _question("late", "whole", AS_OF - timedelta(days=30), 75),
        _question("part", "part", AS_OF - timedelta(days=30), 75),
        _question("rest", "rest", AS_OF - timedelta(days=30), 75),
        _question("opening", "whole", AS_OF + timedelta(days=40), 75),
    )
    events = (Event("e0", "u", "part", START + timedelta(days=70), START + timedelta(days=71)),)
    known = tuple(r for r in reports if r.known_at < as_of)
    return Task(
        snapshot=Snapshot("u", as_of, questions, known, events),
        beliefs=beliefs or sample_beliefs(model),
        questions=questions,
        seed=seed,
        previous=previous or {},
    )


def sample_beliefs(model: EventModel) -> Beliefs:
    """About one event a year; two tags; a part of the events and the rest of them."""
    return Beliefs(
        definition="whole",
        model=model.name,
        log_rate=Normal(-5.9, 0.5),
        log_ceiling=Normal(-3.5, 0.4),
        log_shape=Normal(1.8, 0.5),
        effects=(
            Effect("sign", Normal(0.5, 0.3), 30.0, ""),
            Effect("other", Normal(0.2, 0.2), 14.0, ""),
        ),
        narrower=(
            Narrower("part", "whole", Beta(3.0, 4.0), None),
            Narrower("rest", "whole", None, "part"),
        ),
        recurrent=True,
        observed_since=START.isoformat(),
        ordinary_value=1.0,
    )


def sample_report(name: str, occurred_at: datetime, known_at: datetime) -> Report:
    """A well-graded report of an incident of its own."""
    return Report(
        name, "u", "sign", occurred_at, known_at, name, reliability="A", credibility=1, origin=name
    )


def _retuned(beliefs: Beliefs) -> Beliefs:
    return replace(beliefs, log_rate=Normal(-5.2, 0.4))


def _with_reports(task: Task, reports: tuple[Report, ...]) -> Task:
    return replace(task, snapshot=replace(task.snapshot, reports=reports))


def _question(name: str, definition: str, opens_at: datetime, days: float) -> Question:
    return Question(name, name, "u", definition, opens_at, AS_OF + timedelta(days=days))


def _estimates(model: EventModel, task: Task, state: bytes | None = None) -> tuple[Estimate, ...]:
    answer: Answer = model.update(task, state)
    return answer.estimates


def _numbers(estimates: Iterable[Estimate]) -> list[Estimate]:
    """The estimates without the digest of what they were given."""
    return [replace(e, inputs_digest="") for e in estimates]
