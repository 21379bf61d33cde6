"""The decision: examples for every arrow, then properties over any history of estimates."""

import itertools
import json
import random
from dataclasses import asdict, replace
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.decide import decide
from alerts.readings import Reading
from forecast.alert import Rule, RuleHealth, RuleKind, RuleState, State
from forecast.estimate import Health
from tests.alerts.rule_samples import BRISK, HOUR, RULE, START, estimate, look, run, sure, told

HISTORIES = [[], [0.5], [0.5, 0.5], [0.5, 0.5, 0.1]]


def test_an_alert_fires_after_its_dwell_and_clears_after_its_dwell() -> None:
    _, transitions = run(RULE, [0.3, 0.43, 0.44, 0.38, 0.34, 0.33, 0.2])
    assert [(t.before.value, t.after.value, t.reason, t.notify) for t in transitions] == [
        ("ok", "pending", "dwell_started", ""),
        ("pending", "firing", "threshold_crossed", "firing"),
        ("firing", "recovering", "recovery_started", ""),
        ("recovering", "ok", "cleared", "resolved"),
    ]


def test_with_a_dwell_of_one_it_fires_and_clears_at_once() -> None:
    _, transitions = run(BRISK, [0.43, 0.3])
    assert [(t.after, t.reason) for t in transitions] == [
        (State.FIRING, "threshold_crossed"),
        (State.OK, "cleared"),
    ]


def test_a_dwell_of_three_needs_three_evaluations_in_a_row() -> None:
    rule = replace(RULE, dwell_up=3)
    state, transitions = run(rule, [0.43, 0.43, 0.39, 0.43, 0.43])
    assert state.state is State.PENDING
    assert state.streak == 2
    assert told(transitions) == []
    state, transitions = run(rule, [0.43], state, first=5)
    assert told(transitions) == ["firing"]


def test_a_pending_alert_falls_back_when_p_is_no_longer_above() -> None:
    state, transitions = run(RULE, [0.43, 0.39])
    assert (state.state, state.streak, state.streak_since) == (State.OK, 0, None)
    assert transitions[-1].reason == "dwell_broken"


def test_a_recovering_alert_goes_on_when_p_is_no_longer_below() -> None:
    state, transitions = run(RULE, [0.43, 0.43, 0.3, 0.38])
    assert (state.state, state.streak, state.episode) == (State.FIRING, 0, 1)
    assert transitions[-1].reason == "recovery_broken"
    assert told(transitions) == ["firing"]


def test_a_probability_on_the_line_counts_as_across_it() -> None:
    assert told(run(BRISK, [0.40])[1]) == ["firing"]
    assert told(run(BRISK, [0.40, 0.35])[1]) == ["firing", "resolved"]


def test_between_the_lines_nothing_begins_and_nothing_ends() -> None:
    assert run(BRISK, [0.38] * 5)[1] == []
    assert told(run(BRISK, [0.5, *[0.38] * 5])[1]) == ["firing"]


def test_monte_carlo_error_must_lie_clear_of_the_line() -> None:
    noisy, _ = look(BRISK, None, estimate(0.405, mcse=0.01))
    clear, _ = look(BRISK, None, estimate(0.415, mcse=0.01))
    assert (noisy.state, clear.state) == (State.OK, State.FIRING)
    held, _ = look(BRISK, clear, estimate(0.345, 1, mcse=0.01))
    assert held.state is State.FIRING
    done, _ = look(BRISK, clear, estimate(0.335, 1, mcse=0.01))
    assert done.state is State.OK


def test_z_is_the_number_of_errors_and_zero_ignores_them() -> None:
    careless, _ = look(replace(BRISK, z=0.0), None, estimate(0.405, mcse=0.01))
    careful, _ = look(replace(BRISK, z=2.0), None, estimate(0.415, mcse=0.01))
    assert (careless.state, careful.state) == (State.FIRING, State.OK)


