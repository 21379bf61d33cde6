"""What the examination finds: each with how to mend it."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from forecast.access import Scope, Token
from forecast.evidence import Report
from forecast.source import SourceState
from forecast.source_table import SourceTable
from forecast.store import Store, open_store
from forecast.store.backup import back_up
from forecast.store.runs import RunClaim
from forecast.watch import Watch, parse_config
from jobs.backup import note_backup
from jobs.doctor import examine
from jobs.doctor.folders import disk, watch_folder
from jobs.doctor.program import owners, shadows
from jobs.doctor.service import LATE, service, source
from jobs.doctor.store import server_skew
from jobs.doctor.store import store as store_findings
from jobs.findings import Finding, Level
from jobs.schedules import told
from tests.jobs.notice_desk import WATCH

NOW = datetime(2026, 1, 10, 12, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
DAILY = '\n[[schedules]]\nid = "daily"\ncron = "0 6 * * *"\n'
FEED = SourceTable(id="feed", kind="rss", url="https://h.example/rss", expected_gap="2 days")
STATE = SourceState("feed", NOW - 9 * DAY, NOW, succeeded_at=NOW, brought_at=NOW)


def named(findings: Iterable[Finding], name: str) -> Finding:
    """The one finding of a name; all that is not well says how to mend it."""
    found = list(findings)
    assert [one for one in found if one.level is not Level.OK and not one.mend] == []
    (only,) = [one for one in found if one.name == name]
    return only


def watch_in(folder: Path, more: str = "") -> Watch:
    (folder / "watch.toml").write_text(WATCH + more)
    return Watch(folder, parse_config(WATCH + more))


# The program


def test_a_file_of_the_user_with_the_name_of_ours_is_warned_of(tmp_path: Path) -> None:
    assert list(shadows(tmp_path)) == []
    (tmp_path / "models.py").touch()
    (tmp_path / "jobs").mkdir()
    (tmp_path / "jobs" / "__init__.py").touch()
    assert {one.name for one in shadows(tmp_path)} == {"module models", "module jobs"}
    finding = named(shadows(tmp_path), "module models")
    assert (finding.level, f"rename {tmp_path}" in finding.mend) == (Level.WARN, True)


def test_two_distributions_that_own_a_package_of_ours_fail(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("tocsin", "stranger"):
        info = tmp_path / f"{name}-9.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 9\n")
        (info / "top_level.txt").write_text("alerts\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    finding = named(owners(), "packages")
    assert finding.level is Level.FAIL
    assert finding.detail == "'alerts' is installed by stranger and tocsin"
    assert "`pip uninstall stranger`" in finding.mend


# Folders and files


def test_little_room_on_the_disk_is_a_warning_and_hardly_any_a_failure(tmp_path: Path) -> None:
    rooms = (10_000_000_000, 1_000_000_000, 1_000_000)
    levels = [disk(tmp_path, room).level for room in rooms]
    assert levels == [Level.OK, Level.WARN, Level.FAIL]
    assert disk(tmp_path).detail.endswith(f"GB are free at {tmp_path}")


def test_a_secret_that_others_may_read_is_warned_of(tmp_path: Path) -> None:
    secret = tmp_path / "hook"
    secret.write_text("https://hooks.example/CANARY")
    watch = watch_in(tmp_path, f'[heartbeat]\nurl = "file:{secret}"\n')
    secret.chmod(0o600)
    assert "secret" not in {one.name for one in watch_folder(watch, NOW)}
    secret.chmod(0o644)
    finding = named(watch_folder(watch, NOW), "secret")
    assert (finding.level, finding.mend) == (Level.WARN, f"`chmod 600 {secret}`")
    assert "CANARY" not in finding.detail


def test_a_backup_that_is_missing_or_old_is_warned_of(tmp_path: Path, sqlite_url: str) -> None:
    watch = watch_in(tmp_path)
    assert named(watch_folder(watch, NOW), "backup").level is Level.WARN
    note_backup(tmp_path, back_up(sqlite_url, tmp_path / "b.db"), NOW)
    assert named(watch_folder(watch, NOW + DAY), "backup").level is Level.OK
    old = named(watch_folder(watch, NOW + 9 * DAY), "backup")
    assert (old.level, "9 days old" in old.detail) == (Level.WARN, True)


# The store


def test_clocks_that_differ_fail_and_those_that_agree_do_not(postgres_url: str) -> None:
    second = timedelta(seconds=1)
    assert server_skew(NOW, NOW + second, NOW + 2 * second).level is Level.OK
    for wrong in (NOW - 10 * second, NOW + 10 * second):
        finding = server_skew(NOW, wrong, NOW)
        assert (finding.level, "by 10 s" in finding.detail) == (Level.FAIL, True)
        assert "NTP" in finding.mend
    watch = Watch(
        Path(), parse_config(WATCH.replace("[units", f'store = "{postgres_url}"\n[units'))
    )
    assert named(store_findings(watch, NOW), "server clock").level is Level.OK


def test_a_store_of_an_older_schema_is_backed_up_and_then_upgraded(tmp_path: Path) -> None:
    from alembic import command

    from forecast.store.database import Database, parse_url
    from forecast.store.migrate import migration_config

    old = Database(parse_url(f"sqlite:///{tmp_path / 'tocsin.db'}"), busy_timeout=1)
    old.write(lambda connection: command.upgrade(migration_config(connection), "0007"))
    old.close()
    finding = named(store_findings(watch_in(tmp_path), NOW), "store")
    assert (finding.level, "older schema 0007" in finding.detail) == (Level.FAIL, True)
    assert finding.mend.startswith("`tocsin backup FILE` first")


# The service


def test_a_slot_that_nobody_runs_is_warned_of(store: Store) -> None:
    config = parse_config(WATCH + DAILY)
    store.schedules.keep(list(told(config, NOW - 2 * DAY)), NOW - 2 * DAY)
    finding = named(service(store, config, NOW), "service")
    assert finding.level is Level.WARN
    assert "daily since 2026-01-10T06:00:00Z" in finding.detail
    fence = store.ledger.claim_run("daily", NOW - 6 * HOUR, "me", NOW, HOUR)
    assert store.ledger.finish_run(RunClaim("daily", NOW - 6 * HOUR, "me", fence), "done", "", NOW)
    assert named(service(store, config, NOW), "service").level is Level.OK


def test_runs_that_failed_or_were_left_are_warned_of_until_one_goes_well(store: Store) -> None:
    config = parse_config(WATCH)

    def run(schedule: str, slot: datetime, status: str) -> None:
        fence = store.ledger.claim_run(schedule, slot, "host:1", slot, HOUR)
        if status:
            claim = RunClaim(schedule, slot, "host:1", fence)
            store.ledger.finish_run(claim, status, "it broke", slot)

    run("daily", NOW - 3 * DAY, "failed")
    run("left", NOW - 2 * HOUR, "")
    failed = named(service(store, config, NOW), "run daily")
    assert (failed.level, "failed: it broke" in failed.detail) == (Level.WARN, True)
    assert "host:1, which died" in named(service(store, config, NOW), "run left").detail
    run("daily", NOW - 2 * DAY, "done")
    assert "run daily" not in {one.name for one in service(store, config, NOW)}


def test_news_that_waits_is_warned_of(store: Store) -> None:
    config = parse_config(WATCH)
    store.add_reports([Report("r", "harbour", "union.ballot", NOW, NOW)], NOW)
    assert "news" not in {one.name for one in service(store, config, NOW + LATE / 2)}
    finding = named(service(store, config, NOW + 2 * LATE), "news")
    assert finding.detail == "1 units wait for an update, the first since 2026-01-10T12:00:00Z"


def test_a_silent_source_and_a_broken_one_differ() -> None:
    assert source(FEED, None, NOW).level is Level.OK
    assert source(FEED, STATE, NOW).level is Level.OK
    silent = source(FEED, STATE, NOW + 3 * DAY)
    assert (silent.level, "nothing new" in silent.detail) == (Level.WARN, True)
    broken = source(FEED, replace(STATE, failures=3, reason="404", failed_at=NOW), NOW)
    assert (broken.level, broken.detail) == (Level.FAIL, "failed 3 times in a row: 404")
    off = source(FEED, replace(STATE, is_off=True, author="ada", why_off="noise"), NOW)
    assert (off.level, off.mend) == (Level.WARN, "`tocsin sources enable feed`")


def test_a_token_that_ends_soon_is_warned_of_and_one_that_nobody_misses_is_not(
    store: Store,
) -> None:
    made = Token("1", "desk", Scope.READ, "d1", "ada", NOW - 99 * DAY, NOW + 3 * DAY)
    gone = replace(made, token_id="2", name="old", digest="d2", expires_at=NOW - 60 * DAY)
    for token in (made, gone):
        store.access.add_token(token)
    tokens = [f for f in service(store, parse_config(WATCH), NOW) if f.name.startswith("token")]
    assert [(one.name, one.level) for one in tokens] == [("token desk", Level.WARN)]
    assert "tocsin tokens create" in tokens[0].mend


def test_everything_that_is_not_well_says_how_to_mend_it(tmp_path: Path) -> None:
    watch_in(tmp_path, DAILY)
    with open_store(f"sqlite:///{tmp_path / 'tocsin.db'}"):
        found = list(examine(tmp_path, NOW, warm=True))
    assert len(found) > 15
    assert [one.name for one in found if one.level is not Level.OK and not one.mend] == []
    assert named(found, "compiled").detail.startswith("in ")
