"""`tocsin init`: a folder that runs with no edit, and never at the cost of what was there."""

import json
import shlex
from pathlib import Path

from forecast.alert import Target
from forecast.clock import parse_instant
from forecast.watch import load_watch
from jobs.examples import example_folder
from jobs.new_watch import TEMPLATES, copy_watch
from tests.command import Done, run


def tocsin(*arguments: str, cwd: Path, process: bool = False) -> Done:
    return run(*arguments, folder=cwd, process=process)


def next_commands(output: str) -> list[list[str]]:
    lines = [shlex.split(line) for line in output.splitlines() if line.startswith("  tocsin ")]
    assert all(words[0] == "tocsin" for words in lines)
    return [words[1:] for words in lines]


def test_the_three_commands_that_are_printed_work_one_after_the_other(tmp_path: Path) -> None:
    made = tocsin("init", "my desk", cwd=tmp_path, process=True)
    assert made.returncode == 0, made.stderr
    assert "  cd 'my desk'\n" in made.stdout
    commands = next_commands(made.stdout)
    assert [words[0] for words in commands] == ["ingest", "update", "report"]
    for words in commands:
        result = tocsin(*words, cwd=tmp_path / "my desk", process=True)
        assert (result.returncode, result.stderr) == (0, "")
    assert "A strike at Northport" in result.stdout


def test_in_the_current_folder_the_commands_need_no_folder(tmp_path: Path) -> None:
    made = tocsin("init", cwd=tmp_path)
    commands = next_commands(made.stdout)
    assert commands[1:] == [["update"], ["report"]]
    assert tocsin(*commands[0], cwd=tmp_path).returncode == 0


def test_the_watch_is_a_whole_small_one(tmp_path: Path) -> None:
    tocsin("init", cwd=tmp_path)
    config = load_watch(tmp_path).config
    assert len(config.units) == 1
    assert len(config.indicators) == 2
    assert config.root_of("long-strike") == "strike"
    assert len(config.rules) == 1
    assert [schedule.kind for schedule in config.schedules] == ["update", "audit"]
    assert config.channels == []


def test_the_channels_work_once_their_lines_are_taken_in(tmp_path: Path) -> None:
    tocsin("init", cwd=tmp_path)
    file = tmp_path / "watch.toml"
    head, rest = file.read_text().split("# [[channels]]")
    body, tail = rest.split("# When `tocsin serve`")
    uncommented = "\n".join(line.removeprefix("#").strip() for line in body.splitlines())
    file.write_text(f"{head}[[channels]]{uncommented}\n# When{tail}")
    config = load_watch(tmp_path).config
    assert config.channels_for(Target("strike-likely", "northport-strike")) == ["desk"]


def test_the_facts_are_of_the_last_weeks(tmp_path: Path) -> None:
    copy_watch(TEMPLATES, tmp_path, parse_instant("2031-03-20"))
    assert "2031-03-16,2031-03-16" in (tmp_path / "reports.csv").read_text()
    assert "2031-06-18" in (tmp_path / "questions.csv").read_text()
    assert all("@" not in (path.read_text()) for path in tmp_path.glob("*.csv"))


def test_nothing_is_overwritten_and_nothing_is_begun(tmp_path: Path) -> None:
    (tmp_path / "reports.csv").write_text("mine")
    result = tocsin("init", "--watch", str(tmp_path), cwd=tmp_path)
    assert result.returncode == 2
    assert result.stderr.endswith("reports.csv: is there already; nothing was written\n")
    assert result.stderr.count("\n") == 1
    assert [path.name for path in tmp_path.iterdir()] == ["reports.csv"]
    assert (tmp_path / "reports.csv").read_text() == "mine"


def test_nothing_is_written_through_a_link_that_leads_nowhere(tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere.toml"
    folder = tmp_path / "desk"
    folder.mkdir()
    (folder / "watch.toml").symlink_to(elsewhere)
    result = tocsin("init", "desk", cwd=tmp_path)
    assert result.returncode == 2
    assert result.stderr == "tocsin: desk/watch.toml: is there already; nothing was written\n"
    assert not elsewhere.exists()


def test_an_example_is_copied_as_it_is(tmp_path: Path) -> None:
    result = tocsin("init", "copy", "--example", "venezuela-2025", "--json", cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    body = json.loads(result.stdout)
    assert body["next"][0] == "cd copy"
    assert body["next"][1].startswith("tocsin ingest questions.csv")
    for path in example_folder("venezuela-2025").glob("*.[ct][so][vm]*"):
        assert (tmp_path / "copy" / path.name).read_bytes() == path.read_bytes()


def test_an_unknown_example_is_one_line(tmp_path: Path) -> None:
    result = tocsin("init", "--example", "atlantis", cwd=tmp_path)
    assert (result.returncode, result.stderr) == (2, "tocsin: no example 'atlantis'\n")


def test_a_folder_that_cannot_be_made_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    result = tocsin("init", "file/desk", cwd=tmp_path)
    assert result.returncode == 4
    assert result.stderr == "tocsin: file/desk: cannot be written: Not a directory\n"
