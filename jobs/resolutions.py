"""A person's word on how a question ended: stated, or taken back. Each act is a row.

Nothing is changed in place: a computation as of a moment before the act does not see it.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from forecast.clock import format_instant
from forecast.errors import UsageError
from forecast.evidence import RULE, Outcome, Resolution
from forecast.question import Question
from forecast.resolving import Endings, whose_word
from jobs.app import App
from jobs.questions import endings_at

INSTANT = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Follows:
    """A nested question that stands otherwise than before; `end` is None where it is open."""

    question_id: str
    end: Resolution | None


@dataclass(frozen=True, slots=True)
class Acted:
    """The row that was written, and what follows of it for the question and for others.

    `end` is how the question stands now; `notes` are what its author should know.
    """

    row: Resolution
    end: Resolution | None
    follows: tuple[Follows, ...]
    notes: tuple[str, ...] = ()


def state_outcome(
    app: App,
    question_id: str,
    outcome: Outcome,
    *,
    reason: str,
    author: str,
    now: datetime,
    at: datetime | None = None,
) -> Acted:
    """State how a question ended, from `at` on (now if not given).

    UsageError where a person's word stands already (what was resolved may be voided), where it
    contradicts that of a nested question or an event of a narrower kind, and where `at` lies
    outside of what can be.
    """
    question = app.store.question(question_id)
    row = Resolution(question_id, outcome, at or now, reason.strip(), author=author.strip())
    _check(row, question, now)
    before = _endings(app, question, now)
    standing = before.of(question)
    if standing is not None and not (standing.is_derived or _voids(row, standing)):
        raise UsageError(
            f"'{question_id}' was resolved {standing.outcome.value} on "
            f"{standing.known_at:%Y-%m-%d} {whose_word(standing)}; "
            f"take that back first: tocsin questions reopen {question_id}"
        )
    if words := before.contradiction(question, outcome):
        raise UsageError(words, at=question_id)
    stated = row.known_at
    if app.store.ends.said(question_id, now):
        row = replace(row, known_at=now)  # what was said before stood until now
    app.store.add_resolutions([row], now)
    return _acted(app, row, question, before, now, stated)


def reopen(app: App, question_id: str, *, reason: str, author: str, now: datetime) -> Acted:
    """Take back how a question ended, from now on, with the events that a yes rested on.

    UsageError where it has not ended, and where the same would follow again at once.
    """
    question = app.store.question(question_id)
    before = _endings(app, question, now)
    end = before.of(question)
    if end is None:
        raise UsageError(f"'{question_id}' is not resolved: there is nothing to take back")
    events: tuple[str, ...] = ()
    if end.outcome is Outcome.YES:
        events = tuple(event.event_id for event in before.counting(question).events)
    row = Resolution(question_id, end.outcome, now, reason.strip(), events, author.strip(), True)
    _check(row, question, now)
    if again := before.after_reopening(question, row):
        raise UsageError(f"'{question_id}' would be {again.outcome.value} again: {again.reason}")
    app.store.add_resolutions([row], now)
    return _acted(app, row, question, before, now, now)


def _check(row: Resolution, question: Question, now: datetime) -> None:
    """UsageError where a row has no reason, no author of its own, or no possible date."""
    if not row.reason:
        raise UsageError("say why with --reason")
    if row.author in ("", RULE):
        raise UsageError(f"'{row.author}' is no author; say who with --by")
    if row.known_at > now:
        raise UsageError(f"--at {format_instant(row.known_at)} has not come yet")
    if row.outcome is not Outcome.VOID and row.known_at < question.opens_at:
        raise UsageError(
            f"'{question.question_id}' opens on {format_instant(question.opens_at)}; "
            f"it cannot have ended on {format_instant(row.known_at)}"
        )


def _voids(row: Resolution, standing: Resolution) -> bool:
    return row.outcome is Outcome.VOID and standing.outcome is not Outcome.VOID


def _endings(app: App, question: Question, as_of: datetime) -> Endings:
    return endings_at(app, [question], as_of + INSTANT)[question.unit]


def _acted(
    app: App,
    row: Resolution,
    question: Question,
    before: Endings,
    now: datetime,
    stated: datetime,
) -> Acted:
    after = _endings(app, question, now)
    others = [q for q in before.related(question) if q.question_id != question.question_id]
    return Acted(
        row,
        after.of(question),
        tuple(_followed(others, before, after)),
        tuple(_notes(row, stated, question)),
    )


def _followed(others: Iterable[Question], before: Endings, after: Endings) -> Iterable[Follows]:
    for other in others:
        was, end = before.of(other), after.of(other)
        if (was and was.outcome) is not (end and end.outcome):
            yield Follows(other.question_id, end)


def _notes(row: Resolution, stated: datetime, question: Question) -> Iterable[str]:
    if stated != row.known_at:
        yield (
            f"it corrects what was there, so it counts from {format_instant(row.known_at)} on, "
            f"not from {format_instant(stated)}"
        )
    is_early = row.outcome is Outcome.NO and row.known_at < question.deadline
    if is_early and not row.retracted:
        yield f"its window is open until {format_instant(question.deadline)}"
