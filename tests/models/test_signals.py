"""Level and scheduled indicators: what was known when, what still counts, and what may come."""

from collections.abc import Iterable
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forecast.estimate import Estimate
from forecast.evidence import Report
from models.covariates import Array
from models.hazard import Hazard
from models.hazard.settings import plain_setting, settings_of
from models.hazard.signals import Level, Signals
from models.priors.beliefs import Beliefs, Effect
from models.priors.elicit import Normal
from models.track import heard, lay_out
from tests.models import worlds

MODEL = Hazard()
PRICE = Effect(
    "price", Normal(0.5, 0.2), 40.0, "", kind="level", reference=60.0, per=10.0, stale_after=30.0
)
VOTE = Effect("vote", Normal(0.9, 0.2), 15.0, "", kind="scheduled", lead=10.0)
BELIEVED = worlds.beliefs(worlds.effect("a"), PRICE)


def reading(name: str, known: float, value: float, occurred: float | None = None) -> Report:
    """A price, known a quarter of a day after it was seen."""
    seen = known - 0.25 if occurred is None else occurred
    return worlds.report(name, known, "price", occurred=seen, value=value)


def level_of(*readings: Report, effect: Effect = PRICE) -> Level:
    return Level.of(readings, effect, 0, worlds.START)


def x_at(level: Level, *days: float) -> list[float]:
    return [float(x) for x in level.at(np.array(days))[0]]


def estimate(
    reports: Iterable[Report],
    believed: Beliefs = BELIEVED,
    as_of: float = 200.0,
    deadline: float = 290.0,
    previous: Iterable[Estimate] = (),
    state: bytes | None = None,
) -> Estimate:
    task = worlds.task(
        believed, as_of, reports, [], [worlds.question(deadline=deadline)], previous=previous
    )
    return MODEL.update(task, state).estimates[0]


def p(reports: Iterable[Report], believed: Beliefs = BELIEVED, as_of: float = 200.0) -> float:
    return estimate(reports, believed, as_of).probability


def test_a_level_holds_its_last_value_in_steps_above_the_reference() -> None:
    level = level_of(reading("p0", 10, 75), reading("p1", 20, 40))
    assert x_at(level, 10, 10.01, 15, 20, 20.01, 25) == [0.0, 1.5, 1.5, 1.5, -2.0, -2.0]


def test_a_level_counts_for_nothing_before_it_is_known_and_once_it_is_stale() -> None:
    level = level_of(reading("p0", 10, 75, occurred=4.0))
    assert x_at(level, 9.9, 10.0, 34.0, 34.1) == [0.0, 0.0, 1.5, 0.0]
    assert level.at(np.array([9.9, 34.0, 34.1]))[1].tolist() == [0.0, 1.0, 0.0]
    forever = level_of(reading("p0", 10, 75), effect=replace(PRICE, stale_after=np.inf))
    assert x_at(forever, 4000.0) == [1.5]


def test_an_older_reading_that_comes_late_does_not_replace_a_newer_one() -> None:
    level = level_of(reading("new", 10, 80, occurred=9.0), reading("old", 12, 50, occurred=5.0))
    assert x_at(level, 11, 13) == [2.0, 2.0]
    same_day = level_of(reading("x", 10, 80, occurred=9.0), reading("y", 12, 50, occurred=9.0))
    assert x_at(same_day, 11, 13) == [2.0, -1.0]  # of one moment, the later word counts


@settings(max_examples=40, deadline=None, derandomize=True)
@given(
    readings=st.lists(
        st.tuples(st.integers(0, 40), st.integers(0, 9), st.integers(-50, 150)), max_size=8
    ),
    day=st.integers(0, 60),
)
def test_a_level_is_the_newest_fresh_reading_known_before_the_day(
    readings: list[tuple[int, int, int]], day: int
) -> None:
    told = [
        reading(f"p{i}", known, value, occurred=known - lag)
        for i, (known, lag, value) in enumerate(readings)
    ]
    [x] = x_at(level_of(*told), day)
    seen = [r for r in told if r.known_at < worlds.day(day)]
    newest = max(seen, key=lambda r: (r.occurred_at, r.known_at, r.report_id), default=None)
    is_fresh = newest is not None and newest.occurred_at >= worlds.day(day - 30)
    assert x == pytest.approx((newest.value - 60) / 10 if newest and is_fresh else 0.0)


