"""What an alert says for every kind of rule, of message and of subject, old ones too."""

import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alerts import message
from alerts.facts import Facts, again
from alerts.readings import Baseline
from alerts.testing import sample_facts
from alerts.testing.samples import several_facts
from forecast.alert import RuleKind
from forecast.estimate import Move
from tests.alerts.any_facts import any_facts
from tests.alerts.fact_samples import AT, ESTIMATE, FIRED, RULE, facts

TITLE = "Any US strike on Venezuelan territory by Christmas (2025-12-25)?"
NUMBERS = {
    "firing": "43 % (30–56 %) as of 17 Nov 09:59 UTC, unlikely; was 38 % the day before; alert "
    "line 40 %.",
    "resolved": "31 % (22–40 %) as of 17 Nov 09:59 UTC, unlikely; was 38 % the day before; "
    "all-clear line 35 %.",
    "closed": "Last estimate 31 % (22–40 %) as of 17 Nov 09:59 UTC, unlikely; was 38 % the day "
    "before.",
    "certainty": "Pr(P > 40 %) is 93 %, alert line 90 %; probability 52 % (36–68 %) as of 17 Nov "
    "09:59 UTC, roughly even chance; "
    "was 38 % the day before.",
    "change": "Odds up 2.41×, from 31 % 24 hours before; probability 52 % (36–68 %) as of 17 Nov "
    "09:59 UTC, roughly even "
    "chance; alert line 2×.",
    "loss": "Expected loss 5.2 against cost 2; probability 52 % (36–68 %) as of 17 Nov 09:59 "
    "UTC, roughly even chance; was 38 % "
    "the day before; alert line 20 %.",
    "deadline": "The deadline is 25 Dec 2025 23:59 UTC (38 days left); probability 52 % (36–68 "
    "%) as of 17 Nov 09:59 UTC, roughly "
    "even chance; was 38 % the day before.",
    "unhealthy": "The estimate is held: the sampler diverged; 2 evaluations in a row. Last "
    "number 52 % (36–68 %) as of 17 Nov 09:59 UTC, not to be relied on.",
    "outcome": "Last estimate 31 % (22–40 %) as of 17 Nov 09:59 UTC, unlikely; was 38 % the day "
    "before.",
    "reminder": "43 % (30–56 %) as of 17 Nov 09:59 UTC, unlikely; was 38 % the day before; alert "
    "line 40 %.",
    "stale": "The newest report on usa-ven came 9 days ago.",
    "channel": "The channel siem has failed since 2025-11-17 09:40 UTC: the receiver answered 503.",
    "group": "Severity: 1 page, 2 warning.",
    "test": "This is only a trial; nothing has happened.",
}
HEADLINES = {
    "firing": f"FIRING · {TITLE}",
    "resolved": f"RESOLVED · {TITLE}",
    "closed": f"ENDED · {TITLE}",
    "certainty": f"FIRING · {TITLE}",
    "deadline": f"FIRING · Deadline near: {TITLE}",
    "unhealthy": f"FIRING · No reliable number: {TITLE}",
    "outcome": f"RESOLVED YES · {TITLE}",
    "expired": f"EXPIRED · {TITLE}",
    "reminder": f"STILL FIRING · {TITLE}",
    "acknowledged": f"ACKNOWLEDGED · {TITLE}",
    "stale": "FIRING · No new reports on USA and Venezuela",
    "fresh": "RESOLVED · Reports again on USA and Venezuela",
    "channel": "FIRING · The channel siem takes no messages",
    "working": "RESOLVED · The channel siem works again",
    "group": "3 alerts: 2 firing, 1 resolved",
    "digest": "DIGEST · 12 alerts: 5 firing, 1 still firing, 1 ended, 1 acknowledged, 4 resolved",
    "test": "TEST · Tocsin reaches the channel desk",
}
RULES = {
    "firing": "fires at 40 %, clears at 35 %",
    "certainty": "fires at Pr(P > 40 %) of 90 %, clears at 60 %",
    "change": "fires when the odds move 2× in 24 hours",
    "loss": "fires at 20 % (cost 2 of 10), clears at 15 %",
    "deadline": "fires 40 days before the deadline",
    "unhealthy": "fires when the number cannot be relied on",
    "outcome": "tells once how the question ended",
    "stale": "fires after 7 days without a report",
    "channel": "fires when a channel is switched off, or fails for 15 minutes",
}
SAMPLES = sample_facts()


@pytest.mark.parametrize(("name", "line"), NUMBERS.items())
def test_each_kind_has_its_numbers(name: str, line: str) -> None:
    assert message.number_line(SAMPLES[name]) == line


