"""What went wrong, as a page: the problem of the API in words for people."""

import json
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from forecast.web.desk import Desk
from forecast.web.pages.layout import page
from forecast.web.pages.session import SIGN_IN, is_page
from forecast.web.problems import MEDIA_TYPE

TITLES = {
    400: "This cannot be read",
    401: "Sign in first",
    403: "This is not allowed",
    404: "There is nothing here",
    405: "This cannot be done so",
    409: "This is held",
    413: "This is too long",
    422: "This cannot be",
    429: "Too fast",
    500: "Something broke here",
    503: "The store is away",
}
ADVICE = {
    401: "Your session is over, or there was none.",
    403: "Go back, load the page again, and try once more; if it stays so, your token's scope is "
    "too narrow.",
    404: "The address may be of a question that is called otherwise, or was never asked.",
    429: "Wait some seconds, then load the page again.",
    500: "What happened is in the log of the service.",
    503: "Nothing is lost. Load the page again in some seconds.",
}


def for_people(desk: Desk, request: Request, answer: Response) -> Response:
    """A problem that was met on a page as a page; whoever is not signed in may do so now."""
    path, is_problem = request.url.path, answer.media_type == MEDIA_TYPE
    if not is_problem or not is_page(path) or path.endswith(".json"):
        return answer
    if answer.status_code == 401 and request.method in ("GET", "HEAD"):
        query = f"?{request.url.query}" if request.url.query else ""
        after = f"?{urlencode({'next': path + query})}" if path != "/" else ""
        return RedirectResponse(f"{SIGN_IN}{after}", 303)
    told = json.loads(bytes(answer.body))
    status = answer.status_code
    shown = page(
        *(desk, request, "error.html", status),
        status=status,
        title=TITLES.get(status, told["title"]),
        detail=told["detail"],
        at=told.get("at", ""),
        advice=ADVICE.get(status, ""),
    )
    for name, value in answer.headers.items():
        if name not in ("content-type", "content-length"):
            shown.headers[name] = value
    return shown
