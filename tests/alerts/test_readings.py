"""What an evaluation says to each kind of rule: value, error, health, baseline."""

import math
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.decide import decide
from alerts.readings import (
    Baseline,
    Reading,
    baseline_of,
    log_odds,
    read_channel,
    read_deadline,
    read_estimate,
    read_overdue,
    read_unit,
    span_words,
)
from forecast.alert import ChannelHealth, ChannelState, Rule, RuleHealth, RuleKind, RuleState
from forecast.estimate import QUANTILE_LEVELS, Estimate, Health
from forecast.question import Question
from tests.alerts.rule_samples import HOUR, RULE, START, estimate, look, spread, sure

DAY = timedelta(days=1)
QUESTION = Question("us-strike", "Any US strike?", "uv", "strike", START - DAY, START + 9 * DAY)
CERTAINTY = Rule("sure", 0.9, 0.6, kind=RuleKind.CERTAINTY, level=0.2)
CHANGE = Rule("jump", math.log(2), math.log(2) / 2, 1, 1, kind=RuleKind.CHANGE, over=DAY)
LAST_ALERT = replace(CHANGE, over=None)
UNHEALTHY = Rule("health", kind=RuleKind.UNHEALTHY, after=6 * HOUR)
CHANNEL = Rule("channel", kind=RuleKind.CHANNEL, after=HOUR, dwell_up=1, dwell_down=1)


def seen(reading: Reading | None) -> Reading:
    """The reading that must have been made."""
    assert reading is not None
    return reading


def test_a_threshold_reads_p_with_its_monte_carlo_error_and_the_cause_of_its_move() -> None:
    answer = estimate(0.43, 2, mcse=0.01, cause="evidence", came=0.38)
    assert read_estimate(RULE, answer, 0.38) == Reading(
        "us-strike", START + 2 * HOUR, 0.43, 0.01, 0.43, 0.38, RuleHealth.HEALTHY, "evidence"
    )


def test_a_loss_is_read_as_the_probability_that_it_is_expected_by() -> None:
    rule = Rule("cost", 0.2, 0.15, kind=RuleKind.LOSS, cost=2.0, loss=10.0)
    reading = seen(read_estimate(rule, estimate(0.31, mcse=0.01)))
    assert (reading.value, reading.error) == (0.31, 0.01)
    assert reading.says == "The expected loss is 3.1 (31 % of 10)."
    dear = replace(rule, fire_at=1 / 15, cost=20_000.0, loss=300_000.0)
    says = seen(read_estimate(dear, estimate(0.17587))).says
    assert says == "The expected loss is 52,800 (18 % of 300,000)."


@pytest.mark.parametrize("kind", [RuleKind.THRESHOLD, RuleKind.CERTAINTY, RuleKind.CHANGE])
@pytest.mark.parametrize(
    ("health", "is_stale", "read"),
    [
        (Health.HEALTHY, False, RuleHealth.HEALTHY),
        (Health.HEALTHY, True, RuleHealth.STALE),
        (Health.HELD, False, RuleHealth.MODEL_UNHEALTHY),
        (Health.HELD, True, RuleHealth.MODEL_UNHEALTHY),
        (Health.UNVERIFIED, False, RuleHealth.MODEL_UNHEALTHY),
    ],
)
def test_health_is_read_beside_the_number(
    kind: RuleKind, health: Health, is_stale: bool, read: RuleHealth
) -> None:
    rule = replace(CERTAINTY, kind=kind)
    answer = replace(spread(0.3), health=health)
    assert seen(read_estimate(rule, answer, is_stale=is_stale)).health is read


def test_a_certainty_is_the_mass_of_the_posterior_above_the_level() -> None:
    reading = seen(read_estimate(CERTAINTY, spread(0.26, 0.1, ess=400)))
    assert reading.value == pytest.approx(0.8)
    assert reading.error == pytest.approx(math.sqrt(0.8 * 0.2 / 400))
    assert reading.probability == 0.26
    assert reading.says == "It is 80 % certain that P is above 20 %."


@given(st.floats(0.05, 0.95), st.floats(0.01, 0.05), st.floats(0.01, 0.99))
def test_a_certainty_agrees_with_the_posterior_it_is_read_from(
    p: float, width: float, level: float
) -> None:
    exact = min(max((p + width - level) / (2 * width), 0.0), 1.0)
    value = seen(read_estimate(replace(CERTAINTY, level=level), spread(p, width))).value
    assert value == pytest.approx(exact, abs=QUANTILE_LEVELS[0] + 1e-9)


@pytest.mark.parametrize("ess", [0.0, float("nan")])
def test_a_certainty_of_a_closed_form_has_no_monte_carlo_error(ess: float) -> None:
    assert seen(read_estimate(CERTAINTY, spread(0.26, ess=ess))).error == 0.0
    assert seen(read_estimate(CERTAINTY, replace(spread(0.26), diagnostics={}))).error == 0.0


