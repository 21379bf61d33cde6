"""The tables of docs/results.md say what the results say, and their commands are commands."""

import shlex
from pathlib import Path

import pytest

from benchmarks.results import HEAD, OTHERS, SETS, interval, line, name, row
from forecast.reports.backtest.as_json import backtest_json
from tests.command import run
from tests.forecast.backtest_samples import backtest


def test_a_line_has_the_numbers_of_its_result() -> None:
    found = backtest_json(backtest())
    cells = dict(zip(HEAD, line(found), strict=True))
    assert cells["log loss"] == f"**{found['scores']['log_loss']:.4f}**"
    best = min(found["baselines"].items(), key=lambda item: item[1]["log_loss"])
    assert cells["best baseline: log loss"] == f"{best[0]}: {best[1]['log_loss']:.4f}"
    assert row(line(found)).count(" | ") == len(HEAD) - 1


def test_a_gain_without_an_interval_stands_alone() -> None:
    assert interval({"value": 0.00123, "lower": None, "upper": None}, 1e3) == "1.23"
    assert interval({"value": 0.001, "lower": -0.002, "upper": 0.003}, 1e3) == (
        "1.00 (-2.00 to 3.00)"
    )


def test_a_task_of_flags_goes_by_what_was_asked() -> None:
    asked = {"definition": "strike", "horizon_days": 14.0, "quiet_days": 0.0}
    assert name({"task": "backtest", "settings": asked}) == "strike, 14 days"
    assert name({"task": "backtest", "settings": asked | {"quiet_days": 180.0}}) == (
        "strike, 14 days, 180 quiet days before"
    )


@pytest.mark.parametrize("arguments", [*SETS, *OTHERS])
def test_every_flag_of_a_command_is_one(arguments: str, tmp_path: Path) -> None:
    said = run("backtest", "--help", folder=tmp_path).stdout
    flags = [word for word in shlex.split(arguments) if word.startswith("--")]
    assert all(flag in said for flag in flags)
