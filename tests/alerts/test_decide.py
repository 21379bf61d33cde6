"""The decision: examples for every arrow, then properties over any history of estimates."""

import itertools
import json
import random
from dataclasses import asdict, replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.decide import close, decide, definition_digest
from forecast.alert import Rule, RuleState, State, Transition
from forecast.estimate import Estimate, Health, Interval
from forecast.evidence import Outcome

START = datetime(2025, 11, 17, 10, tzinfo=UTC)
HOUR = timedelta(hours=1)
RULE = Rule("strike-40", fire_at=0.40, clear_at=0.35)
BRISK = replace(RULE, dwell_up=1, dwell_down=1)


def estimate(
    p: float, hour: int = 0, mcse: float = 0.0, health: Health = Health.HEALTHY
) -> Estimate:
    return Estimate(
        "us-strike", START + hour * HOUR, p, Interval(0, 1), mcse, health, "hazard", "h", "T0", "d"
    )


def run(
    rule: Rule, numbers: list[float], state: RuleState | None = None, first: int = 0
) -> tuple[RuleState, list[Transition]]:
    """The state and the transitions after one evaluation an hour."""
    state = state or RuleState(rule.rule_id, "us-strike")
    transitions = []
    for hour, p in enumerate(numbers, first):
        state, made = decide(rule, state, estimate(p, hour), None, START + hour * HOUR)
        transitions += [made] if made else []
    return state, transitions


def sure(made: Transition | None) -> Transition:
    """The transition that must have been made."""
    assert made is not None
    return made


def told(transitions: list[Transition]) -> list[str]:
    return [t.notify for t in transitions if t.notify]


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
    assert (state.state, state.streak) == (State.OK, 0)
    assert transitions[-1].reason == "dwell_broken"


def test_a_recovering_alert_goes_on_when_p_is_no_longer_below() -> None:
    state, transitions = run(RULE, [0.43, 0.43, 0.3, 0.38])
    assert (state.state, state.streak, state.episode) == (State.FIRING, 0, 1)
    assert transitions[-1].reason == "recovery_broken"
    assert told(transitions) == ["firing"]


def test_a_probability_on_the_line_counts_as_across_it() -> None:
    assert told(run(BRISK, [0.40])[1]) == ["firing"]
    assert told(run(BRISK, [0.40, 0.35])[1]) == ["firing", "resolved"]


def test_monte_carlo_error_must_lie_clear_of_the_line() -> None:
    noisy, _ = decide(BRISK, None, estimate(0.405, mcse=0.01), None, START)
    clear, _ = decide(BRISK, None, estimate(0.415, mcse=0.01), None, START)
    assert (noisy.state, clear.state) == (State.OK, State.FIRING)
    held, _ = decide(BRISK, clear, estimate(0.345, 1, mcse=0.01), None, START + HOUR)
    assert held.state is State.FIRING
    done, _ = decide(BRISK, clear, estimate(0.335, 1, mcse=0.01), None, START + HOUR)
    assert done.state is State.OK


def test_z_is_the_number_of_errors_and_zero_ignores_them() -> None:
    careless, _ = decide(replace(BRISK, z=0.0), None, estimate(0.405, mcse=0.01), None, START)
    careful, _ = decide(replace(BRISK, z=2.0), None, estimate(0.415, mcse=0.01), None, START)
    assert (careless.state, careful.state) == (State.FIRING, State.OK)


def test_episodes_count_up_each_time_it_fires() -> None:
    _, transitions = run(BRISK, [0.5, 0.2, 0.5, 0.2])
    assert [(t.notify, t.episode) for t in transitions] == [
        ("firing", 1),
        ("resolved", 1),
        ("firing", 2),
        ("resolved", 2),
    ]


def test_the_same_estimate_counts_once() -> None:
    state, _ = decide(RULE, None, estimate(0.5), None, START)
    assert decide(RULE, state, estimate(0.5), None, START + HOUR) == (state, None)


