"""The publish gate of a watch: which classes are published as a baseline, and with what number.

The newest stored backtest of a root definition by its present family decides, if its data ended
before the moment of the update. The baseline is then forecast anew at every unit of the class
by the very code that was scored, learnt from all windows that have ended by now.
"""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime

import numpy as np

from forecast.backtest import Backtest, BacktestTask
from forecast.clock import days_between, parse_instant
from forecast.publishing import Published, PublishRule, publish
from forecast.question import Snapshot
from jobs.backtest.blocks import References
from models.panel.family import class_facts
from models.priors.beliefs import Beliefs
from models.reference import Reference

EPOCH = parse_instant("1970-01-01")


def judge(backtest: Backtest, rule: PublishRule) -> Published:
    """What a stored backtest lets be published under the present rule."""
    return publish(backtest.skill, backtest.scores, backtest.baselines, rule)


def references_at(
    task: BacktestTask,
    published: Published,
    snapshots: Iterable[Snapshot],
    beliefs: Beliefs,
    as_of: datetime,
) -> dict[str, Reference]:
    """What the baseline says of every unit of the class as of a moment.

    Quiet days are not left out, as a question may be open in them.
    """
    facts = class_facts(tuple(snapshots), beliefs)
    now = days_between(EPOCH, as_of)
    asked = replace(task, definition=beliefs.definition, score_start=as_of, quiet_days=0.0)
    references = References.of(facts, asked, [now])
    rows = references.marks.origin == now
    p = references.forecasts(now, rows)[published.what]
    units = [facts.units[code] for code in references.marks.unit[rows]]
    return {
        unit: Reference(published.what, task.horizon_days, float(each), published.words)
        for unit, each in zip(units, np.asarray(p), strict=True)
    }
