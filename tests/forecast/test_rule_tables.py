"""[[rules]]: what each kind needs and refuses, and the numbers that it is decided on."""

import math
import re
from datetime import timedelta
from pathlib import Path

import pytest

from forecast.alert import Rule, RuleKind
from forecast.alert_tables import BUILT_IN, alert_rules
from forecast.config import Config
from forecast.errors import ConfigError
from forecast.watch import parse_config

DOC = Path(__file__).resolve().parents[2] / "docs" / "alert-rules.md"
DESK = '[watch]\ntitle = "desk"\n'
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def config(text: str) -> Config:
    return parse_config(f'{DESK}[[rules]]\nid = "r"\n{text}\n')


def rule(text: str) -> Rule:
    return config(text).rules[0].rule()


def trouble(text: str) -> str:
    with pytest.raises(ConfigError) as caught:
        config(text)
    assert "\n" not in str(caught.value)
    assert "rules.0" in str(caught.value)
    return str(caught.value)


def kind(name: str) -> str:
    return f'kind = "{name}"\n'


NEEDED = {
    "threshold": "fire_at = 0.4",
    "certainty": 'level = "20%"',
    "change": 'fire_at = "2x"\nover = "24 hours"',
    "loss": "cost = 2\nloss = 10",
    "deadline": 'within = "7 days"',
    "stale": 'after = "3 days"',
    "unhealthy": "",
    "channel": "",
    "source": "",
    "resolved": "",
}


def test_every_kind_has_a_smallest_table() -> None:
    assert set(NEEDED) == {k.value for k in RuleKind}
    for name, needed in NEEDED.items():
        assert rule(kind(name) + needed).kind == name


@pytest.mark.parametrize(
    ("name", "missing"),
    [
        ("threshold", "fire_at"),
        ("certainty", "level"),
        ("change", "fire_at"),
        ("loss", "cost"),
        ("deadline", "within"),
        ("stale", "after"),
    ],
)
def test_what_a_kind_needs_is_asked_for(name: str, missing: str) -> None:
    assert f"a rule of kind {name} needs {missing}" in trouble(kind(name))


