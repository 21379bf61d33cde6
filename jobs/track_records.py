"""From the store to the course of questions and the record of those that ended."""

from collections.abc import Iterator, Sequence
from datetime import datetime

from forecast.estimate import Estimate
from forecast.evidence import Event, Outcome
from forecast.question import Question
from forecast.reports.track_record import Course, Said
from forecast.resolving import Endings
from jobs.app import App
from jobs.preview import answering_event
from jobs.questions import endings_at


def course_of(app: App, question: Question, now: datetime) -> Course[Estimate]:
    """What became of a question, as known before `now`, with all its estimates."""
    resolution = app.store.resolution(question.question_id, now)
    return Course(
        question,
        tuple(app.store.estimates(question.question_id, until=now)),
        resolution,
        answering_event(app, question, resolution, now),
        tuple(app.store.crowd(question.question_id)),
    )


def courses(app: App, questions: Sequence[Question], now: datetime) -> Iterator[Course[Said]]:
    """What became of those of some questions that ended, read together and no more of it."""
    endings = endings_at(app, questions, now)
    said = app.store.moments.probabilities([q.question_id for q in questions], now)
    for question in questions:
        found, name = endings[question.unit], question.question_id
        end = found.of(question)
        if end is not None:
            history = tuple(Said(at, p) for at, p in said.get(name, {}).items())
            event = _answer(found, question) if end.outcome is Outcome.YES else None
            yield Course(question, history, end, event, tuple(app.store.crowd(name)))


def _answer(endings: Endings, question: Question) -> Event | None:
    """The event that made as many as the question asks for."""
    came = sorted(endings.counting(question).events, key=lambda event: event.occurred_at)
    return came[question.at_least - 1] if len(came) >= question.at_least else None
