"""What a report on the past may say of a question: its words of then, and nothing that came later.

A moment lies in the past when an estimate was written down after it. Two things are not kept by
time, and cannot be told as of then: the text of watch.toml, and when a line of the notes was
thought of (a replay is given its questions with all that is known of them today). So notes stand
in a report on the past only once the question has ended, and the report says what is of today.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from forecast.evidence import Resolution
from forecast.question import Question
from forecast.reports.phrases import day_words
from forecast.store.moments import Worded
from jobs.app import App
from jobs.questions import ended

OF_TODAY = (
    "Alert levels, half-lives and caveats in this report on the past are those of watch.toml as it "
    "is now."
)
WITHOUT_NOTES = "Notes on the question are left out: they may tell how it ended."


@dataclass(frozen=True, slots=True)
class Then:
    """A question as it may be told at a moment, and how it had ended by then, if it had.

    `asides` say what is not of then. `was_known`: it was written down by then, or its window was
    open.
    """

    question: Question
    end: Resolution | None
    asides: tuple[str, ...]
    was_known: bool


def as_of_then(app: App, questions: Iterable[Question], now: datetime) -> list[Then]:
    """Some questions as they may be told at `now`."""
    last = app.store.moments.last_recorded()
    is_past = last is not None and last > now
    worded = app.store.moments.worded((q.question_id for q in questions), now)
    ends = ended(app, [found.question for found in worded.values()], now)
    return [_then(found, ends.get(name), now, is_past) for name, found in worded.items()]


def _then(found: Worded, end: Resolution | None, now: datetime, is_past: bool) -> Then:
    question, asides = found.question, []
    is_later = found.recorded_at > now
    if is_later:
        written = day_words(found.recorded_at)
        asides.append(
            f"The question was written down on {written}, after this moment: its wording may know "
            "what was not known then."
        )
    if is_past or is_later:
        asides.append(OF_TODAY)
        if question.notes and end is None:
            question = replace(question, notes="")
            asides.append(WITHOUT_NOTES)
    return Then(question, end, tuple(asides), not is_later or question.opens_at <= now)
