"""Reports as JSON values: the contract that programs rely on."""

import math
from dataclasses import asdict
from typing import Any

from forecast.clock import format_instant
from forecast.estimate import Estimate, Move
from forecast.evidence import Resolution
from forecast.question import Question
from forecast.reports.beliefs import beliefs_json
from forecast.reports.beside import Beside
from forecast.reports.checks import checks_of
from forecast.reports.incidents import Effect, Incident
from forecast.reports.moves import Shift
from forecast.reports.numbers import Check
from forecast.reports.track_record import TrackRecord
from forecast.reports.view import QuestionReport, Standing
from forecast.reports.watch import WatchReport, WatchRow

SCHEMA_VERSION = 1


def question_json(report: QuestionReport) -> dict[str, Any]:
    """`tocsin report QUESTION --json`: probabilities 0 to 1, times ISO 8601 in UTC.

    Without an estimate `estimate` and `moved` are null and the lists are empty; `moved` is
    null on a first estimate as well. Its parts sum to
    log(-log(1-to)) - log(-log(1-from)).
    """
    estimate = report.estimate
    return {
        "schema_version": SCHEMA_VERSION,
        "question": _question(report.question, report.resolution)
        | {"reopened": _reopened(report.reopened) if report.reopened else None},
        "estimate": estimate_json(estimate) if estimate else None,
        "curve": _curve(estimate) if estimate else [],
        "contributions": _contributions(estimate) if estimate else [],
        "moved": _moved(estimate.moved) if estimate and estimate.moved else None,
        "since": _shift(report.week_move) if report.week_move else None,
        "evidence": [_incident(report, e, i) for e in report.effects for i in e.incidents],
        "rules": [_rule(standing) for standing in report.standings],
        "others": [_beside(said) for said in report.others],
        "track_record": _record(report.record) if report.record else None,
        "proof": report.proof or None,
        "checks": [_check(check) for check in checks_of(report)],
        "asides": list(report.asides),
        "beliefs": beliefs_json(report.learnt) if report.learnt else None,
    }


def watch_json(report: WatchReport) -> dict[str, Any]:
    """`tocsin report --json`: every question, in the order that the report shows."""
    return {
        "schema_version": SCHEMA_VERSION,
        "watch": report.title,
        "now": format_instant(report.now),
        "since": format_instant(report.since) if report.since else None,
        "shared_troubles": list(report.shared),
        "questions": [_row(row) for row in report.rows],
    }


def _question(question: Question, resolution: Resolution | None) -> dict[str, Any]:
    times = ("opens_at", "deadline")
    found = asdict(question) | {name: format_instant(getattr(question, name)) for name in times}
    return found | {"resolution": _resolution(resolution) if resolution else None}


def _resolution(resolution: Resolution) -> dict[str, Any]:
    return {
        "outcome": resolution.outcome.value,
        "known_at": format_instant(resolution.known_at),
        "reason": resolution.reason,
        "author": None if resolution.is_derived else resolution.author or None,
        "is_derived": resolution.is_derived,
    }


def _reopened(act: Resolution) -> dict[str, Any]:
    return {
        "at": format_instant(act.known_at),
        "outcome": act.outcome.value,
        "author": act.author,
        "reason": act.reason,
    }


def estimate_json(estimate: Estimate) -> dict[str, Any]:
    """An estimate, without its curve, its contributions and its move."""
    return {
        "as_of": format_instant(estimate.as_of),
        "probability": estimate.probability,
        "interval": asdict(estimate.interval),
        "mcse": _finite(estimate.mcse),
        "health": estimate.health.value,
        "model": estimate.model,
        "model_hash": estimate.model_hash,
        "method": estimate.method,
        "inputs_digest": estimate.inputs_digest,
        "reason": estimate.reason,
        "certificate": estimate.certificate,
        "escalation": list(estimate.escalation),
        "findings": list(estimate.findings),
        "diagnostics": {name: _finite(value) for name, value in estimate.diagnostics.items()},
        "expected_count": estimate.expected_count,
        "at_least": list(estimate.at_least),
        "couplings": [asdict(coupling) for coupling in estimate.couplings],
    }


def _curve(estimate: Estimate) -> list[dict[str, Any]]:
    return [asdict(point) | {"by": format_instant(point.by)} for point in estimate.curve]


def _contributions(estimate: Estimate) -> list[dict[str, Any]]:
    return [
        {
            "tag": c.tag,
            "multiplier": {
                "median": _finite(c.median),
                "lower": _finite(c.lower),
                "upper": _finite(c.upper),
            },
            "incidents": list(c.incidents),
        }
        for c in estimate.contributions
    ]


def _moved(move: Move) -> dict[str, Any]:
    return {"from": move.from_probability, "to": move.to_probability} | {
        cause: _finite(size) for cause, size in move.parts().items()
    }


def _shift(shift: Shift) -> dict[str, Any]:
    """The move of a week, or since the moment that was asked for; parts as those of `moved`."""
    return {
        "since": format_instant(shift.since),
        "from": shift.start,
        "to": shift.end,
        "parts": {cause: _finite(size) for cause, size in shift.parts.items()},
    }


def _incident(report: QuestionReport, effect: Effect, incident: Incident) -> dict[str, Any]:
    left = effect.left(incident, report.aged_at)
    return {
        "incident_id": incident.incident_id,
        "tag": effect.tag,
        "occurred_at": format_instant(incident.occurred_at),
        "known_at": format_instant(incident.known_at),
        "weight_left": None if left is None else _finite(left),
        "grade": incident.grade or None,
        "reports": incident.reports,
        "sources": list(incident.sources),
        "url": incident.url or None,
        "summary": incident.summary,
    }


def _beside(said: Beside) -> dict[str, Any]:
    return {
        "source": said.source,
        "at": format_instant(said.at),
        "probability": said.probability,
        "url": said.url or None,
        "ours": said.ours.probability if said.ours else None,
    }


def _record(record: TrackRecord) -> dict[str, Any]:
    """Numbers that there are none of are null."""
    found = asdict(record)
    return {k: _finite(v) if isinstance(v, float) else v for k, v in found.items()}


def _check(check: Check) -> dict[str, Any]:
    """`verdict` is pass, warn, fail or open; `found` and `bound` in words, "" where none."""
    return {
        "check": check.name,
        "verdict": check.mark.value,
        "found": check.value,
        "bound": check.bound,
        "reason": check.reason,
    }


def _rule(standing: Standing) -> dict[str, Any]:
    rule, last = standing.rule, standing.last
    return {
        "rule_id": rule.rule_id,
        "fire_at": rule.fire_at,
        "clear_at": rule.clear_at,
        "severity": rule.severity,
        "state": standing.state.value,
        "since": format_instant(last.at) if last else None,
        "reason": last.reason if last else None,
        "episode": last.episode if last else 0,
    }


def _row(row: WatchRow) -> dict[str, Any]:
    report = row.report
    return {
        "question": _question(report.question, report.resolution),
        "estimate": estimate_json(report.estimate) if report.estimate else None,
        "attention": row.attention.value,
        "points_in_week": row.points_in_week,
        "rules": [_rule(standing) for standing in report.standings],
        "troubles": list(row.troubles),
    }


def _finite(number: float) -> float | None:
    """JSON has no infinity and no NaN: null says that there is no number."""
    return number if math.isfinite(number) else None
