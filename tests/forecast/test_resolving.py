"""How questions end: by what was stated, by an event, by nested questions, or by the deadline."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forecast.clock import DAY, parse_instant
from forecast.config import Config
from forecast.evidence import RULE, Event, Outcome, Resolution, Superseded
from forecast.question import Question, Snapshot, parted
from forecast.resolving import Endings, implies

NO_GRACE, MONTH = timedelta(0), timedelta(days=30)
QUESTION = Question(
    "q",
    "Q?",
    "u",
    "strike",
    parse_instant("2025-09-01"),
    parse_instant("2025-12-25", end_of_day=True),
)


def at(text: str) -> datetime:
    return parse_instant(text)


def event(occurred: str, known: str, definition: str = "strike") -> Event:
    return Event(f"{definition}-{occurred}", "u", definition, at(occurred), at(known))


def config(grace: timedelta = NO_GRACE, late: str = "correct") -> Config:
    days = f"{grace.days} days"
    inner = {"within": "strike", "grace": days}
    definitions = {
        "strike": {"base_rate": "1%..5% per month", "grace": days, "late_events": late},
        "covert-strike": inner | {"share": "20%..60%"},
        "overt-strike": inner | {"rest_of": "covert-strike"},
        "talks": {"base_rate": "1%..5% per month"},
    }
    return Config.model_validate({"watch": {"title": "t"}, "definitions": definitions})


def end(
    as_of: str,
    *events: Event,
    stated: tuple[Resolution, ...] = (),
    grace: timedelta = NO_GRACE,
    late: str = "correct",
    question: Question = QUESTION,
    beside: tuple[Question, ...] = (),
) -> Resolution | None:
    """How a question ended as of a moment, from what was known and said by then."""
    asked = (question, *beside)
    seen = snapshot_of(as_of, *events, said=stated, asked=asked)
    return Endings(config(grace, late), seen).of(question)


def snapshot_of(
    as_of: str,
    *events: Event,
    said: tuple[Resolution, ...] = (),
    asked: tuple[Question, ...] = (QUESTION,),
) -> Snapshot:
    moment = at(as_of)
    known = tuple(e for e in events if e.known_at < moment)
    ends, earlier = parted([r for r in said if r.known_at < moment], set())
    return Snapshot("u", moment, asked, (), known, ends, earlier_resolutions=earlier)


def stated(outcome: Outcome, known: str, of: str = "q", author: str = "ada") -> Resolution:
    return Resolution(of, outcome, at(known), "as announced", author=author)


def reopened(known: str, *events: str, of: str = "q", outcome: Outcome = Outcome.YES) -> Resolution:
    return Resolution(of, outcome, at(known), "a mistake", events, "ada", retracted=True)


def test_an_event_inside_the_window_is_a_yes_from_when_it_was_known() -> None:
    found = end("2025-12-30", event("2025-12-24", "2025-12-29"), grace=MONTH)
    assert found is not None
    assert (found.outcome, found.known_at) == (Outcome.YES, at("2025-12-29"))
    assert found.author == RULE


def test_a_narrower_event_counts() -> None:
    found = end("2025-12-01", event("2025-11-24", "2025-11-24", "covert-strike"))
    assert found is not None
    assert found.outcome is Outcome.YES


def test_another_definition_does_not_count() -> None:
    assert end("2025-12-01", event("2025-11-24", "2025-11-24", "talks")) is None


def test_an_event_before_the_window_or_after_it_does_not_count() -> None:
    assert end("2025-12-01", event("2025-08-31", "2025-08-31")) is None
    late = end("2025-12-28", event("2025-12-26", "2025-12-26"))
    assert late is not None
    assert late.outcome is Outcome.NO


def test_the_deadline_is_a_no_only_when_its_grace_has_passed() -> None:
    assert end("2025-12-25") is None
    over = end("2025-12-26")
    assert over is not None
    assert over.outcome is Outcome.NO
    assert end("2026-01-20", grace=MONTH) is None
    waited = end("2026-01-25", grace=MONTH)
    assert waited is not None
    assert "30 days of grace" in waited.reason


def test_of_a_question_whose_definition_is_not_known_nothing_is_derived() -> None:
    lost = replace(QUESTION, definition="lost")
    assert end("2026-05-01", question=lost) is None
    assert end("2026-05-01", question=lost, stated=(stated(Outcome.NO, "2026-01-01"),)) is not None


# Events that become known late


def test_late_news_of_an_event_in_time_is_a_yes_within_the_grace() -> None:
    news = event("2025-12-24", "2026-01-10")
    assert end("2026-01-05", news, grace=MONTH) is None
    found = end("2026-01-11", news, grace=MONTH)
    assert found is not None
    assert found.outcome is Outcome.YES


def test_news_after_the_grace_corrects_the_no_from_then_on_and_no_earlier() -> None:
    news = event("2025-12-24", "2026-03-10")
    before, after = end("2026-03-10", news, grace=MONTH), end("2026-03-11", news, grace=MONTH)
    assert before is not None
    assert (before.outcome, before.known_at) == (Outcome.NO, QUESTION.deadline + MONTH)
    assert after is not None
    assert (after.outcome, after.known_at) == (Outcome.YES, at("2026-03-10"))
    assert after.reason.endswith("30 days of grace: it corrects the no")


def test_the_no_stands_against_later_news_where_the_definition_says_so() -> None:
    news = event("2025-12-24", "2026-03-10")
    found = end("2026-03-11", news, grace=MONTH, late="stand")
    assert found is not None
    assert (found.outcome, found.known_at) == (Outcome.NO, QUESTION.deadline + MONTH)
    in_time = end("2026-01-11", event("2025-12-24", "2026-01-10"), grace=MONTH, late="stand")
    assert in_time is not None
    assert in_time.outcome is Outcome.YES


def test_a_recorded_no_is_corrected_as_one_that_never_was_recorded() -> None:
    news = event("2025-12-24", "2026-03-10")
    no = end("2026-03-10", news, grace=MONTH)
    assert no is not None
    assert end("2026-03-11", news, grace=MONTH, stated=(no,)) == end(
        "2026-03-11", news, grace=MONTH
    )


def test_what_came_in_after_its_time_counts_from_now_where_another_end_was_recorded() -> None:
    no = end("2026-02-01", grace=MONTH)
    assert no is not None
    found = end("2026-02-02", event("2025-12-24", "2025-12-29"), grace=MONTH, stated=(no,))
    assert found is not None
    assert (found.outcome, found.known_at) == (Outcome.YES, at("2026-02-02"))


# A person's word


def test_what_a_person_stated_stands_against_the_events() -> None:
    said = stated(Outcome.VOID, "2025-12-02")
    assert end("2025-12-30", event("2025-11-24", "2025-11-24"), stated=(said,)) == said


def test_nothing_known_later_is_seen() -> None:
    said = stated(Outcome.YES, "2025-12-29")
    assert end("2025-12-20", event("2025-11-24", "2025-12-29"), stated=(said,)) is None


def test_a_word_that_is_taken_back_stood_until_then() -> None:
    said = (stated(Outcome.YES, "2025-12-02"), reopened("2025-12-10"))
    assert end("2025-12-10", stated=said) == said[0]
    assert end("2025-12-11", stated=said) is None
    after = end("2025-12-27", stated=said)
    assert after is not None
    assert after.outcome is Outcome.NO


def test_the_clock_says_no_more_of_a_question_reopened_after_its_grace() -> None:
    no = end("2025-12-27")
    assert no is not None
    said = (no, reopened("2025-12-28", outcome=Outcome.NO))
    assert end("2025-12-28", stated=said) == no
    assert end("2026-06-01", stated=said) is None
    again = end("2026-06-01", event("2025-12-24", "2026-05-01"), stated=said)
    assert again is not None
    assert (again.outcome, again.known_at) == (Outcome.YES, at("2026-05-01"))


def test_the_events_that_a_reopened_end_rested_on_do_not_count_any_more() -> None:
    first, second = event("2025-11-24", "2025-11-24"), event("2025-11-25", "2025-12-20")
    yes = end("2025-12-01", first, second)
    assert yes is not None
    said = (yes, reopened("2025-12-05", first.event_id))
    assert end("2025-12-06", first, second, stated=said) is None
    other = end("2025-12-21", first, second, stated=said)
    assert other is not None
    assert (other.events, other.known_at) == ((second.event_id,), at("2025-12-20"))


def test_an_event_counts_again_from_when_the_word_against_it_was_taken_back() -> None:
    said = (stated(Outcome.VOID, "2025-12-02"), reopened("2025-12-10", outcome=Outcome.VOID))
    found = end("2025-12-11", event("2025-11-24", "2025-11-24"), stated=said)
    assert found is not None
    assert (found.outcome, found.known_at) == (Outcome.YES, at("2025-12-10"))


def test_events_that_speak_against_a_word_are_named() -> None:
    said = stated(Outcome.NO, "2025-12-26")
    against = event("2025-11-24", "2025-12-30")
    found = Endings(config(), snapshot_of("2025-12-31", against, said=(said,)))
    assert found.of(QUESTION) == said
    assert against.event_id in found.contested(QUESTION)
    agreed = Endings(config(), snapshot_of("2025-12-31", said=(said,)))
    assert agreed.contested(QUESTION) == ""


# Several events, and versions of events

THREE = replace(QUESTION, at_least=3)
DAYS = [event(f"2025-10-0{n}", f"2025-11-0{n}") for n in (1, 2, 3, 4)]


def test_a_question_for_several_events_ends_when_the_last_that_it_needs_is_known() -> None:
    assert end("2025-11-03", *DAYS, question=THREE) is None
    found = end("2025-11-20", *DAYS, question=THREE)
    assert found is not None
    assert (found.outcome, found.known_at) == (Outcome.YES, at("2025-11-03"))
    assert found.events == tuple(e.event_id for e in DAYS[:3])
    over = end("2025-12-27", *DAYS[:2], question=THREE)
    assert over is not None
    assert over.outcome is Outcome.NO
    assert over.reason.startswith("2 of 3 events were known")


def test_one_event_that_is_not_there_any_more_opens_the_question_again() -> None:
    derived = end("2025-11-20", *DAYS[:3], question=THREE)
    assert derived is not None
    assert end("2025-11-20", *DAYS[:2], question=THREE, stated=(derived,)) is None
    seen = snapshot_of("2025-11-20", *DAYS[:2], said=(derived,), asked=(THREE,))
    taken_back = Endings(config(), seen).withdrawn(THREE)
    assert taken_back is not None
    assert taken_back.retracted
    assert (taken_back.is_derived, taken_back.known_at) == (True, at("2025-11-20"))


def test_what_was_derived_before_is_not_derived_with_another_date() -> None:
    first = end("2025-11-20", *DAYS, question=THREE)
    assert first is not None
    recorded = replace(first, known_at=at("2025-11-10"))
    assert end("2025-11-20", *DAYS, question=THREE, stated=(recorded,)) == recorded
    early = event("2025-09-02", "2025-09-02")  # came in later than it was known
    assert end("2025-11-20", early, *DAYS, question=THREE, stated=(recorded,)) == recorded


def test_an_end_whose_event_is_none_any_more_rests_on_another_one() -> None:
    first, second = event("2025-11-24", "2025-11-24"), event("2025-11-25", "2025-12-01")
    recorded = end("2025-11-30", first)
    assert recorded is not None
    elsewhere = replace(first, definition="talks")
    found = end("2025-12-02", elsewhere, second, stated=(recorded,))
    assert found is not None
    assert (found.events, found.known_at) == ((second.event_id,), at("2025-12-01"))


def with_versions(as_of: str, newest: tuple[Event, ...], *earlier: Superseded[Event]) -> Snapshot:
    return Snapshot("u", at(as_of), (QUESTION,), (), newest, earlier_events=earlier)


def test_an_event_whose_words_were_corrected_was_known_when_it_first_was() -> None:
    first = event("2025-12-24", "2025-12-25")
    corrected = replace(first, summary="At noon.", known_at=at("2026-03-01"))
    seen = with_versions("2026-03-02", (corrected,), Superseded(first, corrected.known_at))
    found = Endings(config(MONTH), seen).of(QUESTION)
    assert found is not None
    assert (found.known_at, found.outcome) == (at("2025-12-25"), Outcome.YES)


def test_an_event_that_was_corrected_into_one_that_counts_is_news_from_then() -> None:
    other = event("2025-12-24", "2025-12-25", "talks")
    corrected = replace(other, definition="strike", known_at=at("2026-01-10"))
    seen = with_versions("2026-01-11", (corrected,), Superseded(other, corrected.known_at))
    found = Endings(config(MONTH), seen).of(QUESTION)
    assert found is not None
    assert found.known_at == at("2026-01-10")


def test_a_no_is_not_known_before_the_event_was_corrected_away() -> None:
    first = event("2025-12-24", "2025-12-25")
    outside = replace(first, occurred_at=at("2025-12-27"), known_at=at("2026-03-01"))
    seen = with_versions("2026-03-02", (outside,), Superseded(first, outside.known_at))
    found = Endings(config(), seen).of(QUESTION)
    assert found is not None
    assert (found.outcome, found.known_at) == (Outcome.NO, at("2026-03-01"))
    retracted = with_versions("2026-03-02", (), Superseded(first, at("2026-02-01")))
    found = Endings(config(), retracted).of(QUESTION)
    assert found is not None
    assert found.known_at == at("2026-02-01")


def test_an_event_that_was_away_for_a_while_counts_from_its_return() -> None:
    first = event("2025-12-24", "2025-12-25")
    away = replace(first, definition="talks", known_at=at("2026-01-01"))
    back = replace(first, known_at=at("2026-01-05"))
    versions = (Superseded(first, away.known_at), Superseded(away, back.known_at))
    found = Endings(config(MONTH), with_versions("2026-01-06", (back,), *versions)).of(QUESTION)
    assert found is not None
    assert found.known_at == at("2026-01-05")


# Nested questions

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
