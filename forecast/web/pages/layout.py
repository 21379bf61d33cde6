"""What every page has: the head of the desk, the way around, how the service is, and what was
said of the last thing that was done.
"""

import base64
import binascii
import hmac
import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from shlex import quote as quote_for_shell
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from forecast.access import Scope, Token
from forecast.errors import StoreError
from forecast.reports.html import questions_environment
from forecast.reports.phrases import age_words, counted
from forecast.web.api.health import SILENT
from forecast.web.desk import Desk
from forecast.web.pages.assets import address
from forecast.web.pages.session import cookie_name, cookie_of, csrf_of, keyed, secret_of, set_cookie

if TYPE_CHECKING:
    from jinja2 import Environment

NAVIGATION = (
    ("/", "Overview", ""),
    ("/inbox", "Inbox", "inbox"),
    ("/alerts", "Alerts", "firing"),
    ("/sources", "Sources and runs", ""),
    ("/priors", "Priors", ""),
    ("/record", "Record", ""),
)
PAGE_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; "
    "img-src 'self' data:; connect-src 'self'; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'",
    "Referrer-Policy": "same-origin",  # with none at all, a form's Origin would be null
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cache-Control": "private, no-store",
}
LONG_DUE = timedelta(hours=1)  # that news may wait before somebody should look
_SAID_LASTS, _LONGEST_SAID = 60, 600  # seconds, characters


@dataclass(frozen=True, slots=True)
class Service:
    """How the service is, in words; `is_well` is False where somebody should look."""

    words: tuple[str, ...]
    is_well: bool


def page(
    desk: Desk, request: Request, template: str, code: int = 200, **values: Any
) -> HTMLResponse:
    """A template of `forecast/web/templates` that extends layout.html, with its values.

    Every template knows besides: `desk_title`, `token` (None on the way in), `csrf`, `now`,
    `path`, `navigation` (address, name, count, is_current), `service`, `said`, `may(scope)`.
    """
    token: Token | None = request.scope.get("state", {}).get("token")
    secret, now = secret_of(request), desk.clock()
    known = {
        "desk_title": desk.config().watch.title,
        "token": token,
        "csrf": csrf_of(secret) if secret else "",
        "now": now,
        "path": request.url.path,
        "may": lambda scope: token is not None and token.scope.covers(Scope(scope)),
        **(_standing(desk, request, now) if token else {"navigation": (), "service": None}),
    }
    said = cookie_of(request.headers, cookie_name(desk.store, "said"))
    known["said"] = _read(said, secret)
    html = environment().get_template(template).render(known | values)
    answer = HTMLResponse(html, code, PAGE_HEADERS)
    if said:
        set_cookie(answer, desk.config(), cookie_name(desk.store, "said"), "", 0)
    return answer


def question_path(question_id: str, rest: str = "") -> str:
    """Where the page of a question is; ids may hold slashes."""
    return f"/questions/{quote(question_id)}{rest}"


def address_with(request: Request, **changes: str) -> str:
    """The address of this page with other arguments; one that is "" is left out."""
    asked = {name: value for name, value in {**request.query_params, **changes}.items() if value}
    return f"{request.url.path}?{urlencode(asked)}" if asked else request.url.path


def tell(
    desk: Desk, request: Request, answer: Response, words: str, *, is_bad: bool = False
) -> Response:
    """Have the next page say something of what was done."""
    text = json.dumps([words[:_LONGEST_SAID], is_bad])
    held = base64.urlsafe_b64encode(text.encode()).decode()
    mark = keyed(secret_of(request), held)
    name = cookie_name(desk.store, "said")
    set_cookie(answer, desk.config(), name, f"{held}.{mark}", _SAID_LASTS)
    return answer


def _read(said: str, secret: str) -> tuple[str, bool] | None:
    """What `tell` said, where it is ours."""
    held, _, mark = said.partition(".")
    if not said or not secret or not hmac.compare_digest(mark, keyed(secret, held)):
        return None
    try:
        words, is_bad = json.loads(base64.urlsafe_b64decode(held))
    except (ValueError, binascii.Error):
        return None
    return words, is_bad


def _standing(desk: Desk, request: Request, now: datetime) -> dict[str, Any]:
    """The way around with its counts, and how the service is; a store that is away is no error."""
    counts: dict[str, int] = {}
    try:
        waiting = desk.store.overview.waiting(now)
        counts = {"inbox": waiting.inbox, "firing": request.app.state.outlook.at(now).firing}
        service = _service(desk, waiting.oldest_due, now)
    except StoreError as error:
        service = Service((f"The store {error.message}",), False)
    path = request.url.path
    around = [
        (to, name, counts.get(count, 0), _is_current(to, path)) for to, name, count in NAVIGATION
    ]
    return {"navigation": around, "service": service}


def _is_current(to: str, path: str) -> bool:
    return path == to or path.startswith(f"{to}/") or (to == "/" and path.startswith("/questions/"))


def _service(desk: Desk, oldest_due: datetime | None, now: datetime) -> Service:
    pulse, words = desk.pulse(), []
    is_well = pulse is not None and pulse <= SILENT.total_seconds()
    if pulse is None:
        words.append("Nobody knows whether the service runs")
    elif is_well:
        words.append("The service is alive")
    else:
        words.append(f"The service has not ticked for {counted(int(pulse / 60), 'minute')}")
    if oldest_due is not None:
        words.append(f"news waits for its update, the oldest from {age_words(oldest_due, now)}")
        is_well = is_well and now - oldest_due < LONG_DUE
    elif is_well:
        words.append("nothing waits")
    return Service(tuple(words), is_well)


@cache
def environment() -> "Environment":
    """Our templates and those of the reports, with the words of both."""
    found = questions_environment("forecast.web", "forecast.reports")
    found.globals |= {"static": address, "question_path": question_path}
    found.filters |= {"shell": quote_for_shell, "toml": json.dumps}
    found.auto_reload = False  # five files would be looked at for each page
    return found