def test_a_dwell_in_time_runs_from_the_first_evaluation_above_to_this_one() -> None:
    rule = replace(RULE, for_up=timedelta(hours=3), for_down=timedelta(hours=2))
    state, transitions = run(rule, [0.5, 0.5, 0.5])
    assert (state.state, state.streak, state.streak_since) == (State.PENDING, 3, START)
    assert told(transitions) == []
    state, transitions = run(rule, [0.5], state, first=3)
    assert told(transitions) == ["firing"]
    assert told(run(rule, [0.1, 0.1], state, first=4)[1]) == []
    assert told(run(rule, [0.1, 0.1, 0.1], state, first=4)[1]) == ["resolved"]


def test_time_alone_is_no_dwell_where_evaluations_are_asked_for_too() -> None:
    rule = replace(RULE, dwell_up=3, for_up=2 * HOUR)
    state, _ = look(rule, None, estimate(0.5, 0))
    state, made = look(rule, state, estimate(0.5, 12))
    assert (state.state, made) == (State.PENDING, None)
    assert look(rule, state, estimate(0.5, 12.5))[0].state is State.FIRING


def test_a_broken_dwell_in_time_begins_anew() -> None:
    rule = replace(RULE, for_up=2 * HOUR)
    assert told(run(rule, [0.5, 0.5, 0.3, 0.5, 0.5])[1]) == []
    assert told(run(rule, [0.5, 0.5, 0.3, 0.5, 0.5, 0.5])[1]) == ["firing"]


def test_episodes_count_up_each_time_it_fires() -> None:
    _, transitions = run(BRISK, [0.5, 0.2, 0.5, 0.2])
    assert [(t.notify, t.episode) for t in transitions] == [
        ("firing", 1),
        ("resolved", 1),
        ("firing", 2),
        ("resolved", 2),
    ]


def test_the_same_estimate_counts_once() -> None:
    state, _ = look(RULE, None, estimate(0.5))
    assert look(RULE, state, estimate(0.5)) == (state, None)


@pytest.mark.parametrize("p", [0.0, 0.99])
@pytest.mark.parametrize("history", HISTORIES[1:])
def test_row_36_a_late_or_backfilled_estimate_changes_nothing(
    history: list[float], p: float
) -> None:
    state, _ = run(RULE, history, first=10)
    now = START + (10 + len(history)) * HOUR
    for hour in (-3, 9, 9.99):
        for late in (estimate(p, hour), estimate(p, hour, health=Health.HELD)):
            assert look(RULE, state, late, now=now) == (state, None)


def test_what_was_seen_while_the_clock_was_ahead_makes_no_rule_deaf() -> None:
    state, _ = run(RULE, [0.2], first=365 * 24)
    state, transitions = run(RULE, [0.5, 0.5], state)
    assert told(transitions) == ["firing"]


def test_a_dwell_that_began_while_the_clock_was_ahead_is_no_less_than_nothing() -> None:
    rule = replace(RULE, for_up=2 * HOUR)
    state, _ = run(rule, [0.5], first=365 * 24)
    assert told(run(rule, [0.5, 0.5], state)[1]) == []
    assert told(run(rule, [0.5, 0.5, 0.5], state)[1]) == ["firing"]


@pytest.mark.parametrize("health", [Health.HELD, Health.UNVERIFIED])
@pytest.mark.parametrize("history", HISTORIES)
@pytest.mark.parametrize("p", [0.0, 0.99])
def test_row_28_an_estimate_that_no_gate_vouches_for_holds_every_state(
    history: list[float], p: float, health: Health
) -> None:
    state, _ = run(RULE, history)
    held, made = look(RULE, state, estimate(p, 9, health=health))
    assert made is None
    assert held == replace(state, health=RuleHealth.MODEL_UNHEALTHY)
    again, _ = look(RULE, held, estimate(0.38, 10))
    assert again.health is RuleHealth.HEALTHY


def test_a_dwell_goes_on_after_estimates_that_were_held() -> None:
    state, _ = run(RULE, [0.5])
    state, _ = look(RULE, state, estimate(0.1, 1, health=Health.HELD))
    assert told(run(RULE, [0.5], state, first=2)[1]) == ["firing"]


