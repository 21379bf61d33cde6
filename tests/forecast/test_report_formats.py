"""Every format of a report says the same numbers, and none of them is broken by others' words."""

import csv
import io
import json
from dataclasses import replace

import pytest
from rich.console import Console

from forecast.evidence import Report
from forecast.reports.as_csv import (
    BELIEF_COLUMNS,
    QUESTION_COLUMNS,
    beliefs_csv,
    question_csv,
    watch_csv,
)
from forecast.reports.as_json import question_json
from forecast.reports.html import question_html
from forecast.reports.markdown import question_markdown, watch_markdown
from forecast.reports.sections import left_words, record_words, sections
from forecast.reports.terminal import print_question
from forecast.reports.track_record import TrackRecord
from forecast.reports.view import QuestionReport
from forecast.reports.watch import build_watch
from tests.forecast import report_samples as samples
from tests.forecast.html_pages import HOSTILE, text_of

RECORD = TrackRecord(9, 3, 0.1874, 0.5612, 8, 0.1213, 0.1592)
PROOF = "the model beats 'history': walk-forward over 4,000 forecasts (backtest strikes-1)"


def everything() -> QuestionReport:
    return samples.full(
        half_lives={"kinetic.boat-strike": 14.0}, record=RECORD, proof=PROOF, since=samples.at(100)
    )


def printed(report: QuestionReport) -> str:
    out = io.StringIO()
    print_question(report, Console(file=out, width=200))
    return " ".join(out.getvalue().split())


def words_of(markdown: str) -> str:
    return " ".join(markdown.replace("`", "").replace("|", " ").split())


def test_every_format_says_the_same_numbers() -> None:
    report = everything()
    texts = {
        "terminal": printed(report),
        "page": text_of(question_html(report)),
        "markdown": words_of(question_markdown(report)),
    }
    for words in (
        "Unlikely: 31 % (90 % band 22–41 %)",
        "in 79 days",
        "28 Nov 2025",
        "62 %",
        "×1.9",
        "1.2–2.9",
        "mean Brier score 0.187",
        "ours 0.121, theirs 0.159",
        "Too few to tell skill from luck",
        "walk-forward over 4,000 forecasts",
        "Example Market",
        "one in 8..30 years",
        "Prior against posterior",
        "of 4 beliefs 2 went further than half a standard deviation",
        "military.carrier-deployment, from ×1.9 to ×2.4",
        "×2.4 (1.6–3.3)",
        "1.7 % (0.93–3.3 %)",
        "30 % (14–48 %)",
        "▲ 0.9 sd",
        "1.2x..3x, 90% sure, half-life 21 days",
        "Prior version 2",
        "82 %",
        "B2",
        "25 %, −15 points by the passing of time, +23 points by new evidence",
        "0.21; its bound was not kept",
        "All 6 checks pass.",
    ):
        for name, text in texts.items():
            assert words in text, (name, words)


def test_json_and_csv_say_them_unrounded() -> None:
    report = everything()
    told = json.loads(json.dumps(question_json(report), allow_nan=False))
    [*_, last] = csv.DictReader(io.StringIO(question_csv(report)))
    assert float(last["probability"]) == told["estimate"]["probability"]
    assert float(last["upper"]) == told["estimate"]["interval"]["upper"]
    assert last["as_of"] == told["estimate"]["as_of"]
    assert tuple(last) == QUESTION_COLUMNS
    assert told["track_record"]["brier"] == RECORD.brier
    assert told["proof"] == PROOF
    beliefs = told["beliefs"]
    assert (beliefs["unit"], beliefs["as_of"]) == ("usa-ven", "2025-11-25T06:00:00Z")
    first, *_ = csv.DictReader(io.StringIO(beliefs_csv(report)))
    assert tuple(first) == BELIEF_COLUMNS
    assert first["key"] == beliefs["beliefs"][0]["key"] == "effects.military.carrier-deployment"
    assert float(first["posterior_upper"]) == beliefs["beliefs"][0]["posterior"]["upper"] == 3.311
    assert float(first["moved_sd"]) == beliefs["beliefs"][0]["moved_sd"] == 0.86
    newest = told["evidence"][0]
    assert (newest["tag"], newest["grade"], newest["reports"]) == ("kinetic.boat-strike", "B2", 2)
    assert newest["weight_left"] == pytest.approx(2 ** -((179.125 - 176 + 20 / 24) / 14))
    assert told["evidence"][-1]["weight_left"] is None


