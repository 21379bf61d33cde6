"""/priors/DEFINITION/versions/N: one version beside another, and the estimates that it moved."""

import math
from shlex import join
from typing import Annotated

from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import Response

from forecast.prior import PriorVersion
from forecast.reports.phrases import points, points_words, times
from forecast.store.overview import Turn
from forecast.web.desk import Desk, TheDesk
from forecast.web.pages.layout import address_with, page
from forecast.web.pages.lists import page_of, quiet_blanks
from forecast.web.pages.outlook import Line
from forecast.web.pages.priors import changes
from forecast.web.problems import ProblemError

router = APIRouter()
ON_PAGE, NEAR = 25, 5
_MOST = 2**31


@router.get("/priors/{definition}/versions/{number}")
def version(
    desk: TheDesk,
    request: Request,
    definition: str,
    number: int,
    beside: Annotated[str, Query(alias="with")] = "",
    page_number: Annotated[str, Query(alias="page")] = "1",
) -> Response:
    """Who made it and why, what it changed of the one before or of any other, and what moved."""
    one = _one(desk, definition, number)
    newest = (desk.store.latest_prior(definition) or one).version
    wanted = int(beside[:9]) if beside.isdecimal() else number - 1
    other = _one(desk, definition, wanted) if wanted else None
    lines = _lines(desk, request, one)
    pages = max(1, -(-len(lines) // ON_PAGE))
    at = page_of(page_number, pages)
    shown = lines[(at - 1) * ON_PAGE : at * ON_PAGE]
    command = ["tocsin", "priors", "rollback", definition, str(number)]
    return page(
        *(desk, request, "prior_version.html"),
        blanks=quiet_blanks,
        definition=definition,
        table=desk.config().definitions.get(definition),
        version=one,
        newest=newest,
        other=other,
        numbers=_numbers(number, newest, wanted),
        changes=changes(other, one),
        rollback="" if number == newest else join(command),
        rows=_rows(desk, one, shown, newest),
        total=len(lines),
        number=at,
        pages=pages,
        link=lambda to: address_with(request, page=str(to) if to > 1 else ""),
    )


def _one(desk: Desk, definition: str, number: int) -> PriorVersion:
    """404 where there is none of that number."""
    is_one = 0 < number < _MOST
    of = desk.store.pages.of
    for found in of("priors", 1, definition=definition, version=number).rows if is_one else ():
        assert isinstance(found, PriorVersion)
        return found
    words = f"there is no version {number} of the prior of '{definition[:200]}'"
    raise ProblemError(404, words, code="usage")


def _numbers(number: int, newest: int, beside: int) -> list[int]:
    """The versions that it may be looked at beside: the nearest, the first and the newest.

    >>> _numbers(20, 30, 3)
    [30, 25, 24, 23, 22, 21, 19, 18, 17, 16, 15, 3, 1]
    """
    near = range(max(1, number - NEAR), min(newest, number + NEAR) + 1)
    return sorted(({1, newest, beside, *near} - {number, 0}), reverse=True)


def _lines(desk: Desk, request: Request, one: PriorVersion) -> list[Line]:
    """The questions of its definitions that were asked when it was made, the urgent ones first."""
    config = desk.config()
    inside = {n for n in config.definitions if config.root_of(n) == one.definition}
    return [
        line
        for line in request.app.state.outlook.at(desk.clock()).lines
        if line.glance.question.definition in inside
        and line.glance.newest is not None
        and (line.glance.ended_at is None or line.glance.ended_at > one.at)
    ]


def _rows(
    desk: Desk, one: PriorVersion, lines: list[Line], newest: int
) -> list[tuple[Line, Turn | None, str, str]]:
    """Each question with its first estimate under the version, and in words how far it moved and
    what of it the prior did.
    """
    following = _one(desk, one.definition, one.version + 1) if one.version < newest else None
    until = following.at if following else desk.clock()
    names = [line.glance.question.question_id for line in lines]
    turns = desk.store.overview.turns(names, one.version, one.at, until)
    return [
        (line, turn, *_moved(turn))
        for line in lines
        for turn in [turns.get(line.glance.question.question_id)]
    ]


def _moved(turn: Turn | None) -> tuple[str, str]:
    if turn is None or turn.moved is None:
        return "", ""
    move = turn.moved
    way = points_words(points(move.from_probability, move.to_probability))
    return way, times(math.exp(min(move.prior, 50.0))) if move.prior else ""
