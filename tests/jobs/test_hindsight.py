"""A report on a moment of the past says what was known then, and not a word of what came later."""

import io
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from forecast.audit import Audit, Verdict
from forecast.evidence import CrowdForecast, Event
from forecast.reports.as_csv import question_csv, watch_csv
from forecast.reports.as_json import question_json, watch_json
from forecast.reports.badge import badge_of, badge_svg
from forecast.reports.html import question_html, watch_html
from forecast.reports.markdown import question_markdown, watch_markdown
from forecast.reports.terminal import print_question, print_watch
from forecast.reports.view import QuestionReport
from forecast.reports.watch import WatchReport
from forecast.store import Store, open_store
from forecast.watch import Watch, parse_config
from jobs.app import App
from jobs.hindsight import OF_TODAY, WITHOUT_NOTES
from jobs.reporting import question_report, watch_report
from tests.conftest import NewUrl
from tests.forecast import backtest_samples
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
recurrent = true
grace = "10 days"

[[rules]]
id = "strike-warning"
fire_at = "40%"
clear_at = "30%"

[[rules]]
id = "silent"
kind = "stale"
after = "3 days"

[[schedules]]
id = "daily"
cron = "0 6 * * *"
"""
T = samples.at(120.5)
LATER = "LATER"  # in every text that came after T
ENDED = replace(samples.QUESTION, question_id="ended", title="Earlier?", deadline=samples.at(60))


def before_t(store: Store) -> None:
    """What was known by then."""
    store.add_questions([samples.QUESTION, ENDED], samples.START)
    store.add_reports([r for r in samples.reports() if r.known_at < T], samples.START)
    store.add_crowd([c for c in samples.crowd() if c.at < T], samples.START)
    store.add_crowd([CrowdForecast("ended", samples.at(30), 0.2, "Early Club")], samples.START)
    store.add_prior_version(replace(samples.PRIOR, version=1, at=samples.START))
    for day in range(121):
        record(store, day)
    for day in (5, 31):
        was = replace(samples.estimate(day, 0.1), question_id="ended")
        store.record(estimates=[was], recorded_at=samples.at(day))
    store.record_audits([audit(100, "agreed")], samples.at(100))


def record(store: Store, day: int) -> None:
    store.record(estimates=[samples.history()[day]], recorded_at=samples.at(day))


def audit(day: float, reason: str) -> Audit:
    name = samples.QUESTION.question_id
    return Audit("t", name, samples.at(day), 0.3, "T1", 0.3, 0.01, 0.1, Verdict.WARNS, reason)


def after_t(store: Store) -> None:
    """What came later, each thing with a word that nobody could have said before."""
    store.add_questions(
        [
            replace(samples.QUESTION, title=f"{LATER}?", resolution_criteria=LATER, notes=LATER),
            replace(samples.QUESTION, question_id="new", title=LATER, opens_at=samples.at(150)),
        ],
        samples.at(150),
    )
    told = (replace(r, summary=LATER, source=LATER) for r in samples.reports() if r.known_at >= T)
    store.add_reports(told, samples.at(179))
    said = (replace(c, source=LATER, note=LATER) for c in samples.crowd() if c.at >= T)
    store.add_crowd(said, samples.at(179))
    store.add_crowd([CrowdForecast("ended", samples.at(140), 0.01, LATER)], samples.at(179))
    store.add_prior_version(replace(samples.PRIOR, at=samples.at(121), reason=LATER, author=LATER))
    rang = (replace(t, detail=LATER, reason=LATER) for t in samples.transitions())
    silent = replace(samples.transitions()[1], rule_id="silent", subject="usa-ven", detail=LATER)
    store.record(transitions=[*rang, silent], recorded_at=samples.at(170))
    for day in range(121, 180):
        last = replace(samples.history()[day], reason=LATER, findings=(LATER,))
        store.record(estimates=[last], recorded_at=samples.at(day))
    store.record_audits([audit(175, LATER)], samples.at(175))
    happened = Event("e", "usa-ven", "strike-on-territory", samples.at(178), samples.at(179), LATER)
    store.add_events([happened], samples.at(179))
    result, _ = backtest_samples.result(gate=LATER, made_at=samples.at(170))
    task = replace(result.task, definition="strike-on-territory", model="base-rate")
    store.backtests.add(replace(result, task=task), b"")


@pytest.fixture(scope="module")
def apps(new_sqlite_url: NewUrl) -> Iterator[tuple[App, App]]:
    """The desk as it was at T, and as it is in the end."""
    watch = Watch(Path(), parse_config(WATCH))
    with open_store(new_sqlite_url()) as then, open_store(new_sqlite_url()) as now:
        before_t(then)
        before_t(now)
        after_t(now)
        yield App(watch, then), App(watch, now)


def texts(report: QuestionReport, watch: WatchReport) -> dict[str, str]:
    """Everything that anybody reads."""
    out = io.StringIO()
    console = Console(file=out, width=200)
    print_question(report, console)
    print_watch(watch, console)
    return {
        "terminal": out.getvalue(),
        "page": question_html(report),
        "markdown": question_markdown(report),
        "json": json.dumps(question_json(report)),
        "csv": question_csv(report),
        "badge": badge_svg(badge_of(report)),
        "watch page": watch_html(watch),
        "watch markdown": watch_markdown(watch),
        "watch json": json.dumps(watch_json(watch)),
        "watch csv": watch_csv(watch),
    }


def both(app: App, moment: object) -> tuple[QuestionReport, WatchReport]:
    question = app.store.question(samples.QUESTION.question_id)
    return question_report(app, question, moment), watch_report(app, moment)  # type: ignore[arg-type]


def test_no_text_of_a_report_on_the_past_knows_what_came_later(apps: tuple[App, App]) -> None:
    of_now = texts(*both(apps[1], samples.at(180)))
    for name, text in texts(*both(apps[1], T)).items():
        assert LATER not in text, name
        assert LATER in of_now[name] or name in ("csv", "badge"), name


def test_a_report_on_the_past_is_the_one_that_was_read_then(apps: tuple[App, App]) -> None:
    then, now = (both(app, T) for app in apps)
    assert then[0].asides == ()
    assert now[0].asides == (OF_TODAY,)
    assert replace(now[0], asides=()) == then[0]
    assert then[0].record is not None
    assert then[0].record.moments == 1
    plain = [replace(row, report=replace(row.report, asides=())) for row in now[1].rows]
    assert plain == list(then[1].rows)


def test_notes_on_a_question_are_told_once_it_has_ended(apps: tuple[App, App]) -> None:
    """Of a replay, whose questions were written down at its start with all that is known today."""
    app, name = apps[1], samples.QUESTION.question_id
    question = app.store.question(name)
    for day, notes in ((155, ""), (178.9, ""), (180, LATER)):
        report = question_report(app, question, samples.at(day))
        assert report.question.notes == notes, day
        assert (WITHOUT_NOTES in report.asides) is (day < 179)
        assert report.question.title == f"{LATER}?"


def test_what_was_written_down_afterwards_says_so(apps: tuple[App, App]) -> None:
    app = apps[1]
    report = question_report(app, app.store.question("new"), T)
    assert report.asides[0].startswith("The question was written down on 30 Oct 2025, after")
    assert "new" not in [row.report.question.question_id for row in both(app, T)[1].rows]
    assert "new" in [r.report.question.question_id for r in both(app, samples.at(160))[1].rows]
