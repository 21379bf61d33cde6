"""A desk whose rules fire at a word, to see what is told of it."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from alerts.facts import notice_id
from alerts.testing import sample_facts
from forecast.alert import (
    Delivery,
    Notice,
    NoticeKind,
    Route,
    RuleState,
    State,
)
from forecast.clock import parse_instant
from forecast.question import Question
from forecast.store import Store
from forecast.watch import Watch, parse_config
from jobs.app import App
from jobs.notify import look

NOW = parse_instant("2025-11-17T10:00Z")
SECOND, HOUR = timedelta(seconds=1), timedelta(hours=1)
ROOT = Path(__file__).parents[2]
LEASE = timedelta(minutes=5)
FACTS = sample_facts()["firing"]
QUESTION = Question("q", "A strike?", "harbour", "strike", NOW - 9 * HOUR, NOW + 999 * HOUR)
WATCH = """
[watch]
title = "The desk"

[units.harbour]
title = "The harbour"
[indicators."union.ballot"]
effect = "1.5x..4x"
half_life = "30 days"
[definitions.strike]
base_rate = "10%..30% per quarter"
indicators = ["union.*"]

[[rules]]
id = "likely"
fire_at = "40%"
repeat = "4 hours"
inhibited_by = ["certain"]
[[rules]]
id = "certain"
fire_at = "90%"
[[rules]]
id = "silent"
kind = "stale"
after = "3 days"

[[channels]]
id = "desk"
kind = "slack"
url = "env:NOT_SENT_IN_THESE_TESTS"
[[channels]]
id = "pager"
kind = "webhook"
url = "env:NOT_SENT_IN_THESE_TESTS"
grouped = false
[[subscriptions]]
channel = "desk"
[[subscriptions]]
channel = "pager"
rules = ["certain"]
"""


def app_on(store: Store, folder: Path) -> App:
    """A watch folder in words alone, on a store that knows its question."""
    store.add_questions([QUESTION], NOW - HOUR)
    return App(Watch(folder, parse_config(WATCH)), store)


def a(
    kind: NoticeKind = NoticeKind.FIRING,
    subject: str = "q",
    episode: int = 1,
    *,
    rule: str = "likely",
    channel: str = "desk",
) -> Notice:
    facts = FACTS | {"kind": kind.value}
    ident = notice_id(channel, rule, subject, episode, kind.value)
    return Notice(ident, channel, rule, subject, episode, kind, "warning", Route.NOW, NOW, facts)


def fires(app: App, rule: str = "likely", subject: str = "q", **more: object) -> RuleState:
    """Have a rule fire; its notice on the desk waits."""
    state = RuleState(rule, subject, State.FIRING, episode=1, since=NOW)
    state = replace(state, **more)  # type: ignore[arg-type]
    app.store.record(
        states=[(None, state)], to_tell=[a(rule=rule, subject=subject)], recorded_at=NOW
    )
    return state


def deliver(app: App, *, dead: bool = False) -> list[Delivery]:
    """Send what is due, in an instant."""
    claimed = app.store.claim_deliveries(NOW + 99 * HOUR, "me", LEASE, 1000)
    for delivery in claimed:
        if dead:
            app.store.mark_dead(delivery, NOW, "410")
        else:
            app.store.mark_delivered(delivery, NOW)
    return claimed


def reasons(app: App) -> list[str]:
    return [reason for _, reason in look(app, NOW)]


def status(app: App, kind: NoticeKind, rule: str = "likely") -> tuple[str, str]:
    (found,) = (
        told.notice
        for told in app.store.alerts.notices_of([(rule, "q", 1)])
        if told.notice.kind is kind
    )
    return found.status, found.reason
