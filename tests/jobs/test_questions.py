"""Where questions stand, from facts alone; and that their corrected ends are recorded and told."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from forecast.clock import DAY, parse_instant
from forecast.evidence import Outcome, Resolution
from forecast.store import Store
from jobs.app import App
from jobs.decisions import Updated
from jobs.questions import Stage, Tally, ended, shown, standings, tally
from jobs.reporting import question_report, watch_report
from jobs.resolutions import reopen, state_outcome
from tests.jobs.ending_desk import (
    EARLY,
    LONG,
    OPENS,
    WIDE,
    desk,
    event,
    question,
    told,
    update,
)

MAY, JUNE, JULY, LATE = (parse_instant(f"2025-{m}") for m in ("05-20", "06-10", "07-05", "08-01"))
INSTANT = timedelta(microseconds=1)


@pytest.fixture
def app(store: Store, tmp_path: Path) -> App:
    return desk(store, tmp_path)


def stages(app: App, as_of: object) -> dict[str, Stage]:
    found = standings(app, app.store.questions(), as_of)  # type: ignore[arg-type]
    return {s.question.question_id: s.stage for s in found}


def test_a_question_is_open_then_awaits_its_outcome_in_grace_then_is_no(app: App) -> None:
    assert stages(app, MAY) == dict.fromkeys(("q", "long", "early"), Stage.OPEN)
    assert stages(app, JUNE)["early"] is Stage.AWAITING
    [early] = standings(app, [EARLY], JUNE)
    assert early.until == EARLY.deadline + 10 * DAY
    # the narrower kind has no grace
    assert stages(app, JULY) == {"early": Stage.NO, "q": Stage.AWAITING, "long": Stage.NO}
    assert set(stages(app, LATE).values()) == {Stage.NO}


def test_an_event_that_came_in_counts_before_the_next_update(app: App) -> None:
    app.store.add_events([event("e", "2025-05-10", "2025-05-11", "long-strike")], MAY)
    assert stages(app, MAY) == dict.fromkeys(("q", "long", "early"), Stage.YES)
    assert stages(app, parse_instant("2025-05-11")) == dict.fromkeys(("q", "long", "early"), "open")
    assert ended(app, [WIDE], MAY)["q"].known_at == parse_instant("2025-05-11")
    assert question_report(app, WIDE, MAY).resolution == ended(app, [WIDE], MAY)["q"]
    outcomes = {
        r.report.resolution and r.report.resolution.outcome for r in watch_report(app, MAY).rows
    }
    assert outcomes == {Outcome.YES}


def test_the_void_rate_counts_those_that_ended_only() -> None:
    assert Tally(5, 1, 0, 0, 0).void_rate is None
    counts = Tally(open=2, awaiting=1, yes=1, no=2, void=1)
    assert (counts.resolved, counts.void_rate) == (4, 0.25)


def test_voided_questions_are_counted_apart(app: App) -> None:
    state_outcome(app, "early", Outcome.VOID, reason="no source", author="ada", now=JUNE)
    counts = tally(standings(app, app.store.questions(), LATE))
    assert counts == Tally(open=0, awaiting=0, yes=0, no=2, void=1)


def test_a_question_shows_its_events_and_every_word_on_its_end(app: App) -> None:
    app.store.add_events(
        [event("e", "2025-05-10", "2025-05-11"), event("f", "2025-07-20", "2025-07-20")], MAY
    )
    update(app, MAY)
    reopen(app, "q", reason="a misreport", author="ada", now=JUNE)
    late = event("g", "2025-06-20", "2025-07-25")
    app.store.add_events([late], LATE)
    found = shown(app, WIDE, LATE)
    assert [(c.event.event_id, c.counts, c.is_late) for c in found.events] == [
        ("g", True, True),
        ("e", False, False),
    ]
    acts = [(v.row.outcome, v.row.is_derived, v.row.retracted) for v in found.versions]
    assert acts == [
        (Outcome.YES, True, False),
        (Outcome.YES, False, True),
        (Outcome.YES, True, False),
    ]
    assert [v.recorded_at for v in found.versions] == [MAY, JUNE, None]
    before = shown(app, WIDE, JUNE)
    assert before.standing.stage is Stage.YES
    assert len(before.versions) == 1


# What updates make of it


def test_an_event_known_after_the_grace_corrects_the_no_and_is_told_again(app: App) -> None:
    update(app, MAY)
    assert ("q", "The question was resolved: no") in told(update(app, LATE))
    assert update(app, LATE + DAY) == Updated()
    app.store.add_events([event("e", "2025-06-20", "2025-08-10")], LATE)
    corrected = update(app, parse_instant("2025-08-11"))
    assert told(corrected) == [("q", "The outcome was corrected from no to yes")]
    assert update(app, parse_instant("2025-08-12")) == Updated()
    ends = [app.store.resolution("q", as_of) for as_of in (LATE, parse_instant("2025-08-11"))]
    assert [end and end.outcome for end in ends] == [Outcome.NO, Outcome.YES]
    assert "it corrects the no" in question_report(app, WIDE, LATE + 20 * DAY).resolution.reason  # type: ignore[union-attr]


def test_a_yes_whose_event_is_retracted_after_the_deadline_is_told_as_a_no(app: App) -> None:
    update(app, MAY)
    first = event("e", "2025-05-25", "2025-05-26")
    app.store.add_events([first], MAY)
    assert ("q", "The question was resolved: yes") in told(update(app, JUNE))
    app.store.add_events([replace(first, retracted=True)], LATE)
    corrected = update(app, LATE + DAY)
    assert ("q", "The outcome was corrected from yes to no") in told(corrected)
    assert app.store.resolution("q") is not None
    assert app.store.resolution("q", as_of=LATE).outcome is Outcome.YES  # type: ignore[union-attr]


def test_an_end_that_follows_no_more_is_taken_back_by_the_next_update(app: App) -> None:
    first = event("e", "2025-05-10", "2025-05-11")
    app.store.add_events([first], MAY)
    update(app, MAY)
    assert app.store.resolution("q") is not None
    app.store.add_events([replace(first, occurred_at=OPENS - DAY)], MAY + DAY)
    reopened = update(app, MAY + 2 * DAY)
    assert {row.question_id for row in reopened.reopened} == {"q", "early"}
    assert {estimate.question_id for estimate in reopened.estimates} == {"q", "early", "long"}
    assert app.store.resolution("q") is None
    assert update(app, MAY + 3 * DAY).reopened == []


def test_an_end_of_a_past_window_that_follows_no_more_is_taken_back_too(app: App) -> None:
    update(app, LATE)
    assert app.store.resolution("early") is not None
    longer = replace(EARLY, deadline=LATE)
    app.store.add_questions([longer], LATE)  # its window was written down wrong
    assert [row.question_id for row in update(app, LATE + DAY).reopened] == ["early"]
    assert app.store.resolution("early") is None
    assert app.store.resolution("early", as_of=LATE + DAY) is not None


def test_an_update_of_the_past_records_what_stood_then_and_changes_nothing_now(app: App) -> None:
    app.store.add_events([event("e", "2025-06-20", "2025-08-10")], LATE)
    now = parse_instant("2025-09-01")
    update(app, now)
    yes = app.store.resolution("q")
    past = update(app, LATE)
    assert [r.outcome for r in past.resolutions if r.question_id == "q"] == [Outcome.NO]
    assert app.store.resolution("q") == yes
    assert update(app, now + DAY) == Updated()


def test_an_event_that_was_put_aside_is_not_counted_by_the_forecast_either(
    store: Store, tmp_path: Path
) -> None:
    app = desk(store, tmp_path, [question(at_least=2)])
    app.store.add_events([event(n, "2025-05-10", "2025-05-11") for n in ("e", "f")], MAY)
    assert update(app, MAY).estimates == []
    reopen(app, "q", reason="one strike, told twice", author="ada", now=MAY)
    [estimate] = update(app, MAY + DAY).estimates
    assert estimate.probability < 0.02  # two in six weeks, and not one more
    app.store.add_events([event("g", "2025-05-21", "2025-05-21")], MAY + DAY)
    [closer] = update(app, MAY + 3 * DAY).estimates
    assert closer.probability > 5 * estimate.probability


def test_a_persons_word_is_told_and_so_is_the_next_after_it_was_taken_back(app: App) -> None:
    update(app, MAY)
    state_outcome(app, "early", Outcome.YES, reason="seen", author="ada", now=JUNE)
    assert ("early", "The question was resolved: yes") in told(update(app, JUNE + DAY))
    reopen(app, "early", reason="not so", author="ada", now=JUNE + 2 * DAY)
    assert told(update(app, JUNE + 3 * DAY)) == []
    state_outcome(app, "early", Outcome.NO, reason="not so", author="ada", now=JUNE + 4 * DAY)
    assert ("early", "The outcome was corrected from yes to no") in told(
        update(app, JUNE + 5 * DAY)
    )


def test_a_word_on_a_nested_question_is_told_of_those_that_follow(app: App) -> None:
    update(app, MAY)
    state_outcome(app, "long", Outcome.YES, reason="seen", author="ada", now=JUNE)
    said = dict(told(update(app, JUNE + timedelta(hours=1))))
    assert said == dict.fromkeys(("long", "q"), "The question was resolved: yes")
    assert ended(app, [WIDE, LONG], JUNE + DAY)["q"].is_derived


def test_a_word_that_events_speak_against_is_contested(app: App) -> None:
    said = Resolution("q", Outcome.NO, JULY, "stated in questions.csv")
    app.store.add_resolutions([said], JULY)
    app.store.add_events([event("e", "2025-06-20", "2025-07-20")], LATE)
    [standing] = standings(app, [WIDE], LATE)
    assert (standing.stage, standing.end) == (Stage.NO, said)
    assert "(e)" in standing.contested
    assert standings(app, [WIDE], JULY + INSTANT)[0].contested == ""
