"""What becomes of each notice: what goes now, what waits, what is left out, and why."""

import sys
from collections import Counter
from dataclasses import replace

import pytest

from alerts.fates import ACKNOWLEDGED, EARLIER, NEVER_TOLD, OVER, SUPERSEDED
from alerts.forming import Formed, form
from alerts.mutes import Mutes
from forecast.alert import (
    ChannelHealth,
    ChannelState,
    Delivery,
    NoticeKind,
    Selector,
    Target,
)
from forecast.alert_tables import Quiet
from forecast.store import Told
from tests.alerts.notice_samples import (
    DESK,
    FIRING,
    HOUR,
    MUTED,
    NOW,
    PAGER,
    REMINDER,
    RESOLVED,
    SECOND,
    SILENCE,
    SILENCED,
    a,
    digest,
    messages,
    reasons,
    table,
    told,
)


def test_a_lone_notice_is_a_delivery_with_its_own_facts_and_id() -> None:
    notice = a(FIRING)
    formed = form([notice], DESK, NOW)
    expected = Delivery(notice.notice_id, "desk", "firing", NOW, NOW, notice.facts, queued_at=NOW)
    assert formed == Formed([(expected, [notice.notice_id])])


def test_what_is_muted_waits_and_is_told_when_the_mute_ends() -> None:
    assert reasons(form([a(FIRING)], MUTED, NOW).held) == [f"is {SILENCED}"]
    assert messages(form([a(FIRING)], MUTED, SILENCE.ends_at)) == [["firing"]]


def test_row_34_what_fires_on_at_the_end_of_a_silence_is_told_then_and_what_ended_is_not() -> None:
    both = [a(FIRING), a(RESOLVED)]
    silent = form([both[0]], MUTED, NOW)
    assert (silent.deliveries, silent.withheld) == ([], [])
    ended = form(both, MUTED, NOW)
    assert ended.withheld == [(n.notice_id, f"ended while {SILENCED}") for n in both]
    assert (ended.deliveries, ended.held) == ([], [])


def test_row_34_an_end_under_a_silence_goes_to_those_who_were_told_before_it() -> None:
    desk = replace(MUTED, told=[told(a(FIRING))])
    assert messages(form([a(RESOLVED)], desk, NOW)) == [["resolved"]]


@pytest.mark.parametrize("status", ["dead", "withheld", "never there"])
def test_row_35_no_end_is_told_to_whom_the_firing_was_not_delivered(status: str) -> None:
    firing = told(a(FIRING), "dead")
    if status == "withheld":
        firing = Told(replace(a(FIRING), status="withheld"), "", None)
    desk = replace(DESK, told=[firing] if status != "never there" else [])
    formed = form([a(RESOLVED)], desk, NOW)
    assert formed == Formed(withheld=[(a(RESOLVED).notice_id, NEVER_TOLD)])


def test_row_35_what_one_channel_was_told_counts_for_no_other() -> None:
    desk = replace(
        DESK,
        channels={"desk": table(), "siem": table("siem")},
        told=[told(a(FIRING, channel="siem"))],
    )
    formed = form([a(RESOLVED), a(RESOLVED, channel="siem")], desk, NOW)
    assert [d.channel for d, _ in formed.deliveries] == ["siem"]
    assert reasons(formed.withheld) == [NEVER_TOLD]


def test_an_end_waits_until_the_firing_has_arrived() -> None:
    desk = replace(DESK, told=[told(a(FIRING), "due")], undelivered=frozenset({("desk", "r", "q")}))
    formed = form([a(RESOLVED)], desk, NOW)
    assert reasons(formed.held) == ["waits until an earlier message about the same is delivered"]
    assert messages(form([a(RESOLVED)], replace(desk, undelivered=frozenset()), NOW))


@pytest.mark.parametrize("kind", [REMINDER, NoticeKind.ACKNOWLEDGED])
def test_what_follows_a_firing_is_left_out_once_the_episode_is_over(kind: NoticeKind) -> None:
    desk = replace(DESK, told=[told(a(FIRING))])
    assert messages(form([a(kind)], desk, NOW)) == [[kind.value]]
    for ongoing in ({}, {("r", "q"): 2}):
        over = form([a(kind)], replace(desk, ongoing=ongoing), NOW)
        assert reasons(over.withheld) == [OVER]


def test_a_reminder_of_what_was_acknowledged_meanwhile_is_left_out() -> None:
    word = told(a(NoticeKind.ACKNOWLEDGED, channel="other"))
    desk = replace(DESK, told=[told(a(FIRING)), word])
    assert reasons(form([a(REMINDER)], desk, NOW).withheld) == [ACKNOWLEDGED]


def test_an_acknowledgement_goes_with_a_firing_that_still_waits() -> None:
    both = [a(FIRING), a(NoticeKind.ACKNOWLEDGED)]
    assert reasons(form(both, MUTED, NOW).held) == [f"is {SILENCED}", EARLIER]
    assert messages(form(both, DESK, NOW)) == [["group", "firing", "acknowledged"]]


def test_what_a_channel_that_is_switched_off_or_gone_is_to_be_told_waits() -> None:
    off = ChannelState("desk", ChannelHealth.DISABLED, NOW, "410 Gone")
    for desk, reason in [
        (replace(DESK, channel_states={"desk": off}), "the channel is switched off: 410 Gone"),
        (replace(DESK, channels={}), "there is no channel 'desk' in watch.toml"),
    ]:
        assert reasons(form([a(FIRING), a(RESOLVED)], desk, NOW).held) == [reason] * 2
    failing = replace(off, health=ChannelHealth.FAILING)
    assert form([a(FIRING)], replace(DESK, channel_states={"desk": failing}), NOW).deliveries