@pytest.mark.parametrize(("name", "line"), HEADLINES.items())
def test_each_kind_has_its_headline(name: str, line: str) -> None:
    assert message.headline(SAMPLES[name]) == line


@pytest.mark.parametrize(("name", "line"), RULES.items())
def test_the_small_print_says_when_each_kind_of_rule_fires(name: str, line: str) -> None:
    assert message.small_print(SAMPLES[name])[1] == line


def test_a_rule_that_clears_says_so_of_each_kind() -> None:
    over = {"kind": "resolved", "reason": "cleared"}
    assert (
        message.headline(SAMPLES["unhealthy"] | over)
        == f"RESOLVED · Reliable number again: {TITLE}"
    )
    assert message.number_line(SAMPLES["unhealthy"] | over).endswith(
        "52 % (36–68 %) as of 17 Nov 09:59 UTC, roughly even chance."
    )
    assert "all-clear line 1.41×" in message.number_line(SAMPLES["change"] | over)
    assert "all-clear line 60 %" in message.number_line(SAMPLES["certainty"] | over)
    assert "all-clear line 15 %" in message.number_line(SAMPLES["loss"] | over)


@pytest.mark.parametrize("outcome", ["yes", "no", "void"])
def test_an_alert_whose_question_is_resolved_says_how_at_once(outcome: str) -> None:
    ended = replace(FIRED, notify="resolved", reason="question_resolved", detail="It ended.")
    assert message.text(facts(ended, outcome=outcome)).startswith(f"RESOLVED {outcome.upper()} · ")


def test_an_alert_whose_rule_is_gone_is_closed_and_claims_no_all_clear() -> None:
    gone = replace(FIRED, notify="resolved", reason="rule_removed", detail="Nobody watches it.")
    said = message.text(facts(gone))
    assert said.startswith("CLOSED · ")
    assert "Nobody watches it." in said
    assert "all-clear" not in said


def test_without_what_it_compared_a_rule_says_its_detail() -> None:
    bare = SAMPLES["certainty"] | {"certainty": None}
    assert message.number_line(bare).startswith(
        "It is 93 % certain that P is above 40 %, at or above the alert line of 90 % in 2 "
        "evaluations in a row; probability 52 %"
    )
    bare = SAMPLES["change"] | {"baseline": None}
    assert message.number_line(bare).startswith(
        "The odds moved up by 2.41x, from 31 % 24 hours before to 52 %, at or above the alert line "
        "of 2x in 2 evaluations in a row; probability 52 % (36–68 %) as of 17 Nov 09:59 UTC, "
    )


def test_a_change_since_the_last_alert_is_named_so_and_may_go_down() -> None:
    down = facts(
        replace(FIRED, probability=0.2),
        replace(RULE, kind=RuleKind.CHANGE, fire_at=0.6931471805599453),
        baseline=Baseline(0.5, 0.0, "at the last alert"),
    )
    assert message.number_line(down).startswith(
        "Odds down 4×, from 50 % at the last alert; probability 20 %"
    )
    assert message.small_print(down)[1] == "fires when the odds move 2× since the last alert"


@pytest.mark.parametrize(
    ("cost", "loss", "line"),
    [
        (2.0, 10.0, "Expected loss 4.3 against cost 2;"),
        (1_500_000.0, 12_345_678.0, "Expected loss 5,310,000 against cost 1,500,000;"),
        (0.25, 1.0, "Expected loss 0.43 against cost 0.25;"),
    ],
)
def test_costs_are_said_as_they_were_given(cost: float, loss: float, line: str) -> None:
    rule = replace(RULE, kind=RuleKind.LOSS, fire_at=cost / loss, cost=cost, loss=loss)
    assert message.number_line(facts(rule=rule)).startswith(line)


def test_a_reminder_says_which_it_is_and_since_when_it_fires() -> None:
    first = again(facts(), "reminder", AT + timedelta(hours=8), number=1)
    assert message.why_line(first).startswith(
        "1st reminder, firing since 17 Nov 2025 10:00 UTC (8 h). Up mainly"
    )
    later = again(first, "reminder", AT + timedelta(days=9), number=12)
    assert message.why_line(later).startswith(
        "12th reminder, firing since 17 Nov 2025 10:00 UTC (9 days). Up mainly"
    )
    assert "(29 days left)" in message.deadline_line(later)
    assert later["episode"] == 3


def test_a_reminder_whose_number_fell_does_not_repeat_why_it_once_fired() -> None:
    fell = replace(ESTIMATE, moved=Move(0.46, 0.43, time=-0.1))
    told = again(facts(estimate=fell), "reminder", AT + timedelta(hours=8), number=1)
    assert "Down mainly because of the passing of time." in message.why_line(told)
    assert FIRED.detail not in message.why_line(told)


