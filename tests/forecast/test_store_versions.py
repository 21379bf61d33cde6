"""What was taken back, corrected or put elsewhere: the past sees what it saw."""

import sqlite3
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from alembic import command

from forecast.evidence import (
    RULE,
    Assignment,
    Coverage,
    CoverageState,
    Event,
    Outcome,
    Report,
    Resolution,
    Superseded,
)
from forecast.incidents import IncidentRule
from forecast.question import Question
from forecast.store import Added, Store, open_store
from forecast.store.database import Database, parse_url
from forecast.store.facts import digest
from forecast.store.migrate import migration_config

DAY = timedelta(days=1)
TICK = timedelta(microseconds=1)
START = datetime(2025, 9, 1, tzinfo=UTC)
LATER, FAR = START + 30 * DAY, START + 300 * DAY
REPORT = Report("R1", "u", "t", START, START + DAY, "i1", 0.7)
EVENT = Event("E1", "u", "strike", START + DAY, START + DAY)
QUESTION = Question("q", "Q?", "u", "strike", START, START + 90 * DAY)
SPAN = Coverage("c1", "u", CoverageState.AT_RISK, START, None, START)


def test_a_retracted_report_counts_no_more_from_then_on_and_the_past_still_sees_it(
    store: Store,
) -> None:
    store.add_reports([REPORT], START + DAY)
    assert store.add_reports([replace(REPORT, retracted=True)], LATER) == Added(corrected=1)
    assert store.snapshot(QUESTION, LATER).reports == (REPORT,)
    after = store.snapshot(QUESTION, LATER + TICK)
    assert after.reports == ()
    assert after.earlier_reports == (Superseded(REPORT, LATER),)
    assert store.add_reports([REPORT], FAR) == Added(same=1)
    assert store.reports("u", FAR) == []


def test_a_retraction_of_what_was_never_stated_is_no_report(store: Store) -> None:
    store.add_reports([replace(REPORT, retracted=True)], LATER)
    assert store.snapshot(QUESTION, FAR).reports == ()
    assert store.snapshot(QUESTION, FAR).earlier_reports == ()


def test_a_snapshot_holds_the_versions_that_a_day_of_the_past_saw(store: Store) -> None:
    store.add_reports([REPORT], START + DAY)
    store.add_reports([replace(REPORT, value=0.1)], LATER)
    store.add_events([EVENT], START + DAY)
    store.add_events([replace(EVENT, definition="talks")], LATER)
    now = store.snapshot(QUESTION, FAR)
    assert now.earlier_reports == (Superseded(REPORT, LATER),)
    assert now.earlier_events == (Superseded(EVENT, LATER),)
    for moment in (START, START + DAY, START + DAY + TICK, LATER, LATER + TICK, FAR):
        assert now.as_known_at(moment) == store.snapshot(QUESTION, moment)


def test_a_version_that_never_counted_is_not_among_the_earlier_ones(store: Store) -> None:
    store.add_reports([replace(REPORT, known_at=FAR)], START)
    store.add_reports([REPORT], LATER)
    assert store.snapshot(QUESTION, FAR + DAY).earlier_reports == ()


def test_a_report_moved_to_another_unit_was_at_the_first_until_then(store: Store) -> None:
    store.add_reports([REPORT], START + DAY)
    store.add_reports([replace(REPORT, unit="v")], LATER)
    assert store.snapshot(QUESTION, FAR).earlier_reports == (Superseded(REPORT, LATER),)


def test_a_retracted_event_takes_back_the_end_that_rested_on_it(store: Store) -> None:
    store.add_questions([QUESTION], START)
    store.add_events([EVENT], START)
    end = Resolution("q", Outcome.YES, START + DAY, "strike", ("E1",), RULE)
    store.record(resolutions=[end], recorded_at=START + 2 * DAY)
    assert store.resolution("q") == end
    store.add_events([replace(EVENT, retracted=True)], LATER)
    assert store.resolution("q") is None
    assert store.resolution("q", as_of=FAR) is None
    assert store.resolution("q", as_of=LATER) == end
    assert store.snapshot(QUESTION, LATER).resolutions == (end,)
    assert store.snapshot(QUESTION, FAR).resolutions == ()
    assert store.snapshot(QUESTION, FAR).events == ()


def test_what_a_person_stated_does_not_fall_with_an_event(store: Store) -> None:
    store.add_events([EVENT, replace(EVENT, retracted=True)], START)
    stated = Resolution("q", Outcome.YES, START + DAY, "as announced")
    store.add_resolutions([stated], START + DAY)
    assert store.resolution("q") == stated


