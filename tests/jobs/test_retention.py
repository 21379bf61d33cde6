"""Retention as a desk meets it: counted before it is done, once a day, and no score changes."""

import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from forecast.errors import ConfigError
from forecast.estimate import Estimate, Health, Interval
from forecast.retention_table import SUGGESTED
from forecast.store import Store
from forecast.thinning import Kind
from forecast.watch import Watch, parse_config
from jobs.app import App
from jobs.retention import RUN, last_slot, surplus, thin, thin_due
from jobs.serve import Service
from jobs.so_far import so_far
from tests.jobs.desk import make_desk
from tests.jobs.notice_desk import HOUR, NOW, WATCH, app_on

TABLE = '\n[retention]\nestimates = "7 days"\nruns = "30 days"\n'
FIRST = Estimate(
    "q", NOW, 0.3, Interval(0.1, 0.5), 0.002, Health.HEALTHY, "hazard", "m1", "R1", "d"
)


def a_month(store: Store) -> None:
    """An estimate every hour."""
    made = [replace(FIRST, as_of=NOW + n * HOUR, inputs_digest=str(n)) for n in range(1, 24 * 30)]
    store.record(estimates=made, recorded_at=NOW)


def retaining(app: App) -> App:
    return App(Watch(app.watch.folder, parse_config(WATCH + TABLE)), app.store)


def test_nothing_goes_unless_it_is_stated(store: Store, tmp_path: Path) -> None:
    app = app_on(store, tmp_path)
    a_month(store)
    late = NOW + timedelta(days=365)
    assert surplus(app, late) == thin(app, late) == thin_due(app, late, "me") == []
    assert len(store.estimates("q")) == 24 * 30 - 1


def test_what_goes_was_counted_before_and_no_score_changes(store: Store, tmp_path: Path) -> None:
    app = retaining(app_on(store, tmp_path))
    a_month(store)
    late = NOW + timedelta(days=35)
    before = so_far(app, late)
    assert len(before.scored) == 1
    counted = surplus(app, late)
    assert [one.kind for one in counted] == [Kind.ESTIMATES, Kind.RUNS]
    assert thin(app, late) == counted
    assert counted[0].rows > 500
    assert so_far(app, late) == before


def test_it_is_done_once_a_day_by_whoever_comes_first(store: Store, tmp_path: Path) -> None:
    app = retaining(app_on(store, tmp_path))
    a_month(store)
    late = last_slot(NOW + timedelta(days=35)) + HOUR
    assert thin_due(app, late, "one")[0].rows > 500
    a_month(store)  # what was thinned is there again
    assert thin_due(app, late, "two") == []
    assert thin_due(app, late + 22 * HOUR, "two") == []
    assert thin_due(app, late + 24 * HOUR, "two")[0].rows > 500
    (run, _) = store.runs()
    assert (run.schedule_id, run.owner, run.status) == (RUN, "two", "done")
    assert run.detail.endswith(" estimates went")


def test_a_service_does_it_by_itself(store: Store, tmp_path: Path) -> None:
    app = retaining(app_on(store, tmp_path))
    a_month(store)
    service = Service(app, lambda: NOW + timedelta(days=35))
    try:
        service.thin()
        assert service.failure is None
    finally:
        service.close()
    assert len(store.estimates("q")) < 100
    assert [run.schedule_id for run in store.runs()] == [RUN]


def test_a_length_that_updates_still_read_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"retention.estimates: '3 days' is less than 7 days"):
        parse_config(WATCH + TABLE.replace("7 days", "3 days"))


def test_the_suggested_table_can_be_pasted_as_it_is_shown(tmp_path: Path) -> None:
    desk = make_desk(tmp_path)
    shown = desk.run("retention").stdout.splitlines()
    table = "\n[retention]\n" + "\n".join(shown[1:]) + "\n"
    assert len(shown) == 1 + len(SUGGESTED)
    desk.file.write_text(desk.file.read_text() + table)
    told = desk.run("retention")
    assert len(told.stdout.splitlines()) == len(Kind)
    assert "nothing was taken away; --apply does it" in told.stderr
    applied = json.loads(desk.run("retention", "--apply", "--json").stdout)
    assert applied["applied"] is True
    assert {one["kind"] for one in applied["kinds"]} == set(Kind)
