"""Opening a question: only one that can be checked, in words that two readers take alike."""

from dataclasses import dataclass, replace
from datetime import datetime

from forecast.clock import format_instant
from forecast.errors import UsageError
from forecast.evidence import Outcome
from forecast.intake.cells import Cells
from forecast.intake.criteria import faults, vague, with_source
from forecast.intake.records import plain_text
from forecast.intake.rows import KINDS
from forecast.names import did_you_mean
from forecast.question import Question
from forecast.resolving import Endings
from jobs.app import App


@dataclass(frozen=True, slots=True)
class Opened:
    """A question that was opened, whether it is new, and what its author should look at again."""

    question: Question
    is_new: bool
    notes: tuple[str, ...]


def open_question(
    app: App, cells: Cells, source: str, now: datetime, *, is_backdated: bool = False
) -> Opened:
    """Open the question that cells say, as those of a row: only if it can be checked.

    `source` is by whose word it is judged, where the criteria do not say it. UsageError, with all
    that is wrong in one line, unless its kind of event and its unit are known, its criteria can
    be checked (`forecast.intake.criteria`), and its window ends in the future, without an answer
    so far.
    With `is_backdated` the window may lie in the past.
    """
    question = _question(cells, source, now)
    known = {q.question_id: q for q in app.store.questions()}
    before = known.get(question.question_id)
    if before is not None and before != question:
        raise UsageError("there is such a question with other words", at=question.question_id)
    wrong = [f"its criteria {fault}" for fault in faults(question.resolution_criteria)]
    wrong += _unknown(app, question)
    wrong += [] if is_backdated else _too_late(app, question, now)
    if wrong:
        raise UsageError(f"cannot be checked: {'; '.join(wrong)}", at=question.question_id)
    app.store.add_questions([question], now)
    twins = [q.question_id for q in known.values() if _is_twin(q, question)]
    return Opened(question, before is None, (*_doubts(question), *map(_twin_words, twins)))


def _question(cells: Cells, source: str, now: datetime) -> Question:
    stated = {name: plain_text(text) for name, text in cells.items()}
    stated["opens_at"] = stated.get("opens_at") or format_instant(now.replace(microsecond=0))
    criteria = with_source(stated.get("resolution_criteria", ""), plain_text(source))
    stated["resolution_criteria"] = criteria
    kind = KINDS["questions"]
    try:
        [question] = kind.facts({name: stated.get(name, "") for name in kind.known()}, "")
    except ValueError as error:
        raise UsageError(str(error), at=stated.get("question_id") or None) from None
    assert isinstance(question, Question)
    return question


def _unknown(app: App, question: Question) -> list[str]:
    """What watch.toml does not know of what the question asks for."""
    wrong = []
    definitions, units = app.config.definitions, app.config.units
    if question.definition not in definitions:
        near = did_you_mean(question.definition, definitions)
        wrong.append(f"watch.toml defines no '{question.definition}', so nothing counts{near}")
    if units and question.unit not in units:
        near = did_you_mean(question.unit, units)
        wrong.append(f"watch.toml knows no unit '{question.unit}'{near}")
    return wrong


def _too_late(app: App, question: Question, now: datetime) -> list[str]:
    if question.deadline <= now:
        return [f"its deadline {format_instant(question.deadline)} has passed (--backdated)"]
    if question.definition not in app.config.definitions:
        return []
    seen = app.store.ends.at([question.unit], now)[question.unit]
    others = tuple(q for q in seen.questions if q.question_id != question.question_id)
    end = Endings(app.config, replace(seen, questions=(*others, question))).of(question)
    if end is None or end.outcome is Outcome.VOID:
        return []
    return [f"it is answered already, {end.outcome.value}: {end.reason} (--backdated)"]


def _doubts(question: Question) -> list[str]:
    words = vague(question.resolution_criteria)
    named = ", ".join(f"'{word}'" for word in words)
    return [f"two readers may take {named} differently: say how much, or when"] if words else []


def _is_twin(other: Question, question: Question) -> bool:
    same = ("unit", "definition", "opens_at", "deadline", "at_least")
    alike = all(getattr(other, name) == getattr(question, name) for name in same)
    return alike and other.question_id != question.question_id


def _twin_words(name: str) -> str:
    return f"'{name}' asks for the same thing in the same window"
