"""Forming on a real store: what it takes in, two processes at once, killed at any point."""

import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from threading import Barrier

import pytest

from forecast.alert import (
    ChannelHealth,
    ChannelState,
    Delivery,
    NoticeKind,
    Route,
    Selector,
    Silence,
    State,
)
from forecast.evidence import Report
from forecast.store import Store, open_store
from forecast.watch import Watch, parse_config
from jobs.app import App
from jobs.notify import READY, form_due
from jobs.sweep import sweep
from tests.jobs.notice_desk import (
    HOUR,
    NOW,
    QUESTION,
    ROOT,
    SECOND,
    WATCH,
    a,
    app_on,
    deliver,
    fires,
    reasons,
    status,
)


@pytest.fixture
def app(store: Store, tmp_path: Path) -> App:
    return app_on(store, tmp_path)


def test_what_is_told_comes_with_all_its_facts_and_once(app: App) -> None:
    fires(app)
    (delivery,) = form_due(app, NOW)
    assert delivery.facts == a().facts
    assert app.store.deliveries() == [delivery]
    assert form_due(app, NOW) == []


def test_a_group_holds_members_with_their_facts(app: App) -> None:
    app.store.record(to_tell=[a(subject=f"q{n}") for n in range(5)], recorded_at=NOW)
    (delivery,) = form_due(app, NOW)
    members = delivery.facts["members"]
    assert [m["notice_id"] for m in members] == [a(subject=f"q{n}").notice_id for n in range(5)]
    assert {m["probability"] for m in members} == {a().facts["probability"]}


def test_an_end_is_formed_once_the_firing_has_arrived(app: App) -> None:
    fires(app)
    form_due(app, NOW)
    app.store.record(to_tell=[a(NoticeKind.RESOLVED)], recorded_at=NOW)
    assert form_due(app, NOW) == []
    assert reasons(app) == ["waits until an earlier message about the same is delivered"]
    deliver(app)
    assert [d.kind for d in form_due(app, NOW)] == ["resolved"]


def test_row_35_the_end_of_a_firing_that_was_given_up_goes_out_if_that_is_sent_again(
    app: App,
) -> None:
    fires(app)
    form_due(app, NOW)
    (firing,) = deliver(app, dead=True)
    app.store.record(to_tell=[a(NoticeKind.RESOLVED)], recorded_at=NOW)
    assert form_due(app, NOW) == []
    assert status(app, NoticeKind.RESOLVED) == ("withheld", "its firing was never delivered")
    replay(app, firing)
    assert form_due(app, NOW) == []
    assert reasons(app) == ["waits until an earlier message about the same is delivered"]
    deliver(app)
    assert [d.kind for d in form_due(app, NOW)] == ["resolved"]


def replay(app: App, delivery: Delivery) -> None:
    """As `tocsin alerts replay` does."""
    from forecast.store.alert_schema import delivery as table

    update = table.update().where(table.c.delivery_id == delivery.delivery_id)
    app.store.alerts._write(lambda connection: connection.execute(update.values(status="due")))


def test_row_34_a_silence_in_the_store_keeps_back_and_lets_go(app: App) -> None:
    fires(app)
    silence = Silence("s-1", Selector(units=("harb*",)), "ada", "drill", NOW, NOW + HOUR)
    app.store.alerts.add_silence(silence, NOW)
    assert form_due(app, NOW) == []
    assert reasons(app) == ["is silenced by ada until 17 Nov 2025 11:00 UTC: drill (s-1)"]
    assert [d.kind for d in form_due(app, NOW + HOUR)] == ["firing"]


def test_row_34_what_ends_under_a_silence_is_told_to_nobody(app: App) -> None:
    fires(app)
    tags = Selector(tags=("union.*",))
    app.store.alerts.add_silence(Silence("s-1", tags, "ada", "drill", NOW, NOW + HOUR), NOW)
    form_due(app, NOW)
    app.store.record(to_tell=[a(NoticeKind.RESOLVED)], recorded_at=NOW)
    assert form_due(app, NOW) == []
    reason = "ended while silenced by ada until 17 Nov 2025 11:00 UTC: drill (s-1)"
    assert status(app, NoticeKind.FIRING) == ("withheld", reason)
    assert status(app, NoticeKind.RESOLVED) == ("withheld", reason)
    assert form_due(app, NOW + 2 * HOUR) == []


def test_a_rule_that_another_says_more_than_waits_while_that_fires(app: App) -> None:
    certain = fires(app, "certain")
    fires(app, "likely")
    assert [d.facts["kind"] for d in form_due(app, NOW)] == ["firing"]
    assert reasons(app) == ["is kept back by rule 'certain', which fires too"]
    calm = replace(certain, state=State.OK)
    app.store.record(states=[(certain, calm)], recorded_at=NOW)
    assert len(form_due(app, NOW)) == 1


def test_an_alert_that_waits_for_the_digest_keeps_nobody_back(app: App) -> None:
    fires(app, "certain", route=Route.DIGEST)
    fires(app, "likely")
    assert len(form_due(app, NOW)) == 2


def test_an_alert_on_the_unit_keeps_back_those_on_its_questions(app: App) -> None:
    text = WATCH.replace('["certain"]', '["silent"]')
    app = App(Watch(app.watch.folder, parse_config(text)), app.store)
    fires(app, "silent", "harbour")
    fires(app, "likely")
    assert [d.facts["kind"] for d in form_due(app, NOW)] == ["firing"]
    assert reasons(app) == ["is kept back by rule 'silent', which fires too"]


