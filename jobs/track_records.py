"""From the store to the course of questions and the record of those that ended."""

from collections.abc import Iterator, Sequence
from datetime import datetime

import forecast.courses
from forecast.estimate import Estimate
from forecast.question import Question
from forecast.reports.track_record import Course, Said
from jobs.app import App
from jobs.preview import answering_event


def course_of(app: App, question: Question, now: datetime) -> Course[Estimate]:
    """What became of a question, as known before `now`, with all its estimates."""
    resolution = app.store.resolution(question.question_id, now)
    return Course(
        question,
        tuple(app.store.estimates(question.question_id, until=now)),
        resolution,
        answering_event(app, question, resolution, now),
        tuple(app.store.crowd(question.question_id, now)),
    )


def courses(app: App, questions: Sequence[Question], now: datetime) -> Iterator[Course[Said]]:
    """What became of those of some questions that ended, read together and no more of it."""
    return forecast.courses.courses(app.store, app.config, questions, now)
