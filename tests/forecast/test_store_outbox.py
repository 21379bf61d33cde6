"""The outbox in the store: what is lent, given back, kept from channels that are off, replayed."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from forecast.alert import ChannelHealth, ChannelState, Delivery
from forecast.errors import UsageError
from forecast.store import Store

NOW = datetime(2025, 11, 29, 6, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
DELIVERY = Delivery("d1", "slack", "firing", NOW, NOW, {"p": 0.7})


def test_what_is_renewed_stays_lent_and_only_what_one_still_holds_is(store: Store) -> None:
    rows = [replace(DELIVERY, delivery_id=f"d{n}") for n in range(2)]
    store.record(deliveries=rows, recorded_at=NOW)
    (first,) = store.claim_deliveries(NOW, "a", MINUTE, 1)
    (second,) = store.claim_deliveries(NOW, "b", MINUTE, 1)
    store.renew_deliveries("a", NOW + 3 * MINUTE)
    (lost,) = store.claim_deliveries(NOW + 2 * MINUTE, "c", 2 * MINUTE, 5)
    assert lost.delivery_id == second.delivery_id
    store.renew_deliveries("b", NOW)
    assert store.next_due(NOW + 2 * MINUTE) == NOW + 3 * MINUTE, "c's lease is not b's to change"
    assert store.mark_delivered(first, NOW + 2 * MINUTE)


def test_what_is_given_back_is_due_as_if_it_never_had_been_lent(store: Store) -> None:
    store.record(deliveries=[DELIVERY], recorded_at=NOW)
    (lent,) = store.claim_deliveries(NOW, "a", MINUTE, 5)
    store.release_deliveries([lent])
    assert store.deliveries() == [replace(DELIVERY, token=1)]
    assert not store.mark_delivered(lent, NOW)
    (again,) = store.claim_deliveries(NOW, "b", MINUTE, 5)
    store.release_deliveries([lent])
    assert store.deliveries() == [again], "what another holds is not given back"
    assert store.mark_dead(again, NOW, "410")
    store.release_deliveries([again])
    assert [d.status for d in store.deliveries()] == ["dead"], "nor what is over"
    assert len(store.attempts("d1")) == 1


def test_what_waits_for_a_channel_that_is_switched_off_is_not_lent(store: Store) -> None:
    rows = [replace(DELIVERY, delivery_id=name, channel=name) for name in ("off", "on")]
    store.record(deliveries=rows, recorded_at=NOW)
    (_, abandoned) = store.claim_deliveries(NOW, "dead", MINUTE, 5)

    def turn(health: ChannelHealth) -> None:
        store.alerts.add_channel_state(ChannelState("off", health, NOW), NOW)

    turn(ChannelHealth.DISABLED)
    assert store.next_due(NOW) == NOW + MINUTE
    assert store.mark_delivered(abandoned, NOW)
    assert store.next_due(NOW) is None
    assert store.claim_deliveries(NOW + 9 * MINUTE, "a", MINUTE, 5) == []
    turn(ChannelHealth.WORKS)
    assert store.next_due(NOW) == NOW + MINUTE
    assert len(store.claim_deliveries(NOW + MINUTE, "a", MINUTE, 5)) == 1


def test_nothing_is_lent_of_channels_that_are_to_be_left_alone(store: Store) -> None:
    rows = [replace(DELIVERY, delivery_id=name, channel=name) for name in ("busy", "idle")]
    store.record(deliveries=rows, recorded_at=NOW)
    (idle,) = store.claim_deliveries(NOW, "a", MINUTE, 5, ["busy", "other"])
    assert idle.channel == "idle"


def _given_up(store: Store, *names: str) -> None:
    rows = [replace(DELIVERY, delivery_id=name) for name in names]
    store.record(deliveries=rows, recorded_at=NOW)
    for lent in store.claim_deliveries(NOW, "a", MINUTE, len(names)):
        assert store.mark_dead(lent, NOW, "refused")


def test_what_was_given_up_begins_anew_under_its_id_and_keeps_its_record(store: Store) -> None:
    _given_up(store, "d1")
    store.replay(["d1"], NOW + MINUTE)
    assert store.claim_deliveries(NOW, "b", MINUTE, 5) == []
    (again,) = store.claim_deliveries(NOW + MINUTE, "b", MINUTE, 5)
    queued = replace(again, facts=DELIVERY.facts, last_error="")
    assert queued == replace(
        DELIVERY,
        status="sending",
        attempts=1,
        token=2,
        due_at=NOW + MINUTE,
        queued_at=NOW + MINUTE,
    )
    assert store.mark_delivered(again, NOW + MINUTE)
    assert [a.outcome for a in store.attempts("d1")] == ["dead", "delivered"]


def test_of_several_all_are_sent_again_or_none(store: Store) -> None:
    _given_up(store, "d1", "d2")
    store.record(deliveries=[replace(DELIVERY, delivery_id="d3")], recorded_at=NOW)
    with pytest.raises(UsageError, match="delivery d3 is still to be sent"):
        store.replay(["d1", "d3"], NOW)
    with pytest.raises(UsageError, match="there is no delivery 'd9'"):
        store.replay(["d9", "d1"], NOW)
    assert [d.status for d in store.deliveries()] == ["dead", "dead", "due"]
    store.replay(["d1", "d2", "d1"], NOW)
    assert [d.status for d in store.deliveries()] == ["due"] * 3


def test_thousands_are_sent_again_at_once(store: Store) -> None:
    dead = [replace(DELIVERY, delivery_id=f"d{n}", status="dead", facts={}) for n in range(2500)]
    store.record(deliveries=dead, recorded_at=NOW)
    store.replay([delivery.delivery_id for delivery in dead], NOW)
    assert len(store.deliveries(status="due")) == 2500


def test_a_delivery_is_found_by_the_beginning_of_its_id(store: Store) -> None:
    names = ("msg_ab", "msg_abc", "msg_b%", "msg_bc")
    rows = [replace(DELIVERY, delivery_id=name) for name in names]
    store.record(deliveries=rows, recorded_at=NOW)

    def named(beginning: str) -> list[str]:
        return [d.delivery_id for d in store.deliveries_named(beginning)]

    assert named("msg_abc") == ["msg_abc"]
    assert named("msg_ab") == ["msg_ab", "msg_abc"], "that which is called so, first"
    assert named("msg_b%") == ["msg_b%"]
    assert named("abc") == []


def test_the_last_attempt_on_a_channel_is_anybodys(store: Store) -> None:
    rows = [replace(DELIVERY, delivery_id=f"d{n}", channel=f"c{n // 2}") for n in range(6)]
    store.record(deliveries=rows, recorded_at=NOW)
    assert store.last_attempts(["c0"]) == {}
    for n, lent in enumerate(store.claim_deliveries(NOW, "a", MINUTE, 5)[:4]):
        store.reschedule(lent, NOW, "500", NOW + n * MINUTE)
    assert store.last_attempts(["c0", "c1", "c2"]) == {
        "c0": NOW + MINUTE,
        "c1": NOW + 3 * MINUTE,
    }
    assert list(store.last_attempts(["c1"])) == ["c1"]
