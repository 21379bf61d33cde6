"""Page or digest: the cause of the move decides, through the dwell, and news rings after all."""

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from alerts.decide import decide
from alerts.news import RISES_ON
from alerts.readings import Baseline, log_odds, read_estimate
from forecast.alert import Route, Rule, RuleKind, RuleState, State, Transition
from tests.alerts.rule_samples import (
    BRISK,
    HOUR,
    RULE,
    estimate,
    look,
    moved,
    run_causes,
    spread,
    sure,
)

LAST_ALERT = Rule("jump", kind=RuleKind.CHANGE, fire_at=0.69, clear_at=0.35)


def rings(transitions: list[Transition]) -> list[tuple[str, int, str, str]]:
    return [(t.notify, t.episode, t.route.value, t.cause) for t in transitions if t.notify]


@pytest.mark.parametrize("cause", ["prior", "model"])
def test_row_33_a_retune_that_moves_p_across_the_line_goes_to_the_digest(cause: str) -> None:
    _, transitions = run_causes(BRISK, [(0.3, ""), (0.45, cause)])
    assert rings(transitions) == [("firing", 1, "digest", cause)]


def test_row_33_the_cause_of_the_crossing_counts_and_not_that_of_the_dwells_last_step() -> None:
    _, transitions = run_causes(RULE, [(0.3, ""), (0.45, "prior"), (0.451, "time")])
    assert rings(transitions) == [("firing", 1, "digest", "prior")]
    assert transitions[-1].detail == (
        "The probability is 45 %, at or above the alert line of 40 % in 2 evaluations in a row; "
        "a change of the prior did it, so it waits for the digest."
    )


def test_row_33_news_that_a_retune_follows_rings_at_once() -> None:
    _, transitions = run_causes(RULE, [(0.3, ""), (0.45, "evidence"), (0.6, "prior")])
    assert rings(transitions) == [("firing", 1, "now", "prior")]


def test_row_33_a_rule_may_say_that_retunes_ring_too_or_that_time_does_not() -> None:
    eager = replace(BRISK, digest_causes=())
    assert rings(run_causes(eager, [(0.3, ""), (0.45, "prior")])[1])[0][2] == "now"
    calm = replace(BRISK, digest_causes=("time",))
    assert rings(run_causes(calm, [(0.3, ""), (0.45, "time")])[1])[0][2] == "digest"


def test_news_during_the_dwell_that_a_retune_began_rings_at_once() -> None:
    _, transitions = run_causes(RULE, [(0.3, ""), (0.42, "prior"), (0.6, "evidence")])
    assert rings(transitions) == [("firing", 1, "now", "evidence")]


def test_news_in_a_quiet_episode_rings_after_all_as_an_episode_of_its_own() -> None:
    history = [(0.3, ""), (0.42, "prior"), (0.42, "time"), (0.55, "evidence"), (0.55, "time")]
    state, transitions = run_causes(RULE, [*history, (0.7, "evidence"), (0.8, "evidence")])
    assert rings(transitions) == [("firing", 1, "digest", "prior"), ("firing", 2, "now", "time")]
    assert (transitions[-1].before, transitions[-1].after) == (State.FIRING, State.FIRING)
    assert transitions[-1].reason == "rising_on"
    assert transitions[-1].detail == (
        "The probability is 55 %, at or above the alert line of 40 %, and it has moved on since "
        "a change of the prior put it there."
    )
    _, ends = run_causes(RULE, [(0.1, "evidence")] * 2, state, first=7, came=0.8)
    assert [r[:3] for r in rings(ends)] == [("resolved", 2, "now")]


def test_news_in_a_quiet_episode_dwells_like_any_other() -> None:
    history = [(0.3, ""), (0.42, "prior"), (0.42, "time")]
    spike = [(0.6, "evidence"), (0.43, "evidence"), (0.6, "evidence"), (0.43, "time")]
    assert len(rings(run_causes(RULE, [*history, *spike])[1])) == 1
    slow = replace(RULE, for_up=3 * HOUR)
    history += [(0.42, "time")] * 2
    assert len(rings(run_causes(slow, [*history, *[(0.6, "evidence")] * 3])[1])) == 1
    assert len(rings(run_causes(slow, [*history, *[(0.6, "evidence")] * 4])[1])) == 2


def test_a_dwell_of_news_and_one_of_recovery_are_counted_apart() -> None:
    history = [(0.3, ""), (0.42, "prior"), (0.42, "time"), (0.6, "evidence"), (0.2, "evidence")]
    state, transitions = run_causes(RULE, history)
    assert (state.state, state.streak) == (State.RECOVERING, 1)
    assert len(rings(transitions)) == 1
    state, transitions = run_causes(RULE, [(0.6, "evidence")], state, first=5, came=0.2)
    assert (state.state, state.streak, rings(transitions)) == (State.FIRING, 1, [])
    _, transitions = run_causes(RULE, [(0.6, "time")], state, first=6, came=0.6)
    assert [r[:3] for r in rings(transitions)] == [("firing", 2, "now")]


def test_one_retune_after_another_never_rings() -> None:
    history = [(0.3, ""), (0.42, "prior"), (0.43, "time"), (0.6, "prior"), (0.61, "time")]
    history += [(0.8, "model"), (0.8, "time"), (0.8, "montecarlo")]
    assert rings(run_causes(RULE, history)[1]) == [("firing", 1, "digest", "prior")]


