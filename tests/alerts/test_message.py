"""What an alert says, word for word, and that it stays small whatever it is made of."""

import json
import math
from dataclasses import replace
from datetime import timedelta
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts import facts as facts_
from alerts import message
from alerts.facts import clean
from alerts.facts import notice_id as delivery_id
from alerts.testing import sample_facts
from forecast.alert import RuleKind
from forecast.estimate import Contribution, Interval, Move
from forecast.evidence import CrowdForecast
from tests.alerts.fact_samples import AT, ESTIMATE, FIRED, QUESTION, RULE, facts

SAMPLES = sample_facts()


def test_a_firing_alert_reads_like_this() -> None:
    assert message.text(facts()) == (
        "FIRING · Any US strike on Venezuelan territory by Christmas (2025-12-25)? "
        "43 % (31–56 %) as of 17 Nov 10:00 UTC, unlikely; was 38 % the day before; alert line 40 "
        "%. "
        "Up mainly because of new evidence. Weighing most: talks are announced (×0.4, "
        "1 incident); a carrier group in the region (×1.9, 3 incidents); fleet (×1.1, "
        "1 incident). By 25 Dec 2025 (38 days left). https://t.example/q"
    )


def test_a_resolved_alert_shows_the_all_clear_line() -> None:
    done = replace(FIRED, notify="resolved", probability=0.31, reason="cleared")
    said = message.text(facts(done))
    assert said.startswith("RESOLVED · ")
    assert "all-clear line 35 %" in said


def test_a_question_that_ended_says_how_and_no_line() -> None:
    detail = "The question was resolved: no. The last estimate was 43 %."
    ended = replace(FIRED, notify="resolved", reason="question_resolved", detail=detail)
    said = message.text(facts(ended))
    assert said.startswith("ENDED · ")
    assert (
        "Last estimate 43 % (31–56 %) as of 17 Nov 10:00 UTC, unlikely; was 38 % the day before. "
        + detail
        in said
    )
    assert "alert line" not in said
    assert "all-clear line" not in said
    assert "Its deadline: 25 Dec 2025." in said


def test_an_edited_rule_says_so() -> None:
    edited = replace(FIRED, reason="rule_changed", detail="The rule was edited: so.")
    assert message.why_line(facts(edited)).startswith("The rule was edited: so. Up mainly")


@pytest.mark.parametrize(
    ("before", "words"),
    [
        (timedelta(seconds=5), "was 38 % 1 min before"),
        (timedelta(minutes=42), "was 38 % 42 min before"),
        (timedelta(hours=6), "was 38 % 6 h before"),
        (timedelta(hours=24), "was 38 % the day before"),
        (timedelta(days=3), "was 38 % 3 days before"),
    ],
)
def test_the_number_before_has_its_age(before: timedelta, words: str) -> None:
    assert words in message.number_line(facts(previous_at=AT - before))


def test_without_a_time_the_number_before_is_just_before() -> None:
    assert "was 38 % before;" in message.number_line(facts(previous_at=None))


def test_a_first_estimate_has_no_number_before() -> None:
    assert "was" not in message.number_line(facts(replace(FIRED, previous=None)))


def test_rare_events_are_shown_with_decimals() -> None:
    rare = replace(FIRED, probability=0.006, previous=0.003)
    estimate = replace(ESTIMATE, probability=0.006, interval=Interval(0.0004, 0.012))
    line = message.number_line(facts(rare, replace(RULE, fire_at=0.005), estimate=estimate))
    assert line.startswith(
        "0.60 % (0.04–1.20 %) as of 17 Nov 10:00 UTC, a remote chance; was 0.30 %"
    )
    assert line.endswith("alert line 0.5 %.")


@pytest.mark.parametrize(
    ("left", "words"),
    [
        (timedelta(days=38, hours=3), "38 days left"),
        (timedelta(days=2), "2 days left"),
        (timedelta(hours=47), "47 h left"),
        (timedelta(minutes=5), "1 h left"),
        (timedelta(0), "the deadline has passed"),
        (-timedelta(days=1), "the deadline has passed"),
    ],
)
def test_the_deadline_says_what_is_left(left: timedelta, words: str) -> None:
    moment = replace(FIRED, at=QUESTION.deadline - left)
    assert message.deadline_line(facts(moment)) == f"By 25 Dec 2025 ({words})."


@pytest.mark.parametrize(
    ("move", "words"),
    [
        (Move(0.38, 0.43, evidence=0.2, time=-0.3), "Up mainly because of new evidence."),
        (Move(0.4, 0.3, evidence=0.3, time=-0.2, prior=-0.4), "Down mainly because of a change of"),
        (Move(0.4, 0.3, time=-0.2), "Down mainly because of the passing of time."),
        (Move(0.4, 0.4), ""),
        (None, ""),
    ],
)
def test_the_cause_is_the_largest_part_that_points_the_way_p_went(
    move: Move | None, words: str
) -> None:
    bare = replace(ESTIMATE, moved=move, contributions=())
    told = facts(estimate=bare)
    if words.startswith("Down"):
        told |= {"kind": "resolved"}
    line = message.why_line(told)
    assert line.startswith(words)
    assert bool(line) == bool(words)


def test_an_alert_that_fires_on_a_falling_number_says_why_it_fires_now() -> None:
    fell = replace(ESTIMATE, moved=Move(0.46, 0.43, time=-0.1))
    line = message.why_line(facts(estimate=fell))
    assert line.startswith(FIRED.detail)
    assert "Down" not in line


