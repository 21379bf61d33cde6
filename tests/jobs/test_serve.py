"""The service from within: what it does when configuration, schedules or workers go wrong."""

import logging
import os
import signal
import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from operator import add
from pathlib import Path

import pytest

from alerts.api import Reply
from alerts.heartbeat import Heartbeat
from forecast import alert_tables
from forecast.alert import ChannelHealth, ChannelState
from forecast.clock import utc_now
from forecast.errors import StoreError
from forecast.evidence import Report
from forecast.question import Question
from forecast.store import RunClaim, open_store
from forecast.watch import load_watch
from jobs.app import App, open_app
from jobs.serve import Service
from jobs.slots import LEASE, Turn, run_slot
from jobs.stirring import update_due
from jobs.update import Snapshots, infer, prepare, tracks_of
from models.api import Answer
from tests.jobs.desk import Desk, add_facts, make_desk, wait_for

SECOND_SCHEDULE = """
[[schedules]]
id = "second"
cron = "0 0 * * *"
questions = ["q-long"]
"""


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return make_desk(tmp_path)


@pytest.fixture
def app(desk: Desk) -> Iterator[App]:
    desk.rewrite("env:DESK_URL", f"file:{desk.folder / 'url'}")
    desk.rewrite("env:DESK_SECRET", f"file:{desk.folder / 'secret'}")
    (desk.folder / "url").write_text("http://127.0.0.1:9/")
    (desk.folder / "secret").write_text(desk.environment["DESK_SECRET"])
    with open_app(desk.folder) as opened:
        yield opened


