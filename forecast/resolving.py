"""How a question ends, from what is known: one rule, used everywhere.

    1. what a person stated stands
    2. as many events of the definition as it asks for, inside the window: yes, from when the
       last of them that was needed was known
    3. the deadline and the grace that the criteria allow have passed: no

An event that happened before the deadline and became known after it still counts, as long as
the grace lasts: until then the question is closed to forecasts, and waits. A resolution that
was derived from events is derived anew each time, so it falls with an event that is retracted
or corrected out of the window.
"""

from collections.abc import Callable
from datetime import datetime, timedelta

from forecast.evidence import Event, Outcome, Resolution
from forecast.question import Question, Snapshot


def resolve(
    question: Question,
    snapshot: Snapshot,
    counts: Callable[[str], bool],
    grace: timedelta,
) -> Resolution | None:
    """The question's resolution as of the snapshot, or None while it is open or waiting.

    `counts` says whether an event of a definition is one of the question's.
    """
    recorded = [r for r in snapshot.resolutions if r.question_id == question.question_id]
    if stated := [r for r in recorded if not r.events]:
        return max(stated, key=lambda r: r.known_at)

    def is_one(event: Event) -> bool:
        return counts(event.definition) and _inside(event, question)

    known = _first_known(snapshot, is_one)
    happened = [event for event in snapshot.events if is_one(event)]
    happened.sort(key=lambda e: (known[e.event_id], e.occurred_at, e.event_id))
    if len(happened) >= question.at_least:
        found = _yes(question, happened[: question.at_least], known)
        return next((r for r in recorded if r.events == found.events), found)
    if snapshot.as_of - question.deadline > grace:
        return _no(question, len(happened), grace)
    return None


def _inside(event: Event, question: Question) -> bool:
    return question.opens_at <= event.occurred_at <= question.deadline


def _first_known(snapshot: Snapshot, is_one: Callable[[Event], bool]) -> dict[str, datetime]:
    """When each event was first known to count: a correction of its words is no later news."""
    versions = [*snapshot.events, *(version.fact for version in snapshot.earlier_events)]
    first: dict[str, datetime] = {}
    for event in filter(is_one, versions):
        first[event.event_id] = min(first.get(event.event_id, event.known_at), event.known_at)
    return first


def _yes(question: Question, events: list[Event], known: dict[str, datetime]) -> Resolution:
    last = events[-1]
    reason = f"{last.definition} on {last.occurred_at:%Y-%m-%d} ({last.event_id})"
    if len(events) > 1:
        reason += f", the last of {len(events)} that were asked for"
    names = tuple(event.event_id for event in events)
    return Resolution(question.question_id, Outcome.YES, known[last.event_id], reason, names)


def _no(question: Question, happened: int, grace: timedelta) -> Resolution:
    waited = f" and {grace.days} days of grace" if grace else ""
    reason = f"no event was known after the deadline{waited}"
    if question.at_least > 1:
        reason = f"{happened} of {question.at_least} events were known after the deadline{waited}"
    over = question.deadline + grace
    return Resolution(question.question_id, Outcome.NO, over, reason)
