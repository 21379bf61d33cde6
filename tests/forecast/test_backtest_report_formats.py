"""The formats of a backtest's report: the same numbers in each, and nobody's text breaks one."""

import csv
import io
import json
import re
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from rich.console import Console

from forecast.reports.backtest.as_csv import forecast_rows, write_forecasts
from forecast.reports.backtest.as_json import backtest_json
from forecast.reports.backtest.html import backtest_html
from forecast.reports.backtest.markdown import backtest_markdown
from forecast.reports.backtest.sections import sections
from forecast.reports.backtest.terminal import print_backtests
from forecast.reports.backtest.view import Result
from forecast.reports.markdown import words
from tests.forecast import backtest_samples as samples
from tests.forecast.html_pages import HOSTILE, text_of


def printed(results: Sequence[Result], width: int = 110) -> str:
    out = io.StringIO()
    print_backtests(results, Console(file=out, width=width))
    return out.getvalue()


def spaced(text: str) -> str:
    return " ".join(text.split())


def plain(markdown: str) -> str:
    """Markdown without its signs."""
    return spaced(re.sub(r"[`*\\]|\| ", "", markdown))


FORMATS: dict[str, Callable[[Sequence[Result]], str]] = {
    "terminal": lambda results: spaced(printed(results)),
    "html": lambda results: text_of(backtest_html(results)),
    "markdown": lambda results: plain(backtest_markdown(results)),
}


def numbers(found: dict[str, Any]) -> Iterator[str]:
    """What of the JSON value a reader must find in every other format, as it is written there."""
    for scores in (found["scores"], *found["baselines"].values()):
        yield from (f"{scores['brier']:.5f}", f"{scores['log_loss']:.5f}", f"{scores['auc']:.3f}")
        yield from (f"{scores['average_precision']:.3f}", f"{scores['expected']:.1f}")
    for skill in found["skill"].values():
        for gain in (skill["brier"], skill["log_loss"]):
            for end in ("value", "lower", "upper"):
                yield f"{gain[end]:+.5f}".replace("-", "−")
        yield f"{100 * skill['share']:+.1f} %".replace("-", "−")
    for part in ("mcb", "dsc", "unc"):
        yield f"{found['calibration'][part]:.5f}"
    for point in found["calibration"]["bins"]:
        yield f"{100 * point['forecast']:.2f} %"
        yield str(point["n"])
    for scores in found["by_year"].values():
        yield from (f"{scores['log_loss']:.5f}", f"{scores['expected']:.1f}", str(scores["events"]))
    for line in (found["alerts"], *found["alerts"]["curve"]):
        yield from (str(line[name]) for name in ("episodes", "hits", "misses", "false_alarms"))
        yield from (f"{100 * line['precision']:.1f} %", f"{line['value']:.2f}".replace("-", "−"))
        days = line["median_lead_days"]
        yield f"{days:.{0 if days >= 10 else 1}f} ("
    for alert in found["first_alert"]:
        yield from (f"{100 * alert['forecast']:.1f} %", f"{100 * alert['observed']:.1f} %")
    gain = found["compared"]["skill"]["brier"]["value"]
    yield from (f"{gain:+.5f}", str(found["leak_check"]["planted"]), found["run_id"])
    yield from (found["digest"], found["gate"][1:], *found["findings"], str(found["seed"]))


@pytest.mark.parametrize("name", FORMATS)
def test_the_same_numbers_stand_in_every_format(name: str) -> None:
    text = FORMATS[name]([samples.result()])
    expected = list(numbers(backtest_json(samples.backtest())))
    assert len(expected) > 150
    assert [number for number in expected if number not in text] == []


@pytest.mark.parametrize("name", FORMATS)
def test_every_word_of_every_section_stands_in_every_format(name: str) -> None:
    text = FORMATS[name]([samples.result()])
    for section in sections(samples.report()):
        cells = [cell for row in section.table.rows for cell in row] if section.table else []
        facts = [each for fact in section.facts for each in fact]
        for said in (section.title, *section.words, *facts, *cells):
            assert re.sub(r"\| ", "", said) in text.replace("| ", "")


