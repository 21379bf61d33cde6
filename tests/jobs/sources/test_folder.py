"""A watched folder: each file once, by its content, when it is whole."""

import gzip
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from forecast.source_table import SourceTable
from forecast.store import Store
from forecast.watch import Watch, parse_config
from jobs.app import App
from jobs.sources.pull import Pull, pull_one

NOW = datetime(2025, 11, 29, 12, tzinfo=UTC)
MINUTE, FAR = timedelta(minutes=1), NOW + timedelta(days=300)
HEAD = "report_id,unit,tag,occurred_at\n"
ROW = "{},u,t,2025-11-2{}\n"


class Desk:
    """A folder that is looked into every minute."""

    def __init__(self, store: Store, folder: Path) -> None:
        self.folder = folder / "in"
        self.folder.mkdir()
        config = parse_config('[watch]\ntitle = "d"\n')
        self.table = SourceTable(id="drop", kind="folder", folder="in", every="1 minute")
        self.app = App(Watch(folder, config.model_copy(update={"sources": [self.table]})), store)
        self.now = NOW

    def write(self, name: str, text: str | bytes) -> Path:
        path = self.folder / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    def look(self) -> Pull:
        self.now += MINUTE
        pull = pull_one(self.app, self.table, lambda: self.now, "me")
        assert pull is not None
        return pull

    def ids(self) -> list[str]:
        return [report.report_id for report in self.app.store.reports("u", FAR)]

    def aside(self) -> list[str]:
        return [f"{row.file}: {row.reason}" for row in self.app.store.quarantined()]


@pytest.fixture
def desk(store: Store, tmp_path: Path) -> Desk:
    return Desk(store, tmp_path)


def test_a_file_waits_until_it_looks_the_same_twice_and_is_taken_once(desk: Desk) -> None:
    desk.write("a.csv", HEAD + ROW.format(1, 1))
    assert desk.look().brought.new == 0
    path = desk.write("a.csv", HEAD + ROW.format(1, 1) + ROW.format(2, 2))
    assert desk.look().brought.new == 0, "it has grown meanwhile"
    assert desk.look().brought.new == 2
    assert (desk.look().brought.new, desk.ids()) == (0, ["1", "2"])
    assert path.exists(), "it stays where it is"


def test_a_file_that_changes_is_taken_again_and_what_is_known_adds_nothing(desk: Desk) -> None:
    desk.write("a.csv", HEAD + ROW.format(1, 1))
    desk.look(), desk.look()
    desk.write("a.csv", HEAD + ROW.format(1, 1) + ROW.format(2, 2))
    desk.look()
    pull = desk.look()
    assert (pull.brought.new, pull.brought.same) == (1, 1)


def test_the_same_content_under_another_name_is_not_read_again(desk: Desk) -> None:
    desk.write("a.csv", HEAD + ROW.format(1, 1))
    desk.look(), desk.look()
    desk.write("b.csv", HEAD + ROW.format(1, 1))
    desk.look()
    pull = desk.look()
    assert (pull.brought.new, pull.brought.same) == (0, 0)


def test_files_that_cannot_be_read_are_named_and_the_others_are_taken(desk: Desk) -> None:
    desk.write("broken.csv.gz", gzip.compress(HEAD.encode() + b"x,u,t,2025-11-21\n" * 9000)[:-30])
    desk.write("none.csv", "a,b\n1,2\n")
    desk.write("rows.csv", HEAD + ROW.format(1, 1) + "2,u,t,soon\n")
    desk.write("empty.csv", "")
    desk.write(".hidden.csv", HEAD + ROW.format(7, 1))
    desk.write("notes.txt", "no rows")
    (desk.folder / "dir.csv").mkdir()
    desk.look()
    pull = desk.look()
    assert "1" in desk.ids()
    assert "7" not in desk.ids()
    named = {line.partition(": ")[0] for line in desk.aside()}
    assert named == {"drop:broken.csv.gz", "drop:none.csv", "drop:empty.csv", "rows.csv"}
    assert pull.brought.bad == 4
    assert pull.failure == ""
    assert desk.look().brought.bad == 0, "each once"


def test_a_folder_that_is_not_there_is_a_failure_and_works_when_it_comes_back(desk: Desk) -> None:
    os.rename(desk.folder, desk.folder.with_name("away"))
    assert desk.look().failure == "the folder cannot be read: No such file or directory"
    os.rename(desk.folder.with_name("away"), desk.folder)
    desk.now += 10 * MINUTE
    assert desk.look().failure == ""
