"""What other pages embed and readers of feeds fetch, which send no header and no cookie.

It is opened by patterns in watch.toml for everybody, by a key in the address (`key_of` a live
token), and as everything else by a token or a session. Where it is closed there is nothing: the
answer is the same as for what there is not.
"""

import hmac
from collections.abc import Sequence
from urllib.parse import parse_qs

from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import Response

from forecast.access import Token, key_of
from forecast.names import matches
from forecast.web.desk import Desk
from forecast.web.pages.session import session_of
from forecast.web.problems import ProblemError

SECONDS = 60  # for which it may be kept


def opener_of(desk: Desk, path: str, query: bytes, headers: Headers) -> Token | None:
    """The live token whose key is in the address, or whose session it is."""
    found = parse_qs(query.decode("latin-1")).get("key", [""])[0]
    if not found:
        session = session_of(desk, headers)
        return session[1] if session else None
    name = found.partition(".")[0]
    for token in desk.store.access.tokens():
        if token.token_id == name and token.is_live(desk.clock()):
            is_its_key = hmac.compare_digest(key_of(token, path).encode(), found.encode())
            return token if is_its_key else None
    return None


def base_of(desk: Desk, request: Request) -> str:
    """The address that others see the site under."""
    config = desk.config()
    return config.web.public_url or config.watch.link.rstrip("/") or str(request.base_url)[:-1]


def is_shown(request: Request, question_id: str, public: Sequence[str]) -> bool:
    """Whether a question may be told of to who asks."""
    return opened(request) or matches(question_id, public)


def opened(request: Request) -> bool:
    """Whether whoever asks may see everything."""
    return request.scope["state"]["token"] is not None


def embedded(request: Request, body: str | bytes, media_type: str) -> Response:
    """An answer that other sites may show, and that may be kept for a minute."""
    kept = "private" if opened(request) else "public"
    headers = {
        "Cache-Control": f"{kept}, max-age={SECONDS}",
        "Cross-Origin-Resource-Policy": "cross-origin",
    }
    return Response(body, headers=headers, media_type=media_type)


def nothing() -> ProblemError:
    """What is said of all that is closed, and of all that there is not."""
    return ProblemError(404, "there is nothing at this address")