@pytest.mark.parametrize("name", FORMATS)
def test_of_several_a_summary_comes_first(name: str) -> None:
    text = FORMATS[name](samples.several())
    assert "beats every baseline on 1 of them" in text
    first, second = text.index("sure_30d"), text.index("worse_30d")
    assert first < second < text.index("sure_30d", second)
    assert "THE LEAK CHECK FAILED" in text
    assert "There was nothing to score" in text


# Terminal


@pytest.mark.parametrize("width", [40, 80, 110, 200])
def test_no_line_is_wider_than_the_console(width: int) -> None:
    for results in (samples.several(), [samples.hostile(HOSTILE[:60])]):
        lines = printed(results, width).splitlines()
        assert max(len(line) for line in lines) <= width


def test_a_narrow_console_keeps_the_scores_and_says_what_it_leaves_out() -> None:
    text = printed([samples.result()], 40)
    assert "no room for: AP, expected" in text
    assert re.search(r"model \(\w+\) +0\.07241 +0\.01465 +0\.741", text)
    assert "no room" not in printed([samples.result()], 110)


def test_a_file_gets_no_colours_and_markup_in_names_is_only_text() -> None:
    text = printed([samples.hostile("[bold red]\x1b[2Jx[/]")])
    assert "\x1b" not in text
    assert "[bold red][2Jx[/]" in text


def test_a_long_folded_table_shows_its_end() -> None:
    fits = samples.backtest().fits * 4
    text = printed([samples.result(fits=fits)])
    assert "8 earlier rows" in text


# Markdown


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain words, 4 % (z = +0.7)", "plain words, 4 % (z = +0.7)"),
        ("large_strike", "`large_strike`"),
        ("a|b", "`a\\|b`"),
        ("``x`", "``` ``x` ```"),
        ("@team #7 https://x.example", "`@team` `#7` `https://x.example`"),
        ("<img src=x>", "`<img` src=x>"),
        ("<0.01 %", "<0.01 %"),
        ("- 1. a", "`-` 1. a"),
        ("a\n\n# b", "a `#` b"),
    ],
)
def test_a_word_that_means_something_to_markdown_is_code(text: str, shown: str) -> None:
    assert words(text) == shown


def test_hostile_names_break_no_table_and_become_no_html() -> None:
    text = backtest_markdown([samples.hostile("<b>|`@x` \n\n# y [z](http://e.example) | ")] * 2)
    outside = re.sub(r"(`+).+?\1(?!`)", "", text)
    assert "<b>" not in outside
    assert "@x" not in outside
    assert "](" not in outside
    table: list[int] = []
    for line in text.splitlines():
        if not line.startswith("|"):
            table = []
            continue
        table.append(len(re.findall(r"(?<!\\)\|", line)))
        assert table[0] == table[-1], line


# JSON


def test_the_keys_are_those_of_the_contract() -> None:
    found = backtest_json(samples.backtest())
    assert list(found) == [
        "schema_version", "task", "n", "events", "scores", "baselines", "skill", "calibration",
        "first_alert", "movement_z", "alerts", "leak_check", "by_year", "fits", "published",
        "gate", "compared", "findings", "settings", "run_id", "made_at", "seconds", "units",
        "origins", "seed", "model_hash", "digest",
    ]  # fmt: skip
    assert set(found["scores"]) == {
        "n", "events", "expected", "brier", "log_loss", "auc", "average_precision",
    }  # fmt: skip
    assert set(found["skill"]["history"]) == {"brier", "log_loss", "share"}
    assert set(found["skill"]["history"]["brier"]) == {"value", "lower", "upper", "mass", "blocks"}
    assert {"mcb", "dsc", "unc", "bins", "verdict", "words"} <= set(found["calibration"])
    assert set(found["calibration"]["bins"][0]) == {"forecast", "observed", "n", "lower", "upper"}
    assert {"episodes", "hits", "false_alarms", "median_lead_days", "curve"} <= set(found["alerts"])
    assert found["leak_check"] == {"passed": True, "origins": 3, "planted": 240, "changed": 0}