def test_an_acknowledgement_says_by_whom_and_what() -> None:
    note = {"author": "ada", "note": "on it.\n\u202eevil", "at": AT}
    told = again(facts(), "acknowledged", AT, acknowledged=note)
    assert message.why_line(told).startswith("By ada: on it. evil. No more reminders")
    assert told["acknowledged"]["at"] == "2025-11-17T10:00:00Z"
    silent = again(facts(), "acknowledged", AT, acknowledged=note | {"note": ""})
    assert message.why_line(silent).startswith("By ada. No more reminders of this episode.")


def test_facts_told_again_leave_those_of_the_firing_as_they_were() -> None:
    told = facts()
    before = json.dumps(told)
    again(told, "reminder", AT, number=1)
    assert json.dumps(told) == before


def test_a_group_tells_the_severest_first_and_each_story_in_its_order() -> None:
    def member(rule: str, on: str, kind: str, severity: str = "warning") -> Facts:
        known: Facts = SAMPLES["group"]["members"][0]
        subject = {"kind": "question", "id": on, "title": on}
        return known | {
            "rule": {"id": rule, "kind": "threshold"},
            "subject": subject,
            "kind": kind,
            "severity": severity,
        }

    told = SAMPLES["group"] | {
        "members": [
            member("a", "quiet", "resolved"),
            member("a", "twice", "resolved"),
            member("a", "loud", "firing", "page"),
            member("a", "twice", "firing"),
            member("a", "info", "firing", "info"),
        ]
    }
    assert [line.split(" · ")[:2] for line in message.member_lines(told)] == [
        ["FIRING", "loud"],
        ["RESOLVED", "twice"],
        ["FIRING", "twice"],
        ["RESOLVED", "quiet"],
        ["FIRING", "info"],
    ]


def test_each_member_of_a_digest_has_a_line_with_what_counts() -> None:
    assert message.text(SAMPLES["digest"]).split("\n")[1:] == [
        "FIRING · Any embargo by March? · 71 %, was 38 % · page",
        f"FIRING · {TITLE} · 43 %, was 38 %",
        f"STILL FIRING · {TITLE} · 43 %, was 38 %",
        f"ACKNOWLEDGED · {TITLE} · 43 %, was 38 % · by ada",
        "RESOLVED · Any ceasefire by June? · 31 %, was 38 %",
        "FIRING · No new reports on USA and Venezuela · "
        "The newest report on usa-ven came 9 days ago.",
        "RESOLVED · Reports again on USA and Venezuela · "
        "The newest report on usa-ven came 3 hours ago.",
        "FIRING · The channel siem takes no messages · "
        "The channel siem has failed since 2025-11-17 09:40 UTC: the receiver answered 503.",
        "RESOLVED · The channel siem works again",
        "FIRING · The source acled brings nothing · "
        "The source acled has failed since 2025-11-17 08:40 UTC: "
        "there is nothing at the URL (404).",
        "RESOLVED · The source acled works again",
        f"RESOLVED YES · {TITLE} · The question was resolved: yes. The last estimate was 31 %.",
    ]


def told(name: str, **more: Any) -> Facts:
    return SAMPLES[name] | {"cause": "", **more}


def test_rules_on_one_question_are_told_apart_in_a_group() -> None:
    members = [told("firing"), told("loss"), told("certainty"), told("change")]
    lines = message.member_lines(several_facts("group", members))
    assert lines == [
        f"FIRING · {TITLE} · 43 %, was 38 % · rule strike-40",
        f"FIRING · {TITLE} · 52 %, was 38 % · rule insure",
        f"FIRING · {TITLE} · It is 93 % certain that P is above 40 %, at or above the alert line "
        "of "
        "90 % in 2 evaluations in a row. · rule sure-of-40",
        f"FIRING · {TITLE} · The odds moved up by 2.41x, from 31 % 24 hours before to 52 %, at or "
        "above the alert line of 2x in 2 evaluations in a row. · rule doubled",
    ]


def test_a_digest_says_what_kept_an_alert_from_ringing() -> None:
    members = [told("firing", cause="prior")]
    assert message.member_lines(several_facts("digest", members)) == [
        f"FIRING · {TITLE} · 43 %, was 38 % · a change of the prior did it"
    ]
    assert "did it" not in message.text(several_facts("group", members))


def test_the_end_of_a_question_is_told_once_for_all_its_rules() -> None:
    ends = [
        told("expired", rule=SAMPLES["expired"]["rule"] | {"id": rule}) for rule in ("a", "b", "c")
    ]
    both = several_facts("group", [ends[0], told("stale"), *ends[1:]])
    assert message.text(both).split("\n") == [
        "4 alerts: 1 firing, 3 resolved.",
        "FIRING · No new reports on USA and Venezuela · "
        "The newest report on usa-ven came 9 days ago.",
        f"EXPIRED · {TITLE} · {ends[0]['detail']} · 3 rules",
    ]
    assert len(message.members(both)) == 2


