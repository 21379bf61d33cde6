"""The terminal report: complete, within its width, and without colours where none are wanted."""

import io
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
from rich.console import Console

from forecast.clock import format_instant
from forecast.likelihood import percent
from forecast.reports.as_json import question_json, watch_json
from forecast.reports.console import print_table
from forecast.reports.html import question_html, watch_html
from forecast.reports.markdown import watch_markdown
from forecast.reports.phrases import day_words, instant_words
from forecast.reports.sections import sections
from forecast.reports.table import Column, Table
from forecast.reports.terminal import above, band_bar, print_question, print_watch, sparkline
from forecast.reports.view import QuestionReport
from forecast.reports.watch import build_watch
from tests.forecast import report_samples as samples
from tests.forecast.html_pages import text_of


def printed(report: QuestionReport, width: int = 80) -> str:
    out = io.StringIO()
    print_question(report, Console(file=out, width=width))
    return out.getvalue()


def test_everything_is_said() -> None:
    text = printed(samples.full())
    for words in (
        "Will the United States strike Venezuelan territory by 31 December 2025?",
        "Unlikely: 31 % (90 % band 22–41 %)",
        "Caveat: The timeline was compiled with hindsight",
        "2 Jun 2025 to 28 Nov 2025; highest 50 %, 180 updates, ▲ at or above 40 %",
        "wider: any-kinetic-act      62 %  48–75 %",
        "21 Nov 2025, 19 %",
        "new evidence",
        "×1.9",
        "1.2–2.9",
        "○ ok",
        "Example Market  10 Nov 2025    50 %  39 %  down 11 points",
        "one in 8..30 years",
        "✓ pass",
        "weights (k-hat)",
        "28 Nov 2025, 06:00 UTC",
    ):
        assert words in text


@pytest.mark.parametrize("width", [40, 80, 200])
def test_no_line_is_wider_than_the_console(width: int) -> None:
    assert max(len(line) for line in printed(samples.full(), width).splitlines()) <= width


def test_a_file_gets_plain_text_and_a_terminal_with_no_color_gets_no_colours() -> None:
    assert "\x1b" not in printed(samples.full())
    out = io.StringIO()
    print_question(samples.full(), Console(file=out, force_terminal=True, no_color=True, width=80))
    assert "\x1b[36m" not in out.getvalue()
    out = io.StringIO()
    coloured = Console(file=out, force_terminal=True, color_system="standard", width=80)
    print_question(replace(samples.full()), coloured)
    assert "\x1b[36m" in out.getvalue()


def test_markup_and_escape_sequences_in_a_title_are_only_text() -> None:
    question = replace(samples.QUESTION, title="[bold red]\x1b[2JBoo[/] \u202eevil\nsecond line")
    text = printed(samples.bare(question=question))
    assert text.startswith("[bold red][2JBoo[/] evil second line\n")


def test_markup_in_a_tag_a_rule_and_a_prior_is_only_text() -> None:
    tag = replace(samples.CONTRIBUTIONS[0], tag="[red]tag[/red]")
    report = samples.full(
        history=[samples.estimate(0, 0.3, contributions=(tag,))],
        rules=[replace(samples.RULE, rule_id="[/]rule")],
        prior=replace(samples.PRIOR, words={"[b]key": "[i]words"}),
        learnt=None,
    )
    for words in ("[red]tag[/red]", "[/]rule", "[b]key", "[i]words"):
        assert words in printed(report)


def test_a_held_estimate_says_so_with_its_reason() -> None:
    text = printed(samples.full(history=samples.history(103)))
    assert "the last good number stands: k-hat 0.83 is above 0.70" in " ".join(text.split())
    assert "‖ warn  gates · held since 10 Sep 2025" in text


def test_without_an_estimate_there_is_one_sentence_and_no_empty_heading() -> None:
    text = printed(samples.bare(None))
    assert "No estimate yet" in text
    for heading in ("By when", "What moved it", "Evidence now", "Alert rules", "Diagnostics"):
        assert heading not in text


def test_a_sparkline_keeps_a_short_peak_and_its_marks_stand_under_it() -> None:
    values = [0.1] * 50 + [0.5] + [0.1] * 49
    line, marks = sparkline(values, 20), above(values, 0.4, 20)
    assert (len(line), line.index("█"), line.count("█")) == (20, 10, 1)
    assert marks == " " * 10 + "▲"


