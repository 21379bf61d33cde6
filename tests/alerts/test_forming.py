"""From notices to messages: what goes together, and that nothing is lost or out of order."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alerts.fates import EARLIER
from alerts.forming import Desk, Formed, form
from alerts.mutes import Mutes
from forecast.alert import (
    Delivery,
    Notice,
    Route,
)
from forecast.alert_tables import Quiet
from forecast.store import Told
from tests.alerts.notice_samples import (
    DESK,
    FIRING,
    HOUR,
    NOW,
    PAGER,
    RESOLVED,
    SECOND,
    SILENCE,
    a,
    messages,
    reasons,
    table,
    told,
)

# Together


def test_the_first_messages_of_a_minute_go_at_once_each_by_itself() -> None:
    waiting = [a(FIRING, f"q{n}") for n in range(3)]
    assert messages(form(waiting, DESK, NOW)) == [["firing"]] * 3


def test_more_than_a_few_at_once_are_one_message_in_order() -> None:
    waiting = [a(FIRING, f"q{n}") for n in range(4)]
    formed = form(waiting, DESK, NOW)
    ((delivery, ids),) = formed.deliveries
    assert ids == [n.notice_id for n in waiting]
    assert [m["notice_id"] for m in delivery.facts["members"]] == ids
    assert (delivery.kind, delivery.facts["kind"]) == ("group", "group")


def test_after_a_few_messages_others_are_gathered_until_the_interval_is_over() -> None:
    made = [("desk", NOW - n * SECOND) for n in (10, 9, 8)]
    desk = replace(DESK, made=made)
    held = form([a(FIRING)], desk, NOW)
    assert reasons(held.held) == [
        "is gathered with others; the next message goes at 2025-11-17T10:00:12Z"
    ]
    assert messages(form([a(FIRING)], desk, NOW + 12 * SECOND)) == [["firing"]]
    assert form([a(FIRING)], replace(desk, made=made[1:]), NOW).deliveries
    elsewhere = replace(desk, made=[("siem", at) for _, at in made])
    assert form([a(FIRING)], elsewhere, NOW).deliveries


def test_messages_of_a_clock_that_was_ahead_hold_up_nothing() -> None:
    desk = replace(DESK, made=[("desk", NOW + HOUR)] * 3)
    assert form([a(FIRING)], desk, NOW).deliveries


def test_a_firing_and_its_end_that_waited_for_the_interval_go_together_in_order() -> None:
    desk = replace(DESK, made=[("desk", NOW - n * SECOND) for n in (30, 29, 28)])
    formed = form([a(FIRING), a(RESOLVED)], desk, NOW)
    assert messages(formed) == [["group", "firing", "resolved"]]


def test_a_channel_that_is_not_grouped_gets_each_alert_by_itself_and_an_end_after_it() -> None:
    waiting = [*(a(FIRING, f"q{n}") for n in range(50)), a(RESOLVED, "q0")]
    formed = form(waiting, PAGER, NOW)
    assert messages(formed) == [["firing"]] * 50
    assert reasons(formed.held) == [EARLIER]


def test_a_message_holds_a_hundred_and_no_more() -> None:
    waiting = [a(FIRING, f"q{n}") for n in range(250)]
    formed = form(waiting, DESK, NOW)
    assert [len(ids) for _, ids in formed.deliveries] == [100, 100, 50]
    busy = replace(DESK, made=[("desk", NOW - HOUR / 70)])
    assert [len(ids) for _, ids in form(waiting, busy, NOW).deliveries] == [100, 100]
    assert len(form(waiting, busy, NOW).held) == 50


def test_one_subject_is_told_in_one_message_where_it_would_be_in_two() -> None:
    waiting = [a(FIRING, f"q{n}") for n in range(100)] + [a(RESOLVED, "q0"), a(FIRING, "q100")]
    formed = form(waiting, DESK, NOW)
    assert [len(ids) for _, ids in formed.deliveries] == [100, 1]
    assert formed.held == [(waiting[100].notice_id, EARLIER)]


# Storms and histories


@dataclass
class Office:
    """What the store would remember between two rounds."""

    desk: Desk
    waiting: list[Notice] = field(default_factory=list)
    told: dict[str, Told] = field(default_factory=dict)
    sent: list[tuple[Delivery, list[Notice]]] = field(default_factory=list)
    made: list[tuple[str, datetime]] = field(default_factory=list)

    def round(self, now: datetime, statuses: Iterable[str] = ()) -> Formed:
        """Form once; what was formed before takes the statuses, "delivered" where none is left."""
        coming = iter(statuses)
        for ident, one in self.told.items():
            if one.delivery_status == "due":
                status = next(coming, "delivered")
                self.told[ident] = Told(one.notice, status, None)
        undelivered = {
            (t.notice.channel, t.notice.rule_id, t.notice.subject)
            for t in self.told.values()
            if t.delivery_status == "due"
        }
        desk = replace(
            self.desk, told=[*self.told.values()], undelivered=undelivered, made=self.made
        )
        formed = form(self.waiting, desk, now)
        self._settle(formed)
        return formed

    def _settle(self, formed: Formed) -> None:
        known = {notice.notice_id: notice for notice in self.waiting}
        fates = [one for _, ids in formed.deliveries for one in ids]
        fates += [one for one, _ in formed.withheld + formed.held]
        assert sorted(fates) == sorted(known), "every notice has exactly one fate"
        for delivery, ids in formed.deliveries:
            group = [known.pop(one) for one in ids]
            self.sent.append((delivery, group))
            self.made.append((delivery.channel, delivery.created_at))
            for one in group:
                self.told[one.notice_id] = told(one, "due")
        for ident, _ in formed.withheld:
            self.told[ident] = Told(replace(known.pop(ident), status="withheld"), "", None)
        self.waiting = list(known.values())


@pytest.mark.parametrize("tick", [0.2, 1.0, 5.0])
def test_row_22_500_crossings_in_a_minute_are_a_few_messages_and_none_is_lost(tick: float) -> None:
    office = Office(DESK)
    crossed = 0
    for step in range(int(120 / tick)):
        elapsed = (step + 1) * tick
        while crossed < 500 and crossed * 0.12 < elapsed:
            office.waiting.append(a(FIRING, f"q{crossed % 400}", episode=1 + crossed // 400))
            crossed += 1
        office.round(NOW + elapsed * SECOND)
    assert not office.waiting
    order = [n for _, group in office.sent for n in group]
    assert len(order) == 500
    assert all(len(group) <= 100 for _, group in office.sent)
    assert len(office.sent) <= 8
    for subject in {n.subject for n in order}:
        assert [n.episode for n in order if n.subject == subject] in ([1], [1, 2])
    print(f"tick {tick} s: {len(office.sent)} messages")  # noqa: T201


def test_a_steady_storm_is_one_message_each_interval() -> None:
    for seconds in (20, 60):
        desk = replace(DESK, channels={"desk": table(group_interval=f"{seconds} seconds")})
        office = Office(desk)
        for second in range(10 * seconds):
            office.waiting.append(a(FIRING, f"q{second}"))
            office.round(NOW + second * SECOND)
        assert len(office.sent) <= 3 + 10


KINDS = st.sampled_from(["fire", "end", "silence", "loud", "night", "round", "round", "later"])
STEPS = st.lists(
    st.tuples(
        KINDS,
        st.sampled_from(["q1", "q2"]),
        st.sampled_from([Route.NOW, Route.NOW, Route.DIGEST]),
        st.lists(st.sampled_from(["delivered", "due", "dead"]), max_size=3),
    ),
    max_size=40,
)


@settings(max_examples=150, deadline=None)
@given(steps=STEPS, grouped=st.booleans())
def test_whatever_happens_order_holds_ends_follow_firings_and_all_is_settled(
    steps: list[tuple[str, str, Route, list[str]]], grouped: bool
) -> None:
    office = Office(DESK if grouped else PAGER)
    night = Quiet.model_validate({"id": "night", "from": "10:10", "to": "10:40"})
    now, recorded = NOW, dict[str, int]()
    episodes, routes = {"q1": 0, "q2": 0}, dict[str, Route]()
    firing: set[str] = set()
    for kind, subject, route, statuses in steps:
        now += 7 * SECOND
        if kind == "fire" and subject not in firing:
            firing.add(subject)
            episodes[subject] += 1
            routes[subject] = route
            office.waiting.append(a(FIRING, subject, episodes[subject], route=route))
        elif kind == "end" and subject in firing:
            firing.remove(subject)
            end = a(RESOLVED, subject, episodes[subject], route=routes[subject])
            office.waiting.append(end)
        elif kind == "silence":
            until = replace(SILENCE, ends_at=now + HOUR)
            office.desk = replace(office.desk, mutes=Mutes([until]))
        elif kind == "night":
            office.desk = replace(office.desk, mutes=Mutes(quiet=[night]))
        elif kind == "loud":
            office.desk = replace(office.desk, mutes=Mutes())
        elif kind == "later":
            now += 3 * HOUR
        recorded |= {
            n.notice_id: len(recorded) for n in office.waiting if n.notice_id not in recorded
        }
        if kind == "round":
            before = {
                t.notice.notice_id for t in office.told.values() if t.delivery_status == "due"
            }
            office.round(now, statuses)
            _check_undisturbed(office, before)
    office.desk = replace(office.desk, mutes=Mutes())
    for hour in range(30):
        office.round(now + timedelta(days=2) + hour * HOUR)
    assert not office.waiting
    _check_history(office, recorded)


def _check_undisturbed(office: Office, before: set[str]) -> None:
    """Of one rule on one subject one delivery at a time is under way."""
    due = [t for t in office.told.values() if t.delivery_status == "due"]
    still = {t.notice.subject for t in due if t.notice.notice_id in before}
    new = {t.notice.subject for t in due if t.notice.notice_id not in before}
    assert not still & new


def _check_history(office: Office, recorded: dict[str, int]) -> None:
    for subject in ("q1", "q2"):
        out = [n for _, group in office.sent for n in group if n.subject == subject]
        assert [recorded[n.notice_id] for n in out] == sorted(recorded[n.notice_id] for n in out)
        arrived = {
            (n.kind, n.episode)
            for n in out
            if office.told[n.notice_id].delivery_status == "delivered"
        }
        ends = {n.episode for n in out if n.kind is RESOLVED}
        begun = {episode for kind, episode in arrived if kind is FIRING}
        together = {n.episode for _, group in office.sent for n in group if n.kind is FIRING} & {
            n.episode for _, group in office.sent if len(group) > 1 for n in group
        }
        assert ends <= begun | together
        heard = [n for n in out if n.kind is FIRING and n.episode in begun]
        for firing in heard:  # whoever heard of a beginning hears of the end
            ended = any(
                n == (RESOLVED.value, firing.episode)
                for n in (
                    (t.notice.kind.value, t.notice.episode)
                    for t in office.told.values()
                    if t.notice.subject == subject
                )
            )
            assert not ended or firing.episode in ends