def test_an_older_estimate_is_ignored() -> None:
    state, _ = run(BRISK, [0.5, 0.5])
    assert decide(BRISK, state, estimate(0.1, 0), None, START + 2 * HOUR) == (state, None)


@pytest.mark.parametrize("history", [[], [0.5], [0.5, 0.5], [0.5, 0.5, 0.1]])
@pytest.mark.parametrize("p", [0.0, 0.99])
def test_a_held_estimate_holds_every_state(history: list[float], p: float) -> None:
    state, _ = run(RULE, history)
    held = estimate(p, 9, health=Health.HELD)
    assert decide(RULE, state, held, None, START + 9 * HOUR) == (state, None)


@pytest.mark.parametrize("z", [0.0, 1.0])
@pytest.mark.parametrize("p", [0.0, 0.99])
def test_an_endless_error_holds_every_state(p: float, z: float) -> None:
    rule = replace(RULE, z=z)
    pending, _ = run(rule, [0.5])
    made = decide(rule, pending, estimate(p, 9, mcse=float("inf")), None, START + 9 * HOUR)
    assert made == (pending, None)


def test_a_number_that_is_none_holds_every_state() -> None:
    broken = estimate(0.5, 9)
    object.__setattr__(broken, "probability", float("nan"))  # no way to make one honestly
    pending, _ = run(RULE, [0.5])
    assert decide(RULE, pending, broken, None, START + 9 * HOUR) == (pending, None)


def test_an_edit_that_puts_p_beyond_the_line_fires_once_for_that_reason() -> None:
    state, _ = run(RULE, [0.3])
    lower = replace(RULE, fire_at=0.25, clear_at=0.2)
    state, made = decide(lower, state, estimate(0.3, 0), None, START + HOUR)
    assert (sure(made).after, sure(made).reason, sure(made).notify) == (
        State.FIRING,
        "rule_changed",
        "firing",
    )
    assert sure(made).detail.startswith("The rule was edited")
    assert decide(lower, state, estimate(0.3, 0), None, START + 2 * HOUR) == (state, None)
    assert run(lower, [0.3, 0.3], state, first=1)[1] == []


def test_an_edit_does_not_reset_a_firing_alert() -> None:
    state, _ = run(RULE, [0.5, 0.5])
    state, made = decide(replace(RULE, fire_at=0.45), state, estimate(0.38, 2), None, START)
    assert made is None
    assert (state.state, state.episode) == (State.FIRING, 1)


def test_an_edit_that_leaves_p_below_dwells_and_resolves() -> None:
    state, _ = run(RULE, [0.5, 0.5])
    higher = replace(RULE, fire_at=0.9, clear_at=0.8)
    _, transitions = run(higher, [0.5, 0.5], state, first=2)
    assert [(t.reason, t.notify) for t in transitions] == [
        ("rule_changed", ""),
        ("cleared", "resolved"),
    ]


def test_an_edit_does_not_bring_back_an_older_estimate() -> None:
    state, _ = run(RULE, [0.1, 0.3])
    lower = replace(RULE, fire_at=0.05, clear_at=0.01)
    assert decide(lower, state, estimate(0.1, 0), None, START + 3 * HOUR) == (state, None)


def test_an_edit_seen_under_a_held_estimate_waits_for_a_good_one() -> None:
    state, _ = run(RULE, [0.3])
    lower = replace(RULE, fire_at=0.25, clear_at=0.2)
    state, _ = decide(lower, state, estimate(0.3, 1, health=Health.HELD), None, START)
    _, made = decide(lower, state, estimate(0.3, 2), None, START)
    assert sure(made).reason == "rule_changed"


def test_only_the_numbers_make_a_rule_another_one() -> None:
    assert definition_digest(RULE) == definition_digest(replace(RULE, severity="page"))
    assert definition_digest(RULE) == definition_digest(replace(RULE, rule_id="other"))
    others = (
        replace(RULE, fire_at=0.41),
        replace(RULE, clear_at=0.3),
        replace(RULE, dwell_up=3),
        replace(RULE, dwell_down=3),
        replace(RULE, z=2.0),
    )
    digests = {definition_digest(other) for other in others}
    assert len(digests | {definition_digest(RULE)}) == 6


