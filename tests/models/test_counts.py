"""At least n events, and how many to expect: against closed forms and simulated worlds."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import nbinom

from forecast.estimate import Estimate
from forecast.evidence import Event
from forecast.question import Question
from models.covariates import Array
from models.hazard import Hazard
from models.hazard.outlook import Frailty
from models.hazard.update import Work
from models.priors.beliefs import Beliefs
from models.priors.elicit import Normal
from models.shares import share_of
from tests.models import worlds

MODEL = Hazard()
BELIEVED = worlds.beliefs(
    worlds.effect("a"), log_rate=Normal(-4.0, 0.5), log_ceiling=None, narrower=worlds.KINDS
)
REPORTS = [worlds.report("r0", 60), worlds.report("r1", 190)]
EVENTS = [worlds.event("e0", 70.4, definition="covert"), worlds.event("e1", 171.2)]
DRAWS = 400


def asked(at_least: int, definition: str = "strike", opens: float = 0.0) -> Question:
    name = f"{definition}-{opens:g}-{at_least}"
    return replace(worlds.question(definition, opens, name=name), at_least=at_least)


def estimates(
    *questions: Question, believed: Beliefs = BELIEVED, events: list[Event] = EVENTS
) -> dict[str, Estimate]:
    task = worlds.task(believed, 200, REPORTS, events, questions)
    return {e.question_id: e for e in MODEL.update(task, None).estimates}


def frailty(settings: int = 1) -> Frailty:
    rng = np.random.default_rng(3)
    weight = rng.dirichlet(np.ones(settings), DRAWS)
    return Frailty(
        rng.uniform(0.4, 6.0, (DRAWS, 1)), rng.uniform(20.0, 300.0, (DRAWS, settings)), weight
    )


def hazards(settings: int = 1) -> tuple[Array, Array, Array]:
    """H up to the opening and to the end (draw, setting), and shares (draw,)."""
    rng = np.random.default_rng(4)
    opening = rng.uniform(0.0, 20.0, (DRAWS, settings))
    return opening, opening + rng.uniform(1.0, 200.0, (DRAWS, settings)), rng.beta(3, 2, DRAWS)


@pytest.mark.parametrize("settings", [1, 3])
@pytest.mark.parametrize("n", [1, 2, 5])
def test_a_count_is_negative_binomial_given_the_draw(settings: int, n: int) -> None:
    now, (opening, end, share) = frailty(settings), hazards(settings)
    odds = share[:, None] * (end - opening) / now.scale
    exact = (nbinom.sf(n - 1, now.shape, 1 / (1 + odds)) * now.weight).sum(axis=1)
    assert now.chance(opening, end, share, True, n) == pytest.approx(exact, rel=1e-9)
    mean = (nbinom.mean(now.shape, 1 / (1 + odds)) * now.weight).sum(axis=1)
    assert now.expected(opening, end, share, True) == pytest.approx(mean, rel=1e-9)


def test_a_count_over_edges_is_that_of_each_edge() -> None:
    now, (opening, end, share) = frailty(3), hazards(3)
    edges = np.stack([opening, end, 2 * end], axis=2)
    for recurrent, n in ((True, 1), (True, 3), (False, 1), (False, 2)):
        together = now.chance(opening[:, :, None], edges, share, recurrent, n)
        for place in range(3):
            alone = now.chance(opening, edges[:, :, place], share, recurrent, n)
            assert together[:, place] == pytest.approx(alone, abs=1e-14)


def test_expected_is_the_sum_of_at_least_n() -> None:
    now, (opening, end, share) = frailty(2), hazards(2)
    at_least = [now.chance(opening, end, share, True, n) for n in range(1, 400)]
    assert np.sum(at_least, axis=0) == pytest.approx(
        now.expected(opening, end, share, True), rel=1e-6
    )


def test_what_happens_once_is_expected_as_often_as_it_is_likely_and_never_twice() -> None:
    now, (opening, end, share) = frailty(2), hazards(2)
    once = now.chance(opening, end, share, False)
    assert np.array_equal(now.expected(opening, end, share, False), once)
    assert not now.chance(opening, end, share, False, 2).any()


def test_surviving_a_part_and_then_the_rest_is_surviving_the_whole_under_settings() -> None:
    """Silence is learnt from: it moves the rate, and the weights of the settings."""
    now, (_, first, _) = frailty(3), hazards(3)
    whole, ones = 2.5 * first, np.ones(DRAWS)
    zero = np.zeros_like(first)
    silent = now.weight * (now.scale / (now.scale + first)) ** now.shape
    later = Frailty(now.shape, now.scale + first, silent / silent.sum(axis=1, keepdims=True))
    p_first, p_whole = (now.chance(zero, h, ones, True) for h in (first, whole))
    p_rest = later.chance(first, whole, ones, True)
    assert p_whole == pytest.approx(p_first + (1 - p_first) * p_rest, abs=1e-13)


def simulated(work: Work, question: Question, recurrent: bool, seed: int) -> Array:
    """Numbers of events (world,) of the question's kind, each world played out event by event."""
    rung = work.climb(None)
    hazard = work.hazard(rung.fit, work.signals)
    first, last = work.track.window(question)
    rng = np.random.default_rng(seed)
    worlds_, draws = 60_000, rung.posterior.draws
    pick = rng.choice(len(draws), worlds_, p=rung.weights.w)
    extras = rung.posterior.extras
    kappa, b = np.exp(draws[:, 1]), np.exp(draws[:, 1] - draws[:, 0])
    rate = rng.gamma((kappa + extras["events"][:, 0])[pick]) / (b + extras["at_risk"][:, 0])[pick]
    share = share_of(work.task, question.definition, len(draws))[pick]
    before = rng.poisson(rate * hazard[pick, 0, first])
    inside = rng.poisson(rate * (hazard[pick, 0, last] - hazard[pick, 0, first]))
    if not recurrent:
        inside = np.where((before == 0) & (inside > 0), 1, 0)
    return np.asarray(rng.binomial(inside, share))


