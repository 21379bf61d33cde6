"""Reminders of what fires on: to whom, how often, with which numbers."""

from dataclasses import replace
from pathlib import Path

import pytest

from forecast.alert import (
    NoticeKind,
    Route,
    RuleHealth,
    Selector,
    Silence,
    State,
)
from forecast.estimate import Estimate, Health, Interval
from forecast.store import Store, open_store
from forecast.watch import Watch, parse_config
from jobs.app import App
from jobs.notify import form_due
from jobs.reminders import remind
from tests.jobs.notice_desk import (
    HOUR,
    LEASE,
    NOW,
    SECOND,
    WATCH,
    a,
    app_on,
    deliver,
    fires,
    status,
)


@pytest.fixture
def app(store: Store, tmp_path: Path) -> App:
    return app_on(store, tmp_path)


def remembered(app: App, **more: object) -> App:
    """A desk that was told of an episode at NOW."""
    fires(app, **more)  # type: ignore[arg-type]
    form_due(app, NOW)
    deliver(app)
    return app


def estimate(p: float, **more: object) -> Estimate:
    made = Estimate(
        "q", NOW + HOUR, p, Interval(p / 2, (1 + p) / 2, 0.9), 0.001, Health.HEALTHY,
        "base-rate", "h", "conjugate", f"digest {p}",
    )  # fmt: skip
    return replace(made, **more)  # type: ignore[arg-type]


def test_what_fires_on_is_told_again_every_so_often_with_todays_numbers(app: App) -> None:
    remembered(app)
    app.store.record(estimates=[estimate(0.61)], recorded_at=NOW + HOUR)
    assert remind(app, NOW + 4 * HOUR - SECOND) == 0
    assert remind(app, NOW + 4 * HOUR) == 1
    assert remind(app, NOW + 4 * HOUR) == 0
    (sent,) = form_due(app, NOW + 4 * HOUR)
    facts = sent.facts
    assert (sent.kind, facts["number"], facts["probability"]) == ("reminder", 1, 0.61)
    assert facts["since"] == facts["previous"]["at"] == "2025-11-17T10:00:00Z"
    assert facts["previous"]["probability"] == a().facts["probability"]
    assert remind(app, NOW + 40 * HOUR) == 0, "the first is still to be sent"
    deliver(app)
    assert remind(app, NOW + 4 * HOUR) == 1
    numbers = [t.notice.number for t in app.store.alerts.notices_of([("likely", "q", 1)])]
    assert numbers == [0, 1, 2]


def test_a_firing_that_was_sent_while_the_clock_was_ahead_is_reminded_of(app: App) -> None:
    fires(app)
    form_due(app, NOW)
    (sent,) = app.store.claim_deliveries(NOW, "me", LEASE, 10)
    app.store.mark_delivered(sent, NOW + 365 * 24 * HOUR)
    assert remind(app, NOW + 4 * HOUR) == 1


@pytest.mark.parametrize(
    "more",
    [
        {"state": State.RECOVERING},
        {"state": State.OK},
        {"health": RuleHealth.STALE},
        {"route": Route.DIGEST},
        {"episode": 2},
    ],
)
def test_no_reminder_of_what_is_over_held_or_never_rang(app: App, more: dict[str, object]) -> None:
    remembered(app, **more)
    assert remind(app, NOW + 9 * HOUR) == 0


def test_no_reminder_where_it_was_never_delivered_or_nobody_subscribes_any_more(app: App) -> None:
    fires(app)
    assert remind(app, NOW + 9 * HOUR) == 0
    form_due(app, NOW)
    assert remind(app, NOW + 9 * HOUR) == 0
    deliver(app)
    config = parse_config(WATCH.replace('"desk"\n[[sub', '"desk"\nunits = ["x"]\n[[sub'))
    assert remind(App(Watch(app.watch.folder, config), app.store), NOW + 9 * HOUR) == 0
    assert remind(app, NOW + 9 * HOUR) == 1


def test_a_reminder_that_was_given_up_is_followed_by_the_next(app: App) -> None:
    remembered(app)
    app.store.record(to_tell=[], recorded_at=NOW)
    assert remind(app, NOW + 4 * HOUR) == 1
    form_due(app, NOW + 4 * HOUR)
    for delivery in app.store.claim_deliveries(NOW + 5 * HOUR, "me", LEASE, 10):
        app.store.mark_dead(delivery, NOW + 5 * HOUR, "given up")
    assert remind(app, NOW + 8 * HOUR - SECOND) == 0
    assert remind(app, NOW + 8 * HOUR) == 1


def test_a_rule_on_a_unit_is_reminded_of_with_what_was_told(app: App) -> None:
    text = WATCH.replace('after = "3 days"', 'after = "3 days"\nrepeat = "1 hour"')
    app = App(Watch(app.watch.folder, parse_config(text)), app.store)
    fires(app, "silent", "harbour")
    form_due(app, NOW)
    deliver(app)
    assert remind(app, NOW + HOUR) == 1
    (sent,) = form_due(app, NOW + HOUR)
    assert (sent.kind, sent.facts["number"]) == ("reminder", 1)


def test_two_processes_that_remind_at_once_make_one_reminder(app: App, store_url: str) -> None:
    remembered(app)
    with open_store(store_url) as other:
        assert remind(App(app.watch, other), NOW + 4 * HOUR) == 1
        first = app.store.alerts.waiting()
        app.store.record(to_tell=first, recorded_at=NOW)
    assert len(app.store.alerts.waiting()) == 1


def test_a_silenced_reminder_waits_and_is_left_out_once_all_is_over(app: App) -> None:
    state = remembered(app) and app.store.alerts.state("likely", "q")
    assert state
    app.store.alerts.add_silence(
        Silence("s-1", Selector(), "ada", "drill", NOW, NOW + 9 * HOUR), NOW
    )
    assert remind(app, NOW + 4 * HOUR) == 1
    assert form_due(app, NOW + 4 * HOUR) == []
    app.store.record(
        states=[(state, replace(state, state=State.OK))],
        to_tell=[a(NoticeKind.RESOLVED)],
        recorded_at=NOW,
    )
    assert [d.kind for d in form_due(app, NOW + 5 * HOUR)] == ["resolved"]
    assert status(app, NoticeKind.REMINDER) == ("withheld", "the episode is over")
