"""/: every question, what needs attention first."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import groupby
from typing import Annotated, Any

from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import Response

from forecast.alert import State
from forecast.alert_tables import BUILT_IN
from forecast.reports.charts.small import line_of
from forecast.reports.page import safe
from forecast.reports.watch import Attention
from forecast.web.desk import Desk, TheDesk
from forecast.web.pages.layout import address_with, page
from forecast.web.pages.lists import page_of
from forecast.web.pages.outlook import Line, Outlook, Wanted

router = APIRouter()
ON_PAGE = 25
SPARK_DAYS = 42
_ORDER = (State.FIRING, State.RECOVERING, State.PENDING, State.OK)


@router.get("/")
def overview(
    desk: TheDesk,
    request: Request,
    unit: str = "",
    definition: str = "",
    state: str = "",
    text: str = "",
    page_number: Annotated[str, Query(alias="page")] = "1",
) -> Response:
    """One page of the list, of those that are looked for."""
    outlook: Outlook = request.app.state.outlook
    wanted = Wanted(unit.strip(), definition.strip(), state.strip(), text.strip())
    every = outlook.at(desk.clock())
    found = wanted.of(every.lines)
    pages = max(1, -(-len(found) // ON_PAGE))
    number = page_of(page_number, pages)
    shown = found[(number - 1) * ON_PAGE : number * ON_PAGE]
    return page(
        *(desk, request, "overview.html"),
        wanted=wanted,
        total=len(every.lines),
        found=len(found),
        counts=every.counts,
        states=list(Attention),
        units=every.units,
        definitions=every.definitions,
        groups=[(key, list(rows)) for key, rows in groupby(shown, lambda one: one.attention)],
        number=number,
        pages=pages,
        link=lambda to: address_with(request, page=str(to) if to > 1 else ""),
        is_open=bool(desk.config().web.public_feeds),
        **_drawn(desk, shown, desk.clock()),
    )


def _drawn(desk: Desk, lines: Sequence[Line], now: datetime) -> dict[str, Any]:
    """The small lines of a page, all on one scale; none of what is over."""
    ids = [line.glance.question.question_id for line in lines if line.glance.outcome is None]
    moments = [now - timedelta(days=days) for days in range(SPARK_DAYS, -1, -1)]
    past = desk.store.overview.points(ids, moments)
    levels = {
        line.glance.question.question_id: [
            rule.fire_at for rule in desk.config().lines_for(line.glance.question)
        ]
        for line in lines
        if line.glance.outcome is None
    }
    tops = [point.upper for points in past.values() for point in points]
    top = max([*tops, 0.05])
    sparks = {
        name: safe(line_of(past.get(name, []), levels[name], f"spark-{n}", top))
        for n, name in enumerate(ids)
    }
    return {"sparks": sparks, "top": top, "rules": _rules(desk, lines)}


def _rules(desk: Desk, lines: Sequence[Line]) -> dict[str, list[tuple[str, State]]]:
    """Where rules stand on each question that did not end, firing first; of those that are built
    in only what has something to say.
    """
    asked = [line.glance.question for line in lines if line.glance.outcome is None]
    known = desk.store.alerts.states([question.question_id for question in asked])
    states = {(found.subject, found.rule_id): found.state for found in known}
    silent = {table.id for table in BUILT_IN} - {table.id for table in desk.config().rules}
    found = {}
    for question in asked:
        name = question.question_id
        stand = [
            (rule.rule_id, states.get((name, rule.rule_id), State.OK))
            for rule in desk.config().rules_for(question)
        ]
        stand = [one for one in stand if one[0] not in silent or one[1] is not State.OK]
        found[name] = sorted(stand, key=lambda one: (_ORDER.index(one[1]), one[0]))
    return found
