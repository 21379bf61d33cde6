"""/priors: what is believed, what data made of it, who changed it, when and why; only read."""

import re
from dataclasses import dataclass
from difflib import SequenceMatcher
from shlex import join
from typing import Annotated

from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from forecast.prior import PriorVersion, differences
from forecast.reports.beliefs import belief_section
from forecast.reports.html import beliefs_drawn
from forecast.web.desk import Desk, TheDesk
from forecast.web.pages.layout import address_with, page
from forecast.web.pages.lists import cursor_in, further_links, page_of, quiet_blanks
from forecast.web.problems import ProblemError

router = APIRouter()
ON_PAGE, VERSIONS_ON_PAGE = 40, 20
type Pieces = list[tuple[str, str]]  # ("", "del" or "ins", words)
_WORD = re.compile(r"\s+|[^\s]+")


@dataclass(frozen=True, slots=True)
class Change:
    """What one version made of one belief."""

    key: str
    pieces: Pieces


@dataclass(frozen=True, slots=True)
class Step:
    """A version, and what it changed of the one before."""

    version: PriorVersion
    changes: list[Change]


@router.get("/priors")
def priors(
    desk: TheDesk, request: Request, page_number: Annotated[str, Query(alias="page")] = "1"
) -> Response:
    """Every definition that has a prior of its own, with its newest version."""
    config = desk.config()
    roots = [name for name, table in config.definitions.items() if table.within is None]
    pages = max(1, -(-len(roots) // ON_PAGE))
    number = page_of(page_number, pages)
    shown = roots[(number - 1) * ON_PAGE : number * ON_PAGE]
    return page(
        *(desk, request, "priors.html"),
        lines=[(name, config.definitions[name], desk.store.latest_prior(name)) for name in shown],
        total=len(roots),
        number=number,
        pages=pages,
        link=lambda to: address_with(request, page=str(to) if to > 1 else ""),
    )


@router.get("/priors/{definition}")
def prior(
    desk: TheDesk,
    request: Request,
    definition: str,
    after: str = "",
    unit: Annotated[str, Query(max_length=200)] = "",
) -> Response:
    """One prior against what the data at a unit made of it, and its versions, newest first."""
    config = desk.config()
    if definition in config.definitions and config.root_of(definition) != definition:
        return RedirectResponse(f"/priors/{config.root_of(definition)}", 303)
    newest = desk.store.latest_prior(definition)
    if newest is None and definition not in config.definitions:
        raise ProblemError(404, f"there is no definition '{definition[:200]}'", code="usage")
    versions, further = _versions(desk, definition, cursor_in(after))
    words = newest.words if newest else {}
    now = desk.clock()
    units = desk.store.learnt.units(definition, now)
    at = unit if unit in units else next(iter(units), "")
    learnt = desk.store.learnt.at(definition, at, now) if at else None
    return page(
        *(desk, request, "prior.html"),
        blanks=quiet_blanks,
        definition=definition,
        table=config.definitions.get(definition),
        section=belief_section(newest, learnt) if newest else None,
        drawing=beliefs_drawn(learnt),
        units=units,
        unit=at,
        unit_link=lambda to: address_with(request, unit=to, after=""),
        retune=[
            (join(["tocsin", "priors", act, definition]), why)
            for act, why in (
                ("show", "what it implies, and what the data made of it"),
                ("check", "whether what happened contradicts it"),
                ("retune", "what the past would have proposed; it writes nothing"),
            )
        ],
        setting=[
            join(["tocsin", "priors", "set", definition, key.removeprefix("effects."), was])
            for key, was in list(words.items())[:1]
        ],
        steps=[Step(one, changes(before, one)) for one, before in versions],
        total=newest.version if newest else 0,
        **further_links(request, after, further),
    )


def _versions(
    desk: Desk, definition: str, after: int | None
) -> tuple[list[tuple[PriorVersion, PriorVersion | None]], int | None]:
    """Some versions, the newest first, each with the one before it; and where they go on."""
    of = desk.store.pages.of
    found = of("priors", VERSIONS_ON_PAGE, after, definition=definition)
    rows = list(found.rows)
    older = of("priors", 1, found.after, definition=definition).rows if found.after else ()
    return list(zip(rows, [*rows[1:], *(older or [None])], strict=False)), found.after


def changes(before: PriorVersion | None, after: PriorVersion) -> list[Change]:
    """What one version made of another, belief by belief; nothing where there was none."""
    was = before.words if before else after.words
    return [Change(d.key, word_diff(d.before, d.after)) for d in differences(was, after.words)]


def word_diff(before: str, after: str) -> Pieces:
    """What was left, taken out ("del") and put in ("ins"), word by word.

    >>> word_diff("5%..20% per year", "5%..30% per year")
    [('del', '5%..20%'), ('ins', '5%..30%'), ('', ' per year')]
    """
    old, new, found = _WORD.findall(before), _WORD.findall(after), []
    for what, a, b, c, d in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if what == "equal":
            found.append(("", "".join(old[a:b])))
            continue
        told = (("del", "".join(old[a:b])), ("ins", "".join(new[c:d])))
        found += [(mark, words) for mark, words in told if words]
    return found
