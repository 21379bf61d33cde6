"""The report of a question as sections: what every format below the opening sentence says."""

import math
from collections.abc import Sequence
from dataclasses import replace

from forecast.estimate import Estimate
from forecast.likelihood import percent
from forecast.reports.beliefs import belief_section
from forecast.reports.checks import checks_of, count_rows, coupling_words, made_rows, summary
from forecast.reports.incidents import Effect, Incident
from forecast.reports.moves import CAUSES, Shift
from forecast.reports.phrases import (
    STATE_WORDS,
    age_words,
    band_words,
    clean,
    counted,
    day_words,
    instant_words,
    points,
    points_words,
    range_words,
    times,
)
from forecast.reports.sentence import change_words, sum_words
from forecast.reports.table import Column, Section, Table
from forecast.reports.track_record import TrackRecord
from forecast.reports.view import QuestionReport

FELT = 0.01  # on the log of the hazard; smaller causes of a move are left out
_UNFELT = "·"


def sections(report: QuestionReport) -> tuple[Section, ...]:
    """The whole report below its opening, in the order of every format."""
    estimate = report.estimate
    of_estimate = estimate and (
        _curve(report, estimate),
        _counts(estimate),
        _moves(report),
        _effects(report),
        _incidents(report),
        _couplings(estimate),
    )
    found = (
        *(of_estimate or ()),
        _rules(report),
        _others(report),
        _record(report),
        belief_section(report.prior, report.learnt, is_over=report.is_over),
        _checks(report),
        estimate and _made(estimate),
        _question(report),
    )
    return tuple(section for section in found if section)


def _curve(report: QuestionReport, estimate: Estimate) -> Section | None:
    if not estimate.curve:
        return None
    wanted = report.question.at_least
    name = "event by" if wanted == 1 else f"{wanted} events by"
    days = {day_words(p.by): p for p in estimate.curve}  # of two on one day the later
    rows = [(day, percent(p.probability), band_words(p)) for day, p in days.items()]
    for other in report.related:
        if (found := other.estimate) is not None:
            kind = "wider" if other.wider else "narrower"
            named = f"{kind}: {clean(other.question.definition, 40)}"
            rows.append((named, percent(found.probability), band_words(found.interval)))
    return _tabled("curve", "By when", (name, "P", "band"), rows)


def _counts(estimate: Estimate) -> Section | None:
    return _tabled("counts", "How many", ("events in the window", "P"), count_rows(estimate))


def _moves(report: QuestionReport) -> Section | None:
    shifts = [("last update", report.last_move), ("", report.week_move)]
    found = [(name or _since(shift), shift) for name, shift in shifts if shift is not None]
    if not found:
        return None
    causes = [c for c in CAUSES if any(abs(s.parts.get(c, 0.0)) > FELT for _, s in found)]
    rows = [(CAUSES[c], *(_factor(shift, c) for _, shift in found)) for c in causes]
    rows.append(("from", *(f"{day_words(s.since)}, {percent(s.start)}" for _, s in found)))
    rows.append(("to", *(percent(s.end) for _, s in found)))
    rows.append(("altogether", *(change_words(shift) for _, shift in found)))
    names = ("hazard times", *(name for name, _ in found))
    words = tuple(f"{change_words(shift).capitalize()}: {sum_words(shift)}" for _, shift in found)
    section = _tabled("moved", "What moved it", names, rows)
    return section and replace(section, words=words)


def _since(shift: Shift) -> str:
    return f"since {day_words(shift.since)}"


def _factor(shift: Shift, cause: str) -> str:
    size = shift.parts.get(cause, 0.0)
    return times(math.exp(min(size, 50.0))) if abs(size) > FELT else _UNFELT


def _effects(report: QuestionReport) -> Section | None:
    rows = [
        (
            clean(effect.tag, 40),
            times(effect.median),
            range_words(effect.lower, effect.upper),
            str(effect.count),
            age_words(effect.incidents[0].occurred_at, report.aged_at) if effect.incidents else "",
        )
        for effect in report.effects
    ]
    columns = ("tag", "hazard", "band", "incidents", "newest")
    return _tabled("evidence", report.evidence_title, columns, rows)


