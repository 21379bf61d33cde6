"""The ladder: cheap rungs agree with dear ones, gates hold, and the state comes back."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forecast.errors import HeldError
from forecast.estimate import Estimate, Health
from forecast.evidence import Event, Report
from models.api import Answer
from models.covariates import Array
from models.engine.fit import Fit
from models.engine.ladder import DRAWS, MANY_DRAWS, Rung, climb, refit
from models.engine.nuts import NutsJob
from models.engine.problem import MOST_NEW
from models.hazard import Hazard
from models.hazard.formulas import Data, Prior
from models.hazard.problem import HazardProblem
from models.hazard.update import Work
from models.priors.beliefs import Beliefs
from models.priors.elicit import Normal
from models.rows import Rows
from models.track import lay_out
from tests.models import worlds
from tests.models.targets import (
    Grid,
    Numeric,
    broken,
    gaussian,
    heavy,
    log_gamma,
    problem,
    two_modes,
)

MODEL = Hazard()
BELIEVED = worlds.beliefs(worlds.effect("a"), worlds.effect("b", 0.3))
REPORTS = [worlds.report("r0", 60), worlds.report("r1", 150), worlds.report("r2", 195, "b")]
EVENTS = [worlds.event("e0", 70.4)]
# beliefs so wide, and data so far from them, that no proposal of ours fits
ABSURD = worlds.beliefs(
    worlds.effect("a", 0.0, 6.0), log_rate=Normal(-9.0, 12.0), log_ceiling=Normal(-3.3, 6.0)
)
MANY_EVENTS = [worlds.event(f"e{i}", 10 + i * 9.1) for i in range(20)]


def answer(
    as_of: float,
    state: bytes | None = None,
    *,
    reports: Iterable[Report] = REPORTS,
    events: Iterable[Event] = EVENTS,
    believed: Beliefs = BELIEVED,
    previous: Iterable[Estimate] = (),
    seed: int = worlds.SEED,
    thresholds: dict[str, tuple[float, ...]] | None = None,
) -> Answer:
    known = [r for r in reports if r.known_at < worlds.day(as_of)]
    happened = [e for e in events if e.known_at < worlds.day(as_of)]
    task = worlds.task(
        believed, as_of, known, happened, seed=seed, previous=previous, thresholds=thresholds
    )
    return MODEL.update(task, state)


@pytest.fixture(scope="module")
def first() -> Answer:
    return answer(200)


def rows(as_of: float = 200, events: Iterable[Event] = EVENTS) -> Rows:
    return lay_out(worlds.task(BELIEVED, as_of, REPORTS, events)).rows


def test_days_streamed_through_t1_come_to_a_fresh_fit(first: Answer) -> None:
    more = [worlds.report("r3", 204.5), worlds.report("r4", 215.2, "b")]
    events = [*EVENTS, worlds.event("e1", 210.3), worlds.event("e2", 204.1)]
    state, methods = first.state, set()
    for day in range(201, 201 + MOST_NEW):
        told = answer(day, state, reports=[*REPORTS, *more], events=events)
        methods.add(told.estimates[0].method)
        state = told.state
    assert methods == {"T1"}
    [streamed] = told.estimates
    [fresh] = answer(230, reports=[*REPORTS, *more], events=events, seed=99).estimates
    assert fresh.method == "R1"
    error = np.hypot(streamed.mcse, fresh.mcse)
    assert streamed.probability == pytest.approx(fresh.probability, abs=3 * error)
    assert streamed.diagnostics["events"] == 3


def test_the_rungs_are_taken_in_their_order(first: Answer) -> None:
    assert first.estimates[0].method == "R1"
    assert answer(200.5, first.state).estimates[0].method == "T0"
    assert answer(201, first.state).estimates[0].method == "T1"
    assert answer(200 + MOST_NEW, first.state).estimates[0].method == "T1"
    assert answer(201 + MOST_NEW, first.state).estimates[0].method == "R1"
    assert answer(190, first.state).estimates[0].method == "R1"
    retuned = replace(BELIEVED, log_rate=Normal(-5.0, 0.5))
    assert answer(201, first.state, believed=retuned).estimates[0].method == "R1"


def test_draws_that_the_data_left_behind_are_made_anew(first: Answer) -> None:
    burst = [worlds.event(f"x{i}", 200.3 + i) for i in range(20)]
    [found] = answer(221, first.state, events=burst).estimates
    assert found.method == "R1"
    assert found.health is Health.HEALTHY


def test_kept_draws_leave_the_state_as_it_was(first: Answer) -> None:
    assert answer(200.5, first.state).state is first.state
    assert answer(205, first.state).state is first.state


def test_a_restart_from_the_bytes_gives_the_same_bytes(first: Answer) -> None:
    assert first.state is not None
    assert Fit.from_bytes(first.state).to_bytes() == first.state
    copied = bytes(bytearray(first.state))
    assert answer(205, copied) == answer(205, first.state)
    assert answer(200) == first


def test_adding_a_report_and_retracting_it_is_as_if_it_had_never_been(first: Answer) -> None:
    wrong = worlds.report("wrong", 190)
    added = answer(205, first.state, reports=[*REPORTS, wrong])
    retracted = replace(wrong, value=0.0, known_at=worlds.day(206))
    after = answer(207, added.state, reports=[*REPORTS, retracted])
    [never] = answer(207, first.state).estimates
    assert after.estimates[0].probability == never.probability
    assert after.estimates[0].curve == never.curve
    assert added.estimates[0].probability > never.probability


@pytest.mark.parametrize(
    "later",
    [
        pytest.param(lambda: rows(215), id="days were added"),
        pytest.param(lambda: rows(200, [*EVENTS, worlds.event("e", 150.2, 199)]), id="known late"),
        pytest.param(lambda: rows(215, []), id="an event was withdrawn"),
    ],
)
def test_new_weights_are_the_ratio_of_the_two_posteriors(later) -> None:  # type: ignore[no-untyped-def]
    prior = Prior.of(BELIEVED)
    old, new = (Data.of(some) for some in (rows(), later()))
    before, problem = (HazardProblem.of(data, prior, "", 1) for data in (old, new))
    fit = refit(before, 300).fit
    gain = problem.target.log_likelihood(fit.draws) - before.target.log_likelihood(fit.draws)
    found = problem.reweigh(fit)
    assert found.log_weights - fit.log_weights == pytest.approx(gain, abs=1e-9)
    fresh = problem.reweigh(replace(fit, data_digest="", size=0))
    assert found.extras["at_risk"] == pytest.approx(fresh.extras["at_risk"], rel=1e-12)


def test_an_event_that_became_known_late_is_learnt_from(first: Answer) -> None:
    late = [*EVENTS, worlds.event("late", 150.2, 202.5)]
    [without], [found] = (answer(203, first.state, events=e).estimates for e in (EVENTS, late))
    assert found.method == "T1"
    assert found.probability > without.probability


def below_nuts(previous: Iterable[Estimate] = ()) -> Estimate:
    """The estimate of what no rung can fit, where the ladder ends before NUTS."""
    work = Work(worlds.task(ABSURD, 200, REPORTS, MANY_EVENTS, previous=previous), "structure")
    work.problem = replace(work.problem, nuts_job=None)
    rung = work.climb(None)
    return work.estimates(rung, work.moves(None, rung))[0]


def test_what_no_rung_can_fit_is_held_and_the_last_good_number_stands(first: Answer) -> None:
    [good] = first.estimates
    held = below_nuts([good])
    assert held.health is Health.HELD
    assert "k-hat" in held.reason or "sample size" in held.reason
    assert (held.probability, held.interval, held.mcse) == (
        good.probability,
        good.interval,
        good.mcse,
    )
    assert held.curve == good.curve
    assert held.contributions == good.contributions
    assert (held.expected_count, held.at_least) == (good.expected_count, good.at_least)
    assert held.quantiles == good.quantiles != ()
    assert held.moved is None
    assert [step.split(":")[0] for step in held.escalation] == ["R1", "R1", "T2"]
    assert all(len(step) > len("R1: ") for step in held.escalation)
    still = below_nuts([held])
    assert still.health is Health.HELD
    assert still.probability == good.probability


def test_a_number_that_no_rung_vouches_for_is_unverified_where_there_is_no_last_one() -> None:
    found = below_nuts()
    assert found.health is Health.UNVERIFIED
    assert found.reason in {step.split(": ", 1)[1] for step in found.escalation}
    assert 0 < found.probability < 1
    again = below_nuts([found])
    assert again.health is Health.UNVERIFIED  # what was never good is not held on to


def test_near_a_threshold_more_draws_are_made(first: Answer) -> None:
    [plain] = first.estimates
    assert plain.diagnostics["draws"] == DRAWS
    for line, draws in ((plain.probability + 2 * plain.mcse, MANY_DRAWS), (0.99, DRAWS)):
        [found] = answer(200, thresholds={plain.question_id: (line,)}).estimates
        assert found.diagnostics["draws"] == draws
    [fine] = answer(200, thresholds={plain.question_id: (plain.probability,)}).estimates
    assert fine.mcse < 0.7 * plain.mcse
    assert fine.probability == pytest.approx(
        plain.probability, abs=3 * np.hypot(fine.mcse, plain.mcse)
    )


def test_near_a_threshold_the_move_is_of_the_draws_that_answered(first: Answer) -> None:
    [plain] = first.estimates
    lines: dict[str, tuple[float, ...]] = {plain.question_id: (plain.probability,)}
    for state in (None, first.state):
        [found] = answer(201, state, previous=[plain], thresholds=lines).estimates
        assert found.diagnostics["draws"] == MANY_DRAWS
        assert found.moved is not None
        assert abs(found.moved.montecarlo) < 0.1


def test_a_curve_stays_short_where_hundreds_of_deadlines_crowd_a_unit() -> None:
    crowd = tuple(worlds.question(deadline=210.0 + n / 3) for n in range(300))
    believed = worlds.beliefs(worlds.effect("march"))
    answered = Hazard().update(worlds.task(believed, questions=crowd), None).estimates
    for estimate, asked in zip(answered, crowd, strict=True):
        assert len(estimate.curve) < 45
        near = [p for p in estimate.curve if abs(p.by - asked.deadline) < timedelta(seconds=1)]
        assert [p.probability for p in near] == [pytest.approx(estimate.probability)]


# The same ladder on targets in NumPy, where a grid knows the answer.


def first_parameter(rung: Rung) -> dict[str, Array]:
    """A probability of the first parameter, for each draw."""
    return {"q": np.asarray(1 / (1 + np.exp(-rung.posterior.draws[:, 0])))}


def climbed(target: Numeric, before: Fit | None = None, **posed: Any) -> Rung:
    return climb(problem(target, **posed), before, first_parameter)


def on_a_grid(target: Numeric) -> float:
    grid = Grid.of(target, reach=12.0, nodes=1201)
    return float(grid.weights @ (1 / (1 + np.exp(-grid.points[:, 0]))))


def words(rung: Rung) -> list[str]:
    return [step.split(":")[0] for step in rung.failed]


def test_a_gaussian_is_done_on_the_first_rung_and_kept_on_the_next() -> None:
    target = gaussian(np.array([0.8, -0.5]))
    rung = climbed(target)
    assert (rung.method, rung.failed) == ("R1", ())
    off = (rung.posterior.draws - np.array([0.8, -0.5]) * 4 / 4.25) ** 2
    assert rung.weights.mean(off) == pytest.approx(np.full(2, 1 / 4.25), rel=0.12)
    found = rung.answers["q"]
    assert found.probability == pytest.approx(on_a_grid(target), abs=4 * found.mcse)
    assert climbed(target, rung.fit).method == "T0"
    assert climbed(target, rung.fit, data="new").method == "T1"
    assert climbed(target, rung.fit, data="new", size=41).method == "R1"
    assert climbed(target, rung.fit, size=9).method == "R1"
    retuned = replace(problem(target), prior_digest="other")
    assert climb(retuned, rung.fit, first_parameter).method == "R1"


def test_new_data_on_kept_draws_are_the_posterior_of_all_data() -> None:
    old, new = gaussian(np.array([0.8, -0.5])), gaussian(np.array([0.55, -0.3]), sd=0.45)
    rung = climbed(new, climbed(old).fit, data="new")
    assert rung.method == "T1"
    found = rung.answers["q"]
    assert found.probability == pytest.approx(on_a_grid(new), abs=4 * found.mcse)


def test_what_r1_cannot_draw_is_moved_to_and_says_what_failed_below() -> None:
    target = log_gamma(12, shape=0.35)
    rung = climbed(target)
    assert rung.method == "T2"
    assert words(rung) == ["R1", "R1"]
    assert all("k-hat" in step or "sample size" in step for step in rung.failed)
    assert rung.gate.passed
    assert 0 < rung.diagnostics["correlation"] <= 0.1
    found = rung.answers["q"]
    assert found.probability == pytest.approx(on_a_grid(target), abs=4 * found.mcse)
    state = Fit.from_bytes(rung.fit.to_bytes())
    assert state.efficiency == rung.fit.efficiency < 1
    again = climbed(target, state)
    assert (again.method, again.answers) == ("T0", rung.answers)


def test_draws_of_a_chain_that_new_data_left_are_moved_on_before_they_are_made_anew() -> None:
    rung = climbed(log_gamma(12, shape=0.35))
    target = log_gamma(12, shape=0.7)
    moved_on = climbed(target, rung.fit, data="new")
    assert moved_on.method == "T2"
    assert words(moved_on) == ["T1"]
    found = moved_on.answers["q"]
    assert found.probability == pytest.approx(on_a_grid(target), abs=4 * found.mcse)


@pytest.mark.parametrize(
    "target", [two_modes(6), heavy(12)], ids=["two modes far apart", "heavy tails"]
)
def test_what_no_rung_can_do_fails_with_a_reason_each(target: Numeric) -> None:
    rung = climbed(target)
    assert not rung.gate.passed
    assert words(rung)[:2] == ["R1", "R1"]
    assert words(rung)[2:] == ["T2"]
    assert all(len(step.split(": ", 1)[1]) > 10 for step in rung.failed)
    assert f"{rung.method}: {rung.gate.reason}" in rung.failed


def test_a_probability_that_stays_rough_is_refused_in_words() -> None:
    def a_coin(rung: Rung) -> dict[str, Array]:
        return {"q": (rung.posterior.draws[:, 0] > 0).astype(float)}

    rung = climb(problem(gaussian(np.zeros(2))), None, a_coin)
    # half of sqrt(1/1000) is 0.016; three times the draws, weighed, are worth 0.0098 at best
    assert len(rung.posterior.draws) == MANY_DRAWS
    assert rung.gate.passed == (rung.answers["q"].mcse <= 0.01)
    assert all("Monte Carlo error" in step for step in rung.failed)


@pytest.mark.parametrize("value", [np.nan, -np.inf, np.inf])
@pytest.mark.parametrize("share", ["nowhere", "half", "everywhere"])
def test_a_density_that_is_no_number_gives_a_gate_or_an_answer_and_never_a_crash(
    value: float, share: str
) -> None:
    where = {"nowhere": -9.0, "half": 0.0, "everywhere": 9.0}[share]
    rung = climbed(broken(2, value, lambda draws: draws[:, 0] < where))
    assert rung.gate.passed == (rung.answers["q"].mcse > 0 and not rung.gate.reason)
    if share == "nowhere":
        assert rung.method == "R1"
    if share == "everywhere":
        assert not rung.gate.passed
        assert rung.gate.reason
        assert words(rung) == ["R1", "R1", "T2"]
    if share == "half" and value != np.inf and rung.gate.passed:
        assert rung.weights.w @ (rung.posterior.draws[:, 0] < 0) == 0


def test_a_rung_that_gives_no_draws_is_told_and_passed_by() -> None:
    def no_job() -> NutsJob:
        raise HeldError("NUTS failed: its process was killed")

    hard = replace(problem(two_modes(6)), nuts_job=no_job)
    rung = climb(hard, None, first_parameter)
    assert words(rung) == ["R1", "R1", "T2", "R2"]
    assert rung.failed[-1] == "R2: NUTS failed: its process was killed"
    assert not rung.gate.passed


@given(
    extras=st.dictionaries(st.text("abc", min_size=1, max_size=5), st.integers(1, 3), max_size=3),
    efficiency=st.floats(0.001, 1.0),
)
@settings(max_examples=20, deadline=None, derandomize=True)
def test_a_fit_comes_back_from_its_bytes(extras: dict[str, int], efficiency: float) -> None:
    rng = np.random.default_rng(1)
    kept = {name: rng.normal(size=(7, width)) for name, width in extras.items()}
    fit = Fit(
        rng.normal(size=(7, 2)), rng.normal(size=7), rng.normal(size=7), "T2", "p", "d", 3,
        efficiency, kept,
    )  # fmt: skip
    state = fit.to_bytes()
    back = Fit.from_bytes(state)
    assert back.to_bytes() == state
    assert (back.method, back.size, back.efficiency) == ("T2", 3, efficiency)
    assert {name: values.shape for name, values in back.extras.items()} == {
        name: (7, width) for name, width in extras.items()
    }
    few = back.first(4)
    assert np.array_equal(few.draws, fit.draws[:4])
    assert all(len(values) == 4 for values in few.extras.values())