NOT_NUMBERS = [float("nan"), float("inf"), float("-inf"), -0.1, 1.1]


@pytest.mark.parametrize("wrong", NOT_NUMBERS)
@pytest.mark.parametrize("history", HISTORIES)
@pytest.mark.parametrize("z", [0.0, 1.0])
def test_row_27_a_number_that_is_none_holds_every_state_and_says_so(
    history: list[float], wrong: float, z: float
) -> None:
    rule = replace(RULE, z=z)
    state, _ = run(rule, history)
    now = START + 9 * HOUR
    held = (replace(state, health=RuleHealth.MODEL_UNHEALTHY), None)
    assert decide(rule, state, Reading("us-strike", now, wrong), now) == held
    assert decide(rule, state, Reading("us-strike", now, 0.9, probability=wrong), now) == held
    if not 0 <= wrong < 2:
        assert decide(rule, state, Reading("us-strike", now, 0.9, wrong), now) == held


@pytest.mark.parametrize("wrong", ["probability", "mcse"])
@pytest.mark.parametrize("number", [float("nan"), float("inf")])
def test_row_27_an_estimate_of_such_numbers_fires_only_the_rule_on_health(
    wrong: str, number: float
) -> None:
    broken = estimate(0.5, 9)
    object.__setattr__(broken, wrong, number)  # no way to make one honestly
    pending, _ = run(RULE, [0.5])
    held, made = look(RULE, pending, broken)
    assert (held, made) == (replace(pending, health=RuleHealth.MODEL_UNHEALTHY), None)
    on_health = replace(BRISK, kind=RuleKind.UNHEALTHY, fire_at=1.0, clear_at=0.0)
    _, made = look(on_health, None, broken)
    assert (sure(made).notify, sure(made).detail) == ("firing", "The estimate is not a number.")


probabilities = st.floats(0, 1)
rules = st.builds(
    lambda low, gap, up, down, z: Rule("r", min(low + gap, 1.0), low, up, down, z),
    low=st.floats(0, 0.9),
    gap=st.floats(0.01, 0.5),
    up=st.integers(1, 4),
    down=st.integers(1, 4),
    z=st.floats(0, 3),
)


@given(rule=rules, numbers=st.lists(probabilities, max_size=40))
def test_firing_and_resolved_always_take_turns(rule: Rule, numbers: list[float]) -> None:
    messages = told(run(rule, numbers)[1])
    assert messages == (["firing", "resolved"] * len(messages))[: len(messages)]


@given(rule=rules, numbers=st.lists(probabilities, max_size=40))
def test_each_transition_begins_where_the_last_one_ended(rule: Rule, numbers: list[float]) -> None:
    _, transitions = run(rule, numbers)
    states = [State.OK, *(t.after for t in transitions)]
    assert [t.before for t in transitions] == states[:-1]
    assert len({t.at for t in transitions}) == len(transitions)


@given(
    rule=rules,
    line=st.sampled_from(["fire_at", "clear_at"]),
    noise=st.lists(st.floats(-0.99, 0.99), max_size=40),
    mcse=st.floats(1e-6, 0.01),
)
def test_noise_within_the_error_never_flaps(
    rule: Rule, line: str, noise: list[float], mcse: float
) -> None:
    rule = replace(rule, z=1.0, clear_at=min(rule.clear_at, rule.fire_at - 0.05))
    if rule.clear_at < 0:
        rule = replace(rule, fire_at=rule.fire_at + 0.1, clear_at=rule.clear_at + 0.1)
    state, messages = None, []
    for hour, wobble in enumerate(noise):
        p = min(max(getattr(rule, line) + wobble * mcse, 0.0), 1.0)
        state, made = look(rule, state, estimate(p, hour, mcse))
        messages += told([made] if made else [])
    assert messages == []