@pytest.mark.parametrize("recurrent", [True, False])
@pytest.mark.parametrize("definition", ["strike", "covert", "announced"])
def test_counts_are_those_of_worlds_played_out_event_by_event(
    recurrent: bool, definition: str
) -> None:
    believed = replace(BELIEVED, recurrent=recurrent)
    question = asked(1, definition, opens=215)
    task = worlds.task(believed, 200, REPORTS, EVENTS if recurrent else [], [question])
    [found] = MODEL.update(task, None).estimates
    counts = simulated(Work(task, MODEL.model_hash(believed)), question, recurrent, seed=8)
    error = 4 / np.sqrt(len(counts))
    assert found.expected_count == pytest.approx(counts.mean(), abs=error * counts.std())
    assert found.probability == pytest.approx((counts >= 1).mean(), abs=error / 2)
    assert len(found.at_least) == (5 if recurrent else 1)
    for n, p in enumerate(found.at_least, start=1):
        assert p == pytest.approx((counts >= n).mean(), abs=error / 2)


def test_more_events_are_never_likelier_and_the_first_is_the_question_itself() -> None:
    found = estimates(*(asked(n, opens=200) for n in (1, 2, 3, 8)))
    levels = [found[f"strike-200-{n}"] for n in (1, 2, 3, 8)]
    p = [e.probability for e in levels]
    assert p == sorted(p, reverse=True)
    assert p[0] > 1.5 * p[1] > 0
    for e in levels:
        assert list(e.at_least) == sorted(e.at_least, reverse=True)
        assert e.at_least[0] == pytest.approx(p[0], abs=1e-12)
        assert e.at_least[1] == pytest.approx(p[1], abs=1e-12)
        at = {point.by: point.probability for point in e.curve}
        assert at[worlds.day(290)] == pytest.approx(e.probability, abs=1e-12)
    assert len(levels[-1].at_least) == 8


def test_events_that_the_window_has_seen_count_towards_the_number_asked_for() -> None:
    """Two strikes, one of them covert, have happened since day 0; one more makes three."""
    found = estimates(asked(3), asked(1, opens=200), asked(2, "covert"), asked(1, "covert", 200))
    three, one_more = found["strike-0-3"], found["strike-200-1"]
    assert three.probability == pytest.approx(one_more.probability, abs=1e-12)
    assert three.at_least[:2] == pytest.approx((1.0, 1.0))
    assert three.at_least[2] == pytest.approx(one_more.probability, abs=1e-12)
    assert one_more.expected_count is not None
    assert three.expected_count == pytest.approx(2 + one_more.expected_count, abs=1e-12)
    assert [point.probability for point in three.curve] == pytest.approx(
        [point.probability for point in one_more.curve], abs=1e-12
    )
    covert, next_covert = found["covert-0-2"], found["covert-200-1"]
    assert covert.probability == pytest.approx(next_covert.probability, abs=1e-12)


def test_an_event_known_late_counts_towards_the_number_only_from_then_on() -> None:
    late = worlds.event("late", 150.3, 205.0)
    told = [*EVENTS, late]
    first = MODEL.update(worlds.task(BELIEVED, 200, REPORTS, told, [asked(4)]), None)
    assert first.estimates[0].at_least[1] == pytest.approx(1.0)
    assert first.estimates[0].at_least[2] < 0.9
    later = worlds.task(BELIEVED, 205.5, REPORTS, told, [asked(4)], previous=first.estimates)
    [found] = MODEL.update(later, first.state).estimates
    assert found.at_least[2] == pytest.approx(1.0)
    assert found.probability > 1.4 * first.estimates[0].probability
    assert found.moved is not None
    assert found.moved.learning > 0.5
    assert abs(found.moved.time) < 0.3
