"""Why a probability moved: parts that sum exactly, each booked under its own cause."""

import math
from collections.abc import Iterable
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forecast.estimate import Move, log_hazard
from forecast.evidence import Event, Report, Superseded
from models.engine.problem import MOST_NEW
from models.hazard import Hazard
from models.hazard.explain import log_parts
from models.hazard.formulas import Multiplier, Prior
from models.moves import move, shifted
from models.priors.beliefs import Beliefs
from models.priors.elicit import Normal
from tests.models import worlds

MODEL = Hazard()
BELIEVED = worlds.beliefs(worlds.effect("a"), worlds.effect("b", 0.3))
REPORTS = [worlds.report("r0", 60), worlds.report("r1", 190, origin="x", grade="C3")]
NEXT = 200.5  # the same whole days at risk as at 200


def moved(
    as_of: float = NEXT,
    reports: Iterable[Report] = REPORTS,
    events: Iterable[Event] = (),
    believed: Beliefs = BELIEVED,
) -> Move:
    first = MODEL.update(worlds.task(BELIEVED, 200, REPORTS), None)
    later = worlds.task(believed, as_of, reports, events, previous=first.estimates)
    [found] = MODEL.update(later, first.state).estimates
    assert found.moved is not None
    total = log_hazard(found.probability) - log_hazard(first.estimates[0].probability)
    assert sum(found.moved.parts().values()) == pytest.approx(total, abs=1e-12)
    return found.moved


def causes(found: Move) -> set[str]:
    """The causes with more than a rounding error to their name."""
    return {name for name, part in found.parts().items() if abs(part) > 1e-9}


def test_the_clock_alone_is_time() -> None:
    found = moved()
    assert causes(found) == {"time"}
    assert found.time < 0


def test_days_at_risk_without_an_event_are_learning() -> None:
    found = moved(204)
    assert causes(found) == {"time", "learning"}
    assert found.learning < 0


def test_a_new_incident_is_evidence() -> None:
    found = moved(reports=[*REPORTS, worlds.report("new", 200.2)])
    assert causes(found) == {"time", "evidence"}
    assert found.evidence > 0
    assert found.time == pytest.approx(moved().time, abs=0.01)  # few draws tell of moves


def test_another_report_of_a_known_incident_is_credibility() -> None:
    again = worlds.report("again", 200.2, incident="r1", origin="y", occurred=189.5)
    found = moved(reports=[*REPORTS, again])
    assert causes(found) == {"time", "credibility"}
    assert found.credibility > 0


def test_a_correction_counts_from_when_it_was_made_and_is_credibility() -> None:
    wrong = worlds.report("r1", 190)
    corrected = replace(wrong, value=0.2, known_at=worlds.day(200.2))
    first = MODEL.update(worlds.task(BELIEVED, 200, [REPORTS[0], wrong]), None)
    later = worlds.task(BELIEVED, 200.5, [REPORTS[0], corrected], previous=first.estimates)
    ended = Superseded(wrong, worlds.day(200.2))
    posed = replace(later, snapshot=replace(later.snapshot, earlier_reports=(ended,)))
    [found] = MODEL.update(posed, first.state).estimates
    assert found.method == "T0"  # no day of the past saw the correction
    assert found.moved is not None
    assert causes(found.moved) == {"time", "credibility"}
    assert found.moved.credibility < -0.01
    [unaware] = MODEL.update(later, first.state).estimates
    assert unaware.method == "T1"
    assert unaware.inputs_digest != found.inputs_digest


def test_both_at_once_are_told_apart() -> None:
    again = worlds.report("again", 200.2, incident="r1", origin="y", occurred=189.5)
    alone = moved(reports=[*REPORTS, again])
    found = moved(reports=[*REPORTS, again, worlds.report("new", 200.2, "b")])
    assert causes(found) == {"time", "evidence", "credibility"}
    assert found.credibility == pytest.approx(alone.credibility, rel=0.2)


def test_an_event_that_became_known_late_is_learning() -> None:
    found = moved(events=[worlds.event("late", 100.5, 200.2)])
    assert causes(found) == {"time", "learning"}
    assert found.learning > 0.1


