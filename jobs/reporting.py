"""From the store to the view that every format of a report shows."""

import math
from collections.abc import Mapping
from datetime import datetime

from forecast.alert import Transition
from forecast.config import Config
from forecast.estimate import Estimate
from forecast.evidence import Resolution
from forecast.prior import PriorVersion
from forecast.question import Question
from forecast.reports.surroundings import Heard
from forecast.reports.track_record import TrackRecord, track_record
from forecast.reports.view import QuestionReport, Related, build_view
from forecast.reports.watch import WatchReport, build_watch
from forecast.words import parse_half_life
from jobs.app import App
from jobs.hindsight import Then, as_of_then
from jobs.surroundings import heard_at, surroundings
from jobs.track_records import courses

MOST_COURSES = 200  # ended questions of one kind that a record is of, the newest


def question_report(
    app: App, question: Question, now: datetime, since: datetime | None = None
) -> QuestionReport:
    """The full report of one question, as known before `now`; what moved it, since a moment."""
    config, store = app.config, app.store
    [then] = as_of_then(app, [question], now)
    question = then.question
    root = _root_of(app, question)
    history = store.overview.course(question.question_id, now)
    newest = history[-1].as_of if history else None
    heard = heard_at(app, [question.unit], now)[question.unit]
    return build_view(
        question,
        history,
        now=now,
        rules=config.lines_for(question),
        transitions=_until(store.alerts.transitions(subject=question.question_id), now),
        resolution=then.end,
        reopened=_reopened(app, question, now),
        crowd=store.crowd(question.question_id, now),
        reports=store.reports(question.unit, now),
        related=_related(app, question, now),
        learnt=store.learnt.at(root, question.unit, now) if root else None,
        prior=_prior_at(app, root, now) if root else None,
        caveats=config.watch.caveats,
        half_lives=half_lives(config),
        record=_record(app, root, now) if root else None,
        proof=_proof(app, root, now) if root else "",
        since=since,
        around=surroundings(app, question, newest, heard, now),
        asides=then.asides,
    )


def _root_of(app: App, question: Question) -> str:
    """The root of its definition; nothing where watch.toml has that no more."""
    known = question.definition in app.config.definitions
    return app.config.root_of(question.definition) if known else ""


def half_lives(config: Config) -> dict[str, float]:
    """Of the tags whose incidents fade, in days: the middle one, where a range is stated."""
    found = {}
    for tag, indicator in config.indicators.items():
        if indicator.kind == "incident":
            stated = parse_half_life(indicator.half_life)
            found[tag] = math.sqrt(stated.low * stated.high)
    return found


def watch_report(app: App, now: datetime, since: datetime | None = None) -> WatchReport:
    """Every question of the watch, what needs attention first."""
    told = as_of_then(app, app.store.questions(), now)
    heard = heard_at(app, {then.question.unit for then in told}, now)
    roots = {app.config.root_of(name) for name in app.config.definitions}
    priors = {root: _prior_at(app, root, now) for root in roots}
    reports = (_in_brief(app, then, heard[then.question.unit], priors, now, since) for then in told)
    return build_watch(app.config.watch.title, filter(None, reports), now=now, since=since)


def _in_brief(
    app: App,
    then: Then,
    heard: tuple[Heard, ...],
    priors: Mapping[str, PriorVersion | None],
    now: datetime,
    since: datetime | None,
) -> QuestionReport | None:
    """What a line of all questions is made of; None of one that nobody asked by then."""
    question = then.question
    history = app.store.overview.course(question.question_id, now)
    if not (then.was_known or history):
        return None
    newest = history[-1].as_of if history else None
    return build_view(
        question,
        history,
        now=now,
        rules=app.config.lines_for(question),
        transitions=_until(app.store.alerts.transitions(subject=question.question_id), now),
        resolution=then.end,
        prior=priors.get(_root_of(app, question)),
        since=since,
        around=surroundings(app, question, newest, heard, now),
        asides=then.asides,
    )


def _record(app: App, root: str, now: datetime) -> TrackRecord:
    """Of the questions of one root definition whose deadline has passed."""
    config = app.config
    inside = [name for name in config.definitions if config.root_of(name) == root]
    past = app.store.pages.past_questions(inside, now, MOST_COURSES)
    return track_record(courses(app, past, now))


def _proof(app: App, root: str, now: datetime) -> str:
    """What the gate says of the newest backtest of the definition's class, by its family."""
    model = app.config.definitions[root].model
    return next(
        (
            f"{found.gate} (backtest {found.run_id})"
            for found in app.store.backtests.results()
            if (found.task.definition, found.task.model) == (root, model) and found.made_at <= now
        ),
        "",
    )


def _reopened(app: App, question: Question, now: datetime) -> Resolution | None:
    """The last act by which a person took back how the question had ended."""
    rows = [row for row, _ in app.store.ends.said(question.question_id, now)]
    return next((r for r in reversed(rows) if r.retracted and not r.is_derived), None)


def _prior_at(app: App, root: str, now: datetime) -> PriorVersion | None:
    """The version of the prior that stood at a moment."""
    versions = [v for v in app.store.prior_versions(root) if v.at <= now]
    return versions[-1] if versions else None


def _until(transitions: list[Transition], now: datetime) -> list[Transition]:
    return [t for t in transitions if t.at <= now]


def _related(app: App, question: Question, now: datetime) -> list[Related]:
    """Questions at the same unit with the same deadline whose definition nests with ours."""
    related = []
    for other in app.store.ends.at([question.unit], now)[question.unit].questions:
        is_twin = other.deadline == question.deadline
        if not is_twin or other.definition == question.definition:
            continue
        for wider, inner, outer in (
            (True, question.definition, other.definition),
            (False, other.definition, question.definition),
        ):
            if app.config.is_inside(inner, outer):
                estimate: Estimate | None = app.store.latest_estimate(other.question_id, now)
                related.append(Related(other, wider, estimate))
    return related
