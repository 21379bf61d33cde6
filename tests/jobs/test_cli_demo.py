"""`tocsin demo` as typed: its summary on a narrow terminal, its pages, the folder it takes."""

import re
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from urllib.parse import unquote

import pytest

from forecast.clock import parse_instant
from forecast.estimate import Estimate, Health, Interval
from forecast.evidence import CrowdForecast, Event, Outcome, Resolution
from forecast.question import Question
from forecast.reports.track_record import Course, beside_others
from jobs.cli.demo import page_name, tell, write_pages
from jobs.demo import Ring, Story, demo_app
from tests.command import run
from tests.jobs.desk import make_desk

NAME = "uv-official-announcement-1231"
OPENS, UNTIL = parse_instant("2025-11-10"), parse_instant("2025-12-31")


def question(name: str) -> Question:
    return Question(name, "?", "harbour", "strike", OPENS, UNTIL)


def story(name: str) -> Story:
    """One question with every column at its widest."""
    at = OPENS + timedelta(days=10)
    asked = question(name)
    health = Health.HEALTHY
    ours = Estimate(name, at, 0.31, Interval(0.2, 0.4), 0.0, health, "hazard", "", "T0", "")
    ended = Resolution(name, Outcome.VOID, UNTIL, "as told")
    others = CrowdForecast(name, at + timedelta(days=1), 0.42, "market")
    event = Event("e", "harbour", "strike", UNTIL, UNTIL)
    rings = [
        Ring(asked, "likely", at, 0.31, UNTIL - timedelta(days=12), event),
        Ring(asked, "likely", at, 0.31, None, None),
    ]
    return Story([Course(asked, (ours,), ended, None, (others,))], rings)


def test_what_others_say_while_it_happens_is_no_forecast() -> None:
    [line] = story(NAME).lines
    happened = Event("e", "harbour", "strike", OPENS + timedelta(days=12), UNTIL)
    others = tuple(
        CrowdForecast(NAME, OPENS + timedelta(days=day), 0.42, "market") for day in (11, 12, 13)
    )
    ended = Resolution(NAME, Outcome.YES, UNTIL, "as told")
    over = replace(line, resolution=ended, event=happened, crowd=others)
    assert [other for _, other, _ in beside_others([over])] == [others[0]]
    never = replace(over, resolution=replace(ended, outcome=Outcome.NO), event=None)
    assert len(beside_others([never])) == 3


def told(story: Story, capsys: pytest.CaptureFixture[str]) -> list[str]:
    """The lines on a terminal of 80 columns."""
    tell(story, Path("out/demo/reports/a-page.html"))
    return [line.strip() for line in capsys.readouterr().out.splitlines()]


def test_the_summary_fits_80_columns_with_every_id_whole(
    capsys: pytest.CaptureFixture[str],
) -> None:
    lines = told(story(NAME), capsys)
    answer, ring, open_ring = [line.split(None, 1) for line in lines if line.startswith(NAME)]
    assert re.split("  +", answer[1]) == ["31 %, 20 Nov", "31 %", "42 % (31 %)", "void, 31 Dec"]
    assert re.split("  +", ring[1]) == ["20 Nov", "31 %", "19 Dec", "41 days, last 12 quiet"]
    assert re.split("  +", open_ring[1]) == ["20 Nov", "31 %", "still on", "no event"]
    assert all(len(line) <= 80 for line in lines)


def test_an_id_is_no_markup_in_the_summary(capsys: pytest.CaptureFixture[str]) -> None:
    lines = told(story("[/x]\x1b[31m"), capsys)
    assert sum(line.startswith("[/x][31m ") for line in lines) == 3


ODD = ("../../x", "javascript:alert(1)", ".", "..", "index", "a/b", "a%2Fb", "é" * 90, "x" * 300)


def test_each_question_has_a_page_in_the_folder_and_a_link_to_it(tmp_path: Path) -> None:
    desk = make_desk(tmp_path)
    with desk.store() as store:
        store.add_questions([question(name) for name in ODD], OPENS)
    before = {path.name for path in tmp_path.iterdir()}
    reports = write_pages(tmp_path).parent
    assert {path.name for path in tmp_path.iterdir()} - before == {"reports"}
    with demo_app(tmp_path) as app:
        pages = {page_name(q.question_id) for q in app.store.questions()}
    assert len(pages) == len(ODD) + 2
    assert {path.name for path in reports.iterdir()} == pages | {"index.html"}
    links = re.findall(r'href="([^"#]*)"', (reports / "index.html").read_text(encoding="utf-8"))
    # the desk's own two were asked after the end of the demo
    assert {unquote(link) for link in links} == {page_name(name) for name in ODD}
    assert not [link for link in links if ":" in link or "/" in link]


def test_a_link_is_not_followed_to_the_folder_that_is_emptied(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "link").symlink_to("folder")
    done = run("demo", "--out", "link", folder=tmp_path)
    assert done.returncode == 2
    assert done.stderr == "tocsin: link: is a symbolic link: name the folder itself\n"
    assert list((tmp_path / "folder").iterdir()) == []
