"""Pages of rows: all of them once, whatever comes in between."""

from datetime import UTC, datetime, timedelta

from forecast.estimate import Estimate, Health, Interval
from forecast.evidence import Report
from forecast.question import Question
from forecast.store import Store

NOW = datetime(2025, 11, 20, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


def a_question(number: int, title: str = "A strike?") -> Question:
    return Question(f"q{number}", title, "harbour", "strike", NOW - HOUR, NOW + 999 * HOUR)


def a_report(number: int, *, hours: int = 0, unit: str = "harbour") -> Report:
    at = NOW - hours * HOUR
    return Report(f"r{number}", unit, "union.ballot", at, at)


def an_estimate(question: str, hours: int, p: float = 0.3) -> Estimate:
    return Estimate(
        *(question, NOW + hours * HOUR, p, Interval(0.1, 0.5), 0.001, Health.HEALTHY),
        *("hazard", "h", "R1", f"{question}-{hours}-{p}"),
    )


def names(rows: object) -> list[str]:
    return [row.report_id for row in rows]  # type: ignore[attr-defined]


def test_pages_bring_every_row_once_though_rows_come_in_between(store: Store) -> None:
    store.add_reports([a_report(n) for n in range(5)], NOW)
    first = store.pages.of("reports", 2)
    store.add_reports([a_report(n) for n in range(5, 9)], NOW)
    second = store.pages.of("reports", 2, first.after)
    third = store.pages.of("reports", 2, second.after)
    assert names(first.rows) == ["r4", "r3"]
    assert names(second.rows) == ["r2", "r1"]
    assert (names(third.rows), third.after) == (["r0"], None)


def test_a_page_that_is_just_full_and_the_last_has_none_after_it(store: Store) -> None:
    store.add_reports([a_report(n) for n in range(2)], NOW)
    assert store.pages.of("reports", 2).after is None


def test_of_a_corrected_thing_the_last_version_is_there(store: Store) -> None:
    store.add_questions([a_question(1), a_question(2)], NOW)
    store.add_questions([a_question(1, "Another title")], NOW)
    page = store.pages.of("questions", 10)
    assert [(q.question_id, q.title) for q in page.rows] == [
        ("q2", "A strike?"),
        ("q1", "Another title"),
    ]


def test_rows_of_a_span_and_of_a_unit(store: Store) -> None:
    store.add_reports([a_report(n, hours=n) for n in range(5)], NOW)
    store.add_reports([a_report(9, hours=1, unit="depot")], NOW)
    since, until = NOW - 3 * HOUR, NOW - HOUR
    page = store.pages.of("reports", 10, None, since, until)
    assert names(page.rows) == ["r3", "r2"]
    beside = store.pages.of("reports", 10, None, since, NOW, unit="depot")
    assert names(beside.rows) == ["r9"]


def test_estimates_are_paged_by_the_time_they_are_of(store: Store) -> None:
    some = [an_estimate("q", hours) for hours in (3, 1, 2)]
    store.record(estimates=some, recorded_at=NOW)
    first, place = store.pages.estimates("q", 2)
    store.record(estimates=[an_estimate("q", 9)], recorded_at=NOW)
    second, end = store.pages.estimates("q", 2, place)
    hours = [[(e.as_of - NOW) / HOUR for e in page] for page in (first, second)]
    assert (hours, end) == ([[3, 2], [1]], None)


def test_of_two_estimates_of_one_moment_both_are_there_the_later_first(store: Store) -> None:
    for p in (0.3, 0.4):
        store.record(estimates=[an_estimate("q", 1, p)], recorded_at=NOW)
    first, place = store.pages.estimates("q", 1)
    second, _ = store.pages.estimates("q", 1, place)
    assert [e.probability for e in first + second] == [0.4, 0.3]


def test_the_newest_estimates_of_some_questions(store: Store) -> None:
    store.add_questions([a_question(n) for n in range(3)], NOW)
    some = [an_estimate("q0", 1, 0.1), an_estimate("q0", 2, 0.2), an_estimate("q1", 1, 0.3)]
    store.record(estimates=some, recorded_at=NOW)
    found = store.pages.latest_of(["q0", "q2"])
    assert {name: one.probability for name, one in found.items()} == {"q0": 0.2}


def test_runs_are_paged_by_slot_then_schedule(store: Store) -> None:
    for name, hours in (("a", 1), ("b", 1), ("a", 2)):
        store.ledger.claim_run(name, NOW + hours * HOUR, "me", NOW, HOUR)
    first = store.pages.runs(2)
    last = first[-1]
    second = store.pages.runs(2, (last.slot, last.schedule_id))
    told = [(r.schedule_id, (r.slot - NOW) / HOUR) for r in first + second]
    assert told == [("a", 2), ("b", 1), ("a", 1)]
    assert store.pages.latest_runs()["a"].slot == NOW + 2 * HOUR
