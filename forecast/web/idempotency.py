"""Asking twice and having it once: what a request with a key is answered is kept for a day."""

import hashlib
import json
from collections.abc import Callable, Mapping
from typing import Annotated, Any

from fastapi import Header
from pydantic import AfterValidator, StringConstraints
from starlette.requests import Request
from starlette.responses import Response

from forecast.access import Token
from forecast.errors import TocsinError
from forecast.store.access import Remembered
from forecast.web.desk import Desk
from forecast.web.problems import MEDIA_TYPE, ProblemError, as_bytes, of_error


def _printable(text: str) -> str:
    if not text.isprintable():
        raise ValueError("is not printable")
    return text


Key = Annotated[
    Annotated[str, StringConstraints(min_length=1, max_length=255), AfterValidator(_printable)]
    | None,
    Header(
        alias="Idempotency-Key",
        description="The same key with the same body gives the same answer for 24 hours.",
    ),
]
type Work = Callable[[], tuple[int, Any]]


def answered_once(
    desk: Desk, token: Token, request: Request, body: bytes, key: str | None, work: Work
) -> Response:
    """What `work` comes to, (status, JSON); under a key that was answered, what it came to then.

    422 where the key was used for another body, 409 while the first is being answered. What
    fails outside (503) is not kept: it may be tried again under the same key.
    """
    if key is None:
        status, answer = work()
        return json_response(status, answer)
    remembered = claim(desk, token, request, body, key)
    if not remembered.is_ours:
        return json_response(remembered.status, remembered.answer, {"Idempotency-Replayed": "true"})
    access = desk.store.access
    try:
        status, answer = _worked(work)
    except BaseException:
        access.forget(token.token_id, key)
        raise
    if status >= 500:
        access.forget(token.token_id, key)
    else:
        access.answered(token.token_id, key, status, answer)
    return json_response(status, answer)


def claim(desk: Desk, token: Token, request: Request, body: bytes, key: str) -> Remembered:
    """The key, taken for us or answered before; ProblemError where it is neither."""
    text = f"{request.method} {request.url.path}\n".encode() + body
    digest = hashlib.sha256(text).hexdigest()
    found = desk.store.access.remember(token.token_id, key, digest, desk.clock())
    if found.digest != digest:
        words = "this key was used for another request; take a new one"
        raise ProblemError(422, words, code="idempotency", at="Idempotency-Key")
    if not found.is_ours and not found.status:
        raise ProblemError(
            *(409, "the first request with this key is being answered"),
            code="idempotency",
            at="Idempotency-Key",
            headers={"Retry-After": "1"},
        )
    return found


def _worked(work: Work) -> tuple[int, Any]:
    """What it comes to; a problem is an answer, too."""
    try:
        return work()
    except ProblemError as refused:
        answer = refused.response()
    except TocsinError as error:
        answer = of_error(error)
    return answer.status_code, json.loads(bytes(answer.body))


def json_response(status: int, answer: Any, headers: Mapping[str, str] | None = None) -> Response:
    """An answer as JSON, or as a problem where it is one."""
    media = MEDIA_TYPE if status >= 400 else "application/json"
    return Response(as_bytes(answer), status, headers, media)
