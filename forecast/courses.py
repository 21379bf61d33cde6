"""From the store to what became of questions that ended."""

from collections.abc import Iterator, Sequence
from datetime import datetime

from forecast.config import Config
from forecast.evidence import Event, Outcome
from forecast.question import Question
from forecast.reports.track_record import Course, Said
from forecast.resolving import Endings
from forecast.store import Store


def courses(
    store: Store, config: Config, questions: Sequence[Question], now: datetime
) -> Iterator[Course[Said]]:
    """What became of those of some questions that ended, read together and no more of it."""
    seen = store.ends.at((q.unit for q in questions), now)
    endings = {unit: Endings(config, snapshot) for unit, snapshot in seen.items()}
    said = store.moments.probabilities([q.question_id for q in questions], now)
    for question in questions:
        found, name = endings[question.unit], question.question_id
        end = found.of(question)
        if end is not None:
            history = tuple(Said(at, p) for at, p in said.get(name, {}).items())
            event = _answer(found, question) if end.outcome is Outcome.YES else None
            yield Course(question, history, end, event, tuple(store.crowd(name, now)))


def _answer(endings: Endings, question: Question) -> Event | None:
    """The event that made as many as the question asks for."""
    came = sorted(endings.counting(question).events, key=lambda event: event.occurred_at)
    return came[question.at_least - 1] if len(came) >= question.at_least else None
