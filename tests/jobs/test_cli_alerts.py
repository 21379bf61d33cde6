"""`tocsin alerts`: subscribing edits the file and nothing else; a test message tells the truth."""

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from alerts.testing import Answer, Receiver, sample_facts
from forecast.alert import Delivery, Target
from forecast.alert_tables import ChannelTable
from forecast.clock import utc_now
from forecast.errors import OutsideError
from forecast.evidence import Outcome, Resolution
from forecast.watch import load_watch
from jobs.trial import send_trial
from tests.jobs.desk import SECRET, Desk, make_desk


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver(SECRET) as opened:
        yield opened


@pytest.fixture
def desk(tmp_path: Path, receiver: Receiver) -> Desk:
    return make_desk(tmp_path, url=receiver.webhook_url, NIGHT_URL=receiver.slack_url)


def answer(desk: Desk, *arguments: str) -> Any:
    result = desk.run("alerts", *arguments, "--json")
    assert result.returncode == 0, result.stderr
    return json.loads(result.stdout)


def refusal(desk: Desk, *arguments: str) -> str:
    """The one line with which a subscription is refused; the file stays."""
    before = desk.file.read_bytes()
    result = desk.run("alerts", "subscribe", *arguments)
    assert result.returncode == 2, result.stdout
    assert result.stderr.count("\n") == 1
    assert desk.file.read_bytes() == before
    return result.stderr


NEW = ("--kind", "slack", "--url", "env:NIGHT_URL", "--allow", "127.0.0.0/8")


# subscribe


def test_a_new_channel_with_its_own_rule_is_written_in_place_and_rings(
    desk: Desk, receiver: Receiver
) -> None:
    before = desk.file.read_text()
    line = ("--fire-at", "3%", "--clear-at", "2%")
    result = desk.run("alerts", "subscribe", "night", *NEW, *line, "--questions", "q-long")
    assert result.returncode == 0, result.stderr
    assert "night-at-3 rings at 3 % and clears at 2 %: q-long\n" in result.stdout
    assert desk.file.read_text().startswith(before[: before.index("[[rules]]")])
    config = load_watch(desk.folder).config
    assert config.channels_for(Target("night-at-3", "q-long")) == ["desk", "night"]
    assert config.channels_for(Target("likely", "q-long")) == ["desk"]
    desk.run("update")
    desk.run("update")
    assert [r.path for r in receiver.received].count("/slack") == 1


def test_a_file_without_any_alerts_gets_its_first(desk: Desk) -> None:
    text = desk.file.read_text()
    tail = "# channels go here\n"
    desk.file.write_text(text[: text.index("[[rules]]")] + tail)
    result = desk.run("alerts", "subscribe", "night", *NEW, "--fire-at", "0.4")
    assert result.returncode == 0, result.stderr
    assert tail in desk.file.read_text()
    config = load_watch(desk.folder).config
    assert [table.rule().fire_at for table in config.rules] == [0.4]
    assert config.channels_for(Target("night-at-40", "q-long")) == ["night"]


def test_lists_in_one_line_are_extended_in_one_line(desk: Desk) -> None:
    text = desk.file.read_text()
    start, end = text.index("[[subscriptions]]"), text.index("[[schedules]]")
    one_line = 'subscriptions = [{ channel = "desk", rules = ["other"] }]\n'
    desk.file.write_text(one_line + text[:start] + text[end:])
    answer(desk, "subscribe", "desk", "--rules", "likely")
    assert load_watch(desk.folder).config.channels_for(Target("likely", "q-long")) == ["desk"]
    assert desk.file.read_text().count("subscriptions") == 1


def test_subscribing_twice_writes_once(desk: Desk) -> None:
    assert answer(desk, "subscribe", "desk", "--rules", "lik*")["edited"]
    before = desk.file.read_bytes()
    again = answer(desk, "subscribe", "desk", "--rules", "lik*")
    assert not again["edited"]
    assert again["rings"] == [
        {"rule": "likely", "fire_at": 0.02, "clear_at": 0.01, "questions": ["q-long", "q-strike"]}
    ]
    assert desk.file.read_bytes() == before


