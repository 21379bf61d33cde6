"""How a question ends, from what is known: one rule, used everywhere.

    1. what a person stated stands
    2. an event of the definition inside the window: yes, from when it was known
    3. the deadline and the grace that the criteria allow have passed: no

An event that happened before the deadline and became known after it still counts, as long as
the grace lasts: until then the question is closed to forecasts, and waits.
"""

from collections.abc import Callable, Iterable
from datetime import timedelta

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
    stated = [r for r in snapshot.resolutions if r.question_id == question.question_id]
    if stated:
        return max(stated, key=lambda r: r.known_at)
    happened = _first(e for e in snapshot.events if counts(e.definition) and _inside(e, question))
    if happened is not None:
        reason = f"{happened.definition} on {happened.occurred_at:%Y-%m-%d} ({happened.event_id})"
        return Resolution(question.question_id, Outcome.YES, happened.known_at, reason)
    if snapshot.as_of - question.deadline > grace:
        over = question.deadline + grace
        waited = f" and {grace.days} days of grace" if grace else ""
        reason = f"no event was known after the deadline{waited}"
        return Resolution(question.question_id, Outcome.NO, over, reason)
    return None


def _inside(event: Event, question: Question) -> bool:
    return question.opens_at <= event.occurred_at <= question.deadline


def _first(events: Iterable[Event]) -> Event | None:
    return min(events, key=lambda e: (e.known_at, e.occurred_at), default=None)