@pytest.mark.parametrize(("p", "place"), [(0.0, 0), (0.5, 10), (1.0, 19)])
def test_the_band_bar_puts_the_number_where_it_belongs(p: float, place: int) -> None:
    assert band_bar(samples.estimate(0, p), [], 20).index("●") == place


def test_the_band_bar_shows_the_band_and_the_threshold_beside_it() -> None:
    assert band_bar(samples.estimate(0, 0.31), [0.7], 20) == "····──●──·····┊·····"


def test_a_watch_is_a_line_a_question_with_a_mark_for_each_state() -> None:
    reports = [
        samples.full(transitions=samples.transitions()[:2]),
        samples.full(history=samples.history(103)),
        samples.resolved(),
        samples.bare(None),
    ]
    out = io.StringIO()
    print_watch(build_watch("Desk", reports, now=samples.NOW), Console(file=out, width=110))
    lines = out.getvalue().splitlines()
    assert lines[0].rstrip() == "Desk · 28 Nov 2025, 09:00 UTC"
    assert lines[2].startswith("▲ firing")
    assert "+12" in lines[2]
    assert "22–41 %" in lines[2]
    marks = [line.split()[0] for line in lines[3:] if line[:1].strip()]
    assert marks == ["‖", "·", "■"]
    assert "resolved yes" in out.getvalue()


def test_an_empty_watch_says_so() -> None:
    out = io.StringIO()
    print_watch(build_watch("Desk", [], now=samples.NOW), Console(file=out, width=80))
    assert "No questions yet." in out.getvalue()


def test_importing_the_formats_imports_neither_rich_nor_jinja() -> None:
    code = (
        "import sys, forecast.reports.terminal, forecast.reports.html, forecast.reports.as_json;"
        "print({'rich', 'jinja2', 'markupsafe', 'numpy', 'sqlalchemy'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


def test_moves_since_a_moment_that_was_asked_for_are_not_called_those_of_a_week() -> None:
    since = samples.NOW - timedelta(days=20)
    watch = build_watch("Desk", [samples.full()], now=samples.NOW, since=since)
    out = io.StringIO()
    print_watch(watch, Console(file=out, width=110))
    told = day_words(since)
    for text in (out.getvalue(), watch_markdown(watch), text_of(watch_html(watch))):
        assert "7 days" not in text
        assert told in text
    assert watch_json(watch)["since"] == format_instant(since)
    assert "7 days" in watch_markdown(build_watch("Desk", [samples.full()], now=samples.NOW))


def test_a_name_is_not_broken_and_a_column_that_says_nothing_is_left_out() -> None:
    tag = "military.carrier-deployment"
    names = (Column("tag", is_number=False), Column("empty", rank=1), Column("what", False))
    table = Table(names, ((tag, "", "many words " * 12),))
    out = io.StringIO()
    print_table(Console(file=out, width=60), table, 60)
    assert tag in out.getvalue()
    assert "empty" not in out.getvalue()
    assert all(len(line) <= 60 for line in out.getvalue().splitlines())


def test_two_points_of_one_day_are_one_row_the_later() -> None:
    last = samples.history()[-1]
    point = last.curve[-1]
    twice = (*last.curve[:-1], replace(point, by=point.by - timedelta(minutes=5)), point)
    report = samples.full(history=(*samples.history()[:-1], replace(last, curve=twice)))
    [curve] = [section.table for section in sections(report) if section.key == "curve"]
    assert curve is not None
    assert [row[1] for row in curve.rows if row[0] == day_words(point.by)] == [
        percent(point.probability)
    ]


def test_of_what_has_ended_evidence_is_as_old_as_its_last_estimate_saw_it() -> None:
    ended = replace(samples.resolved(), now=samples.NOW + timedelta(days=300))
    at_once = replace(ended, now=ended.history[-1].as_of)
    forms: list[Callable[[QuestionReport], str]] = [printed, lambda r: text_of(question_html(r))]
    for form in forms:
        text = form(ended)
        assert "Evidence at the last estimate" in text
        assert text.replace(instant_words(ended.now), instant_words(at_once.now)) == form(at_once)
    assert question_json(ended)["evidence"] == question_json(at_once)["evidence"]
