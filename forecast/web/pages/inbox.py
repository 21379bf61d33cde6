"""/inbox: what the tagger found, for a person to confirm, to mend or to reject."""

from collections.abc import Iterator
from typing import Any

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from forecast.access import Request as Asked
from forecast.access import RequestStatus, Scope
from forecast.candidate import Candidate, Status, pieces
from forecast.errors import UsageError
from forecast.reports.phrases import counted
from forecast.web.desk import Desk, TheDesk, caller_of, require
from forecast.web.pages.acting import PATIENCE, ask, wait_for
from forecast.web.pages.layout import address_with, page, tell
from forecast.web.pages.lists import (
    Asks,
    cursor_in,
    doing_words,
    further_links,
    lately,
    quiet_blanks,
)
from forecast.web.pages.session import Form, TheForm, inside

router = APIRouter()
ON_PAGE, MOST_AT_ONCE = 25, 200
ROLES = {"hit": "", "needs": "needed", "unit": "", "cue": "cue", "date": "date"}
_KINDS = {"confirm": "confirm_candidate", "edit": "edit_candidate", "reject": "reject_candidate"}
_DONE = {"confirm": "confirmed", "edit": "confirmed in your words", "reject": "rejected"}


@router.get("/inbox")
def inbox(
    desk: TheDesk, request: Request, unit: str = "", tag: str = "", after: str = ""
) -> Response:
    """What waits, in the order in which it came."""
    unit, tag, config = unit.strip(), tag.strip(), desk.config()
    found = desk.store.pages.of(
        *("candidates", ON_PAGE, cursor_in(after)),
        status=Status.WAITING,
        unit=unit or None,
        tag=tag or None,
    )
    asked = lately(desk, _KINDS.values())
    return page(
        *(desk, request, "inbox.html"),
        candidates=found.rows,
        waiting=desk.store.overview.waiting(desk.clock()).inbox,
        shown={one.candidate_id: _shown(one) for one in found.rows},
        pending={a.arguments.get("candidate") for a in asked if not a.status.is_over},
        asked=asked[:8],
        doing=doing_words,
        units=list(config.units),
        tags=list(config.indicators),
        wanted={"unit": unit, "tag": tag},
        here=address_with(request),
        **further_links(request, after, found.after),
    )


@router.post("/inbox")
def judge(desk: TheDesk, request: Request, form: TheForm) -> Response:
    """Say of one candidate or of several what they are."""
    require(caller_of(request), Scope.WRITE)
    answer = RedirectResponse(inside(form.get("back") or "/inbox"), 303)
    try:
        asked = [ask(desk, request, kind, told) for kind, told in _asks(desk, form)]
    except UsageError as error:
        return tell(desk, request, answer, f"{error.message}.", is_bad=True)
    patience = PATIENCE
    for n, one in enumerate(asked):
        asked[n] = one = wait_for(desk, one, patience)
        patience = patience if one.status.is_over else 0.0  # the service is not there: say so
    words, is_bad = _became(asked, _DONE[form.get("what")])
    return tell(desk, request, answer, words, is_bad=is_bad)


def _asks(desk: Desk, form: Form) -> Iterator[Asks]:
    """The requests that a form comes to, each with its arguments; UsageError for none."""
    names, what = form.all("candidate"), form.get("what")
    if what not in _KINDS or not names:
        raise UsageError("Tick what you mean first, and say whether it is true")
    if len(names) > MOST_AT_ONCE:
        raise UsageError(f"These are more than {MOST_AT_ONCE} at once")
    if what == "reject" and not form.get("reason"):
        raise UsageError("Say why it is rejected: it is remembered, and copies go the same way")
    reason = {"reason": form.get("reason")} if form.get("reason") else {}
    mended = _mended(desk, form, names[0]) if what == "edit" else {}
    kind = _KINDS["confirm" if what == "edit" and not mended else what]
    for name in names[:1] if what == "edit" else names:
        yield kind, {"candidate": name, **mended, **reason}


def _mended(desk: Desk, form: Form, name: str) -> dict[str, Any]:
    """What of a candidate is otherwise than its rule had it; UsageError for what cannot be."""
    one = desk.store.tagging.named([name]).get(name)
    if one is None:
        raise UsageError("This candidate is not there any more")
    found: dict[str, Any] = {}
    for field in ("unit", "tag"):
        if form.get(field) and form.get(field) != getattr(one, field):
            found[field] = form.get(field)
    try:
        value = float(form.get("value") or one.value)
    except ValueError:
        raise UsageError("The value is a number from 0 to 1") from None
    if round(value, 4) != round(one.value, 4):
        found["value"] = value
    if form.get("day") not in ("", f"{one.occurred_at:%Y-%m-%d}"):
        found["occurred_at"] = f"{form.get('day')}T00:00:00Z"
    return found


def _became(asked: list[Asked], done: str) -> tuple[str, bool]:
    """What came of some requests, and whether any failed."""
    failed = [one for one in asked if one.status is RequestStatus.FAILED]
    over = sum(one.status is RequestStatus.DONE for one in asked)
    words = [f"{counted(over, 'candidate')} {done}"] if over else []
    if waiting := len(asked) - over - len(failed):
        words.append(f"{counted(waiting, 'request')} for the service to come to")
    if failed:
        said = (failed[0].error or {}).get("message", "it failed")
        words.insert(0, f"{len(failed)} of {len(asked)} failed: {said}")
    return f"{'; '.join(words)}.", bool(failed)


def _shown(one: Candidate) -> list[tuple[str, str, str]]:
    """The sentence in pieces: the words, the role, and what they were taken for."""
    names = ROLES | {"hit": one.tag, "unit": one.unit}
    return [
        (quiet_blanks(text), role, "" if names.get(role) == text else names.get(role, role))
        for text, role in pieces(one.sentence, one.sentence_start, one.spans)
    ]
