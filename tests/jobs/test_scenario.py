"""Scenario files: what passes, what fails and how that reads, and what is refused where."""

import json
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

from forecast.errors import InputError
from forecast.store import Store
from forecast.watch import load_watch
from jobs.examples import example_folder
from jobs.scenario import Outcome, run_file
from jobs.scenario_file import Step, parse_values
from tests.jobs.desk import Desk, make_desk
from tests.jobs.scripted import NO_WATCH, RULES, played

DOCS = Path(__file__).parents[2] / "docs" / "alert-tests.md"
FLAGSHIP = "venezuela-2025"


def text_of(values: str, *more: str, rules: str = RULES) -> str:
    series = f'series = [{{ question = "q", values = "{values}" }}]'
    return "\n".join([rules, "[[tests]]", 'name = "a test"', series, *more])


def told(*messages: str, at: str = "") -> str:
    when = f'at = "{at}", ' if at else ""
    return f'expect = [{{ {when}channel = "desk", told = {json.dumps(messages)} }}]'


def outcome_of(folder: Path, text: str) -> Outcome:
    file = folder / "a.test.toml"
    file.write_text(text)
    (outcome,) = run_file(file, lambda: NO_WATCH)
    return outcome


# The values


def test_a_series_in_words_is_what_it_stands_for() -> None:
    assert parse_values("15% 22%x2 _ 30%..45%x4 38%:prior unhealthyx2") == [
        Step(0.15),
        *(Step(0.22), Step(0.22), None),
        *(Step(0.30), Step(0.35), Step(0.40), Step(0.45)),
        Step(0.38, "prior"),
        *(Step(None), Step(None)),
    ]


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ("", "holds no value"),
        ("15 %", "is not a probability"),
        ("115%", "is not a probability"),
        ("15%*3", "'15%*3' is no value such as"),
        ("10%..20%", "how many values"),
        ("10%:weather", "a cause is one of time, evidence"),
        ("10%x0", "is repeated 1 to 100,000 times"),
        ("10%x99999999999", "is repeated 1 to 100,000 times"),
    ],
)
def test_a_series_that_means_nothing_is_refused(values: str, said: str) -> None:
    with pytest.raises(ValueError, match=re.escape(said)):
        parse_values(values)


# What is met, and what is not


def test_the_pipeline_runs_on_both_kinds_of_store(store: Store) -> None:
    text = text_of("20% 45%x3 10%x3", told("firing likely q", "resolved likely"))
    only = RULES[: RULES.index('[[rules]]\nid = "doubled"')]
    _, outcome = played(store, text.replace(RULES, only))
    assert outcome.failures == ()
    assert [d.status for d in store.deliveries()] == ["delivered", "delivered"]


ONE_RULE = '[[rules]]\nid = "likely"\nfire_at = "40%"\nclear_at = "30%"\n'


@pytest.mark.parametrize(
    ("expected", "found"),
    [
        ([], ("firing likely q, at 2026-01-02T00:00:00Z",)),
        (["resolved"], ("firing likely q, at 2026-01-02T00:00:00Z",)),
        (["firing", "firing"], ("firing likely q, at 2026-01-02T00:00:00Z",)),
        (["firing likely other"], ("firing likely q, at 2026-01-02T00:00:00Z",)),
    ],
)
def test_a_message_too_many_too_few_or_other_fails(
    tmp_path: Path, expected: list[str], found: tuple[str, ...]
) -> None:
    outcome = outcome_of(tmp_path, text_of("45%x3", told(*expected), rules=ONE_RULE))
    (failure,) = outcome.failures
    assert failure.what == "what desk was told"
    assert (failure.expected, failure.found) == (tuple(expected), found)


def test_what_is_told_after_the_last_look_fails(tmp_path: Path) -> None:
    early = told("firing", at="1 day")
    outcome = outcome_of(tmp_path, text_of("45%x3 10%x3", early, rules=ONE_RULE))
    (failure,) = outcome.failures
    assert failure.expected == ()
    assert failure.found == ("resolved likely q, at 2026-01-05T00:00:00Z",)


def test_a_rule_that_stands_elsewhere_fails_by_each_word(tmp_path: Path) -> None:
    wrong = '{ rule = "likely", question = "q", state = "ok", episode = 2, health = "stale" }'
    outcome = outcome_of(tmp_path, text_of("45%x3", f"expect = [{wrong}]", rules=ONE_RULE))
    assert [(f.what, f.expected, f.found) for f in outcome.failures] == [
        ("state of likely on q", ("ok",), ("firing",)),
        ("episode of likely on q", ("2",), ("1",)),
        ("health of likely on q", ("stale",), ("healthy",)),
    ]


