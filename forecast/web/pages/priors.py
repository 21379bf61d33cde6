"""/priors: what is believed before the evidence, who changed it, when and why. It is only read."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from difflib import SequenceMatcher
from shlex import join
from typing import Annotated

from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from forecast.prior import PriorVersion, differences
from forecast.web.desk import TheDesk
from forecast.web.pages.layout import address_with, page
from forecast.web.pages.lists import quiet_blanks
from forecast.web.problems import ProblemError

router = APIRouter()
ON_PAGE, VERSIONS_ON_PAGE = 40, 20
type Pieces = list[tuple[str, str]]  # ("", "del" or "ins", words)
_OF_SIGNS = ("effects.", "half_life.")
_WORD = re.compile(r"\s+|[^\s]+")


@dataclass(frozen=True, slots=True)
class Change:
    """What one version made of one belief."""

    key: str
    pieces: Pieces


@dataclass(frozen=True, slots=True)
class Step:
    """A version, what it changed of the one before, and the command that goes back to it."""

    version: PriorVersion
    changes: list[Change]
    rollback: str


@router.get("/priors")
def priors(
    desk: TheDesk, request: Request, page_number: Annotated[str, Query(alias="page")] = "1"
) -> Response:
    """Every definition that has a prior of its own, with its newest version."""
    config = desk.config()
    roots = [name for name, table in config.definitions.items() if table.within is None]
    pages = max(1, -(-len(roots) // ON_PAGE))
    number = min(max(int(page_number) if page_number.isdecimal() else 1, 1), pages)
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
    page_number: Annotated[str, Query(alias="page")] = "1",
) -> Response:
    """The versions of one prior, the newest first."""
    config = desk.config()
    if definition in config.definitions and config.root_of(definition) != definition:
        return RedirectResponse(f"/priors/{config.root_of(definition)}", 303)
    versions = desk.store.prior_versions(definition)
    if not versions and definition not in config.definitions:
        raise ProblemError(404, f"there is no definition '{definition[:200]}'", code="usage")
    steps = list(_steps(versions))[::-1]
    pages = max(1, -(-len(steps) // VERSIONS_ON_PAGE))
    number = min(max(int(page_number) if page_number.isdecimal() else 1, 1), pages)
    words = versions[-1].words if versions else {}
    return page(
        *(desk, request, "prior.html"),
        blanks=quiet_blanks,
        definition=definition,
        table=config.definitions.get(definition),
        words={key: told for key, told in words.items() if not key.startswith(_OF_SIGNS)},
        signs=_signs(words),
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
        steps=steps[(number - 1) * VERSIONS_ON_PAGE : number * VERSIONS_ON_PAGE],
        total=len(steps),
        number=number,
        pages=pages,
        link=lambda to: address_with(request, page=str(to) if to > 1 else ""),
    )


def _signs(words: Mapping[str, str]) -> list[tuple[str, str, str]]:
    """Each tag with its effect and its half-life."""
    tags = dict.fromkeys(key.partition(".")[2] for key in words if key.startswith(_OF_SIGNS))
    return [
        (tag, words.get(f"effects.{tag}", ""), words.get(f"half_life.{tag}", "")) for tag in tags
    ]


def _steps(versions: list[PriorVersion]) -> Iterator[Step]:
    for before, version in zip([None, *versions], versions, strict=False):
        was = before.words if before else version.words
        found = [
            Change(d.key, word_diff(d.before, d.after)) for d in differences(was, version.words)
        ]
        command = ["tocsin", "priors", "rollback", version.definition, str(version.version)]
        yield Step(version, found, "" if version is versions[-1] else join(command))


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
