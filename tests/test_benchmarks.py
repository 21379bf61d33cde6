"""The benchmark's rows and the workloads behind them; never how long anything took."""

import doctest
import json
from dataclasses import replace
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest

from benchmarks import backtest, intake, rows
from benchmarks.contenders import Fitted, by_r1, chance
from benchmarks.panel import AHEAD, TAGS, UNITS, synthetic
from benchmarks.refit import Bout
from benchmarks.rows import Row
from benchmarks.run import PARTS, show
from jobs.backtest.origins import origins


def test_a_row_has_the_keys_that_others_read() -> None:
    row = Row("refit", 2.0, "s", "nutpie", 90.0, at_least=40)
    assert json.loads(json.dumps(row.as_json())) == {
        "name": "refit",
        "value": 2.0,
        "unit": "s",
        "peer": "nutpie",
        "peer_value": 90.0,
        "ratio": 45.0,
        "target": ">= 40x",
        "met": True,
    }


@pytest.mark.parametrize(
    ("row", "target", "met"),
    [
        (Row("start", 0.4, "s", at_most=0.4), "<= 0.4 s", True),
        (Row("start", 0.41, "s", at_most=0.4), "<= 0.4 s", False),
        (Row("ingest", 20_000, "/s", at_least=20_000), ">= 20,000 /s", True),
        (Row("ingest", 19_999, "/s", at_least=20_000), ">= 20,000 /s", False),
        (Row("refit", 2.0, "s", "nutpie", 79.0, at_least=40), ">= 40x", False),
        (Row("refit", 2.0, "s", "nutpie", 80.0, at_least=40), ">= 40x", True),
        (Row("refit", 2.0, "s", "NumPyro (skipped)", at_least=1), ">= 1x", None),
        (Row("refit", 2.0, "s"), None, None),
    ],
)
def test_a_budget_is_kept_up_to_its_limit(row: Row, target: str | None, met: bool | None) -> None:
    assert (row.target, row.met) == (target, met)


def test_the_table_says_what_was_missed(capsys: pytest.CaptureFixture[str]) -> None:
    measured = [Row("start", 0.5, "s", at_most=0.4), Row("start", 0.3, "s", at_most=0.4)]
    assert show(iter(measured)) == measured
    head, missed, kept = capsys.readouterr().out.splitlines()
    assert missed.split() == ["start", "0.5", "s", "<=", "0.4", "s", "NO"]
    assert (missed.index("<="), missed.index("NO")) == (head.index("target"), head.index("met"))
    assert kept.endswith("yes")


def test_the_examples_of_how_numbers_are_written_are_true() -> None:
    result = doctest.testmod(rows)
    assert (result.attempted > 0, result.failed) == (True, 0)


@pytest.mark.parametrize("place", PARTS.values())
def test_every_part_is_there(place: str) -> None:
    module, function = place.split(":")
    assert callable(getattr(import_module(module), function))


def test_the_ingest_benchmark_takes_in_what_it_wrote(tmp_path: Path) -> None:
    [row] = intake.measure(tmp_path, full=False, reports=30)
    assert (row.name, row.unit) == ("ingest of 30 reports", "/s")
    assert row.value > 0


def test_a_benchmark_that_loses_reports_says_so(tmp_path: Path) -> None:
    file = intake.write_reports(tmp_path / "reports.csv", 5)
    with pytest.raises(AssertionError, match="5 of 6 reports"):
        intake.take_in(file, tmp_path / "store.db", 6)


def test_the_panel_has_a_row_a_unit_and_week() -> None:
    panel = synthetic(weeks=3)
    assert panel.rows.x.shape == (3 * UNITS, TAGS)
    assert panel.rows.events_by_unit.sum() == panel.rows.events.sum() > 0
    assert np.array_equal(panel.first_unit().x, panel.rows.x[:3])


def test_every_contender_is_asked_for_the_same_probability() -> None:
    panel = synthetic(weeks=3)
    beta = np.linspace(0.0, 0.5, TAGS)
    shape, rate = 2.0, 1 / 500
    draws = np.array([[np.log(rate), np.log(shape), 0.0, *beta]])
    first = panel.first_unit()
    at_risk = (np.exp(first.x @ beta) * first.exposure).sum()
    scale = shape / rate + at_risk
    ahead = AHEAD * np.exp(panel.present @ beta)
    p = 1 - (scale / (scale + ahead)) ** (shape + first.events.sum())
    assert chance(panel, draws) == pytest.approx([p], rel=1e-9)


def test_r1_answers_the_panel_within_its_gates() -> None:
    fitted = by_r1(synthetic(weeks=12))
    assert fitted.gate == ""
    assert 0 < fitted.mcse < fitted.p < 1


def bout(weeks: int, gate: str = "", **at_least: float) -> Bout:
    return Bout(synthetic(weeks), Fitted(0.0, 2.0, 0.1, 0.01, gate), Path(), at_least)


def test_a_peer_is_held_against_the_budget_of_its_panel() -> None:
    row = bout(2, sampling=25).against("nutpie", 60.0, "sampling")
    assert (row.name, row.ratio, row.met) == ("R1 refit, 200 rows", 30.0, True)
    assert bout(2).against("nutpie", 60.0, "sampling").met is None


def test_an_answer_that_its_gate_refuses_keeps_no_budget() -> None:
    assert next(bout(2).gates()).met is True
    assert next(bout(2, gate="too few draws").gates()).met is False


def test_probabilities_are_compared_in_their_combined_error() -> None:
    one, other = Fitted(0.0, 1.0, 0.10, 0.003), Fitted(2.0, 3.0, 0.11, 0.004)
    assert one.distance(other) == pytest.approx(2.0)
    assert other.total == 5.0


def test_the_walk_of_the_budget_has_its_size_and_few_origins_can_be_walked() -> None:
    task = backtest.task_of(backtest.ORIGINS)
    assert len(origins(task)) == backtest.ORIGINS
    facts = backtest.synthetic(origins=6, units=5, tags=2)
    assert (len(facts.units), len(facts.tags)) == (5, 2)
    few = replace(backtest.task_of(6), refit="never", model="panel")
    result, rows = backtest.walked(facts, few, workers=1)
    assert (result.scores.n, len(rows)) == (30, 30)
    assert result.leak_check is not None
    assert result.leak_check.passed