def test_at_the_end_of_the_night_the_end_of_one_episode_comes_before_the_next() -> None:
    night = Quiet.model_validate({"id": "night", "from": "09:00", "to": "11:00"})
    desk = replace(DESK, mutes=Mutes(quiet=[night]), told=[told(a(FIRING))])
    waiting = [a(RESOLVED), a(FIRING, episode=2), a(RESOLVED, episode=2)]
    still_dark = form(waiting, desk, NOW)
    assert [one for one, _ in still_dark.held] == [waiting[0].notice_id]
    assert [one for one, _ in still_dark.withheld] == [n.notice_id for n in waiting[1:]]
    at_dawn = form(waiting[:2], desk, NOW + HOUR)
    assert messages(at_dawn) == [["group", "resolved", "firing"]]


def test_a_page_rings_at_night_and_the_rest_of_its_rule_does_not_pass_it() -> None:
    night = Quiet.model_validate({"id": "night", "from": "09:00", "to": "11:00"})
    desk = replace(DESK, mutes=Mutes(quiet=[night]))
    assert form([a(FIRING, severity="page")], desk, NOW).deliveries
    warned = [a(FIRING), a(FIRING, episode=2, severity="page")]
    assert reasons(form(warned, desk, NOW).held)[1] == EARLIER


def test_silences_are_held_against_what_the_rule_watches() -> None:
    silence = replace(SILENCE, selector=Selector(units=("usa-*",)))
    desk = replace(DESK, mutes=Mutes([silence]))
    assert form([a(FIRING)], desk, NOW).deliveries
    known = replace(desk, targets={("r", "q"): Target("r", "q", "usa-ven")})
    assert form([a(FIRING)], known, NOW).held


# The digest


def test_the_digest_waits_for_its_hour_and_is_one_message() -> None:
    waiting = [digest(FIRING, f"q{n}") for n in range(5)] + [digest(RESOLVED, "q0")]
    dawn = NOW + 21 * HOUR
    assert reasons(form(waiting, DESK, dawn - SECOND).held)[0] == (
        "waits for the digest of 2025-11-18T07:00:00Z"
    )
    assert messages(form(waiting, DESK, dawn)) == [["digest", *["firing"] * 5, "resolved"]]
    assert messages(form(waiting[:1], DESK, dawn)) == [["digest", "firing"]]
    assert messages(form(waiting[:1], PAGER, dawn)) == [["firing"]]


def test_what_a_clock_that_was_ahead_put_into_the_digest_does_not_wait_for_a_year() -> None:
    made_ahead = replace(digest(FIRING), created_at=NOW + 365 * 24 * HOUR)
    assert messages(form([made_ahead], DESK, NOW)) == [["digest", "firing"]]


def test_twice_as_many_that_wait_take_no_more_than_twice_the_work() -> None:
    def calls(episodes: int) -> int:
        kinds = (FIRING, RESOLVED)
        make = (digest, a)
        waiting = [make[n % 2](kind, episode=n) for n in range(episodes) for kind in kinds]
        counted = Counter[str]()
        sys.setprofile(lambda _, event, __: counted.update([event]))
        try:
            form(waiting, MUTED, NOW)
        finally:
            sys.setprofile(None)
        return counted["call"]

    assert calls(400) < 2.5 * calls(200)


def test_the_hour_of_the_digest_is_that_of_the_channels_clock() -> None:
    desk = replace(DESK, channels={"desk": table(digest="14:00", timezone="Europe/Helsinki")})
    assert form([digest(FIRING)], desk, NOW + 2 * HOUR - SECOND).held
    assert form([digest(FIRING)], desk, NOW + 2 * HOUR).deliveries


def test_an_alert_that_rings_takes_the_place_of_the_same_one_in_the_digest() -> None:
    waiting = [digest(FIRING), digest(RESOLVED), digest(FIRING, episode=2), a(FIRING, episode=3)]
    formed = form(waiting, DESK, NOW)
    assert messages(formed) == [["firing"]]
    assert reasons(formed.withheld) == [SUPERSEDED] * 3


def test_an_alert_that_is_muted_takes_no_ones_place() -> None:
    formed = form([digest(FIRING), a(FIRING, episode=2)], MUTED, NOW)
    assert reasons(formed.held) == [f"is {SILENCED}", EARLIER]


def test_the_end_of_what_a_digest_told_goes_before_an_alert_that_rings() -> None:
    desk = replace(DESK, told=[told(digest(FIRING))])
    formed = form([digest(RESOLVED), a(FIRING, episode=2)], desk, NOW)
    assert messages(formed) == [["group", "resolved", "firing"]]


def test_the_end_of_what_waits_for_the_digest_waits_with_it_however_it_is_routed() -> None:
    waiting = [digest(FIRING), a(RESOLVED)]
    assert len(form(waiting, DESK, NOW).held) == 2
    assert messages(form(waiting, DESK, NOW + 21 * HOUR)) == [["digest", "firing", "resolved"]]


def test_an_alert_and_a_digest_about_the_same_do_not_go_in_two_messages_at_once() -> None:
    desk = replace(DESK, told=[told(a(FIRING))])
    formed = form([a(RESOLVED), digest(FIRING, episode=2)], desk, NOW + 21 * HOUR)
    assert messages(formed) == [["resolved"]]
    assert reasons(formed.held) == [EARLIER]


def test_what_goes_into_the_digest_is_not_superseded_by_what_rang_before_it() -> None:
    busy = replace(DESK, made=[("desk", NOW)] * 3)
    formed = form([a(FIRING), a(RESOLVED), digest(FIRING, episode=2)], busy, NOW)
    assert (formed.withheld, len(formed.held)) == ([], 3)
