"""`tocsin models fit` as typed: what was tried, what stands, and what is refused in one line."""

import json
from pathlib import Path
from typing import Any

import pytest

from forecast.panel_table import read_panel_table
from models.panel.choosing.candidates import AXES
from tests.command import Done, run
from tests.jobs.backtest.synthetic import TASK, panel, write

QUICKLY = ("--blocks", "2", "--workers", "1")


def fit(folder: Path, *arguments: str) -> Done:
    return run("models", "fit", *arguments, folder=folder)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return panel(tmp_path_factory.mktemp("made"))


@pytest.fixture(scope="module")
def told(made: Path) -> Done:
    return fit(made, ".", *QUICKLY, "--json", "--write", "chosen.toml")


def test_all_that_was_tried_is_told_with_why(told: Done) -> None:
    assert told.returncode == 0, told.stderr
    body: dict[str, Any] = json.loads(told.stdout)
    assert body["task"] == "hits"
    tried = body["tried"]
    assert tried[0]["axis"] == "default"
    assert {t["axis"] for t in tried[1:]} == set(AXES) - {"levels"}
    for one in tried[1:]:
        assert one["why"]
        assert one["gain"]["value"] == pytest.approx(tried[0]["log_loss"] - one["log_loss"])
        assert one["gain"]["error"] > 0 or one["gain"]["value"] == 0
        assert one["seconds"] > 0
    assert [f"{p['axis']}: {p['name']}" for p in body["picked"]] == [
        f"{t['axis']}: {t['name']}" for t in tried if t["kept"]
    ]
    assert body["support"]["events"] > 100
    assert body["judged_from"] < body["held_out_from"] < body["known_until"]
    assert set(body["held_out"]["references"]) == {"pooled", "unit", "history"}
    assert (body["optimism"] is None) == (body["picked"] == [])


def test_progress_goes_to_stderr(told: Done) -> None:
    assert "tocsin: hits: default, 2 fits" in told.stderr.splitlines()
    assert "tocsin: hits: family, 6 fits" in told.stderr.splitlines()
    assert told.stderr.splitlines()[-1] == "tocsin: wrote chosen.toml"


def test_what_stands_is_written_as_others_read_it(made: Path, told: Done) -> None:
    body = json.loads(told.stdout)
    table = read_panel_table(made / "chosen.toml")
    for name, value in body["settings"].items():
        assert getattr(table, name) == (tuple(value) if isinstance(value, list) else value)
    assert (table.chosen_until is not None) == (body["stands"] == "picked")


def test_people_are_told_in_a_table_and_sentences(tmp_path: Path) -> None:
    panel(tmp_path, {"hits": TASK | {"score_start": "2002-06-01", "score_end": "2003-12-01"}})
    (tmp_path / "indicators.csv.gz").unlink()  # without tags there is less to try
    done = fit(tmp_path, ".", *QUICKLY, "--as-of", "2004-01-01")
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[0].startswith("hits: ")
    assert "forecasts at" in lines[0]
    assert lines[1].split() == [
        "candidate",
        "log",
        "loss",
        "gain",
        "over",
        "default",
        "s",
        "verdict",
    ]
    assert any(line.startswith("history: short") for line in lines)
    assert not any(line.startswith("tags:") for line in lines)
    assert "stand" in lines[-1] or "confirms" in lines[-1]


def few(folder: Path) -> None:
    panel(folder)
    events = [("u0", f"200{n}-05-01", "hit") for n in range(2, 6)]
    write(folder / "events.csv.gz", ("unit", "occurred_at", "kind"), events)


def test_four_events_are_refused_with_exit_code_three(tmp_path: Path) -> None:
    few(tmp_path)
    done = fit(tmp_path, ".", "--workers", "1", "--write", "chosen.toml")
    assert done.returncode == 3
    assert done.stdout == ""
    [line] = done.stderr.splitlines()
    assert line.startswith("tocsin: hits: 2 events in windows that ended before the first refit")
    assert "takes 10" in line
    assert line.endswith("so the default settings stand")
    assert not (tmp_path / "chosen.toml").exists()


def test_a_refusal_is_json_where_json_is_asked_for(tmp_path: Path) -> None:
    few(tmp_path)
    done = fit(tmp_path, ".", "--workers", "1", "--json")
    assert done.returncode == 3
    error = json.loads(done.stderr)["error"]
    assert (error["code"], error["at"]) == ("held", "hits")


def test_settings_of_two_tasks_are_not_written_into_one_file(tmp_path: Path) -> None:
    panel(tmp_path, {"one": TASK, "two": TASK})
    done = fit(tmp_path, ".", "--write", "chosen.toml")
    assert done.returncode == 2
    assert "name it with --task" in done.stderr


def test_a_folder_to_write_into_is_looked_for_before_anything_is_fitted(made: Path) -> None:
    done = fit(made, ".", "--write", "nowhere/chosen.toml")
    assert done.returncode == 2
    assert done.stderr == "tocsin: nowhere: there is no such folder\n"


def test_without_a_folder_the_definition_of_a_watch_is_asked_for(tmp_path: Path) -> None:
    done = fit(tmp_path)
    assert done.returncode == 2
    assert done.stderr.splitlines()[-1].startswith("tocsin: which panel? Give a folder of data")


def test_a_class_of_a_watch_is_fitted_from_its_store(tmp_path: Path) -> None:
    (tmp_path / "watch.toml").write_text(
        '[watch]\ntitle = "Hits"\n[definitions.hit]\nmodel = "panel"\nrecurrent = true\n'
        'base_rate = "5%..40% per quarter"\nlearns = { units = ["*"] }\n'
    )
    few(panel(tmp_path / "data"))
    for name in ("events", "indicators"):
        kind = () if name == "events" else ("--kind", "reports")
        file = str(tmp_path / "data" / f"{name}.csv.gz")
        taken = run("ingest", *kind, file, folder=tmp_path)
        assert taken.returncode == 0, taken.stderr
    done = fit(tmp_path, "--definition", "hit", "--score-start", "2004-01-01", "--workers", "1")
    assert done.returncode == 3, done.stderr
    assert done.stderr.startswith("tocsin: hit: 2 events in windows that ended before")
