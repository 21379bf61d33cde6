"""Who is signed in to the pages: a cookie for a session, a session for a token.

The cookie holds 256 random bits, of which the store has the SHA-256. A session ends when it is
signed out, after `LASTS`, and with its token, whichever comes first. What changes anything is a
form that holds `csrf_of` its session, sent by one of our own pages.
"""

import hashlib
import hmac
import secrets
import time
from collections.abc import MutableMapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated, Any
from urllib.parse import parse_qsl, urlsplit

from fastapi import Depends
from starlette.datastructures import Headers
from starlette.requests import Request, cookie_parser
from starlette.responses import Response

from forecast.access import Token, digest_of
from forecast.config import Config
from forecast.store import Store
from forecast.web.desk import Desk, desk_of
from forecast.web.pacing import WrongTokens
from forecast.web.problems import ProblemError

LASTS = timedelta(hours=12)
SIGN_IN, SIGN_OUT, STATIC = "/sign-in", "/sign-out", "/static/"
EMBEDDED = ("/badges/", "/feeds/")  # for programs, which `web.embedding` opens
MOST_FIELDS = 500
LONGEST_TOKEN = 200
_READS = ("GET", "HEAD")
_OURS = ("same-origin", "none")  # none: typed in, or sent again by hand


def is_page(path: str) -> bool:
    """Whether a path is of the dashboard, which people look at, and not of the API."""
    return path not in ("/openapi.json", "/healthz", "/readyz", "/metrics") and not (
        f"{path}/".startswith("/api/") or is_embedded(path)
    )


def is_embedded(path: str) -> bool:
    """Whether a path is of what other sites show."""
    return path.startswith(EMBEDDED)


def is_open(path: str) -> bool:
    """Whether a page may be seen by whoever asks."""
    return path == SIGN_IN or path.startswith(STATIC)


def cookie_name(store: Store, what: str = "session") -> str:
    """What a cookie is called: watches on one machine have one host name, and may not meet."""
    return f"tocsin_{what}_{hashlib.sha256(store.name.encode()).hexdigest()[:8]}"


def set_cookie(response: Response, config: Config, name: str, value: str, seconds: int) -> None:
    """A cookie that no script reads, and no other site has sent along."""
    is_secure = config.web.public_url.startswith("https://")
    response.set_cookie(
        *(name, value, seconds), path="/", secure=is_secure, httponly=True, samesite="strict"
    )


def cookie_of(headers: Headers, name: str) -> str:
    """The value of a cookie, "" where there is none."""
    return cookie_parser(headers.get("cookie", "")).get(name, "")


def begin(desk: Desk, token: Token) -> str:
    """A new session of a token: its secret."""
    secret, now = secrets.token_urlsafe(32), desk.clock()
    desk.store.access.sessions.begin(digest_of(secret), token.token_id, now, now + LASTS)
    return secret


def session_of(desk: Desk, headers: Headers) -> tuple[str, Token] | None:
    """The secret of the session that a request bears, and its live token."""
    secret = cookie_of(headers, cookie_name(desk.store))
    token = desk.store.access.sessions.token_of(digest_of(secret), desk.clock()) if secret else None
    return None if token is None else (secret, token)


def token_of(desk: Desk, wrong: WrongTokens, secret: str, address: str) -> Token | str | int:
    """The live token of a secret, or what is wrong with it, or seconds to wait before the next.

    Whatever is sent is looked up by its SHA-256 in the same way: how long it takes tells nothing.
    """
    token = desk.store.access.token_of(digest_of(secret[:LONGEST_TOKEN]))
    if token is not None and token.is_live(desk.clock()):
        return token
    if wait := wrong.wait(address, time.monotonic()):
        return wait
    if token is None:
        return "this token is not known"
    return "this token was revoked" if token.revoked_at else "this token has expired"


def address_of(scope: MutableMapping[str, Any]) -> str:
    """The address that a request comes from: that of the proxy, where there is one."""
    client = scope.get("client")
    return str(client[0]) if client else ""


def secret_of(request: Request) -> str:
    """The secret of the session; on the way in, that of the form alone."""
    known = request.scope.get("state", {}).get("session")
    return known or cookie_of(request.headers, cookie_name(desk_of(request).store, "form"))


def csrf_of(secret: str) -> str:
    """What a form of a session holds: nobody without the session's secret can say it."""
    return keyed(secret, "csrf")


def keyed(secret: str, words: str) -> str:
    """The mark of words under a session's secret."""
    return hmac.new(secret.encode(), words.encode(), hashlib.sha256).hexdigest()


def require_own_site(method: str, headers: Headers, config: Config) -> None:
    """403 where another site has a browser change something here."""
    if method in _READS:
        return
    site, origin = headers.get("sec-fetch-site"), headers.get("origin")
    is_ours = origin is not None and (
        origin == _origin(config.web.public_url) or urlsplit(origin).netloc == headers.get("host")
    )
    if (site is not None and site not in _OURS) or not (is_ours or (site and origin is None)):
        raise ProblemError(403, "this was sent from another site", code="other-site")


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}" if parts.netloc else ""


@dataclass(frozen=True, slots=True)
class Form:
    """The fields of a form, in the order in which they were sent."""

    fields: tuple[tuple[str, str], ...] = ()

    def get(self, name: str) -> str:
        """The value of a field without the blanks around it, "" where there is none."""
        return next((value.strip() for key, value in self.fields if key == name), "")

    def all(self, name: str) -> list[str]:
        """Every value of a field, such as that of the boxes that were ticked."""
        return [value for key, value in self.fields if key == name]


async def form_of(request: Request) -> Form:
    """The form that was sent; 403 where it is not one of this session.

    Every route of the pages depends on it; of what only reads there is no form.
    """
    if request.method in _READS:
        return Form()
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/x-www-form-urlencoded":
        raise ProblemError(415, "this takes a form")
    try:
        text = (await request.body()).decode("ascii")
        fields = parse_qsl(text, keep_blank_values=True, max_num_fields=MOST_FIELDS)
    except ValueError:
        raise ProblemError(400, "this is not a form that can be read") from None
    form, secret = Form(tuple(fields)), secret_of(request)
    if not secret or not hmac.compare_digest(form.get("csrf").encode(), csrf_of(secret).encode()):
        words = "this form is of another session; load the page again, and send it from there"
        raise ProblemError(403, words, code="csrf")
    return form


TheForm = Annotated[Form, Depends(form_of)]


def inside(path: str) -> str:
    """A path of ours to go on to, the overview for whatever is not plainly one.

    >>> inside("/questions/a?as_of=2025-01-01"), inside("//evil.example"), inside("https:x")
    ('/questions/a?as_of=2025-01-01', '/', '/')
    """
    is_plain = path.startswith("/") and not path.startswith("//") and "\\" not in path
    if not is_plain or not path.isascii() or not path.isprintable():
        return "/"
    return "/" if is_open(path.partition("?")[0]) else path