def test_a_rule_that_was_subscribed_before_it_was_made_rings_once(desk: Desk) -> None:
    answer(desk, "subscribe", "desk", "--rules", "desk-at-4")
    answer(desk, "subscribe", "desk", "--fire-at", "4%")
    config = load_watch(desk.folder).config
    assert [s.rules for s in config.subscriptions] == [["*"], ["desk-at-4"]]
    assert "desk-at-4" in [rule.id for rule in config.rules]


def test_a_channel_without_an_address_is_made_with_its_options_and_selectors(desk: Desk) -> None:
    options = ("--kind", "atom", "--option", "path=alerts.xml", "--severities", "page")
    answer(desk, "subscribe", "feed", *options, "--units", "har*", "--tags", "union.*")
    config = load_watch(desk.folder).config
    assert config.channels[-1].options == {"path": "alerts.xml"}
    last = config.subscriptions[-1]
    assert (last.units, last.tags, last.severities) == (["har*"], ["union.*"], ["page"])


def test_a_pattern_that_fits_nothing_is_pointed_out(desk: Desk) -> None:
    result = desk.run("alerts", "subscribe", "desk", "--questions", "q-lung", "--rules", "x*")
    assert result.returncode == 0
    assert "no question fits 'q-lung' today; did you mean 'q-long'?" in result.stderr
    assert "no rule fits 'x*' today" in result.stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("dsk",), "there is no channel 'dsk'; did you mean 'desk'?"),
        (("night",), "there is no channel 'night'; --kind and --url make one"),
        (("desk", *NEW), "there is a channel 'desk' already"),
        (("night", "--kind", "slack"), "--url: a channel of kind slack needs one, as env:NAME"),
        (("night", "--url", "env:X"), "a new channel takes --kind as well"),
        (
            ("night", "--kind", "log", "--option", "x"),
            "--option: 'x' is not of the form NAME=VALUE",
        ),
        (("night", "--kind", "slak", "--url", "env:X"), "did you mean 'slack'?"),
        (("night", "--kind", "webhook", "--url", "env:X"), "--secret env:NAME gives it"),
        (("desk", "--fire-at", "140%"), "--fire-at: 1.4 is not a probability"),
        (("desk", "--clear-at", "14%"), "--clear-at goes with --fire-at"),
        (("desk", "--fire-at", "4%", "--clear-at", "5%"), "clear_at 5% must be below fire_at"),
        (("desk", "--fire-at", "4%", "--rules", "x"), "leave out --rules"),
        (("night", "--kind", "slack", "--url", "env:X", "--allow", "x"), "is not a network"),
    ],
)
def test_what_cannot_be_is_refused_in_one_line(
    desk: Desk, arguments: tuple[str, ...], said: str
) -> None:
    assert said in refusal(desk, *arguments)


def test_a_secret_in_clear_is_refused_and_not_repeated(desk: Desk) -> None:
    for option, other in (("--url", "--secret"), ("--secret", "--url")):
        line = refusal(
            desk, "night", "--kind", "webhook", option, "https://h.example/T0/B0", other, "env:X"
        )
        assert line.startswith(f"tocsin: {option}: is a secret")
        assert "env:NAME or file:PATH" in line
        assert "h.example" not in line


def test_a_rule_of_ones_own_comes_with_word_of_what_cannot_be_relied_on(desk: Desk) -> None:
    made = desk.run("alerts", "subscribe", "night", *NEW, "--fire-at", "3%", "--questions", "q-*")
    assert "cannot be relied on: model-unhealthy, channel-unhealthy\n" in made.stdout
    config = load_watch(desk.folder).config
    assert [s.rules for s in config.subscriptions[1:]] == [
        ["night-at-3", "model-unhealthy"],
        ["channel-unhealthy"],
    ]
    assert "night" in config.channels_for(Target("model-unhealthy", "q-long"))
    assert "night" in config.channels_for(Target("channel-unhealthy", "desk"))
    answer(desk, "subscribe", "all", "--kind", "log", "--fire-at", "4%")
    assert load_watch(desk.folder).config.subscriptions[-1].rules == [
        *("all-at-4", "model-unhealthy", "channel-unhealthy"),
    ]


MAILBOX = ("--option", "to=desk@example.org", "--option", "from=tocsin@example.org")