# What else happens


@pytest.mark.parametrize(
    ("values", "event", "expected"),
    [
        ("45%x4", 'at = "2 days", edit = { id = "likely", fire_at = "60%" }', ["firing"]),
        ("33%x4", 'at = "2 days", edit = { id = "likely", fire_at = "32%" }', ["firing"]),
        ("45%x4", 'at = "2 days", remove = "likely"', ["firing", "resolved"]),
        ("45%x4", 'at = "2 days", resolve = { question = "q", outcome = "no" }', 2),
        ("45%x4", 'at = "0 days", silence = { for = "9 days" }', []),
        ("45%x4", 'at = "0 days", silence = { for = "36 hours" }', ["firing"]),
        ("45%x4", 'at = "0 days", silence = { for = "9 days", rules = ["x"] }', ["firing"]),
        ("45%x2 10%x3", 'at = "0 days", silence = { for = "9 days" }', []),
        ("45%x4", 'at = "2 days", ack = { rule = "likely", question = "q" }', "acknowledged"),
        ("45%x4", 'at = "0 days", channel = { id = "desk", health = "disabled" }', []),
    ],
)
def test_events_change_what_is_told(
    tmp_path: Path, values: str, event: str, expected: list[str] | str | int
) -> None:
    if expected == 2:
        expected = ["firing", "resolved"]
    if isinstance(expected, str):
        expected = ["firing", expected]
    assert isinstance(expected, list)
    text = text_of(values, f"events = [{{ {event} }}]", told(*expected), rules=ONE_RULE)
    assert outcome_of(tmp_path, text).failures == ()


def test_acknowledging_what_does_not_fire_fails_the_test(tmp_path: Path) -> None:
    event = 'events = [{ at = "1 day", ack = { rule = "likely", question = "q" } }]'
    outcome = outcome_of(tmp_path, text_of("10%x3", event, told(), rules=ONE_RULE))
    assert "does not fire on 'q'" in outcome.failures[0].found[0]


def test_a_spread_feeds_rules_on_certainty(tmp_path: Path) -> None:
    text = text_of("50%x3", told("firing sure q"), rules=RULES)
    only = text.replace(text[: text.index('[[rules]]\nid = "sure"')], "")
    assert outcome_of(tmp_path, only).failures
    wide = only.replace('values = "50%x3"', 'values = "50%x3", spread = "1.5x"')
    assert outcome_of(tmp_path, wide).failures == ()


def test_reports_that_stop_ring_a_rule_on_the_unit(tmp_path: Path) -> None:
    rules = '[[rules]]\nid = "quiet"\nkind = "stale"\nafter = "2 days"\n'
    events = 'events = [{ at = "1 day", report = {} }, { at = "4 days", report = {} }]'
    expect = told("firing quiet scripted", "resolved quiet scripted")
    assert outcome_of(tmp_path, text_of("10%x5", events, expect, rules=rules)).failures == ()


def test_what_comes_at_once_is_one_group_in_order(tmp_path: Path) -> None:
    channel = '[[channels]]\nid = "desk"\nkind = "log"\ngrouped = true\n'
    subscription = '[[subscriptions]]\nchannel = "desk"\n'
    names = [f"q{n}" for n in range(8)]
    series = ", ".join(f'{{ question = "{name}", values = "45%x3" }}' for name in names)
    group = [f"firing likely {name}" for name in names]
    expect = f'expect = [{{ channel = "desk", told = [{{ group = {json.dumps(group)} }}] }}]'
    head = ONE_RULE + channel + subscription
    text = f'{head}[[tests]]\nname = "many"\nseries = [{series}]\n{expect}\n'
    assert outcome_of(tmp_path, text).failures == ()
    other_order = text.replace("firing likely q1", "firing likely q7", 1)
    (failure,) = outcome_of(tmp_path, other_order).failures
    assert failure.found[0].startswith("group of [firing likely q0, firing likely q1")


