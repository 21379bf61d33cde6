"""`tocsin ingest`, `update` and `report` as typed: answers on stdout, trouble in one line."""

import gzip
import json
import sqlite3
from pathlib import Path

import pytest

from tests.jobs.desk import Desk, make_desk

QUESTIONS = (
    "question_id,title,unit,definition,opens_at,deadline\n"
    "by-2026,Strike by 2026?,harbour,strike,2025-01-01,2025-12-31\n"
)
REPORTS = "unit,tag,occurred_at,value\nharbour,union.ballot,2025-06-01,1\n"


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return make_desk(tmp_path)


def written(desk: Desk, name: str, text: str | bytes) -> str:
    content = text if isinstance(text, bytes) else text.encode()
    (desk.folder / name).write_bytes(content)
    return name


def trouble(desk: Desk, *arguments: str, code: int) -> str:
    done = desk.run(*arguments)
    assert done.returncode == code, done.stderr
    lines = done.stderr.splitlines()
    assert "Traceback" not in done.stderr
    assert lines[-1].startswith("tocsin: ")
    return lines[-1]


def test_the_same_file_twice_adds_nothing(desk: Desk) -> None:
    file = written(desk, "q.csv", QUESTIONS)
    assert "1 new questions, 0 known" in desk.run("ingest", file).stdout
    assert "0 new questions, 1 known" in desk.run("ingest", file).stdout


def test_standard_input_and_gzip_are_taken(desk: Desk) -> None:
    assert "1 new reports" in desk.run("ingest", "-", stdin=REPORTS).stdout
    file = written(desk, "more.csv.gz", gzip.compress(REPORTS.replace("01,1", "02,1").encode()))
    assert "1 new reports" in desk.run("ingest", file).stdout


def test_bad_rows_are_named_with_their_lines_and_the_others_kept(desk: Desk) -> None:
    rows = REPORTS + (
        "harbour,union.ballot,2025-06-02,NaN\n"
        "harbour,union.ballot,2025-06-03T10:00,1\n"
        "harbour,union.ballot,2025-06-04,1\n"
    )
    done = desk.run("ingest", written(desk, "r.csv", rows))
    assert done.returncode == 1
    assert "2 new reports" in done.stdout
    assert "2 bad rows kept aside" in done.stdout
    assert "r.csv:3: value nan is not a finite number" in done.stderr
    assert "r.csv:4: occurred_at: '2025-06-03T10:00' has no time zone" in done.stderr
    with desk.store() as store:
        assert [row.line for row in store.quarantined()] == [3, 4]


def test_a_deadline_before_the_opening_is_a_bad_row(desk: Desk) -> None:
    rows = QUESTIONS.replace("2025-12-31", "2024-12-31")
    done = desk.run("ingest", written(desk, "q.csv", rows))
    assert done.returncode == 1
    assert "q.csv:2: deadline 2024-12-31T23:59:59" in done.stderr


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is empty"),
        (b"\xff\xfejunk,\xe9\n1,2\n", "UTF-8"),
        (b"colour,size\nred,1\n", "kind"),
    ],
)
def test_a_file_that_cannot_be_read_is_one_line(desk: Desk, content: bytes, words: str) -> None:
    line = trouble(desk, "ingest", written(desk, "f.csv", content), code=2)
    assert line.startswith("tocsin: f.csv")
    assert words in line


def test_a_missing_file_is_one_line(desk: Desk) -> None:
    assert "No such file" in trouble(desk, "ingest", "nowhere.csv", code=2)


def test_an_update_answers_and_a_report_shows_it(desk: Desk) -> None:
    desk.run("ingest", written(desk, "q.csv", QUESTIONS))
    done = desk.run("update", "by-2026", "--as-of", "2025-06-10", "--no-send", "--json")
    assert done.returncode == 0, done.stderr
    [estimate] = json.loads(done.stdout)["estimates"]
    report = json.loads(desk.run("report", "by-2026", "--json").stdout)
    assert report["estimate"]["probability"] == estimate["probability"]
    assert "Strike by 2026?" in desk.run("report", "by-2026").stdout
    assert "Strike by 2026?" in desk.run("report").stdout


def test_an_update_says_what_tells_somebody_once_and_what_the_clock_decides(desk: Desk) -> None:
    desk.rewrite("dwell = 1", "dwell = 2")
    soon = '[[rules]]\nid = "soon"\nkind = "deadline"\nwithin = "90 days"\n\n'
    desk.rewrite("[[channels]]", soon + "[[channels]]")
    first = desk.run("update", "--no-send").stdout
    assert "likely:" not in first  # it pends
    assert first.count("soon: q-long: ") == 1
    second = json.loads(desk.run("update", "--no-send", "--json").stdout)
    assert second["alerts"] == [
        {"rule": "likely", "question": name, "now": "firing"} for name in ("q-long", "q-strike")
    ]
    sent = desk.run("update")
    assert "to be tried again" in sent.stderr
    assert "failed for good" not in sent.stderr


def test_a_page_is_written_where_asked(desk: Desk) -> None:
    desk.run("ingest", written(desk, "q.csv", QUESTIONS))
    desk.run("update", "--as-of", "2025-06-10", "--no-send")
    done = desk.run("report", "by-2026", "--html", "out/page.html")
    assert done.returncode == 0, done.stderr
    assert done.stderr.strip() == "tocsin: wrote out/page.html"
    assert "<title>" in (desk.folder / "out" / "page.html").read_text()


