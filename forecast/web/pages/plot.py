"""What the interactive chart over time is drawn of: seconds since 1970, and P from 0 to 1."""

from typing import Any

from forecast.estimate import Health
from forecast.reports.charts.history import fired_or_cleared, thin
from forecast.reports.view import QuestionReport

MOST = 5_000  # points


def plot_of(report: QuestionReport) -> dict[str, Any]:
    """Columns for the lines, lists for the marks; what came from others is text, never HTML."""
    past = thin(report.history, MOST)
    rules = [standing.rule for standing in report.standings]
    return {
        "at": [e.as_of.timestamp() for e in past],
        "p": [e.probability for e in past],
        "lower": [e.interval.lower for e in past],
        "upper": [e.interval.upper for e in past],
        "held": [e.health is not Health.HEALTHY for e in past],
        "mass": past[-1].interval.mass if past else None,
        "levels": [{"rule": r.rule_id, "fires": r.fire_at, "clears": r.clear_at} for r in rules],
        "alerts": [
            {"at": t.at.timestamp(), "p": t.probability, "rule": t.rule_id, "fired": fired}
            for t, fired in fired_or_cleared(report.transitions)
            if t.probability is not None
        ],
        "evidence": [
            {"at": i.known_at.timestamp(), "number": number, "words": i.summary[:160] or i.tag}
            for number, i in enumerate(report.marked, start=1)
        ],
        "others": [
            {"at": c.at.timestamp(), "p": c.probability, "source": c.source} for c in report.crowd
        ],
        "deadline": report.question.deadline.timestamp(),
        "resolved": _resolved(report),
    }


def _resolved(report: QuestionReport) -> dict[str, Any] | None:
    end = report.resolution
    return {"at": end.known_at.timestamp(), "outcome": end.outcome.value} if end else None
