"""What comes in: sources, and the rows that could not be taken in."""

from typing import Annotated, Any

from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import Response

from forecast.requests import Name
from forecast.store import BadRow
from forecast.web.desk import TheDesk
from forecast.web.paging import Items, Paged, items

router = APIRouter(tags=["intake"])


class QuarantineQuery(Paged):
    """Which rows: of a file by its name, or of a token as "pushed by NAME"."""

    file: Name | None = None


@router.get("/quarantine", response_model=Items[BadRow])
def quarantine(
    desk: TheDesk, request: Request, response: Response, query: Annotated[QuarantineQuery, Query()]
) -> Any:
    """Rows that were kept aside, and why, the last first."""
    page = desk.store.pages.of("quarantine", query.limit, query.after(), file=query.file)
    return items(request, response, page)
