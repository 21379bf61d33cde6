"""Reports as CSV: a row an estimate of a question, or a row a question of a watch."""

import csv
from collections.abc import Iterable, Mapping, Sequence
from io import StringIO
from typing import Any

from forecast.belief import Belief, Learnt
from forecast.clock import format_instant
from forecast.estimate import QUANTILE_LEVELS, Estimate
from forecast.reports.view import QuestionReport
from forecast.reports.watch import WatchReport, WatchRow

_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_QUANTILES = tuple(f"q{level:g}" for level in QUANTILE_LEVELS)
_OF_ESTIMATE = ("as_of", "probability", "lower", "upper", "mass", "mcse", "health", "model")
QUESTION_COLUMNS = ("question_id", *_OF_ESTIMATE, "method", "inputs_digest", *_QUANTILES)
WATCH_COLUMNS = (
    *("question_id", "unit", "definition", "deadline", "title", "attention", "points_in_week"),
    *("outcome", *_OF_ESTIMATE),
)
_NUMBERS = ("median", "lower", "upper")
BELIEF_COLUMNS = (
    *("question_id", "definition", "place", "model", "as_of", "key", "words", "half_life", "unit"),
    *(f"{when}_{name}" for when in ("prior", "posterior") for name in _NUMBERS),
    *("moved_sd", "narrower"),
)


def question_csv(report: QuestionReport) -> str:
    """Every estimate of the question, oldest first; quantiles that were not kept are empty."""
    rows = (_estimate_row(estimate) for estimate in report.history)
    return _written(QUESTION_COLUMNS, rows)


def beliefs_csv(report: QuestionReport) -> str:
    """Prior against posterior, a row a belief, strongest mover first; `place` is where.

    Only the heading where nothing is on record.
    """
    learnt = report.learnt
    rows = (_belief_row(report, learnt, b) for b in learnt.beliefs) if learnt else ()
    return _written(BELIEF_COLUMNS, rows)


def watch_csv(report: WatchReport) -> str:
    """Every question with its newest estimate, in the order that the report shows."""
    return _written(WATCH_COLUMNS, (_question_row(row) for row in report.rows))


def guarded(text: str) -> str:
    """`text` with an apostrophe before what a spreadsheet would take for a formula.

    See https://owasp.org/www-community/attacks/CSV_Injection

    >>> guarded("=1+1"), guarded("FR-1")
    ("'=1+1", 'FR-1')
    """
    return f"'{text}" if text.startswith(_FORMULA) else text


def _written(columns: Sequence[str], rows: Iterable[Mapping[str, Any]]) -> str:
    text = StringIO(newline="")
    writer = csv.DictWriter(text, columns, restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def _estimate_row(estimate: Estimate) -> dict[str, Any]:
    return {
        "question_id": guarded(estimate.question_id),
        **_numbers(estimate),
        "method": estimate.method,
        "inputs_digest": estimate.inputs_digest,
        **dict(zip(_QUANTILES, estimate.quantiles, strict=False)),
    }


def _belief_row(report: QuestionReport, learnt: Learnt, belief: Belief) -> dict[str, Any]:
    sides = (("prior", belief.prior), ("posterior", belief.now))
    return {
        "question_id": guarded(report.question.question_id),
        "definition": guarded(learnt.definition),
        "place": guarded(learnt.unit),
        "model": guarded(learnt.model),
        "as_of": format_instant(learnt.as_of),
        "key": guarded(belief.key),
        "words": guarded(belief.words),
        "half_life": guarded(belief.fading),
        "unit": belief.prior.unit,
        **{f"{when}_{n}": getattr(numbers, n) for when, numbers in sides for n in _NUMBERS},
        "moved_sd": belief.moved,
        "narrower": belief.narrower,
    }


def _question_row(row: WatchRow) -> dict[str, Any]:
    report, question = row.report, row.report.question
    return {
        "question_id": guarded(question.question_id),
        "unit": guarded(question.unit),
        "definition": guarded(question.definition),
        "deadline": format_instant(question.deadline),
        "title": guarded(question.title),
        "attention": row.attention.value,
        "points_in_week": "" if row.points_in_week is None else row.points_in_week,
        "outcome": report.resolution.outcome.value if report.resolution else "",
        **(_numbers(report.estimate) if report.estimate else {}),
    }


def _numbers(estimate: Estimate) -> dict[str, Any]:
    return {
        "as_of": format_instant(estimate.as_of),
        "probability": estimate.probability,
        "lower": estimate.interval.lower,
        "upper": estimate.interval.upper,
        "mass": estimate.interval.mass,
        "mcse": estimate.mcse,
        "health": estimate.health.value,
        "model": guarded(estimate.model),
    }