def test_a_change_of_prior_is_prior() -> None:
    retuned = replace(BELIEVED, log_rate=Normal(-4.5, 0.5))
    found = moved(believed=retuned)
    assert causes(found) == {"time", "prior"}
    assert found.prior > 0.3


def test_a_change_of_structure_is_model() -> None:
    other = replace(BELIEVED, effects=BELIEVED.effects[:1])
    assert causes(moved(believed=other)) == {"model"}
    uncapped = replace(BELIEVED, log_ceiling=None)
    assert causes(moved(believed=uncapped)) == {"model"}


def test_draws_made_anew_are_montecarlo_and_small() -> None:
    found = moved(201 + MOST_NEW)
    assert causes(found) == {"time", "learning", "montecarlo"}
    assert abs(found.montecarlo) < 0.05


@settings(max_examples=50, deadline=None, derandomize=True)
@given(before=st.floats(0, 1), now=st.floats(0, 1), steps=st.lists(st.floats(0, 1), max_size=4))
def test_parts_sum_to_the_whole(before: float, now: float, steps: list[float]) -> None:
    named = dict(zip(("time", "evidence", "credibility", "learning"), steps, strict=False))
    found = move(before, named, now, "montecarlo")
    whole = log_hazard(now) - log_hazard(before)
    assert sum(found.parts().values()) == pytest.approx(whole, abs=1e-9)


def test_shifted_steps_end_at_the_number_and_keep_their_distances() -> None:
    steps = {"time": 0.2, "learning": 0.25}
    found = shifted(steps, 0.4)
    assert found["learning"] == pytest.approx(0.4)
    distances = [log_hazard(s["learning"]) - log_hazard(s["time"]) for s in (steps, found)]
    assert distances[0] == pytest.approx(distances[1])


def test_log_hazard_is_finite_at_the_ends() -> None:
    assert math.isfinite(log_hazard(0.0))
    assert math.isfinite(log_hazard(1.0))
    assert log_hazard(1 - math.exp(-2.0)) == pytest.approx(math.log(2.0))


@pytest.mark.parametrize("capped", [True, False])
def test_the_parts_of_a_draw_sum_to_the_log_of_its_multiplier(capped: bool) -> None:
    believed = worlds.beliefs(
        worlds.effect("a"),
        *worlds.grouped(worlds.effect("b"), worlds.effect("c", -0.3), worlds.effect("d")),
    )
    prior = replace(Prior.of(believed), capped=capped)
    multiplier = Multiplier(prior)
    z = np.random.default_rng(4).standard_normal((50, len(prior.mean)))
    draws, x = prior.mean + prior.sd * z, np.array([1.0, 0.7, 2.0, 0.0])
    parts = log_parts(multiplier, prior, draws, x)
    log_m = multiplier.log_multiplier(draws, np.stack([x, 0 * x]))
    assert parts.sum(axis=1) == pytest.approx(log_m[:, 0] - log_m[:, 1], abs=1e-9)
    assert np.all(parts[:, 3] == 0)
    assert np.all((parts[:, 1] > 0) == (draws[:, 4] > 0))


def test_members_of_a_group_share_its_part_as_their_squares_do() -> None:
    believed = worlds.beliefs(*worlds.grouped(worlds.effect("a"), worlds.effect("b")))
    prior = Prior.of(believed)
    draws = np.array([[-6.0, 1.0, -3.0, 0.6, 0.2]])
    [[a, b]] = log_parts(Multiplier(prior), prior, draws, np.array([1.0, 1.5]))
    assert a / b == pytest.approx(0.6**2 / 0.3**2)


def test_contributions_name_what_is_felt_now_strongest_first() -> None:
    told = [
        worlds.report("old", 1, "b"),
        worlds.report("r", 195),
        worlds.report("s", 199, value=0.3),
    ]
    [found] = MODEL.update(worlds.task(BELIEVED, 200, told), None).estimates
    [only] = found.contributions
    assert only.tag == "a"
    assert only.incidents == ("r", "s")
    assert 1 < only.lower < only.median < only.upper
