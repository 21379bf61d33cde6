"""`tocsin doctor`: what is well, what is not, and how to mend it."""

import json
import os
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from alerts.testing import Answer, Receiver
from forecast.alert import Delivery
from forecast.clock import utc_now
from forecast.prior import PriorVersion
from forecast.question import Question
from jobs.doctor import examine
from jobs.doctor.store import file_system
from jobs.findings import Level
from tests.command import run
from tests.jobs.desk import SECRET, Desk, make_desk


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver(SECRET) as opened:
        yield opened


@pytest.fixture
def desk(tmp_path: Path, receiver: Receiver) -> Desk:
    return make_desk(tmp_path, url=receiver.webhook_url)


def found(desk: Desk, *arguments: str, code: int, process: bool = False) -> dict[str, Any]:
    """The findings by name."""
    result = desk.run("doctor", "--json", *arguments, process=process)
    assert result.returncode == code, result.stdout + result.stderr
    body = json.loads(result.stdout)
    assert body["ok"] is (code == 0)
    return {check["name"]: check for check in body["checks"]}


def test_a_sound_desk_passes_without_a_message_being_sent(desk: Desk, receiver: Receiver) -> None:
    findings = found(desk, code=0)
    well = {name for name, check in findings.items() if check["level"] == "ok"}
    assert well >= {
        *("python", "packages", "watch.toml", "definition strike", "schedule daily"),
        *("tocsin.channels", "tocsin.models", "store schema", "store integrity", "clock"),
        *("questions", "channel desk"),
    }
    assert all(check["mend"] for check in findings.values() if check["level"] != "ok")
    assert findings["schedule daily"]["detail"].startswith("next slot 20")
    assert receiver.received == ()


def test_each_finding_is_a_line_with_what_to_do(desk: Desk) -> None:
    desk.rewrite("[definitions.long-strike]", "[definitions.longer-strike]")
    result = desk.run("doctor")
    assert result.returncode == 1
    assert result.stderr == ""
    (line,) = [line for line in result.stdout.splitlines() if line.startswith("fail")]
    assert line == (
        "fail  question q-long: asks for 'long-strike', which is not defined"
        " -> add [definitions.long-strike], or correct the question"
    )


@pytest.mark.parametrize(
    ("old", "new", "name", "said"),
    [
        ('clear_at = "1%"', 'clear_at = "3%"', "watch.toml", "must be below fire_at"),
        ('cron = "0 ', 'cron = "99 ', "schedule daily", "schedules.daily.cron"),
        ('model = "base-rate"', 'model = "base"', "definition strike", "no model family 'base'"),
        ('share = "20%..60%"', 'share = "10%..99.9999999%, 50% sure"', "definition strike", "Beta"),
        ("env:DESK_URL", "env:GONE", "channel desk", "variable GONE is not set"),
        ('kind = "webhook"', 'kind = "pigeon"', "channel desk", "no kind of channel 'pigeon'"),
        ('title = "Harbour desk"', 'title = "x"\nstore = "no/where.db"', "store", "does not exist"),
    ],
)
def test_what_is_wrong_fails_by_name(desk: Desk, old: str, new: str, name: str, said: str) -> None:
    desk.rewrite(old, new)
    finding = found(desk, code=1)[name]
    assert finding["level"] == "fail"
    assert said in finding["detail"]
    assert SECRET not in json.dumps(finding)


def test_what_may_be_meant_is_a_warning(desk: Desk) -> None:
    text = desk.file.read_text()
    desk.file.write_text(text[: text.index("[[channels]]")])
    (desk.folder / "tocsin.db").unlink()
    findings = found(desk, code=0)
    warned = {name for name, check in findings.items() if check["level"] == "warn"}
    assert warned >= {"schedules", "channels", "store"}
    assert not (desk.folder / "tocsin.db").exists()


def test_rules_that_nobody_hears_quiet_hours_of_nobody_and_messages_for_nobody_are_warned_of(
    desk: Desk,
) -> None:
    desk.rewrite("env:DESK_SECRET", "env:TOCSIN_NOT_SET_IN_TESTS")
    desk.rewrite(
        '[[subscriptions]]\nchannel = "desk"\n',
        '[[subscriptions]]\nchannel = "desk"\nrules = ["likely"]\n\n'
        '[[quiet]]\nid = "night"\nfrom = "22:00"\nto = "06:00"\nchannels = ["dusk"]\n',
    )
    now = utc_now()
    old = [Delivery(f"msg_{n}", "old", "firing", now, now) for n in range(2)]
    with desk.store() as store:
        store.record(deliveries=old, recorded_at=now)
    findings = {f.name: f for f in examine(desk.folder, now)}
    deaf = findings["rules"]
    assert deaf.level is Level.WARN
    assert deaf.detail == "model-unhealthy, channel-unhealthy ring on no channel"
    assert deaf.mend == (
        "`tocsin alerts subscribe desk --rules model-unhealthy --rules channel-unhealthy`"
    )
    assert findings["quiet night"].detail == "no channel fits 'dusk'"
    assert findings["channel old"].detail == "2 messages wait for 'old', which is not in watch.toml"
    assert findings["channel desk"].mend == "`export TOCSIN_NOT_SET_IN_TESTS=...`"


