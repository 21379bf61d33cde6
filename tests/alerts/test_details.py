"""The sentence of every arrow, for every kind of rule that has one."""

from dataclasses import replace
from datetime import timedelta

import pytest

from alerts.decide import decide
from alerts.details import gap_warning, line_words
from alerts.readings import (
    Baseline,
    Reading,
    read_channel,
    read_deadline,
    read_estimate,
    read_overdue,
    read_unit,
)
from forecast.alert import ChannelHealth, ChannelState, Rule, RuleKind, State
from forecast.estimate import Health
from forecast.question import Question
from tests.alerts.rule_samples import HOUR, RULE, START, estimate, run, spread

DAY = timedelta(days=1)
QUESTION = Question("us-strike", "Any US strike?", "uv", "strike", START - DAY, START + 5 * DAY)
CERTAINTY = Rule("sure", 0.9, 0.6, kind=RuleKind.CERTAINTY, level=0.2)
CHANGE = Rule("jump", 0.6931471805599453, 0.34657359, kind=RuleKind.CHANGE, over=DAY)
LOSS = Rule("cost", 0.2, 0.15, kind=RuleKind.LOSS, cost=2.0, loss=10.0)
YES_NO = replace(RULE, fire_at=1.0, clear_at=0.0)
UNHEALTHY = replace(YES_NO, kind=RuleKind.UNHEALTHY, after=6 * HOUR)


def details(rule: Rule, readings: list[Reading]) -> list[tuple[str, str]]:
    """What each transition led to, and what it said."""
    state, said = None, []
    for reading in readings:
        state, made = decide(rule, state, reading, reading.as_of)
        said += [(made.after.value, made.detail)] if made else []
    return said


def read(rule: Rule, *answers: float) -> list[Reading]:
    """Readings an hour apart; for a certainty each a share of the mass above the level."""
    found = []
    for hour, p in enumerate(answers):
        answer = estimate(p, hour)
        if rule.kind is RuleKind.CERTAINTY:
            answer = spread(rule.level + (2 * p - 1) * 0.1, 0.1, hour, ess=1e6)
        reading = read_estimate(rule, answer, baseline=Baseline(0.31, 0.0, "1 day before"))
        assert reading is not None
        found.append(reading)
    return found


def test_a_threshold_says_the_number_and_the_line() -> None:
    _, transitions = run(RULE, [0.43, 0.3, 0.43, 0.43, 0.3, 0.38, 0.3, 0.3])
    assert [t.detail.removeprefix("The probability is ") for t in transitions] == [
        "43 %, at or above the alert line of 40 %; 1 of 2 evaluations in a row.",
        "30 %, no longer clearly above the alert line of 40 %; no alert was sent.",
        "43 %, at or above the alert line of 40 %; 1 of 2 evaluations in a row.",
        "43 %, at or above the alert line of 40 % in 2 evaluations in a row.",
        "30 %, at or below the all-clear line of 35 %; 1 of 2 evaluations in a row.",
        "38 %, no longer clearly below the all-clear line of 35 %; the alert stays on.",
        "30 %, at or below the all-clear line of 35 %; 1 of 2 evaluations in a row.",
        "30 %, at or below the all-clear line of 35 %.",
    ]


def test_a_dwell_in_time_is_told_and_counted() -> None:
    rule = replace(RULE, for_up=timedelta(hours=3), for_down=timedelta(days=2))
    _, transitions = run(rule, [0.43] * 4 + [0.3])
    assert [t.detail.removeprefix("The probability is ") for t in transitions] == [
        "43 %, at or above the alert line of 40 %; 1 of 2 evaluations in a row, and it must "
        "last 3 hours.",
        "43 %, at or above the alert line of 40 % in 4 evaluations in a row over 3 hours.",
        "30 %, at or below the all-clear line of 35 %; 1 of 2 evaluations in a row, and it must "
        "last 2 days.",
    ]


@pytest.mark.parametrize(
    ("fire_at", "p", "words"),
    [
        (0.40, 0.996, "is >99 %, at or above the alert line of 40 %."),
        (0.01, 0.0123, "is 1.2 %, at or above the alert line of 1 %."),
        (0.001, 0.00123, "is 0.12 %, at or above the alert line of 0.1 %."),
        (0.985, 0.9876, "is 98.8 %, at or above the alert line of 98.5 %."),
        (1.0, 1.0, "is 100 %, at or above the alert line of 100 %."),
    ],
)
def test_a_number_has_the_digits_that_its_line_needs(fire_at: float, p: float, words: str) -> None:
    rule = replace(RULE, fire_at=fire_at, clear_at=0.0, dwell_up=1)
    assert details(rule, read(rule, p)) == [("firing", f"The probability {words}")]


