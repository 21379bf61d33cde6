"""Why an estimate is what it is: from what is stored alone. Nothing is fitted, nothing written."""

import math
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Any

from forecast.alert import Rule, RuleState, State
from forecast.clock import format_instant
from forecast.errors import ConfigError, HeldError, UsageError
from forecast.estimate import Estimate, Health
from forecast.explanation import Explanation, IncidentPart, Part, Scenario, TagPart
from forecast.question import Question
from jobs.app import App
from jobs.update import Snapshots, prepare
from models.api import EventModel, Explainer
from models.registry import family

SCHEMA_VERSION = 1
SAME = 1e-6  # a probability that differs by more rests on other facts
NOISELESS = 1e-9  # a Monte Carlo part below this is rounding: the draws stayed


@dataclass(frozen=True, slots=True)
class RuleReading:
    """A rule that watches the question, and whether it rings as of the estimate."""

    rule: Rule
    rings: bool

    def verdict(self, p: float) -> str:
        """What the rule makes of another P: "fires", "holds" (between its lines), or "clears"."""
        if p >= self.rule.fire_at:
            return "fires"
        return "clears" if p <= self.rule.clear_at else "holds"


@dataclass(frozen=True, slots=True)
class Explained:
    """An estimate with its explanation; `move_error` is the Monte Carlo error of its last move.

    `remarks` say where the explanation and the stored estimate do not speak of the same thing.
    """

    question: Question
    estimate: Estimate
    explanation: Explanation
    rules: tuple[RuleReading, ...]
    move_error: float | None
    remarks: tuple[str, ...]


def explain_question(
    app: App,
    question_id: str,
    as_of: datetime | None = None,
    find: Callable[[str], EventModel] = family,
) -> Explained:
    """Explain the newest estimate of a question, or the newest at or before a moment.

    `find` gives the family of a name. UsageError where there is nothing to explain or the
    family cannot, HeldError where the stored draws no longer fit what is believed.
    """
    question = app.store.question(question_id)
    history = app.store.estimates(question_id, until=as_of)
    if not history:
        before = f" at or before {format_instant(as_of)}" if as_of else " yet"
        raise UsageError(f"has no estimate{before}: tocsin update makes one", at=question_id)
    estimate = history[-1]
    model = find(_family_of(app, question))
    explanation = _explanation(app, question, estimate, model)
    error = _move_error(estimate, history[-2]) if len(history) > 1 else None
    return Explained(
        question,
        estimate,
        explanation,
        _rules(app, question, estimate.as_of),
        error if estimate.moved else None,
        tuple(_remarks(estimate, explanation)),
    )


def _family_of(app: App, question: Question) -> str:
    config, definition = app.config, question.definition
    if definition not in config.definitions:
        words = f"question '{question.question_id}' asks for it, but it is not defined"
        raise ConfigError(words, at=f"definitions.{definition}")
    return config.definitions[config.root_of(definition)].model


def _explanation(
    app: App, question: Question, estimate: Estimate, model: EventModel
) -> Explanation:
    name = question.question_id
    if not isinstance(model, Explainer):
        raise UsageError(f"the family '{model.name}' cannot explain its answers", at=name)
    work = prepare(app, track_of(app, question), Snapshots(app, estimate.as_of), {})
    if work is None or question not in work.task.questions:
        raise UsageError(f"had ended by {format_instant(estimate.as_of)}", at=name)
    if work.reference:
        raise UsageError(work.reference.words, at=name)
    if model.model_hash(work.task.beliefs) != estimate.model_hash:
        raise HeldError("the model has changed since its estimate; update it first", at=name)
    levels = tuple(sorted({rule.fire_at for rule in app.config.lines_for(question)}))
    task = replace(work.task, thresholds={name: levels})
    return model.explain(task, question, work.state)


def track_of(app: App, question: Question) -> list[Question]:
    """The questions that are answered from the same draws."""
    config, root = app.config, app.config.root_of(question.definition)
    return [
        other
        for other in app.store.questions()
        if other.unit == question.unit
        and other.definition in config.definitions
        and config.root_of(other.definition) == root
    ]


def _rules(app: App, question: Question, moment: datetime) -> tuple[RuleReading, ...]:
    name, found = question.question_id, []
    for rule in app.config.lines_for(question):
        changes = app.store.alerts.transitions(subject=name, rule_id=rule.rule_id)
        states = [change.after for change in changes if change.at <= moment]
        now = app.store.alerts.state(rule.rule_id, name)
        found.append(RuleReading(rule, _rings(states, now, moment)))
    return tuple(found)


