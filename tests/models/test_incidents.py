"""Reports into incidents: copies raise credibility and never strength; dates and corrections."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forecast.evidence import Report, Superseded
from models.covariates import Pulses, covariates
from models.incidents import credibility, gather
from tests.models.worlds import START, day, report

HALF = np.array([30.0, 10.0])


def pulses(*reports: Report, ordinary: float = 1.0) -> Pulses:
    return Pulses.of(gather(reports), ("a", "b"), HALF, START, ordinary)


def stock(at: float, *reports: Report, tag: int = 0) -> float:
    return float(pulses(*reports).stocks(np.array([at]))[0, tag])


def test_a_single_report_is_worth_its_grade() -> None:
    p = 0.97 * 0.97 + 0.03 * 0.5
    assert credibility([report("r", 1)]) == pytest.approx(p)


def test_two_newsrooms_are_worth_their_effective_number() -> None:
    p = 0.8 * 0.68 + 0.2 * 0.5
    both = [report("r", 1, origin="x", grade="C3"), report("s", 1, origin="y", grade="C3")]
    odds = (p / (1 - p)) ** (2 / 1.6)
    assert credibility(both) == pytest.approx(odds / (1 + odds))


def test_a_newsrooms_copies_add_nothing_and_its_best_report_counts() -> None:
    one = report("r", 1, origin="x", grade="B2")
    copies = [report(f"s{i}", 1 + i, origin="x", grade="C3") for i in range(5)]
    assert credibility([one, *copies]) == credibility([one])


@settings(max_examples=60, deadline=None, derandomize=True)
@given(
    grades=st.lists(
        st.sampled_from(["A1", "A2", "B2", "B3", "C3", "D3", "F6"]), min_size=1, max_size=6
    ),
    value=st.sampled_from([0.2, 0.5, 1.0]),
)
def test_another_newsroom_raises_credibility_but_never_beyond_strength(
    grades: list[str], value: float
) -> None:
    told = [
        report(f"r{i}", 1, origin=f"n{i}", grade=g, incident="i", value=value)
        for i, g in enumerate(grades)
    ]
    steps = [credibility(told[:n]) for n in range(1, len(told) + 1)]
    assert all(a < b for a, b in pairwise(steps))
    [incident] = gather(told)
    assert incident.weight < value
    assert stock(1.01, *told) <= value


def test_a_denial_takes_away() -> None:
    told, denied = report("r", 1, origin="x", grade="B2"), report("s", 2, origin="y", grade="B5")
    assert credibility([told, denied]) < credibility([told])
    both = [replace(r, incident_id="i") for r in (told, denied)]
    assert stock(3, *both) < stock(3, told)


@settings(max_examples=30, deadline=None, derandomize=True)
@given(order=st.permutations(range(5)))
def test_the_order_of_reports_changes_nothing(order: list[int]) -> None:
    told = [
        report("r0", 1, incident="i", origin="x", grade="C3"),
        report("r1", 1, incident="i", origin="y", grade="B2", occurred=0.2),
        report("r2", 4, incident="i", origin="z", grade="A1", occurred=0.1),
        report("r3", 4, incident="j"),
        report("r4", 4, "b"),
    ]
    assert gather(told[i] for i in order) == gather(told)


def test_reports_without_an_incident_are_one_by_tag_and_day() -> None:
    def bare(name: str, known: float, tag: str = "a") -> Report:
        return Report(name, "u", tag, day(known - 0.3), day(known))

    found = gather([bare("r", 1.5), bare("s", 1.9), bare("t", 2.9), bare("v", 1.5, "b")])
    assert [i.report_ids for i in found] == [("r", "s"), ("v",), ("t",)]


def test_what_became_known_at_one_moment_is_one_step() -> None:
    told = [report(f"r{i}", 5, incident="i", origin=f"n{i}") for i in range(3)]
    [incident] = gather(told)
    [pulse] = incident.pulses
    assert pulse.weight == pytest.approx(incident.weight)


def test_a_report_of_no_strength_leaves_no_trace() -> None:
    found = pulses(report("r", 5, value=0.0), report("s", 6))
    assert len(found.weight) == 1
    assert len(found.whole()[1]) == 1


def test_an_incident_that_a_better_report_takes_back_is_no_longer_counted() -> None:
    told = report("r", 5, incident="i", origin="x", grade="C3")
    taken_back = report("s", 7, incident="i", origin="y", grade="A1", value=0.0)
    assert len(pulses(told).whole()[1]) == 1
    assert len(pulses(told, taken_back).whole()[1]) == 0
    assert stock(8, told, taken_back) == 0


def test_a_stock_is_seen_only_after_it_is_known_and_halves_in_its_half_life() -> None:
    r = report("r", 10, occurred=8.0)
    assert stock(10, r) == 0
    assert stock(8.0 + 30, r) == pytest.approx(0.5 * credibility([r]))
    assert stock(8.0 + 60, r) == pytest.approx(0.25 * credibility([r]))


def test_what_lies_ahead_does_not_fade_before_it_happens() -> None:
    r = report("r", 10, occurred=40.0)
    assert stock(39, r) == pytest.approx(credibility([r]))
    assert stock(70, r) == pytest.approx(0.5 * credibility([r]))


def test_a_better_report_moves_the_date_from_when_it_is_known_and_not_before() -> None:
    first = report("r", 10, incident="i", origin="x", grade="C3", occurred=9.0)
    better = report("s", 50, incident="i", origin="y", grade="A1", occurred=39.0)
    assert stock(30, first, better) == stock(30, first)
    both = credibility([first, better])
    assert stock(69, first, better) == pytest.approx(both * 0.5)
    seen = pulses(first, better)
    assert seen.whole()[1] == pytest.approx([both])


def test_weights_are_in_ordinary_incidents_and_x_is_one_for_one_of_them() -> None:
    half = report("r", 10, value=0.5, occurred=10.0)
    found = pulses(half, ordinary=0.5).stocks(np.array([10.0 + 1e-9]))
    assert found[0, 0] == pytest.approx(credibility([half]), rel=1e-6)
    assert covariates(np.array([0.0, 1.0, 3.0])).tolist() == [0.0, 1.0, 2.0]


def test_tags_that_nobody_listens_to_are_left_out_and_others_keep_their_place() -> None:
    found = pulses(report("r", 1, "c"), report("s", 1, "b"))
    assert found.tag.tolist() == [1]


def versions(*spans: tuple[Report, float | None]) -> Pulses:
    """The pulses of versions of reports, each with the day on which it ended, if it did."""
    standing = [r for r, until in spans if until is None]
    earlier = [Superseded(r, day(until)) for r, until in spans if until is not None]
    return Pulses.of(gather(standing, earlier), ("a", "b"), HALF, START)


def stock_at(found: Pulses, at: float) -> float:
    return float(found.stocks(np.array([at]))[0, 0])


def test_of_a_corrected_report_the_past_sees_the_version_that_stood_then() -> None:
    first = report("r", 10, occurred=10.0, incident="i")
    corrected = replace(first, value=0.25, known_at=day(20))
    found = versions((first, 20), (corrected, None))
    for at in (15.0, 20.0):
        assert stock_at(found, at) == pytest.approx(stock(at, first))
    assert stock_at(found, 25.0) == pytest.approx(0.25 * stock(25.0, first))
    assert found.whole()[0].tolist() == [10.0]


def test_an_incident_left_without_reports_weighs_nothing_from_then_on() -> None:
    told = report("r", 10, occurred=10.0, incident="i")
    found = versions((told, 20))
    assert stock_at(found, 20.0) == pytest.approx(stock(20.0, told))
    assert stock_at(found, 20.01) == 0.0
    assert len(found.whole()[1]) == 0
    [incident] = gather([], [Superseded(told, day(20))])
    assert (incident.weight, incident.report_ids, incident.known_at) == (0.0, (), day(10))


def test_one_of_two_newsrooms_taking_its_report_back_leaves_the_other() -> None:
    one = report("r", 10, occurred=10.0, incident="i", origin="x", grade="C3")
    two = report("s", 12, occurred=10.0, incident="i", origin="y", grade="B2")
    found = versions((one, None), (two, 20))
    assert stock_at(found, 15.0) == pytest.approx(stock(15.0, one, two))
    assert stock_at(found, 25.0) == pytest.approx(stock(25.0, one))


def test_a_report_put_into_another_incident_leaves_the_first_in_that_moment() -> None:
    one = report("r", 10, occurred=10.0, incident="i", origin="x")
    two = report("s", 10, occurred=10.0, incident="j", origin="y")
    joined = replace(two, incident_id="i", known_at=day(20))
    found = versions((one, None), (two, 20), (joined, None))
    assert stock_at(found, 20.0) == pytest.approx(stock(20.0, one, two))
    together = [one, replace(two, incident_id="i")]
    assert stock_at(found, 20.01) == pytest.approx(stock(20.01, *together))


def test_a_number_that_is_no_strength_counts_as_one_at_most() -> None:
    assert gather([report("r", 1, value=130.0)])[0].strength == 1.0
    assert gather([report("r", 1, value=-3.0)])[0].strength == 0.0
