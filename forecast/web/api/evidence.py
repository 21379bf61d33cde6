"""What the world says: reports, events, and the incidents that reports tell of."""

from collections import defaultdict
from datetime import timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import BaseModel
from starlette.requests import Request
from starlette.responses import Response

from forecast.evidence import Event, Report
from forecast.requests import Name
from forecast.web.desk import TheDesk
from forecast.web.paging import Items, Span, items
from forecast.web.paging import Query as Arguments

router = APIRouter(tags=["evidence"])
INSTANT = timedelta(microseconds=1)


class ReportsQuery(Span):
    """Which reports: at a unit, of a tag, of a source, known in a span of time."""

    unit: Name | None = None
    tag: Name | None = None
    source: Name | None = None


class EventsQuery(Span):
    """Which events: at a unit, of a definition, known in a span of time."""

    unit: Name | None = None
    definition: Name | None = None


class AtUnit(Arguments):
    """What stands at one unit."""

    unit: Name


class Incident(BaseModel):
    """One thing that happened, and the reports of it in the order in which they became known.

    `ground` is why each is there: first, stated, corrected, assigned or near.
    """

    incident_id: str
    tag: str
    reports: list[Report]
    grounds: list[str]


class Incidents(BaseModel):
    """All incidents at a unit, the one that was last reported first."""

    unit: str
    items: list[Incident]


@router.get("/reports", response_model=Items[Report])
def reports(
    desk: TheDesk, request: Request, response: Response, query: Annotated[ReportsQuery, Query()]
) -> Any:
    """Reports as they stand, the last that came in first; since <= known_at < until."""
    page = desk.store.pages.of(
        *("reports", query.limit, query.after(), query.since, query.until),
        unit=query.unit,
        tag=query.tag,
        source=query.source,
    )
    return items(request, response, page)


@router.get("/events", response_model=Items[Event])
def events(
    desk: TheDesk, request: Request, response: Response, query: Annotated[EventsQuery, Query()]
) -> Any:
    """Events as they stand, the last that came in first; since <= known_at < until."""
    page = desk.store.pages.of(
        *("events", query.limit, query.after(), query.since, query.until),
        unit=query.unit,
        definition=query.definition,
    )
    return items(request, response, page)


@router.get("/incidents", response_model=Incidents)
def incidents(desk: TheDesk, query: Annotated[AtUnit, Query()]) -> Any:
    """Which reports at a unit are taken for one thing, and why."""
    placed = desk.store.placed_reports(query.unit, desk.clock() + INSTANT)
    found = defaultdict(list)
    for one in placed:
        if one.until is None:
            found[one.report.incident_id, one.report.tag].append(one)
    told = sorted(found.items(), key=lambda item: item[1][-1].report.known_at, reverse=True)
    return {
        "unit": query.unit,
        "items": [
            {
                "incident_id": incident_id,
                "tag": tag,
                "reports": [one.report for one in members],
                "grounds": [one.ground.value for one in members],
            }
            for (incident_id, tag), members in told
        ],
    }
