"""From the store to the course of questions and the record of those that ended."""

from datetime import datetime

from forecast.question import Question
from forecast.reports.track_record import Course
from jobs.app import App
from jobs.preview import answering_event


def course_of(app: App, question: Question, now: datetime) -> Course:
    """What became of a question, as known before `now`."""
    resolution = app.store.resolution(question.question_id, now)
    return Course(
        question,
        tuple(app.store.estimates(question.question_id, until=now)),
        resolution,
        answering_event(app, question, resolution, now),
        tuple(app.store.crowd(question.question_id)),
    )
