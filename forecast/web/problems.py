"""What went wrong, as application/problem+json (RFC 9457): one clear line, never a traceback."""

import json
import logging
import re
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, NotRequired, TypedDict

from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from forecast.errors import HeldError, OutsideError, StoreError, TocsinError, UsageError
from forecast.requests import KINDS

MEDIA_TYPE = "application/problem+json"
MOST_ERRORS = 50  # of one body that are told
_log = logging.getLogger(__name__)


class Wrong(TypedDict):
    """One thing that is wrong, and where."""

    at: str
    message: str


class Problem(TypedDict):
    """The body; `type` is urn:tocsin:problem: and a word for programs, `at` the place."""

    type: str
    title: str
    status: int
    detail: str
    at: NotRequired[str]
    errors: NotRequired[list[Wrong]]
    request: NotRequired[str]


class ProblemError(Exception):
    """An answer that is a problem, from inside an endpoint."""

    def __init__(
        self,
        status: int,
        detail: str,
        *,
        code: str = "",
        at: str | None = None,
        headers: Mapping[str, str] | None = None,
        **more: Any,
    ) -> None:
        super().__init__(detail)
        self.status, self.detail, self.code, self.at = status, detail, code, at
        self.headers, self.more = headers, more

    def response(self) -> Response:
        """As it is sent."""
        return problem(
            *(self.status, self.detail),
            code=self.code,
            at=self.at,
            headers=self.headers,
            **self.more,
        )


def problem(
    status: int,
    detail: str,
    *,
    code: str = "",
    at: str | None = None,
    headers: Mapping[str, str] | None = None,
    **more: Any,
) -> Response:
    """A response; `code` is the last word of its type, by default that of the status."""
    phrase = HTTPStatus(status).phrase
    body = {
        "type": f"urn:tocsin:problem:{code or phrase.lower().replace(' ', '-')}",
        "title": phrase,
        "status": status,
        "detail": " ".join(detail.split()),
    }
    if at:
        body["at"] = at
    return Response(as_bytes(body | more), status, headers, MEDIA_TYPE)


def as_bytes(body: Any) -> bytes:
    """JSON in ASCII: what came in broken goes out escaped, and never fails to be written."""
    return json.dumps(body, ensure_ascii=True, allow_nan=False, separators=(",", ":")).encode()


def status_of(error: TocsinError) -> int:
    """Which status an error of ours has: what the client can mend is never 5xx."""
    if isinstance(error, OutsideError):
        return 503
    return 409 if isinstance(error, HeldError) else 422


def of_error(error: TocsinError) -> Response:
    """An error of ours; of what is outside it says what, and when to come again."""
    status = status_of(error)
    headers = {"Retry-After": "5"} if status == 503 else None
    at = None if isinstance(error, StoreError) else error.at  # where the store lies is nobody's
    return problem(status, error.message, code=error.code, at=at, headers=headers)


async def on_problem(_: Request, error: Exception) -> Response:
    """A problem raised inside."""
    assert isinstance(error, ProblemError)
    return error.response()


async def on_tocsin_error(request: Request, error: Exception) -> Response:
    """An error of ours; a store that fails is a line in the log, too."""
    assert isinstance(error, TocsinError)
    if isinstance(error, OutsideError):
        _log.warning("%s: %s", request.url.path, error)
    if isinstance(error, UsageError) and request.method == "GET":
        return problem(404, error.message, code=error.code, at=error.at)
    return of_error(error)


async def on_http_error(request: Request, error: Exception) -> Response:
    """Where there is nothing of that name, or not by that method."""
    assert isinstance(error, HTTPException)
    words = {404: "there is nothing here", 405: "this cannot be done by that method"}
    detail = words.get(error.status_code, str(error.detail))
    headers = dict(error.headers or {})
    if error.status_code == 405:  # of a path with several methods the router names only one
        headers["Allow"] = ", ".join(sorted(_allowed(request)))
    return problem(error.status_code, detail, headers=headers)


def _allowed(request: Request) -> set[str]:
    """All methods by which something can be done at the path of a request.

    Ids may hold slashes, so a path may fit several patterns: the first is the one that is meant.
    """
    methods: list[tuple[re.Pattern[str], set[str]]] = request.app.state.methods
    fitting = [(pattern, names) for pattern, names in methods if pattern.match(request.url.path)]
    return {name for pattern, names in fitting if pattern == fitting[0][0] for name in names}


async def on_invalid(_: Request, error: Exception) -> Response:
    """Arguments that cannot be, each with its place; what was sent is not sent back."""
    assert isinstance(error, RequestValidationError)
    found = error.errors()
    wrong: list[Wrong] = [_wrong(one) for one in found[:MOST_ERRORS]]
    if any(one["type"] == "json_invalid" for one in found):
        return problem(400, f"the body is not JSON: {wrong[0]['message']}", code="not-json")
    more = f" (and {len(found) - 1} more)" if len(found) > 1 else ""
    first = wrong[0]
    return problem(422, f"{first['message']}{more}", code="input", at=first["at"], errors=wrong)


async def on_failure(request: Request, error: Exception) -> Response:
    """A defect of ours: the log has the traceback, the answer does not."""
    _log.error("%s: %s: %s", request.url.path, type(error).__name__, error)
    return problem(500, "this is a defect of ours, and it is in the log", code="internal")


def _wrong(one: Mapping[str, Any]) -> Wrong:
    place, *rest = (str(part)[:100] for part in one["loc"])
    if rest and rest[0] in KINDS:  # of a body that may be of several kinds, the one it is of
        rest = rest[1:]
    is_named = place in ("query", "path", "header", "body") and rest
    at = ".".join(rest) if is_named else place
    said = one["msg"].removeprefix("Value error, ")
    if reason := one.get("ctx", {}).get("error"):
        said = str(reason)
    return {"at": at, "message": " ".join(said.split())[:500]}