def _rings(states: list[State], now: RuleState | None, moment: datetime) -> bool:
    """Whether the rule rang after all that had changed by a moment, or as it stands now."""
    if now is not None and (now.since is None or now.since <= moment):
        states = [now.state]
    return bool(states) and states[-1] in (State.FIRING, State.RECOVERING)


def _move_error(estimate: Estimate, before: Estimate) -> float:
    """The error of a move on the log-hazard scale: none where the draws stayed.

    Of log(-log(1 - P)) the slope is 1 / ( -log(1 - P) (1 - P) ).
    """
    if estimate.moved is None or abs(estimate.moved.montecarlo) < NOISELESS:
        return 0.0
    return math.hypot(*(_error(e.probability, e.mcse) for e in (before, estimate)))


def _error(p: float, mcse: float) -> float:
    slope = -math.log1p(-p) * (1 - p) if p < 1 else 0.0
    return mcse / slope if slope > 0 else 0.0


def _remarks(estimate: Estimate, explanation: Explanation) -> list[str]:
    found = []
    if estimate.health is not Health.HEALTHY:
        found.append(f"The estimate is {estimate.health.value}: {estimate.reason}.")
    if abs(estimate.probability - explanation.probability) > SAME:
        found.append(
            f"It was stored as {estimate.probability:.1%}; what is explained is what its draws "
            f"say of all that is known of that moment by now: {explanation.probability:.1%}."
        )
    return found


def explained_json(found: Explained) -> dict[str, Any]:
    """`tocsin explain --json`: probabilities 0 to 1, times ISO 8601, null for what is no number.

    Parts are of the log hazard; each comes with the multiplier that it is. `moved` sums to
    log(-log(1-to)) - log(-log(1-from)).
    """
    explanation, move = found.explanation, found.estimate.moved
    return {
        "schema_version": SCHEMA_VERSION,
        "question_id": explanation.question_id,
        "as_of": format_instant(explanation.as_of),
        "probability": explanation.probability,
        "mcse": explanation.mcse,
        "draws": explanation.draws,
        "method": found.estimate.method,
        "health": found.estimate.health.value,
        "remarks": list(found.remarks),
        "whole": _part(explanation.whole) if explanation.whole else None,
        "tags": [_tag(tag) for tag in explanation.tags],
        "moved": move
        and {"from": move.from_probability, "to": move.to_probability}
        | {name: _number(part) for name, part in move.parts().items()}
        | {"montecarlo_error": found.move_error},
        "rules": [_rule(reading, found) for reading in found.rules],
        "scenarios": [_scenario(s, found) for s in explanation.scenarios],
        "incidents_not_left_out": explanation.untested,
        "scalings": [asdict(s) | {"khat": _number(s.khat)} for s in explanation.scalings],
        "swings": [asdict(swing) for swing in explanation.swings],
        "conflict": asdict(explanation.conflict),
        "notes": [asdict(note) for note in explanation.notes],
    }


def _part(part: Part) -> dict[str, Any]:
    levels = {name: getattr(part, name) for name in ("median", "lower", "upper")}
    multiplier = {name: _number(math.exp(min(v, 700.0))) for name, v in levels.items()}
    return {"log_hazard": {"mean": part.mean} | levels, "multiplier": multiplier}


def _tag(tag: TagPart) -> dict[str, Any]:
    return {
        "tag": tag.tag,
        "kind": tag.kind,
        "covariate": tag.covariate,
        "highest": tag.highest,
        **_part(tag.part),
        "incidents": [_incident(incident) for incident in tag.incidents],
    }


def _incident(incident: IncidentPart) -> dict[str, Any]:
    times = {name: format_instant(getattr(incident, name)) for name in ("occurred_at", "known_at")}
    facts = asdict(incident)
    del facts["part"]
    return facts | times | _part(incident.part)


def _rule(reading: RuleReading, found: Explained) -> dict[str, Any]:
    rule = reading.rule
    return {
        "rule_id": rule.rule_id,
        "fire_at": rule.fire_at,
        "clear_at": rule.clear_at,
        "rings": reading.rings,
        "verdict": reading.verdict(found.explanation.probability),
    }


def _scenario(scenario: Scenario, found: Explained) -> dict[str, Any]:
    verdicts = {r.rule.rule_id: r.verdict(scenario.probability) for r in found.rules}
    return asdict(scenario) | {"rules": verdicts}


def _number(number: float) -> float | None:
    return number if math.isfinite(number) else None