@given(rule=rules, numbers=st.lists(probabilities, max_size=40))
def test_a_probability_that_only_rises_fires_at_most_once(rule: Rule, numbers: list[float]) -> None:
    assert told(run(rule, sorted(numbers))[1]) in ([], ["firing"])


def restored(state: RuleState) -> RuleState:
    """The state as another process reads it from JSON."""
    row = json.loads(json.dumps(asdict(state), default=datetime.isoformat))
    moments = {
        key: datetime.fromisoformat(row[key]) if row[key] else None
        for key in ("since", "evaluated_as_of", "streak_since")
    }
    words = {"state": State(row["state"]), "health": RuleHealth(row["health"])}
    return RuleState(**row | moments | words)


@given(rule=rules, numbers=st.lists(probabilities, max_size=40), cut=st.integers(0, 40))
def test_row_31_a_restart_in_between_changes_nothing(
    rule: Rule, numbers: list[float], cut: int
) -> None:
    state, before = run(rule, numbers[:cut])
    came = [None, *numbers[:cut]][-1]
    end, after = run(rule, numbers[cut:], restored(state), len(numbers[:cut]), came)
    assert (end, before + after) == run(rule, numbers)


@pytest.mark.parametrize(
    ("history", "then", "messages"),
    [
        ([0.5], [0.5], ["firing"]),
        ([0.5, 0.5], [0.5] * 9, []),
        ([0.5, 0.5], [0.1, 0.1], ["resolved"]),
        ([0.5, 0.5, 0.1], [0.1], ["resolved"]),
    ],
)
def test_row_31_counters_live_through_a_restart_and_nothing_is_told_twice(
    history: list[float], then: list[float], messages: list[str]
) -> None:
    state = restored(run(RULE, history)[0])
    assert told(run(RULE, then, state, first=len(history))[1]) == messages


def test_a_dwell_that_an_older_version_stored_goes_on() -> None:
    """It kept no `streak_since`."""
    state = replace(run(RULE, [0.5])[0], streak_since=None)
    assert told(run(RULE, [0.5], state, first=1)[1]) == ["firing"]


def test_row_26_a_spike_over_both_lines_and_back_tells_nobody() -> None:
    assert told(run(RULE, [0.1, 0.9, 0.1, 0.1])[1]) == []
    assert told(run(RULE, [0.5, 0.5, 0.1, 0.5, 0.1, 0.5])[1]) == ["firing"]


def test_row_26_without_a_dwell_it_fires_and_resolves_exactly_once() -> None:
    assert told(run(BRISK, [0.1, 0.9, 0.1, 0.1])[1]) == ["firing", "resolved"]


@pytest.mark.parametrize("seed", range(5))
def test_row_25_the_same_data_refitted_a_thousand_times_tells_at_most_once(seed: int) -> None:
    """At fire_at, with the noise of 1,000 draws and of the error that goes with it."""
    noise = random.Random(seed)
    mcse = (0.4 * 0.6 / 1000) ** 0.5
    state, messages = None, []
    for hour in range(1000):
        error = mcse * noise.uniform(0.8, 1.2)
        state, made = look(RULE, state, estimate(noise.gauss(0.40, mcse), hour, error))
        messages += told([made] if made else [])
    assert messages in ([], ["firing"])


def test_hysteresis_and_dwell_silence_an_alert_that_sits_on_its_line() -> None:
    """On a small scale the table of the reference: a month of hourly refits at p = fire_at."""
    noise = random.Random(1)
    numbers = [min(max(noise.gauss(0.70, 0.0224), 0), 1) for _ in range(720)]
    naive = sum((a >= 0.70) != (b >= 0.70) for a, b in itertools.pairwise(numbers))
    rule = Rule("r", 0.70, 0.65, dwell_up=2, dwell_down=2, z=0.0)
    hysteresis = told(run(replace(rule, dwell_up=1, dwell_down=1), numbers)[1])
    both = told(run(rule, numbers)[1])
    assert naive > 300
    assert len(hysteresis) < naive / 10
    assert len(both) <= 3
