"""The application: every endpoint hung in, behind the one guard."""

from collections.abc import Callable

from fastapi import APIRouter, FastAPI
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from prometheus_client import CollectorRegistry
from starlette.exceptions import HTTPException
from starlette.routing import compile_path

from forecast.clock import Clock, utc_now
from forecast.config import Config
from forecast.errors import TocsinError
from forecast.store import Store
from forecast.web import problems
from forecast.web.api import (
    alerts,
    asking,
    deliveries,
    evidence,
    facts,
    health,
    intake,
    questions,
    records,
    running,
    setup,
)
from forecast.web.desk import Desk, Report
from forecast.web.guard import Guard
from forecast.web.metrics import Latency, StoreCollector
from forecast.web.openapi import describe

API = "/api/v1"
ROUTERS = (questions, evidence, alerts, deliveries, running, intake, setup, records)


def create_app(
    store: Store,
    config: Config | Callable[[], Config],
    report: Report,
    *,
    clock: Clock = utc_now,
    pulse: Callable[[], float | None] | None = None,
) -> FastAPI:
    """The web application over a store.

    `config` is that of the watch, or says what it is now; `report` is the report of a question
    as of a moment; `pulse` says how many seconds ago the scheduler was last seen alive, None
    where nobody knows.
    """
    current = config if callable(config) else lambda: config
    desk = Desk(store, current, report, clock, pulse or (lambda: None))
    registry = CollectorRegistry()
    latency = Latency(registry)
    registry.register(StoreCollector(desk))
    app = FastAPI(
        title="Tocsin",
        version="1",
        description="Facts in, forecasts and alerts out. See docs/api.md.",
        docs_url=None,
        redoc_url=None,
        separate_input_output_schemas=True,
        exception_handlers={
            problems.ProblemError: problems.on_problem,
            TocsinError: problems.on_tocsin_error,
            HTTPException: problems.on_http_error,
            RequestValidationError: problems.on_invalid,
            Exception: problems.on_failure,
        },
    )
    app.state.desk = desk
    app.state.registry = registry
    app.state.methods = []
    for module in (asking, facts, *ROUTERS):
        _hang_in(app, module.router, API)
    _hang_in(app, health.router, "")
    app.add_middleware(Guard, desk=desk, latency=latency)
    describe(app)
    return app


def _hang_in(app: FastAPI, router: APIRouter, prefix: str) -> None:
    app.include_router(router, prefix=prefix)
    for route in router.routes:
        assert isinstance(route, APIRoute)
        pattern, _, _ = compile_path(f"{prefix}{route.path}")
        app.state.methods.append((pattern, route.methods))