def test_beside_a_cost_a_number_has_the_decimals_that_it_needs() -> None:
    rule = replace(
        RULE, kind=RuleKind.LOSS, fire_at=1 / 15, clear_at=0.05, cost=20_000.0, loss=300_000.0
    )
    line = message.number_line(facts(replace(FIRED, probability=0.17587, previous=None), rule))
    assert line == (
        "Expected loss 52,800 against cost 20,000; probability 18 % (31–56 %) as of 17 Nov 10:00 "
        "UTC, very unlikely; alert line 6.7 %."
    )
    near = message.number_line(facts(replace(FIRED, probability=0.0671, previous=None), rule))
    assert "; probability 6.7 % (" in near
    assert message.small_print(facts(rule=rule))[1] == (
        "fires at 6.7 % (cost 20,000 of 300,000), clears at 5 %"
    )


def test_what_the_headline_or_the_numbers_say_is_not_said_again() -> None:
    assert message.text(SAMPLES["working"]) == "RESOLVED · The channel siem works again."
    fell = replace(ESTIMATE, moved=Move(0.46, 0.43, time=-0.1), contributions=())
    at_once = facts(rule=replace(RULE, dwell_up=1), estimate=fell)
    assert message.why_line(at_once) == ""


def test_times_are_told_to_the_minute() -> None:
    moment = AT + timedelta(microseconds=1_234_567)
    known = facts(replace(FIRED, at=moment), estimate=replace(ESTIMATE, as_of=moment))
    assert message.small_print(known)[2] == "model hazard abcdef01 · as of 17 Nov 10:00 UTC"
    assert "as of 17 Nov 10:00 UTC" in message.number_line(known)
    assert message.small_print(SAMPLES["group"]) == ["17 Nov 2025 10:00 UTC"]


@given(st.lists(st.text("ab", max_size=30), min_size=1, max_size=60), st.integers(50, 400))
def test_lines_that_fit_are_kept_and_the_rest_counted(lines: list[str], room: int) -> None:
    kept = message.fit_lines(lines, room)
    assert sum(len(line) + 1 for line in kept) <= room
    if kept != lines:
        assert kept[:-1] == lines[: len(kept) - 1]
        assert kept[-1] == f"and {len(lines) - len(kept) + 1} more"
        longer = [*lines[: len(kept)], kept[-1]]
        assert sum(len(line) + 1 for line in longer) > room


# What an earlier version left in the outbox, as it stored it


OLD = json.loads((Path(__file__).parent / "facts_of_0_1.json").read_text())


@pytest.mark.parametrize(
    ("name", "beginning"),
    [
        (
            "firing",
            f"FIRING · {TITLE} 43 % (30–56 %) as of 17 Nov 09:59 UTC, unlikely; was 38 % the day "
            "before; alert line",
        ),
        (
            "resolved",
            f"RESOLVED · {TITLE} 31 % (22–40 %) as of 17 Nov 09:59 UTC, unlikely; was 38 % the "
            "day before; all-",
        ),
        (
            "closed",
            f"ENDED · {TITLE} Last estimate 31 % (22–40 %) as of 17 Nov 09:59 UTC, unlikely; was "
            "38 % the day before.",
        ),
        ("test", "TEST · Tocsin reaches the channel desk. This is only a trial;"),
    ],
)
def test_facts_stored_by_an_earlier_version_are_still_told(name: str, beginning: str) -> None:
    assert message.text(OLD[name]).startswith(beginning)
    if name == "firing":
        assert message.small_print(OLD[name])[1] == "fires at 40 %, clears at 35 %"
    told = again(OLD["firing"], "reminder", AT + timedelta(days=1), number=1)
    assert message.headline(told) == f"STILL FIRING · {TITLE}"


def test_the_old_facts_are_such_that_lack_what_is_new() -> None:
    assert not {"subject", "health", "baseline", "certainty", "outcome"} & set(OLD["firing"])
    assert "kind" not in OLD["firing"]["rule"]


@settings(deadline=None)
@given(any_facts)
def test_whatever_the_facts_every_sentence_is_said(known: dict[str, Any]) -> None:
    assert message.headline(known)
    assert message.text(known).startswith(message.headline(known).strip()[:20])
    for say in (message.number_line, message.why_line, message.deadline_line, message.crowd_line):
        assert isinstance(say(known), str)
    assert all(isinstance(line, str) for line in message.small_print(known))
