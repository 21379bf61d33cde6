"""What runs: schedules and their runs."""

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import BaseModel
from starlette.requests import Request
from starlette.responses import Response

from forecast.clock import format_instant
from forecast.requests import Name
from forecast.schedule_table import Schedule
from forecast.store import Run
from forecast.store.schedules import ScheduleRow
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
    """A schedule as watch.toml has it, who paused it, and the run of its latest slot."""

    id: str
    table: dict[str, Any]
    paused: bool
    author: str
    reason: str
    next_slot: datetime | None
    last_run: Run | None


class Schedules(BaseModel):
    """All schedules of watch.toml."""

    items: list[ScheduleView]


@router.get("/schedules", response_model=Schedules)
def schedules(desk: TheDesk) -> Any:
    """What runs when, and how it last went."""
    last = desk.store.pages.latest_runs()
    rows = {row.schedule_id: row for row in desk.store.schedules.listed()}
    return {"items": [_view(s, rows.get(s.id), last.get(s.id)) for s in desk.config().schedules]}


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


def _view(table: Schedule, row: ScheduleRow | None, last: Run | None) -> dict[str, Any]:
    """A service writes its rows; where none has run yet, there are none."""
    return {
        "id": table.id,
        "table": table.model_dump(mode="json", exclude_none=True),
        "paused": row.paused if row else False,
        "author": row.author if row else "",
        "reason": row.reason if row else "",
        "next_slot": row.next_slot if row else None,
        "last_run": last,
    }
