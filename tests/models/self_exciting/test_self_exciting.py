"""The family as a whole: its contract, exact answers where there are any, and common sense."""

import math
from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta
from statistics import NormalDist

import numpy as np
import pytest

from forecast.errors import ConfigError
from forecast.estimate import Estimate, Health
from forecast.evidence import Event
from forecast.question import Question
from models import testing
from models.api import Answer, Certifiable
from models.certify.worlds import self_exciting as simulator
from models.covariates import Array
from models.priors.beliefs import Beliefs
from models.priors.elicit import Normal
from models.self_exciting import SelfExciting
from models.self_exciting.update import Work
from tests.models import worlds

MODEL = SelfExciting()
RATE = Normal(-3.2, 0.5)
BARE = worlds.beliefs(log_rate=RATE, log_ceiling=None, model="self-exciting")
TAGGED = worlds.beliefs(worlds.effect("a"), log_rate=RATE, model="self-exciting")
BURSTS = [30.2, 31.4, 33.1, 80.3, 82.2, 82.9, 84.5, 140.1, 141.7, 170.4]
EVENTS = [worlds.event(f"e{i}", at) for i, at in enumerate(BURSTS)]


def answer(
    as_of: float = 200.0,
    state: bytes | None = None,
    events: Iterable[Event] = EVENTS,
    believed: Beliefs = BARE,
    questions: Iterable[Question] = (),
    previous: Iterable[Estimate] = (),
) -> Answer:
    known = [e for e in events if e.known_at < worlds.day(as_of)]
    asked = tuple(questions) or (ahead_of(as_of),)
    return MODEL.update(worlds.task(believed, as_of, (), known, asked, previous=previous), state)


def ahead_of(as_of: float, days: float = 10.0) -> Question:
    return worlds.question(opens=0, deadline=as_of + days, name="ahead")


def p(as_of: float = 200.0, events: Iterable[Event] = EVENTS, days: float = 10.0) -> float:
    [found] = answer(as_of, events=events, questions=[ahead_of(as_of, days)]).estimates
    assert found.health is Health.HEALTHY
    return found.probability


def test_it_keeps_the_contract() -> None:
    testing.check_model(MODEL)
    assert isinstance(MODEL, Certifiable)


@pytest.fixture(scope="module")
def first() -> Answer:
    return answer()


def quadrature(days: list[int], upto: int, ahead: int) -> dict[str, float]:
    """Posterior means on a grid of rate, branching ratio and memory: no sampling at all."""
    z = np.linspace(-4.5, 4.5, 61)
    log_rate, memory = RATE.mean + RATE.sd * z, np.exp(math.log(14.0) + 0.6 * z)
    n = (np.arange(60) + 0.5) / 60
    mu, branching, m = np.meshgrid(np.exp(log_rate), n, memory, indexing="ij")
    fade = np.exp(-1 / m)
    count = np.bincount(days, minlength=upto)
    left = np.zeros_like(mu)
    log_density = np.log(branching) + 5 * np.log1p(-branching)
    log_density += -0.5 * z[:, None, None] ** 2 - 0.5 * z**2
    for y in count:
        rate = mu + branching * (1 - fade) * left
        log_density += y * np.log(rate) - rate
        left = fade * left + y
    w = np.exp(log_density - log_density.max())
    w /= w.sum()
    hazard = mu * ahead + branching * left * (1 - fade**ahead)
    return {"p": float((w * -np.expm1(-hazard)).sum()), "branching": float((w * branching).sum())}


def test_the_answer_is_that_of_quadrature(first: Answer) -> None:
    [found] = first.estimates
    exact = quadrature([int(at) for at in BURSTS], 200, 10)
    assert found.probability == pytest.approx(exact["p"], abs=4 * found.mcse)
    assert found.mcse < 0.005
    assert found.diagnostics["branching"] == pytest.approx(exact["branching"], abs=0.02)


