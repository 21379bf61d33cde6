"""A baseline published in the model's place says its own number, and the plainest rest to it."""

from dataclasses import replace
from datetime import timedelta

import pytest

from forecast.estimate import Estimate, log_hazard
from forecast.question import Question
from models.api import Task
from models.base_rate import BaseRate
from models.reference import Reference, republish
from models.testing import AS_OF, sample_beliefs, sample_task

WORDS = "published as the baseline 'history', which the model does not beat"


def asked(*questions: Question, recurrent: bool = True) -> Task:
    """The sample's unit, with some questions."""
    beliefs = replace(sample_beliefs(BaseRate()), model="panel", recurrent=recurrent)
    plain = sample_task(BaseRate(), beliefs=beliefs)
    return replace(plain, questions=questions or plain.questions)


def window(days: float, name: str = "q", definition: str = "whole") -> Question:
    """From now on."""
    return Question(name, name, "u", definition, AS_OF, AS_OF + timedelta(days=days))


def history(p: float | None, horizon: float = 30.0) -> Reference:
    """What the baseline says."""
    return Reference("history", horizon, p, WORDS)


def only(task: Task, reference: Reference) -> Estimate:
    """The estimate of the one question."""
    [found] = republish(task, reference, None).estimates
    return found


@pytest.mark.parametrize("p", [0.0005, 0.07, 0.6, 0.97])
def test_the_baselines_own_window_gets_its_own_number(p: float) -> None:
    found = only(asked(window(30)), history(p))
    assert found.probability == pytest.approx(p)
    assert found.interval.lower < p < found.interval.upper
    once = only(asked(window(30), recurrent=False), history(p))
    assert once.probability == pytest.approx(p)


def test_what_the_baseline_is_unsure_of_widens_the_band_and_leaves_the_number() -> None:
    sure, unsure = (
        only(asked(window(30)), replace(history(0.2), error=error)) for error in (0.0, 0.8)
    )
    assert unsure.probability == pytest.approx(sure.probability)
    assert unsure.interval.lower < sure.interval.lower
    assert unsure.interval.upper > sure.interval.upper


def test_it_says_that_it_is_published_as_the_baseline_and_why() -> None:
    found = only(asked(window(30)), history(0.07))
    assert found.model == "baseline: history"
    assert found.method == "baseline"
    assert found.findings[0] == WORDS
    assert found.diagnostics == {"p within 30 days": 0.07}


def test_other_windows_and_narrower_definitions_follow_coherently() -> None:
    questions = (
        window(30),
        window(60, "late"),
        window(30, "part", "part"),
        window(30, "rest", "rest"),
    )
    p = {
        e.question_id: e.probability
        for e in republish(asked(*questions), history(0.2), None).estimates
    }
    assert 0.2 < p["late"] < 1 - 0.8**2 + 1e-9
    assert p["part"] < 0.2 < p["part"] + p["rest"]


def test_where_the_baseline_says_nothing_the_base_rate_speaks() -> None:
    task = asked(window(30))
    own = (
        BaseRate()
        .update(replace(task, beliefs=replace(task.beliefs, model="base-rate")), None)
        .estimates[0]
    )
    assert only(task, history(None)).probability == pytest.approx(own.probability)


def test_a_baseline_that_is_sure_is_not_believed_to_be() -> None:
    assert only(asked(window(30)), history(0.0)).probability == pytest.approx(1e-6)
    assert only(asked(window(30)), history(1.0)).probability == pytest.approx(1 - 1e-6)


def test_a_move_of_the_baseline_is_learning_and_one_from_the_model_is_model() -> None:
    task = asked(window(30))
    first = only(task, history(0.1))
    again = only(replace(task, previous={"q": first}), history(0.2))
    assert again.moved is not None
    assert again.moved.learning == pytest.approx(log_hazard(0.2) - log_hazard(0.1))
    of_model = replace(first, model_hash="another")
    moved = only(replace(task, previous={"q": of_model}), history(0.2)).moved
    assert moved is not None
    assert moved.model == pytest.approx(log_hazard(0.2) - log_hazard(0.1))


def test_the_digest_tells_baselines_numbers_and_reasons_apart() -> None:
    task = asked(window(30))
    first = only(task, history(0.1)).inputs_digest
    assert only(task, history(0.1)).inputs_digest == first
    assert only(task, history(0.11)).inputs_digest != first
    assert only(task, replace(history(0.1), words="x")).inputs_digest != first


def test_the_models_state_is_left_alone() -> None:
    state = b"of the model"
    assert republish(asked(window(30)), history(0.1), state).state is state
    nothing = republish(replace(asked(window(30)), questions=()), history(0.1), state)
    assert nothing.estimates == ()
