"""`tocsin sources` as typed."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.jobs.desk import Desk, make_desk
from tests.jobs.sources.feed_server import FeedServer, Said

ROWS = json.dumps(
    [
        {"n": 1, "at": "2025-06-01T10:00:00Z", "what": "ballot"},
        {"n": 2, "at": "soon", "what": "ballot"},
        {"n": 3, "at": "2025-06-01T10:00:00Z", "what": "other"},
    ]
).encode()
SOURCE = """
[[sources]]
id = "wire"
kind = "json"
url = "{url}"
allow = ["127.0.0.0/8"]
unit = "harbour"
[sources.mapping]
report_id = "n"
occurred_at = "at"
tag = "what"
[sources.values.tag]
ballot = "union.ballot"
[[sources]]
id = "pushed"
kind = "push"
"""


@pytest.fixture(scope="module")
def server() -> Iterator[FeedServer]:
    with FeedServer(Said(ROWS)) as running:
        yield running


@pytest.fixture
def desk(tmp_path: Path, server: FeedServer) -> Desk:
    made = make_desk(tmp_path)
    made.file.write_text(made.file.read_text() + SOURCE.format(url=server.url()))
    server.answer = Said(ROWS)
    return made


def test_a_dry_run_shows_what_would_come_and_writes_nothing(desk: Desk) -> None:
    done = desk.run("sources", "pull", "wire", "--dry-run")
    assert done.returncode == 0, done.stderr
    assert "report_id wire:1 · unit harbour · tag union.ballot" in done.stdout
    assert "wire would bring 1, 1 bad, 1 passed over; nothing was written" in done.stdout
    assert "wire: 2: occurred_at: 'soon' is not a date" in done.stderr
    body = json.loads(desk.run("sources", "pull", "wire", "--dry-run", "--json").stdout)
    assert [row["report_id"] for row in body["rows"]] == ["wire:1"]
    with desk.store() as store:
        assert store.sources.states() == {}
        assert store.quarantined() == []


def test_a_pull_stores_and_the_list_says_how_it_went(desk: Desk, server: FeedServer) -> None:
    done = desk.run("sources", "pull", "wire")
    assert (done.returncode, done.stdout) == (
        1,
        "wire: 1 new, 0 known, 0 corrected, 1 passed over, 1 bad and kept aside\n",
    )
    assert desk.run("quarantine").stdout.startswith("wire:2: occurred_at: 'soon'")
    (wire, pushed) = json.loads(desk.run("sources", "list", "--json").stdout)["sources"]
    assert (wire["health"], wire["total"], pushed["health"]) == ("works", 1, "new")
    server.answer = Said(status=500)
    failed = desk.run("sources", "pull", "wire")
    assert failed.returncode == 4
    assert failed.stderr.endswith("tocsin: wire: the source answered (500)\n")
    listed = desk.run("sources", "list", "--check")
    assert listed.returncode == 1
    assert "wire: failed once: the source answered (500)" in listed.stdout


def test_a_source_is_switched_off_with_a_reason_and_on_again(desk: Desk) -> None:
    bare = desk.run("sources", "disable", "wire")
    assert (bare.returncode, bare.stderr) == (2, "tocsin: say why, with --reason\n")
    desk.run("sources", "disable", "wire", "--reason", "it moved")
    assert "wire: switched off by ada: it moved" in desk.run("sources", "list").stdout
    assert desk.run("sources", "enable", "wire").stdout == "wire: switched on by ada\n"


def test_a_name_that_is_misspelt_is_guessed_and_what_sends_by_itself_is_not_asked(
    desk: Desk,
) -> None:
    wrong = desk.run("sources", "pull", "wier")
    assert wrong.returncode == 2
    assert "there is no source 'wier' in watch.toml; did you mean 'wire'?" in wrong.stderr
    assert "sends by itself and is not asked" in desk.run("sources", "pull", "pushed").stderr