def test_what_can_happen_only_once_is_refused_by_name() -> None:
    once = replace(BARE, recurrent=False)
    for call in (MODEL.update, MODEL.posterior):
        with pytest.raises(ConfigError, match="recurrent = true") as error:
            call(worlds.task(once), None)
        assert error.value.at == "definitions.strike.recurrent"


def test_an_event_raises_what_follows_at_once_and_fades() -> None:
    new = [*EVENTS, worlds.event("new", 198.5)]
    lifts = [p(day, new) / p(day) for day in (200.0, 205.0, 225.0, 290.0)]
    assert lifts[0] > 1.15
    assert lifts == sorted(lifts, reverse=True)


def test_silence_lowers_it() -> None:
    told = [p(day, days=10.0) for day in (172.0, 180.0, 200.0, 240.0, 320.0)]
    assert told == sorted(told, reverse=True)


def test_an_event_of_today_counts_from_tomorrow() -> None:
    new = [*EVENTS, worlds.event("new", 200.1, 200.2)]
    without, found = (answer(200.4, events=e).estimates[0] for e in (EVENTS, new))
    tonight = [e.curve[0].probability for e in (without, found)]
    assert found.probability > without.probability
    assert tonight == [0.0, 0.0]
    short = [ahead_of(200.4, 0.5)]
    [quiet], [same] = (answer(200.4, events=e, questions=short).estimates for e in (EVENTS, new))
    assert same.probability == quiet.probability


def test_events_of_a_day_have_no_order_and_no_hour() -> None:
    other = [worlds.event(f"x{i}", math.floor(at) + 0.05) for i, at in enumerate(BURSTS)]
    assert p(events=other) == p()
    assert p(events=[*EVENTS[::-1]]) == p()


def test_what_happened_before_the_watch_excites() -> None:
    early = [worlds.event("early", -1.5)]
    [plain], [found] = (
        answer(2.0, events=e, questions=[ahead_of(2.0)]).estimates for e in ([], early)
    )
    assert found.probability > 1.1 * plain.probability
    assert found.diagnostics["events"] == 0.0
    tasks = [worlds.task(BARE, 2.0, (), e) for e in ([], early)]
    theta = np.array([[-3.2, 0.0, -0.8, 2.6, 0.0]])
    without, scored = (Work(t, "").problem.target.log_likelihood(theta)[0] for t in tasks)
    assert scored < without - 0.01  # two quiet days say more after an event


def test_counts_agree_with_the_probability_and_with_each_other() -> None:
    whole = worlds.question(opens=200.0, deadline=240.0)
    asked = [replace(whole, at_least=n, question_id=f"{n}") for n in (1, 2, 25)]
    one, two, many = answer(questions=asked).estimates
    assert len(one.at_least) == len(two.at_least) == 5
    assert len(many.at_least) == 25
    assert list(many.at_least) == sorted(many.at_least, reverse=True)
    for n, found in ((1, one), (2, two), (25, many)):
        assert found.at_least[n - 1] == pytest.approx(found.probability, rel=1e-9)
    assert one.expected_count is not None
    assert sum(many.at_least) == pytest.approx(one.expected_count, rel=1e-3)


def test_before_a_window_opens_events_set_off_others_in_it() -> None:
    [found] = answer(questions=[worlds.question(opens=210.0, deadline=220.0)]).estimates
    work = Work(worlds.task(BARE, 200, (), EVENTS, [ahead_of(200.0, 20.0)]), "")
    ahead = work.outlook.ahead(work.climb(None).fit.draws, work.signals)
    quiet = ahead.any(ahead.inside(10.0, np.array([20.0]))).mean()  # as if none came before
    assert found.probability == pytest.approx(found.at_least[0], rel=1e-9)
    assert found.probability > quiet + 0.02