@pytest.mark.parametrize(
    ("rule", "answers", "sentences"),
    [
        (
            CERTAINTY,
            [0.93, 0.95, 0.3, 0.8, 0.2, 0.2],
            [
                "It is 93 % certain that P is above 20 %, at or above the alert line of 90 %; "
                "1 of 2 evaluations in a row.",
                "It is 95 % certain that P is above 20 %, at or above the alert line of 90 % "
                "in 2 evaluations in a row.",
                "It is 30 % certain that P is above 20 %, at or below the all-clear line of "
                "60 %; 1 of 2 evaluations in a row.",
                "It is 80 % certain that P is above 20 %, no longer clearly below the all-clear "
                "line of 60 %; the alert stays on.",
                "It is 20 % certain that P is above 20 %, at or below the all-clear line of "
                "60 %; 1 of 2 evaluations in a row.",
                "It is 20 % certain that P is above 20 %, at or below the all-clear line of 60 %.",
            ],
        ),
        (
            CHANGE,
            [0.52, 0.4, 0.52, 0.55, 0.31, 0.3],
            [
                "The odds moved up by 2.41x, from 31 % 1 day before to 52 %, at or above the "
                "alert line of 2x; 1 of 2 evaluations in a row.",
                "The odds moved up by 1.48x, from 31 % 1 day before to 40 %, no longer clearly "
                "above the alert line of 2x; no alert was sent.",
                "The odds moved up by 2.41x, from 31 % 1 day before to 52 %, at or above the "
                "alert line of 2x; 1 of 2 evaluations in a row.",
                "The odds moved up by 2.72x, from 31 % 1 day before to 55 %, at or above the "
                "alert line of 2x in 2 evaluations in a row.",
                "The odds have not moved, from 31 % 1 day before to 31 %, at or below the "
                "all-clear line of 1.41x; 1 of 2 evaluations in a row.",
                "The odds moved down by 1.05x, from 31 % 1 day before to 30 %, at or below the "
                "all-clear line of 1.41x.",
            ],
        ),
        (
            LOSS,
            [0.25, 0.25, 0.1, 0.1],
            [
                "The expected loss is 2.5 (25 % of 10), at or above the cost of acting (2); "
                "1 of 2 evaluations in a row.",
                "The expected loss is 2.5 (25 % of 10), at or above the cost of acting (2) "
                "in 2 evaluations in a row.",
                "The expected loss is 1 (10 % of 10), at or below the all-clear line of 1.5; "
                "1 of 2 evaluations in a row.",
                "The expected loss is 1 (10 % of 10), at or below the all-clear line of 1.5.",
            ],
        ),
    ],
)
def test_other_kinds_say_theirs(rule: Rule, answers: list[float], sentences: list[str]) -> None:
    assert [words for _, words in details(rule, read(rule, *answers))] == sentences


def test_a_change_in_one_direction_names_it() -> None:
    rule = replace(CHANGE, direction="up", dwell_up=1)
    ((_, words),) = details(rule, read(rule, 0.52))
    assert words.endswith("at or above the alert line of 2x up.")


def test_a_change_since_the_last_alert_says_what_it_is_compared_with_next() -> None:
    rule = replace(CHANGE, over=None, dwell_up=1)
    _, transitions = run(rule, [0.31, 0.52, 0.5])
    assert [t.detail for t in transitions] == [
        "The odds moved up by 2.41x, from 31 % at the first estimate to 52 %, at or above the "
        "alert line of 2x.",
        "The odds moved down by 1.08x, from 52 % at the last alert to 50 %; the next change "
        "counts from there.",
    ]


def test_the_health_of_estimates_is_told_with_its_reason() -> None:
    bad = [
        replace(estimate(0.3, hour, health=Health.HELD), reason="R-hat is 1.2.") for hour in (0, 1)
    ]
    good = [estimate(0.3, hour) for hour in (2, 3)]
    readings = [read_estimate(UNHEALTHY, answer) for answer in [*bad, *good]]
    assert details(UNHEALTHY, [r for r in readings if r]) == [
        ("pending", "The estimate is held: R-hat is 1.2; 1 of 2 evaluations in a row."),
        ("firing", "The estimate is held: R-hat is 1.2; 2 evaluations in a row."),
        ("recovering", "The estimate can be relied on again; 1 of 2 evaluations in a row."),
        ("ok", "The estimate can be relied on again."),
    ]
    answer = replace(estimate(0.3, health=Health.UNVERIFIED), reason="")
    first = read_estimate(replace(UNHEALTHY, dwell_up=1), answer)
    assert first is not None
    assert first.says == "The estimate is unverified."


