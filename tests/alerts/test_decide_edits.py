"""The decision where a rule is edited, or where what it watches ends."""

from dataclasses import replace

import pytest

from alerts.decide import (
    Reason,
    await_outcome,
    close,
    close_question,
    decide,
    definition_digest,
    tell_outcome,
)
from alerts.readings import Reading
from forecast.alert import Route, Rule, RuleKind, RuleState, State
from forecast.estimate import Health
from forecast.evidence import Outcome
from tests.alerts.rule_samples import (
    HOUR,
    RULE,
    START,
    estimate,
    look,
    run,
    run_causes,
    sure,
    told,
)

LOWER = replace(RULE, fire_at=0.25, clear_at=0.2)
HIGHER = replace(RULE, fire_at=0.9, clear_at=0.8)
ON_THE_END = Rule("ends", kind=RuleKind.RESOLVED)


def test_row_32_a_reload_without_an_edit_changes_nothing() -> None:
    for history in ([], [0.3], [0.5], [0.5, 0.5], [0.5, 0.5, 0.1]):
        state, _ = run(RULE, history)
        reloaded = replace(RULE, severity="page")
        if history:
            assert look(reloaded, state, estimate(history[-1], len(history) - 1)) == (state, None)


def test_row_32_an_edit_that_puts_p_beyond_the_line_fires_once_for_that_reason() -> None:
    state, _ = run(RULE, [0.3])
    state, made = look(LOWER, state, estimate(0.3, 0))
    assert (sure(made).after, sure(made).reason, sure(made).notify) == (
        State.FIRING,
        "rule_changed",
        "firing",
    )
    assert sure(made).detail.startswith("The rule was edited")
    assert look(LOWER, state, estimate(0.3, 0)) == (state, None)
    assert run(LOWER, [0.3, 0.3], state, first=1)[1] == []


def test_row_32_an_edit_seen_with_a_new_estimate_fires_if_p_was_beyond_the_line_before() -> None:
    state, _ = run(RULE, [0.3])
    after, made = look(LOWER, state, estimate(0.31, 1), previous=0.3)
    assert (after.state, sure(made).reason) == (State.FIRING, "rule_changed")


def test_news_that_comes_together_with_an_edit_dwells_like_any_other() -> None:
    stricter = replace(RULE, dwell_up=3)
    state, _ = run(RULE, [0.3])
    state, made = look(stricter, state, estimate(0.5, 1), previous=0.3)
    assert (state.state, sure(made).notify) == (State.PENDING, "")
    assert told(run(stricter, [0.5], state, first=2)[1]) == []
    assert told(run(stricter, [0.5, 0.5], state, first=2)[1]) == ["firing"]


@pytest.mark.parametrize(
    "stricter",
    [
        replace(RULE, dwell_up=4),
        replace(RULE, fire_at=0.45),
        replace(RULE, z=2.0),
        replace(RULE, for_up=5 * HOUR),
    ],
)
def test_an_edit_that_is_stricter_rings_no_sooner(stricter: Rule) -> None:
    state, _ = run(RULE, [0.5])
    same, made = look(stricter, state, estimate(0.5, 0))
    assert (same.state, same.streak, made) == (State.PENDING, 1, None)


def test_one_estimate_read_twice_for_an_edit_counts_once_in_a_dwell() -> None:
    recovering, _ = run(RULE, [0.5, 0.5, 0.1])
    edited = replace(RULE, fire_at=0.42)
    same, made = look(edited, recovering, estimate(0.1, 2))
    assert (same.state, same.streak, made) == (State.RECOVERING, 1, None)
    assert told(run(edited, [0.1], same, first=3)[1]) == ["resolved"]


def test_a_shorter_dwell_that_has_been_met_already_rings_at_once() -> None:
    state, _ = run(replace(RULE, dwell_up=3), [0.5, 0.5])
    after, made = look(RULE, state, estimate(0.5, 1))
    assert (after.state, sure(made).reason) == (State.FIRING, "rule_changed")


def test_an_edit_does_not_reset_a_firing_alert() -> None:
    state, _ = run(RULE, [0.5, 0.5])
    state, made = look(replace(RULE, fire_at=0.45), state, estimate(0.38, 2))
    assert made is None
    assert (state.state, state.episode) == (State.FIRING, 1)


def test_an_edit_that_leaves_p_below_dwells_and_resolves() -> None:
    state, _ = run(RULE, [0.5, 0.5])
    _, transitions = run(HIGHER, [0.5, 0.5], state, first=2)
    assert [(t.reason, t.notify) for t in transitions] == [
        ("rule_changed", ""),
        ("cleared", "resolved"),
    ]


