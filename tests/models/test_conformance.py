"""The checks that a plug-in's author runs: our families pass, and each check can fail."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import pytest

from forecast.estimate import Estimate, Interval
from models import testing
from models.api import Answer, EventModel, Task
from models.base_rate import BaseRate
from models.hazard import Hazard
from models.priors.beliefs import Beliefs


@pytest.mark.parametrize("model", [Hazard(), BaseRate()], ids=lambda m: m.name)
def test_our_own_families_pass(model: EventModel) -> None:
    testing.check_model(model)


type Break = Callable[["Broken", Task, bytes | None, Answer], Answer]


@dataclass
class Broken:
    """A sound family that one thing is done to."""

    spoil: Break
    calls: int = 0
    name: str = "base-rate"

    def model_hash(self, beliefs: Beliefs) -> str:
        return BaseRate().model_hash(beliefs)

    def update(self, task: Task, state: bytes | None) -> Answer:
        self.calls += 1
        return self.spoil(self, task, state, BaseRate().update(task, state))


@dataclass
class HashOfThePrior(Broken):
    """A family whose hash is of the numbers."""

    def model_hash(self, beliefs: Beliefs) -> str:
        return beliefs.digest()


def each(change: Callable[[Estimate], Estimate]) -> Break:
    def spoil(_: Broken, __: Task, ___: bytes | None, answer: Answer) -> Answer:
        return replace(answer, estimates=tuple(map(change, answer.estimates)))

    return spoil


def untouched(_: Broken, __: Task, ___: bytes | None, answer: Answer) -> Answer:
    return answer


def forgets_a_question(_: Broken, __: Task, ___: bytes | None, answer: Answer) -> Answer:
    return replace(answer, estimates=answer.estimates[1:])


def counts_its_calls(model: Broken, _: Task, __: bytes | None, answer: Answer) -> Answer:
    return each(lambda e: replace(e, mcse=model.calls / 1000))(model, _, __, answer)


def turns_narrow_wide(_: Broken, task: Task, __: bytes | None, answer: Answer) -> Answer:
    wide = next((e for e in answer.estimates if e.question_id == "late"), None)
    found = [
        replace(e, probability=min(2 * wide.probability, 1.0))
        if wide and e.question_id == "part"
        else e
        for e in answer.estimates
    ]
    return replace(answer, estimates=tuple(found))


def counts_all_it_is_shown(_: Broken, task: Task, __: bytes | None, answer: Answer) -> Answer:
    shown = len(task.snapshot.reports) / 1000
    return each(lambda e: replace(e, mcse=shown))(_, task, __, answer)


def forgets_the_rest_of_a_move(e: Estimate) -> Estimate:
    return replace(e, moved=replace(e.moved, time=e.moved.time + 0.1)) if e.moved else e


def answers_the_state_by_its_address(
    _: Broken, task: Task, state: bytes | None, answer: Answer
) -> Answer:
    return replace(answer, state=state) if state else replace(answer, state=f"{_.calls}".encode())


def digests_nothing(e: Estimate) -> Estimate:
    return replace(e, inputs_digest="0")


def digests_the_move(e: Estimate) -> Estimate:
    return replace(e, inputs_digest=e.inputs_digest + str(e.moved is not None))


def answers_what_nobody_asked(_: Broken, task: Task, __: bytes | None, answer: Answer) -> Answer:
    extra = BaseRate().update(testing.sample_task(_), None).estimates[:1]
    return answer if task.questions else replace(answer, estimates=extra)


def with_a_quantile(place: int, p: float) -> Break:
    def spoilt(e: Estimate) -> Estimate:
        return replace(e, quantiles=(*e.quantiles[:place], p, *e.quantiles[place + 1 :]))

    return each(spoilt)


def falls(e: Estimate) -> Estimate:
    if len(e.curve) < 2:
        return e
    return replace(e, curve=(replace(e.curve[0], probability=0.99), *e.curve[1:]))


@pytest.mark.parametrize(
    ("model", "check", "words"),
    [
        (HashOfThePrior(untouched), testing.check_shape, "change of prior"),
        (Broken(forgets_a_question), testing.check_shape, "were asked"),
        (Broken(each(lambda e: replace(e, model="x"))), testing.check_shape, "another model"),
        (Broken(counts_its_calls), testing.check_purity, "two answers"),
        (Broken(each(falls)), testing.check_probabilities, "curve falls"),
        (
            Broken(each(lambda e: replace(e, probability=0.9))),
            testing.check_probabilities,
            "not on its curve",
        ),
        (Broken(each(lambda e: replace(e, curve=()))), testing.check_probabilities, "no point"),
        (Broken(with_a_quantile(24, 1.1)), testing.check_quantiles, "not probabilities"),
        (Broken(with_a_quantile(12, 0.001)), testing.check_quantiles, "which fall"),
        (
            Broken(each(lambda e: replace(e, interval=Interval(0.0, 1.0)))),
            testing.check_quantiles,
            "by the quantiles",
        ),
        (Broken(turns_narrow_wide), testing.check_order, "part is likelier than late"),
        (Broken(counts_all_it_is_shown), testing.check_leaks, "changed the answer"),
        (Broken(each(forgets_the_rest_of_a_move)), testing.check_moves, "the parts sum to"),
        (
            Broken(each(lambda e: replace(e, moved=None))),
            testing.check_moves,
            "without a move",
        ),
        (Broken(answers_the_state_by_its_address), testing.check_state, "two states"),
        (Broken(each(digests_nothing)), testing.check_digest, "same digest"),
        (Broken(each(digests_the_move)), testing.check_digest, "no input did"),
        (Broken(answers_what_nobody_asked), testing.check_emptiness, "nothing was asked"),
    ],
)
def test_a_broken_family_is_caught_by_name(
    model: EventModel, check: Callable[[EventModel], None], words: str
) -> None:
    with pytest.raises(AssertionError, match=words):
        check(model)
