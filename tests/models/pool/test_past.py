"""What members would have said of the past is made from what was known then, and no more."""

from dataclasses import replace

import pytest

from forecast.evidence import Event, Outcome, Resolution, Superseded
from forecast.question import Snapshot
from models.api import Lesson, Task
from models.base_rate import BaseRate
from models.pool.past import MOST_QUESTIONS, of_family, recall
from models.pool.record import Pooler, Record, day_of, from_bytes, to_bytes
from models.priors.beliefs import Pooled
from tests.models.pool.pooled_world import (
    beliefs,
    day,
    ended,
    many_ended,
    question,
    report,
    said,
    snapshot,
)

ASKED, ENDED = ended("q", 100, 60, Outcome.NO)
EVENT = Event("e", "plant", "strike", day(50), day(51))


def recalled(*seen: Snapshot, pooled: Pooled | None = None, before: Record = ()) -> Record:
    return recall(Lesson(seen, beliefs(pooled or Pooled(("base-rate",))), seed=3), before)


def test_each_question_is_forecast_early_in_the_middle_and_late() -> None:
    crowd = (said("q", 105, 0.3), said("q", 125, 0.6))
    seen = snapshot(1000, ASKED, resolutions=(ENDED,), events=(EVENT,), crowd=crowd)
    rows = recalled(seen)
    assert [row.moment for row in rows] == pytest.approx([day_of(day(d)) for d in (110, 130, 150)])
    assert [row.p["crowd: market"] for row in rows] == [0.3, 0.6, 0.6]
    assert {(row.question, row.definition, row.outcome) for row in rows} == {("q", "strike", 0)}
    for row, d in zip(rows, (110, 130, 150), strict=True):
        then = Task(
            snapshot=replace(seen, as_of=day(d), crowd=()),
            beliefs=of_family(beliefs(), "base-rate"),
            questions=(ASKED,),
            seed=3,
        )
        own = BaseRate().update(then, None).estimates[0]
        assert row.p["base-rate"] == pytest.approx(own.probability)


def test_what_was_known_later_does_not_enter() -> None:
    late = Event("late", "plant", "strike", day(90), day(155))
    seen = snapshot(1000, ASKED, resolutions=(ENDED,), events=(EVENT,))
    assert recalled(replace(seen, events=(EVENT, late))) == recalled(seen)
    pooled = Pooled(("hazard",))
    old, new = report("old", 60), report("new", 151)
    one = recalled(replace(seen, reports=(old,)), pooled=pooled)
    both = recalled(replace(seen, reports=(old, new)), pooled=pooled)
    none = recalled(seen, pooled=pooled)
    assert one == both
    assert one[0].p["hazard"] > none[0].p["hazard"]


def test_a_version_that_was_corrected_since_counts_until_then() -> None:
    seen = snapshot(1000, ASKED, resolutions=(ENDED,), events=(EVENT,))
    moved = replace(EVENT, occurred_at=day(52), known_at=day(131))
    corrected = replace(seen, events=(moved,), earlier_events=(Superseded(EVENT, day(131)),))
    before, after = recalled(seen), recalled(corrected)
    assert [row.p for row in after[:2]] == [row.p for row in before[:2]]


def test_nothing_is_forecast_once_the_outcome_is_known() -> None:
    early = replace(ENDED, outcome=Outcome.YES, known_at=day(131))
    rows = recalled(snapshot(1000, ASKED, resolutions=(early,)))
    assert [row.moment for row in rows] == pytest.approx([day_of(day(d)) for d in (110, 130)])
    assert {row.outcome for row in rows} == {1}


def test_questions_of_other_definitions_and_ends_not_known_yet_are_left_out() -> None:
    other = replace(question("other", 100, 60), definition="fire")
    open_still = question("open", 100, 60)
    ends = (
        Resolution("other", Outcome.YES, day(160), "-"),
        Resolution("open", Outcome.YES, day(1000), "-"),
    )
    assert recalled(snapshot(1000, other, open_still, resolutions=ends)) == ()


def test_the_newest_questions_are_enough() -> None:
    count = MOST_QUESTIONS + 5
    questions, ends, _, _ = many_ended(count, 0.5, every=1.0, length=1.0)
    rows = recalled(snapshot(1000, *questions, resolutions=tuple(ends)), pooled=NOBODY)
    assert {row.question for row in rows} == {f"q{n}" for n in range(5, count)}


def test_a_family_that_cannot_answer_says_nothing() -> None:
    asked = replace(ASKED, at_least=61)  # more than panel counts to
    seen = snapshot(1000, asked, resolutions=(ENDED,), events=(EVENT,))
    rows = recalled(seen, pooled=Pooled(("panel", "base-rate")))
    assert [set(row.p) for row in rows] == [{"base-rate"}] * 3


def test_a_family_that_learns_from_the_class_learns_from_the_class_of_then() -> None:
    asked, end = ended("q", 800, 60, Outcome.NO)
    events = tuple(Event(f"e{d}", "plant", "strike", day(d), day(d + 1)) for d in (100, 300, 500))
    late = Event("late", "plant", "strike", day(600), day(900))
    seen = snapshot(1000, asked, resolutions=(end,), events=events)
    elsewhere = replace(snapshot(1000), unit="another", events=(replace(EVENT, unit="another"),))
    pooled = Pooled(("panel",))
    rows = recalled(seen, elsewhere, pooled=pooled)
    assert [set(row.p) for row in rows] == [{"panel"}] * 3
    assert recalled(replace(seen, events=(*events, late)), elsewhere, pooled=pooled) == rows
    alone = recalled(seen, pooled=pooled)
    assert alone[0].p["panel"] != rows[0].p["panel"]


def test_rows_that_stand_are_not_made_again() -> None:
    seen = snapshot(1000, ASKED, resolutions=(ENDED,))
    rows = recalled(seen)
    marked = tuple(replace(row, p={"base-rate": 0.123}) for row in rows)
    assert recalled(seen, before=marked) == marked
    turned = replace(ENDED, outcome=Outcome.YES)
    assert recalled(replace(seen, resolutions=(turned,)), before=marked) != marked
    assert recalled(snapshot(1000, ASKED), before=marked) == ()


def test_a_pool_is_not_fitted_to_what_is_known_only_later() -> None:
    rows = recalled(snapshot(1000, ASKED, resolutions=(ENDED,), crowd=(said("q", 105, 0.3),)))
    assert ENDED.known_at == day(160)
    pooled = Pooled(("base-rate",))
    assert Pooler.of(rows, pooled, (), day(160)).pool.groups == 0
    assert Pooler.of(rows, pooled, (), day(161)).pool.groups == 1


def test_a_record_comes_back_from_its_bytes() -> None:
    rows = recalled(snapshot(1000, ASKED, resolutions=(ENDED,), crowd=(said("q", 105, 0.3),)))
    assert from_bytes(to_bytes(rows)) == rows


NOBODY = Pooled(())
