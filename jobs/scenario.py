"""Scenario tests: the real pipeline on scripted forecasts, on a store in memory, at no real time.

Everything from the snapshot to the outbox is what `tocsin serve` runs; only inference is
replaced by the numbers of the file, and every receiver takes every message at once.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from hashlib import sha256
from math import exp, log
from pathlib import Path
from statistics import NormalDist
from typing import TYPE_CHECKING

from forecast.alert import ChannelState, Delivery, RuleState, Selector, Silence
from forecast.clock import format_instant
from forecast.config import Config
from forecast.errors import TocsinError
from forecast.estimate import QUANTILE_LEVELS, Estimate, Health, Interval, Move, log_hazard
from forecast.evidence import Report, Resolution
from forecast.question import Question
from forecast.store import open_store
from forecast.watch import Watch
from forecast.words import parse_factor
from jobs.app import App
from jobs.ringing import ring
from jobs.scenario_file import (
    AckAct,
    Event,
    Expectation,
    Message,
    Series,
    Step,
    read_scenario,
    span,
)
from jobs.scenario_plan import Plan, config_of, plan_of

if TYPE_CHECKING:
    from jobs.decisions import Work
    from jobs.update import Inferred

LEASE = timedelta(minutes=1)
INSTANT = timedelta(microseconds=1)
OWNER = "scenario"
MOST_AT_ONCE = 1000
Z_90 = NormalDist().inv_cdf(0.95)


@dataclass(frozen=True, slots=True)
class Told:
    """One message as a channel got it: what it tells, each "kind rule subject" in words.

    `form` is "group" or "digest", or "" for a message that tells one thing.
    """

    at: datetime
    channel: str
    form: str
    lines: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.form} of [{', '.join(self.lines)}]" if self.form else self.lines[0]


@dataclass(frozen=True, slots=True)
class Failure:
    """An expectation that was not met, in words."""

    at: datetime
    what: str
    expected: tuple[str, ...]
    found: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one test came to."""

    name: str
    failures: tuple[Failure, ...]


def run_file(path: Path, watch: Callable[[], Config]) -> list[Outcome]:
    """Run every test of a file; InputError, before any runs, where it is malformed.

    `watch` reads the configuration that is tested where the file has no rules of its own.
    """
    file = read_scenario(path)
    config = config_of(file, watch, str(path))
    plans = [
        plan_of(file, trial, config, f"{path}: tests.{number}")
        for number, trial in enumerate(file.tests)
    ]
    return [_run(config, plan) for plan in plans]


def run_plan(app: App, plan: Plan) -> Outcome:
    """Run one test on a store that knows none of its questions yet."""
    stage = _Stage(app, plan)
    app.store.add_questions(_questions(plan), plan.start)
    events, expect = list(plan.events), list(plan.expect)
    for now, is_busy in plan.moments():
        while events and events[0][0] <= now:
            _, event, after = events.pop(0)
            stage.app = App(Watch(app.watch.folder, after), app.store)
            _enact(stage, event, now)
        if plan.is_update(now):
            _update(stage, now)
        if is_busy or stage.waits or plan.has_clockwork:
            _tell(stage, now)
        while expect and expect[0][0] <= now:
            _check(stage, expect.pop(0)[1], now)
    _check_nothing_more(stage)
    return Outcome(plan.trial.name, tuple(stage.failures))


def _run(config: Config, plan: Plan) -> Outcome:
    with App(Watch(Path(), config), open_store("sqlite://")) as app:
        return run_plan(app, plan)


@dataclass(slots=True)
class _Stage:
    """A test as it runs: the desk, what channels were told, and how far that was looked at.

    `ended` are the questions that were resolved; `waits` says whether something is to be told.
    """

    app: App
    plan: Plan
    told: list[Told] = field(default_factory=list)
    looked_at: dict[str, int] = field(default_factory=dict)
    failures: list[Failure] = field(default_factory=list)
    ended: dict[str, Question] = field(default_factory=dict)
    waits: bool = False