@pytest.mark.parametrize("url", ["env:NOT_SET_YET", "env:NIGHT_MAIL"])
@pytest.mark.parametrize(
    ("kind", "more"),
    [
        ("slack", ()),
        ("webhook", ("--secret", "env:DESK_SECRET")),
        ("mail", MAILBOX),
        ("pagerduty", ("--secret", "env:ROUTING_KEY")),
        ("alertmanager", ()),
        ("alertmanager-api", ()),
    ],
)
def test_every_kind_with_a_url_can_be_made(
    desk: Desk, kind: str, more: tuple[str, ...], url: str
) -> None:
    scheme = "smtps://mail.example.org" if kind == "mail" else "https://h.example/x"
    desk.environment.update(NIGHT_MAIL=scheme, ROUTING_KEY="0123456789abcdef" * 2)
    answer(desk, "subscribe", "night", "--kind", kind, "--url", url, *more)
    assert load_watch(desk.folder).config.channels[-1].kind == kind


def test_what_a_kind_refuses_is_said_of_the_option_that_is_wrong(desk: Desk) -> None:
    mail = ("night", "--kind", "mail", "--url", "env:MAIL")
    assert "--option to=: needs addresses" in refusal(desk, *mail, *MAILBOX[2:])
    desk.environment["MAIL"] = "https://h.example/secret-path"
    line = refusal(desk, *mail, *MAILBOX)
    assert "--url: mail needs a url that begins with smtp://" in line
    assert "secret-path" not in line


# preview


def test_a_rule_without_a_past_is_previewed_in_plain_words(desk: Desk) -> None:
    desk.run("update", "--no-send")
    result = desk.run("alerts", "preview", "likely")
    assert result.returncode == 0, result.stderr
    assert "has no past to be replayed on yet:\n" in result.stdout
    assert "It would have rung on q-long, q-strike.\n" in result.stdout
    assert "question-weeks" not in result.stdout


# list


RULES_OF_ALL_KINDS = """
[[rules]]
id = "sure"
kind = "certainty"
level = "20%"
[[rules]]
id = "moved"
kind = "change"
fire_at = "2x"
over = "24 hours"
[[rules]]
id = "silent"
kind = "stale"
after = "3 days"
[[rules]]
id = "broken"
kind = "channel"
after = "15 minutes"
[[rules]]
id = "over"
kind = "resolved"
[[rules]]
id = "elsewhere"
questions = ["mars-*"]
fire_at = "3%"

"""


def test_list_shows_rules_of_every_kind_on_what_they_watch(desk: Desk) -> None:
    desk.rewrite("[[channels]]", RULES_OF_ALL_KINDS + "[[channels]]")
    desk.run("update", "--no-send")
    shown = answer(desk, "list")
    on = {(r["rule"], r["subject"]): r for r in shown["rules"]}
    assert on["silent", "harbour"]["question"] is None
    assert on["broken", "desk"]["channels"] == ["desk"]
    assert shown["idle_rules"] == ["elsewhere"]
    words = desk.run("alerts", "list").stdout
    assert {len(line) <= 80 for line in words.splitlines()} == {True}
    for said in ("waits", "odds 2x", "3 days silent", "nothing which is open: elsewhere"):
        assert said in words
    assert "69.3" not in words


def test_list_shows_messages_about_units_and_leaves_out_what_has_ended(desk: Desk) -> None:
    now = utc_now()
    outcome = Resolution("q-long", Outcome.NO, now - timedelta(hours=1), "it is over")
    facts = sample_facts()["firing"] | {"question": None}
    facts["subject"] = {"kind": "unit", "id": "harbour", "title": "The harbour"}
    with desk.store() as store:
        store.add_resolutions([outcome], now - timedelta(minutes=1))
        store.record(
            deliveries=[Delivery("msg_1", "desk", "firing", now, now, facts)], recorded_at=now
        )
    shown = answer(desk, "list")
    assert {r["subject"] for r in shown["rules"]} == {"q-strike"}
    (sent,) = shown["deliveries"]
    assert (sent["subject"], sent["question"]) == ("harbour", None)


