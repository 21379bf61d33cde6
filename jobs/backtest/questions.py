"""The questions of a watch that have ended, forecast again as its desk would have.

Each is forecast by its own family from its opening on, every so often, until it was known to
have ended or its deadline came. A block is one track, or all tracks of a definition that learns
from a class of units, so that the class is learnt once for all of them.
"""

import threading
import time
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import count, takewhile
from statistics import median

import numpy as np
from threadpoolctl import threadpool_limits

from forecast.backtest import BacktestTask, Forecasts
from forecast.clock import DAY
from forecast.errors import TocsinError, UsageError
from forecast.evidence import CrowdForecast, Event, Outcome, Report, Resolution
from forecast.names import matches
from forecast.question import Question
from forecast.resolving import Endings
from jobs.app import App
from jobs.backtest.blocks import Done
from jobs.backtest.origins import step_of, to_days
from jobs.backtest.replay import Forecast, forecasts, scratch
from jobs.preview import answering_event

NAME = "questions"
EVERY = "7 days"
OWN_FAMILIES = "own"  # the family of each question's definition
CROWD_FOR = timedelta(days=14)  # so long a forecast of others stands
CHECKED = 3  # blocks
PLANTED = 20  # reports and corrections a unit
SHOWN = 3  # failures of a block

# a fit loads its data into the compiled densities of its process
_ONE_AT_A_TIME = threading.Lock()


@dataclass(frozen=True, slots=True)
class Ended:
    """A question that ended with `outcome` 1 or 0, and when it is forecast.

    `event_at` is when what answered it happened, in days since 1970, NaN after a no; `until` when
    its forecasts ended: with its answer, or its deadline, which `is_past` says has come.
    """

    question_id: str
    outcome: int
    event_at: float
    until: datetime
    is_past: bool
    origins: tuple[datetime, ...]


@dataclass(frozen=True, slots=True)
class QuestionBlock:
    """Questions that are forecast together; `names` are the ids of all, of which rows are codes.

    With `check_at` the forecasts up to then are made again, without what was known later and
    with other such facts planted.
    """

    place: int
    names: tuple[str, ...]
    asked: tuple[Ended, ...]
    check_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """A walk over questions: its task, its blocks, and what was left out of it."""

    task: BacktestTask
    blocks: tuple[QuestionBlock, ...]
    findings: tuple[str, ...]

    def ended(self) -> dict[str, Ended]:
        """The questions by their ids."""
        return {one.question_id: one for block in self.blocks for one in block.asked}


def plan(app: App, patterns: Sequence[str], every: str, now: datetime, check: bool) -> Plan:
    """What is to be forecast of a watch; UsageError where no question has ended."""
    step = step_of(every)
    if isinstance(step, int):
        raise UsageError("questions are forecast every so many days, such as '7 days'")
    found: list[tuple[tuple[str, ...], Ended]] = []
    void = open_ = 0
    for question in app.store.questions():
        if not matches(question.question_id, patterns or ("*",)):
            continue
        end = _end(app, question, now)
        if end is None or end.outcome is Outcome.VOID:
            void, open_ = void + (end is not None), open_ + (end is None)
            continue
        one = _ended(app, question, end, step, now)
        if one.origins:
            found.append((_block_of(app, question), one))
    if not found:
        raise UsageError("no question has ended that was open for a forecast", at=NAME)
    findings = ["beliefs are those that the watch states today, with what was learnt since"]
    findings += [f"{open_} questions are still open, {void} were void"] if open_ or void else []
    return Plan(
        _task([one for _, one in found], every, now), _blocks(found, check), tuple(findings)
    )


def _end(app: App, question: Question, now: datetime) -> Resolution | None:
    if question.definition not in app.config.definitions:
        return None
    return Endings(app.config, app.store.snapshot(question, now)).of(question)


def _ended(app: App, question: Question, end: Resolution, step: float, now: datetime) -> Ended:
    until = min(question.deadline, end.known_at)
    moments = (question.opens_at + timedelta(days=step * nth) for nth in count())
    event = answering_event(app, question, end, now)
    happened = event.occurred_at if event else end.known_at
    is_yes = end.outcome is Outcome.YES
    return Ended(
        question_id=question.question_id,
        outcome=int(is_yes),
        event_at=to_days(happened) if is_yes else float("nan"),
        until=until,
        is_past=question.deadline < now,
        origins=tuple(takewhile(lambda moment: moment < until, moments)),
    )


def _block_of(app: App, question: Question) -> tuple[str, ...]:
    """What is forecast together: a track, or a class with all its units."""
    root = app.config.root_of(question.definition)
    return (root,) if app.config.definitions[root].learns else (root, question.unit)


def _blocks(
    found: Sequence[tuple[tuple[str, ...], Ended]], check: bool
) -> tuple[QuestionBlock, ...]:
    together: dict[tuple[str, ...], list[Ended]] = defaultdict(list)
    for key, one in found:
        together[key].append(one)
    names = tuple(sorted(one.question_id for _, one in found))
    return tuple(
        QuestionBlock(
            place, names, tuple(asked), _middle(asked) if check and place < CHECKED else None
        )
        for place, asked in enumerate(together.values())
    )