def test_a_move_since_a_moment_begins_with_what_stood_then() -> None:
    since = question_json(everything())["since"]
    assert since["since"] == "2025-09-10T06:00:00Z"
    stood = next(e for e in samples.history() if e.as_of == samples.at(100))
    assert since["from"] == stood.probability
    assert question_json(samples.full(since=samples.at(500)))["since"] is None


def test_others_stand_beside_what_we_said_at_that_moment() -> None:
    club, market = question_json(everything())["others"]
    assert (club["source"], club["probability"]) == ("Forecast Club", 0.38)
    assert (market["source"], market["probability"]) == ("Example Market", 0.50)
    then = next(e for e in samples.history() if e.as_of == samples.at(161))
    assert market["ours"] == then.probability


def test_an_incident_that_nobody_judged_has_no_grade_and_the_best_of_several_counts() -> None:
    def graded(*grades: tuple[str, int]) -> str:
        rows = [
            replace(samples.reports()[0], report_id=f"r{n}", reliability=r, credibility=c)
            for n, (r, c) in enumerate(grades)
        ]
        tag = samples.CONTRIBUTIONS[3]
        report = samples.full(reports=rows, history=[samples.estimate(179, 0.3)])
        [incident] = next(e for e in report.effects if e.tag == tag.tag).incidents
        return incident.grade

    assert graded(("F", 6)) == ""
    assert graded(("A", 3), ("C", 2), ("B", 2)) == "B2"


def test_what_is_left_of_a_weight_is_nothing_where_nothing_fades() -> None:
    assert (left_words(None), left_words(0.5)) == ("", "50 %")


def test_a_record_of_none_says_so_and_a_long_one_is_not_called_short() -> None:
    none = TrackRecord(0, 0, float("nan"), float("nan"), 0, float("nan"), float("nan"))
    assert record_words(none) == ["No question of this kind has ended yet."]
    told = record_words(replace(RECORD, n=200, yes=60, moments=0))
    assert told == [
        "200 questions of this kind ended, 60 of them yes: mean Brier score 0.187 "
        "(always saying 50 % gets 0.250)."
    ]


def test_words_of_others_break_neither_markdown_nor_csv() -> None:
    rows: list[Report] = [
        replace(r, summary="a | b\n\n# c", source="[x](y)") for r in samples.reports()
    ]
    report = samples.full(
        reports=rows, question=replace(samples.QUESTION, question_id="=1+1", title=HOSTILE)
    )
    table = [s for s in sections(report) if s.key == "incidents"]
    assert table
    lines = question_markdown(report).splitlines()
    assert [line for line in lines if line.startswith("# ")] == lines[:1]
    assert all(line.count("[x](y)") == line.count("`[x](y)`") for line in lines)
    assert all(row["question_id"] == "'=1+1" or row["question_id"] for row in csv.DictReader(
        io.StringIO(question_csv(report))
    ))  # fmt: skip
    watch = build_watch("Desk", [report], now=samples.NOW)
    [row] = csv.DictReader(io.StringIO(watch_csv(watch)))
    assert row["question_id"] == "'=1+1"


def test_a_watch_is_a_row_a_question_in_every_format() -> None:
    reports = [
        samples.full(),
        samples.bare(None, question=replace(samples.QUESTION, question_id="b")),
    ]
    watch = build_watch("Desk", reports, now=samples.NOW)
    rows = list(csv.DictReader(io.StringIO(watch_csv(watch))))
    assert [row["question_id"] for row in rows] == [
        r.report.question.question_id for r in watch.rows
    ]
    assert rows[-1]["probability"] == ""
    table = [line for line in watch_markdown(watch).splitlines() if line.startswith("| ")]
    assert len(table) == 1 + len(reports)
    assert "No questions yet." in watch_markdown(build_watch("Desk", [], now=samples.NOW))
