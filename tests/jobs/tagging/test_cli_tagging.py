"""`tocsin tag` and `tocsin inbox` as typed."""

import json
import os
import pty
import subprocess
from pathlib import Path

import pytest

from forecast.clock import utc_now
from tests.command import TOCSIN
from tests.jobs.desk import Desk
from tests.jobs.tagging.packs import make_watch

TEXT = "Dockers walked out at the harbour on 2 November.\x1b[31m A ballot opens at the harbour.\n"
REPORTS = (
    "unit,tag,occurred_at,source\n"
    "harbour,union.walkout,2025-11-02,Post\n"
    "harbour,union.talks,2025-11-02,Post\n"
    "harbour,union.threat,2025-11-02,Times\n"
)


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    make_watch(tmp_path)
    (tmp_path / "article.txt").write_text(TEXT)
    (tmp_path / "reports.csv").write_text(REPORTS)
    environment = {k: v for k, v in os.environ.items() if not k.startswith("TOCSIN_")}
    return Desk(tmp_path, environment | {"TOCSIN_AUTHOR": "ada", "COLUMNS": "200"})


def test_what_matched_is_in_brackets_and_nothing_is_written_where_nobody_can_be_asked(
    desk: Desk,
) -> None:
    shown = desk.run("tag", "article.txt", "--published", "2025-11-25", "--source", "Post")
    assert shown.returncode == 0, shown.stderr
    assert "(Dockers) [walked out] at the {harbour} on <2 November>." in shown.stdout
    assert "1. union.walkout at harbour: rule walkout of pack.toml" in shown.stdout
    assert "\x1b" not in shown.stdout
    assert "nothing was written; --yes confirms all" in shown.stderr
    with desk.store() as store:
        assert store.tagging.counts() == {}


def test_what_is_confirmed_is_a_report_and_the_inbox_says_where_each_stands(desk: Desk) -> None:
    told = "tag", "-", "--published", "2025-11-25", "--source", "Post", "--json"
    body = json.loads(desk.run(*told, "--yes", stdin=TEXT).stdout)
    assert body["written"] is True
    first, second = body["candidates"]
    assert TEXT[first["spans"][0]["start"] : first["spans"][0]["end"]] == "Dockers"
    with desk.store() as store:
        reports = store.reports("harbour", utc_now())
        assert [report.report_id for report in reports] == [first["report_id"], second["report_id"]]
    rejected = desk.run("inbox", "reject", second["candidate_id"][:8], "-m", "a rumour")
    assert rejected.stdout.endswith("union.ballot at harbour: rejected\n")
    listed = desk.run("inbox", "--state", "all").stdout
    assert "0 waiting, 1 confirmed, 1 rejected" in listed
    shown = desk.run("inbox", "show", second["candidate_id"]).stdout
    assert "rejected by ada on" in shown
    assert "a rumour" in shown


def test_what_is_found_is_held_against_the_reports_of_a_source(desk: Desk) -> None:
    asked = "tag", "article.txt", "--against", "reports.csv", "--against-source", "post"
    said = desk.run(*asked).stdout
    assert "union.walkout at harbour: 1 right of 1 found, 1 wanted" in said
    assert said.endswith("precision 50%, recall 50%\n")


def test_a_person_at_a_terminal_is_asked_about_each(desk: Desk) -> None:
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [TOCSIN, "tag", "article.txt"],
        cwd=desk.folder,
        env=desk.environment,
        stdin=theirs,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    os.write(ours, b"a\nl\n")
    out, err = process.communicate(timeout=60)
    os.close(ours)
    os.close(theirs)
    assert process.returncode == 0, err
    assert b"accept, edit, reject, later, all or quit?" in err
    assert b"1 confirmed, 1 others" in out
    with desk.store() as store:
        (waits,) = store.tagging.candidates()
        assert waits.tag == "union.ballot"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("tag", "none.txt"), "none.txt: cannot be read: No such file or directory"),
        (("tag", "article.txt", "--published", "soon"), "--published: 'soon' is not a date"),
        (("inbox", "confirm", "abcdef"), "'abcdef'; `tocsin inbox --state all` lists"),
    ],
)
def test_trouble_is_one_line(desk: Desk, arguments: tuple[str, ...], words: str) -> None:
    done = desk.run(*arguments)
    assert done.returncode == 2
    assert words in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_a_pattern_that_cannot_be_trusted_is_one_line_with_pack_and_rule(desk: Desk) -> None:
    pack = desk.folder / "pack.toml"
    pack.write_text(pack.read_text().replace("patterns = [", "patterns = ['(a+)+b', "))
    done = desk.run("tag", "article.txt")
    assert done.returncode == 2
    assert done.stderr.startswith("tocsin: pack.toml: rules.ballot.patterns.0: the pattern could")