def test_events_that_the_window_has_had_are_counted() -> None:
    had = Question("q", "q", "u", "strike", worlds.day(165), worlds.day(210), at_least=3)
    fresh = Question("f", "f", "u", "strike", worlds.day(200), worlds.day(210), at_least=2)
    one, other = answer(questions=[had, fresh]).estimates  # one of them has happened
    assert one.probability == pytest.approx(other.probability, rel=1e-9)
    assert one.at_least[0] == 1.0
    assert one.at_least[1:] == pytest.approx(other.at_least[:4], rel=1e-9)
    assert one.expected_count == pytest.approx((other.expected_count or 0) + 1)


def test_more_than_can_be_counted_is_refused_by_name() -> None:
    many = replace(ahead_of(200.0), at_least=500)
    with pytest.raises(ConfigError, match="at least 500 events") as error:
        answer(questions=[many])
    assert error.value.at == "questions.ahead.at_least"


def test_rungs_and_state(first: Answer) -> None:
    assert first.estimates[0].method == "R1"
    steps = [(200.5, "T0"), (201.0, "T1"), (230.0, "T1"), (231.0, "R1")]
    for as_of, method in steps:
        assert answer(as_of, first.state).estimates[0].method == method
    assert answer(201.0, first.state).state is first.state
    twin = [*EVENTS, worlds.event("twin", 30.5)]
    assert answer(200.0, first.state, twin).estimates[0].method == "T1"
    copied = bytes(bytearray(first.state or b""))
    assert answer(205.0, copied) == answer(205.0, first.state)
    assert answer() == first
    assert answer(state=b"no archive").estimates == first.estimates


def test_days_streamed_through_t1_come_to_a_fresh_fit(first: Answer) -> None:
    events = [*EVENTS, worlds.event("new", 205.5), worlds.event("late", 150.2, 203.1)]
    state, told = first.state, None
    for day in range(201, 216, 2):
        streamed = answer(float(day), state, events)
        state, told = streamed.state, streamed.estimates[0]
        assert told.method == "T1"
    [fresh] = answer(215.0, events=events).estimates
    assert told is not None
    error = math.hypot(told.mcse, fresh.mcse)
    assert told.probability == pytest.approx(fresh.probability, abs=4 * error)
    assert told.diagnostics["events"] == 12


def test_a_move_books_time_as_time_and_a_new_event_as_learning(first: Answer) -> None:
    new = [*EVENTS, worlds.event("new", 200.2, 200.3)]
    asked = [ahead_of(200.0)]
    [quiet] = answer(200.5, first.state, questions=asked, previous=first.estimates).estimates
    [lifted] = answer(200.5, first.state, new, questions=asked, previous=first.estimates).estimates
    assert quiet.moved is not None
    assert lifted.moved is not None
    assert quiet.moved.time < 0
    assert abs(quiet.moved.learning) < 1e-9
    assert lifted.moved.time == pytest.approx(quiet.moved.time, abs=0.03)
    assert lifted.moved.learning > 0.1
    assert lifted.moved.main_cause() == "learning"


def test_quiet_days_are_learnt_from(first: Answer) -> None:
    asked = [ahead_of(200.0)]
    [quiet] = answer(206.5, first.state, questions=asked, previous=first.estimates).estimates
    assert quiet.method == "T1"
    assert quiet.moved is not None
    assert -0.2 < quiet.moved.learning < -0.005


def test_its_own_recent_events_are_a_contribution() -> None:
    new = [*EVENTS, worlds.event("new", 198.5)]
    [quiet], [found] = (answer(events=e).estimates for e in ([], new))
    assert quiet.contributions == ()
    [own] = found.contributions
    assert own.tag == "history"
    assert own.incidents[0] == "new"
    assert "e0" not in own.incidents
    assert 1.0 < own.lower < own.median < own.upper


def test_a_tag_raises_the_background() -> None:
    asked = ahead_of(200.0)
    task = worlds.task(TAGGED, 200, [worlds.report("r", 199)], EVENTS, [asked])
    [found] = MODEL.update(task, None).estimates
    [plain] = answer(believed=TAGGED, questions=[asked]).estimates
    assert found.probability > 1.1 * plain.probability
    assert {c.tag for c in found.contributions} == {"a", "history"}