def test_slots_missed_while_nobody_was_there_are_made_up_for_by_the_newest(
    app: App, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    now = utc_now()
    Service(app, lambda: now).run_due()
    Service(app, lambda: now + timedelta(days=4)).run_due()
    assert [(run.status, run.missed) for run in app.store.runs()] == [("done", 3), ("done", 0)]
    said = [r.message for r in caplog.records if " estimates, " in r.message]
    assert [words.endswith(", 3 slots missed before") for words in said] == [False, True]


def test_many_schedules_that_are_due_at_once_each_run_once(desk: Desk, app: App) -> None:
    more = "".join(
        f'[[schedules]]\nid = "s{n}"\ncron = "0 0 * * *"\nquestions = ["none"]\n'
        for n in range(100)
    )
    desk.rewrite("[[schedules]]", f"{more}[[schedules]]")
    crowded = App(load_watch(desk.folder), app.store)
    now = utc_now()
    for _ in range(2):
        Service(crowded, lambda: now).run_due()
    runs = app.store.runs(limit=500)
    assert len(runs) == 101
    assert {(run.status, run.missed) for run in runs} == {("done", 0)}


def test_a_run_left_by_the_dead_is_taken_over_and_no_slot_runs_beside_it(app: App) -> None:
    now = utc_now()
    slot = now - timedelta(days=3)
    app.store.ledger.claim_run("daily", slot, "gone:1", now, timedelta(minutes=15))
    Service(app, lambda: now + timedelta(minutes=5)).run_due()
    assert [run.status for run in app.store.runs()] == ["running"]
    Service(app, lambda: now + timedelta(minutes=16)).run_due()
    assert {(run.status, run.attempts) for run in app.store.runs()} == {("done", 1), ("done", 2)}


def test_a_run_in_which_the_store_failed_is_tried_again_after_its_lease(app: App) -> None:
    now = utc_now()

    def lose_the_store(*_: object) -> list[Answer]:
        raise StoreError("is locked")

    schedule = app.config.schedules[0]
    slot = now - timedelta(hours=1)
    with pytest.raises(StoreError):
        run_slot(app, Turn(schedule, slot, "me", lambda: now), lose_the_store)
    assert [run.status for run in app.store.runs()] == ["running"]
    Service(app, lambda: now + LEASE).run_due()
    assert [(run.status, run.attempts) for run in app.store.runs()] == [("done", 2)]


def test_a_run_that_failed_by_itself_is_not_tried_again(app: App) -> None:
    now = utc_now()

    def break_down(*_: object) -> list[Answer]:
        raise ZeroDivisionError("of all things")

    schedule = app.config.schedules[0]
    with pytest.raises(ZeroDivisionError):
        run_slot(app, Turn(schedule, now, "me", lambda: now), break_down)
    Service(app, lambda: now + LEASE).run_due()
    (run,) = app.store.runs()
    assert (run.status, run.detail) == ("failed", "ZeroDivisionError: of all things")


def test_an_edit_is_taken_in(desk: Desk, app: App) -> None:
    service = Service(app, utc_now)
    desk.rewrite('title = "Harbour desk"', 'title = "Port desk"')
    service.reload()
    service.reload()
    assert service.app.config.watch.title == "Port desk"
    assert service.app.store is app.store


def test_a_belief_that_was_edited_makes_its_units_due(tmp_path: Path) -> None:
    desk = make_desk(tmp_path, news=True)
    with open_app(desk.folder) as watched:
        add_facts(watched.store, utc_now() - timedelta(minutes=2))
        service = Service(watched, utc_now)
        update_due(watched, utc_now, "before")
        assert watched.store.due_units.counts(utc_now()).due == 0
        desk.rewrite("30%..60% per quarter", "60%..80% per quarter")
        service.reload()
        service.reload()
        assert watched.store.due_units.counts(utc_now()).due == 1


def test_a_file_that_is_being_written_is_not_taken_in(desk: Desk, app: App) -> None:
    service = Service(app, utc_now)
    whole = desk.file.read_text()
    for cut in (whole.index("[[rules]]"), whole.index("[[channels]]")):
        desk.file.write_text(whole[:cut])
        service.reload()
    desk.file.write_text(f"{whole}\n")
    service.reload()
    assert service.app is app
    service.reload()
    assert service.app.config == app.config
    assert service.app is not app


def test_the_heartbeat_is_silent_while_no_channel_takes_messages(desk: Desk, app: App) -> None:
    now = utc_now()
    service, beats = Service(app, lambda: now), list[str]()

    def post(url: str, *_: object) -> Reply:
        beats.append(url)
        return Reply(200)

    table = alert_tables.Heartbeat(url=f"file:{desk.folder / 'url'}", every="1 minute")
    service._heartbeat = Heartbeat(table, post=post)
    service.ring()
    service.beat()
    assert len(beats) == 1
    off = ChannelState("desk", ChannelHealth.DISABLED, now, "410")
    app.store.alerts.add_channel_state(off, now)
    now += timedelta(minutes=5)
    service.ring()
    service.beat()
    assert len(beats) == 1
    app.store.alerts.add_channel_state(replace(off, health=ChannelHealth.WORKS), now)
    now += timedelta(minutes=5)
    service.ring()
    service.beat()
    assert len(beats) == 2


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('clear_at = "1%"', 'clear_at = "3%"', "rules.0: clear_at 3% must be below"),
        ('cron = "0 ', 'cron = "0 0 ', "schedules.daily.cron"),
        ('kind = "webhook"', 'kind = "webhok"', "did you mean 'webhook'?"),
        ('model = "base-rate"', 'model = "base-rat"', "did you mean 'base-rate'?"),
    ],
)
def test_a_broken_edit_is_said_once_and_what_was_read_before_stands(
    desk: Desk, app: App, caplog: pytest.LogCaptureFixture, old: str, new: str, said: str
) -> None:
    service = Service(app, utc_now)
    desk.rewrite(old, new)
    for _ in range(3):
        service.reload()
    assert [said in record.message for record in caplog.records] == [True]
    assert service.app is app


