"""Digests: when one is due, what it tells, and that its message is told once or not at all."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from alerts.outbox import drain
from alerts.testing import Receiver
from alerts.testing.report_samples import ESTIMATE
from forecast.alert import Delivery, RuleState, State, Transition
from forecast.clock import format_instant, parse_instant, utc_now
from forecast.config import Config
from forecast.errors import ConfigError, StoreError, TocsinError
from forecast.estimate import Health, Move, log_hazard
from forecast.evidence import Outcome, Resolution
from forecast.question import Question
from forecast.store import Store
from forecast.store.runs import RunClaim
from forecast.watch import Watch, parse_config
from jobs.app import App
from jobs.digests import check_digest, digest_due, message_of, outlooks, send_now, switch
from jobs.schedules import told
from tests.jobs.desk import SECRET

MONDAY = parse_instant("2025-11-17T08:00:00Z")  # a slot
DAY, MINUTE = timedelta(days=1), timedelta(minutes=1)
BEGUN = MONDAY - 3 * DAY  # when the watch was first served
WATCH = """
[watch]
title = "Harbour desk"
link = "https://tocsin.example"

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
[[rules]]
id = "silent"
kind = "stale"
after = "3 days"

[[channels]]
id = "desk"
kind = "webhook"
url = "env:DESK_URL"
secret = "env:DESK_SECRET"
allow = ["127.0.0.0/8"]
[[channels]]
id = "log"
kind = "log"
[[channels]]
id = "pager"
kind = "pagerduty"
secret = "env:DESK_SECRET"

