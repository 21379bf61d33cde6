"""Whether the process lives, whether it is of use, and what it has counted."""

from datetime import datetime, timedelta
from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel
from starlette.requests import Request
from starlette.responses import Response

from forecast.errors import StoreError
from forecast.web.desk import TheDesk
from forecast.web.metrics import MEDIA_TYPE, exposition
from forecast.web.problems import problem

router = APIRouter(tags=["health"])
SILENT = timedelta(minutes=2)  # of the scheduler, after which it is taken for dead


class Alive(BaseModel):
    """That the process answers."""

    status: str


class Ready(BaseModel):
    """That the store and the scheduler are there; ages in seconds, null where not known."""

    status: str
    scheduler_pulse_age: float | None
    newest_run_age: float | None


@router.get("/healthz")
def healthz() -> Alive:
    """Whether the process lives; it takes no token, and asks nobody."""
    return Alive(status="ok")


@router.get("/readyz", response_model=Ready)
def readyz(desk: TheDesk) -> Any:
    """Whether what is asked here would be answered and done; 503 says why not. No token."""
    reasons, run_at = _reasons(desk)
    if reasons:
        return problem(503, "; ".join(reasons), code="not-ready", headers={"Retry-After": "5"})
    age = None if run_at is None else max(0.0, (desk.clock() - run_at).total_seconds())
    return Ready(status="ready", scheduler_pulse_age=desk.pulse(), newest_run_age=age)


@router.get("/metrics", response_class=Response)
def metrics(request: Request) -> Response:
    """All that is counted, in the format of Prometheus."""
    return Response(exposition(request.app.state.registry), media_type=MEDIA_TYPE)


def _reasons(desk: TheDesk) -> tuple[list[str], datetime | None]:
    """Why it is not ready, and when the last run began."""
    reasons, run_at = [], None
    try:
        if not desk.store.counts.is_at_head():
            reasons.append("the store is of another version than this process")
        run_at = desk.store.counts.newest_run()
    except StoreError as error:
        reasons.append(f"the store {error.message}")
    pulse = desk.pulse()
    if pulse is not None and pulse > SILENT.total_seconds():
        reasons.append(f"the scheduler has not ticked for {pulse:.0f} seconds")
    return reasons, run_at