def test_a_slot_that_fails_stops_no_other_and_is_said_once(
    desk: Desk, app: App, caplog: pytest.LogCaptureFixture
) -> None:
    desk.rewrite('cron = "0 ', 'questions = ["q-ghost"]\ncron = "0 ')
    desk.file.write_text(desk.file.read_text() + SECOND_SCHEDULE)
    now = utc_now()
    ghost = Question("q-ghost", "?", "harbour", "nothing-defined", now, now + timedelta(days=9))
    app.store.add_questions([ghost], now)
    with open_app(desk.folder) as edited:
        service = Service(edited, lambda: now)
        service.run_due()
        service.run_due()
    assert {r.schedule_id: r.status for r in app.store.runs()} == {
        "daily": "failed",
        "second": "done",
    }
    errors = [r.message for r in caplog.records if r.levelno == logging.ERROR]
    assert len(errors) == 1
    assert "definitions.nothing-defined" in errors[0]


def test_a_trouble_that_lasts_is_said_once_and_so_is_its_end(
    app: App, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "jobs")
    locker = sqlite3.connect(app.store.name, isolation_level=None)
    locker.execute("BEGIN IMMEDIATE")
    with open_store(app.watch.store_url, busy_timeout=0.01) as impatient:
        service = Service(App(app.watch, impatient), utc_now)
        service.run_due()
        service.run_due()
        locker.execute("ROLLBACK")
        locker.close()
        service.run_due()
    said = [record.message for record in caplog.records]
    assert [("is locked" in line, line.endswith("works again")) for line in said] == [
        (True, False),
        (False, False),
        (False, True),
    ]


def test_nothing_new_is_begun_once_it_is_asked_to_stop(app: App) -> None:
    service = Service(app, utc_now)
    service.stop.set()
    service.run_due()
    assert app.store.runs() == []
    Service(app, utc_now).run_due()
    service.send()
    assert {(d.status, d.attempts) for d in app.store.deliveries()} == {("due", 0)}


def test_worker_processes_answer_the_same_and_killed_they_cost_nothing_but_time(
    app: App, caplog: pytest.LogCaptureFixture
) -> None:
    now = utc_now()
    add_second_unit(app, now)
    tracks = tracks_of(app, app.store.questions(), [])
    works = [work for track in tracks if (work := prepare(app, track, Snapshots(app, now), {}))]
    service = Service(app, lambda: now, cores=2)
    answers = list(service.computing.infer(infer, works))
    pool = service.computing.pool
    assert pool is not None
    assert answers == [infer(work) for work in works]
    assert len(answers) == 2
    for process in pool._processes:
        os.kill(process, signal.SIGKILL)
    wait_for(lambda: pool._broken)
    service.run_due()
    service.close()
    assert [run.status for run in app.store.runs()] == ["done"]
    assert "worker process was killed" in caplog.text
    assert service.computing.pool is None


def test_one_track_is_computed_here(app: App) -> None:
    service = Service(app, utc_now, cores=2)
    service.run_due()
    assert service.computing.pool is None


def add_second_unit(app: App, now: datetime) -> None:
    ago, until = now - timedelta(days=40), now + timedelta(days=60)
    app.store.add_questions([Question("q-quay", "?", "quay", "strike", ago, until)], now)
    app.store.add_reports([Report("r-quay", "quay", "union.ballot", ago, ago)], now)


def minutely(app: App, more: str) -> App:
    """The app with a schedule that comes every minute."""
    file = app.watch.folder / "watch.toml"
    table = '[[schedules]]\nid = "often"\nevery = "1 minute"\nquestions = ["q-strike"]\n'
    file.write_text(f"{file.read_text()}\n{table}{more}\n")
    return App(load_watch(app.watch.folder), app.store)


def slots_of(app: App, schedule_id: str = "often") -> list[tuple[datetime, int]]:
    found = app.store.pages.runs(99, schedule_id=schedule_id)
    return [(run.slot, run.missed) for run in reversed(found)]


