"""The ledger of priors: what is a new version, and who is said to have made it."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from threading import Barrier

import pytest

from forecast.prior import PriorVersion
from forecast.store import open_store
from forecast.watch import load_watch
from jobs.app import App, open_app
from jobs.prior_ledger import settle_prior, words_of
from tests.jobs.desk import Desk, make_desk

NOW = datetime(2026, 5, 10, 12, tzinfo=UTC)


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return make_desk(tmp_path, model="hazard")


@pytest.fixture
def app(desk: Desk) -> Iterator[App]:
    with open_app(desk.folder) as opened:
        yield opened


def edited(desk: Desk, app: App, old: str, new: str) -> App:
    desk.rewrite(old, new)
    return replace(app, watch=load_watch(desk.folder))


def test_the_words_of_a_definition_are_those_of_all_that_lies_inside_it(app: App) -> None:
    expected = {
        "base_rate": "30%..60% per quarter, 90% sure",
        "ceiling": "one in 2..6 weeks",
        "long-strike.share": "20%..60%",
        "unit_spread": "1.5x..3x",
        "effects.union.ballot": "1.5x..4x, 90% sure",
        "half_life.union.ballot": "30 days",
    }
    assert words_of(app.config, "strike") == expected
    assert words_of(app.config, "long-strike") == expected


def test_the_same_words_stay_one_version(app: App) -> None:
    first = settle_prior(app, "strike", NOW)
    assert settle_prior(app, "strike", NOW) == first
    assert (first.version, first.reason) == (1, "first version")
    assert app.store.prior_versions("strike") == [first]


def test_an_edited_file_is_a_new_version_that_says_so(desk: Desk, app: App) -> None:
    first = settle_prior(app, "strike", NOW)
    second = settle_prior(
        edited(desk, app, "one in 2..6 weeks", "one in 3..9 weeks"), "strike", NOW
    )
    assert (second.version, second.reason) == (2, "watch.toml was edited")
    assert second.words["ceiling"] == "one in 3..9 weeks"
    assert app.store.prior_versions("strike") == [first, second]


def test_going_back_to_old_words_is_a_version_too(desk: Desk, app: App) -> None:
    settle_prior(app, "strike", NOW)
    settle_prior(edited(desk, app, "30 days", "20 days"), "strike", NOW)
    third = settle_prior(edited(desk, app, "20 days", "30 days"), "strike", NOW)
    assert third.version == 3


def test_a_service_that_has_not_read_an_edit_yet_does_not_take_it_back(
    desk: Desk, app: App
) -> None:
    first = settle_prior(app, "strike", NOW)
    second = settle_prior(edited(desk, app, "30 days", "20 days"), "strike", NOW, reason="why not")
    assert settle_prior(app, "strike", NOW) == first  # in the words of which it estimates
    desk.rewrite("20 days", "20 dayz")
    assert settle_prior(app, "strike", NOW) == first
    assert app.store.prior_versions("strike") == [first, second]


def test_an_edit_that_changes_no_belief_makes_no_version(desk: Desk, app: App) -> None:
    first = settle_prior(app, "strike", NOW)
    assert settle_prior(edited(desk, app, "Harbour desk", "Port desk"), "strike", NOW) == first


def test_author_and_reason_are_kept(app: App) -> None:
    version = settle_prior(app, "strike", NOW, author="ada", reason="two strikes last year")
    assert app.store.latest_prior("strike") == version
    assert (version.author, version.reason, version.at) == ("ada", "two strikes last year", NOW)


def test_processes_that_see_a_new_file_at_once_make_one_version(
    desk: Desk, postgres_url: str
) -> None:
    barrier = Barrier(4)

    def settle(_: int) -> PriorVersion:
        with App(load_watch(desk.folder), open_store(postgres_url)) as other:
            other.store.latest_prior("strike")  # so that all have a connection
            barrier.wait()
            return settle_prior(other, "strike", NOW)

    with ThreadPoolExecutor(4) as pool:
        settled = list(pool.map(settle, range(4)))
    assert {version.version for version in settled} == {1}