def _questions(plan: Plan) -> list[Question]:
    """The questions as the store is told of them, open from before the first forecast."""
    return [
        Question(
            series.question,
            series.title or series.question,
            series.unit,
            series.definition,
            plan.start - timedelta(days=1),
            series.deadline or plan.end + timedelta(days=365),
        )
        for series in plan.trial.series
    ]


def _enact(stage: _Stage, event: Event, now: datetime) -> None:
    """What happens beside the forecasts; what is told becomes known just before `now`."""
    store, known_at = stage.app.store, now - INSTANT
    if (silence := event.silence) is not None:
        selector = Selector(
            rules=tuple(silence.rules),
            questions=tuple(silence.questions),
            units=tuple(silence.units),
            tags=tuple(silence.tags),
            severities=tuple(silence.severities),
        )
        name = f"{OWNER}-{len(store.alerts.silences())}"
        ends_at = now + span(silence.for_)
        store.alerts.add_silence(Silence(name, selector, OWNER, silence.reason, now, ends_at), now)
    if (end := event.resolve) is not None:
        store.add_resolutions([Resolution(end.question, end.outcome, known_at, OWNER)], now)
        stage.ended[end.question] = store.question(end.question)
    if (report := event.report) is not None:
        name = f"{report.unit} {report.tag} {format_instant(now)}"
        store.add_reports([Report(name, report.unit, report.tag, known_at, known_at)], now)
    if (channel := event.channel) is not None:
        state = ChannelState(channel.id, channel.health, now, channel.reason)
        store.alerts.add_channel_state(state, now)
    if (ack := event.ack) is not None:
        _acknowledge(stage, ack, now)


def _acknowledge(stage: _Stage, ack: AckAct, now: datetime) -> None:
    from jobs.silencing import acknowledge

    try:
        acknowledge(stage.app, ack.rule, ack.question, ack.author, ack.note, now)
    except TocsinError as error:
        what = f"acknowledging {ack.rule} on {ack.question}"
        stage.failures.append(Failure(now, what, ("is possible",), (error.message,)))


def _update(stage: _Stage, now: datetime) -> None:
    """Update the questions that have a forecast now, and end those that were resolved."""
    from jobs.decisions import Occasion
    from jobs.update import update_questions

    steps = {name: step for name, step in stage.plan.steps.get(now, {}).items() if step}
    names = {*steps, *stage.ended}
    questions = [q for q in stage.app.store.questions() if q.question_id in names]
    if not questions:
        return
    series = {one.question: one for one in stage.plan.trial.series}

    def scripted(_infer: object, works: "Iterable[Work]") -> "Iterator[Inferred]":
        from models.api import Answer

        for work in works:
            estimates = [
                _estimate(question, steps.get(question.question_id), series, work, now)
                for question in work.task.questions
            ]
            yield Answer(tuple(e for e in estimates if e is not None), work.state)

    updated = update_questions(stage.app, questions, now, Occasion(now), scripted)
    for error in updated.failures:
        stage.failures.append(Failure(now, "the update", ("succeeds",), (str(error),)))


def _estimate(
    question: Question,
    step: Step | None,
    series: dict[str, Series],
    work: "Work",
    now: datetime,
) -> Estimate | None:
    """The scripted estimate; of a model that fails the last number, held, or none."""
    name = question.question_id
    last = work.task.previous.get(name)
    digest = sha256(f"{name} {format_instant(now)}".encode()).hexdigest()
    if step is None:
        return None
    if step.probability is None:
        if last is None:
            return None
        held = {"health": Health.HELD, "reason": "the scenario says so", "moved": None}
        return replace(last, as_of=now, inputs_digest=digest, **held)  # type: ignore[arg-type]
    p, told = step.probability, series[name]
    return Estimate(
        question_id=name,
        as_of=now,
        probability=p,
        interval=Interval(p, p),
        mcse=told.mcse,
        health=Health.HEALTHY,
        model=OWNER,
        model_hash=OWNER,
        method=OWNER,
        inputs_digest=digest,
        diagnostics={"ess": told.ess},
        moved=_move(last, p, step.cause),
        quantiles=_quantiles(p, told.spread),
    )


