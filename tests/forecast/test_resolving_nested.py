"""Nested questions end coherently, by events and by words; and an end has its own date."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forecast.clock import DAY
from forecast.config import Config
from forecast.evidence import Event, Outcome, Resolution
from forecast.question import Question, Snapshot
from forecast.resolving import Endings, implies
from tests.forecast.ending_samples import (
    MONTH,
    NO_GRACE,
    QUESTION,
    THREE,
    at,
    config,
    end,
    event,
    reopened,
    snapshot_of,
    stated,
)

WIDE = QUESTION
NARROW = replace(QUESTION, question_id="narrow", definition="covert-strike")
EARLY = replace(QUESTION, question_id="early", deadline=QUESTION.deadline - MONTH)
LATER = replace(QUESTION, question_id="later", deadline=QUESTION.deadline + MONTH)


@pytest.mark.parametrize("inside", [NARROW, EARLY, replace(THREE, question_id="three")])
def test_a_yes_inside_is_a_yes_of_the_wider_question(inside: Question) -> None:
    said = (stated(Outcome.YES, "2025-12-02", inside.question_id),)
    found = end("2025-12-03", stated=said, beside=(inside,))
    assert found is not None
    assert (found.outcome, found.known_at) == (Outcome.YES, at("2025-12-02"))
    assert f"'{inside.question_id}', which lies inside it" in found.reason
    taken_back = (*said, reopened("2025-12-05", of=inside.question_id))
    assert end("2025-12-06", stated=taken_back, beside=(inside,)) is None


@pytest.mark.parametrize("inside", [NARROW, EARLY, replace(THREE, question_id="three")])
def test_a_no_of_the_wider_question_is_a_no_of_those_inside(inside: Question) -> None:
    said = (stated(Outcome.NO, "2025-11-02"),)
    found = end("2025-11-03", stated=said, question=inside, beside=(WIDE,))
    assert found is not None
    assert (found.outcome, found.known_at) == (Outcome.NO, at("2025-11-02"))


@pytest.mark.parametrize(
    "other",
    [
        LATER,
        replace(NARROW, deadline=LATER.deadline),
        replace(NARROW, opens_at=QUESTION.opens_at - DAY),
        replace(NARROW, unit="v"),
        replace(WIDE, question_id="twin"),
        replace(NARROW, definition="talks"),
    ],
)
def test_a_yes_that_lies_not_wholly_inside_says_nothing(other: Question) -> None:
    said = (stated(Outcome.YES, "2025-12-02", other.question_id),)
    assert end("2025-12-03", stated=said, beside=(other,)) is None


def test_a_void_question_says_nothing_of_others() -> None:
    said = (stated(Outcome.VOID, "2025-12-02", "narrow"),)
    assert end("2025-12-03", stated=said, beside=(NARROW,)) is None


def said_beside(
    question: Question, outcome: Outcome, *said: Resolution, known: Event | None = None
) -> str:
    events = () if known is None else (known,)
    seen = snapshot_of("2026-02-01", *events, said=said, asked=(WIDE, NARROW, EARLY))
    return Endings(config(), seen).contradiction(question, outcome)


def test_a_word_against_that_of_a_nested_question_is_a_contradiction_that_names_both() -> None:
    wide_no = stated(Outcome.NO, "2025-12-26", "q")
    words = said_beside(NARROW, Outcome.YES, wide_no)
    assert "'q', which lies around 'narrow', was resolved no on 2025-12-26 by ada" in words
    narrow_yes = stated(Outcome.YES, "2025-12-20", "narrow", author="")
    words = said_beside(WIDE, Outcome.NO, narrow_yes)
    assert "'narrow', which lies inside 'q', was resolved yes" in words
    assert "(as announced)" in words
    assert said_beside(WIDE, Outcome.VOID, narrow_yes) == ""
    assert said_beside(WIDE, Outcome.YES, narrow_yes) == ""
    assert said_beside(NARROW, Outcome.NO, wide_no) == ""


def test_a_no_against_an_event_of_a_narrower_kind_is_a_contradiction() -> None:
    seen = event("2025-12-20", "2025-12-21", "covert-strike")
    alone = Endings(config(), snapshot_of("2026-02-01", seen))
    assert seen.event_id in alone.contradiction(WIDE, Outcome.NO)
    assert "'narrow'" in said_beside(WIDE, Outcome.NO, known=seen)


def test_a_no_against_an_event_of_the_kind_itself_is_a_persons_judgement() -> None:
    assert said_beside(WIDE, Outcome.NO, known=event("2025-12-20", "2025-12-21")) == ""


def test_a_no_against_an_earlier_yes_of_the_same_kind_is_a_contradiction() -> None:
    seen = event("2025-11-20", "2025-11-21")
    assert "'early'" in said_beside(WIDE, Outcome.NO, known=seen)


def test_a_word_that_is_not_recorded_yet_is_held_against_the_next() -> None:
    found = Endings(config(), snapshot_of("2026-02-01", asked=(WIDE, NARROW)))
    assert found.contradiction(WIDE, Outcome.NO) == ""
    found.state(stated(Outcome.YES, "2026-01-01", "narrow"))
    assert "'narrow'" in found.contradiction(WIDE, Outcome.NO)
    found.state(stated(Outcome.VOID, "2026-01-02", "narrow"))
    assert found.contradiction(WIDE, Outcome.NO) == ""
    found.state(stated(Outcome.NO, "2026-01-02"))
    assert "'q'" in found.contradiction(NARROW, Outcome.YES)
    found.state(stated(Outcome.VOID, "2026-01-03"))
    assert found.contradiction(NARROW, Outcome.YES) == ""


KINDS = ("strike", "covert-strike", "overt-strike")
STARTS = st.sampled_from([QUESTION.opens_at, QUESTION.opens_at + MONTH])
DEADLINES = st.sampled_from([EARLY.deadline, QUESTION.deadline, LATER.deadline])
DATES = st.datetimes(datetime(2025, 8, 1), datetime(2026, 6, 1))  # noqa: DTZ001 - see below


@st.composite
def watches(draw: st.DrawFn) -> tuple[Snapshot, Config]:
    """Nested questions and events at a unit; no person has said anything of them."""
    asked = [
        Question(
            f"q{n}",
            "Q?",
            "u",
            draw(st.sampled_from(KINDS)),
            draw(STARTS),
            draw(DEADLINES),
            at_least=draw(st.integers(1, 2)),
        )
        for n in range(draw(st.integers(2, 5)))
    ]
    events = []
    for n in range(draw(st.integers(0, 4))):
        occurred = draw(DATES).replace(tzinfo=QUESTION.deadline.tzinfo)
        known = occurred + timedelta(days=draw(st.integers(0, 200)))
        events.append(Event(f"e{n}", "u", draw(st.sampled_from(KINDS)), occurred, known))
    as_of = at("2025-12-01") + timedelta(days=draw(st.integers(0, 300)))
    known_events = tuple(e for e in events if e.known_at < as_of)
    late = draw(st.sampled_from(["correct", "stand"]))
    grace = draw(st.sampled_from([NO_GRACE, MONTH]))
    return Snapshot("u", as_of, tuple(asked), (), known_events), config(grace, late)


@given(watches())
def test_what_follows_from_events_and_the_clock_is_coherent(made: tuple[Snapshot, Config]) -> None:
    """Nowhere is a narrower question yes while one around it is no, or known after the fact."""
    seen, watch = made
    endings = Endings(watch, seen)
    ends = {q.question_id: endings.of(q) for q in seen.questions}
    for narrow in seen.questions:
        end_of = ends[narrow.question_id]
        assert end_of is None or end_of.known_at < seen.as_of
        for wide in seen.questions:
            around = ends[wide.question_id]
            if end_of and around and implies(narrow, wide, watch.is_inside):
                assert (end_of.outcome, around.outcome) != (Outcome.YES, Outcome.NO)


@given(watches(), st.integers(1, 200))
def test_an_end_has_the_date_from_which_it_is_derived(
    made: tuple[Snapshot, Config], days: int
) -> None:
    """As of any earlier moment what is known then gives the outcome of then, and no other."""
    seen, watch = made
    earlier = seen.as_known_at(seen.as_of - timedelta(days=days))
    for question in seen.questions:
        now, then = Endings(watch, seen).of(question), Endings(watch, earlier).of(question)
        if now is not None and now.known_at < earlier.as_of:
            assert then == now
        elif then is not None:
            assert now is not None
            assert now.outcome is not then.outcome
