"""The leak check of stacking: nothing for honest facts, and a leak is found."""

from dataclasses import replace

import numpy as np

from jobs.backtest.stack_check import stack_changes
from models.panel.facts import Facts
from tests.jobs.backtest.test_stacking import REFITS, TASK, world

CHECKED = [REFITS[1], REFITS[2] + 60.0, REFITS[3] + 90.0]


class HappenedIsKnown(Facts):
    """Facts that take whatever happened for known."""

    def __post_init__(self) -> None:
        known = replace(self.events, known=self.events.occurred)
        object.__setattr__(self, "events", known)


def test_what_is_planted_later_changes_no_stacked_forecast() -> None:
    rows, facts = world()
    assert stack_changes(rows, facts, TASK, REFITS, CHECKED, seed=1) == 0


def test_outcomes_that_are_taken_for_known_too_early_are_found() -> None:
    rows, facts = world()
    leaky = HappenedIsKnown(facts.units, facts.tags, facts.kinds, facts.indicators, facts.events)
    changed = stack_changes(rows, leaky, TASK, REFITS, CHECKED, seed=1)
    assert changed > 0
    assert changed <= len(np.unique(rows.unit)) * len(CHECKED)
