"""What keeps a notice from being told, and what it never keeps back."""

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.mutes import Mutes, inhibitor_of, mute_reason
from forecast.alert import Notice, NoticeKind, Route, Selector, Silence, Target
from forecast.alert_tables import Quiet
from forecast.clock import parse_instant

NOW = parse_instant("2025-11-28T23:00Z")
HOUR = timedelta(hours=1)
TARGET = Target("likely", "q-strike", "usa-ven", ("military.strike",), "warning")
SILENCE = Silence("s-1f", Selector(), "ada", "a drill", NOW - HOUR, NOW + HOUR)
NIGHT = Quiet.model_validate({"id": "night", "from": "22:00", "to": "07:00"})


def notice(kind: NoticeKind = NoticeKind.FIRING, channel: str = "desk") -> Notice:
    return Notice("n", channel, "likely", "q-strike", 1, kind, "warning", Route.NOW, NOW)


def test_a_silence_says_who_until_when_and_why() -> None:
    reason = mute_reason(notice(), TARGET, Mutes([SILENCE]), NOW)
    assert reason == "silenced by ada until 29 Nov 2025 00:00 UTC: a drill (s-1f)"


def test_a_silence_holds_from_its_start_until_before_its_end() -> None:
    mutes = Mutes([SILENCE])
    moments = {NOW - HOUR: True, NOW + HOUR: False, NOW - HOUR - HOUR / 60: False, NOW: True}
    for moment, holds in moments.items():
        assert bool(mute_reason(notice(), TARGET, mutes, moment)) is holds


@pytest.mark.parametrize(
    ("selector", "holds"),
    [
        (Selector(rules=("lik*",), questions=("q-*",)), True),
        (Selector(rules=("other",)), False),
        (Selector(questions=("q-other",)), False),
        (Selector(units=("usa-*",), tags=("military.*",)), True),
        (Selector(tags=("union.*",)), False),
        (Selector(severities=("page",)), False),
    ],
)
def test_a_silence_is_about_what_its_selector_fits(selector: Selector, holds: bool) -> None:
    mutes = Mutes([replace(SILENCE, selector=selector)])
    assert bool(mute_reason(notice(), TARGET, mutes, NOW)) is holds


def test_of_several_silences_the_one_that_ends_last_is_named() -> None:
    longer = replace(SILENCE, silence_id="s-2", ends_at=NOW + 5 * HOUR)
    reason = mute_reason(notice(), TARGET, Mutes([longer, SILENCE]), NOW)
    assert reason
    assert "(s-2)" in reason


@pytest.mark.parametrize("kind", [NoticeKind.RESOLVED, NoticeKind.ACKNOWLEDGED])
def test_the_end_of_what_rang_passes_silences_and_inhibition_but_not_the_night(
    kind: NoticeKind,
) -> None:
    inhibited = Mutes([SILENCE], (), {"likely": ("*",)}, {"q-strike": frozenset({"certain"})})
    assert mute_reason(notice(kind), TARGET, inhibited, NOW) is None
    held = mute_reason(notice(kind), TARGET, Mutes(quiet=[NIGHT]), NOW)
    assert held == "held by the quiet 'night' until 29 Nov 2025 07:00 UTC"


@pytest.mark.parametrize("kind", [NoticeKind.REMINDER, NoticeKind.OUTCOME])
def test_reminders_and_outcomes_are_silenced_as_firings_are(kind: NoticeKind) -> None:
    assert mute_reason(notice(kind), TARGET, Mutes([SILENCE]), NOW)


def test_quiet_hours_let_pages_through_unless_they_name_them() -> None:
    page = replace(TARGET, severity="page")
    assert mute_reason(notice(), page, Mutes(quiet=[NIGHT]), NOW) is None
    all_night = NIGHT.model_copy(update={"severities": ["*"]})
    assert mute_reason(notice(), page, Mutes(quiet=[all_night]), NOW)


def test_quiet_hours_hold_on_their_channels_only() -> None:
    mutes = Mutes(quiet=[NIGHT.model_copy(update={"channels": ["desk*"]})])
    assert mute_reason(notice(channel="desk-2"), TARGET, mutes, NOW)
    assert mute_reason(notice(channel="siem"), TARGET, mutes, NOW) is None


def firing(*rules: str, on: str = "q-strike") -> dict[str, frozenset[str]]:
    return {on: frozenset(rules)}


def test_a_rule_is_kept_back_by_one_that_fires_on_the_same_question_or_its_unit() -> None:
    patterns = {"likely": ("cert*",)}
    for on, holds in (("q-strike", True), ("usa-ven", True), ("q-other", False)):
        mutes = Mutes(inhibited_by=patterns, firing=firing("certain", on=on))
        assert bool(mute_reason(notice(), TARGET, mutes, NOW)) is holds
    assert not mute_reason(notice(), TARGET, Mutes(inhibited_by=patterns), NOW)


def test_a_rule_that_is_not_heard_on_a_channel_keeps_nobody_back_there() -> None:
    patterns = {"likely": ("cert*",)}
    for channels, holds in ((frozenset({"desk", "b"}), True), (frozenset({"b"}), False)):
        heard = {("certain", "q-strike"): channels}
        mutes = Mutes(inhibited_by=patterns, firing=firing("certain"), heard=heard)
        assert bool(inhibitor_of(TARGET, mutes, "desk")) is holds


def test_no_rule_keeps_back_itself() -> None:
    mutes = Mutes(inhibited_by={"likely": ("*",)}, firing=firing("likely"))
    assert inhibitor_of(TARGET, mutes, "desk") is None


def test_rules_that_keep_back_each_other_all_ring() -> None:
    ring = {"likely": ("b",), "b": ("c",), "c": ("likely",)}
    mutes = Mutes(inhibited_by=ring, firing=firing("likely", "b", "c"))
    assert inhibitor_of(TARGET, mutes, "desk") is None
    chain = Mutes(inhibited_by=ring, firing=firing("likely", "b"))
    assert inhibitor_of(TARGET, chain, "desk") == "b"


rules = st.sampled_from("abcde")


@given(
    patterns=st.dictionaries(rules, st.lists(rules | st.just("*"), max_size=3).map(tuple)),
    fires=st.frozensets(rules, min_size=1),
)
def test_of_the_rules_that_fire_one_always_rings(
    patterns: dict[str, tuple[str, ...]], fires: frozenset[str]
) -> None:
    mutes = Mutes(inhibited_by=patterns, firing={"q": fires})
    assert any(inhibitor_of(Target(rule, "q"), mutes, "desk") is None for rule in fires)
