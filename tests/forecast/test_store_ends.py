"""Ends of questions in the store: whose word stands as of when, on both databases."""

import sqlite3
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from alembic import command

from forecast.clock import DAY, parse_instant
from forecast.evidence import RULE, Event, Outcome, Report, Resolution
from forecast.question import Question
from forecast.store import Added, Store, open_store
from forecast.store.database import Database, parse_url
from forecast.store.migrate import migration_config

START = parse_instant("2025-09-01")
TICK = timedelta(microseconds=1)
FAR = START + 100 * DAY
QUESTION = Question("q", "Q?", "u", "strike", START, START + 20 * DAY)
EVENT = Event("e", "u", "strike", START + DAY, START + 30 * DAY)
NO = Resolution("q", Outcome.NO, START + 20 * DAY, "no event was known", author=RULE)
YES = Resolution("q", Outcome.YES, START + 30 * DAY, "strike", ("e",), RULE)
STATED = Resolution("q", Outcome.VOID, START + 40 * DAY, "unclear", author="ada")
TAKEN_BACK = replace(STATED, known_at=START + 50 * DAY, reason="it is clear", retracted=True)


def test_what_was_derived_keeps_its_date_whenever_it_is_recorded(store: Store) -> None:
    store.record(resolutions=[YES], recorded_at=START + 60 * DAY)
    store.record(resolutions=[NO], recorded_at=START + 70 * DAY)  # by an update of the past
    assert store.resolution("q") == YES
    assert store.resolution("q", as_of=YES.known_at) == NO
    assert store.resolution("q", as_of=NO.known_at) is None
    store.record(resolutions=[NO, YES], recorded_at=START + 80 * DAY)
    assert [row for row, _ in store.ends.said("q", FAR)] == [NO, YES]


def test_a_persons_word_stands_over_what_is_derived_until_it_is_taken_back(store: Store) -> None:
    store.add_resolutions([STATED], STATED.known_at)
    late = replace(YES, known_at=START + 45 * DAY)
    store.record(resolutions=[NO, late], recorded_at=START + 46 * DAY)
    assert store.resolution("q") == STATED
    store.add_resolutions([TAKEN_BACK], TAKEN_BACK.known_at)
    assert store.resolution("q") is None
    assert store.resolved(["q", "other"], FAR) == set()
    assert store.resolution("q", as_of=TAKEN_BACK.known_at) == STATED
    assert store.resolved(["q"], TAKEN_BACK.known_at) == {"q"}
    again = replace(YES, known_at=TAKEN_BACK.known_at)
    store.record(resolutions=[again], recorded_at=START + 60 * DAY)
    assert store.resolution("q") == again


def test_a_file_that_comes_again_does_not_undo_what_was_taken_back(store: Store) -> None:
    of_file = Resolution("q", Outcome.NO, START + 20 * DAY, "stated in questions.csv")
    assert store.add_resolutions([of_file], START + 21 * DAY) == Added(new=1)
    act = replace(TAKEN_BACK, outcome=Outcome.NO)
    assert store.add_resolutions([act], act.known_at) == Added(corrected=1)
    assert store.add_resolutions([of_file], START + 60 * DAY) == Added(same=1)
    assert store.resolution("q") is None


def test_every_row_is_read_with_the_time_of_its_recording(store: Store) -> None:
    store.add_resolutions([STATED], START + 41 * DAY)
    store.add_resolutions([TAKEN_BACK], START + 50 * DAY)
    recorded = [START + 41 * DAY, START + 50 * DAY]
    assert store.ends.said("q", FAR) == list(zip([STATED, TAKEN_BACK], recorded, strict=True))
    assert store.ends.said("q", TAKEN_BACK.known_at) == [(STATED, recorded[0])]
    assert store.ends.said("other", FAR) == []


def test_what_ends_follow_from_is_read_for_several_units_at_once(store: Store) -> None:
    other = replace(QUESTION, question_id="p", unit="v")
    store.add_questions([other, QUESTION], START)
    store.add_events([EVENT, replace(EVENT, event_id="f", unit="v")], START)
    store.add_reports([Report("r", "u", "t", START, START)], START)
    store.add_resolutions([STATED, TAKEN_BACK], TAKEN_BACK.known_at)
    found = store.ends.at(["v", "u", "u", "nowhere"], FAR)
    assert list(found) == ["v", "u", "nowhere"]
    assert found["u"] == replace(store.snapshot(QUESTION, FAR), reports=())
    assert found["u"].earlier_resolutions == (STATED, TAKEN_BACK)
    assert found["v"].questions == (other,)
    assert [event.event_id for event in found["v"].events] == ["f"]
    assert found["nowhere"].questions == ()


def test_a_snapshot_knows_what_stood_on_a_day_of_the_past(store: Store) -> None:
    store.add_questions([QUESTION], START)
    store.add_events([EVENT], START)
    store.record(resolutions=[NO, YES], recorded_at=START + 31 * DAY)
    gone = replace(EVENT, retracted=True, known_at=START + 35 * DAY)
    store.add_events([gone], START + 35 * DAY)
    store.add_resolutions([STATED], STATED.known_at)
    store.add_resolutions([TAKEN_BACK], TAKEN_BACK.known_at)
    now = store.snapshot(QUESTION, FAR)
    for day in (10, 20, 25, 30, 33, 35, 38, 40, 45, 50, 60):
        for moment in (START + day * DAY, START + day * DAY + TICK):
            assert now.as_known_at(moment) == store.snapshot(QUESTION, moment)
    stood = {day: store.resolution("q", as_of=START + day * DAY) for day in (25, 33, 38, 45, 60)}
    assert stood == {25: NO, 33: YES, 38: NO, 45: STATED, 60: None}


def test_an_older_store_is_upgraded_and_knows_what_was_derived(tmp_path: Path) -> None:
    path = tmp_path / "old.db"
    database = Database(parse_url(f"sqlite:///{path}"), busy_timeout=1)
    database.write(lambda connection: command.upgrade(migration_config(connection), "0005"))
    database.close()
    known = "2025-09-21T00:00:00.000000+00:00"
    old = {
        "by-event": ("yes", '["e"]', "strike on 2025-09-02 (e)"),
        "by-clock": ("no", "[]", "no event was known after the deadline and 30 days of grace"),
        "by-count": ("no", "[]", "2 of 3 events were known after the deadline"),
        "by-person": ("no", "[]", "stated in questions.csv"),
    }
    with closing(sqlite3.connect(path)) as connection, connection:
        for name, (outcome, events, reason) in old.items():
            connection.execute(
                "INSERT INTO resolution (question_id, outcome, known_at, reason, events, digest,"
                " recorded_at) VALUES (?, ?, ?, ?, ?, ?, ?)",
                (name, outcome, known, reason, events, name, known),
            )
        connection.execute(
            "INSERT INTO rule_state (rule_id, subject, state, streak, episode, definition_digest,"
            " health, route, cause, recorded_at)"
            " VALUES ('r', 'q', 'ok', 0, 1, '', 'healthy', 'now', '', ?)",
            (known,),
        )
    with open_store(f"sqlite:///{path}") as store:
        ends = {name: store.resolution(name) for name in old}
        assert {name for name, end in ends.items() if end and end.is_derived} == set(old) - {
            "by-person"
        }
        state = store.alerts.state("r", "q")
        assert state is not None
        assert state.outcome == ""
