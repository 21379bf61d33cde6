"""What runs: schedules and their runs."""

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import BaseModel
from starlette.requests import Request
from starlette.responses import Response

from forecast.clock import format_instant
from forecast.requests import Name
from forecast.store import Run
from forecast.web.desk import TheDesk
from forecast.web.paging import Items, Paged, listed, no_cursor

router = APIRouter(tags=["running"])


class RunsQuery(Paged):
    """Which runs: of a schedule, of a status."""

    schedule: Name | None = None
    status: Name | None = None

    def later(self) -> tuple[datetime, str] | None:
        """The run after which the page begins."""
        found = self.moment_after()
        if found is not None and not (isinstance(found[1], str) and found[1].isprintable()):
            raise no_cursor()
        return found


class ScheduleView(BaseModel):
    """A schedule as watch.toml has it, and the run of its latest slot."""

    id: str
    table: dict[str, Any]
    last_run: Run | None


class Schedules(BaseModel):
    """All schedules of watch.toml."""

    items: list[ScheduleView]


@router.get("/schedules", response_model=Schedules)
def schedules(desk: TheDesk) -> Any:
    """What runs when, and how it last went."""
    last = desk.store.pages.latest_runs()
    return {
        "items": [
            {"id": s.id, "table": s.model_dump(mode="json"), "last_run": last.get(s.id)}
            for s in desk.config().schedules
        ]
    }


@router.get("/runs", response_model=Items[Run])
def runs(
    desk: TheDesk, request: Request, response: Response, query: Annotated[RunsQuery, Query()]
) -> Any:
    """Runs, those of the latest slots first."""
    found = desk.store.pages.runs(query.limit + 1, query.later(), query.schedule, query.status)
    rows = found[: query.limit]
    is_last = len(found) <= query.limit
    place = None if is_last else [format_instant(rows[-1].slot), rows[-1].schedule_id]
    return listed(request, response, rows, place)
