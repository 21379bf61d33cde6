"""A question as a tree for ArviZ: its draws are those behind the newest estimate."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray

from forecast.clock import utc_now
from forecast.errors import HeldError, OutsideError
from jobs.app import App, open_app
from jobs.decisions import Occasion
from jobs.export import question_tree, write_tree
from jobs.update import update_questions
from tests.jobs.desk import make_desk


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[App]:
    """A desk of the family `hazard` whose questions were estimated once."""
    desk = make_desk(tmp_path_factory.mktemp("tree"), model="hazard")
    with open_app(desk.folder) as app:
        at = utc_now()
        found = update_questions(app, app.store.questions(), at, Occasion(at, rings=False))
        assert not found.failures
        yield app


@pytest.mark.parametrize("name", ["q-strike", "q-long"])
def test_the_draws_have_the_mean_that_was_published(app: App, name: str) -> None:
    estimate = app.store.latest_estimate(name)
    assert estimate is not None
    tree = question_tree(app, app.store.question(name), utc_now())
    p = tree["posterior"]["p"].sel(question=name)
    assert abs(float(p.mean()) - estimate.probability) < 5 * estimate.mcse + 0.01
    estimates = tree["estimates"].to_dataset()
    assert float(estimates["probability"][-1]) == estimate.probability
    assert np.array_equal(estimates["quantile"][-1], estimate.quantiles)
    assert tree.attrs["model_hash"] == estimate.model_hash


def test_beliefs_before_and_after_are_those_of_the_report(app: App) -> None:
    question = app.store.question("q-strike")
    learnt = app.store.learnt.at("strike", "harbour", utc_now())
    assert learnt is not None
    beliefs = question_tree(app, question, utc_now())["beliefs"].to_dataset()
    for belief in learnt.beliefs:
        told = beliefs.sel(belief=belief.key)
        assert float(told["prior"].sel(number="lower")) == belief.prior.lower
        assert float(told["posterior"].sel(number="upper")) == belief.now.upper
        assert float(told["moved_sd"]) == belief.moved
        assert str(told["words"].values) == belief.words


@pytest.mark.parametrize("name", ["q.zarr", "q.zarr.zip"])
def test_what_is_written_is_read_again(app: App, tmp_path: Path, name: str) -> None:
    import zarr

    tree = question_tree(app, app.store.question("q-strike"), utc_now())
    write_tree(tree, tmp_path / name)
    path = tmp_path / name
    source: Any = zarr.storage.ZipStore(path, mode="r") if path.suffix == ".zip" else path
    again = xarray.open_datatree(source, engine="zarr", consolidated=False)
    for group in ("posterior", "sample_stats", "estimates", "beliefs"):
        xarray.testing.assert_equal(again[group].to_dataset(), tree[group].to_dataset())


def test_where_there_is_no_estimate_or_no_place_it_says_so(app: App, tmp_path: Path) -> None:
    question = app.store.question("q-strike")
    with pytest.raises(HeldError, match="q-strike: there is no estimate yet"):
        question_tree(app, question, question.opens_at)
    with pytest.raises(OutsideError, match="cannot be written"):
        write_tree(question_tree(app, question, utc_now()), tmp_path / "no" / "q.zarr.zip")


def test_beliefs_are_written_as_csv_and_only_of_one_question(tmp_path: Path) -> None:
    desk = make_desk(tmp_path)
    assert desk.run("update").returncode == 0
    assert desk.run("report", "q-strike", "--beliefs", "beliefs.csv").returncode == 0
    first, row, *_ = (tmp_path / "beliefs.csv").read_text().splitlines()
    assert first.startswith("question_id,definition,place,model,as_of,key,words")
    assert row.startswith("q-strike,strike,harbour,base-rate,")
    refused = desk.run("report", "--beliefs", "beliefs.csv")
    assert refused.returncode == 2
    assert "--beliefs: is of one question: name it" in refused.stderr