def test_an_edit_ends_a_dwell_that_it_takes_the_ground_from() -> None:
    state, _ = run(RULE, [0.5])
    after, made = look(HIGHER, state, estimate(0.5, 0))
    assert (after.state, sure(made).reason, sure(made).notify) == (State.OK, "rule_changed", "")


def test_an_edit_does_not_bring_back_an_older_estimate() -> None:
    state, _ = run(RULE, [0.1, 0.3])
    lower = replace(RULE, fire_at=0.05, clear_at=0.01)
    assert look(lower, state, estimate(0.1, 0), now=START + HOUR) == (state, None)


def test_an_edit_seen_under_a_held_estimate_waits_for_a_good_one() -> None:
    state, _ = run(RULE, [0.3])
    state, held = look(LOWER, state, estimate(0.3, 1, health=Health.HELD), previous=0.3)
    _, made = look(LOWER, state, estimate(0.3, 2), previous=0.3)
    assert held is None
    assert sure(made).reason == "rule_changed"


def test_only_the_numbers_make_a_rule_another_one() -> None:
    assert definition_digest(RULE) == definition_digest(replace(RULE, severity="page"))
    assert definition_digest(RULE) == definition_digest(replace(RULE, rule_id="other"))
    others = [
        replace(RULE, fire_at=0.41),
        replace(RULE, clear_at=0.3),
        replace(RULE, dwell_up=3),
        replace(RULE, dwell_down=3),
        replace(RULE, z=2.0),
        replace(RULE, kind=RuleKind.CERTAINTY),
        replace(RULE, for_up=HOUR),
        replace(RULE, for_down=HOUR),
        replace(RULE, level=0.1),
        replace(RULE, direction="up"),
        replace(RULE, over=HOUR),
        replace(RULE, within=HOUR),
        replace(RULE, after=HOUR),
    ]
    assert len({definition_digest(rule) for rule in [RULE, *others]}) == 1 + len(others)


def test_a_plain_threshold_keeps_the_digest_that_older_versions_stored() -> None:
    """Else every rule would seem edited after an upgrade, and ring without its dwell."""
    assert definition_digest(RULE) == "8abe592d339499f7"


@pytest.mark.parametrize("history", [[0.5, 0.5], [0.5, 0.5, 0.1]])
def test_row_37_a_resolved_question_closes_an_open_episode(history: list[float]) -> None:
    state, _ = run(RULE, history)
    closed, made = close_question(state, Outcome.NO, 0.5, START + 9 * HOUR)
    assert (sure(made).notify, sure(made).reason, sure(made).episode) == (
        "resolved",
        "question_resolved",
        1,
    )
    assert sure(made).detail == "The question was resolved: no. The last estimate was 50 %."
    assert (closed.state, closed.since, closed.streak) == (State.OK, START + 9 * HOUR, 0)
    assert close_question(closed, Outcome.NO, 0.5, START) == (closed, None)


def test_row_37_an_event_observed_early_closes_it_as_resolved_yes() -> None:
    _, made = close_question(run(RULE, [0.5, 0.5])[0], Outcome.YES, 0.5, START)
    assert sure(made).reason == "question_resolved"
    assert sure(made).detail.startswith("The question was resolved: yes.")


def test_row_37_a_deadline_without_an_outcome_closes_it_as_expired() -> None:
    state, _ = run(RULE, [0.5, 0.5])
    _, made = close_question(state, None, 0.5, START)
    assert (sure(made).notify, sure(made).reason) == ("resolved", "question_expired")
    assert sure(made).detail.startswith("The deadline has passed; no outcome is recorded yet.")


def test_a_resolved_question_ends_a_dwell_without_a_message() -> None:
    state, _ = run(RULE, [0.5])
    _, made = close_question(state, Outcome.YES, 0.5, START)
    assert (sure(made).notify, sure(made).after) == ("", State.OK)


def test_row_38_a_rule_removed_while_it_fires_resolves_for_that_reason() -> None:
    state, _ = run(RULE, [0.5, 0.5])
    ended = "The rule does not watch this any more."
    closed, made = close(state, Reason.RULE_REMOVED, ended, None, START + HOUR)
    assert (sure(made).notify, sure(made).reason, sure(made).detail) == (
        "resolved",
        "rule_removed",
        ended,
    )
    assert (closed.state, closed.episode) == (State.OK, 1)


def test_a_rule_that_is_put_back_dwells_anew_as_another_episode() -> None:
    state, _ = run(RULE, [0.5, 0.5])
    closed, _ = close(state, Reason.RULE_REMOVED, "Gone.", None, START + 2 * HOUR)
    back, transitions = run(RULE, [0.5, 0.5], closed, first=3)
    assert [(t.notify, t.episode) for t in transitions] == [("", 1), ("firing", 2)]
    assert back.state is State.FIRING