def test_an_estimate_that_does_not_come_is_told_with_the_time_of_the_last() -> None:
    late = read_overdue(UNHEALTHY, QUESTION, estimate(0.3), START + 7 * HOUR)
    never = read_overdue(UNHEALTHY, QUESTION, None, START + 7 * HOUR)
    assert late is not None
    assert never is not None
    rule = replace(UNHEALTHY, dwell_up=1)
    assert details(rule, [late]) == [
        ("firing", "There is no new estimate since 2025-11-17 10:00 UTC.")
    ]
    assert details(rule, [never]) == [("firing", "There is no new estimate yet.")]


def test_a_deadline_is_told_with_what_is_left_and_p() -> None:
    rule = replace(YES_NO, kind=RuleKind.DEADLINE, within=3 * DAY, dwell_up=1, dwell_down=1)
    readings = [
        read_deadline(rule, QUESTION, estimate(0.31), START + days * DAY) for days in (0, 2.5)
    ]
    wider = read_deadline(replace(rule, within=DAY), QUESTION, None, START + timedelta(days=2.6))
    assert details(rule, readings) == [
        ("firing", "The deadline is 2 days 12 hours away, and P is 31 %.")
    ]
    assert wider.says == "The deadline is 2 days away, and there is no estimate."
    assert wider.value == 0.0


def test_a_silent_unit_is_told_with_its_newest_report() -> None:
    rule = replace(YES_NO, kind=RuleKind.STALE, after=2 * DAY, dwell_up=1, dwell_down=1)
    moments = [(START, START + 3 * DAY), (START + 3 * DAY, START + 3 * DAY + HOUR)]
    readings = [read_unit(rule, "uv", *moment) for moment in moments]
    assert details(rule, [r for r in readings if r]) == [
        ("firing", "The newest report on uv came 3 days ago."),
        ("ok", "The newest report on uv came 1 hour ago."),
    ]


def test_a_channel_is_told_with_what_it_suffers_from() -> None:
    rule = replace(
        YES_NO, kind=RuleKind.CHANNEL, after=timedelta(minutes=15), dwell_up=1, dwell_down=1
    )

    def told(health: ChannelHealth, reason: str = "", minutes: int = 20) -> Reading:
        now = START + timedelta(minutes=minutes)
        return read_channel(rule, ChannelState("desk", health, START, reason), now)

    off = told(ChannelHealth.DISABLED, "410 Gone.", 0)
    fails = told(ChannelHealth.FAILING, "no route to host")
    works = told(ChannelHealth.WORKS, minutes=30)
    assert details(rule, [off]) == [("firing", "The channel desk is switched off: 410 Gone.")]
    assert details(rule, [fails, works]) == [
        ("firing", "The channel desk has failed since 2025-11-17 10:00 UTC: no route to host."),
        ("ok", "The channel desk works."),
    ]
    assert told(ChannelHealth.DISABLED).says == "The channel desk is switched off."


def test_an_edit_is_named_before_anything_else() -> None:
    state, _ = run(RULE, [0.3])
    lower = replace(RULE, fire_at=0.25, clear_at=0.2)
    _, made = decide(lower, state, read(lower, 0.3)[0], START)
    assert made is not None
    assert made.detail == (
        "The rule was edited: the probability is 30 %, at or above the alert line of 25 %."
    )
    assert made.after is State.FIRING


def test_lines_within_four_errors_of_each_other_are_warned_of() -> None:
    assert gap_warning(RULE, 0.0125) is None
    assert gap_warning(RULE, 0.0) is None
    assert gap_warning(RULE, 0.02) == (
        "rule 'strike-40' fires at 40 % and clears at 35 %, less than 4 Monte Carlo errors "
        "apart, so noise can make it flap; put its clear_at at 32 % or lower"
    )
    assert "lower its clear_at" in (gap_warning(RULE, 0.2) or "")
    assert "fires at 2x and clears at 1.41x" in (gap_warning(CHANGE, 0.1) or "")
    assert "fires at 20 % and clears at 15 %" in (gap_warning(LOSS, 0.1) or "")
    assert gap_warning(UNHEALTHY, 0.0) is None


def test_a_large_cost_is_told_as_people_write_it() -> None:
    rule = replace(LOSS, fire_at=20_000 / 300_000, clear_at=0.05, cost=20_000.0, loss=300_000.0)
    lines = [line_words(rule, line) for line in (rule.fire_at, rule.clear_at)]
    assert lines == ["20,000", "15,000"]
