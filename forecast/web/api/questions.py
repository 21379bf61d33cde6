"""Questions: where they stand, what was said of them, and how they ended."""

from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query
from pydantic import BaseModel
from starlette.requests import Request
from starlette.responses import Response

from forecast.audit import Audit
from forecast.clock import format_instant
from forecast.evidence import CrowdForecast, Resolution
from forecast.question import Question, Snapshot
from forecast.reports.as_json import estimate_json, question_json
from forecast.requests import Name
from forecast.resolving import Endings
from forecast.store.pages import Outline
from forecast.web.desk import Desk, TheDesk
from forecast.web.paging import Items, OfQuestion, Paged, Span, is_row, items, listed, no_cursor
from forecast.web.problems import ProblemError

router = APIRouter(tags=["questions"])


class Listed(BaseModel):
    """A question, where it stands, how it ended if it did, and its newest estimate in short."""

    question: Question
    stage: Literal["open", "awaiting", "yes", "no", "void"]
    resolution: Resolution | None
    estimate: Outline | None


class QuestionsQuery(Paged):
    """Which questions: of a unit, of a definition."""

    unit: Name | None = None
    definition: Name | None = None


class Said(BaseModel):
    """One row of what was said of a question's end, and when it was recorded."""

    resolution: Resolution
    recorded_at: datetime


class SaidItems(BaseModel):
    """Every row, by the time from which it counts, and the one that stands."""

    items: list[Said]
    standing: Resolution | None


@router.get("/questions", response_model=Items[Listed])
def questions(
    desk: TheDesk,
    request: Request,
    response: Response,
    query: Annotated[QuestionsQuery, Query()],
) -> Any:
    """Questions as they stand, in the order in which their present wording came."""
    page = desk.store.pages.of(
        *("questions", query.limit, query.after()), unit=query.unit, definition=query.definition
    )
    now = desk.clock()
    known = desk.store.ends.at((q.unit for q in page.rows), now)
    endings = {unit: Endings(desk.config(), snapshot) for unit, snapshot in known.items()}
    latest = desk.store.pages.latest_of([q.question_id for q in page.rows])
    return items(
        *(request, response, page),
        lambda q: _listed(q, endings[q.unit].of(q), latest.get(q.question_id), now),
    )


# Ids may hold slashes, so the narrower paths come first.


@router.get("/questions/{question:path}/report")
def report(desk: TheDesk, question: Name) -> dict[str, Any]:
    """What `tocsin report QUESTION --json` says, to the letter."""
    return question_json(desk.report(_one(desk, question), desk.clock()))


@router.get("/questions/{question:path}/estimates", response_model=Items[dict[str, Any]])
def estimates(
    desk: TheDesk,
    request: Request,
    response: Response,
    question: Name,
    query: Annotated[Span, Query()],
) -> Any:
    """Its estimates, the newest first; since <= as_of < until."""
    _one(desk, question)
    after = query.moment_after()
    if after is not None and not is_row(after[1]):
        raise no_cursor()
    found, last = desk.store.pages.estimates(question, query.limit, after, query.since, query.until)
    place = None if last is None else [format_instant(last[0]), last[1]]
    return listed(request, response, [estimate_json(one) for one in found], place)


@router.get("/questions/{question:path}/resolutions", response_model=SaidItems)
def resolutions(desk: TheDesk, question: Name) -> Any:
    """Every word on how it ended, and what stands now, be it derived from events or said."""
    one, now = _one(desk, question), desk.clock()
    said = desk.store.ends.said(question, now)
    return {
        "items": [{"resolution": row, "recorded_at": at} for row, at in said],
        "standing": Endings(desk.config(), _known(desk, one, now)).of(one),
    }


@router.get("/questions/{question:path}", response_model=Listed)
def question(desk: TheDesk, question: Name) -> Any:
    """One question: where it stands, and its newest estimate in short."""
    one, now = _one(desk, question), desk.clock()
    end = Endings(desk.config(), _known(desk, one, now)).of(one)
    return _listed(one, end, desk.store.pages.latest_of([question]).get(question), now)


@router.get("/crowd", response_model=Items[CrowdForecast])
def crowd(
    desk: TheDesk, request: Request, response: Response, query: Annotated[OfQuestion, Query()]
) -> Any:
    """Forecasts of others, the last that came in first."""
    return items(request, response, _of(desk, "crowd", query))


@router.get("/audits", response_model=Items[Audit])
def audits(
    desk: TheDesk, request: Request, response: Response, query: Annotated[OfQuestion, Query()]
) -> Any:
    """Fast answers held against sampling, the last first."""
    return items(request, response, _of(desk, "audits", query))


def _one(desk: Desk, question_id: str) -> Question:
    found = desk.store.alerts.questions_among([question_id])
    if question_id not in found:
        raise ProblemError(404, f"there is no question '{question_id}'", code="usage")
    return found[question_id]


def _of(desk: Desk, what: str, query: OfQuestion) -> Any:
    return desk.store.pages.of(
        *(what, query.limit, query.after(), query.since, query.until), question_id=query.question
    )


def _known(desk: Desk, question: Question, now: datetime) -> Snapshot:
    return desk.store.ends.at([question.unit], now)[question.unit]


def _listed(
    question: Question, end: Resolution | None, estimate: Outline | None, now: datetime
) -> dict[str, Any]:
    stage = end.outcome.value if end else "open" if question.deadline >= now else "awaiting"
    return {
        "question": asdict(question),
        "stage": stage,
        "resolution": end,
        "estimate": estimate,
    }
