"""Alerts: where rules stand, their changes of mind, and what people said of them."""

from typing import Annotated, Any

from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import Response

from forecast.alert import Acknowledgement, RuleState, Silence, State, Transition
from forecast.requests import Name
from forecast.web.desk import TheDesk
from forecast.web.paging import Items, Paged, Span, items

router = APIRouter(tags=["alerts"])


class StatesQuery(Paged):
    """Which standings: of a rule, on a subject, in a state."""

    rule: Name | None = None
    subject: Name | None = None
    state: State | None = None


class TransitionsQuery(Span):
    """Which changes of mind: of a rule, on a subject, in a span of time."""

    rule: Name | None = None
    subject: Name | None = None


@router.get("/alerts", response_model=Items[RuleState])
def standings(
    desk: TheDesk, request: Request, response: Response, query: Annotated[StatesQuery, Query()]
) -> Any:
    """Where rules stand on what they were evaluated on, the last that moved first."""
    page = desk.store.pages.of(
        *("states", query.limit, query.after()),
        rule_id=query.rule,
        subject=query.subject,
        state=query.state,
    )
    return items(request, response, page)


@router.get("/alerts/transitions", response_model=Items[Transition])
def transitions(
    desk: TheDesk,
    request: Request,
    response: Response,
    query: Annotated[TransitionsQuery, Query()],
) -> Any:
    """Changes of mind with their reasons, the last first; since <= at < until."""
    return items(request, response, _of(desk, "transitions", query))


@router.get("/acknowledgements", response_model=Items[Acknowledgement])
def acknowledgements(
    desk: TheDesk,
    request: Request,
    response: Response,
    query: Annotated[TransitionsQuery, Query()],
) -> Any:
    """Episodes that somebody deals with, the last first."""
    return items(request, response, _of(desk, "acknowledgements", query))


@router.get("/silences", response_model=Items[Silence])
def silences(
    desk: TheDesk, request: Request, response: Response, query: Annotated[Paged, Query()]
) -> Any:
    """Silences as they stand, over or not, the last that was made or changed first."""
    return items(request, response, desk.store.pages.silences(query.limit, query.after()))


def _of(desk: TheDesk, what: str, query: TransitionsQuery) -> Any:
    return desk.store.pages.of(
        *(what, query.limit, query.after(), query.since, query.until),
        rule_id=query.rule,
        subject=query.subject,
    )
