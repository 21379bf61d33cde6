"""The publish gate of a watch: which classes are published as a baseline, and with what number.

The newest stored backtest decides, of those whose data had ended by the moment of the update: the
walk over the units of a root definition by its present family, or else that over the questions of
the watch, of which those of the definition count. The baseline of a walk over units is forecast
anew at every unit, by the very code that was scored and from all windows that have ended by now;
that of questions is the family `base-rate`.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

import numpy as np

from forecast.backtest import Backtest, BacktestTask
from forecast.clock import days_between, parse_instant
from forecast.publishing import FEWEST_EVENTS, publish
from forecast.question import Snapshot
from jobs.app import App
from jobs.learning import class_of
from models.pool.record import is_of_class
from models.priors.beliefs import Beliefs, beliefs_of
from models.reference import Reference

EPOCH = parse_instant("1970-01-01")
BASE_RATE = "base-rate"
QUESTIONS = ("*", "own")  # the definition and the model of a walk over the questions of a watch


@dataclass(frozen=True, slots=True)
class Class:
    """A class that is published as the baseline `name`: what it says of each unit, and why."""

    name: str
    horizon: float
    words: str
    p: Mapping[str, float]

    def at(self, unit: str) -> Reference:
        """What is published of one unit."""
        return Reference(self.name, self.horizon, self.p.get(unit), self.words)


def published_class(app: App, definition: str, as_of: datetime) -> Class | None:
    """A root definition's class as its baseline; None where the model is published."""
    rule, model = app.config.publish.rule(), app.config.definitions[definition].model
    if rule.gate == "off":
        return None
    results = app.store.backtests.results()
    # a walk over units by the name of `pool` stacks what a class teaches, whatever is pooled here
    pooled = beliefs_of(app.config, definition).pool
    is_walked = pooled is None or is_of_class(pooled)
    of_units = newest(results, definition, model, as_of) if is_walked else None
    if of_units is not None:
        return _by_units(app, of_units, definition, as_of)
    of_questions = None if model == BASE_RATE else newest(results, *QUESTIONS, as_of)
    return None if of_questions is None else _by_questions(app, of_questions, definition)


def newest(
    results: Iterable[Backtest], definition: str, model: str, as_of: datetime
) -> Backtest | None:
    """Of results, the newest first, that of a definition and family on data of before a moment."""
    of_class = (r for r in results if (r.task.definition, r.task.model) == (definition, model))
    return next((r for r in of_class if r.task.data_end <= as_of), None)


def _by_units(app: App, record: Backtest, definition: str, as_of: datetime) -> Class | None:
    """By a walk over the units of the class."""
    rule = app.config.publish.rule()
    published = publish(record.skill, record.scores, record.baselines, rule)
    if published.is_model:
        return None
    snapshots, beliefs = class_of(app, definition, as_of), beliefs_of(app.config, definition)
    p = numbers(record.task, published.what, snapshots, beliefs, as_of)
    words = f"{published.words} (backtest {record.run_id})"
    return Class(published.what, record.task.horizon_days, words, p)


def _by_questions(app: App, record: Backtest, definition: str) -> Class | None:
    """By a walk over the watch's questions, of which those of the class are told apart."""
    from forecast.scoring.bootstrap import skill
    from forecast.scoring.scores import scores
    from jobs.backtest.packing import unpack_forecasts

    kept = app.store.backtests.find(record.run_id).forecasts
    rows = unpack_forecasts(kept, record.run_id)
    base = rows.baselines.get(BASE_RATE, np.full(len(rows), np.nan))
    codes = _codes(app, definition, rows.units, record.task.data_end)
    mine = np.isin(rows.unit, codes) & np.isfinite(base)
    p, base, outcome, origin = (a[mine] for a in (rows.p, base, rows.outcome, rows.origin))
    questions = [len(np.unique(rows.unit[mine][outcome == came])) for came in (0.0, 1.0)]
    if min(questions) < FEWEST_EVENTS:
        return None
    gained = skill(p, base, outcome, origin, record.task.horizon_days, BASE_RATE, record.seed)
    ours, its = scores(p, outcome), scores(base, outcome)
    rule = app.config.publish.rule()
    published = publish({BASE_RATE: gained}, ours, {BASE_RATE: its}, rule)
    if published.is_model:
        return None
    words = f"{published.words} of {sum(questions)} questions (backtest {record.run_id})"
    return Class(published.what, record.task.horizon_days, words, {})


def _codes(app: App, definition: str, names: tuple[str, ...], until: datetime) -> list[int]:
    """The places among names of the questions that the root definition's track answers.

    Only those whose deadline was over: of later ones the walk has the early yeses and no noes.
    """
    config = app.config
    mine = {
        q.question_id
        for q in app.store.questions()
        if q.definition in config.definitions
        and config.root_of(q.definition) == definition
        and q.deadline < until
    }
    return [code for code, name in enumerate(names) if name in mine]


def numbers(
    task: BacktestTask,
    baseline: str,
    snapshots: tuple[Snapshot, ...],
    beliefs: Beliefs,
    as_of: datetime,
) -> dict[str, float]:
    """P within the task's horizon at every unit of the class, by a baseline of its backtest.

    Quiet days are not left out, as a question may be open in them.
    """
    from jobs.backtest.blocks import References
    from models.panel.family import class_facts

    facts, now = class_facts(snapshots, beliefs), days_between(EPOCH, as_of)
    asked = replace(task, definition=beliefs.definition, score_start=as_of, quiet_days=0.0)
    references = References.of(facts, asked, [now])
    rows = references.marks.origin == now
    p = references.forecasts(now, rows)[baseline].tolist()
    units = [facts.units[code] for code in references.marks.unit[rows]]
    return dict(zip(units, p, strict=True))