def test_what_others_say_is_the_newest_of_it() -> None:
    crowd = [
        CrowdForecast("us-strike", AT - timedelta(days=day), 0.5 + day / 100, f"source {day}")
        for day in (4, 1, 3, 2)
    ]
    line = message.crowd_line(facts(crowd=crowd))
    assert line == "Others say: source 1 51 %, source 2 52 %, source 3 53 %."


def test_the_facts_carry_the_numbers_for_machines() -> None:
    known = facts()
    assert (known["probability"], known["mcse"], known["severity"]) == (0.43, 0.002, "page")
    assert known["interval"] == {"lower": 0.31, "upper": 0.56, "mass": 0.9}
    assert known["previous"] == {"probability": 0.38, "at": "2025-11-16T10:00:00Z"}
    assert known["rule"]["fire_at"] == 0.40
    assert (known["episode"], known["reason"]) == (3, "threshold_crossed")
    assert known["model"]["inputs_digest"] == "d" * 64
    assert known["moved"]["parts"]["evidence"] == 0.17


@pytest.mark.parametrize("name", sample_facts())
def test_facts_survive_the_outbox(name: str) -> None:
    known = sample_facts()[name]
    assert json.loads(json.dumps(known)) == known
    most = 60_000 if name == "crowded" else 15_000
    assert len(json.dumps(known, ensure_ascii=False, allow_nan=False).encode()) < most


@given(st.text(st.characters() | st.sampled_from("\ud800\x00\u202e\n\u2028"), max_size=200))
def test_cleaned_words_are_one_harmless_line(words: str) -> None:
    line = clean(words, 50)
    assert len(line) <= 50
    line.encode()
    assert not set(line) & set("\x00\n\r\u2028\u202e\ud800")
    assert clean(line, 50) == line


def test_clean_words_stay_as_they_are_emoji_too() -> None:
    assert clean("Ärger in Łódź 🏴‍☠️?", 50) == "Ärger in Łódź 🏴‍☠️?"
    assert clean("a \n\t b", 50) == "a b"
    assert clean("abcdef", 4) == "abc…"


def test_a_delivery_id_is_the_same_for_ever() -> None:
    assert delivery_id("desk", "strike-40", "us-strike", 3, "firing") == (
        "msg_ef046d3b49bae936cbf867977c28dc37"
    )


def test_each_part_of_a_delivery_id_counts() -> None:
    parts = product(["a", "ab"], ["b", "bb"], ["c", ""], [1, 2], ["firing", "resolved"])
    ids = [delivery_id(*part) for part in parts]
    assert len(set(ids)) == 32
    assert delivery_id("a", "b|c", "d", 1, "x") != delivery_id("a|b", "c", "d", 1, "x")
    assert all(i.startswith("msg_") and "." not in i for i in ids)


def test_a_trial_message_says_that_nothing_has_happened() -> None:
    assert message.text(facts_.test_facts("desk", AT)) == (
        "TEST · Tocsin reaches the channel desk. This is only a trial; nothing has happened."
    )


# Facts


def test_what_is_no_number_is_null_so_that_the_facts_stay_json() -> None:
    broken = replace(ESTIMATE, interval=Interval(math.nan, 1.0), mcse=math.inf)
    weird = replace(broken, contributions=(Contribution("fleet", math.inf, 0.0, math.nan, ("a",)),))
    told = facts(replace(FIRED, probability=math.nan, previous=math.nan), estimate=weird)
    json.dumps(told, allow_nan=False)
    assert (told["probability"], told["previous"], told["interval"]) == (None, None, None)
    assert "there is no estimate" in message.number_line(told).lower()


def test_the_facts_say_all_numbers_of_the_rule_by_its_kind() -> None:
    rule = replace(
        RULE,
        kind=RuleKind.LOSS,
        cost=2.0,
        loss=10.0,
        for_up=timedelta(hours=6),
        repeat=timedelta(days=1),
    )
    assert facts(rule=rule)["rule"] == {
        "id": "strike-40",
        "kind": "loss",
        "fire_at": 0.40,
        "clear_at": 0.35,
        "dwell_up": 2,
        "dwell_down": 2,
        "for_up": 21600.0,
        "for_down": 0.0,
        "z": 1.0,
        "level": None,
        "direction": None,
        "over": None,
        "cost": 2.0,
        "loss": 10.0,
        "within": None,
        "after": None,
        "repeat": 86400.0,
        "when": None,
    }


def test_numbers_that_a_kind_of_rule_does_not_have_are_null() -> None:
    rule = facts(rule=replace(RULE, cost=2.0, loss=10.0, level=0.4, direction="up"))["rule"]
    unused = ("cost", "loss", "level", "direction", "over", "within", "after", "repeat")
    assert {rule[name] for name in unused} == {None}


def test_facts_on_units_and_channels_have_the_keys_of_those_on_questions() -> None:
    assert SAMPLES["stale"].keys() == SAMPLES["channel"].keys() == SAMPLES["firing"].keys()
    assert SAMPLES["stale"]["question"] is None
    assert SAMPLES["stale"]["subject"] == {
        "kind": "unit",
        "id": "usa-ven",
        "title": "USA and Venezuela",
    }


def test_a_title_as_long_as_a_book_is_cut_without_reading_it() -> None:
    assert clean("x" * 10_000_000, 5) == "xxxx…"
    assert clean(" " * 10_000_000 + "x", 5) == "…"
