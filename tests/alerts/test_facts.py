"""Facts of an alert: what they are made of may be broken, and they can still be sent."""

import json
from dataclasses import replace

import pytest

from forecast.estimate import Move
from tests.alerts.fact_samples import ESTIMATE, facts


@pytest.mark.parametrize("number", [float("nan"), float("inf")])
@pytest.mark.parametrize("part", ["from_probability", "to_probability", "evidence"])
def test_a_move_of_numbers_that_are_none_is_left_out(part: str, number: float) -> None:
    move = replace(Move(0.38, 0.43, time=-0.02, evidence=0.17), **{part: number})
    told = facts(estimate=replace(ESTIMATE, moved=move))
    assert told["moved"] is None
    json.dumps(told, allow_nan=False)