def ahead(level: Level, now: float, half_life: float = 40.0) -> tuple[Array, Array]:
    """The middles of bins, and the level there (draw, bin)."""
    edges = np.array([0.0, 1.0, 3.0, 10.0, 40.0, 120.0, 900.0])
    normals = np.random.default_rng(1).standard_normal((20_000, len(edges) - 1))
    return (edges[1:] + edges[:-1]) / 2, level.ahead(now, edges, half_life, normals)


def test_a_level_fades_to_the_reference_by_half_in_a_half_life_and_spreads_as_it_was_seen_to() -> (
    None
):
    told = [reading(f"p{i}", 10.0 + i, 60 + 10 * z) for i, z in enumerate((2.0, -2.0, 1.0, 3.0))]
    sd = np.sqrt((1 + 4 + 4 + 1 + 9) / (1 + 4))
    middles, x = ahead(level_of(*told), 14.0)
    kept = 0.5 ** (middles / 40.0)
    assert x.mean(axis=0) == pytest.approx(3.0 * kept, abs=0.06)
    assert x.std(axis=0) == pytest.approx(sd * np.sqrt(1 - kept**2), rel=0.03)
    one, other = np.corrcoef(x[:, 3], x[:, 4])[0]
    expected = 0.5 ** ((middles[4] - middles[3]) / 40) * x[:, 3].std() / x[:, 4].std()
    assert (one, other) == (pytest.approx(1.0), pytest.approx(expected, abs=0.03))


def test_a_level_that_is_stale_or_unknown_may_be_anywhere_it_tends_to_be() -> None:
    _, stale = ahead(level_of(reading("p0", 10, 80)), 100.0)
    assert stale.mean(axis=0) == pytest.approx(np.zeros(6), abs=0.05)
    assert stale.std(axis=0) == pytest.approx(np.full(6, np.sqrt((1 + 4) / 2)), rel=0.03)
    _, unknown = ahead(level_of(), 100.0)
    assert unknown.std(axis=0) == pytest.approx(np.ones(6), rel=0.03)


def signals_of(believed: Beliefs, reports: Iterable[Report], as_of: float = 200.0) -> Signals:
    task = worlds.task(believed, as_of, reports)
    return Signals.of(believed, lay_out(task).pulses, heard(task))


def test_the_half_life_of_a_level_is_that_of_the_setting() -> None:
    believed = worlds.beliefs(replace(PRICE, half_life_factor=4.0))
    signals = signals_of(believed, [reading("p0", 199, 100)])
    edges = np.array([0.0, 80.0])
    short, middling, long = (
        signals.ahead(200.0, edges, 4000, 1, setting)[:, 0, 0].mean()
        for setting in sorted(settings_of(believed), key=lambda s: s.half_lives[0])
    )
    assert [short, middling, long] == pytest.approx(
        [4 * 0.5 ** (40 / h) for h in (10, 40, 160)], abs=0.15
    )


def test_a_bin_keeps_its_chances_when_others_are_added() -> None:
    believed = worlds.beliefs(PRICE)
    signals, setting = signals_of(believed, []), plain_setting(settings_of(believed))
    few, more = (
        signals.ahead(200.0, np.array(edges), 50, 1, setting)[:, :2, 0]
        for edges in ([0.0, 2.0, 5.0], [0.0, 2.0, 5.0, 9.0, 60.0])
    )
    assert np.array_equal(few, more)
    half = signals.ahead(200.0, np.array([0.0, 2.0, 5.0]), 20, 1, setting)[:, :, 0]
    assert np.array_equal(half, few[:20])  # fewer draws are the first of many


def test_a_higher_level_raises_p_where_the_effect_does_and_lowers_it_where_it_brakes() -> None:
    levels = [p([reading("p0", 199, value)]) for value in (20, 50, 60, 70, 110)]
    assert levels == sorted(levels)
    assert levels[0] < 0.9 * levels[2] < 0.9 * 0.9 * levels[4]
    braking = worlds.beliefs(replace(PRICE, log_ratio=Normal(-0.5, 0.1)))
    braked = [p([reading("p0", 199, value)], braking) for value in (20, 60, 110)]
    assert braked == sorted(braked, reverse=True)