def test_each_missed_slot_is_run_as_of_its_own_moment_where_a_schedule_asks_for_it(
    app: App,
) -> None:
    app = minutely(app, 'catch_up = "all"')
    began = utc_now().replace(second=30)
    Service(app, lambda: began).run_due()
    Service(app, lambda: began + timedelta(minutes=3)).run_due()
    first = began.replace(second=0, microsecond=0)
    minutes = [first + timedelta(minutes=n) for n in range(4)]
    assert slots_of(app) == [(minute, 0) for minute in minutes]
    assert {e.as_of for e in app.store.estimates("q-strike")} >= set(minutes)


def test_a_schedule_of_a_group_updates_the_questions_of_the_group(app: App) -> None:
    now = utc_now()
    add_second_unit(app, now)
    app = minutely(app, 'units = ["quay"]\ndefinitions = ["str*"]')
    file = app.watch.folder / "watch.toml"
    file.write_text(file.read_text().replace('questions = ["q-strike"]', "").replace("daily", "d"))
    app = App(load_watch(app.watch.folder), app.store)
    app.store.schedules.keep([], now)
    Service(app, lambda: now, cores=1).run_due()
    [run] = app.store.pages.runs(9, schedule_id="often")
    assert run.detail.startswith("1 estimates")


def test_a_paused_schedule_skips_its_slots_and_goes_on_when_it_is_resumed(app: App) -> None:
    app = minutely(app, "")
    now = utc_now().replace(second=30)
    Service(app, lambda: now).run_due()
    assert app.store.schedules.pause("often", "ada", "drill", now)
    later = now + timedelta(minutes=5)
    Service(app, lambda: later).run_due()
    assert len(slots_of(app)) == 1
    assert app.store.schedules.resume("often", "ada", "", later)
    Service(app, lambda: later).run_due()
    assert len(slots_of(app)) == 1, "what it skipped is not made up for"
    Service(app, lambda: later + timedelta(minutes=2)).run_due()
    assert [missed for _, missed in slots_of(app)] == [0, 1]


def test_a_schedule_waits_for_its_own_run_wherever_that_is(app: App) -> None:
    app = minutely(app, "")
    now = utc_now().replace(second=30)
    Service(app, lambda: now).run_due()
    slot = now.replace(second=0, microsecond=0) + timedelta(minutes=1)
    fence = app.store.ledger.claim_run("often", slot, "elsewhere", now, LEASE)
    for minutes in (2, 3):
        Service(app, partial(add, now, timedelta(minutes=minutes))).run_due()
        assert len(slots_of(app)) == 2
    app.store.ledger.finish_run(RunClaim("often", slot, "elsewhere", fence), "done", "", now)
    Service(app, lambda: now + timedelta(minutes=4)).run_due()
    assert [missed for _, missed in slots_of(app)] == [0, 0, 2]


def test_what_schedules_there_are_and_when_they_come_next_is_written_down(app: App) -> None:
    app = minutely(app, "")
    now = utc_now().replace(second=30)
    moment = now
    service = Service(app, lambda: moment)
    service.run_due()
    rows = {row.schedule_id: row for row in app.store.schedules.listed()}
    assert sorted(rows) == ["daily", "often"]
    assert rows["often"].definition["every"] == "1 minute"
    slot = now.replace(second=0, microsecond=0) + timedelta(minutes=1)
    assert rows["often"].next_slot == slot
    moment = now + timedelta(minutes=1)
    service.run_due()
    often = {row.schedule_id: row for row in app.store.schedules.listed()}["often"]
    assert often.next_slot == slot + timedelta(minutes=1)


def test_news_is_taken_up_and_counted(desk: Desk, app: App) -> None:
    desk.rewrite("on_news = false", "on_news = true")
    now = utc_now() + timedelta(seconds=1)
    service = Service(App(load_watch(desk.folder), app.store), lambda: now)
    service.stir()
    assert (service.tally["units"], service.tally["estimates"]) == (1, 2)
    assert service.failure is None
    service.stir()
    assert service.tally["units"] == 1
