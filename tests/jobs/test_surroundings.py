"""What surrounds an estimate: the slot that should have renewed it, what is silent, its audit."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from forecast.audit import Audit, Verdict
from forecast.clock import parse_instant
from forecast.reports.surroundings import Heard, Surroundings
from forecast.store import Store
from forecast.watch import Watch, parse_config
from jobs.app import App
from jobs.surroundings import heard_at, surroundings
from tests.forecast import report_samples as samples

WATCH = """
[watch]
title = "Desk"

[units.usa-ven]
title = "United States and Venezuela"

[definitions.strike-on-territory]
title = "a strike"
base_rate = "10%..30% per quarter"
model = "base-rate"

[[sources]]
id = "wire"
kind = "rss"
url = "https://wire.example/feed"

[[rules]]
id = "silent"
kind = "stale"
after = "3 days"

[[schedules]]
id = "daily"
cron = "0 6 * * *"

[[schedules]]
id = "often"
every = "6 hours"
units = ["usa-*"]

[[schedules]]
id = "checked"
kind = "audit"
every = "1 hour"
"""
NAME = samples.QUESTION.question_id


@pytest.fixture
def app(store: Store) -> App:
    return App(Watch(Path(), parse_config(WATCH)), store)


def test_an_estimate_is_due_by_the_first_slot_of_a_schedule_that_updates_it(app: App) -> None:
    newest = parse_instant("2025-11-28T00:30:00Z")
    found = surroundings(app, samples.QUESTION, newest, (), samples.NOW)
    assert found.due == parse_instant("2025-11-28T06:00:00Z")
    found = surroundings(app, samples.QUESTION, found.due, (), samples.NOW)
    assert found.due == parse_instant("2025-11-28T12:00:00Z")
    elsewhere = replace(samples.QUESTION, unit="rus-ven")
    found = surroundings(app, elsewhere, parse_instant("2025-11-28T06:00:00Z"), (), samples.NOW)
    assert found.due == parse_instant("2025-11-29T06:00:00Z")
    assert surroundings(app, samples.QUESTION, None, (), samples.NOW) == Surroundings()


def test_a_unit_and_a_source_are_heard_as_their_rules_say_at_the_moment(app: App) -> None:
    fired, cleared = (
        replace(t, rule_id="silent", subject="usa-ven", detail="nothing for 3 days")
        for t in samples.transitions()[1::2]
    )
    app.store.record(transitions=[fired, cleared], recorded_at=cleared.at)

    def heard(moment: object) -> list[tuple[str, str]]:
        found = heard_at(app, ["usa-ven", "rus-ven"], moment)  # type: ignore[arg-type]
        assert found["rus-ven"] == (Heard("unit", "rus-ven"), Heard("source", "wire"))
        return [(one.name, one.trouble) for one in found["usa-ven"]]

    assert heard(fired.at - timedelta(seconds=1)) == [("usa-ven", ""), ("wire", "")]
    assert heard(fired.at) == [("usa-ven", "nothing for 3 days"), ("wire", "")]
    assert heard(cleared.at) == [("usa-ven", ""), ("wire", "")]


def test_the_newest_audit_that_could_be_judged_counts(app: App) -> None:
    one, other, later = (
        Audit("t", NAME, samples.at(day), 0.3, "T1", 0.3, 0.01, 0.1, Verdict.AGREES)
        for day in (100, 110, 170)
    )
    unclear = replace(other, as_of=samples.at(120), verdict=Verdict.OPEN, z=None)
    app.store.record_audits([later, other, unclear, one], samples.at(170))
    newest = samples.at(149)
    assert surroundings(app, samples.QUESTION, newest, (), samples.at(150)).audit == other
