"""From the store to what surrounds an estimate: its audit, its schedule, what it listens to.

What sources and units fare is told by the changes of mind of the rules on them, which have a
time: of a moment of the past it is what was known then.
"""

from collections.abc import Iterable
from datetime import datetime

from forecast.alert import ALARMED, Rule, RuleKind
from forecast.audit import Audit, Verdict
from forecast.question import Question
from forecast.reports.surroundings import Heard, Surroundings
from jobs.app import App
from jobs.scheduler import next_slot


def surroundings(
    app: App, question: Question, newest: datetime | None, heard: tuple[Heard, ...], now: datetime
) -> Surroundings:
    """What surrounds the estimate of a question as of `newest`, at `now`."""
    if newest is None:
        return Surroundings(heard=heard)
    return Surroundings(_audit(app, question, now), _due(app, question, newest), heard)


def heard_at(app: App, units: Iterable[str], now: datetime) -> dict[str, tuple[Heard, ...]]:
    """What rules listen to on behalf of some units: each unit itself, and every source."""
    sources = [
        _heard(app, "source", source.id, rules, now)
        for source in app.config.sources
        if (rules := app.config.rules_of(RuleKind.SOURCE, source.id))
    ]
    return {unit: (*_of_unit(app, unit, now), *sources) for unit in units}


def _of_unit(app: App, unit: str, now: datetime) -> list[Heard]:
    rules = app.config.rules_of(RuleKind.STALE, unit)
    return [_heard(app, "unit", unit, rules, now)] if rules else []


def _heard(app: App, kind: str, name: str, rules: list[Rule], now: datetime) -> Heard:
    for rule in rules:
        said = app.store.alerts.transitions(subject=name, rule_id=rule.rule_id)
        until = [change for change in said if change.at <= now]
        if until and until[-1].after in ALARMED:
            return Heard(kind, name, until[-1].detail or f"rule {rule.rule_id} fires")
    return Heard(kind, name)


def _audit(app: App, question: Question, now: datetime) -> Audit | None:
    """The newest that could be judged."""
    found = app.store.audits(question.question_id)
    judged = [one for one in found if one.as_of <= now and one.verdict is not Verdict.OPEN]
    return judged[-1] if judged else None


def _due(app: App, question: Question, newest: datetime) -> datetime | None:
    """The first slot after an estimate of the schedules that update the question."""
    slots = [
        slot + schedule.delay(slot)
        for schedule in app.config.schedules
        if schedule.kind == "update" and schedule.takes(question)
        for slot in [next_slot(schedule, newest)]
        if slot is not None
    ]
    return min(slots, default=None)
