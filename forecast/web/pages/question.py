"""/questions/ID: the report of a question, its history to zoom into, and what can be done.

With `as_of` it is the report as it stood at that moment, with nothing that was known later.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from html import escape
from typing import Annotated
from urllib.parse import quote

from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import Response

from forecast.clock import format_instant, parse_instant
from forecast.names import matches
from forecast.question import Question
from forecast.reports.as_csv import beliefs_csv, question_csv
from forecast.reports.as_json import question_json
from forecast.reports.html import question_html, question_parts
from forecast.reports.markdown import question_markdown
from forecast.reports.view import QuestionReport
from forecast.web.desk import Desk, TheDesk
from forecast.web.embedding import base_of
from forecast.web.pages.acting import ask_and_return
from forecast.web.pages.layout import page, question_path
from forecast.web.pages.plot import plot_of
from forecast.web.pages.session import TheForm
from forecast.web.problems import ProblemError, as_bytes

router = APIRouter()
MOMENT = Annotated[str, Query(max_length=64)]
SPANS = (("2 hours", "2 hours"), ("1 day", "1 day"), ("7 days", "a week"), ("30 days", "30 days"))

# Ids may hold slashes, so the narrower paths come first.


@router.get("/questions/{question:path}/history.json")
def history(desk: TheDesk, question: str, as_of: MOMENT = "") -> Response:
    """What the chart over time is drawn of."""
    report = _report(desk, question, as_of)
    return Response(as_bytes(plot_of(report)), media_type="application/json")


@router.get("/questions/{question:path}/report.{kind}")
def download(desk: TheDesk, question: str, kind: str, as_of: MOMENT = "") -> Response:
    """The report as a file: html, md, json, csv, or prior against posterior as beliefs.csv."""
    if kind not in _FORMATS:
        raise ProblemError(404, "a report is html, md, json, csv or beliefs.csv")
    report = _report(desk, question, as_of)
    write, media_type = _FORMATS[kind]
    name = quote(f"{question.replace('/', '-')}.{kind}", safe="")
    disposition = {"Content-Disposition": f"attachment; filename*=UTF-8''{name}"}
    return Response(write(report), headers=disposition, media_type=media_type)


@router.post("/questions/{question:path}/estimate")
def estimate(desk: TheDesk, request: Request, form: TheForm, question: str) -> Response:
    """Ask for an estimate now."""
    _one(desk, question)
    told = {"questions": [_literal(question)]}
    words = "Estimated anew."
    return ask_and_return(desk, request, "update", told, question_path(question), words)


@router.post("/questions/{question:path}/acknowledge")
def acknowledge(desk: TheDesk, request: Request, form: TheForm, question: str) -> Response:
    """Say that an alert is known."""
    rule = form.get("rule")
    told = {"rule": rule, "subject": question, "note": form.get("note")}
    words = f"Acknowledged {rule}."
    return ask_and_return(desk, request, "acknowledge", told, question_path(question), words)


@router.post("/questions/{question:path}/silence")
def silence(desk: TheDesk, request: Request, form: TheForm, question: str) -> Response:
    """Have a rule not ring on this question for a while."""
    rule, lasts = form.get("rule"), form.get("lasts")
    told = {
        "rules": [_literal(rule)],
        "questions": [_literal(question)],
        "reason": form.get("reason"),
        "lasts": lasts,
    }
    words = f"{rule} is silenced here for {lasts}."
    return ask_and_return(desk, request, "silence", told, question_path(question), words)


@router.get("/questions/{question:path}")
def show(desk: TheDesk, request: Request, question: str, as_of: MOMENT = "") -> Response:
    """The page."""
    report = _report(desk, question, as_of)
    moment = report.estimate.as_of if report.estimate else report.now
    at = f"?as_of={quote(as_of)}" if as_of else ""
    return page(
        *(desk, request, "question_page.html"),
        report=report,
        is_past=bool(as_of),
        at=at,
        permalink=question_path(question, f"?as_of={quote(format_instant(moment))}"),
        acknowledged=_acknowledged(desk, report),
        spans=SPANS,
        embed=_embed(desk, request, report.question),
        **question_parts(report),
    )


@dataclass(frozen=True, slots=True)
class Embed:
    """Where the badge and the feed of a question are, and whether everybody may see them."""

    badge: str
    snippet: str
    is_badge_public: bool
    feed_url: str
    is_feed_public: bool
    pattern: str


def _embed(desk: Desk, request: Request, question: Question) -> Embed:
    web, base, name = desk.config().web, base_of(desk, request), question.question_id
    badge = f"/badges/{quote(name)}.svg"
    return Embed(
        badge=badge,
        snippet=f'<img src="{escape(base + badge)}" alt="{escape(question.title)}">',
        is_badge_public=matches(name, web.public_badges),
        feed_url=f"{base}/feeds/questions.atom",
        is_feed_public=matches(name, web.public_feeds),
        pattern=_literal(name),
    )


def _report(desk: Desk, question_id: str, as_of: str) -> QuestionReport:
    one, now = _one(desk, question_id), desk.clock()
    try:
        moment = parse_instant(as_of, end_of_day=True) if as_of else now
    except ValueError as error:
        raise ProblemError(422, str(error), code="input", at="as_of") from None
    return desk.report(one, min(moment, now))


def _one(desk: Desk, question_id: str) -> Question:
    found = desk.store.alerts.questions_among([question_id])
    if question_id not in found:
        raise ProblemError(404, f"there is no question '{question_id[:200]}'", code="usage")
    return found[question_id]


def _acknowledged(desk: Desk, report: QuestionReport) -> dict[str, str]:
    """Who deals with the alerts that are out, by rule."""
    firing = [s for s in report.standings if s.is_firing and s.last]
    name = report.question.question_id
    episodes = [(s.rule.rule_id, name, s.last.episode) for s in firing if s.last]
    return {word.rule_id: word.author for word in desk.store.alerts.acknowledgements(episodes)}


def _literal(name: str) -> str:
    """A name as a shell pattern that fits nothing else."""
    return "".join(f"[{sign}]" if sign in "*?[" else sign for sign in name)


def _json(report: QuestionReport) -> str:
    return json.dumps(question_json(report), indent=2, allow_nan=False) + "\n"


_FORMATS: dict[str, tuple[Callable[[QuestionReport], str], str]] = {
    "html": (question_html, "text/html; charset=utf-8"),
    "md": (question_markdown, "text/markdown; charset=utf-8"),
    "json": (_json, "application/json"),
    "csv": (question_csv, "text/csv; charset=utf-8"),
    "beliefs.csv": (beliefs_csv, "text/csv; charset=utf-8"),
}
