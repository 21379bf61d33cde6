"""Reports as one HTML file: styles and charts inside, no script, nothing fetched.

Jinja2 is imported inside the functions. Every value that enters the page is escaped by it;
only our own SVG, which escapes for itself, is marked as safe.
"""

from __future__ import annotations

import base64
import hashlib
import math
from collections.abc import Callable
from functools import cache, partial
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from forecast.clock import format_instant
from forecast.likelihood import percent
from forecast.reports import phrases
from forecast.reports.charts import NARROW, WIDE
from forecast.reports.charts.curve import curve_chart
from forecast.reports.charts.history import fired_or_cleared, history_chart, thin
from forecast.reports.charts.small import band_bar, spark
from forecast.reports.charts.waterfall import waterfall
from forecast.reports.charts.whiskers import ROWS, whiskers
from forecast.reports.checks import check_rows, count_rows, coupling_words
from forecast.reports.moves import CAUSES
from forecast.reports.sentence import change_words, headline, opening
from forecast.reports.view import QuestionReport
from forecast.reports.watch import Attention, WatchReport

if TYPE_CHECKING:
    from jinja2 import Environment
    from markupsafe import Markup

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
    charts = {
        "bar": _both(partial(band_bar, report), "bar"),
        "history": _both(partial(history_chart, report), "history"),
        "curve": _both(partial(curve_chart, report), "curve"),
        "last_move": _both(partial(waterfall, report.last_move), "last-move"),
        "week_move": _both(partial(waterfall, report.week_move), "week-move"),
        "evidence": _both(partial(whiskers, report.effects), "evidence"),
    }
    return _page("question.html", report=report, charts=charts, past=thin(report.history))


def watch_html(report: WatchReport, link: Callable[[str], str] = lambda question_id: "") -> str:
    """All questions as a page that stands alone.

    `link` gives the address of a question's own report, which is trusted, or nothing for no
    link.
    """
    tops = [e.interval.upper for row in report.rows for e in thin(row.report.history, 120)]
    top = max([*tops, 0.05])
    sparks = {
        row.report.question.question_id: _safe(spark(row.report, f"spark-{number}", top))
        for number, row in enumerate(report.rows)
    }
    groups = [(a, [row for row in report.rows if row.attention is a]) for a in Attention]
    return _page("watch.html", report=report, sparks=sparks, groups=groups, link=link, top=top)


def _page(template: str, **values: Any) -> str:
    css = files(__package__).joinpath("templates/report.css").read_text(encoding="utf-8")
    digest = base64.b64encode(hashlib.sha256(css.encode()).digest()).decode()
    page = _environment().get_template(template)
    return page.render(css=_safe(css), css_digest=digest, **values)


def _both(draw: Callable[[str, float], str], key: str) -> dict[str, Markup]:
    """The wide and the narrow drawing of a chart; the style sheet shows one of them."""
    drawn = {"wide": draw(f"{key}-wide", WIDE), "narrow": draw(f"{key}-narrow", NARROW)}
    return {size: _safe(svg) for size, svg in drawn.items() if svg}


def _safe(text: str) -> Markup:
    """Text of our own making, which has escaped what came from others."""
    from markupsafe import Markup

    return Markup(text)


def _factor(size: float) -> str:
    """What a part of a move multiplies the hazard by."""
    return phrases.times(math.exp(min(size, 50.0)))


def _shown(value: Any) -> Any:
    """Other people's text cleaned and clamped; a per cent sign stays with its number."""
    from markupsafe import Markup

    if isinstance(value, str) and not isinstance(value, Markup):
        return phrases.clean(value).replace(" %", "\u00a0%")
    return value


@cache
def _environment() -> Environment:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("forecast.reports", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_shown,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "age": phrases.age_words,
        "band": phrases.band_words,
        "change": change_words,
        "clamp": phrases.clean,
        "counted": phrases.counted,
        "day": phrases.day_words,
        "instant": phrases.instant_words,
        "iso": format_instant,
        "mass": phrases.mass_words,
        "percent": percent,
        "factor": _factor,
        "times": phrases.times,
    }
    environment.globals |= {
        "CAUSES": CAUSES,
        "HEADINGS": HEADINGS,
        "ROWS": ROWS,
        "STATE_WORDS": phrases.STATE_WORDS,
        "alerts_of": fired_or_cleared,
        "check_rows": check_rows,
        "count_rows": count_rows,
        "coupling_words": coupling_words,
        "deadline_words": phrases.deadline_words,
        "headline": headline,
        "opening": opening,
        "points_words": phrases.points_words,
        "range_words": phrases.range_words,
        "safe_url": phrases.safe_url,
    }
    return environment
