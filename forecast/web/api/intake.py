"""What comes in: sources, what the tagger found, and the rows that could not be taken in."""

from datetime import datetime, timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import BaseModel
from starlette.requests import Request
from starlette.responses import Response

from forecast.candidate import Candidate, Status
from forecast.requests import Name
from forecast.source import SourceHealth, SourceState
from forecast.source_table import SourceTable
from forecast.store import BadRow
from forecast.web.desk import TheDesk
from forecast.web.paging import Items, Paged, Span, items
from forecast.words import parse_days

router = APIRouter(tags=["intake"])


class QuarantineQuery(Paged):
    """Which rows: of a file by its name, or of a token as "pushed by NAME"."""

    file: Name | None = None


class CandidatesQuery(Span):
    """Which candidates: of a status, at a unit, of a tag, known in a span of time."""

    status: Status | None = Status.WAITING
    unit: Name | None = None
    tag: Name | None = None


class SourceView(BaseModel):
    """A source of watch.toml and how it fares; what it is asked with is not told.

    Where `brings` is null it brings what its kind does.
    """

    id: str
    kind: str
    brings: str | None
    every: str
    expected_gap: str | None
    health: SourceHealth
    succeeded_at: datetime | None
    brought_at: datetime | None
    failures: int
    reason: str
    total: int
    author: str
    why_off: str


class Sources(BaseModel):
    """All sources of watch.toml."""

    items: list[SourceView]


@router.get("/sources", response_model=Sources)
def sources(desk: TheDesk) -> Any:
    """From where facts come in, and whether they do."""
    states, now = desk.store.sources.states(), desk.clock()
    return {"items": [_source(t, states.get(t.id), now) for t in desk.config().sources]}


@router.get("/candidates", response_model=Items[Candidate])
def candidates(
    desk: TheDesk, request: Request, response: Response, query: Annotated[CandidatesQuery, Query()]
) -> Any:
    """What the tagger found and how it stands, in the order in which it came; waiting ones,
    unless another status is asked for.
    """
    page = desk.store.pages.of(
        *("candidates", query.limit, query.after(), query.since, query.until),
        status=query.status,
        unit=query.unit,
        tag=query.tag,
    )
    return items(request, response, page)


@router.get("/quarantine", response_model=Items[BadRow])
def quarantine(
    desk: TheDesk, request: Request, response: Response, query: Annotated[QuarantineQuery, Query()]
) -> Any:
    """Rows that were kept aside, and why, the last first."""
    page = desk.store.pages.of("quarantine", query.limit, query.after(), file=query.file)
    return items(request, response, page)


def _source(table: SourceTable, state: SourceState | None, now: datetime) -> dict[str, Any]:
    state = state or SourceState(table.id, since=now, due_at=now)
    gap = timedelta(days=parse_days(table.expected_gap)) if table.expected_gap else None
    named = ("succeeded_at", "brought_at", "failures", "reason", "total", "author", "why_off")
    told = ("id", "kind", "brings", "every", "expected_gap")
    return (
        {name: getattr(table, name) for name in told}
        | {name: getattr(state, name) for name in named}
        | {"health": state.health(gap, now)}
    )
