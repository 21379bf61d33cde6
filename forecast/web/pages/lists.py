"""What the pages of lists share: where a page begins, and what was asked for lately."""

from collections.abc import Collection
from typing import TYPE_CHECKING, Any

from starlette.requests import Request

from forecast.access import Request as Asked
from forecast.reports.page import safe
from forecast.reports.phrases import clean
from forecast.web.desk import Desk
from forecast.web.pages.layout import address_with
from forecast.web.paging import cursor_of, is_row, no_cursor, place_of

if TYPE_CHECKING:
    from markupsafe import Markup

type Asks = tuple[str, dict[str, Any]]  # the kind of a request, and its arguments
LOOKED_AT = 60  # of the newest requests, among which those of a page are looked for
DOING = {
    "confirm_candidate": "confirm",
    "edit_candidate": "confirm in other words",
    "reject_candidate": "reject",
    "acknowledge": "acknowledge",
    "silence": "silence",
    "end_silence": "end a silence",
    "replay": "send again",
    "enable_channel": "switch on a channel",
    "pull_source": "pull",
    "pause_source": "pause a source",
    "resume_source": "resume a source",
    "run_schedule": "run",
    "pause_schedule": "pause a schedule",
    "resume_schedule": "resume a schedule",
    "update": "estimate",
}
ABOUT = ("candidate", "rule", "silence", "channel", "source", "schedule", "question", "definition")
_LONGEST_CURSOR = 100
_MOST_DIGITS = 9


def further_links(request: Request, after: str, place: Any) -> dict[str, Any]:
    """The way back to the first page of a list and on to its next, "" where there is none.

    `after` is where this page begins, as it was asked for; `place` where the next one does.
    """
    return {
        "first": address_with(request, after="") if after else "",
        "further_link": address_with(request, after=cursor_of(place)) if place else "",
    }


def cursor_in(text: str) -> int | None:
    """The row after which a page begins; 422 for what was never handed out."""
    if not text:
        return None
    place = place_of(text[:_LONGEST_CURSOR])
    if not is_row(place):
        raise no_cursor()
    return int(place)


def page_of(text: str, pages: int) -> int:
    """The number of a page, as it stands in an address; the nearest that there is.

    >>> page_of("2", 3), page_of("9" * 5000, 3), page_of("0", 3), page_of("last", 3)
    (2, 3, 1, 1)
    """
    return min(max(int(text[:_MOST_DIGITS]) if text.isdecimal() else 1, 1), pages)


def lately(desk: Desk, kinds: Collection[str] = ()) -> list[Asked]:
    """What was asked for last, of some kinds or of all."""
    rows = desk.store.pages.of("requests", LOOKED_AT).rows
    return [one for one in rows if not kinds or one.kind in kinds]


def doing_words(asked: Asked) -> str:
    """What a request is for: 'reject 1f2e3d4c'."""
    told = asked.arguments
    about = next((str(told[name]) for name in ABOUT if name in told), "")
    many = told.get("deliveries") or told.get("questions") or ()
    about = about or ", ".join(map(str, many[:3]))
    about = about[:8] if "candidate" in told else about
    return f"{DOING.get(asked.kind, asked.kind.replace('_', ' '))} {about}".strip()


def quiet_blanks(text: str) -> "Markup":
    """Other people's text cleaned and escaped, with one blank where it begins or ends with any."""
    from markupsafe import escape

    before, after = text[:1].isspace(), text[-1:].isspace()
    inner = clean(text)
    return safe(f"{' ' * before}{escape(inner)}{' ' * after}" if inner else " ")