@pytest.mark.parametrize(("p", "words"), [(0.5, "more than 99.5 %"), (0.05, "less than 0.5 %")])
def test_a_certainty_beyond_the_outermost_quantile_claims_no_more(p: float, words: str) -> None:
    assert words in seen(read_estimate(CERTAINTY, spread(p, 0.1))).says


def test_a_certainty_of_an_estimate_without_quantiles_is_held_and_says_why() -> None:
    reading = seen(read_estimate(CERTAINTY, estimate(0.9)))
    assert reading.health is RuleHealth.MODEL_UNHEALTHY
    assert reading.says == "The estimate keeps no quantiles of P."
    state, made = look(CERTAINTY, None, estimate(0.9))
    assert (state.health, made) == (RuleHealth.MODEL_UNHEALTHY, None)


@pytest.mark.parametrize(
    ("direction", "p", "value"),
    [
        ("up", 0.5, math.log(4)),
        ("down", 0.5, -math.log(4)),
        ("either", 0.5, math.log(4)),
        ("up", 0.1, -math.log(2.25)),
        ("down", 0.1, math.log(2.25)),
        ("either", 0.1, math.log(2.25)),
    ],
)
def test_a_change_is_the_log_of_the_odds_ratio_in_its_direction(
    direction: str, p: float, value: float
) -> None:
    rule = replace(CHANGE, direction=direction)
    reading = seen(read_estimate(rule, estimate(p), baseline=Baseline(0.2, 0.0, "then")))
    assert reading.value == pytest.approx(value)


def test_the_error_of_a_change_is_that_of_both_its_ends() -> None:
    reading = seen(
        read_estimate(CHANGE, estimate(0.5, mcse=0.01), baseline=Baseline(0.2, 0.008, "then"))
    )
    assert reading.error == pytest.approx(math.hypot(0.01 / 0.25, 0.008 / 0.16))


@given(st.floats(0, 1), st.floats(0, 1), st.floats(0, 1))
def test_a_change_is_finite_and_the_same_both_ways(p: float, came: float, mcse: float) -> None:
    there, back = (
        seen(read_estimate(CHANGE, estimate(a, mcse=mcse), baseline=Baseline(b, 0.0, "then")))
        for a, b in ((p, came), (came, p))
    )
    assert math.isfinite(there.value)
    assert math.isfinite(there.error)
    assert there.value == pytest.approx(back.value)
    assert there.value == pytest.approx(abs(log_odds(p) - log_odds(came)))


def test_a_change_over_a_time_waits_until_there_is_an_estimate_so_old() -> None:
    assert baseline_of(CHANGE, None, None) is None
    assert read_estimate(CHANGE, estimate(0.5)) is None
    earlier = estimate(0.2, -30, mcse=0.01)
    assert baseline_of(CHANGE, None, earlier) == Baseline(0.2, 0.01, "24 hours before")


def test_a_change_from_a_number_that_no_gate_vouched_for_is_held() -> None:
    earlier = estimate(0.2, -30, health=Health.UNVERIFIED)
    baseline = baseline_of(CHANGE, None, earlier)
    reading = seen(read_estimate(CHANGE, estimate(0.5), baseline=baseline))
    assert reading.health is RuleHealth.MODEL_UNHEALTHY
    held = baseline_of(CHANGE, None, replace(earlier, health=Health.HELD))
    good = seen(read_estimate(CHANGE, estimate(0.5), baseline=held))
    assert good.health is RuleHealth.HEALTHY  # the last good number stood then


def test_a_change_since_the_last_alert_begins_with_the_first_estimate() -> None:
    assert baseline_of(LAST_ALERT, None, None) is None
    first = seen(read_estimate(LAST_ALERT, estimate(0.2)))
    assert first.value == 0.0
    state, made = look(LAST_ALERT, None, estimate(0.2))
    assert (state.baseline, made) == (0.2, None)
    assert baseline_of(LAST_ALERT, state, None) == Baseline(0.2, 0.0, "at the first estimate")
    rung, made = look(LAST_ALERT, state, estimate(0.4, 1))
    assert sure(made).notify == "firing"
    assert baseline_of(LAST_ALERT, rung, None) == Baseline(0.4, 0.0, "at the last alert")


def test_a_change_since_the_last_alert_does_not_begin_with_a_number_in_doubt() -> None:
    state, _ = look(LAST_ALERT, None, estimate(0.9, health=Health.UNVERIFIED))
    assert state.baseline is None
    state, _ = look(LAST_ALERT, state, estimate(0.2, 1))
    assert state.baseline == 0.2


@pytest.mark.parametrize("health", list(Health))
def test_the_rule_on_health_reads_every_estimate(health: Health) -> None:
    answer = estimate(0.3, health=health, cause="prior", came=0.2)
    reading = seen(read_estimate(UNHEALTHY, answer, is_stale=True))
    is_bad = health is not Health.HEALTHY
    assert (reading.value, reading.error) == (float(is_bad), 0.0)
    assert reading.health is RuleHealth.HEALTHY
    assert reading.cause == ""  # a retune is no reason to keep it for the digest