# What is malformed


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("45%x3", "45%y3", "tests.0.series.0.values: '45%y3' is no value"),
        ('name = "a test"', 'nome = "a test"', "tests.0.name: is missing (and 1 more)"),
        ('channel = "desk"', 'channel = "dusk"', "tests.0.expect.0.channel: there is no 'dusk'"),
        ('told = ["firing"]', 'told = ["ringing"]', "tests.0.expect.0.told.0: 'ringing' is not"),
        ('told = ["firing"]', 'state = "ok"', "expect.0: needs rule, question and state, or"),
        ('fire_at = "40%"', 'fire_at = "20%"', "rules.0: clear_at 30% must be below fire_at 20%"),
        ("[[tests]]", "[[tests]", "is not TOML"),
        ('channel = "desk", told', 'at = "soon", channel = "desk", told', "expect.0.at: 'soon'"),
    ],
)
def test_a_malformed_file_is_refused_with_its_place(
    tmp_path: Path, old: str, new: str, said: str
) -> None:
    text = text_of("45%x3", told("firing"), rules=ONE_RULE)
    assert old in text
    with pytest.raises(InputError) as caught:
        outcome_of(tmp_path, text.replace(old, new))
    assert said in str(caught.value)
    assert str(caught.value).startswith(f"{tmp_path / 'a.test.toml'}: ")


@pytest.mark.parametrize(
    ("event", "said"),
    [
        ('at = "1 day"', "events.0: an event is one of silence, ack"),
        ('at = "1 day", remove = "likly"', "events.0.remove: there is no 'likly'; did you mean"),
        ('at = "1 day", edit = { fire_at = "50%" }', "edit needs the id of a rule"),
        ('at = "1 day", edit = { id = "likely", fire_at = "5%" }', "events.0.edit: clear_at"),
        ('at = "1 day", resolve = { question = "p", outcome = "no" }', "resolve.question: there"),
        ('at = 2025-12-31, remove = "likely"', "something happens before the start"),
    ],
)
def test_a_malformed_event_is_refused_with_its_place(tmp_path: Path, event: str, said: str) -> None:
    text = text_of("45%x3", f"events = [{{ {event} }}]", told("firing"), rules=ONE_RULE)
    with pytest.raises(InputError) as caught:
        outcome_of(tmp_path, text)
    assert said in str(caught.value)


# The command, the example and the manual


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return make_desk(tmp_path)


def test_the_command_tests_the_rules_of_the_watch(desk: Desk) -> None:
    series = 'series = [{ question = "x", definition = "strike", values = "1.5% 5%x2" }]\n'
    test = f'[[tests]]\nname = "rings at once"\n{series}{told("firing likely x")}\n'
    (desk.folder / "good.toml").write_text(test)
    (desk.folder / "bad.toml").write_text(test.replace('["firing likely x"]', "[]"))
    good = desk.run("alerts", "test", "--scenario", "good.toml")
    assert (good.returncode, good.stdout) == (
        0,
        "good.toml\n  ok  rings at once\n1 passed, 0 failed\n",
    )
    bad = desk.run("alerts", "test", "--scenario", "good.toml", "bad.toml")
    assert bad.returncode == 1
    assert "      - nothing\n      + firing likely x, at 2026-01-02T00:00:00Z\n" in bad.stdout
    body = json.loads(desk.run("alerts", "test", "--scenario", "bad.toml", "--json").stdout)
    assert not body["passed"]
    assert body["files"][0]["tests"][0]["failures"][0]["expected"] == []
    missing = desk.run("alerts", "test", "--scenario", "none.toml")
    assert missing.returncode == 2
    assert missing.stderr == "tocsin: none.toml: cannot be read: No such file or directory\n"
    neither = desk.run("alerts", "test")
    assert neither.returncode == 2
    assert "takes one CHANNEL, or --scenario FILE" in neither.stderr


def test_the_rules_of_the_flagship_pass_their_scenarios() -> None:
    folder = example_folder(FLAGSHIP)
    outcomes = run_file(folder / "alerts.test.toml", lambda: load_watch(folder).config)
    assert len(outcomes) >= 6
    assert [outcome for outcome in outcomes if outcome.failures] == []


def examples() -> list[str]:
    blocks = re.findall(r"^```toml\n(.*?)^```", DOCS.read_text("utf-8"), re.M | re.S)
    return [block for block in blocks if "[[tests]]" in block]


def test_every_file_in_the_manual_passes(tmp_path: Path) -> None:
    found: list[Any] = []
    for number, text in enumerate(examples()):
        tomllib.loads(text)
        file = tmp_path / f"{number}.toml"
        file.write_text(text)
        found += run_file(file, lambda: NO_WATCH)
    assert len(found) >= 3
    assert [outcome for outcome in found if outcome.failures] == []
