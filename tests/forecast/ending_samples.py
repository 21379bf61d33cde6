"""A question, its watch, and how it ends: what the tests of endings share."""

from dataclasses import replace
from datetime import datetime, timedelta

from forecast.clock import parse_instant
from forecast.config import Config
from forecast.evidence import Event, Outcome, Resolution
from forecast.question import Question, Snapshot, parted
from forecast.resolving import Endings

NO_GRACE, MONTH = timedelta(0), timedelta(days=30)
QUESTION = Question(
    "q",
    "Q?",
    "u",
    "strike",
    parse_instant("2025-09-01"),
    parse_instant("2025-12-25", end_of_day=True),
)
THREE = replace(QUESTION, at_least=3)


def at(text: str) -> datetime:
    return parse_instant(text)


def event(occurred: str, known: str, definition: str = "strike") -> Event:
    return Event(f"{definition}-{occurred}", "u", definition, at(occurred), at(known))


def config(grace: timedelta = NO_GRACE, late: str = "correct") -> Config:
    days = f"{grace.days} days"
    inner = {"within": "strike", "grace": days}
    definitions = {
        "strike": {"base_rate": "1%..5% per month", "grace": days, "late_events": late},
        "covert-strike": inner | {"share": "20%..60%"},
        "overt-strike": inner | {"rest_of": "covert-strike"},
        "talks": {"base_rate": "1%..5% per month"},
    }
    return Config.model_validate({"watch": {"title": "t"}, "definitions": definitions})


def end(
    as_of: str,
    *events: Event,
    stated: tuple[Resolution, ...] = (),
    grace: timedelta = NO_GRACE,
    late: str = "correct",
    question: Question = QUESTION,
    beside: tuple[Question, ...] = (),
) -> Resolution | None:
    """How a question ended as of a moment, from what was known and said by then."""
    asked = (question, *beside)
    seen = snapshot_of(as_of, *events, said=stated, asked=asked)
    return Endings(config(grace, late), seen).of(question)


def snapshot_of(
    as_of: str,
    *events: Event,
    said: tuple[Resolution, ...] = (),
    asked: tuple[Question, ...] = (QUESTION,),
) -> Snapshot:
    moment = at(as_of)
    known = tuple(e for e in events if e.known_at < moment)
    ends, earlier = parted([r for r in said if r.known_at < moment], set())
    return Snapshot("u", moment, asked, (), known, ends, earlier_resolutions=earlier)


def stated(outcome: Outcome, known: str, of: str = "q", author: str = "ada") -> Resolution:
    return Resolution(of, outcome, at(known), "as announced", author=author)


def reopened(known: str, *events: str, of: str = "q", outcome: Outcome = Outcome.YES) -> Resolution:
    return Resolution(of, outcome, at(known), "a mistake", events, "ada", retracted=True)