def _middle(asked: Iterable[Ended]) -> datetime:
    moments = sorted(moment for one in asked for moment in one.origins)
    return moments[len(moments) // 2]


def _task(asked: Sequence[Ended], every: str, now: datetime) -> BacktestTask:
    moments = [moment for one in asked for moment in one.origins]
    length = median((one.until - one.origins[0]) / DAY for one in asked)
    return BacktestTask(
        name=NAME,
        definition="*",
        horizon_days=max(length, 1.0),
        every=every,
        score_start=min(moments),
        score_end=max(moments),
        data_end=now,
        units="all",
        refit="never",
        model=OWN_FAMILIES,
    )


def run_questions(packed: bytes, block: QuestionBlock) -> Done:
    """Forecast the questions of a block on a packed desk."""
    began = time.perf_counter()
    failures: list[TocsinError] = []
    with _ONE_AT_A_TIME, threadpool_limits(1, user_api="blas"):
        with scratch(packed) as (app, _):
            rows = _rows(block, list(forecasts(app, _due(app, block), failures)), app)
        took = time.perf_counter() - began
        planted, changed = _check(packed, block, rows)
    said = tuple(dict.fromkeys(map(str, failures)))
    more = (f"and {len(said) - SHOWN} more failures",) if len(said) > SHOWN else ()
    return Done(rows, None, (*said[:SHOWN], *more), took, planted, changed)


def _due(
    app: App, block: QuestionBlock, until: datetime | None = None
) -> list[tuple[datetime, list[Question]]]:
    """The questions that are forecast at each moment, up to one."""
    due: dict[datetime, list[Question]] = defaultdict(list)
    for one in block.asked:
        question = app.store.question(one.question_id)
        for moment in one.origins:
            if until is None or moment <= until:
                due[moment].append(question)
    return sorted(due.items())


def _rows(block: QuestionBlock, found: Sequence[Forecast], app: App) -> Forecasts:
    """The rows in the order in which they were made; NaN where a reference says nothing."""
    ended = {one.question_id: one for one in block.asked}
    code = {name: place for place, name in enumerate(block.names)}
    crowd = {name: app.store.crowd(name) for name in ended}
    last: dict[str, float] = {}
    rows = []
    for one in found:
        name, estimate = one.question_id, one.estimate
        base = np.nan if one.base_rate is None else one.base_rate
        rows.append(
            (
                code[name], to_days(one.as_of), estimate.probability, estimate.interval.lower,
                estimate.interval.upper, ended[name].outcome, ended[name].event_at,
                base, last.get(name, base), said_by_others(crowd[name], one.as_of),
            )
        )  # fmt: skip
        last[name] = estimate.probability
    table = np.array(rows, float).reshape(-1, 10).T
    baselines = dict(zip(("base-rate", "persistence", "crowd"), table[7:], strict=True))
    unit, origin, p, lower, upper, outcome, event_at = table[:7]
    code_of_row = unit.astype(np.int64)
    return Forecasts(
        block.names, code_of_row, origin, p, lower, upper, outcome, event_at, baselines
    )


def told(rows: Forecasts) -> Forecasts:
    """The rows by origin and question, without a reference that says nothing of any."""
    ordered = rows.rows(np.lexsort((rows.unit, rows.origin)))
    said = {name: p for name, p in ordered.baselines.items() if np.isfinite(p).any()}
    return replace(ordered, baselines=said)


def said_by_others(crowd: Sequence[CrowdForecast], as_of: datetime) -> float:
    """The mean of what each source said last before a moment, of those not too old; or NaN."""
    newest = {c.source: c.probability for c in crowd if as_of - CROWD_FOR <= c.at < as_of}
    return sum(newest.values()) / len(newest) if newest else np.nan


def _check(packed: bytes, block: QuestionBlock, rows: Forecasts) -> tuple[int, int]:
    """How many facts were planted or left out, and how many forecasts that changed."""
    at = block.check_at
    if at is None:
        return 0, 0
    with scratch(packed, at) as (app, left_out):
        due = _due(app, block, at)
        planted = plant(app, {q.unit for _, questions in due for q in questions}, at)
        again = _rows(block, list(forecasts(app, due, [])), app)
    ours, theirs = (_until(found, to_days(at)) for found in (rows, again))
    return left_out + planted, sum(ours.get(k) != theirs.get(k) for k in ours.keys() | theirs)


def _until(rows: Forecasts, last: float) -> dict[tuple[int, float], float]:
    """The forecasts up to a moment, by question and origin."""
    found = zip(rows.unit.tolist(), rows.origin.tolist(), rows.p.tolist(), strict=True)
    return {(unit, origin): p for unit, origin, p in found if origin <= last}


def plant(app: App, units: Iterable[str], at: datetime) -> int:
    """Reports, corrections and events at units that become known at a moment, not before."""
    planted = 0
    for unit in sorted(units):
        tags = sorted(app.config.indicators)[:PLANTED]
        new = [
            Report(f"planted-{unit}-{tag}", unit, tag, at - (nth % 9 + 1) * DAY, at)
            for nth, tag in enumerate(tags)
        ]
        said = app.store.reports(unit, at)[-PLANTED:]
        changed = [replace(r, value=r.value / 2 + 0.01, known_at=at) for r in said]
        events = [
            Event(f"planted-{unit}-{name}", unit, name, at - DAY, at)
            for name in sorted(app.config.definitions)
        ]
        app.store.add_reports([*new, *changed], at)
        app.store.add_events(events, at)
        planted += len(new) + len(changed) + len(events)
    return planted