def test_reports_come_with_the_incident_that_the_rule_or_a_person_gives_them(
    store_url: str,
) -> None:
    two = [replace(REPORT, report_id=f"R{n}", incident_id="") for n in (1, 2)]
    two[1] = replace(two[1], occurred_at=START + DAY)
    with open_store(store_url, rule=IncidentRule(timedelta(days=2))) as store:
        store.add_reports(two, START)
        assert {r.incident_id for r in store.reports("u", FAR)} == {"t@2025-09-01"}
    with open_store(store_url) as store:
        assert len({r.incident_id for r in store.reports("u", FAR)}) == 2
        word = Assignment("R2", "t@2025-09-01", LATER, "ada", "one walk-out")
        assert store.assign([word], LATER) == Added(new=1)
        assert {r.incident_id for r in store.reports("u", FAR)} == {"t@2025-09-01"}
        assert len({r.incident_id for r in store.reports("u", LATER)}) == 2
        earlier = store.snapshot(QUESTION, FAR).earlier_reports
        assert [(s.fact.report_id, s.until) for s in earlier] == [("R2", LATER)]
        assert store.units_of(["R1", "R2", "R3"]) == {"R1": "u", "R2": "u"}


def test_coverage_is_read_back_as_it_was_known(store: Store) -> None:
    assert store.add_coverage([SPAN, SPAN], START) == Added(new=1, same=1)
    ended = replace(SPAN, until=START + 20 * DAY, note="the contract")
    assert store.add_coverage([ended], LATER) == Added(corrected=1)
    assert store.snapshot(QUESTION, START).coverage == ()
    assert store.snapshot(QUESTION, LATER).coverage == (SPAN,)
    assert store.snapshot(QUESTION, FAR).coverage == (replace(ended, known_at=LATER),)
    store.add_coverage([replace(ended, retracted=True)], FAR)
    assert store.snapshot(QUESTION, FAR + TICK).coverage == ()


def test_the_end_of_a_span_is_not_known_before_it_comes(store: Store) -> None:
    storm = replace(SPAN, until=LATER, until_known_at=LATER)
    store.add_coverage([storm], FAR)
    assert store.snapshot(QUESTION, LATER).coverage == (SPAN,)
    assert store.snapshot(QUESTION, LATER + TICK).coverage == (storm,)
    assert store.snapshot(QUESTION, FAR).as_known_at(LATER).coverage == (SPAN,)


def test_facts_have_the_digest_that_they_had_before_they_could_say_more(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    with open_store(f"sqlite:///{path}") as store:
        store.add_questions([QUESTION, replace(QUESTION, question_id="two", at_least=2)], START)
        store.add_reports([REPORT], START)
    with closing(sqlite3.connect(path)) as connection:
        stored = dict(connection.execute("SELECT question_id, digest FROM question"))
        (of_report,) = connection.execute("SELECT digest FROM report").fetchone()
    q, r = QUESTION, REPORT
    first = (q.question_id, q.title, q.unit, q.definition, q.opens_at, q.deadline, "", "")
    assert stored["q"] == digest(first)
    assert stored["two"] != digest(("two", *first[1:]))
    stated = [r.report_id, r.unit, r.tag, r.occurred_at, r.known_at, r.incident_id, r.value]
    assert of_report == digest([*stated, "", "", "F", 6, "", ""])


def test_a_store_of_the_schema_before_is_upgraded_with_what_it_holds(tmp_path: Path) -> None:
    path = tmp_path / "old.db"
    database = Database(parse_url(f"sqlite:///{path}"), busy_timeout=1)
    database.write(lambda connection: command.upgrade(migration_config(connection), "0002"))
    database.close()
    cells = "'u', 't', '2025-09-01T00:00:00.000000+00:00', '2025-09-02T00:00:00.000000+00:00'"
    kept = f"'R1', {cells}, 'i1', 0.7, '', '', 'F', 6, '', '', 'of old', '2025-09-02'"
    with closing(sqlite3.connect(path)) as connection, connection:
        names = "report_id, unit, tag, occurred_at, known_at, incident_id, value, source, origin"
        names += ", reliability, credibility, url, summary, digest, recorded_at"
        connection.execute(f"INSERT INTO report ({names}) VALUES ({kept})")
        connection.execute(
            "INSERT INTO resolution (question_id, outcome, known_at, reason, digest, recorded_at)"
            " VALUES ('q', 'yes', '2025-09-02T00:00:00.000000+00:00', 'old', 'd', '2025-09-02')"
        )
    with open_store(f"sqlite:///{path}") as store:
        assert store.reports("u", FAR) == [REPORT]
        found = store.resolution("q")
        assert found is not None
        assert (found.outcome, found.events) == (Outcome.YES, ())
