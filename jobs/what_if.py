"""What if: a report came, nothing was heard, an incident were taken back. Nothing is written."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from forecast.clock import days_between
from forecast.config import Config
from forecast.errors import ConfigError, UsageError
from forecast.estimate import Estimate
from forecast.evidence import Report
from forecast.names import did_you_mean
from forecast.question import Question
from forecast.words import parse_days
from jobs.app import App
from jobs.decisions import Failure, States, Work, states_of
from jobs.explain import track_of
from jobs.prior_preview import Flip, flips_between
from jobs.update import Snapshots, infer, prepare
from models.api import Task
from models.draws_family import DrawsFamily
from models.explaining import A_MOMENT, WELL_GRADED, WHAT_IF, retracted, silent, watched_from
from models.registry import family
from models.track import lay_out, observation_start

KEYS = ("tag", "value", "days-ago", "reliability", "credibility")
DEAF = ("base-rate",)  # families that hear no reports


@dataclass(frozen=True, slots=True)
class Imagined:
    """A question with and without what is imagined, in words.

    `change_error` is the Monte Carlo error of the difference, an upper bound where the family
    does not answer both from the same draws; `trouble` why the number is not to be relied upon,
    or nothing.
    """

    question: Question
    as_of: datetime
    words: tuple[str, ...]
    before: float
    after: float
    mcse: float
    change_error: float
    flips: tuple[Flip, ...]
    trouble: str


def imagine(
    app: App,
    question_id: str,
    reports: Sequence[str],
    silence: str | None,
    gone: Sequence[str],
    as_of: datetime,
) -> Imagined:
    """The number as of a moment, and with all of it; UsageError for what cannot be."""
    question = app.store.question(question_id)
    if question.definition not in app.config.definitions:
        problem = f"question '{question_id}' asks for it, but it is not defined"
        raise ConfigError(problem, at=f"definitions.{question.definition}")
    states = states_of(app, [question_id])
    work = prepare(app, track_of(app, question), Snapshots(app, as_of), states)
    if work is None or question not in work.task.questions:
        closed = "is not open then: there is nothing to imagine; --as-of takes another moment"
        raise UsageError(closed, at=question_id)
    if work.reference:
        raise UsageError(work.reference.words, at=question_id)
    task = work.task
    words: list[str] = []
    changed = watched_from(task, observation_start(task))
    for incident in gone:
        changed = _taken_back(changed, incident)
        words.append(f"{incident} taken back")
    for text in reports:
        report = report_of(app.config, task, text, len(words))
        changed = _with(changed, report)
        words.append(f"a report of {report.tag} of {report.occurred_at:%d %b}")
    if silence is not None:
        changed = _silent(changed, question, silence)
        words.append(f"{silence} of silence")
    if not words:
        raise UsageError("say what to imagine: --report, --silence or --retract")
    return _answer(app.config, work, changed, question, tuple(words), states)


def _answer(
    config: Config,
    work: Work,
    changed: Task,
    question: Question,
    words: tuple[str, ...],
    states: States,
) -> Imagined:
    task, name = work.task, question.question_id
    model = family(task.beliefs.model)
    if isinstance(model, DrawsFamily):
        from models.what_if import what_if

        found = what_if(model, task, changed, work.state, name)
        before, after, mcse = found.before, found.after, found.mcse
        error, trouble = found.error, found.trouble
    else:
        one, other = _inferred(work, name), _inferred(replace(work, task=changed, same=()), name)
        before, after, mcse = one.probability, other.probability, one.mcse
        error, trouble = math.hypot(one.mcse, other.mcse), other.reason
    flips = tuple(flips_between(config, states, question, (before, mcse), (after, mcse)))
    return Imagined(
        question, task.snapshot.as_of, words, before, after, mcse, error, flips, trouble
    )


def _inferred(work: Work, name: str) -> Estimate:
    answer = infer(replace(work, same=()))
    if isinstance(answer, Failure):
        raise answer.error
    return next(e for e in answer.estimates if e.question_id == name)


def report_of(config: Config, task: Task, text: str, number: int) -> Report:
    """A report from `tag=...,value=...,days-ago=...`; UsageError says what is wrong with it."""
    told: dict[str, str] = {}
    for part in text.split(","):
        key, is_said, value = part.partition("=")
        key = key.strip()
        if not is_said or key not in KEYS:
            hint = did_you_mean(key, KEYS)
            raise UsageError(
                f"'{part.strip()}' is not like tag=NAME or value=0.8{hint}", at="--report"
            )
        told[key] = value.strip()
    tags = [effect.tag for effect in task.beliefs.effects]
    tag = told.get("tag", "")
    if task.beliefs.model in DEAF:
        raise UsageError(f"the family '{task.beliefs.model}' hears no reports", at="--report")
    if tag not in tags:
        raise UsageError(
            f"nothing is believed of the tag '{tag}'{did_you_mean(tag, tags)}", at="--report"
        )
    now = task.snapshot.as_of
    try:
        ago = float(told.get("days-ago", "0"))
        if not 0 <= ago < 36525:
            raise ValueError(f"days-ago {ago:g} is not a number of days from 0 on")
        return Report(
            report_id=f"{WHAT_IF}:{number}",
            unit=task.snapshot.unit,
            tag=tag,
            occurred_at=now - A_MOMENT - timedelta(days=ago),
            known_at=now - A_MOMENT,
            incident_id=f"{WHAT_IF}:{number}",
            value=float(told.get("value", task.beliefs.ordinary_value)),
            source=WHAT_IF,
            reliability=told.get("reliability", WELL_GRADED[0]).upper(),
            credibility=int(told.get("credibility", WELL_GRADED[1])),
        )
    except ValueError as error:
        raise UsageError(str(error), at="--report") from None


def _with(task: Task, report: Report) -> Task:
    reports = sorted([*task.snapshot.reports, report], key=lambda r: (r.known_at, r.report_id))
    return replace(task, snapshot=replace(task.snapshot, reports=tuple(reports)))


def _taken_back(task: Task, incident_id: str) -> Task:
    incidents = lay_out(task).incidents
    tags = {i.tag for i in incidents if i.incident_id == incident_id}
    if not tags:
        hint = did_you_mean(incident_id, [i.incident_id for i in incidents])
        words = f"no incident '{incident_id}' bears on this question{hint}"
        raise UsageError(f"{words}; `tocsin explain` lists them", at="--retract")
    for tag in sorted(tags):
        task = retracted(task, incident_id, tag)
    return task


def _silent(task: Task, question: Question, words: str) -> Task:
    try:
        days = parse_days(words)
    except ValueError as error:
        raise UsageError(str(error), at="--silence") from None
    later = silent(task, days)
    if later.snapshot.as_of >= question.deadline:
        left = days_between(task.snapshot.as_of, question.deadline)
        most = f"it has {left:.4g} days left"
        raise UsageError(f"{words} from now the question is over: {most}", at="--silence")
    return later
