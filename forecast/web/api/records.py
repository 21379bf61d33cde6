"""What was asked for, what was backtested, and who has tokens."""

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import BaseModel
from starlette.requests import Request
from starlette.responses import Response

from forecast.access import Request as Asked
from forecast.access import RequestStatus, Scope
from forecast.requests import Name
from forecast.web.desk import Admin, TheDesk
from forecast.web.paging import Items, Span, items
from forecast.web.problems import ProblemError

router = APIRouter(tags=["records"])


class RequestsQuery(Span):
    """Which requests: of a kind, of a status, by a token's name."""

    kind: Name | None = None
    status: RequestStatus | None = None
    author: Name | None = None


class BacktestLine(BaseModel):
    """A backtest in a line."""

    run_id: str
    task: str
    made_at: datetime
    digest: str


class BacktestLines(BaseModel):
    """The newest thousand backtests."""

    items: list[BacktestLine]


class TokenView(BaseModel):
    """A token, without anything that opens something."""

    token_id: str
    name: str
    scope: Scope
    author: str
    created_at: datetime
    expires_at: datetime | None
    last_used_at: datetime | None
    revoked_at: datetime | None


class Tokens(BaseModel):
    """All tokens, oldest first."""

    items: list[TokenView]


@router.get("/requests", response_model=Items[Asked])
def requests(
    desk: TheDesk, request: Request, response: Response, query: Annotated[RequestsQuery, Query()]
) -> Any:
    """What was asked for and what became of it, the last first; since <= asked_at < until."""
    page = desk.store.pages.of(
        *("requests", query.limit, query.after(), query.since, query.until),
        kind=query.kind,
        status=query.status,
        author=query.author,
    )
    return items(request, response, page)


@router.get("/requests/{request_id}", response_model=Asked)
def one_request(desk: TheDesk, request_id: Name) -> Any:
    """One request, and what became of it so far."""
    found = desk.store.access.request(request_id)
    if found is None:
        raise ProblemError(404, f"there is no request '{request_id}'", code="usage")
    return found


@router.get("/backtests", response_model=BacktestLines)
def backtests(desk: TheDesk) -> Any:
    """Backtests, the last first."""
    return {"items": desk.store.pages.backtests()}


@router.get("/backtests/{run_id}")
def backtest(desk: TheDesk, run_id: Name) -> dict[str, Any]:
    """What `tocsin backtest show RUN --json` says."""
    from forecast.reports.backtest.as_json import backtest_json

    return backtest_json(desk.store.backtests.find(run_id).result)


@router.get("/tokens", response_model=Tokens)
def tokens(desk: TheDesk, _: Admin) -> Any:
    """Who has tokens; it takes one of scope admin."""
    names = TokenView.model_fields
    found = desk.store.access.tokens()
    return {"items": [{name: getattr(token, name) for name in names} for token in found]}