def test_a_schedule_that_never_comes_is_a_warning(desk: Desk) -> None:
    desk.rewrite(" * * *", " 30 2 *")
    assert found(desk, code=0)["schedule daily"]["level"] == "warn"


def test_a_folder_without_a_watch_fails(tmp_path: Path) -> None:
    result = run("doctor", folder=tmp_path)
    assert result.returncode == 1
    assert "fail  watch.toml: " in result.stdout


def test_a_clock_behind_the_records_is_seen(desk: Desk) -> None:
    now = utc_now()
    with desk.store() as store:
        version = PriorVersion("strike", 1, now, "ada", "first version", {})
        store.add_prior_version(version)

    def clock_at(moment: timedelta) -> Level:
        findings = examine(desk.folder, now + moment)
        return next(finding.level for finding in findings if finding.name == "clock")

    assert clock_at(timedelta(0)) is Level.OK
    assert clock_at(timedelta(hours=-1)) is Level.FAIL


def test_a_cache_that_cannot_be_kept_is_a_warning_and_one_that_cannot_be_written_fails(
    desk: Desk,
) -> None:
    no_folder = str(desk.file)
    desk.environment.update(TOCSIN_CACHE=no_folder, XDG_CACHE_HOME=no_folder)
    assert found(desk, code=0, process=True)["cache"]["level"] == "warn"
    desk.environment["PYTENSOR_FLAGS"] = f"base_compiledir={no_folder}"
    assert found(desk, code=1, process=True)["cache"]["level"] == "fail"


def test_a_file_of_the_store_that_is_none_fails(desk: Desk) -> None:
    (desk.folder / "tocsin.db").write_bytes(b"not a database at all" * 100)
    assert "is not a database" in found(desk, code=1)["store"]["detail"]


def test_with_send_a_message_goes_to_each_channel(desk: Desk, receiver: Receiver) -> None:
    assert found(desk, "--send", code=0)["channel desk"]["detail"] == "took a trial message"
    assert [request.json()["type"] for request in receiver.received] == ["tocsin.alert.test"]


def test_with_send_a_channel_that_does_not_take_it_fails(tmp_path: Path) -> None:
    with Receiver(SECRET, script=[Answer(503)]) as receiver:
        desk = make_desk(tmp_path, url=receiver.webhook_url)
        finding = found(desk, "--send", code=1)["channel desk"]
    assert finding["detail"] == "channels.desk: the receiver answered 503"


def test_a_package_of_the_same_name_is_seen(tmp_path: Path) -> None:
    (tmp_path / "alerts").mkdir()
    (tmp_path / "alerts" / "__init__.py").touch()
    environment = os.environ | {"PYTHONPATH": str(tmp_path)}
    result = run("doctor", folder=tmp_path, environment=environment, process=True)
    assert result.returncode == 1, result.stderr
    assert result.stdout.startswith(f"fail  packages: 'alerts' is not ours but {tmp_path}")
    assert result.stdout.count("\n") == 1


def test_questions_of_several_undefined_kinds_are_each_named(desk: Desk) -> None:
    now = utc_now()
    with desk.store() as store:
        for kind in ("flood", "fire"):
            later = now + timedelta(days=9)
            store.add_questions([Question(f"q-{kind}", "?", "harbour", kind, now, later)], now)
    names = {name for name, check in found(desk, code=1).items() if check["level"] == "fail"}
    assert names == {"question q-flood", "question q-fire"}


def test_a_store_on_a_file_system_of_the_network_is_a_warning(tmp_path: Path) -> None:
    mounts = tmp_path / "mounts"
    mounts.write_text(f"disk / ext4 rw 0 0\nserver:/export {tmp_path}/far nfs4 rw 0 0\n")
    (tmp_path / "far").mkdir()
    [finding] = file_system(tmp_path / "far" / "tocsin.db", mounts)
    assert (finding.level, "nfs4" in finding.detail) == (Level.WARN, True)
    assert list(file_system(tmp_path / "tocsin.db", mounts)) == []
