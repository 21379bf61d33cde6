"""Who comes in, and what every answer bears: before and after all endpoints.

host -> token -> pace -> body, counted as it is read -> the endpoint -> ETag, headers, metrics

The API is opened by a token, pages by the cookie of a session (`pages.session`); a cookie opens
nothing of the API.
"""

import hashlib
import logging
import time
from collections.abc import MutableMapping
from typing import Any
from urllib.parse import parse_qsl

from anyio import to_thread
from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from forecast.access import Token
from forecast.errors import StoreError
from forecast.names import matches
from forecast.web.desk import Desk
from forecast.web.embedding import opener_of
from forecast.web.metrics import Latency
from forecast.web.pacing import Buckets, Pace, WrongTokens
from forecast.web.pages.errors import for_people
from forecast.web.pages.layout import PAGE_HEADERS
from forecast.web.pages.session import (
    address_of,
    is_embedded,
    is_open,
    is_page,
    require_own_site,
    session_of,
    token_of,
)
from forecast.web.problems import ProblemError, of_error

HEALTH = ("/healthz", "/readyz")
METRICS = "/metrics"
LONGEST_PATH = 4_000
LONGEST_OPEN = 10_000  # bytes of a body from somebody who is not signed in
SECURITY = {
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "private, no-cache",
}
_log = logging.getLogger(__name__)


class Guard:
    """The one middleware."""

    def __init__(self, app: ASGIApp, desk: Desk, latency: Latency, wrong: WrongTokens) -> None:
        self._app, self._desk, self._latency = app, desk, latency
        self._buckets, self._wrong = Buckets(), wrong

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request, or the start and the end of the server."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        if scope["type"] != "http":
            return
        began = time.perf_counter()
        answer = _Answer(scope, send)
        try:
            answer.headers |= await self._admit(scope)
            await self._app(scope, self._counted(scope, receive), answer.send)
        except ProblemError as refused:
            await self._refuse(refused.response(), scope, receive, answer)
        except StoreError as error:
            await self._refuse(of_error(error), scope, receive, answer)
        except ClientDisconnect:
            _log.debug("somebody hung up in the middle of a body")  # and nobody is to be answered
        finally:
            self._latency.saw(scope, answer.status, time.perf_counter() - began)

    async def _refuse(
        self, response: Response, scope: Scope, receive: Receive, answer: "_Answer"
    ) -> None:
        shown = await to_thread.run_sync(for_people, self._desk, Request(scope), response)
        await shown(scope, receive, answer.send)

    async def _admit(self, scope: Scope) -> dict[str, str]:
        """Headers that say how much is left; ProblemError where nobody may come in."""
        web, headers, path = self._desk.config().web, Headers(scope=scope), scope["path"]
        if "\0" in path or b"%00" in scope["query_string"] or len(path) > LONGEST_PATH:
            raise ProblemError(400, "the address is too long, or holds a NUL byte")
        if path in HEALTH or (path == METRICS and web.public_metrics):
            return {}
        _check_query(scope["query_string"])
        if path != METRICS and not _is_ours(headers.get("host", ""), web.hosts()):
            words = "this host name is not ours; [web] allowed_hosts or public_url names others"
            raise ProblemError(421, words)
        state = scope.setdefault("state", {})
        token: Token | None
        if is_page(path):
            require_own_site(scope["method"], headers, self._desk.config())
            if is_open(path):
                _check_length(headers, LONGEST_OPEN)
                return {}
            state["session"], token = await to_thread.run_sync(self._session, headers)
        elif is_embedded(path) and "authorization" not in headers:
            asked = (self._desk, path, scope["query_string"], headers)
            token = await to_thread.run_sync(opener_of, *asked)
        else:
            asked_by = (headers.get("authorization", ""), address_of(scope))
            token = await to_thread.run_sync(self._token, *asked_by)
        state["token"] = token
        name = token.token_id if token else ""  # everybody without one together
        pace = self._buckets.take(name, time.monotonic(), web.burst, web.per_minute / 60)
        said = _pace_headers(pace, web.burst, web.per_minute)
        if not pace.is_open:
            said["Retry-After"] = str(pace.wait)
            raise ProblemError(429, "this token asks too often", code="rate", headers=said)
        _check_length(headers, web.max_body)
        return said

    def _session(self, headers: Headers) -> tuple[str, Token]:
        """The session of a cookie and its live token; ProblemError where there is none."""
        found = session_of(self._desk, headers)
        if found is None:
            raise ProblemError(401, "you are not signed in", code="session")
        self._used(found[1])
        return found

    def _token(self, authorization: str, address: str) -> Token:
        """The live token of a header; ProblemError where there is none."""
        scheme, _, secret = authorization.partition(" ")
        if scheme.lower() != "bearer" or not secret.strip():
            raise _unauthorised("this takes a token: Authorization: Bearer tocsin_...", "")
        found = token_of(self._desk, self._wrong, secret.strip(), address)
        if isinstance(found, int):
            headers = {"Retry-After": str(found)}
            words = "too many wrong tokens came from this address"
            raise ProblemError(429, words, code="rate", headers=headers)
        if isinstance(found, str):
            raise _unauthorised(found, ', error="invalid_token"')
        self._used(found)
        return found

    def _used(self, token: Token) -> None:
        try:
            self._desk.store.access.token_used(token, self._desk.clock())
        except StoreError as error:  # that it was used is worth no failure
            _log.warning("that a token was used could not be noted: %s", error)

    def _counted(self, scope: Scope, receive: Receive) -> Receive:
        """The body as it comes, up to where it is too long."""
        most, seen = self._desk.config().web.max_body, 0

        async def counted() -> Message:
            nonlocal seen
            message = await receive()
            seen += len(message.get("body", b""))
            if seen > most:
                raise HTTPException(413, _too_long(most))
            return message

        return counted