def _incidents(report: QuestionReport) -> Section | None:
    rows = [
        incident_cells(report, effect, incident)
        for effect in report.effects
        for incident in effect.incidents
    ]
    names = ("day", "tag", "left", "grade", "what happened", "sources")
    columns = tuple(
        Column(name, is_number=name == "left", rank=int(name == "sources")) for name in names
    )
    table = Table(columns, tuple(rows))
    return Section("incidents", "The incidents behind it", table=table) if rows else None


def incident_cells(
    report: QuestionReport, effect: Effect, incident: Incident
) -> tuple[str, str, str, str, str, str]:
    """Its day, its tag, what is left of its weight, its grade, its summary and its sources."""
    return (
        day_words(incident.occurred_at),
        clean(effect.tag, 40),
        left_words(effect.left(incident, report.aged_at)),
        incident.grade,
        clean(incident.summary, 240) or "No summary.",
        clean(", ".join(incident.sources), 80),
    )


def left_words(share: float | None) -> str:
    """What has not faded of an incident's weight: '62 %', or nothing where nothing fades."""
    return "" if share is None else percent(share)


def _couplings(estimate: Estimate) -> Section | None:
    rows = [(clean(c.unit, 60), *coupling_words(c)) for c in estimate.couplings]
    names = ("unit", "beforehand", "now", "multiplier")
    return _tabled("couplings", "Moving together", names, rows, left=4)


def _rules(report: QuestionReport) -> Section | None:
    rows = [
        (
            clean(standing.rule.rule_id, 40),
            STATE_WORDS[standing.state],
            percent(standing.rule.fire_at),
            percent(standing.rule.clear_at),
            day_words(standing.last.at) if standing.last else "the start",
        )
        for standing in report.standings
    ]
    return _tabled(
        "rules", "Alert rules", ("rule", "state", "fires at", "clears at", "since"), rows
    )


def _others(report: QuestionReport) -> Section | None:
    rows = [
        (
            clean(said.source, 40),
            day_words(said.at),
            percent(said.probability),
            percent(said.ours.probability) if said.ours else "none yet",
            points_words(points(said.probability, said.ours.probability)) if said.ours else "",
        )
        for said in report.others
    ]
    if rows and report.estimate is not None:
        now = report.estimate
        rows.append(("ours now", day_words(now.as_of), "", percent(now.probability), ""))
    return _tabled(
        "others", "Others said", ("source", "on", "theirs", "ours then", "ours is"), rows, left=2
    )


def _record(report: QuestionReport) -> Section | None:
    words = record_words(report.record) if report.record else []
    if report.proof:
        words.append(f"Walked forward over the past: {clean(report.proof, 600)}.")
    return Section("record", "Track record", tuple(words)) if words else None


def record_words(record: TrackRecord) -> list[str]:
    """The record of ended questions in one or two sentences; none of none."""
    if not record.n:
        return ["No question of this kind has ended yet."]
    words = [
        f"{counted(record.n, 'question')} of this kind ended, {record.yes} of them yes: mean Brier "
        f"score {record.brier:.3f} (always saying 50 % gets 0.250)."
    ]
    if record.moments:
        words.append(
            f"At {counted(record.moments, 'moment')} when others gave a number beforehand: ours "
            f"{record.ours:.3f}, theirs {record.theirs:.3f}."
        )
    if record.is_short:
        words.append("Too few to tell skill from luck.")
    return words


def _checks(report: QuestionReport) -> Section | None:
    checks = checks_of(report)
    facts = tuple((check.verdict, check.words) for check in checks)
    return Section("checks", "Checks", (summary(checks),), facts) if checks else None


def _made(estimate: Estimate) -> Section:
    return Section("made", "How it was made", facts=tuple(made_rows(estimate)))


def _question(report: QuestionReport) -> Section:
    question = report.question
    window = f"{instant_words(question.opens_at)} to {instant_words(question.deadline)}"
    facts = [("window", window)]
    if question.resolution_criteria:
        facts.append(("resolves yes if", clean(question.resolution_criteria)))
    if question.notes:
        facts.append(("notes", clean(question.notes)))
    return Section("question", "The question", facts=(*facts, ("id", question.question_id)))


def _tabled(
    key: str, title: str, names: Sequence[str], rows: Sequence[tuple[str, ...]], left: int = 1
) -> Section | None:
    """A section of one table, its first `left` columns words; None without rows."""
    columns = tuple(Column(name, is_number=n >= left) for n, name in enumerate(names))
    return Section(key, title, table=Table(columns, tuple(rows))) if rows else None
