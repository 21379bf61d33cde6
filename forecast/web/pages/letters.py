"""/alerts/deliveries: every message to every channel; one of them with all that became of it."""

import json

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from forecast.access import Scope
from forecast.alert import Delivery
from forecast.reports.phrases import counted
from forecast.store import Told
from forecast.web.desk import Desk, TheDesk, caller_of, require
from forecast.web.pages.acting import ask_and_return
from forecast.web.pages.layout import address_with, page, tell
from forecast.web.pages.lists import cursor_in, further_links
from forecast.web.pages.session import TheForm, inside
from forecast.web.problems import ProblemError

router = APIRouter()
ON_PAGE, MOST_TOLD = 50, 200
STATUSES = {
    "dead": "✗ given up",
    "due": "○ waits",
    "sending": "◔ is being sent",
    "delivered": "✓ delivered",
}
OUTCOMES = {"delivered": "✓ taken", "due": "○ to be tried again", "dead": "✗ given up"}


@router.get("/alerts/deliveries")
def deliveries(
    desk: TheDesk, request: Request, status: str = "", channel: str = "", after: str = ""
) -> Response:
    """Messages, the newest first."""
    status = status if status in STATUSES else ""
    found = desk.store.pages.of(
        *("deliveries", ON_PAGE, cursor_in(after)), status=status or None, channel=channel or None
    )
    return page(
        *(desk, request, "deliveries.html"),
        letters=found.rows,
        STATUSES=STATUSES,
        about=about,
        wanted={"status": status, "channel": channel},
        channel_ids=[table.id for table in desk.config().channels],
        here=address_with(request),
        **further_links(request, after, found.after),
    )


@router.post("/alerts/deliveries/replay")
def replay(desk: TheDesk, request: Request, form: TheForm) -> Response:
    """Send messages again that were given up."""
    require(caller_of(request), Scope.WRITE)
    to, names = form.get("back") or "/alerts/deliveries", form.all("delivery")
    if not names:
        words = "Tick the messages first that are to be sent again."
        return tell(desk, request, RedirectResponse(inside(to), 303), words, is_bad=True)
    done = f"{counted(len(names), 'message')} will be sent again."
    return ask_and_return(desk, request, "replay", {"deliveries": names}, to, done)


@router.get("/alerts/deliveries/{delivery:path}")
def one(desk: TheDesk, request: Request, delivery: str) -> Response:
    """One message: what it says, what it tells of, and every attempt to send it."""
    letter = _named(desk, delivery)
    kinds = {table.id: table.kind for table in desk.config().channels}
    told = desk.store.alerts.notices_in(letter.delivery_id)[:MOST_TOLD]
    return page(
        *(desk, request, "delivery.html"),
        letter=letter,
        about=about,
        words=desk.words(letter.facts),
        facts=json.dumps(letter.facts, indent=2, ensure_ascii=False, default=str),
        kind=kinds.get(letter.channel, ""),
        state=desk.store.alerts.channel_states().get(letter.channel),
        attempts=desk.store.attempts(letter.delivery_id),
        told=told,
        questions=_questions(desk, letter, told),
        STATUSES=STATUSES,
        OUTCOMES=OUTCOMES,
    )


def about(letter: Delivery) -> str:
    """What a message is about, where it says so."""
    subject, digest = letter.facts.get("subject"), letter.facts.get("digest")
    if isinstance(digest, dict):
        return f"The digest {digest.get('id', '')}"
    title = subject.get("title") if isinstance(subject, dict) else None
    return str(title or letter.facts.get("title") or "several alerts")


def _named(desk: Desk, name: str) -> Delivery:
    """The delivery of an id; 404 where there is none."""
    found = desk.store.deliveries_named(name, 1) if name else []
    if not found or found[0].delivery_id != name:
        raise ProblemError(404, f"there is no delivery '{name[:200]}'", code="usage")
    return found[0]


def _questions(desk: Desk, letter: Delivery, told: list[Told]) -> dict[str, str]:
    """The titles of the questions that a message is about, by id."""
    subject = letter.facts.get("subject")
    names = {each.notice.subject for each in told}
    if isinstance(subject, dict) and isinstance(subject.get("id"), str):
        names.add(subject["id"])
    found = desk.store.alerts.questions_among(names)
    return {name: question.title for name, question in found.items()}