def test_a_question_that_is_not_there_is_one_line_with_a_guess(desk: Desk) -> None:
    desk.run("ingest", written(desk, "q.csv", QUESTIONS))
    assert "did you mean 'by-2026'" in trouble(desk, "report", "by-2062", code=2)
    assert "no question fits nothing-*" in trouble(desk, "update", "nothing-*", code=2)


def test_a_moment_to_come_or_without_a_zone_is_refused(desk: Desk) -> None:
    assert "has not come yet" in trouble(desk, "update", "--as-of", "2999-01-01", code=2)
    assert "no time zone" in trouble(desk, "update", "--as-of", "2026-01-01T10:00", code=2)


def test_trouble_is_json_where_json_was_asked_for(desk: Desk) -> None:
    done = desk.run("report", "nothing", "--json")
    assert done.returncode == 2
    error = json.loads(done.stderr)["error"]
    assert (error["code"], error["at"]) == ("usage", None)
    assert "nothing" in error["message"]


def test_a_mistake_in_the_configuration_names_its_key(desk: Desk) -> None:
    desk.rewrite('fire_at = "2%"', 'fire_at = "1%"')
    line = trouble(desk, "report", code=2)
    assert "watch.toml: rules.0: clear_at 1% must be below fire_at 1%" in line


def test_a_store_that_is_no_database_is_one_line(desk: Desk) -> None:
    (desk.folder / "tocsin.db").write_bytes(b"no database at all, just words" * 50)
    assert "is not a database" in trouble(desk, "report", code=4)


def test_a_locked_store_is_one_line_and_loses_nothing(desk: Desk) -> None:
    desk.run("ingest", written(desk, "q.csv", QUESTIONS))
    holder = sqlite3.connect(desk.folder / "tocsin.db", isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    try:
        line = trouble(desk, "ingest", written(desk, "r.csv", REPORTS), code=4)
    finally:
        holder.close()
    assert "locked" in line
    assert "1 new reports" in desk.run("ingest", "r.csv").stdout


def test_a_password_in_the_address_of_the_store_is_never_shown(desk: Desk) -> None:
    url = "postgresql://desk:CANARY@127.0.0.1:1/tocsin"
    desk.environment["TOCSIN_STORE"] = url
    line = trouble(desk, "report", code=4)
    assert "CANARY" not in line
    assert "127.0.0.1" in line


def test_rows_kept_aside_are_listed_and_chosen_by_file(desk: Desk) -> None:
    assert "no row was kept aside" in desk.run("quarantine").stdout
    desk.run("ingest", written(desk, "r.csv", REPORTS + "harbour,,2025-06-02,1\n"))
    listed = desk.run("quarantine").stdout
    assert "r.csv:3: tag is empty" in listed
    assert "harbour,,2025-06-02,1" in listed
    assert json.loads(desk.run("quarantine", "other*", "--json").stdout)["rows"] == []
    assert len(json.loads(desk.run("quarantine", "r.*", "--json").stdout)["rows"]) == 1


def test_a_value_that_no_incident_has_and_a_misspelt_tag_are_named(desk: Desk) -> None:
    rows = REPORTS + "harbour,union.ballot,2025-06-02,130\nharbour,union.balot,2025-06-02,1\n"
    done = desk.run("ingest", written(desk, "r.csv", rows))
    assert done.returncode == 1
    assert "r.csv:3: value 130 is not a strength from 0 to 1" in done.stderr
    assert "tag 'union.balot' is not in watch.toml (1 of the rows); did you mean" in done.stderr


def test_incidents_are_shown_joined_and_split_with_a_reason(desk: Desk) -> None:
    rows = (
        "report_id,unit,tag,occurred_at,value,origin,summary\n"
        "A,harbour,union.ballot,2025-06-01,1,x,Dockers vote\n"
        "B,harbour,union.ballot,2025-06-03,1,y,Dockers voted two days ago\n"
        "C,harbour,talks,2025-06-03,1,y,Talks\n"
    )
    desk.run("ingest", written(desk, "r.csv", rows))
    shown = desk.run("incidents", "--unit", "harbour").stdout
    assert "rule: one unit and tag, less than 24 hours apart" in shown
    assert "union.ballot@2025-06-03  harbour  union.ballot" in shown
    assert "say why with --reason" in trouble(desk, "incidents", "join", "A", "B", code=2)
    told = desk.run("incidents", "join", "A", "B", "-m", "one ballot").stdout
    assert told == "B is of union.ballot@2025-06-01 from now on\n"
    found = json.loads(desk.run("incidents", "q-strike", "--json").stdout)["incidents"]
    [joined] = [i for i in found if i["incident_id"] == "union.ballot@2025-06-01"]
    assert [r["report_id"] for r in joined["reports"]] == ["A", "B"]
    assert joined["reports"][1]["why"].startswith("by ada on ")
    assert joined["reports"][1]["why"].endswith(": one ballot")
    line = trouble(desk, "incidents", "join", "A", "C", "-m", "x", code=2)
    assert "reports of one incident have one tag: A union.ballot, C talks" in line
    assert desk.run("incidents", "split", "B", "-m", "two").stdout.startswith("B is of union")
    assert "one incident already" in desk.run("incidents", "split", "B", "-m", "two").stdout
    assert "no report 'Z'" in trouble(desk, "incidents", "split", "Z", "-m", "x", code=2)
    assert "did you mean 'harbour'" in trouble(desk, "incidents", "--unit", "harbor", code=2)
