"""Reports as one HTML file; see `page.py` for what every such page is."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cache, partial
from typing import TYPE_CHECKING, Any

from forecast.belief import Learnt
from forecast.reports import phrases
from forecast.reports.charts.beliefs import belief_chart
from forecast.reports.charts.curve import curve_chart
from forecast.reports.charts.history import fired_or_cleared, history_chart, thin
from forecast.reports.charts.small import band_bar, spark
from forecast.reports.charts.waterfall import waterfall
from forecast.reports.charts.whiskers import ROWS, whiskers
from forecast.reports.checks import checks_of, count_rows, coupling_words, made_rows, summary
from forecast.reports.moves import CAUSES
from forecast.reports.page import both, environment, render, safe
from forecast.reports.sections import left_words, sections
from forecast.reports.sentence import change_words, headline, opening, sum_words
from forecast.reports.view import QuestionReport
from forecast.reports.watch import Attention, WatchReport
from forecast.reports.watch_table import shared_words

if TYPE_CHECKING:
    from jinja2 import Environment
    from markupsafe import Markup

TAGS = 6  # whose incidents stand in the page, the strongest; those of the others are folded
NEWEST, MOST_OLDER = 2, 100  # incidents of a tag that stand there, and until which they are folded
HEADINGS = {
    Attention.FIRING: "▲ Alert firing",
    Attention.HELD: "‖ Held: the model did not pass its gates",
    Attention.DUE: "Deadline passed, not resolved",
    Attention.MOVED: "Moved in the last week",
    Attention.NEAR: "Deadline within a week",
    Attention.CALM: "Quiet",
    Attention.RESOLVED: "■ Resolved",
}


def question_html(report: QuestionReport) -> str:
    """The report of one question as a page that stands alone."""
    moment = report.estimate.as_of if report.estimate else report.now
    foot = f"{phrases.clean(report.question.title, 120)} · as of {phrases.instant_words(moment)}"
    parts = question_parts(report)
    return render(questions_environment(), "question.html", foot=foot, report=report, **parts)


def question_parts(report: QuestionReport) -> dict[str, Any]:
    """What question_body.html shows beside the report: its charts, and the estimates drawn."""
    charts = {
        "bar": both(partial(band_bar, report), "bar"),
        "history": both(partial(history_chart, report), "history"),
        "curve": both(partial(curve_chart, report), "curve"),
        "last_move": both(partial(waterfall, report.last_move), "last-move"),
        "week_move": both(partial(waterfall, report.week_move), "week-move"),
        "evidence": both(partial(whiskers, report.effects), "evidence"),
        "beliefs": beliefs_drawn(report.learnt),
    }
    return {"charts": charts, "past": thin(report.history)}


def beliefs_drawn(learnt: Learnt | None) -> dict[str, Markup]:
    """Prior against posterior, in both widths."""
    return both(partial(belief_chart, learnt.beliefs if learnt else ()), "beliefs")


def watch_html(report: WatchReport, link: Callable[[str], str] = lambda question_id: "") -> str:
    """All questions as a page that stands alone.

    `link` gives the address of a question's own report, which is trusted, or nothing for no
    link.
    """
    tops = [e.interval.upper for row in report.rows for e in thin(row.report.history, 120)]
    top = max([*tops, 0.05])
    sparks = {
        row.report.question.question_id: safe(spark(row.report, f"spark-{number}", top))
        for number, row in enumerate(report.rows)
    }
    groups = [(a, [row for row in report.rows if row.attention is a]) for a in Attention]
    return render(
        questions_environment(),
        "watch.html",
        foot=f"{phrases.clean(report.title, 120)} · {phrases.instant_words(report.now)}",
        report=report,
        sparks=sparks,
        groups=groups,
        link=link,
        top=top,
    )


def _factor(size: float) -> str:
    """What a part of a move multiplies the hazard by."""
    return phrases.times(math.exp(min(size, 50.0)))


@cache
def questions_environment(*packages: str) -> Environment:
    """The templates of reports on questions; with those of other packages, in that order."""
    filters: dict[str, Callable[..., str]] = {
        "age": phrases.age_words,
        "band": phrases.band_words,
        "change": change_words,
        "factor": _factor,
        "mass": phrases.mass_words,
        "times": phrases.times,
    }
    names = {
        "CAUSES": CAUSES,
        "HEADINGS": HEADINGS,
        "MOST_OLDER": MOST_OLDER,
        "NEWEST": NEWEST,
        "ROWS": ROWS,
        "STATE_WORDS": phrases.STATE_WORDS,
        "TAGS": TAGS,
        "alerts_of": fired_or_cleared,
        "checks_of": checks_of,
        "count_rows": count_rows,
        "coupling_words": coupling_words,
        "checks_summary": summary,
        "deadline_words": phrases.deadline_words,
        "headline": headline,
        "left_words": left_words,
        "made_rows": made_rows,
        "opening": opening,
        "points_words": phrases.points_words,
        "range_words": phrases.range_words,
        "safe_url": phrases.safe_url,
        "sections": sections,
        "shared_words": shared_words,
        "sum_words": sum_words,
    }
    return environment(filters, names, packages or ("forecast.reports",))