def test_a_level_is_no_incident_and_no_arrival() -> None:
    many = [reading(f"p{i}", 100 + i, 60.0) for i in range(90)]
    believed = worlds.beliefs(worlds.effect("a"), PRICE)
    signals = signals_of(believed, many)
    assert len(signals.pulses.weight) == 0
    x = signals.ahead(
        200.0, np.array([0.0, 30.0, 60.0]), 500, 1, plain_setting(settings_of(BELIEVED))
    )
    assert x[:, :, 1].std() > 0.05
    quiet = signals_of(believed, []).ahead(
        200.0, np.array([0.0, 30.0, 60.0]), 500, 1, plain_setting(settings_of(BELIEVED))
    )
    assert np.array_equal(x[:, :, 0], quiet[:, :, 0])


@pytest.mark.parametrize("known", [200.0, 205.0])
def test_a_reading_known_later_changes_no_bit(known: float) -> None:
    told = [reading("p0", 150, 75), reading("p1", 195, 68)]
    planted = reading("later", known, 140, occurred=190.0)
    assert replace(estimate([*told, planted]), inputs_digest="") == replace(
        estimate(told), inputs_digest=""
    )


def test_a_new_reading_is_booked_as_evidence() -> None:
    told = [reading("p0", 150, 65), reading("p1", 195, 65)]
    first = MODEL.update(worlds.task(BELIEVED, 200, told), None)

    def moved(*more: Report) -> dict[str, float]:
        task = worlds.task(BELIEVED, 200.5, [*told, *more], previous=first.estimates)
        [found] = MODEL.update(task, first.state).estimates
        assert found.moved is not None
        return {name: part for name, part in found.moved.parts().items() if abs(part) > 1e-9}

    assert set(moved()) == {"time"}
    for fresh in (reading("p2", 200.2, 120), reading("p2", 200.2, 120, occurred=194.9)):
        found = moved(fresh)
        assert set(found) <= {"time", "evidence"}
        assert found["time"] == pytest.approx(moved()["time"], abs=0.03)
    assert moved(reading("p2", 200.2, 120))["evidence"] > 0.1


SCHEDULED = worlds.beliefs(worlds.effect("a"), VOTE)


def announced(name: str = "v", known: float = 150.0, on: float = 230.0) -> Report:
    return worlds.report(name, known, "vote", occurred=on)


def test_a_scheduled_thing_counts_from_when_it_is_known_by_half_for_every_lead_that_is_left() -> (
    None
):
    signals = signals_of(SCHEDULED, [announced()])
    setting = plain_setting(settings_of(SCHEDULED))
    days = np.array([150.0, 150.1, 210.0, 220.0, 230.0, 245.0])
    x = signals.past(days, setting)[:, 1]
    weight = signals.pulses.weight[0]
    left = np.array([np.inf, 79.9, 20.0, 10.0, 0.0, 0.0]) / 10.0
    gone = np.array([0, 0, 0, 0, 0, 15.0]) / 15.0
    assert x == pytest.approx(np.log2(1 + weight * 0.5 ** (left + gone)))


def test_a_scheduled_thing_is_felt_ahead_and_nothing_unannounced_is_thought_up() -> None:
    signals = signals_of(SCHEDULED, [announced("old", 20, 40.0), announced()])
    edges = np.array([0.0, 20.0, 40.0, 60.0])
    x = signals.ahead(200.0, edges, 300, 1, plain_setting(settings_of(SCHEDULED)))
    assert np.all(x[:, :, 1] == x[0, :, 1])  # the same on every path
    assert x[0, 1, 1] > x[0, 0, 1]
    assert x[0, 1, 1] == pytest.approx(
        signals.past(np.array([230.0]), plain_setting(settings_of(SCHEDULED)))[0, 1]
    )
    assert x[:, :, 0].std() > 0  # incidents are


def test_a_scheduled_thing_raises_p_when_announced_more_than_when_far_off() -> None:
    nothing, near, far = p([], SCHEDULED), p([announced()], SCHEDULED), p(
        [announced(on=500.0)], SCHEDULED
    )  # fmt: skip
    assert nothing < near
    assert far == pytest.approx(nothing, abs=0.1 * (near - nothing))
    assert p([announced(known=200.0)], SCHEDULED) == nothing
    called_off = replace(announced(), value=0.0, known_at=worlds.day(198))
    assert p([called_off], SCHEDULED) == nothing


def test_a_scheduled_thing_without_a_lead_is_felt_from_its_day_on() -> None:
    believed = worlds.beliefs(replace(VOTE, lead=0.0))
    signals = signals_of(believed, [announced()])
    x = signals.past(np.array([229.9, 230.0, 231.0]), plain_setting(settings_of(believed)))[:, 0]
    assert x[0] == 0.0
    assert x[1] > x[2] > 0.5
