"""Requests about questions: opened, ended, taken back."""

from forecast.clock import format_instant
from forecast.evidence import Outcome, Resolution
from forecast.requests import OpenQuestion, Reopen, Resolve
from jobs.app import App
from jobs.opening import open_question
from jobs.requests.act import Act, Result
from jobs.resolutions import INSTANT, Acted, state_outcome
from jobs.resolutions import reopen as reopen_question


def resolve(app: App, asked: Resolve, act: Act) -> Result:
    """State how a question ended."""
    outcome = Outcome(asked.outcome)
    if act.again and (row := _stated_before(app, asked.question, act, retracted=False)):
        return _row(row) | {"follows": [], "notes": []}
    acted = state_outcome(
        app,
        asked.question,
        outcome,
        reason=asked.reason,
        author=act.author,
        now=act.now,
        at=asked.at,
    )
    return _acted(acted)


def reopen(app: App, asked: Reopen, act: Act) -> Result:
    """Take back how a question ended."""
    if act.again and (row := _stated_before(app, asked.question, act, retracted=True)):
        return _row(row) | {"follows": [], "notes": []}
    return _acted(
        reopen_question(app, asked.question, reason=asked.reason, author=act.author, now=act.now)
    )


def open_one(app: App, asked: OpenQuestion, act: Act) -> Result:
    """Open a question that can be checked."""
    given = asked.model_dump(exclude={"source", "backdated"}, exclude_none=True)
    times = {
        name: format_instant(given[name]) for name in ("opens_at", "deadline") if name in given
    }
    cells = {name: str(value) for name, value in (given | times).items()}
    opened = open_question(app, cells, asked.source, act.now, is_backdated=asked.backdated)
    return {
        "question": opened.question.question_id,
        "is_new": opened.is_new,
        "notes": list(opened.notes),
    }


def _stated_before(app: App, question: str, act: Act, *, retracted: bool) -> Resolution | None:
    """The row that this very request wrote before its process died, if it did."""
    said = app.store.ends.said(question, act.now + INSTANT)
    mine = [
        row
        for row, recorded_at in said
        if row.author == act.author and row.retracted is retracted and recorded_at == act.now
    ]
    return mine[-1] if mine else None


def _acted(acted: Acted) -> Result:
    return _row(acted.row) | {
        "follows": [
            {"question": one.question_id, "outcome": one.end and one.end.outcome.value}
            for one in acted.follows
        ],
        "notes": list(acted.notes),
    }


def _row(row: Resolution) -> Result:
    return {
        "question": row.question_id,
        "outcome": row.outcome.value,
        "is_taken_back": row.retracted,
        "known_at": format_instant(row.known_at),
        "author": row.author,
    }