def test_the_alerts_are_those_of_the_line_with_the_highest_value() -> None:
    alerts = backtest_json(samples.backtest())["alerts"]
    best = max(alerts["curve"], key=lambda line: line["value"])
    assert {name: alerts[name] for name in best} == best
    assert (alerts["fire_at"], alerts["default"]) == (0.2, "highest value")
    assert alerts["median_lead_days"] == best["lead_days"][2]


def test_what_is_not_finite_is_null_and_numpys_numbers_are_pythons() -> None:
    odd = replace(samples.backtest().scores, brier=np.nan, auc=np.float64(0.5))
    found = backtest_json(samples.backtest(scores=odd, seed=np.int64(7)))
    text = json.loads(json.dumps(found, allow_nan=False))
    assert (text["scores"]["brier"], text["seed"], text["scores"]["auc"]) == (None, 7, 0.5)
    assert text["made_at"] == "2026-03-14T09:26:53Z"
    assert text["settings"]["score_start"] == "2001-01-01T00:00:00Z"
    nothing, _ = samples.nothing_scored()
    empty = backtest_json(nothing)
    json.dumps(empty, allow_nan=False)
    assert empty["alerts"]["episodes"] is None
    assert empty["leak_check"] is None
    assert empty["calibration"]["verdict"] == "too_few"


# CSV


def test_a_row_a_forecast_with_its_outcome_and_baselines() -> None:
    made, rows = samples.result()
    found = list(forecast_rows(made, rows))
    assert len(found) == 3840
    came = int(np.argmax(rows.outcome))
    assert found[came]["outcome"] == 1
    assert found[came]["event_at"].startswith(found[came]["origin"][:4])
    assert list(found[0]) == [
        "task", "unit", "origin", "horizon_days", "p", "lower", "upper", "outcome", "event_at",
        *(f"baseline_{name}" for name in samples.BASELINES),
    ]  # fmt: skip
    assert (found[0]["unit"], found[0]["origin"]) == ("S00", "2001-01-01T00:00:00Z")
    assert (found[0]["p"], found[0]["event_at"]) == (float(rows.p[0]), "")
    scored = np.mean([(row["p"] - row["outcome"]) ** 2 for row in found])
    assert scored == pytest.approx(made.scores.brier)


def test_the_file_reads_back_and_a_task_without_a_baseline_leaves_it_empty() -> None:
    made, rows = samples.result()
    fewer = replace(rows, baselines={"crowd": rows.p})
    out = io.StringIO()
    write_forecasts([(made, rows), (made, fewer)], out)
    found = list(csv.DictReader(io.StringIO(out.getvalue())))
    assert len(found) == 2 * 3840
    assert float(found[0]["p"]) == rows.p[0]
    assert (found[0]["baseline_crowd"], found[-1]["baseline_history"]) == ("", "")


def test_a_name_that_a_spreadsheet_would_run_is_only_text() -> None:
    made, rows = samples.hostile('=HYPERLINK("http://e.example")')
    row = next(forecast_rows(made, rows))
    assert row["unit"].startswith("'=HYPERLINK")
    assert row["task"].startswith("'=HYPERLINK")


# All


def test_importing_the_formats_imports_neither_rich_nor_jinja_nor_anything_heavy() -> None:
    modules = ("terminal", "html", "markdown", "as_json", "as_csv")
    names = ", ".join(f"forecast.reports.backtest.{module}" for module in modules)
    code = f"import sys, {names}\nprint({{'rich', 'jinja2', 'scipy', 'pandas'}} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
