"""/sign-in and /sign-out: a token of the API comes in, a session goes out."""

import secrets

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from forecast.access import digest_of
from forecast.web.desk import Desk, TheDesk
from forecast.web.pages.layout import page
from forecast.web.pages.session import (
    LASTS,
    SIGN_IN,
    SIGN_OUT,
    TheForm,
    address_of,
    begin,
    cookie_name,
    csrf_of,
    inside,
    secret_of,
    session_of,
    set_cookie,
    token_of,
)

router = APIRouter()
_FORM_LASTS = 3600  # seconds


@router.get(SIGN_IN)
def sign_in(desk: TheDesk, request: Request, next: str = "/") -> Response:
    """The form; who is signed in already goes on."""
    if session_of(desk, request.headers):
        return RedirectResponse(inside(next), 303)
    return _form(desk, request, next)


@router.post(SIGN_IN)
def signed_in(desk: TheDesk, request: Request, form: TheForm) -> Response:
    """A session for a token, or the form again with what is wrong."""
    wrong = request.app.state.wrong_tokens
    found = token_of(desk, wrong, form.get("token"), address_of(request.scope))
    if isinstance(found, int):
        words = f"Too many wrong tokens came from here. Try again in {found} seconds."
        answer = _form(desk, request, form.get("next"), words, 429)
        answer.headers["Retry-After"] = str(found)
        return answer
    if isinstance(found, str):
        words = f"{found[:1].upper()}{found[1:]}."
        return _form(desk, request, form.get("next"), words, 401)
    desk.store.access.token_used(found, desk.clock())
    answer = RedirectResponse(inside(form.get("next")), 303)
    seconds = int(LASTS.total_seconds())
    set_cookie(answer, desk.config(), cookie_name(desk.store), begin(desk, found), seconds)
    set_cookie(answer, desk.config(), cookie_name(desk.store, "form"), "", 0)
    return answer


@router.post(SIGN_OUT)
def signed_out(desk: TheDesk, request: Request, form: TheForm) -> Response:
    """The session is over, on every copy of its cookie."""
    desk.store.access.sessions.end(digest_of(secret_of(request)))
    answer = RedirectResponse(SIGN_IN, 303)
    set_cookie(answer, desk.config(), cookie_name(desk.store), "", 0)
    return answer


def _form(desk: Desk, request: Request, next: str, wrong: str = "", status: int = 200) -> Response:
    """The form bears a mark of its own cookie: no other site can sign anybody in here."""
    secret = secret_of(request) or secrets.token_urlsafe(32)
    shown = {"next": inside(next), "wrong": wrong, "csrf": csrf_of(secret)}
    answer = page(desk, request, "sign_in.html", status, **shown)
    set_cookie(answer, desk.config(), cookie_name(desk.store, "form"), secret, _FORM_LASTS)
    return answer
