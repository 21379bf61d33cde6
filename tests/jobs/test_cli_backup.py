"""Backup and restore from the command line, beside a service and back onto a desk."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from forecast.errors import UsageError
from jobs.backup import backups_in, last_backup, make_backup
from tests.jobs.desk import Desk, make_desk

NOW = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return make_desk(tmp_path)


def test_a_desk_is_backed_up_lost_and_restored(desk: Desk, tmp_path: Path) -> None:
    (tmp_path / "safe").mkdir()
    said = desk.run("backup", "safe")
    assert said.returncode == 0, said.stderr
    (file,) = backups_in(tmp_path / "safe")
    assert said.stdout.startswith(f"safe/{file.name}: SQLite, schema ")
    noted = last_backup(tmp_path)
    assert noted is not None
    assert noted[1] == str(file)
    for path in tmp_path.glob("tocsin.db*"):
        path.unlink()
    back = desk.run("restore", str(file))
    assert back.returncode == 0, back.stderr
    assert back.stderr == ""
    with desk.store() as store:
        assert len(store.questions()) == 2


def test_a_restore_that_would_overwrite_is_refused_and_says_how(desk: Desk, tmp_path: Path) -> None:
    assert desk.run("backup", "b.db").returncode == 0
    refused = desk.run("restore", "b.db")
    assert refused.returncode == 2
    assert "holds a store with 5 facts; --force puts it aside and keeps it" in refused.stderr
    assert refused.stderr.count("\n") == 1
    forced = desk.run("restore", "b.db", "--force", "--json")
    beside = json.loads(forced.stdout)["beside"]
    assert f"what was there is kept as {beside}" in forced.stderr
    assert Path(beside).stat().st_size > 0


def test_a_backup_can_be_tried_elsewhere(desk: Desk, tmp_path: Path) -> None:
    told = json.loads(desk.run("backup", "b.db", "--json").stdout)
    assert told["rows"]["question"] == 2
    found = json.loads(desk.run("restore", "b.db", "--into", "trial.db", "--json").stdout)
    assert found["store"] == str(tmp_path / "trial.db")
    assert found["rows"] == sum(told["rows"].values())
    assert (found["findings"], found["beside"]) == ([], "")


def test_of_a_folder_the_newest_are_kept_and_nothing_that_is_not_ours_is_touched(
    sqlite_url: str, tmp_path: Path
) -> None:
    (tmp_path / "tocsin-notes.db").touch()
    for day in range(4):
        make_backup(sqlite_url, tmp_path, NOW + timedelta(days=day), keep=2)
    assert [path.name for path in backups_in(tmp_path)] == [
        "tocsin-20260104T000000Z.db",
        "tocsin-20260103T000000Z.db",
    ]
    assert (tmp_path / "tocsin-notes.db").exists()
    with pytest.raises(UsageError, match="counts the backups of a folder"):
        make_backup(sqlite_url, tmp_path / "one.db", NOW, keep=2)