def test_without_tags_nothing_is_simulated(first: Answer) -> None:
    """A definition that listens to no tag has a column that is never fed, ahead neither."""
    task = worlds.task(BARE, 200, (), EVENTS, [ahead_of(200.0)])
    work = Work(task, "")
    rung = work.climb(None)
    ahead = work.outlook.ahead(rung.fit.draws, work.signals)
    background = np.exp(rung.fit.draws[:, 0])
    n, fade = ahead.branching, ahead.decay
    left = sum(fade ** (199 - math.floor(at)) for at in BURSTS)
    assert ahead.expected[0] == pytest.approx(background + n * (1 - fade) * left, rel=1e-9)


def test_a_century_without_an_event_is_no_trouble() -> None:
    old = replace(BARE, observed_since="1925-01-01T00:00:00+00:00")
    [found] = answer(believed=old, events=[]).estimates
    assert found.health is Health.HEALTHY
    assert found.probability < p(events=[]) / 10


def test_many_events_on_one_day_are_no_trouble() -> None:
    crowd = [worlds.event(f"c{i}", 190.0 + i / 200) for i in range(150)]
    [found] = answer(events=crowd).estimates
    assert math.isfinite(found.probability)
    assert found.health is Health.HEALTHY or found.reason


# The simulated world is told apart from the model; where both can say a number, they agree.


def theta_of(truth: dict[str, float]) -> Array:
    z = NormalDist().inv_cdf(truth["branching"])
    return np.array(
        [[truth["log_rate"], truth["log_ceiling"], z, truth["log_memory"], truth["beta.march"]]]
    )


@pytest.mark.parametrize("seed", range(6))
def test_model_and_simulator_agree_on_the_densities_of_the_truth(seed: int) -> None:
    task, truth = simulator.world(np.random.default_rng(seed))
    target = Work(task, "").problem.target
    theta = theta_of(truth)
    assert target.log_prior(theta)[0] == pytest.approx(truth["log_prior"], rel=1e-9)
    assert target.log_likelihood(theta)[0] == pytest.approx(truth["log_likelihood"], rel=1e-9)


def test_the_posterior_tells_every_quantity_of_the_truth() -> None:
    task, truth = simulator.world(np.random.default_rng(1))
    draws = MODEL.posterior(task, None)
    assert set(draws.names) == set(truth)
    assert draws.values.shape == (len(draws.weights), len(truth))
    assert draws.weights.sum() == pytest.approx(1.0)
    place = draws.names.index("p:next")
    [told, _] = MODEL.update(task, None).estimates
    assert draws.weights @ draws.values[:, place] == pytest.approx(told.probability, rel=1e-12)


def test_model_and_simulator_agree_on_what_comes_next() -> None:
    rng = np.random.default_rng(12)
    task, truth = simulator.world(rng)
    work = Work(task, "")
    draws = np.repeat(theta_of(truth), 2000, axis=0)
    told = work.outlook.chance(work.outlook.ahead(draws, work.signals), task.questions[0])
    lived = simulator.Truth(
        truth["log_rate"],
        truth["log_ceiling"],
        truth["branching"],
        truth["log_memory"],
        truth["beta.march"],
        0.5,
    )
    counts = [0] * (simulator.DAYS + 1)
    for happened in task.snapshot.events:
        counts[(happened.occurred_at - simulator.START) // timedelta(days=1)] += 1
    futures = [
        1
        - math.exp(
            -simulator.sum_until(
                simulator.expected_ahead(lived, list(task.snapshot.reports), counts, rng),
                simulator.SOON,
            )
        )
        for _ in range(400)
    ]
    error = math.hypot(np.std(told) / 2000**0.5, np.std(futures) / 400**0.5)
    assert told.mean() == pytest.approx(np.mean(futures), abs=4 * error + 0.002)
