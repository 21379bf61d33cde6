"""The ladder: cheap rungs agree with dear ones, gates hold, and the state comes back."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest

from forecast.estimate import Estimate, Health
from forecast.evidence import Event, Report
from models.api import Answer
from models.engine.density import Prior
from models.engine.fit import Fit, refit, reweigh
from models.engine.ladder import DRAWS, MANY_DRAWS, MOST_NEW_ROWS, compiled_density
from models.hazard import Hazard
from models.priors.beliefs import Beliefs
from models.priors.elicit import Normal
from models.rows import Rows
from models.track import lay_out
from tests.models import worlds

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
    for day in range(201, 201 + MOST_NEW_ROWS):
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
    assert answer(200 + MOST_NEW_ROWS, first.state).estimates[0].method == "T1"
    assert answer(201 + MOST_NEW_ROWS, first.state).estimates[0].method == "R1"
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
    density, prior = compiled_density(), Prior.of(BELIEVED)
    old, new = rows(), later()
    density.load(old, prior)
    fit = refit(density, old, prior, "", 300, 1)
    before = density.log_posterior(fit.draws)
    density.load(new, prior)
    gain = density.log_posterior(fit.draws) - before
    found = reweigh(density, fit, new)
    assert found.log_weights - fit.log_weights == pytest.approx(gain, abs=1e-9)
    fresh = reweigh(density, replace(fit, rows_digest=""), new)
    assert found.exposure.at_risk == pytest.approx(fresh.exposure.at_risk, rel=1e-12)


def test_an_event_that_became_known_late_is_learnt_from(first: Answer) -> None:
    late = [*EVENTS, worlds.event("late", 150.2, 202.5)]
    [without], [found] = (answer(203, first.state, events=e).estimates for e in (EVENTS, late))
    assert found.method == "T1"
    assert found.probability > without.probability


def test_what_no_rung_can_fit_is_held_and_the_last_good_number_stands(first: Answer) -> None:
    [good] = first.estimates
    [held] = answer(200, events=MANY_EVENTS, believed=ABSURD, previous=[good]).estimates
    assert held.health is Health.HELD
    assert "k-hat" in held.reason or "sample size" in held.reason
    assert (held.probability, held.interval, held.mcse) == (
        good.probability,
        good.interval,
        good.mcse,
    )
    assert held.curve == good.curve
    assert held.contributions == good.contributions
    assert held.moved is None
    assert held.diagnostics["draws"] == MANY_DRAWS


def test_what_is_held_without_a_last_number_says_so() -> None:
    [held] = answer(200, events=MANY_EVENTS, believed=ABSURD).estimates
    assert held.health is Health.HELD
    assert held.reason


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
