"""`tocsin serve` as a process of its own: real signals, a real receiver, kills in the middle."""

import signal
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path

from alerts.testing import Answer, Receiver
from forecast.access import Request, RequestStatus
from forecast.clock import utc_now
from tests.jobs.desk import PATIENCE, SECRET, Desk, make_desk, wait_for


@contextmanager
def serving(desk: Desk, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    process = desk.start("serve", *arguments)
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def stop(process: subprocess.Popen[str], number: int = signal.SIGTERM) -> str:
    """Ask it to stop; what it logged."""
    process.send_signal(number)
    _, log = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0, log
    return log


def next_line(process: subprocess.Popen[str]) -> str:
    """The next line of its log."""
    assert process.stderr is not None
    return process.stderr.readline()


def rings(receiver: Receiver) -> list[str]:
    return [request.json()["data"]["question"]["id"] for request in receiver.received]


def statuses(desk: Desk) -> list[tuple[str, int]]:
    with desk.store() as store:
        return [(run.status, run.attempts) for run in store.runs()]


def test_a_due_slot_rings_once_and_a_restart_rings_no_second_time(tmp_path: Path) -> None:
    with Receiver(SECRET) as receiver:
        desk = make_desk(tmp_path, url=receiver.webhook_url)
        with serving(desk) as process:
            wait_for(lambda: len(receiver.received) == 2)
            log = stop(process)
        assert sorted(rings(receiver)) == ["q-long", "q-strike"]
        assert "serving 'Harbour desk': 1 schedule, 1 channel; next slot daily at 20" in log
        assert "2 estimates, 2 notices" in log
        assert log.endswith("stopped\n")
        with serving(desk) as process:
            wait_for(lambda: "serving" in next_line(process))
            stop(process, signal.SIGINT)
        assert len(receiver.received) == 2
    assert statuses(desk) == [("done", 1)]


def test_a_stop_that_comes_while_it_starts_is_a_stop(tmp_path: Path) -> None:
    desk = make_desk(tmp_path, PYTHONVERBOSE="1")  # it says what it imports, as it does
    with serving(desk) as process:
        assert process.stderr is not None
        assert any("import 'jobs.app'" in line for line in process.stderr)
        assert "stopped\n" in stop(process)
    assert statuses(desk) == []


def test_two_services_on_one_store_run_each_slot_once(tmp_path: Path) -> None:
    with Receiver(SECRET) as receiver:
        desk = make_desk(tmp_path, url=receiver.webhook_url)
        with serving(desk) as one, serving(desk) as other:
            wait_for(lambda: len(receiver.received) == 2)
            logs = stop(one) + stop(other)
        assert len(receiver.received) == 2
    assert logs.count("2 estimates") == 1
    assert statuses(desk) == [("done", 1)]


def test_a_run_killed_in_its_middle_is_run_again_when_its_lease_is_over(tmp_path: Path) -> None:
    with Receiver(SECRET) as receiver:
        desk = make_desk(tmp_path, url=receiver.webhook_url, model="hazard")
        with serving(desk, "--lease", "1") as process:
            wait_for(lambda: statuses(desk))
            process.kill()
        assert statuses(desk) == [("running", 1)]
        assert receiver.received == ()
        with serving(desk, "--lease", "60") as process:
            wait_for(lambda: len(receiver.received) == 2)
            stop(process)
    assert statuses(desk) == [("done", 2)]


def test_a_stop_waits_for_the_message_that_is_on_its_way(tmp_path: Path) -> None:
    slow = [Answer(body=b"slow" * 3, drip_seconds=0.1)] * 2
    with Receiver(SECRET, script=slow) as receiver:
        desk = make_desk(tmp_path, url=receiver.webhook_url)
        with serving(desk) as process:
            wait_for(lambda: receiver.received)
            stop(process)
    with desk.store() as store:
        assert sorted(d.status for d in store.deliveries()) == ["delivered", "due"]


def test_once_runs_what_is_due_sends_and_leaves(tmp_path: Path) -> None:
    with Receiver(SECRET) as receiver:
        desk = make_desk(tmp_path, url=receiver.webhook_url)
        result = desk.run("serve", "--once", "--json")
        assert result.returncode == 0, result.stderr
        assert len(receiver.received) == 2
    assert '"slots": 1' in result.stdout
    assert '"sent": 2' in result.stdout


def test_once_tells_by_its_exit_code_that_a_slot_failed(tmp_path: Path) -> None:
    desk = make_desk(tmp_path)
    desk.rewrite("[definitions.strike]", "[definitions.walkout]")
    desk.rewrite('within = "strike"', 'within = "walkout"')
    result = desk.run("serve", "--once")
    assert result.returncode == 2
    assert result.stderr.count("question 'q-strike' asks for it, but it is not defined") == 1
    assert "Traceback" not in result.stderr
    assert statuses(desk) == [("failed", 1)]


def test_what_cannot_work_is_said_before_anything_runs(tmp_path: Path) -> None:
    desk = make_desk(tmp_path)
    desk.rewrite('cron = "0 ', 'cron = "0 99 ')
    result = desk.run("serve")
    assert result.returncode == 2
    assert "schedules.daily.cron" in result.stderr.splitlines()[-1]
    assert statuses(desk) == []


def test_a_channel_whose_secret_is_not_set_is_named_and_all_else_runs(tmp_path: Path) -> None:
    desk = make_desk(tmp_path, DESK_SECRET="")
    result = desk.run("serve", "--once")
    assert "channels.desk.secret: the environment variable DESK_SECRET" in result.stderr
    assert "its messages wait" in result.stderr
    assert statuses(desk) == [("done", 1)]
    with desk.store() as store:
        assert {d.status for d in store.deliveries()} == {"due"}


def test_a_locked_store_is_one_line_and_the_slot_runs_when_it_is_free(tmp_path: Path) -> None:
    with Receiver(SECRET) as receiver:
        desk = make_desk(tmp_path, url=receiver.webhook_url)
        locker = sqlite3.connect(tmp_path / "tocsin.db", isolation_level=None)
        locker.execute("BEGIN IMMEDIATE")
        with serving(desk) as process:
            wait_for(lambda: "locked by another process" in next_line(process))
            locker.execute("ROLLBACK")
            locker.close()
            wait_for(lambda: len(receiver.received) == 2)
            log = stop(process)
    assert "works again" in log
    assert "locked" not in log
    assert statuses(desk) == [("done", 1)]


def test_an_abandoned_run_waits_until_its_lease_is_over(tmp_path: Path) -> None:
    desk = make_desk(tmp_path)
    slot = utc_now() - timedelta(minutes=5)
    with desk.store() as store:
        assert store.ledger.claim_run("daily", slot, "gone:1", utc_now(), timedelta(hours=1))
    assert desk.run("serve", "--once").returncode == 0
    assert statuses(desk) == [("running", 1)]


def tell(desk: Desk, name: str = "news") -> None:
    """A report that comes in now."""
    row = f"report_id,unit,tag,known_at\n{name},harbour,union.ballot,{utc_now().isoformat()}\n"
    result = desk.run("ingest", "-", stdin=row)
    assert result.returncode == 0, result.stderr


def moments(desk: Desk) -> list[datetime]:
    with desk.store() as store:
        return [e.as_of for e in store.estimates("q-strike")]


def test_a_report_that_comes_in_is_in_the_next_estimate_at_once(tmp_path: Path) -> None:
    desk = make_desk(tmp_path, news=True)
    with serving(desk) as process:
        wait_for(lambda: statuses(desk) == [("done", 1)])
        before = len(moments(desk))
        wait_for(lambda: "news of 1 unit" in next_line(process))
        tell(desk)
        wait_for(lambda: len(moments(desk)) > before)
        log = stop(process)
    assert "news of 1 unit: 2 estimates" in log
    with desk.store() as store:
        assert store.due_units.counts(utc_now()).due == 0


def test_news_of_one_who_was_killed_over_it_is_taken_up_by_another(tmp_path: Path) -> None:
    desk = make_desk(tmp_path, model="hazard", news=True)
    desk.rewrite('cron = "0', 'kind = "audit"\nquestions = ["none"]\ncron = "0')

    def held() -> int:
        with desk.store() as store:
            return store.due_units.counts(utc_now()).held

    with serving(desk, "--lease", "2") as process:
        wait_for(held)
        process.kill()
    assert moments(desk) == []
    with serving(desk, "--lease", "60") as process:
        wait_for(lambda: moments(desk))
        stop(process)


def test_a_stop_ends_what_is_being_updated_and_leaves_nothing_held(tmp_path: Path) -> None:
    with Receiver(SECRET) as receiver:
        desk = make_desk(tmp_path, url=receiver.webhook_url, model="hazard")
        with serving(desk) as process:
            wait_for(lambda: statuses(desk))
            log = stop(process)
    assert log.endswith("stopped\n")
    assert statuses(desk) == [("done", 1)]
    with desk.store() as store:
        assert {d.status for d in store.deliveries()} <= {"due", "delivered"}


def test_what_was_asked_for_is_done_while_it_serves_be_it_quick_or_long(tmp_path: Path) -> None:
    desk = make_desk(tmp_path)
    asked = {"pause_schedule": {"schedule": "daily", "reason": "a holiday"}, "update": {}}
    with desk.store() as store:
        for kind, arguments in asked.items():
            store.access.ask(Request(kind, kind, arguments, "ada", utc_now()))

    def done() -> list[str]:
        with desk.store() as store:
            found = [store.access.request(kind) for kind in asked]
        return [one.kind for one in found if one and one.status is RequestStatus.DONE]

    with serving(desk) as process:
        wait_for(lambda: done() == list(asked))
        stop(process)
