"""The log: one line a record, plain or JSON, with the ids of what it is about."""

import json
import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from jobs.log import Form, bound, carried, log_settings, start_log
from jobs.pool import warm_pool
from tests.jobs.desk import make_desk


@pytest.fixture(autouse=True)
def logging_as_it_was() -> Iterator[None]:
    """Logging is one for the whole process: what a test sets up is taken down."""
    root = logging.getLogger()
    before = [*root.handlers]
    yield
    root.handlers[:] = before
    root.setLevel(logging.WARNING)
    for name in ("forecast", "models", "alerts", "jobs"):
        logging.getLogger(name).setLevel(logging.NOTSET)


def said(capsys: pytest.CaptureFixture[str]) -> list[str]:
    out, err = capsys.readouterr()
    assert out == ""
    return err.splitlines()


def fail_loudly(log: logging.Logger) -> None:
    try:
        raise ValueError("no\x1b[31m such\nthing")
    except ValueError:
        log.exception("it broke")


def test_a_plain_line_is_instant_level_words_and_then_what_it_is_about(
    capsys: pytest.CaptureFixture[str],
) -> None:
    log = start_log()
    with bound(run="daily@2025-11-29T06:00:00Z", question="will it?"):
        log.info("%d estimates", 2)
    log.warning("alone")
    one, two = said(capsys)
    instant, rest = one.split(" ", 1)
    assert instant.endswith("Z")
    assert len(instant) == len("2025-11-29T06:00:00Z")
    assert rest == 'INFO 2 estimates run=daily@2025-11-29T06:00:00Z question="will it?"'
    assert two.endswith(" WARNING alone")


def test_a_json_line_is_an_object_with_the_same(capsys: pytest.CaptureFixture[str]) -> None:
    start_log("json")
    with bound(run="daily@2025-11-29T06:00:00Z"):
        logging.getLogger("alerts.outbox").info("delivery sent", extra={"delivery": "msg_1"})
    (line,) = map(json.loads, said(capsys))
    assert line.pop("at").endswith("Z")
    assert line == {
        "level": "info",
        "logger": "alerts.outbox",
        "message": "delivery sent",
        "run": "daily@2025-11-29T06:00:00Z",
        "delivery": "msg_1",
    }


@pytest.mark.parametrize("form", ["plain", "json"])
def test_whoever_wrote_it_a_record_is_one_line_that_commands_no_terminal(
    capsys: pytest.CaptureFixture[str], form: Form
) -> None:
    log = start_log(form)
    with bound(source="evil\x1b]0;title\x07\nname"):
        log.info("one\ntwo\x1b[2J\u202e")
        fail_loudly(log)
    lines = said(capsys)
    assert len(lines) == 2
    assert "ValueError" in lines[1]
    decoded = lines + [
        str(v) for line in lines if form == "json" for v in json.loads(line).values()
    ]
    assert not [c for line in decoded for c in line if c in "\x1b\x07\u202e"]


def test_ours_are_heard_from_the_level_on_and_others_only_when_they_warn(
    capsys: pytest.CaptureFixture[str],
) -> None:
    log = start_log(level="debug")
    log.debug("ours")
    logging.getLogger("httpcore").debug("https://hooks.example/secret")
    logging.getLogger("httpcore").warning("theirs")
    assert [line.split(" ", 1)[1] for line in said(capsys)] == ["DEBUG ours", "WARNING theirs"]
    start_log(level="error")
    log.warning("quiet")
    assert said(capsys) == []


def test_what_was_bound_is_gone_afterwards_even_where_it_failed(
    capsys: pytest.CaptureFixture[str],
) -> None:
    log = start_log()

    def fail_within() -> None:
        with bound(run="a"), bound(track="b"):
            log.info("in")
            raise ValueError("within")

    with pytest.raises(ValueError, match="within"):
        fail_within()
    log.info("out")
    within, after = said(capsys)
    assert within.endswith(" INFO in run=a track=b")
    assert after.endswith(" INFO out")


def say_where(item: int) -> int:
    logging.getLogger("models.somewhere").info("from a worker")
    return item


def test_worker_processes_log_as_their_parent_does_and_carry_its_ids(
    capfd: pytest.CaptureFixture[str],
) -> None:
    start_log("json")
    with bound(run="daily@now"):
        work = carried(say_where)
    with warm_pool(1) as pool:
        assert list(pool.map(work, [7])) == [7]
    lines = [json.loads(line) for line in capfd.readouterr().err.splitlines()]
    assert [(line["message"], line["run"]) for line in lines] == [("from a worker", "daily@now")]
    assert log_settings() == ("json", "info")


def test_the_lines_of_serve_carry_the_run_and_the_delivery(tmp_path: Path) -> None:
    desk = make_desk(tmp_path)  # its channel is closed: the message is put off
    result = desk.run("serve", "--once", "--log-format", "json")
    lines = [json.loads(line) for line in result.stderr.splitlines()]
    (done,) = [line for line in lines if "2 estimates" in line["message"]]
    assert done["run"].startswith("daily@20")
    put_off = [line for line in lines if line["message"].startswith("delivery retried: ")]
    assert {line["channel"] for line in put_off} == {"desk"}
    assert all(line["delivery"].startswith("msg_") for line in put_off)
