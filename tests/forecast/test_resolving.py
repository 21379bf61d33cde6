"""How questions end: by what was stated, by an event, or by the deadline and its grace."""

from dataclasses import replace
from datetime import datetime, timedelta

from forecast.clock import parse_instant
from forecast.evidence import Event, Outcome, Resolution, Superseded
from forecast.question import Question, Snapshot
from forecast.resolving import resolve

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


def end(
    as_of: str, *events: Event, stated: tuple[Resolution, ...] = (), grace: timedelta = NO_GRACE
) -> Resolution | None:
    moment = at(as_of)
    known = tuple(e for e in events if e.known_at < moment)
    said = tuple(r for r in stated if r.known_at < moment)
    snapshot = Snapshot("u", moment, (QUESTION,), (), known, said)
    return resolve(QUESTION, snapshot, lambda name: name in ("strike", "covert-strike"), grace)


def test_an_event_inside_the_window_is_a_yes_from_when_it_was_known() -> None:
    found = end("2025-12-30", event("2025-12-24", "2025-12-29"), grace=MONTH)
    assert found is not None
    assert (found.outcome, found.known_at) == (Outcome.YES, at("2025-12-29"))


def test_a_narrower_event_counts() -> None:
    found = end("2025-12-01", event("2025-11-24", "2025-11-24", "covert-strike"))
    assert found is not None
    assert found.outcome is Outcome.YES


def test_another_definition_does_not_count() -> None:
    assert end("2025-12-01", event("2025-11-24", "2025-11-24", "strike-at-sea")) is None


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


def test_late_news_of_an_event_in_time_is_a_yes_within_the_grace() -> None:
    news = event("2025-12-24", "2026-01-10")
    assert end("2026-01-05", news, grace=MONTH) is None
    found = end("2026-01-11", news, grace=MONTH)
    assert found is not None
    assert found.outcome is Outcome.YES


def test_what_a_person_stated_stands_against_the_events() -> None:
    stated = Resolution("q", Outcome.VOID, at("2025-12-02"), "criteria were unclear")
    assert end("2025-12-30", event("2025-11-24", "2025-11-24"), stated=(stated,)) == stated


def test_nothing_known_later_is_seen() -> None:
    stated = Resolution("q", Outcome.YES, at("2025-12-29"), "seen")
    assert end("2025-12-20", event("2025-11-24", "2025-12-29"), stated=(stated,)) is None


THREE = replace(QUESTION, at_least=3)
DAYS = [event(f"2025-10-0{n}", f"2025-11-0{n}") for n in (1, 2, 3, 4)]


def end_of_three(as_of: str, snapshot_events: list[Event], **known: object) -> Resolution | None:
    moment = at(as_of)
    events = tuple(e for e in snapshot_events if e.known_at < moment)
    snapshot = replace(Snapshot("u", moment, (THREE,), (), events), **known)  # type: ignore[arg-type]
    return resolve(THREE, snapshot, lambda name: name == "strike", NO_GRACE)


def test_a_question_for_several_events_ends_when_the_last_that_it_needs_is_known() -> None:
    assert end_of_three("2025-11-03", DAYS) is None
    found = end_of_three("2025-11-20", DAYS)
    assert found is not None
    assert (found.outcome, found.known_at) == (Outcome.YES, at("2025-11-03"))
    assert found.events == tuple(e.event_id for e in DAYS[:3])
    over = end_of_three("2025-12-27", DAYS[:2])
    assert over is not None
    assert over.outcome is Outcome.NO
    assert over.reason.startswith("2 of 3 events were known")


def test_one_event_that_is_not_there_any_more_opens_the_question_again() -> None:
    derived = end_of_three("2025-11-20", DAYS[:3])
    assert derived is not None
    assert end_of_three("2025-11-20", DAYS[:2], resolutions=(derived,)) is None


def test_what_was_derived_before_is_not_derived_with_another_date() -> None:
    first = end_of_three("2025-11-20", DAYS)
    assert first is not None
    recorded = replace(first, known_at=at("2025-11-10"))
    assert end_of_three("2025-11-20", DAYS, resolutions=(recorded,)) == recorded


def test_an_event_whose_words_were_corrected_was_known_when_it_first_was() -> None:
    first = event("2025-12-24", "2025-12-25")
    corrected = replace(first, summary="At noon.", known_at=at("2026-03-01"))
    snapshot = Snapshot(
        "u",
        at("2026-03-02"),
        (QUESTION,),
        (),
        (corrected,),
        earlier_events=(Superseded(first, corrected.known_at),),
    )
    found = resolve(QUESTION, snapshot, lambda name: name == "strike", MONTH)
    assert found is not None
    assert found.known_at == at("2025-12-25")


def test_an_event_that_was_corrected_into_one_that_counts_is_news_from_then() -> None:
    other = event("2025-12-24", "2025-12-25", "talks")
    corrected = replace(other, definition="strike", known_at=at("2026-01-10"))
    snapshot = Snapshot(
        "u",
        at("2026-01-11"),
        (QUESTION,),
        (),
        (corrected,),
        earlier_events=(Superseded(other, corrected.known_at),),
    )
    found = resolve(QUESTION, snapshot, lambda name: name == "strike", MONTH)
    assert found is not None
    assert found.known_at == at("2026-01-10")
