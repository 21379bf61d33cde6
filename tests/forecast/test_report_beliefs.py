"""Prior against posterior in a report: what the data taught, as a sentence, a table, a figure."""

import math
import re
from dataclasses import replace
from xml.etree import ElementTree

import pytest

from forecast.belief import Belief, Learnt, Numbers
from forecast.reports.beliefs import SHOWN, belief_section, moved_by, said_of, taught
from forecast.reports.charts import NARROW, WIDE
from forecast.reports.charts.beliefs import belief_chart, shown_of
from forecast.reports.html import question_html
from forecast.reports.markdown import question_markdown
from tests.forecast import report_samples as samples
from tests.forecast.html_pages import HOSTILE, parsed, text_of

SIGN, SHARE, RATE, CEILING = samples.LEARNT.beliefs


def still(number: int, moved: float = 0.1) -> Belief:
    """A sign that hardly moved."""
    return replace(SIGN, key=f"effects.sign-{number}", moved=moved, narrower=0.0)


def of(*beliefs: Belief) -> Learnt:
    return replace(samples.LEARNT, beliefs=beliefs)


def test_one_sentence_says_how_many_beliefs_moved_and_which() -> None:
    few = of(SIGN, *map(still, range(9)))
    assert taught(few) == (
        "The data have moved little: of 10 beliefs 1 went further than half a standard deviation: "
        "military.carrier-deployment, from ×1.9 to ×2.4. 1 of them is known more closely, by a "
        "fifth of the range or more."
    )
    much = of(*(replace(SIGN, key=f"effects.s{n}", narrower=0.3) for n in range(5)))
    assert taught(much).startswith("The data have moved much: of 5 beliefs 5 went further")
    assert "; and 2 more. 5 of them are known more closely" in taught(much)


def test_where_nothing_moved_far_the_furthest_is_named() -> None:
    assert taught(of(RATE, CEILING)) == (
        "The data have moved little: of 2 beliefs none went further than half a standard "
        "deviation; the furthest is the base rate, from 1.6 % to 1.7 % a quarter."
    )
    same = replace(still(1, -0.1), now=SIGN.prior)
    assert "the furthest is sign-1, down by 0.1." in taught(of(same))


def test_a_family_without_draws_says_so_and_the_prior_stands_alone() -> None:
    section = belief_section(samples.PRIOR, of())
    assert section is not None
    assert "'hazard' keeps no draws" in section.words[0]
    assert section.table is not None
    assert section.table.rows[0] == ("base rate", "one in 8..30 years")


def test_without_a_record_the_prior_stands_alone_and_the_next_update_is_promised() -> None:
    section = belief_section(samples.PRIOR, None)
    assert section is not None
    assert section.words[0].endswith("not on record yet: the next update brings it.")
    assert belief_section(None, None) is None
    page = text_of(question_html(samples.full(learnt=None)))
    assert "the next update brings it" in page
    assert "one in 8..30 years" in page
    over = belief_section(samples.PRIOR, None, is_over=True)
    assert over is not None
    assert over.words[0] == "What the data have made of it is not on record."


def test_a_prior_that_was_restated_since_is_said_to_be_newer() -> None:
    assert "newer" not in " ".join(said_of(samples.PRIOR, of(RATE, SIGN)))
    words = samples.PRIOR.words | {"base_rate": "one in 2..9 years"}
    restated = replace(samples.PRIOR, version=3, words=words)
    assert "Version 3 of the prior is newer" in " ".join(said_of(restated, of(RATE, SIGN)))


def test_a_belief_of_which_no_posterior_is_told_is_there_in_words() -> None:
    words = samples.PRIOR.words | {"other.rest_of": "announced-strike", "half_life.x": "9 days"}
    section = belief_section(replace(samples.PRIOR, words=words), samples.LEARNT)
    assert section is not None
    assert section.table is not None
    assert section.table.rows[-1] == (
        *("share of other", "", "", "", ""),
        "what announced-strike leaves",
    )


@pytest.mark.parametrize(
    ("moved", "words"), [(0.86, "▲ 0.9 sd"), (-1.24, "▼ 1.2 sd"), (0.04, "·"), (-0.04, "·")]
)
def test_how_far_it_moved_is_told_by_shape_and_number(moved: float, words: str) -> None:
    assert moved_by(replace(SIGN, moved=moved)) == words


# The figure


def rects(svg: str, css: str) -> list[tuple[float, float]]:
    """The left and right ends of the bars of a class, from top to bottom; without the key's."""
    root = ElementTree.fromstring(svg)
    found = [e for e in root.iter("rect") if e.get("class") == css][1:]
    return [(float(e.get("x", 0)), float(e.get("x", 0)) + float(e.get("width", 0))) for e in found]


@pytest.mark.parametrize("width", [WIDE, NARROW])
def test_bars_lie_where_the_numbers_are_on_the_scale_of_their_unit(width: float) -> None:
    svg = belief_chart(samples.LEARNT.beliefs, "k", width)
    prior, now = rects(svg, "band-bar"), rects(svg, "raise")
    assert len(prior) == len(now) == 4  # the base rate, the ceiling, the share, the factor
    sign_prior, sign_now = prior[3], now[3]
    per_doubling = (sign_prior[1] - sign_prior[0]) / math.log2(3.0 / 1.2)
    assert sign_now[0] - sign_prior[0] == pytest.approx(
        per_doubling * math.log2(1.631 / 1.2), abs=0.3
    )
    share_prior, share_now = prior[2], now[2]
    whole = (share_prior[1] - share_prior[0]) / 0.4
    assert share_now[0] - share_prior[0] == pytest.approx(whole * (0.141 - 0.2), abs=0.3)


def test_no_mark_leaves_the_figure() -> None:
    wild = replace(SIGN, now=Numbers("ratio", 1e300, 0.0, math.inf), moved=99.0)
    sure = replace(CEILING, now=Numbers("per quarter", 1.0, 0.0, 1.0))
    for width in (WIDE, NARROW):
        svg = belief_chart([wild, sure], "k", width)
        assert "nan" not in svg
        for x in re.findall(r' (?:x|cx|x1|x2)="([-\d.]+)"', svg):
            assert 0 <= float(x) <= width


def test_the_strongest_movers_are_drawn_and_the_base_rate_among_them() -> None:
    many = [still(n, 0.9 - n / 100) for n in range(30)]
    shown = shown_of([*many, RATE])
    assert shown == [*many[: SHOWN - 1], RATE]
    assert belief_chart([], "k", WIDE) == ""


def test_a_page_folds_what_the_figure_does_not_show_and_markdown_too() -> None:
    many = of(*(still(n, 0.9 - n / 100) for n in range(30)))
    report = samples.full(learnt=many, prior=replace(samples.PRIOR, words={}))
    root = parsed(question_html(report))
    section = next(s for s in root.iter("section") if s.get("aria-labelledby") == "h-prior")
    svg = "{http://www.w3.org/2000/svg}svg"
    drawn = [e for e in section.iter() if e.tag in ("svg", svg)]
    assert len(drawn) == 2
    assert len(list(section.iter("tr"))) == 1 + 30
    before, _, folded = question_markdown(report).partition("18 more, prior against posterior")
    assert (before.count("sign-"), folded.count("sign-")) == (
        3 + SHOWN,
        18,
    )  # three are named above


def test_words_of_others_are_only_words() -> None:
    hostile = replace(SIGN, key=f"effects.{HOSTILE}", words=HOSTILE, fading=HOSTILE)
    page = question_html(samples.full(learnt=of(hostile)))
    assert "<script" not in page
    parsed(page)
