"""A badge: how likely, and which way it went, as a small picture to embed elsewhere."""

from dataclasses import dataclass
from html import escape

from forecast.likelihood import percent
from forecast.reports.charts.svg import element
from forecast.reports.phrases import clean, points, points_words
from forecast.reports.view import QuestionReport

LABEL = "P"
_HEIGHT, _PADDING, _CHARACTER = 20, 8, 7.2  # px; of Verdana at 11 px a character is narrower
_NEUTRAL, _FIRING, _GREY, _ENDED = "#1f5f99", "#a8281e", "#5a6570", "#30363d"
_FONT = "Verdana, DejaVu Sans, Geneva, sans-serif"


@dataclass(frozen=True, slots=True)
class Badge:
    """What a badge shows: `moved` are the points of the last week, None where there are none.

    `outcome` is how the question ended, or "".
    """

    title: str
    probability: float | None
    moved: int | None
    is_firing: bool
    is_held: bool
    outcome: str

    @property
    def value(self) -> str:
        """The few words that are seen: "31 % ▲"."""
        if self.outcome:
            return self.outcome
        if self.probability is None:
            return "no estimate"
        arrow = {True: "▲", False: "▼"}[self.moved > 0] if self.moved else ""
        state = "held" if self.is_held else "alert" if self.is_firing else ""
        return " ".join(word for word in (percent(self.probability), arrow, state) if word)

    @property
    def words(self) -> str:
        """The same as a sentence, for who sees no picture."""
        title = clean(self.title, 200)
        if self.outcome:
            return f"{title} Resolved: {self.outcome}."
        if self.probability is None:
            return f"{title} There is no estimate yet."
        said = [percent(self.probability)]
        if self.moved is not None:
            said.append(f"{points_words(self.moved)} in 7 days")
        if self.is_held:
            said.append("held: not to be relied on")
        elif self.is_firing:
            said.append("an alert is out")
        return f"{title} {', '.join(said)}."

    @property
    def colour(self) -> str:
        """Beside the words, never alone."""
        if self.outcome:
            return _ENDED
        if self.is_held or self.probability is None:
            return _GREY
        return _FIRING if self.is_firing else _NEUTRAL


def badge_of(report: QuestionReport) -> Badge:
    """The badge of a question as a report has it."""
    week, estimate = report.week_move, report.estimate
    return Badge(
        title=report.question.title,
        probability=estimate.probability if estimate else None,
        moved=points(week.start, week.end) if week else None,
        is_firing=report.is_firing,
        is_held=report.held_since is not None,
        outcome=report.resolution.outcome.value if report.resolution else "",
    )


def badge_svg(badge: Badge) -> str:
    """The picture: no style and no script, and everything in it escaped."""
    value = badge.value.replace(" ", "\u00a0")
    left, right = (_width(text) for text in (LABEL, value))
    return element(
        "svg",
        element("title", escape(badge.words)),
        _box(0, left, _GREY if badge.colour != _GREY else _ENDED),
        _box(left, right, badge.colour),
        _text(left / 2, LABEL),
        _text(left + right / 2, value),
        xmlns="http://www.w3.org/2000/svg",
        width=left + right,
        height=_HEIGHT,
        role="img",
        aria_label=badge.words,
    )


def _width(text: str) -> float:
    return round(len(text) * _CHARACTER) + 2 * _PADDING


def _box(x: float, width: float, colour: str) -> str:
    return element("rect", x=x, y=0, width=width, height=_HEIGHT, fill=colour)


def _text(x: float, words: str) -> str:
    return element(
        *("text", escape(words)),
        x=x,
        y=14,
        fill="#ffffff",
        font_family=_FONT,
        font_size=11,
        text_anchor="middle",
    )
