"""The heartbeat: heard while all is well, missed soon when it is not, and never a danger itself."""

import logging
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from alerts.api import Reply
from alerts.heartbeat import Heartbeat
from alerts.testing import Answer, Received, Receiver
from forecast import alert_tables
from forecast.errors import OutsideError

START = datetime(2025, 11, 17, 10, tzinfo=UTC)
EVERY = timedelta(minutes=5)
TICK = timedelta(seconds=1)

MakeTable = Callable[[str], alert_tables.Heartbeat]


class DeadMan:
    """Somebody outside who alarms when no call came for two intervals."""

    def __init__(self) -> None:
        self.now, self.calls, self.alarms = START, [START], list[datetime]()

    def answer(self, _: Received) -> Answer:
        self.calls.append(self.now)
        return Answer()

    def look(self, now: datetime) -> None:
        self.now = now
        if now - self.calls[-1] >= 2 * EVERY:
            self.alarms.append(now)


@pytest.fixture
def table(tmp_path: Path) -> MakeTable:
    def make(url: str) -> alert_tables.Heartbeat:
        (tmp_path / "url").write_text(url)
        return alert_tables.Heartbeat(
            url=f"file:{tmp_path}/url", every="5 minutes", allow=["127.0.0.0/8"]
        )

    return make


@pytest.mark.parametrize("is_killed", [False, True])
def test_when_it_stops_the_dead_man_notices_within_two_intervals_and_not_before(
    table: MakeTable, is_killed: bool
) -> None:
    """Matrix 57: an hour of ticks while all is well; then nothing is well, or nobody ticks."""
    man, end = DeadMan(), START + timedelta(hours=1)
    with Receiver(services={"/beat": man.answer}) as receiver:
        heart = Heartbeat(table(receiver.url("/beat")))
        for second in range(3600 + 600 + 1):
            now = START + second * TICK
            if now <= end or not is_killed:
                man.now = now
                heart.beat(now, is_well=now <= end)
            man.look(now)
            assert not man.alarms or now > end, "a false alarm"
    assert len(man.calls) == 1 + 13
    assert man.alarms[0] <= end + 2 * EVERY


def test_it_calls_no_more_often_than_it_says(table: MakeTable) -> None:
    with Receiver(services={"/beat": lambda _: Answer(204, body=b"")}) as receiver:
        heart = Heartbeat(table(receiver.url("/beat")))
        for second in (0, 1, 299, 300, 301, 599):
            heart.beat(START + second * TICK, is_well=True)
        assert len(receiver.received) == 2
        assert receiver.received[1].json() == {
            "schema": 1,
            "kind": "heartbeat",
            "at": "2025-11-17T10:05:00Z",
        }


def test_after_a_failure_it_calls_again_soon_enough(
    table: MakeTable, caplog: pytest.LogCaptureFixture
) -> None:
    """One lost call must not be a false alarm; and the log has one line for all that fail."""
    caplog.set_level(logging.INFO)
    replies = iter([None, None, Reply(404), Reply(200)])
    at = []

    def post(*_: object) -> Reply:
        at.append(now)
        if (reply := next(replies)) is None:
            raise OutsideError("no full answer within 10 s")
        return reply

    heart = Heartbeat(table("https://x.example/CANARY"), post)
    for second in range(300):
        now = START + second * TICK
        heart.beat(now, is_well=True)
    assert [(moment - START).seconds for moment in at] == [0, 30, 60, 90]
    assert [record.getMessage() for record in caplog.records] == [
        "heartbeat: no full answer within 10 s",
        "heartbeat: the receiver answered 404",
        "heartbeat: works again",
    ]


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("http://169.254.169.254/CANARY", "169.254.169.254 is never dialled"),
        ("ftp://x.example/CANARY", "the URL does not begin with"),
        ("http://127.0.0.1:9/CANARY", "no connection to the receiver"),
        ("", "heartbeat"),
    ],
)
def test_what_goes_wrong_is_a_line_without_the_url_and_never_an_exception(
    table: MakeTable, url: str, said: str, caplog: pytest.LogCaptureFixture
) -> None:
    Heartbeat(table(url)).beat(START, is_well=True)
    assert said in caplog.text
    assert "CANARY" not in caplog.text


def test_a_defect_below_it_is_a_line_too(
    table: MakeTable, caplog: pytest.LogCaptureFixture
) -> None:
    def post(url: str, *_: object) -> Reply:
        raise KeyError(url)

    Heartbeat(table("https://x.example/CANARY"), post).beat(START, is_well=True)
    assert caplog.messages == ["heartbeat: defect: KeyError"]


def test_a_clock_that_is_set_back_does_not_silence_it(table: MakeTable) -> None:
    with Receiver(services={"/beat": lambda _: Answer()}) as receiver:
        heart = Heartbeat(table(receiver.url("/beat")))
        heart.beat(START, is_well=True)
        heart.beat(START - timedelta(hours=1), is_well=True)
        assert len(receiver.received) == 2


def test_a_watch_without_one_calls_nobody() -> None:
    def post(*_: object) -> Reply:
        raise AssertionError("nobody is to be called")

    Heartbeat(None, post).beat(START, is_well=True)