def test_a_change_without_its_baseline_is_refused() -> None:
    assert "needs over" in trouble(kind("change") + 'fire_at = "2x"')


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("threshold", 'level = "20%"'),
        ("threshold", 'over = "1 day"'),
        ("threshold", 'direction = "up"'),
        ("threshold", "cost = 1.0"),
        ("threshold", 'within = "1 day"'),
        ("threshold", 'after = "1 day"'),
        ("threshold", 'channels = ["*"]'),
        ("loss", "fire_at = 0.4"),
        ("deadline", "z = 2.0"),
        ("deadline", 'digest_on = ["prior"]'),
        ("stale", 'questions = ["q"]'),
        ("stale", 'tags = ["t"]'),
        ("stale", 'inhibited_by = ["x"]'),
        ("channel", 'units = ["u"]'),
        ("source", 'units = ["u"]'),
        ("channel", 'sources = ["s"]'),
        ("stale", 'when = "silent"'),
        ("channel", "fire_at = 0.4"),
        ("resolved", "dwell = 2"),
        ("resolved", 'repeat = "1 day"'),
        ("unhealthy", "clear_at = 0.1"),
    ],
)
def test_a_key_of_another_kind_is_refused_by_name(name: str, key: str) -> None:
    said = trouble(f"{kind(name)}{NEEDED[name]}\n{key}")
    assert f"{key.split()[0]} goes with kind = " in said
    assert f"not with {name}" in said


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("fire_at = 0.0", "must be above 0"),
        ("fire_at = inf", "not a probability"),
        ("fire_at = 0.4\nclear_at = -0.1", "not a probability"),
        (kind("loss") + "cost = 2\nloss = 10\nclear_at = 0.3", "must be below fire_at 0.2"),
        (kind("loss") + "cost = 10\nloss = 10", "cost must be below loss"),
        (kind("loss") + "cost = 0\nloss = 10", "greater than 0"),
        (kind("loss") + "cost = nan\nloss = 10", "finite"),
        (kind("certainty") + "level = 0.0", "strictly between"),
        (kind("certainty") + 'level = "20%"\nfire_at = "99.9%"', "up to 99.0%"),
        (kind("change") + 'fire_at = 2.0\nover = "1 day"', "write it like '2x'"),
        (kind("change") + 'fire_at = "1x"\nover = "1 day"', "above 1x"),
        (kind("change") + 'fire_at = "2x"\nclear_at = "3x"\nover = "1 day"', "below fire_at 2x"),
        (kind("change") + 'fire_at = "2x"\nover = "0 days"', "more than 0"),
        (kind("change") + 'fire_at = "2x"\nover = "ever"', "not a duration"),
        (
            kind("change") + 'fire_at = "2x"\nover = "last alert"\nclear_at = "1.5x"',
            "rings once",
        ),
        (kind("change") + 'fire_at = "2x"\nover = "last alert"\nrepeat = "1 day"', "rings once"),
        ("fire_at = 0.4\nz = -1.0", "greater than or equal to 0"),
        ("fire_at = 0.4\ndwell = true", "dwell"),
        ('fire_at = 0.4\ndwell = "0 hours"', "dwell"),
        ('fire_at = 0.4\ndwell = [0, "6 hours"]', "dwell"),
        ("fire_at = 0.4\ndwell = { sideways = 2 }", "dwell"),
        ('fire_at = 0.4\nseverity = "loud"', "severity"),
        ('fire_at = 0.4\ndigest_on = ["weather"]', "digest_on"),
        ('fire_at = 0.4\nrepeat = "0 days"', "more than 0"),
        (kind("stale") + 'after = "1e308 days"', "at most 100 years"),
        (kind("sometimes"), "kind"),
    ],
)
def test_numbers_that_make_no_sense_are_refused(text: str, words: str) -> None:
    assert words in trouble(text)


def test_a_rule_needs_a_name() -> None:
    with pytest.raises(ConfigError, match="id"):
        parse_config(f'{DESK}[[rules]]\nid = ""\nfire_at = 0.4\n')


@pytest.mark.parametrize(
    ("fire_at", "clear_at"), [(0.7, 0.65), (0.2, 0.15), (0.125, 0.075), (0.1, 0.06), (0.02, 0.012)]
)
def test_a_threshold_clears_five_points_or_two_fifths_below_where_it_fires(
    fire_at: float, clear_at: float
) -> None:
    assert rule(f"fire_at = {fire_at}").clear_at == pytest.approx(clear_at)


def test_each_kind_is_decided_on_its_own_scale() -> None:
    certain = rule(kind("certainty") + 'level = "20%"')
    assert (certain.fire_at, certain.clear_at, certain.level) == (0.9, 0.6, 0.2)
    unsure = rule(kind("certainty") + 'level = "20%"\nfire_at = 0.5')
    assert [unsure.fire_at, unsure.clear_at] == pytest.approx([0.5, 0.45])
    change = rule(kind("change") + 'fire_at = "4x"\nover = "36 hours"\ndirection = "up"')
    assert (change.fire_at, change.clear_at) == (math.log(4), math.log(2))
    assert (change.over, change.direction) == (36 * HOUR, "up")
    assert rule(kind("change") + 'fire_at = "4x"\nover = "last alert"').over is None
    loss = rule(kind("loss") + "cost = 2\nloss = 10")
    assert [loss.fire_at, loss.clear_at] == pytest.approx([0.2, 0.15])
    assert (loss.cost, loss.loss) == (2.0, 10.0)
    near = rule(kind("deadline") + 'within = "7 days"')
    assert (near.fire_at, near.clear_at, near.within) == (1.0, 0.0, 7 * DAY)


