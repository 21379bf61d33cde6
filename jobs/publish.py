"""The publish gate of a watch: which classes are published as a baseline, and with what number.

The newest stored backtest of a root definition by its present family decides, of those whose data
had ended by the moment of the update. The baseline is then forecast anew at every unit of the
class by the very code that was scored, learnt from all windows that have ended by now.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from forecast.backtest import Backtest, BacktestTask
from forecast.clock import days_between, parse_instant
from forecast.publishing import publish
from forecast.question import Snapshot
from jobs.app import App
from jobs.learning import class_of
from models.priors.beliefs import Beliefs, beliefs_of
from models.reference import Reference

EPOCH = parse_instant("1970-01-01")


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
    record = newest(app.store.backtests.results(), definition, model, as_of)
    if record is None:
        return None
    published = publish(record.skill, record.scores, record.baselines, rule)
    if published.is_model:
        return None
    words = f"{published.words} (backtest {record.run_id})"
    snapshots = class_of(app, definition, as_of)
    p = numbers(record.task, published.what, snapshots, beliefs_of(app.config, definition), as_of)
    return Class(published.what, record.task.horizon_days, words, p)


def newest(
    results: Iterable[Backtest], definition: str, model: str, as_of: datetime
) -> Backtest | None:
    """Of results, the newest first, that of a definition and family on data of before a moment."""
    of_class = (r for r in results if (r.task.definition, r.task.model) == (definition, model))
    return next((r for r in of_class if r.task.data_end <= as_of), None)


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