@pytest.mark.parametrize(
    "kind", [RuleKind.DEADLINE, RuleKind.STALE, RuleKind.CHANNEL, RuleKind.RESOLVED]
)
def test_an_estimate_says_nothing_to_rules_on_other_things(kind: RuleKind) -> None:
    assert read_estimate(replace(RULE, kind=kind), estimate(0.5)) is None


def test_an_estimate_is_overdue_once_the_last_one_is_older_than_the_rule_allows() -> None:
    last = estimate(0.3)
    assert read_overdue(UNHEALTHY, QUESTION, last, START + 6 * HOUR) is None
    late = seen(read_overdue(UNHEALTHY, QUESTION, last, START + 6.1 * HOUR))
    assert (late.value, late.probability) == (1.0, 0.3)
    assert read_overdue(replace(UNHEALTHY, after=None), QUESTION, last, START + DAY) is None


def test_before_its_window_opens_no_estimate_of_a_question_is_overdue() -> None:
    coming = replace(QUESTION, opens_at=START + 3 * DAY)
    assert read_overdue(UNHEALTHY, coming, None, START + 2 * DAY) is None
    assert read_overdue(UNHEALTHY, coming, estimate(0.3), START + 3 * DAY) is None
    assert seen(read_overdue(UNHEALTHY, coming, None, START + 4 * DAY)).probability is None


@pytest.mark.parametrize(("days", "value"), [(0, 0.0), (5.9, 0.0), (6, 1.0), (9, 1.0), (10, 1.0)])
def test_a_deadline_is_near_from_so_long_before_it(days: float, value: float) -> None:
    rule = Rule("near", kind=RuleKind.DEADLINE, within=3 * DAY)
    assert read_deadline(rule, QUESTION, None, START + days * DAY).value == value


def test_a_deadline_that_has_passed_is_not_so_many_days_away() -> None:
    rule = Rule("near", kind=RuleKind.DEADLINE, within=3 * DAY)
    said = read_deadline(rule, QUESTION, estimate(0.004), START + 9 * DAY).says
    assert said == "The deadline has passed, and P is <1 %."


def test_a_unit_is_silent_once_its_newest_report_is_older_than_the_rule_allows() -> None:
    rule = Rule("silent", kind=RuleKind.STALE, after=3 * DAY)
    assert seen(read_unit(rule, "uv", START, START + 3 * DAY)).value == 0.0
    assert seen(read_unit(rule, "uv", START, START + 3.1 * DAY)).value == 1.0
    assert seen(read_unit(rule, "uv", START + DAY, START)).value == 0.0
    assert read_unit(rule, "uv", None, START) is None


def channel(health: ChannelHealth, minutes: float, since: float = 0.0) -> Reading:
    minute = timedelta(minutes=1)
    state = ChannelState("desk", health, START + since * minute, "no route")
    return read_channel(CHANNEL, state, START + minutes * minute)


def test_a_channel_fires_at_once_when_switched_off_and_else_when_it_has_failed_for_long() -> None:
    assert channel(ChannelHealth.DISABLED, 0).value == 1.0
    assert channel(ChannelHealth.WORKS, 99).value == 0.0
    assert channel(ChannelHealth.FAILING, 60).value == 1.0
    assert decide(CHANNEL, None, channel(ChannelHealth.FAILING, 59), START)[1] is None
    eager = replace(CHANNEL, after=None)
    assert read_channel(eager, ChannelState("desk", ChannelHealth.FAILING, START), START).value == 1


def test_a_channel_that_fails_again_after_one_success_does_not_flap() -> None:
    state: RuleState | None = None
    told = []
    for reading in (
        channel(ChannelHealth.FAILING, 60),
        channel(ChannelHealth.FAILING, 65, since=64),
        channel(ChannelHealth.FAILING, 125, since=64),
        channel(ChannelHealth.WORKS, 126),
    ):
        state, made = decide(CHANNEL, state, reading, reading.as_of)
        told += [made.notify] if made else []
    assert told == ["firing", "resolved"]


@given(
    st.sampled_from([RULE, CERTAINTY, CHANGE, LAST_ALERT, UNHEALTHY]),
    st.floats(0, 1),
    st.floats(0, 0.2),
    st.sampled_from(list(Health)),
)
def test_whatever_an_estimate_says_it_can_be_told(
    rule: Rule, p: float, width: float, health: Health
) -> None:
    answer: Estimate = replace(spread(p, width), health=health, reason="why.")
    reading = seen(read_estimate(rule, answer, baseline=Baseline(0.3, 0.0, "then")))
    assert math.isfinite(reading.value)
    assert reading.error >= 0
    assert reading.says == "" or (reading.says.endswith(".") and not reading.says.endswith(".."))


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (15, "15 seconds"),
        (244.2, "4 minutes"),
        (5400, "1 hour 30 minutes"),
        (86_400, "24 hours"),
        (344_736, "4 days"),
        (5.5 * 86_400, "5 days 12 hours"),
    ],
)
def test_spans_are_told_in_whole_units(seconds: float, words: str) -> None:
    assert span_words(timedelta(seconds=seconds)) == words