@pytest.mark.parametrize(
    ("dwell", "up", "down"),
    [
        ("", (2, 0), (2, 0)),
        ("dwell = 3", (3, 0), (3, 0)),
        ('dwell = "6 hours"', (2, 6), (2, 6)),
        ('dwell = [3, "6 hours"]', (3, 6), (3, 6)),
        ("dwell = { up = 1 }", (1, 0), (2, 0)),
        ('dwell = { up = 1, down = "1 day" }', (1, 0), (2, 24)),
        ('dwell = { up = [1, "2 hours"], down = 4 }', (1, 2), (4, 0)),
    ],
)
def test_a_dwell_is_evaluations_or_time_or_both(
    dwell: str, up: tuple[int, int], down: tuple[int, int]
) -> None:
    made = rule(f"fire_at = 0.4\n{dwell}")
    assert (made.dwell_up, made.for_up / HOUR) == up
    assert (made.dwell_down, made.for_down / HOUR) == down


def test_what_is_yes_or_no_by_the_clock_does_not_dwell_by_itself() -> None:
    dwells = {name: rule(kind(name) + needed).dwell_up for name, needed in NEEDED.items()}
    assert {name for name, dwell in dwells.items() if dwell == 1} == {
        "deadline",
        "stale",
        "channel",
        "source",
        "resolved",
    }


def test_a_watch_without_rules_on_what_may_fail_has_them_built_in() -> None:
    rest = ["channel-unhealthy", "source-unhealthy"]
    assert [t.id for t in alert_rules([])] == ["model-unhealthy", *rest]
    own = config(kind("unhealthy") + 'after = "1 day"').rules
    assert [t.id for t in alert_rules(own)] == ["r", *rest]
    assert BUILT_IN[1].rule().after == timedelta(minutes=15)


def documented() -> list[Rule]:
    """The rules of every example in the document, each read on a desk of its own."""
    blocks = re.findall(r"```toml\n(.*?)```", DOC.read_text(), re.DOTALL)
    return [table.rule() for block in blocks for table in parse_config(DESK + block).rules]


def test_the_documents_examples_are_read_and_show_every_kind() -> None:
    rules = {rule.rule_id: rule for rule in documented()}
    assert {rule.kind for rule in rules.values()} == set(RuleKind)
    assert rules["strike-likely"].clear_at == 0.3
    assert rules["odds-doubled"].over == DAY
    assert rules["moved-since-we-spoke"].over is None
    assert rules["worth-rerouting"].fire_at == pytest.approx(0.0667, abs=1e-4)
    patient = rules["patient"]
    assert (patient.dwell_up, patient.for_up, patient.for_down) == (2, 6 * HOUR, 6 * HOUR)
    slow = rules["quick-up-slow-down"]
    assert (slow.dwell_up, slow.dwell_down, slow.for_down) == (1, 3, DAY)


def test_the_documents_table_names_every_kind_and_what_it_needs() -> None:
    rows = re.findall(r"^\| `(\w+)`.*\|([^|]*)\|$", DOC.read_text(), re.MULTILINE)
    needs = {name: set(re.findall(r"`(\w+)`", needed)) for name, needed in rows}
    asked = {
        name: set(re.findall(r"^(\w+) =", text, re.MULTILINE)) for name, text in NEEDED.items()
    }
    assert needs == asked


@pytest.mark.parametrize("name", ["", " ", "a\\u0000b", "a\\nb", "\\u001b[2Jx"])
@pytest.mark.parametrize(
    "table",
    [
        '[[rules]]\nkind = "resolved"',
        '[[channels]]\nkind = "log"',
        '[[quiet]]\nfrom = "22:00"\nto = "07:00"',
        '[[schedules]]\ncron = "0 0 * * *"',
    ],
)
def test_an_id_that_is_empty_or_has_control_characters_is_refused_on_one_line(
    table: str, name: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        parse_config(f'{DESK}{table}\nid = "{name}"\n')
    assert "id" in str(caught.value)
    assert str(caught.value).isprintable()