def test_a_channel_that_was_switched_off_is_told_when_it_is_on_again(app: App) -> None:
    fires(app)
    off = ChannelState("desk", ChannelHealth.DISABLED, NOW, "410 Gone")
    app.store.alerts.add_channel_state(off, NOW)
    assert form_due(app, NOW) == []
    assert reasons(app) == ["the channel is switched off: 410 Gone"]
    app.store.alerts.add_channel_state(replace(off, health=ChannelHealth.WORKS), NOW)
    assert reasons(app) == [READY]
    assert len(form_due(app, NOW)) == 1


def test_a_channel_of_a_kind_that_is_not_installed_does_not_stop_the_others(app: App) -> None:
    config = parse_config(WATCH.replace('kind = "slack"', 'kind = "telegraph"'))
    fires(app)
    app.store.record(to_tell=[a(rule="certain", channel="pager")], recorded_at=NOW)
    made = form_due(App(Watch(app.watch.folder, config), app.store), NOW)
    assert {d.channel for d in made} == {"desk", "pager"}


def test_row_22_thousands_at_once_are_formed_without_loss(app: App) -> None:
    app.store.record(to_tell=[a(subject=f"q{n}") for n in range(1200)], recorded_at=NOW)
    app.store.record(
        to_tell=[a(subject=f"q{n}", rule="certain", channel="pager") for n in range(200)],
        recorded_at=NOW,
    )
    made = form_due(app, NOW)
    assert sum(d.channel == "desk" for d in made) == 12
    assert sum(d.channel == "pager" for d in made) == 200
    assert app.store.alerts.waiting() == []


def test_row_30_a_unit_that_falls_silent_is_one_alert_however_many_questions_it_has(
    app: App,
) -> None:
    many = [replace(QUESTION, question_id=f"q{n}") for n in range(500)]
    app.store.add_questions(many, NOW)
    at = NOW - 100 * HOUR
    app.store.add_reports([Report("r", "harbour", "union.ballot", at, at)], at)
    sweep(app, NOW)
    (fired,) = form_due(app, NOW)
    assert (fired.kind, fired.facts["subject"]["id"]) == ("firing", "harbour")
    deliver(app)
    later = NOW + HOUR
    app.store.add_reports([Report("r2", "harbour", "union.ballot", NOW, NOW)], NOW)
    sweep(app, later)
    (ended,) = form_due(app, later)
    assert ended.kind == "resolved"


# Several processes, and dead ones


def test_two_processes_that_form_at_once_make_each_message_once(store_url: str) -> None:
    makers, rounds = 3, 6
    barrier = Barrier(makers)
    config = parse_config(WATCH)

    def work(number: int) -> list[str]:
        made = []
        with open_store(store_url) as store:
            app = App(Watch(Path(), config), store)
            for step in range(rounds):
                barrier.wait()
                mine = [a(subject=f"q{step}-{number}-{n}") for n in range(5)]
                store.record(to_tell=mine, recorded_at=NOW)
                made += [d.delivery_id for d in form_due(app, NOW + step * 60 * SECOND)]
        return made

    with ThreadPoolExecutor(makers) as pool:
        made = [one for each in pool.map(work, range(makers)) for one in each]
    with open_store(store_url) as store:
        app = App(Watch(Path(), config), store)
        made += [d.delivery_id for d in form_due(app, NOW + HOUR)]
        assert store.alerts.waiting() == []
        deliveries = store.deliveries()
    assert sorted(made) == sorted(d.delivery_id for d in deliveries)
    subjects = [subject for d in deliveries for subject in [m["notice_id"] for m in members(d)]]
    assert len(subjects) == len(set(subjects)) == makers * rounds * 5


def members(delivery: Delivery) -> list[dict[str, str]]:
    return delivery.facts.get("members") or [{"notice_id": delivery.delivery_id}]


KILLED = """
import os, signal, sys
from datetime import datetime
from pathlib import Path
from forecast.store import notices, open_store, outbox
from forecast.watch import Watch, parse_config
from jobs.app import App
from jobs.notify import form_due

def die(*_args, **_kwargs):
    os.kill(os.getpid(), signal.SIGKILL)

setattr({"notices": notices, "outbox": outbox}[sys.argv[3]], sys.argv[4], die)
with open_store(sys.argv[1]) as store:
    app = App(Watch(Path(), parse_config(Path(sys.argv[2]).read_text())), store)
    form_due(app, datetime.fromisoformat(sys.argv[5]))
"""


@pytest.mark.parametrize("at", ["outbox add", "notices _settle"])
def test_a_process_killed_while_it_forms_has_formed_nothing_and_lost_nothing(
    store_url: str, tmp_path: Path, at: str
) -> None:
    with open_store(store_url) as store:
        app = App(Watch(Path(), parse_config(WATCH)), store)
        store.record(to_tell=[a(subject=f"q{n}") for n in range(5)], recorded_at=NOW)
        (tmp_path / "watch.toml").write_text(WATCH)
        arguments = [store_url, str(tmp_path / "watch.toml"), *at.split(), NOW.isoformat()]
        done = subprocess.run([sys.executable, "-c", KILLED, *arguments], cwd=ROOT, check=False)
        assert done.returncode == -signal.SIGKILL
        assert store.deliveries() == []
        assert len(store.alerts.waiting()) == 5
        (delivery,) = form_due(app, NOW)
        assert len(delivery.facts["members"]) == 5