def test_a_transition_carries_the_number_before_and_a_plain_sentence() -> None:
    _, made = decide(BRISK, None, estimate(0.43), 0.38, START)
    assert sure(made).previous == 0.38
    assert sure(made).detail == "The probability is 43 %, at or above the alert line of 40 %."


def test_every_arrow_has_its_own_sentence() -> None:
    _, transitions = run(RULE, [0.43, 0.3, 0.43, 0.43, 0.3, 0.38, 0.3, 0.3])
    assert [t.detail.split(", ", 1)[1] for t in transitions] == [
        "at or above the alert line of 40 %; 1 of 2 evaluations in a row.",
        "no longer clearly above the alert line of 40 %; no alert was sent.",
        "at or above the alert line of 40 %; 1 of 2 evaluations in a row.",
        "at or above the alert line of 40 % in 2 evaluations in a row.",
        "at or below the all-clear line of 35 %; 1 of 2 evaluations in a row.",
        "no longer clearly below 35 %; the alert stays on.",
        "at or below the all-clear line of 35 %; 1 of 2 evaluations in a row.",
        "at or below the all-clear line of 35 %.",
    ]


@pytest.mark.parametrize("history", [[0.5, 0.5], [0.5, 0.5, 0.1]])
def test_a_resolved_question_closes_an_open_episode(history: list[float]) -> None:
    state, _ = run(RULE, history)
    closed, made = close(RULE, state, "us-strike", Outcome.NO, 0.5, START + 9 * HOUR)
    assert (sure(made).notify, sure(made).reason, sure(made).episode) == (
        "resolved",
        "question_resolved",
        1,
    )
    assert sure(made).detail == "The question was resolved: no. The last estimate was 50 %."
    assert (closed.state, closed.since, closed.streak) == (State.OK, START + 9 * HOUR, 0)
    assert close(RULE, closed, "us-strike", Outcome.NO, 0.5, START) == (closed, None)


def test_an_expired_question_says_that_its_deadline_has_passed() -> None:
    state, _ = run(RULE, [0.5, 0.5])
    _, made = close(RULE, state, "us-strike", None, 0.5, START)
    assert sure(made).notify == "resolved"
    assert sure(made).detail.startswith("The deadline has passed")


def test_a_resolved_question_ends_a_dwell_without_a_message() -> None:
    state, _ = run(RULE, [0.5])
    _, made = close(RULE, state, "us-strike", Outcome.YES, 0.5, START)
    assert (sure(made).notify, sure(made).after) == ("", State.OK)


def test_nothing_is_closed_where_nothing_was_evaluated() -> None:
    assert close(RULE, None, "us-strike", Outcome.YES, 0.5, START)[1] is None


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
        state, made = decide(rule, state, estimate(p, hour, mcse), None, START)
        messages += told([made] if made else [])
    assert messages == []


@given(rule=rules, numbers=st.lists(probabilities, max_size=40))
def test_a_probability_that_only_rises_fires_at_most_once(rule: Rule, numbers: list[float]) -> None:
    assert told(run(rule, sorted(numbers))[1]) in ([], ["firing"])


@given(rule=rules, numbers=st.lists(probabilities, max_size=40), cut=st.integers(0, 40))
def test_a_restart_in_between_changes_nothing(rule: Rule, numbers: list[float], cut: int) -> None:
    state, before = run(rule, numbers[:cut])
    end, after = run(rule, numbers[cut:], restored(state), first=len(numbers[:cut]))
    assert (end, before + after) == run(rule, numbers)


def restored(state: RuleState) -> RuleState:
    """The state as another process reads it from JSON."""
    row = json.loads(json.dumps(asdict(state), default=datetime.isoformat))
    moments = {
        key: datetime.fromisoformat(row[key]) if row[key] else None
        for key in ("since", "evaluated_as_of")
    }
    return RuleState(**row | moments | {"state": State(row["state"])})


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