def _move(last: Estimate | None, p: float, cause: str) -> Move | None:
    if last is None:
        return None
    part = log_hazard(p) - log_hazard(last.probability)
    return Move(last.probability, p, **{cause: part})


def _quantiles(p: float, spread: str | None) -> tuple[float, ...]:
    """Those of log odds that are normal about p, 90 % within the factor; none without one."""
    if spread is None or not 0.0 < p < 1.0:
        return ()
    centre, deviation = log(p / (1.0 - p)), log(parse_factor(spread)) / Z_90
    normal = NormalDist(centre, deviation)
    return tuple(1.0 / (1.0 + exp(-normal.inv_cdf(level))) for level in QUANTILE_LEVELS)


def _tell(stage: _Stage, now: datetime) -> None:
    """Ring, and have every message taken, until nothing more is to be told."""
    store = stage.app.store
    while ring(stage.app, now):
        for delivery in store.claim_deliveries(now, OWNER, LEASE, MOST_AT_ONCE):
            store.mark_delivered(delivery, now)
            stage.told.append(_told(delivery, now))
    stage.waits = bool(store.alerts.waiting())


def _told(delivery: Delivery, now: datetime) -> Told:
    members = delivery.facts.get("members")
    form = delivery.facts["kind"] if members is not None else ""
    lines = [
        f"{facts['kind']} {facts['rule']['id']} {facts['subject']['id']}"
        for facts in (members or [delivery.facts])
    ]
    return Told(now, delivery.channel, form, tuple(lines))


def _check(stage: _Stage, expected: Expectation, now: datetime) -> None:
    if expected.channel is not None:
        _check_told(stage, expected.channel, expected.told or [], now)
        return
    rule, subject = expected.rule or "", expected.question or ""
    state = stage.app.store.alerts.state(rule, subject) or RuleState(rule, subject)
    for key in ("state", "episode", "health"):
        wanted, found = getattr(expected, key), getattr(state, key)
        if wanted is not None and wanted != found:
            what = f"{key} of {rule} on {subject}"
            stage.failures.append(Failure(now, what, (str(wanted),), (str(found),)))


def _check_told(stage: _Stage, channel: str, expected: list[Message], now: datetime) -> None:
    """Exactly these since the last look at the channel, in this order."""
    all_told = [told for told in stage.told if told.channel == channel]
    found = all_told[stage.looked_at.get(channel, 0) :]
    stage.looked_at[channel] = len(all_told)
    if len(found) == len(expected) and all(map(_is_it, expected, found)):
        return
    stage.failures.append(
        Failure(
            now,
            f"what {channel} was told",
            tuple(_in_words(message) for message in expected),
            tuple(f"{told}, at {format_instant(told.at)}" for told in found),
        )
    )


def _is_it(expected: Message, found: Told) -> bool:
    if isinstance(expected, str):
        return not found.form and _fits(expected, found.lines[0])
    ((form, lines),) = expected.items()
    same = form == found.form and len(lines) == len(found.lines)
    return same and all(map(_fits, lines, found.lines))


def _fits(expected: str, line: str) -> bool:
    """Whether the words are those that the line begins with."""
    words = expected.split()
    return line.split()[: len(words)] == words


def _in_words(message: Message) -> str:
    if isinstance(message, str):
        return message
    ((form, lines),) = message.items()
    return f"{form} of [{', '.join(lines)}]"


def _check_nothing_more(stage: _Stage) -> None:
    """Of channels that were looked at, what was told after the last look is one too many."""
    for channel in stage.looked_at:
        _check_told(stage, channel, [], stage.plan.end)
