"""`tocsin schedules` and `tocsin runs`, as people type them."""

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from forecast.clock import utc_now
from forecast.errors import HeldError, UsageError
from jobs.cli import tocsin
from jobs.slots import LEASE
from tests.jobs.desk import Desk, make_desk


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return make_desk(tmp_path)


def typed(desk: Desk, *arguments: str) -> Result:
    """What a command comes to, run in this process."""
    environment = desk.environment | {"TOCSIN_WATCH": str(desk.folder)}
    return CliRunner(env=environment).invoke(tocsin, arguments)


def said(desk: Desk, *arguments: str) -> str:
    result = typed(desk, *arguments)
    assert result.exit_code == 0, result.exception
    return result.stdout


def answer(desk: Desk, *arguments: str) -> dict[str, Any]:
    body: dict[str, Any] = json.loads(said(desk, *arguments, "--json"))
    assert body.pop("schema_version") == 1
    return body


def test_a_schedule_from_its_first_run_to_a_pause_and_back(desk: Desk) -> None:
    [daily] = answer(desk, "schedules")["schedules"]
    assert (daily["state"], daily["last_slot"], daily["missed"]) == ("due", None, 0)
    done = answer(desk, "schedules", "run", "daily")
    assert (done["estimates"], done["notices"], done["failures"]) == (2, 2, [])
    answer(desk, "schedules", "pause", "daily", "--reason", "holidays")
    listed = said(desk, "schedules", "list")
    assert "paused" in listed
    assert "daily is paused by ada since 20" in listed
    assert listed.splitlines()[-2].endswith(": holidays")
    [run] = answer(desk, "runs")["runs"]
    assert (run["status"], run["detail"]) == ("done", "2 estimates, 2 notices")
    assert run["seconds"] >= 0
    resumed = answer(desk, "schedules", "resume", "daily")
    assert (resumed["changed"], resumed["author"]) == (True, "ada")
    assert said(desk, "schedules", "resume", "daily") == "daily was resumed already\n"
    [daily] = answer(desk, "schedules")["schedules"]
    assert (daily["state"], daily["last_status"]) == ("waiting", "done")


def test_a_paused_schedule_can_be_run_by_hand(desk: Desk) -> None:
    said(desk, "schedules", "pause", "daily")
    assert said(desk, "schedules", "run", "daily") == "daily: 2 estimates, 2 notices\n"
    [daily] = answer(desk, "schedules")["schedules"]
    assert (daily["state"], daily["next_slot"], daily["last_status"]) == ("paused", None, "done")


def test_units_with_news_are_counted(desk: Desk) -> None:
    assert said(desk, "schedules").endswith("units with news: updates on news are off\n")
    desk.rewrite("on_news = false", "on_news = true")
    assert said(desk, "schedules").endswith("units with news: 1 due, 0 failing\n")
    news = answer(desk, "schedules")["news"]
    assert (news["on"], news["units"]["due"]) == (True, 1)
    assert news["oldest"] is not None


def test_runs_are_told_by_schedule_and_status(desk: Desk) -> None:
    assert said(desk, "runs") == "nothing has run yet\n"
    now = utc_now()
    with desk.store() as store:
        store.ledger.claim_run("daily", now, "elsewhere:1", now, LEASE, missed=7)
    running = said(desk, "runs", "--schedule", "daily")
    assert "running" in running
    assert "elsewhere:1" in running
    assert answer(desk, "runs", "--status", "failed") == {"runs": []}
    assert said(desk, "runs", "--schedule", "weekly") == "no run fits\n"
    [run] = answer(desk, "runs", "--status", "running", "--limit", "1")["runs"]
    assert (run["missed"], run["finished_at"], run["seconds"]) == (7, None, None)


def test_a_run_beside_another_is_refused(desk: Desk) -> None:
    now = utc_now()
    with desk.store() as store:
        store.ledger.claim_run("daily", now, "elsewhere:1", now, LEASE)
    error = typed(desk, "schedules", "run", "daily").exception
    assert isinstance(error, HeldError)
    assert str(error) == "schedules.daily: a run of it is under way; wait for its end"


@pytest.mark.parametrize("command", ["pause", "resume", "run"])
def test_what_there_is_not_is_named_with_what_is_near(desk: Desk, command: str) -> None:
    error = typed(desk, "schedules", command, "dayly").exception
    assert isinstance(error, UsageError)
    assert error.message == "there is no schedule 'dayly' in watch.toml; did you mean 'daily'?"


def test_options_that_stand_before_the_command_are_not_lost_silently(desk: Desk) -> None:
    error = typed(desk, "schedules", "--json", "list").exception
    assert isinstance(error, UsageError)
    assert error.message == "options go after the command `list`"
