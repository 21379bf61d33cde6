"""/sources: what is brought in, what runs when, how it went, and what was asked for."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from forecast.access import RequestStatus
from forecast.clock import format_instant, parse_instant
from forecast.names import matches
from forecast.source import SourceHealth, SourceState
from forecast.source_table import SourceTable
from forecast.store import Run
from forecast.store.schedules import Standing
from forecast.web.desk import Desk, TheDesk
from forecast.web.pages.acting import ask_and_return
from forecast.web.pages.layout import page
from forecast.web.pages.lists import cursor_in, doing_words, further_links, lately
from forecast.web.pages.session import TheForm
from forecast.web.paging import no_cursor, place_of
from forecast.web.problems import ProblemError
from forecast.words import parse_days

router = APIRouter()
ON_PAGE, MOST_FAILING = 50, 20
HEALTH = {
    SourceHealth.NEW: "○ new: nothing came yet",
    SourceHealth.WORKS: "✓ works",
    SourceHealth.SILENT: "‖ silent",
    SourceHealth.BROKEN: "✗ broken",
    SourceHealth.OFF: "‖ switched off",
}
RUNS = {"running": "◔ under way", "done": "✓ done", "failed": "✗ failed", "waiting": "○ waits"}
_LONGEST_CURSOR = 1_000
_ACTS = {
    "pull": ("pull_source", "source", "{} was asked; what it brought stands below."),
    "run": ("run_schedule", "schedule", "{} was run."),
    "pause": ("pause_schedule", "schedule", "{} is paused."),
    "resume": ("resume_schedule", "schedule", "{} goes on."),
    "send": ("run_schedule", "schedule", "{} is on its way."),
}


@dataclass(frozen=True, slots=True)
class SourceLine:
    """A source of the watch and how it fares; `words` say why."""

    table: SourceTable
    state: SourceState | None
    health: SourceHealth
    words: str

    @property
    def is_ill(self) -> bool:
        """Whether somebody should look."""
        return self.health in (SourceHealth.SILENT, SourceHealth.BROKEN)


@dataclass(frozen=True, slots=True)
class ScheduleLine:
    """What comes when, in the words of the watch; `standing` is None until a service saw it.

    `name` is what the watch calls it, `schedule_id` its runs; a digest goes to `channels`.
    """

    name: str
    schedule_id: str
    words: str
    standing: Standing | None
    channels: tuple[str, ...] = ()


@router.get("/sources")
def service(desk: TheDesk, request: Request) -> Response:
    """Sources, schedules, news that waits, the last runs and requests."""
    now = desk.clock()
    return page(
        *(desk, request, "service.html"),
        sources=_sources(desk, now),
        clocks=_clocks(desk, now),
        news=desk.store.due_units.counts(now),
        failing=desk.store.due_units.failing(MOST_FAILING),
        on_news=desk.config().updates.on_news,
        runs=desk.store.pages.runs(8),
        asked=lately(desk)[:8],
        **_words(),
    )


@router.post("/sources/do")
def act(desk: TheDesk, request: Request, form: TheForm) -> Response:
    """Ask a source now; run, pause or resume a schedule."""
    found = _ACTS.get(form.get("what"))
    if found is None:
        raise ProblemError(422, "this form asks for nothing that is known here")
    kind, what, done = found
    told = {what: form.get("name")} | ({"reason": form.get("reason")} if form.get("reason") else {})
    return ask_and_return(desk, request, kind, told, "/sources", done.format(form.get("name")))


@router.get("/sources/runs")
def runs(
    desk: TheDesk, request: Request, schedule: str = "", status: str = "", after: str = ""
) -> Response:
    """Every run, those of the latest slots first."""
    place = _place(after)
    found = desk.store.pages.runs(ON_PAGE + 1, place, schedule.strip() or None, status or None)
    shown, more = found[:ON_PAGE], len(found) > ON_PAGE
    further = [format_instant(shown[-1].slot), shown[-1].schedule_id] if more else None
    return page(
        *(desk, request, "runs.html"),
        runs=shown,
        wanted={"schedule": schedule.strip(), "status": status},
        schedule_ids=[row.schedule_id for row in desk.store.schedules.listed(gone=True)],
        **(further_links(request, after, further) | _words()),
    )


@router.get("/sources/requests")
def requests(desk: TheDesk, request: Request, status: str = "", after: str = "") -> Response:
    """What was asked for, by whom, and what became of it."""
    is_one = status in {one.value for one in RequestStatus}
    found = desk.store.pages.of(
        *("requests", ON_PAGE, cursor_in(after)), status=RequestStatus(status) if is_one else None
    )
    return page(
        *(desk, request, "requests.html"),
        asked=found.rows,
        wanted=status if is_one else "",
        statuses=list(RequestStatus),
        **(further_links(request, after, found.after) | _words()),
    )


def _sources(desk: Desk, now: datetime) -> list[SourceLine]:
    """Those that are broken or silent first, then in the order of the watch."""
    states, found = desk.store.sources.states(), []
    for table in desk.config().sources:
        state = states.get(table.id)
        gap = timedelta(days=parse_days(table.expected_gap)) if table.expected_gap else None
        health = state.health(gap, now) if state else SourceHealth.NEW
        words = state.words(health, table.expected_gap or "") if state else ""
        found.append(SourceLine(table, state, health, words))
    return sorted(found, key=lambda line: not line.is_ill)


def _clocks(desk: Desk, now: datetime) -> dict[str, list[ScheduleLine]]:
    """The schedules and digests of the watch, and what else the service does by the clock."""
    standings, config = desk.store.schedules.standings(now), desk.config()
    schedules = [ScheduleLine(t.id, t.id, t.words, standings.get(t.id)) for t in config.schedules]
    digests = [
        ScheduleLine(
            *(d.id, d.schedule.id, d.schedule.words, standings.get(d.schedule.id)),
            channels=tuple(t.id for t in config.channels if matches(t.id, d.channels)),
        )
        for d in config.digests
    ]
    known = {line.schedule_id for line in (*schedules, *digests)}
    others = [
        ScheduleLine(name, name, _when(standing.row.definition), standing)
        for name, standing in standings.items()
        if name not in known
    ]
    return {"schedules": schedules + others, "digests": digests}


def _when(definition: Mapping[str, Any]) -> str:
    every, cron = definition.get("every"), definition.get("cron")
    return f"every {every}" if every else str(cron or "")


def _place(after: str) -> tuple[datetime, str] | None:
    """The run after which a page begins."""
    if not after:
        return None
    match place_of(after[:_LONGEST_CURSOR]):
        case [str(at), str(name)] if name.isprintable():
            try:
                return parse_instant(at), name
            except ValueError:
                pass
    raise no_cursor()


def took(run: Run) -> str:
    """How long a run took, or "" while it is under way."""
    if run.finished_at is None:
        return ""
    seconds = (run.finished_at - run.started_at).total_seconds()
    return f"{seconds:.1f} s" if seconds < 100 else f"{seconds / 60:.0f} min"


def _words() -> dict[str, Any]:
    return {"HEALTH": HEALTH, "RUNS": RUNS, "doing": doing_words, "took": took}