def test_list_shows_where_rules_stand_and_what_was_delivered(desk: Desk) -> None:
    assert answer(desk, "list")["rules"][0]["state"] is None
    answer(desk, "subscribe", "desk", "--fire-at", "99%")
    desk.run("update")
    shown = answer(desk, "list")
    assert [(r["rule"], r["state"], r["episode"]) for r in shown["rules"]] == [
        ("likely", "firing", 1),
        ("likely", "firing", 1),
        ("desk-at-99", "ok", 0),
        ("desk-at-99", "ok", 0),
    ]
    assert shown["rules"][0]["channels"] == ["desk"]
    assert shown["channels"] == [{"id": "desk", "kind": "webhook", "subscriptions": 2}]
    assert [(d["status"], d["attempts"]) for d in shown["deliveries"]] == [("delivered", 1)] * 2
    assert "▲ firing" in desk.run("alerts", "list").stdout
    desk.rewrite('[[subscriptions]]\nchannel = "desk"\n\n', "")
    assert "no channel" in desk.run("alerts", "list").stdout


def test_list_says_why_a_message_did_not_arrive_without_its_address(tmp_path: Path) -> None:
    desk = make_desk(tmp_path, url="http://127.0.0.1:9/T0/secret-path")
    desk.run("update")
    result = desk.run("alerts", "list", "--json")
    assert "no connection to the receiver" in result.stdout
    assert "secret-path" not in result.stdout
    assert SECRET not in result.stdout


# test


def test_a_trial_message_arrives_signed(desk: Desk, receiver: Receiver) -> None:
    result = desk.run("alerts", "test", "desk")
    assert (result.returncode, result.stdout) == (0, "desk: ok, the message was taken\n")
    (received,) = receiver.received
    assert received.problem == ""
    assert received.json()["type"] == "tocsin.alert.test"


def test_a_message_that_is_not_taken_is_one_line_and_exit_code_4(tmp_path: Path) -> None:
    for number, body in ((503, b"later"), (410, b""), (302, b"")):
        with Receiver(SECRET, script=[Answer(number, body=body)]) as receiver:
            desk = make_desk(tmp_path, url=receiver.webhook_url)
            result = desk.run("alerts", "test", "desk")
        assert result.returncode == 4
        assert result.stderr.startswith("tocsin: channels.desk: ")
        assert str(number) in result.stderr
        assert result.stderr.count("\n") == 1
        assert "127.0.0.1" not in result.stderr


def test_a_receiver_that_hangs_is_left_at_the_deadline(tmp_path: Path) -> None:
    url = tmp_path / "url"
    with Receiver(SECRET, script=[Answer(hang=True)]) as receiver:
        url.write_text(receiver.slack_url)
        table = ChannelTable(id="desk", kind="slack", url=f"file:{url}", allow=["127.0.0.0/8"])
        with pytest.raises(OutsideError) as caught:
            send_trial(table, utc_now(), deadline=0.3)
    assert str(caught.value) == "channels.desk: no full answer within 0.3 s"


def test_a_receiver_that_refuses_blocks_gets_the_plain_form(tmp_path: Path) -> None:
    script = [Answer(400, body=b"invalid_blocks")]
    with Receiver(SECRET, script=script) as receiver:
        desk = make_desk(tmp_path, url=receiver.slack_url)
        desk.rewrite('kind = "webhook"', 'kind = "slack"')
        assert desk.run("alerts", "test", "desk").returncode == 0
        assert ["blocks" in r.json() for r in receiver.received] == [True, False]


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("DESK_SECRET", "GONE", "channels.desk.secret: the environment variable GONE"),
        ('allow = ["127.0.0.0/8"]', "", "channels.desk: the address is refused"),
    ],
)
def test_a_channel_that_cannot_be_used_says_what_to_mend(
    desk: Desk, old: str, new: str, said: str
) -> None:
    desk.rewrite(old, new)
    result = desk.run("alerts", "test", "desk")
    assert result.returncode == 2
    assert said in result.stderr


def test_an_unknown_channel_is_named_with_the_nearest(desk: Desk) -> None:
    result = desk.run("alerts", "test", "dusk", "--json")
    assert result.returncode == 2
    error = json.loads(result.stderr)["error"]
    assert error["message"] == "there is no channel 'dusk'; did you mean 'desk'?"
