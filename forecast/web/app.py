"""The application: every endpoint hung in, behind the one guard."""

from collections.abc import Callable, Coroutine, Sequence
from typing import Any

from fastapi import APIRouter, Depends, FastAPI
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from prometheus_client import CollectorRegistry
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import compile_path

from forecast.clock import Clock, utc_now
from forecast.config import Config
from forecast.errors import TocsinError
from forecast.store import Store
from forecast.web import badges, feeds, problems
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
from forecast.web.desk import Certified, Desk, Report, Words
from forecast.web.guard import Guard
from forecast.web.metrics import Latency, StoreCollector
from forecast.web.openapi import describe
from forecast.web.pacing import WrongTokens
from forecast.web.pages import (
    alarms,
    assets,
    inbox,
    letters,
    overview,
    prior_versions,
    priors,
    question,
    record,
    service,
    signing,
)
from forecast.web.pages.errors import for_people
from forecast.web.pages.outlook import Outlook
from forecast.web.pages.session import form_of

API = "/api/v1"
PAGES = (
    *(assets, signing, overview, question, inbox, alarms, letters),
    *(service, priors, prior_versions, record),
)
ROUTERS = (questions, evidence, alerts, deliveries, running, intake, setup, records)


def create_app(
    store: Store,
    config: Config | Callable[[], Config],
    report: Report,
    *,
    clock: Clock = utc_now,
    pulse: Callable[[], float | None] = lambda: None,
    words: Words = lambda facts: "",
    certified: Callable[[], Sequence[Certified]] = tuple,
) -> FastAPI:
    """The web application over a store.

    `config` is that of the watch, or says what it is now; the rest is as in `Desk`.
    """
    current = config if callable(config) else lambda: config
    desk = Desk(store, current, report, clock, pulse, words, certified)
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
            problems.ProblemError: _as_it_is_read(desk, problems.on_problem),
            TocsinError: _as_it_is_read(desk, problems.on_tocsin_error),
            HTTPException: _as_it_is_read(desk, problems.on_http_error),
            RequestValidationError: _as_it_is_read(desk, problems.on_invalid),
            Exception: _as_it_is_read(desk, problems.on_failure),
        },
    )
    app.state.desk = desk
    app.state.registry = registry
    app.state.methods = []
    app.state.wrong_tokens = WrongTokens()
    app.state.outlook = Outlook(store)
    app.state.record = record.Kept()
    for module in (asking, facts, *ROUTERS):
        _hang_in(app, module.router, API)
    for module in (health, badges, feeds):
        _hang_in(app, module.router, "")
    for module in PAGES:
        _hang_in(app, module.router, "", is_page=True)
    app.add_middleware(Guard, desk=desk, latency=latency, wrong=app.state.wrong_tokens)
    describe(app)
    return app


type Handler = Callable[[Request, Exception], Coroutine[Any, Any, Response]]


def _as_it_is_read(desk: Desk, handler: Handler) -> Handler:
    """What a handler answers; on a page, as a page."""

    async def handled(request: Request, error: Exception) -> Response:
        answer = await handler(request, error)
        return await run_in_threadpool(for_people, desk, request, answer)

    return handled


def _hang_in(app: FastAPI, router: APIRouter, prefix: str, *, is_page: bool = False) -> None:
    """Routes of the API; or of pages, each of which looks at the form that it is sent."""
    if is_page:
        app.include_router(router, dependencies=[Depends(form_of)], include_in_schema=False)
    else:
        app.include_router(router, prefix=prefix)
    for route in router.routes:
        assert isinstance(route, APIRoute)
        pattern, _, _ = compile_path(f"{prefix}{route.path}")
        app.state.methods.append((pattern, route.methods))
