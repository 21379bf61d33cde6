"""`tocsin backtest` as it is typed: its answer, what is kept, and how a killed run goes on."""

import json
import os
import shutil
import sqlite3
import subprocess
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from forecast.store import open_store
from tests.command import TOCSIN, Done
from tests.command import run as tocsin
from tests.jobs.backtest.synthetic import TASK, panel

KEPT = "tocsin-backtests.db"
QUICK = ("--workers", "1", "--model", "panel")
# one PATH for all: with a compiler and without one, PyTensor sums in another order
ENVIRONMENT = os.environ | {"COLUMNS": "120"}


def run(place: Path, *arguments: str, code: int = 0) -> Done:
    result = tocsin("backtest", *arguments, folder=place, environment=ENVIRONMENT)
    assert result.returncode == code, result.stderr
    return result


def killed_after(blocks: int, place: Path, folder: Path) -> None:
    """A run in a folder that gets SIGKILL once so many of its blocks are done."""
    with subprocess.Popen(
        [str(TOCSIN), "backtest", str(place / "data"), *QUICK],
        cwd=folder,
        env=ENVIRONMENT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stderr is not None
        for line in process.stderr:
            if f"{blocks} of 4 blocks" in line:
                break
        process.kill()


def answer(place: Path, *arguments: str) -> Any:
    return json.loads(run(place, *arguments, "--json").stdout)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which one run was made, of the panel in `data`."""
    folder = tmp_path_factory.mktemp("cli")
    panel(folder / "data")
    out = ("--html", "page.html", "--markdown", "page.md", "--csv", "rows.csv")
    result = run(folder, "data", *QUICK, *out, "--json")
    (folder / "first.json").write_text(result.stdout)
    (folder / "first.err").write_text(result.stderr)
    return folder


@pytest.fixture(scope="module")
def first(place: Path) -> Any:
    return json.loads((place / "first.json").read_text())


def test_one_task_is_one_object_with_the_keys_that_others_read(first: Any) -> None:
    assert first["schema_version"] == 1
    assert (first["task"], first["n"]) == ("hits", 8 * 47)
    assert first["events"] == first["scores"]["events"] > 0
    assert {"brier", "log_loss", "auc"} <= first["scores"].keys()
    references = {"pooled", "unit", "recency", "history", "logistic", "persistence"}
    assert first["baselines"].keys() == first["skill"].keys() == references
    assert first["skill"]["history"]["brier"]["lower"] is not None
    assert {"mcb", "dsc", "unc", "bins"} <= first["calibration"].keys()
    assert {"episodes", "hits", "false_alarms", "median_lead_days"} <= first["alerts"].keys()
    check = first["leak_check"]
    assert (check["passed"], check["origins"], check["changed"]) == (True, 12, 0)
    assert len(first["fits"]) == 4
    assert first["published"] in {"model", "pooled", "unit", "history"}


def test_progress_and_the_place_of_results_are_said_on_stderr(place: Path) -> None:
    told = (place / "first.err").read_text()
    assert f"tocsin: results are kept in {place / KEPT}" in told
    assert "tocsin: hits: 0 of 4 blocks\n" in told
    assert "tocsin: hits: 4 of 4 blocks\n" in told


def test_every_format_is_written(place: Path) -> None:
    assert "<html" in (place / "page.html").read_text()
    assert "| history |" in (place / "page.md").read_text()
    assert len((place / "rows.csv").read_text().splitlines()) == 8 * 47 + 1


def test_the_same_inputs_give_the_same_digest_and_scores(place: Path, first: Any) -> None:
    again = answer(place, "data", *QUICK)
    assert again["run_id"] != first["run_id"]
    for key in ("digest", "scores", "baselines", "skill", "calibration", "alerts", "leak_check"):
        assert again[key] == first[key], key


def test_a_run_is_listed_shown_and_compared(place: Path, first: Any) -> None:
    listed = answer(place, "--list")["runs"]
    assert first["run_id"] in [each["run_id"] for each in listed]
    assert first["run_id"] in run(place, "--list").stdout
    assert answer(place, "--show", first["run_id"]) == first
    assert answer(place, "--show", "last") == answer(place, "--show", listed[0]["run_id"])
    other = answer(place, "data", *QUICK, "--refit", "never", "--baseline", first["run_id"])
    assert other["compared"]["run_id"] == first["run_id"]
    assert other["compared"]["rows"] == 8 * 47
    gain = first["scores"]["brier"] - other["scores"]["brier"]
    assert other["compared"]["skill"]["brier"]["value"] == pytest.approx(gain)
    assert "hits" in run(place, "--show", first["run_id"], "--baseline", "last").stdout


def test_a_run_that_is_surely_worse_fails_its_check(place: Path) -> None:
    """Against forecasts that knew every outcome, which somebody wrote into the store."""
    with open_store(f"sqlite:///{place / KEPT}") as store:
        from dataclasses import replace

        from jobs.backtest.packing import pack_forecasts, unpack_forecasts

        found = store.backtests.latest("hits")
        assert found is not None
        rows = unpack_forecasts(found.forecasts)
        known = replace(rows, p=rows.outcome * 0.98 + 0.01)
        store.backtests.add(replace(found.result, run_id="oracle"), pack_forecasts(known))
    shown = (found.result.run_id, "--baseline", "oracle")
    assert "surely worse" in run(place, "--show", *shown, "--check", code=1).stderr
    assert run(place, "--show", *shown).returncode == 0
    same = (found.result.run_id, "--baseline", found.result.run_id)
    assert run(place, "--show", *same, "--check").returncode == 0


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("nowhere",), "there is no such folder"),
        (("data", "--task", "hit"), "no task 'hit'; did you mean 'hits'"),
        (("--show", "nothing"), "there is no backtest 'nothing'"),
        (("data", "--check"), "--check compares with a --baseline"),
        (("data", "--executor", "dask"), "--executor dask needs --scheduler"),
        (("data", "--scheduler", "10.0.0.1"), "10.0.0.1: is not the address of a scheduler"),
        (("data", "--baseline", "nothing"), "there is no backtest 'nothing'"),
        (("data", "--html", "nowhere/page.html"), "nowhere: there is no such folder"),
        (("data", "--definition", "hitt"), "no event in events.csv.gz is of the kind 'hitt'"),
        (("data", "--horizon", "soon"), r"tasks.json: hits.horizon: 'soon'"),
    ],
)
def test_what_cannot_be_done_is_one_line(
    place: Path, arguments: tuple[str, ...], words: str
) -> None:
    told = run(place, *arguments, code=2).stderr
    assert words in told
    assert "Traceback" not in told


def test_another_definition_cannot_be_a_baseline(place: Path, first: Any) -> None:
    told = run(place, "data", "--horizon", "10 days", "--baseline", first["run_id"], code=2).stderr
    assert "its horizon_days is 30.0, and here it is 10.0" in told


def test_a_first_run_says_that_there_is_nothing_to_compare_it_with(tmp_path: Path) -> None:
    panel(tmp_path / "data", {"one": TASK | {"score_start": "2007-01-01", "refit": "never"}})
    arguments = ("data", *QUICK, "--no-leak-check", "--baseline", "last", "--check")
    assert "one: there is no earlier run to compare with" in run(tmp_path, *arguments).stderr


def test_what_was_damaged_in_the_store_is_one_line(place: Path, tmp_path: Path) -> None:
    path = tmp_path / KEPT
    shutil.copy(place / path.name, path)
    run_id = answer(tmp_path, "--list")["runs"][0]["run_id"]
    with closing(sqlite3.connect(path)) as store, store:
        store.execute("UPDATE backtest SET forecasts = substr(forecasts, 1, 500)")
    told = run(tmp_path, "--show", run_id, code=4).stderr
    assert told == f"tocsin: {run_id}: the forecasts that are kept are damaged\n"
    with closing(sqlite3.connect(path)) as store, store:
        store.execute("UPDATE backtest SET result = json_remove(result, '$.scores')")
    told = run(tmp_path, "--show", run_id, code=4).stderr
    assert "was written by another Tocsin: scores: Field required; " in told
    listed = run(tmp_path, "--list")
    assert run_id not in listed.stdout
    (warning,) = [line for line in listed.stderr.splitlines() if f"'{run_id}' was" in line]
    assert f"`tocsin backtest --forget {run_id}`" in warning
    assert f"{run_id} is no longer kept" in run(tmp_path, "--forget", run_id).stderr
    assert run_id not in run(tmp_path, "--list").stderr


def test_several_tasks_are_a_list(tmp_path: Path) -> None:
    short = TASK | {"score_start": "2007-01-01", "refit": "never"}
    panel(tmp_path / "data", {"one": short, "two": short | {"horizon_days": 20}})
    found = answer(tmp_path, "data", *QUICK, "--no-leak-check")
    assert [each["task"] for each in found["tasks"]] == ["one", "two"]
    assert [each["leak_check"] for each in found["tasks"]] == [None, None]


@pytest.fixture(scope="module")
def broken_off(place: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What a run kept that got SIGKILL after two of its four blocks."""
    folder = tmp_path_factory.mktemp("killed")
    killed_after(2, place, folder)
    return folder / KEPT


def copied(kept: Path, folder: Path) -> Path:
    """A copy of a store into a folder, write-ahead log and all."""
    for path in kept.parent.glob(f"{kept.name}*"):
        shutil.copy(path, folder)
    return folder / kept.name


def test_a_run_that_was_killed_goes_on_where_it_was(
    place: Path, tmp_path: Path, broken_off: Path, first: Any
) -> None:
    copied(broken_off, tmp_path)
    resumed = run(tmp_path, str(place / "data"), *QUICK, "--json")
    lines = [line for line in resumed.stderr.splitlines() if "blocks" in line]
    assert lines[0] in {f"tocsin: hits: {done} of 4 blocks" for done in (2, 3)}
    found = json.loads(resumed.stdout)
    for key in ("digest", "scores", "baselines", "calibration", "leak_check"):
        assert found[key] == first[key], key
    # nothing is left of the way: the next run begins with its first block
    anew = run(tmp_path, str(place / "data"), *QUICK, "--refit", "never", "--json")
    assert "tocsin: hits: 0 of 1 blocks" in anew.stderr


def test_a_block_that_was_damaged_is_made_again(
    place: Path, tmp_path: Path, broken_off: Path, first: Any
) -> None:
    with closing(sqlite3.connect(copied(broken_off, tmp_path))) as store, store:
        store.execute("UPDATE backtest_part SET blob = substr(blob, 1, length(blob) - 50)")
    resumed = run(tmp_path, str(place / "data"), *QUICK, "--json")
    assert "tocsin: hits: 0 of 4 blocks" in resumed.stderr
    assert json.loads(resumed.stdout)["digest"] == first["digest"]
    assert json.loads(resumed.stdout)["scores"] == first["scores"]


def test_blocks_that_are_kept_are_not_used_where_a_fresh_run_is_asked_for(
    place: Path, tmp_path: Path, broken_off: Path
) -> None:
    copied(broken_off, tmp_path)
    fresh = run(tmp_path, str(place / "data"), *QUICK, "--fresh", "--no-leak-check")
    assert "tocsin: hits: 0 of 4 blocks" in fresh.stderr
