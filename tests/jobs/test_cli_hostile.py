"""What others wrote is shown as it is: it commands no terminal, forges no line, is no markup."""

import json
import os
import pty
import subprocess
from pathlib import Path

import pytest

from forecast.errors import TocsinError
from forecast.question import Question
from tests.command import TOCSIN
from tests.jobs.desk import Desk, make_desk

MARKUP = ("q-[/bold]", "q-[x]", "q-[link=https://evil.example]here[/link]", "q-:bell:")
# an OSC that renames the window, a C1 control, a bidi override, a line of our own making
EVIL = "q\x1b]0;pwned\x07-\x9b31m-\u202eend\nok: all is well"
SEEN = "q]0;pwned-31m-end ok: all is well"


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return make_desk(tmp_path, COLUMNS="220")


def ask(desk: Desk, *names: str, definition: str = "strike") -> None:
    """Open a question of each name."""
    with desk.store() as store:
        (known,) = [q for q in store.questions() if q.question_id == "q-strike"]
        window = (known.opens_at, known.deadline)
        asked = [Question(name, "?", "harbour", definition, *window) for name in names]
        store.add_questions(asked, known.opens_at)


def strange(text: str) -> set[str]:
    """The characters that no line of ours holds."""
    return {ch for ch in text if ch != "\n" and not ch.isprintable()}


def output(desk: Desk, *arguments: str, code: int = 0) -> str:
    """Both streams, in which nothing is strange."""
    done = desk.run(*arguments)
    assert done.returncode == code, done.stderr
    assert strange(done.stdout + done.stderr) == set()
    return done.stdout + done.stderr


def test_ids_that_look_like_markup_are_listed_as_they_are(desk: Desk) -> None:
    ask(desk, *MARKUP)
    desk.run("update", "--no-send")
    listed = output(desk, "alerts", "list")
    assert all(name in listed for name in MARKUP)


def test_a_prior_is_shown_and_set_where_names_look_like_markup(desk: Desk) -> None:
    desk.rewrite("[definitions.strike]", '[definitions."[/strike]"]')
    desk.rewrite('within = "strike"', 'within = "[/strike]"')
    ask(desk, *MARKUP, definition="[/strike]")
    assert "Prior of '[/strike]'" in output(desk, "priors", "show", "[/strike]")
    change = ("priors", "set", "[/strike]", "base_rate", "1%..2% per quarter", "--dry-run")
    shown = output(desk, *change)
    assert "Prior of '[/strike]'" in shown
    assert all(name in shown for name in MARKUP)


def test_an_update_a_list_and_a_refusal_say_a_name_on_one_plain_line(desk: Desk) -> None:
    ask(desk, EVIL)
    assert SEEN in output(desk, "update", "--no-send")
    assert SEEN in output(desk, "alerts", "list")
    assert SEEN in output(desk, "alerts", "subscribe", "desk", "--rules", "likely")
    assert "no question fits a]0;b c" in output(desk, "update", "a\x1b]0;b\nc", code=2)


def test_columns_of_a_line_of_an_update_stay_columns(desk: Desk) -> None:
    line = desk.run("update", "q-strike", "--no-send").stdout.splitlines()[0]
    assert line.startswith(" ")
    assert "  conjugate  q-strike" in line


def test_bad_rows_and_columns_that_are_not_used_are_named_plainly(desk: Desk) -> None:
    rows = (
        "unit,tag,occurred_at,value,red\x1b[31m\u202e\nharbour,union.ballot,\x1b]0;pwned\x07,1,x\n"
    )
    (desk.folder / "r.csv").write_text(rows)
    said = output(desk, "ingest", "r.csv", code=1)
    assert "r.csv:2: occurred_at: " in said
    assert "columns not used: red[31m" in said


def test_the_name_of_a_file_is_no_line_of_its_own(desk: Desk) -> None:
    said = output(desk, "ingest", "no\x1b[2J\ntocsin: fine.csv", code=2)
    assert said.startswith("tocsin: no[2J tocsin: fine.csv: ")
    assert said.count("\n") == 1


def test_an_error_is_one_line_with_its_place() -> None:
    assert str(TocsinError("a\nb", at="rows\n.csv:1")) == "rows .csv:1: a b"


def test_the_doctor_gives_each_finding_one_line(desk: Desk) -> None:
    ask(desk, "q-odd", definition=EVIL)
    said = output(desk, "doctor", code=1)
    assert f"asks for '{SEEN}'" in said
    assert not any(line.startswith("ok: all is well") for line in said.splitlines())


def test_the_log_of_a_service_is_plain(desk: Desk) -> None:
    desk.rewrite('title = "Harbour desk"', r'title = "Harbour\u001b[2J\u202e\ndesk"')
    said = output(desk, "serve", "--once")
    assert "serving 'Harbour[2J desk': " in said
    assert not any(line.startswith("desk") for line in said.splitlines())


def test_json_is_ascii_and_holds_what_was_written(desk: Desk) -> None:
    ask(desk, EVIL)
    done = desk.run("update", "--no-send", "--json")
    assert done.stdout.isascii()
    assert strange(done.stdout) == set()
    assert EVIL in {e["question"] for e in json.loads(done.stdout)["estimates"]}


def test_on_a_terminal_a_file_is_read_whatever_its_name(desk: Desk) -> None:
    (desk.folder / "r[").mkdir()  # the file lies in it
    file = "r[/bold].csv"
    (desk.folder / file).write_text("unit,tag,occurred_at\nharbour,union.ballot,2025-06-01\n")
    watcher, terminal = pty.openpty()
    done = subprocess.run(
        [TOCSIN, "ingest", file],
        cwd=desk.folder,
        env=desk.environment,
        stdout=subprocess.PIPE,
        stderr=terminal,
        text=True,
        check=False,
    )
    os.close(terminal)
    os.close(watcher)
    assert done.returncode == 0
    assert "1 new reports" in done.stdout
