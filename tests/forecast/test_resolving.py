"""How questions end: by what was stated, by an event, or by the deadline and its grace."""

from dataclasses import replace

from forecast.evidence import RULE, Event, Outcome, Superseded
from forecast.question import Snapshot
from forecast.resolving import Endings
from tests.forecast.ending_samples import (
    MONTH,
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
