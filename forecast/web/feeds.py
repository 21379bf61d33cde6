"""/feeds/questions.atom and /feeds/alerts.atom: what moved, and what fired or cleared.

Entries keep their ids: of a question's move that of the day, of an alert that of its episode.
"""

import hashlib
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from urllib.parse import quote

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from forecast import atom
from forecast.alert import NoticeKind, Transition
from forecast.clock import DAY, format_instant
from forecast.estimate import Interval
from forecast.likelihood import likelihood_words, percent
from forecast.question import Question
from forecast.reports.phrases import band_words, clean, deadline_words, points, points_words
from forecast.store.overview import Point
from forecast.web.desk import Desk, TheDesk
from forecast.web.embedding import base_of, embedded, is_shown, nothing, opened
from forecast.web.pages.layout import question_path
from forecast.web.pages.outlook import Line

router = APIRouter()
MOST_ENTRIES = 100
MOST_QUESTIONS = 100  # those that moved most in a week, of which the days are looked at
MOST_TRANSITIONS = 1_000
DAYS = 8
MOVED = 2  # points from one day to the next
_FLAGS = {
    NoticeKind.FIRING: "FIRING",
    NoticeKind.RESOLVED: "RESOLVED",
    NoticeKind.OUTCOME: "RESOLVED",
}


@router.get("/feeds/questions.atom", include_in_schema=False)
def questions(desk: TheDesk, request: Request) -> Response:
    """The estimates that moved by a few points from one day to the next."""
    _require_open(desk, request)
    now, public = desk.clock(), desk.config().web.public_feeds
    lines = request.app.state.outlook.at(now).lines
    shown = [one for one in lines if is_shown(request, one.glance.question.question_id, public)]
    shown.sort(key=lambda one: -abs(one.points_in_week or 0))
    entries = _moves(desk, request, shown[:MOST_QUESTIONS], now)
    return _feed(desk, request, "estimates that moved", list(entries))


@router.get("/feeds/alerts.atom", include_in_schema=False)
def alerts(desk: TheDesk, request: Request) -> Response:
    """The alerts that fired and those that ended."""
    _require_open(desk, request)
    public, rows = desk.config().web.public_feeds, desk.store.pages.of
    told = [t for t in rows("transitions", MOST_TRANSITIONS).rows if t.notify in _FLAGS]
    known = desk.store.alerts.questions_among({t.subject for t in told})
    shown = [
        t
        for t in told
        if opened(request) or (t.subject in known and is_shown(request, t.subject, public))
    ]
    entries = [_alert(desk, request, t, known.get(t.subject)) for t in shown]
    return _feed(desk, request, "alerts", entries)


def _require_open(desk: Desk, request: Request) -> None:
    """Where nothing is public, there is no feed for who has no token."""
    if not opened(request) and not desk.config().web.public_feeds:
        raise nothing()


def _feed(desk: Desk, request: Request, what: str, entries: Sequence[atom.Entry]) -> Response:
    """The newest entries, each id once."""
    newest = sorted(entries, key=lambda e: (e.updated, e.entry_id), reverse=True)
    once = {entry.entry_id: entry for entry in reversed(newest)}
    kept = [entry for entry in newest if once[entry.entry_id] is entry][:MOST_ENTRIES]
    place = f"{desk.store.name} {request.url.path}"
    made = atom.feed(
        f"urn:tocsin:feed:{hashlib.sha256(place.encode()).hexdigest()[:32]}",
        f"{clean(desk.config().watch.title, 200)}: {what}",
        map(atom.entry, kept),
        f"{base_of(desk, request)}{request.url.path}",
    )
    return embedded(request, atom.as_bytes(made), "application/atom+xml")


def _moves(
    desk: Desk, request: Request, lines: Sequence[Line], now: datetime
) -> Iterator[atom.Entry]:
    """An entry for each question and each of the last days on which it moved."""
    today = now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    moments = [*(today - n * DAY for n in range(DAYS - 1, -1, -1)), now]
    ids = [one.glance.question.question_id for one in lines]
    found = desk.store.overview.points(ids, moments)
    for one in lines:
        question = one.glance.question
        stood = [_standing(found.get(question.question_id, ()), at) for at in moments]
        for day, (before, after) in zip(moments, pairwise(stood), strict=False):
            if before is None or after is None:
                continue
            moved = points(before.probability, after.probability)
            if abs(moved) >= MOVED:
                link = _permalink(desk, request, question.question_id, after.as_of)
                yield _move(question, day, before, after, link)


def _standing(points_of_one: Sequence[Point], at: datetime) -> Point | None:
    past = [point for point in points_of_one if point.as_of <= at]
    return past[-1] if past else None


def _move(question: Question, day: datetime, before: Point, after: Point, link: str) -> atom.Entry:
    """One move; the id is that of the question and the day, whatever is said later that day."""
    p, title = percent(after.probability), clean(question.title, 200)
    way = points_words(points(before.probability, after.probability))
    band = band_words(Interval(after.lower, after.upper, after.mass))
    return atom.Entry(
        entry_id=f"urn:tocsin:move:{quote(question.question_id, safe='')}:{day:%Y-%m-%d}",
        title=f"{p}, {way}: {title}",
        updated=format_instant(after.as_of),
        content=f"{title} {p} ({band}), {likelihood_words(after.probability)}, "
        f"{deadline_words(question.deadline)}; was {percent(before.probability)} the day before.",
        link=link,
        categories=((after.health.value, f"health {after.health.value}"),),
        published=format_instant(day + timedelta(0)),
    )


def _alert(desk: Desk, request: Request, told: Transition, question: Question | None) -> atom.Entry:
    title = clean(question.title if question else told.subject, 200)
    parts = [quote(part, safe="") for part in (told.rule_id, told.subject)]
    ident = ":".join([*parts, str(told.episode), told.notify])
    link = _permalink(desk, request, told.subject, told.at) if question else ""
    return atom.Entry(
        entry_id=f"urn:tocsin:alert:{ident}",
        title=f"{_FLAGS[NoticeKind(told.notify)]} · {title}",
        updated=format_instant(told.at),
        content=f"{clean(told.detail)} Rule {clean(told.rule_id, 100)}.",
        link=link,
        categories=((told.notify, f"kind {told.notify}"),),
    )


def _permalink(desk: Desk, request: Request, question_id: str, at: datetime) -> str:
    """The page of a question as it stood at a moment."""
    path = question_path(question_id, f"?as_of={quote(format_instant(at))}")
    return f"{base_of(desk, request)}{path}"