[[digests]]
id = "weekly"
cron = "0 8 * * mon"
channels = ["*"]
top = 2
why = "For the Monday meeting."
"""


def clock_at(now: datetime) -> Callable[[], datetime]:
    return lambda: now


def app_on(store: Store, text: str = WATCH) -> App:
    """A desk with six questions, first served on the Friday before the slot."""
    names = ("calm", "moved", "fired", "held", "gone", "other")
    store.add_questions([question(name) for name in names], BEGUN - 20 * DAY)
    app = App(Watch(Path(), parse_config(text)), store)
    store.schedules.keep(told(app.config, BEGUN), BEGUN)
    return app


def question(name: str) -> Question:
    unit = "port" if name == "other" else "harbour"
    return Question(
        name, f"Will it be {name}?", unit, "strike", BEGUN - 20 * DAY, MONDAY + 90 * DAY
    )


def said(
    store: Store, name: str, now: datetime, *ps: float, health: Health = Health.HEALTHY
) -> None:
    """Estimates of a question, a day apart, the last of them at `now`."""
    made = []
    before: float | None = None
    for ago, p in zip(range(len(ps) - 1, -1, -1), ps, strict=True):
        part = 0.0 if before is None else log_hazard(p) - log_hazard(before)
        one = replace(ESTIMATE, question_id=name, as_of=now - ago * DAY, probability=p)
        moved = None if before is None else Move(before, p, evidence=part)
        made.append(replace(one, moved=moved, health=health if ago == 0 else Health.HEALTHY))
        before = p
    store.record(estimates=made, recorded_at=now)


def facts_of(store: Store) -> list[Delivery]:
    return [one for one in store.deliveries() if one.kind == "report"]


def test_it_is_told_at_its_slot_once_to_each_channel_that_people_read(store: Store) -> None:
    app = app_on(store)
    assert digest_due(app, clock_at(MONDAY - MINUTE), "me") == 0
    assert digest_due(app, clock_at(MONDAY), "me") == 1
    assert digest_due(app, clock_at(MONDAY), "you") == 0
    assert digest_due(app, clock_at(MONDAY + DAY), "me") == 0
    assert sorted(one.channel for one in facts_of(store)) == ["desk", "log"]
    (run,) = store.runs()
    assert (run.schedule_id, run.slot, run.status) == ("digest:weekly", MONDAY, "done")


def test_of_those_that_were_missed_the_newest_makes_up_for_all(store: Store) -> None:
    app = app_on(store)
    assert digest_due(app, clock_at(MONDAY + 15 * DAY), "me") == 1
    (run,) = store.runs()
    assert (run.slot, run.missed) == (MONDAY + 14 * DAY, 2)


def test_a_digest_that_is_new_waits_for_its_first_slot(store: Store) -> None:
    app_on(store)
    edited = App(Watch(Path(), parse_config(WATCH.replace("mon", "sat"))), store)
    after = MONDAY + 5 * DAY + MINUTE  # a Saturday, a minute after the slot
    store.schedules.keep(told(edited.config, after), after)
    assert digest_due(edited, clock_at(after), "me") == 0
    assert outlooks(edited, after)[0].next_slot == MONDAY + 12 * DAY
    assert digest_due(edited, clock_at(MONDAY + 12 * DAY), "me") == 1


def test_who_loses_the_race_tells_nothing(store: Store) -> None:
    app = app_on(store)
    claim = RunClaim("digest:weekly", MONDAY, "you")
    assert store.schedules.tell(claim, [], MONDAY, "told")
    message = message_of(app, app.config.digests[0], MONDAY)
    mine = Delivery("msg_1", "desk", "report", MONDAY, MONDAY, message.facts, queued_at=MONDAY)
    assert not store.schedules.tell(claim._replace(owner="me"), [mine], MONDAY, "told")
    assert facts_of(store) == []


def test_a_slot_and_its_messages_are_written_as_one(store: Store) -> None:
    """Whoever is killed between the two has done neither: the second message cannot be added."""
    app = app_on(store)
    claim = RunClaim("digest:weekly", MONDAY, "me")
    one = Delivery("msg_1", "desk", "report", MONDAY, MONDAY, {}, queued_at=MONDAY)
    with pytest.raises(StoreError):
        store.schedules.tell(claim, [one, one], MONDAY, "told")
    assert store.runs() == []
    assert facts_of(store) == []
    assert digest_due(app, clock_at(MONDAY), "me") == 1


def test_it_tells_first_what_needs_attention_and_counts_the_rest(store: Store) -> None:
    app = app_on(store)
    said(store, "calm", MONDAY, 0.2, 0.2)
    said(store, "moved", MONDAY, 0.2, 0.2, 0.35)
    said(store, "fired", MONDAY, 0.3, 0.5)
    said(store, "held", MONDAY, 0.2, 0.2, health=Health.HELD)
    state = RuleState("likely", "fired", State.FIRING, episode=1, since=MONDAY)
    store.record(states=[(None, state)], recorded_at=MONDAY)
    facts = message_of(app, app.config.digests[0], MONDAY).facts
    assert [(q["id"], q["attention"]) for q in facts["questions"]] == [
        ("fired", "firing"),
        ("held", "held"),
    ]
    counts = facts["counts"]
    assert (counts["questions"], counts["moved"], counts["firing"], counts["held"]) == (6, 2, 1, 1)
    fired = facts["questions"][0]
    assert (fired["points"], fired["cause"], fired["probability"]) == (20, "evidence", 0.5)
    assert fired["link"] == "https://tocsin.example/questions/fired"


def test_what_moved_counts_from_the_digest_before(store: Store) -> None:
    app = app_on(store)
    said(store, "moved", MONDAY - MINUTE, 0.1, 0.2)
    assert digest_due(app, clock_at(MONDAY), "me") == 1
    said(store, "moved", MONDAY + 7 * DAY - MINUTE, 0.26, 0.3)
    facts = message_of(app, app.config.digests[0], MONDAY + 7 * DAY).facts
    assert facts["digest"]["since"] == format_instant(MONDAY)
    assert (facts["questions"][0]["points"], facts["questions"][0]["previous"]) == (10, 0.2)


def test_it_counts_from_so_long_ago_where_its_table_says_so(store: Store) -> None:
    app = app_on(store, WATCH.replace("top = 2", 'top = 1\nsince = "2 days"'))
    said(store, "moved", MONDAY - MINUTE, 0.1, 0.1, 0.2, 0.3)
    facts = message_of(app, app.config.digests[0], MONDAY).facts
    assert (facts["questions"][0]["points"], facts["counts"]["questions"]) == (20, 6)


def test_it_tells_what_ended_since_and_what_is_silent(store: Store) -> None:
    app = app_on(store)
    ends = [("gone", MONDAY - DAY), ("other", MONDAY - 20 * DAY)]
    store.add_resolutions(
        [Resolution(name, Outcome.YES, at, author="ada", reason="seen") for name, at in ends],
        MONDAY,
    )
    quiet = RuleState("silent", "harbour", State.FIRING, episode=1, since=MONDAY)
    why = "The newest report on harbour came 9 days ago."
    change = Transition(
        "silent", "harbour", MONDAY, State.OK, State.FIRING, "condition_met", why, 1, None
    )
    store.record(states=[(None, quiet)], transitions=[change], recorded_at=MONDAY)
    facts = message_of(app, app.config.digests[0], MONDAY).facts
    assert [(one["id"], one["outcome"]) for one in facts["ended"]] == [("gone", "yes")]
    assert [(s["kind"], s["title"], s["detail"]) for s in facts["silent"]] == [
        ("unit", "The harbour", why)
    ]
    assert facts["counts"]["questions"] == 4


def test_it_is_of_the_questions_that_fit_alone(store: Store) -> None:
    app = app_on(store, WATCH.replace("top = 2", 'units = ["port"]'))
    facts = message_of(app, app.config.digests[0], MONDAY).facts
    assert [one["id"] for one in facts["questions"]] == ["other"]


def test_where_there_is_nothing_to_tell_nothing_is_sent(store: Store) -> None:
    app = app_on(store, WATCH.replace("top = 2", 'questions = ["nothing-*"]'))
    assert digest_due(app, clock_at(MONDAY), "me") == 1
    assert facts_of(store) == []
    assert store.runs()[0].detail == "nothing to tell"


def test_it_waits_for_the_updates_of_its_time_but_not_for_long(store: Store) -> None:
    updates = '\n[[schedules]]\nid = "daily"\ncron = "0 8 * * *"\n'
    app = app_on(store, WATCH + updates)
    assert digest_due(app, clock_at(MONDAY), "me") == 0
    lease = timedelta(minutes=15)
    fence = store.ledger.claim_run("daily", MONDAY, "other", MONDAY, lease)
    assert digest_due(app, clock_at(MONDAY + MINUTE), "me") == 0
    assert digest_due(app, clock_at(MONDAY + 11 * MINUTE), "me") == 1
    store.ledger.finish_run(RunClaim("daily", MONDAY, "other", fence), "done", "", MONDAY)


def test_it_is_sent_by_hand_too_and_the_next_counts_from_there(store: Store) -> None:
    app = app_on(store)
    assert send_now(app, "weekly", clock_at(MONDAY - DAY)).channels == ("desk", "log")
    assert digest_due(app, clock_at(MONDAY), "me") == 1
    assert [one.facts["digest"]["since"] for one in facts_of(store)][-1] == format_instant(
        MONDAY - DAY
    )
    with pytest.raises(TocsinError, match="did you mean 'weekly'"):
        send_now(app, "wekly", clock_at(MONDAY))


def test_while_it_is_paused_it_is_sent_by_hand_alone(store: Store) -> None:
    app = app_on(store)
    assert switch(app, "weekly", "ada", "a holiday", MONDAY - DAY, paused=True)
    assert not switch(app, "weekly", "ada", "again", MONDAY - DAY, paused=True)
    assert digest_due(app, clock_at(MONDAY), "me") == 0
    (outlook,) = outlooks(app, MONDAY)
    assert (outlook.next_slot, outlook.row.author, outlook.row.reason) == (None, "ada", "a holiday")
    assert send_now(app, "weekly", clock_at(MONDAY)).channels == ("desk", "log")
    assert switch(app, "weekly", "ada", "back", MONDAY + DAY, paused=False)
    assert digest_due(app, clock_at(MONDAY + 2 * DAY), "me") == 0  # nothing is made up for
    assert digest_due(app, clock_at(MONDAY + 7 * DAY), "me") == 1
    with pytest.raises(TocsinError, match="did you mean 'weekly'"):
        switch(app, "wekly", "ada", "", MONDAY, paused=True)


def test_a_receiver_gets_it_signed_and_once(store: Store, tmp_path: Path) -> None:
    with Receiver(SECRET) as receiver:
        secrets = {"DESK_URL": receiver.webhook_url, "DESK_SECRET": SECRET}
        text = WATCH
        for name, secret in secrets.items():
            (tmp_path / name).write_text(secret)
            text = text.replace(f"env:{name}", f"file:{tmp_path / name}")
        app = app_on(store, text)
        said(store, "moved", MONDAY, 0.2, 0.35)
        digest_due(app, clock_at(MONDAY), "me")
        for _ in range(2):
            drain(store, app.config.channels[:1], utc_now, "me")
    (got,) = receiver.received
    assert got.problem == ""
    assert json.loads(got.body)["type"] == "tocsin.alert.report"
    assert json.loads(got.body)["data"]["questions"][0]["points"] == 15


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ('channels = ["*"]', 'channels = ["pager"]', "takes alerts and no reports"),
        ('channels = ["*"]', 'channels = ["pag*"]', "none of these takes reports"),
        ("0 8 * * mon", "0 8 * *", "digests.weekly.cron"),
    ],
)
def test_a_digest_that_cannot_be_sent_is_an_error_before_anything_runs(
    old: str, new: str, words: str
) -> None:
    config: Config = parse_config(WATCH.replace(old, new))
    with pytest.raises(ConfigError) as error:
        check_digest(config, config.digests[0])
    assert words in str(error.value)