def test_the_end_of_an_episode_that_never_rang_waits_for_the_digest_too() -> None:
    state, _ = run_causes(RULE, [(0.5, "prior"), (0.5, "time")], came=0.3)
    assert state.route is Route.DIGEST
    assert sure(close_question(state, Outcome.NO, 0.5, START)[1]).route is Route.DIGEST
    _, transitions = run(RULE, [0.1, 0.1], state, first=2)
    assert [(t.notify, t.route) for t in transitions if t.notify] == [("resolved", Route.DIGEST)]


def test_an_outcome_is_told_once() -> None:
    waits, end = await_outcome(ON_THE_END, None, "us-strike", START)
    assert (waits.state, end) == (State.PENDING, None)
    assert await_outcome(ON_THE_END, waits, "us-strike", START + HOUR) == (waits, None)
    after, made = tell_outcome(waits, Outcome.YES, 0.9, START + 2 * HOUR)
    assert (sure(made).notify, sure(made).episode, sure(made).reason, sure(made).route) == (
        "outcome",
        1,
        "question_resolved",
        Route.NOW,
    )
    assert sure(made).detail == "The question was resolved: yes. The last estimate was 90 %."
    assert tell_outcome(after, Outcome.YES, 0.9, START + 3 * HOUR) == (after, None)


def test_an_outcome_that_is_not_known_is_waited_for() -> None:
    waits, _ = await_outcome(ON_THE_END, None, "us-strike", START)
    assert tell_outcome(waits, None, 0.9, START + HOUR) == (waits, None)


def test_a_question_that_is_open_again_tells_its_next_outcome_as_another_episode() -> None:
    waits, _ = await_outcome(ON_THE_END, None, "us-strike", START)
    after, _ = tell_outcome(waits, Outcome.YES, 0.9, START + HOUR)
    waits, _ = await_outcome(ON_THE_END, after, "us-strike", START + 2 * HOUR)
    _, made = tell_outcome(waits, Outcome.NO, None, START + 3 * HOUR)
    assert (sure(made).episode, sure(made).detail) == (
        2,
        "The outcome was corrected from yes to no.",
    )


def test_an_outcome_that_is_corrected_is_told_again_and_the_same_one_is_not() -> None:
    waits, _ = await_outcome(ON_THE_END, None, "us-strike", START)
    after, _ = tell_outcome(waits, Outcome.NO, 0.1, START + HOUR)
    assert tell_outcome(after, Outcome.NO, 0.1, START + 2 * HOUR) == (after, None)
    again, made = tell_outcome(after, Outcome.YES, 0.1, START + 3 * HOUR)
    assert (sure(made).notify, sure(made).before, sure(made).after) == ("outcome", "ok", "ok")
    assert sure(made).detail.startswith("The outcome was corrected from no to yes.")
    assert tell_outcome(again, Outcome.YES, 0.1, START + 4 * HOUR) == (again, None)


def test_an_outcome_that_this_rule_never_told_is_not_corrected() -> None:
    never, _ = await_outcome(ON_THE_END, None, "us-strike", START)
    closed = replace(never, state=State.OK)
    assert tell_outcome(closed, Outcome.YES, 0.1, START + HOUR) == (closed, None)


def test_a_threshold_edited_into_a_rule_on_the_outcome_leaves_no_episode_open() -> None:
    state, _ = run(RULE, [0.5, 0.5])
    rule = replace(ON_THE_END, rule_id=RULE.rule_id)
    closed, made = await_outcome(rule, state, "us-strike", START + 2 * HOUR)
    assert (closed.state, sure(made).notify, sure(made).reason) == (
        State.OK,
        "resolved",
        "rule_changed",
    )
    waits, _ = await_outcome(rule, closed, "us-strike", START + 3 * HOUR)
    assert waits.state is State.PENDING


def test_a_rule_on_the_outcome_edited_into_a_threshold_dwells_in_full() -> None:
    waits, _ = await_outcome(replace(ON_THE_END, rule_id="strike-40"), None, "us-strike", START)
    state, made = look(RULE, waits, estimate(0.5, 1), previous=0.5)
    assert (state.state, state.streak, made) == (State.PENDING, 1, None)
    assert told(run(RULE, [0.5], state, first=2)[1]) == ["firing"]


def test_a_yes_or_no_of_the_clock_fires_and_clears_without_a_dwell() -> None:
    rule = Rule("late", kind=RuleKind.DEADLINE, dwell_up=1, dwell_down=1, within=HOUR)
    state: RuleState | None = None
    messages = []
    for hour, value in enumerate([0.0, 0.0, 1.0, 1.0, 0.5, 0.0]):
        now = START + hour * HOUR
        state, made = decide(rule, state, Reading("q", now, value, says="It is."), now)
        messages += [(hour, made.notify)] if made else []
    assert messages == [(2, "firing"), (5, "resolved")]