class _Answer:
    """An answer on its way out; that of a GET is held until it is whole, and marked."""

    def __init__(self, scope: Scope, out: Send) -> None:
        self.status = 0
        self.headers: dict[str, str] = {}
        self._scope, self._out = scope, out
        self._start: MutableMapping[str, Any] | None = None
        self._parts: list[bytes] = []

    async def send(self, message: Message) -> None:
        """One message of the answer."""
        if message["type"] == "http.response.start":
            self.status = message["status"]
            headers = MutableHeaders(scope=message)
            usual = SECURITY | PAGE_HEADERS if is_page(self._scope["path"]) else SECURITY
            for name, value in (usual | self.headers).items():
                headers.setdefault(name, value)
            if self._scope["method"] == "GET" and self.status == 200:
                self._start = message
                return
        elif self._start is not None:
            self._parts.append(message.get("body", b""))
            if not message.get("more_body"):
                await self._send_marked(self._start)
            return
        await self._out(message)

    async def _send_marked(self, start: MutableMapping[str, Any]) -> None:
        body = b"".join(self._parts)
        mark = f'"{hashlib.blake2b(body, digest_size=16).hexdigest()}"'
        headers = MutableHeaders(scope=start)
        headers["ETag"] = mark
        given = Headers(scope=self._scope).get("if-none-match", "")
        if mark in given or given.strip() == "*":
            self.status = start["status"] = 304
            del headers["content-length"], headers["content-type"]
            body = b""
        await self._out(start)
        await self._out({"type": "http.response.body", "body": body})


def _is_ours(host: str, names: list[str]) -> bool:
    name = host.lower()
    if not name.endswith("]"):
        name = name.rpartition(":")[0] or name
    return matches(name, [own.replace("[", "[[]", 1) for own in names])


def _check_query(query: bytes) -> None:
    """422 for an argument that is said twice: only one of them would count."""
    names = [name for name, _ in parse_qsl(query.decode("latin-1"), keep_blank_values=True)]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise ProblemError(422, "this argument is given more than once", code="input", at=twice)


def _check_length(headers: Headers, most: int) -> None:
    stated = headers.get("content-length", "0")
    if not (stated.isascii() and stated.isdigit()) or int(stated[:20]) > most:
        raise ProblemError(413, _too_long(most))


def _too_long(most: int) -> str:
    return f"the body is longer than {most} bytes ([web] max_body); send it in parts"


def _unauthorised(words: str, more: str) -> ProblemError:
    challenge = {"WWW-Authenticate": f'Bearer realm="tocsin"{more}'}
    return ProblemError(401, words, code="token", headers=challenge)


def _pace_headers(pace: Pace, burst: int, per_minute: int) -> dict[str, str]:
    """https://datatracker.ietf.org/doc/draft-ietf-httpapi-ratelimit-headers/"""
    window = max(1, round(60 * burst / per_minute))
    return {
        "RateLimit-Policy": f'"token";q={burst};w={window}',
        "RateLimit": f'"token";r={pace.left};t={pace.wait}',
    }
