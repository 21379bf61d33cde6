"""A stretch of the demo for real: slots, workers, receiver, pages; the whole is `make demo`."""

import json
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from forecast.clock import parse_instant
from forecast.errors import OutsideError
from forecast.reports.track_record import beside_others, track_record
from jobs.cli.demo import write_pages
from jobs.demo import Story, fresh_folder, ingest, replay
from jobs.examples import example_folder
from tests.command import run as tocsin

type Told = tuple[Story, list[tuple[str, str]]]

START, END = parse_instant("2025-11-10T12:00:00Z"), parse_instant("2025-11-28")


def run(folder: Path, end: datetime = END) -> Told:
    messages: list[tuple[str, str]] = []

    def ignore(slot: datetime, place: int, of: int) -> None:
        pass

    fresh_folder(example_folder("venezuela-2025"), folder)
    assert ingest(folder) == {"questions": 22, "reports": 480, "events": 50, "crowd": 26}
    story = replay(folder, ignore, lambda *m: messages.append(m), 1, START, end)
    return story, messages


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("demo") / "watch"


@pytest.fixture(scope="module")
def told(folder: Path) -> Told:
    return run(folder)


def test_every_slot_runs_once_and_nothing_is_held(told: Told) -> None:
    story, _ = told
    assert story.slots == 18
    assert story.estimates > 18 * 15
    assert story.held == 0


def test_each_message_is_taken_once_by_both_receivers(told: Told) -> None:
    story, messages = told
    assert story.refused == []
    assert story.slack == story.webhooks == len([m for m in messages if m[0] == "slack"]) > 0
    text = next(text for kind, text in messages if kind == "slack")
    assert "FIRING" in text
    assert "Venezuelan territory" in text
    assert "%" in text


def test_the_same_seed_gives_the_same_numbers(told: Told, tmp_path: Path) -> None:
    again, _ = run(tmp_path / "again", END - timedelta(days=12))
    first, _ = told
    assert again.slots == 6
    for ours, theirs in zip(again.lines, first.lines, strict=True):
        assert ours.history == theirs.history[: len(ours.history)]
    assert sum(len(line.history) for line in again.lines) > 6 * 15


def test_questions_that_ended_are_scored(told: Told) -> None:
    story, _ = told
    ended = {line.question.question_id: line.outcome for line in story.lines}
    assert ended["uv-fto-effective-1130"] == 1
    assert ended["uv-any-strike-1127"] == 0
    assert ended["uv-any-strike-1225"] is None
    found = track_record(story.lines)
    assert found.n == 3
    assert 0 < found.brier < 1
    assert found.log_loss > 0
    assert all(ours.as_of <= theirs.at for _, theirs, ours in beside_others(story.lines))


def test_the_pages_tell_of_every_question(folder: Path, told: Told) -> None:
    flagship = write_pages(folder)
    pages = {page.stem for page in flagship.parent.glob("*.html")}
    assert pages == {line.question.question_id for line in told[0].lines} | {"index"}
    page = flagship.read_text(encoding="utf-8")
    assert "hindsight" in page
    assert "<script" not in page


def test_a_folder_that_no_demo_made_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "precious").write_text("mine")
    with pytest.raises(OutsideError, match="is not empty, and no demo made it"):
        fresh_folder(example_folder("venezuela-2025"), tmp_path)
    assert (tmp_path / "precious").read_text() == "mine"


def test_the_report_of_a_replayed_watch_is_one_json_document(
    folder: Path,
    told: Told,
) -> None:
    done = tocsin("report", "uv-any-strike-1225", "--json", folder=folder)
    assert done.returncode == 0, done.stderr
    body = json.loads(done.stdout)
    moved = body["moved"]
    assert body["estimate"]["health"] == "healthy"
    assert [p["probability"] for p in body["curve"]] == sorted(
        p["probability"] for p in body["curve"]
    )
    assert moved["to"] == body["estimate"]["probability"]
