"""The flagship's numbers are sane to an expert: what any reader of the news would demand.

Directions and bounds only; nothing here is fitted to how the story ended.
"""

from pathlib import Path

import pytest

from forecast.clock import parse_instant
from forecast.store import open_store
from forecast.watch import load_watch
from jobs.app import App
from jobs.decisions import Occasion
from jobs.demo import fresh_folder, ingest
from jobs.examples import example_folder
from jobs.update import update_questions

DAYS = (
    "2025-07-15",
    "2025-08-15",
    "2025-08-31",
    "2025-10-20",
    "2025-11-15",
    "2025-11-19",
    "2025-11-29",
    "2025-11-30",
    "2025-12-10",
    "2025-12-20",
    "2025-12-24",
    "2025-12-31",
)
type Numbers = dict[str, dict[str, float]]


@pytest.fixture(scope="module")
def numbers(tmp_path_factory: pytest.TempPathFactory) -> Numbers:
    folder = tmp_path_factory.mktemp("flagship") / "watch"
    fresh_folder(example_folder("venezuela-2025"), folder)
    ingest(folder)
    watch = load_watch(folder)
    found: Numbers = {}
    with App(watch, open_store(watch.store_url)) as app:
        questions = app.store.questions(["uv-any-*", "uv-overt-*", "uv-covert-*", "uv-official-*"])
        for day in DAYS:
            moment = parse_instant(day)
            for estimate in update_questions(app, questions, moment, Occasion(moment)).estimates:
                found.setdefault(estimate.question_id, {})[day] = estimate.probability
    return found


def test_nobody_is_sure_of_a_strike_in_summer(numbers: Numbers) -> None:
    assert all(p < 0.25 for days in numbers.values() for d, p in days.items() if d < "2025-09")


def test_no_question_ever_reads_like_a_certainty(numbers: Numbers) -> None:
    assert all(p < 0.8 for days in numbers.values() for p in days.values())


@pytest.mark.parametrize(
    "name", ["uv-any-strike-1231", "uv-any-strike-0131", "uv-overt-strike-0131"]
)
def test_it_rises_with_the_build_up_and_when_the_carrier_arrives(
    numbers: Numbers, name: str
) -> None:
    days = numbers[name]
    assert days["2025-07-15"] < days["2025-08-31"] < days["2025-10-20"]
    assert days["2025-11-19"] > days["2025-11-15"]


@pytest.mark.parametrize("name", ["uv-any-strike-1225", "uv-any-strike-0131"])
def test_it_rises_when_the_airspace_is_closed(numbers: Numbers, name: str) -> None:
    assert numbers[name]["2025-11-30"] > numbers[name]["2025-11-29"]


def test_an_overt_strike_is_likelier_once_the_covert_one_is_known(numbers: Numbers) -> None:
    days = numbers["uv-overt-strike-0131"]
    assert days["2025-12-31"] > days["2025-12-24"]


def test_it_falls_towards_a_deadline_when_nothing_happens(numbers: Numbers) -> None:
    days = numbers["uv-any-strike-1225"]
    assert days["2025-11-30"] > days["2025-12-10"] > days["2025-12-20"] > days["2025-12-24"]


def test_definitions_nest_at_every_moment(numbers: Numbers) -> None:
    for wide, narrow in (
        ("uv-any-strike-1231", "uv-overt-strike-1231"),
        ("uv-any-strike-1231", "uv-covert-strike-1231"),
        ("uv-overt-strike-1231", "uv-official-announcement-1231"),
    ):
        shared = numbers[wide].keys() & numbers[narrow].keys()
        assert len(shared) > 8
        assert all(numbers[narrow][day] <= numbers[wide][day] for day in shared)


def test_a_later_deadline_is_never_less_likely(numbers: Numbers) -> None:
    for kind in ("any", "overt"):
        for sooner, later in (("1127", "1225"), ("1225", "1231"), ("1231", "0131")):
            early, late = (
                numbers[f"uv-{kind}-strike-{sooner}"],
                numbers[f"uv-{kind}-strike-{later}"],
            )
            assert all(early[day] <= late[day] for day in early.keys() & late.keys())


def test_the_example_says_that_it_was_compiled_with_hindsight() -> None:
    folder: Path = example_folder("venezuela-2025")
    assert "hindsight" in (folder / "README.md").read_text(encoding="utf-8")
    assert any("hindsight" in caveat for caveat in load_watch(folder).config.watch.caveats)
