"""What a button asks for: a request as the API makes it, and a word on what came of it."""

import secrets
import time
from typing import Any

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from forecast.access import Request as Asked
from forecast.access import RequestStatus
from forecast.errors import UsageError
from forecast.requests import KINDS, read_arguments, stored
from forecast.web.desk import Desk, caller_of, require
from forecast.web.pages.layout import tell
from forecast.web.pages.session import inside

PATIENCE = 3.0  # seconds in which most of what is asked for is done
_LOOK_EVERY = 0.05


def ask_and_return(
    desk: Desk,
    request: Request,
    kind: str,
    arguments: dict[str, Any],
    to: str,
    done: str,
    *,
    patience: float = PATIENCE,
) -> Response:
    """Ask for something, wait for it a moment, and go on to `to`, which says what came of it.

    `done` are the words where it was done. 403 where the token's scope is too narrow.
    """
    require(caller_of(request), KINDS[kind].scope)
    answer = RedirectResponse(inside(to), 303)
    try:
        asked = ask(desk, request, kind, arguments)
    except UsageError as error:
        place = f"{error.at.removeprefix('arguments.')} " if error.at else ""
        return tell(desk, request, answer, f"{place}{error.message}", is_bad=True)
    asked = wait_for(desk, asked, patience)
    if asked.status is RequestStatus.FAILED:
        words = (asked.error or {}).get("message", "it failed")
        return tell(desk, request, answer, words, is_bad=True)
    if asked.status is RequestStatus.DONE:
        return tell(desk, request, answer, done)
    words = f"Asked for ({asked.request_id}); it is done when the service comes to it."
    return tell(desk, request, answer, words)


def ask(desk: Desk, request: Request, kind: str, arguments: dict[str, Any]) -> Asked:
    """The row of a request, in the name of whoever is signed in; UsageError where it cannot be."""
    token = caller_of(request)
    told = stored(read_arguments(KINDS[kind], arguments))
    name = f"req_{secrets.token_hex(12)}"
    return desk.store.access.ask(Asked(name, kind, told, token.name, desk.clock()))


def wait_for(desk: Desk, asked: Asked, seconds: float) -> Asked:
    """The request once it has an answer, or as it is when the time is over."""
    until = time.monotonic() + seconds
    while not asked.status.is_over and time.monotonic() < until:
        time.sleep(_LOOK_EVERY)
        asked = desk.store.access.request(asked.request_id) or asked
    return asked