def test_small_news_adds_up_from_where_the_retune_had_put_p() -> None:
    """Odds of 0.724, then 1.17 times as much, twice: over 1.25 together."""
    p = [0.42, 0.459, 0.498]
    history = [(0.3, ""), (p[0], "prior"), (p[1], "evidence"), (p[2], "evidence")]
    assert len(rings(run_causes(RULE, history)[1])) == 1
    assert len(rings(run_causes(RULE, [*history, (p[2], "time")])[1])) == 2


def test_a_quiet_episode_that_ends_begins_anew_by_news_at_once() -> None:
    history = [(0.3, ""), (0.45, "prior"), (0.2, "evidence"), (0.41, "evidence")]
    _, transitions = run_causes(BRISK, history)
    assert [r[:3] for r in rings(transitions)] == [
        ("firing", 1, "digest"),
        ("resolved", 1, "digest"),
        ("firing", 2, "now"),
    ]


def test_an_edit_rings_at_once_whatever_moved_p() -> None:
    state, _ = run_causes(RULE, [(0.3, "prior")])
    lower = replace(RULE, fire_at=0.25, clear_at=0.2)
    _, made = look(lower, state, estimate(0.3, 0, cause="prior"))
    assert (sure(made).route, sure(made).reason) == (Route.NOW, "rule_changed")


def test_a_certainty_that_a_retune_began_rings_on_by_the_odds_of_p() -> None:
    rule = Rule("sure", 0.9, 0.6, 1, 1, kind=RuleKind.CERTAINTY, level=0.2)
    state: RuleState | None = None
    found = []
    for hour, (came, p, cause) in enumerate([(0.2, 0.3, "prior"), (0.3, 0.4, "evidence")]):
        answer = replace(spread(p, 0.05, hour), moved=moved(came, p, cause))
        state, made = look(rule, state, answer, came)
        found.append((sure(made).episode, sure(made).route))
    assert found == [(1, Route.DIGEST), (2, Route.NOW)]


def test_a_downward_rule_takes_a_further_fall_for_news() -> None:
    over = timedelta(hours=24)
    rule = Rule("fall", 0.69, 0.35, 1, 1, kind=RuleKind.CHANGE, over=over, direction="down")
    baseline, state, found = Baseline(0.8, 0.0, "24 hours before"), None, []
    for hour, (came, p, cause) in enumerate(
        [(0.8, 0.5, "model"), (0.5, 0.56, "evidence"), (0.56, 0.4, "evidence")]
    ):
        answer = estimate(p, hour, cause=cause, came=came)
        reading = read_estimate(rule, answer, came, baseline)
        assert reading is not None
        state, made = decide(rule, state, reading, answer.as_of)
        found += [(made.episode, made.route.value)] if made else []
    assert found == [(1, "digest"), (2, "now")]


def test_a_change_since_the_last_alert_is_compared_with_each_ring_in_turn() -> None:
    brisk = replace(LAST_ALERT, dwell_up=1)
    state, transitions = run_causes(
        brisk, [(p, "evidence") for p in (0.2, 0.25, 0.34, 0.34, 0.51, 0.68, 0.7)]
    )
    assert [(t.notify, t.episode, t.probability) for t in transitions if t.notify] == [
        ("firing", 1, 0.34),
        ("firing", 2, 0.51),
        ("firing", 3, 0.68),
    ]
    assert state.baseline == 0.68


def test_a_change_that_goes_on_after_its_ring_is_not_lost() -> None:
    history = [0.2, 0.34, 0.34, 0.6, 0.6, 0.6]
    state, transitions = run_causes(LAST_ALERT, [(p, "evidence") for p in history])
    assert [(t.notify, t.probability) for t in transitions if t.notify] == [
        ("firing", 0.34),
        ("firing", 0.6),
    ]
    assert (state.state, state.baseline) == (State.OK, 0.6)


def test_a_change_since_the_last_alert_has_nothing_to_resolve() -> None:
    _, transitions = run_causes(LAST_ALERT, [(p, "") for p in (0.2, 0.4, 0.4, 0.4, 0.4)])
    assert [(t.after.value, t.notify, t.reason) for t in transitions] == [
        ("pending", "", "dwell_started"),
        ("firing", "firing", "condition_met"),
        ("ok", "", "cleared"),
    ]


def test_news_while_a_retune_is_pending_rings_a_change_since_the_last_alert_at_once() -> None:
    quiet = [(0.2, ""), (0.34, "prior"), (0.34, "time")]
    assert rings(run_causes(LAST_ALERT, quiet)[1]) == [("firing", 1, "digest", "prior")]
    loud = [(0.2, ""), (0.34, "prior"), (0.5, "evidence")]
    assert rings(run_causes(LAST_ALERT, loud)[1]) == [("firing", 1, "now", "evidence")]


@given(st.lists(st.tuples(st.floats(0.01, 0.99), st.sampled_from(["prior", "model"]))))
def test_no_history_of_retunes_alone_ever_rings_now(history: list[tuple[float, str]]) -> None:
    _, transitions = run_causes(RULE, [(0.2, ""), *history])
    assert all(t.route is Route.DIGEST for t in transitions if t.notify)


@given(st.floats(0.41, 0.6), st.floats(0.41, 0.99), st.integers(1, 3), st.integers(1, 5))
def test_news_worth_a_quarter_of_the_odds_rings_within_the_dwell(
    retuned: float, risen: float, dwell: int, idle: int
) -> None:
    assume(log_odds(risen) - log_odds(retuned) > RISES_ON + 1e-9)
    rule = replace(RULE, dwell_up=dwell)
    quiet = [(0.3, ""), *[(retuned, "prior")] * dwell, *[(retuned, "time")] * idle]
    news = [(risen, "evidence")] * dwell
    assert [r[2] for r in rings(run_causes(rule, [*quiet, *news])[1])] == ["digest", "now"]
