"""What the desk has set up, as watch.toml says it, and the versions of what it believes."""

from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import BaseModel
from starlette.requests import Request
from starlette.responses import Response

from forecast.prior import PriorVersion
from forecast.requests import Name
from forecast.web.desk import TheDesk
from forecast.web.paging import Items, Paged, items

router = APIRouter(tags=["setup"])


class PriorsQuery(Paged):
    """Which versions: of one definition's prior, or of all."""

    definition: Name | None = None


class Tables(BaseModel):
    """Tables of watch.toml by their names, as they are written there."""

    items: dict[str, dict[str, Any]]


@router.get("/units", response_model=Tables)
def units(desk: TheDesk) -> Any:
    """What is at risk."""
    return _tables(desk.config().units)


@router.get("/indicators", response_model=Tables)
def indicators(desk: TheDesk) -> Any:
    """The tags: what they mean, and what they do to the hazard."""
    return _tables(desk.config().indicators)


@router.get("/definitions", response_model=Tables)
def definitions(desk: TheDesk) -> Any:
    """The kinds of event, and what is believed of them before the evidence."""
    return _tables(desk.config().definitions)


@router.get("/rules", response_model=Tables)
def rules(desk: TheDesk) -> Any:
    """The alert rules."""
    return _tables({table.id: table for table in desk.config().rules})


@router.get("/priors", response_model=Items[PriorVersion])
def priors(
    desk: TheDesk, request: Request, response: Response, query: Annotated[PriorsQuery, Query()]
) -> Any:
    """Versions of priors: who changed what, when and why, the last first."""
    page = desk.store.pages.of("priors", query.limit, query.after(), definition=query.definition)
    return items(request, response, page)


def _tables(tables: dict[str, Any]) -> dict[str, Any]:
    dumped = {name: t.model_dump(mode="json", exclude_none=True) for name, t in tables.items()}
    return {"items": dumped}
