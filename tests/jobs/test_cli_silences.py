"""`tocsin alerts ack | silence | silences | unsilence | waiting`, as people type them."""

import json
import re
import shlex
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from alerts.phrases import minute
from forecast.alert import Delivery, RuleState, State
from forecast.clock import parse_instant, utc_now
from forecast.watch import parse_config
from jobs.app import open_app
from tests.jobs.desk import Desk, make_desk
from tests.jobs.notice_desk import a


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    desk = make_desk(tmp_path)
    now = utc_now()
    with open_app(tmp_path) as app:
        state = RuleState("likely", "q-strike", State.FIRING, episode=1, since=now)
        notice = a(subject="q-strike")
        app.store.record(states=[(None, state)], to_tell=[notice], recorded_at=now)
    return desk


def answer(desk: Desk, *arguments: str) -> dict[str, Any]:
    result = desk.run("alerts", *arguments, "--json")
    assert result.returncode == 0, result.stderr
    body: dict[str, Any] = json.loads(result.stdout)
    assert body.pop("schema_version") == 1
    return body


def said(desk: Desk, *arguments: str) -> str:
    result = desk.run("alerts", *arguments)
    assert (result.returncode, result.stderr) == (0, "")
    return result.stdout


def refusal(desk: Desk, *arguments: str) -> str:
    result = desk.run("alerts", *arguments)
    assert (result.returncode, result.stdout) == (2, "")
    assert result.stderr.count("\n") == 1
    return result.stderr


def test_a_silence_from_beginning_to_end(desk: Desk) -> None:
    made = answer(desk, "silence", "--questions", "q-str*", "--for", "8 hours", "--reason", "drill")
    assert {(c["rule"], c["subject"], c["is_firing"]) for c in made["covers"]} == {
        ("likely", "q-strike", True),
        ("model-unhealthy", "q-strike", False),
    }
    assert made["author"] == "ada"
    (waiting,) = answer(desk, "waiting")["waiting"]
    assert (waiting["rule"], waiting["kind"]) == ("likely", "firing")
    assert waiting["reason"] == (
        f"is silenced by ada until {minute(parse_instant(made['ends_at']))}: drill ({made['id']})"
    )
    (held,) = answer(desk, "silences")["silences"]
    assert (held["id"], held["state"], held["questions"]) == (made["id"], "holds", ["q-str*"])
    until = minute(parse_instant(made["ends_at"]))
    assert said(desk, "silences") == (
        f"{made['id']}  holds  until {until}  questions q-str*\n    by ada: drill\n"
    )
    assert said(desk, "unsilence", made["id"]) == f"{made['id']} is over\n"
    assert said(desk, "silences") == "Nothing is silenced.\n"
    assert answer(desk, "silences", "--all")["silences"][0]["state"] == "over"
    assert "goes out in the next round" in said(desk, "waiting")


def test_a_silence_says_how_to_end_it_and_when_it_ends_to_the_minute(desk: Desk) -> None:
    line, *_ = said(
        desk, "silence", "--rules", "*", "--until", "2099-01-01", "--reason", "drill"
    ).splitlines()
    ident, _, rest = line.partition(":")
    assert rest == f" silent until 1 Jan 2099 00:00 UTC; `tocsin alerts unsilence {ident}` ends it"


def test_messages_that_are_stuck_in_the_outbox_wait_too(desk: Desk) -> None:
    now = utc_now()
    stuck = [Delivery(f"msg_{n}", "desk", "firing", now, now) for n in range(3)]
    with desk.store() as store:
        waiting = store.alerts.waiting()
        store.alerts.form([], [(one.notice_id, "for a test") for one in waiting], now)
        store.record(deliveries=stuck, recorded_at=now)
    words = "3 messages wait in the outbox: `tocsin alerts deliveries --status due`\n"
    assert said(desk, "waiting") == words
    assert answer(desk, "waiting") == {"waiting": [], "in_the_outbox": 3}


def test_an_acknowledgement_and_a_second_one(desk: Desk) -> None:
    first = said(desk, "ack", "likely", "q-strike", "--note", "on it")
    assert first == ("episode 1 of likely on q-strike is acknowledged by ada; to be told on desk\n")
    second = said(desk, "ack", "likely", "q-strike")
    assert second.startswith("acknowledged already, by ada at ")
    assert second.endswith(": on it\n")
    body = answer(desk, "ack", "likely", "q-strike")
    assert (body["is_first"], body["author"], body["channels"]) == (False, "ada", [])
    kinds = [one["kind"] for one in answer(desk, "waiting")["waiting"]]
    assert kinds == ["firing", "acknowledged"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("silence", "--reason", "x", "--for", "1 hour"), "say what to silence"),
        (("silence", "--rules", "*", "--reason", "x"), "give either --for or --until"),
        (
            ("silence", "--severities", "critical", "--reason", "x", "--for", "1 hour"),
            "--severities: no severity fits 'critical'; there are info, warning, page",
        ),
        (
            ("silence", "--rules", "*", "--reason", "x", "--for", "9 days", "--until",
             "2030-01-01"),
            "give either --for or --until",
        ),
        (("silence", "--rules", "*", "--reason", "x", "--for", "soon"), "--for: 'soon' is not a"),
        (
            ("silence", "--rules", "*", "--reason", "x", "--until", "2020-01-01"),
            "that silence is over already, since 2020-01-01T00:00:00Z",
        ),
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused_in_one_line(
    desk: Desk, arguments: tuple[str, ...], words: str
) -> None:
    assert words in refusal(desk, *arguments)


PAGE = (Path(__file__).parents[2] / "docs" / "alert-life.md").read_text()


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)


def test_the_settings_on_the_page_are_read(desk: Desk) -> None:
    config = parse_config(desk.file.read_text() + "\n".join(blocks("toml")))
    assert [table.id for table in config.quiet] == ["night", "move"]
    assert config.rules[-1].rule().repeat == timedelta(hours=4)


def test_the_commands_on_the_page_do_what_it_says(desk: Desk) -> None:
    lines = [shlex.split(line) for block in blocks("sh") for line in block.splitlines()]
    assert [line[2] for line in lines] == [
        *("silence", "silence", "silences", "waiting", "unsilence", "ack"),
    ]
    made = said(desk, *lines[0][2:]).partition(":")[0]
    for line in lines[1:]:
        said(desk, *(word.replace("s-1f0a2c3d", made) for word in line[2:]))
    silences = answer(desk, "silences", "--all")["silences"]
    assert [one["state"] for one in silences] == ["over", "to come"]
