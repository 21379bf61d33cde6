"""What every endpoint works on, and who is asking."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any

from fastapi import Depends
from starlette.requests import Request

from forecast.access import Scope, Token
from forecast.clock import Clock, utc_now
from forecast.config import Config
from forecast.question import Question
from forecast.reports.view import QuestionReport
from forecast.store import Store
from forecast.web.problems import ProblemError

type Report = Callable[[Question, datetime], QuestionReport]
type Words = Callable[[Mapping[str, Any]], str]


@dataclass(frozen=True, slots=True)
class Certified:
    """How a family of models stands today, and what its certificate says, where it has one.

    `standing` is passed, failed, stale (its code has changed since) or none; `verdict` what was
    found then, over `kept` simulated worlds.
    """

    family: str
    standing: str
    verdict: str = ""
    date: str = ""
    tests: int = 0
    kept: int = 0
    findings: tuple[str, ...] = ()


def _unknown() -> float | None:
    return None


def _no_words(facts: Mapping[str, Any]) -> str:
    return ""


@dataclass(frozen=True, slots=True)
class Desk:
    """The store, the configuration as it is now, the clock.

    `report` is what every format of `tocsin report QUESTION` is made of, as of a moment; `pulse`
    how many seconds ago the scheduler was last seen alive, None where that is not known. `words`
    are those of a message, of its facts, and `certified` says how each family of models stands.
    """

    store: Store
    config: Callable[[], Config]
    report: Report
    clock: Clock = utc_now
    pulse: Callable[[], float | None] = _unknown
    words: Words = _no_words
    certified: Callable[[], Sequence[Certified]] = tuple


def desk_of(request: Request) -> Desk:
    """The desk that this application serves."""
    desk: Desk = request.app.state.desk
    return desk


def caller_of(request: Request) -> Token:
    """Whose token it is; `forecast.web.guard` let nobody in without one."""
    token: Token = request.scope["state"]["token"]
    return token


def require(token: Token, scope: Scope) -> None:
    """403 where a token may not do what takes `scope`."""
    if token.scope.covers(scope):
        return
    challenge = f'Bearer realm="tocsin", error="insufficient_scope", scope="{scope.value}"'
    raise ProblemError(
        403,
        f"this takes a token of scope {scope.value}, and '{token.name}' has {token.scope.value}",
        code="scope",
        headers={"WWW-Authenticate": challenge},
    )


TheDesk = Annotated[Desk, Depends(desk_of)]
Caller = Annotated[Token, Depends(caller_of)]


def writer(token: Caller) -> Token:
    """A token that may state facts."""
    require(token, Scope.WRITE)
    return token


def admin(token: Caller) -> Token:
    """A token that may see who has tokens."""
    require(token, Scope.ADMIN)
    return token


Writer = Annotated[Token, Depends(writer)]
Admin = Annotated[Token, Depends(admin)]
