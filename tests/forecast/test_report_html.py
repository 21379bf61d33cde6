"""The page: strict HTML that stands alone, in order, readable by all, whatever the text says."""

import base64
import hashlib
import re
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise

import pytest

from forecast.evidence import CrowdForecast, Outcome
from forecast.reports.backtest.html import backtest_html
from forecast.reports.html import question_html, watch_html
from forecast.reports.page import css_string
from forecast.reports.phrases import clean
from forecast.reports.watch import build_watch
from tests.forecast import backtest_samples
from tests.forecast import report_samples as samples
from tests.forecast.html_pages import HOSTILE, parsed, text_of


def hostile_page() -> str:
    url = "javascript:alert(1)"
    question = replace(
        samples.QUESTION, title=HOSTILE, unit=HOSTILE, definition=HOSTILE, notes=HOSTILE,
        question_id=HOSTILE, resolution_criteria=HOSTILE,
    )  # fmt: skip
    tags = tuple(replace(c, tag=f"{n}{HOSTILE}") for n, c in enumerate(samples.CONTRIBUTIONS))
    past = [
        replace(e, contributions=tags, method=HOSTILE, model=HOSTILE, model_hash=HOSTILE,
                reason=HOSTILE, diagnostics={HOSTILE: float("nan")})
        for e in samples.history(103)
    ]  # fmt: skip
    report = samples.full(
        question=question,
        history=past,
        now=samples.at(103),
        rules=[replace(samples.RULE, rule_id=HOSTILE)],
        transitions=[
            replace(t, rule_id=HOSTILE, detail=HOSTILE, reason=HOSTILE)
            for t in samples.transitions()
        ],
        crowd=[CrowdForecast(HOSTILE, samples.at(5), 0.3, HOSTILE, url, HOSTILE)],
        reports=[
            replace(r, summary=HOSTILE, source=HOSTILE, url=url, tag=HOSTILE)
            for r in samples.reports()
        ],
        related=[replace(r, question=question) for r in samples.related()],
        prior=replace(
            samples.PRIOR, author=HOSTILE, reason=HOSTILE, words={HOSTILE: HOSTILE, "b": HOSTILE}
        ),
        caveats=[HOSTILE, HOSTILE],
    )
    return question_html(report)


def watch_page() -> str:
    reports = [
        replace(report, question=replace(report.question, question_id=f"q{n}"))
        for n, report in enumerate([samples.full(), samples.bare(None), samples.resolved()])
    ]
    watch = build_watch("Desk", reports, now=samples.NOW)
    return watch_html(watch, link=lambda question_id: f"{question_id}.html")


PAGES: dict[str, Callable[[], str]] = {
    "full": lambda: question_html(samples.full()),
    "none": lambda: question_html(samples.bare(None)),
    "one": lambda: question_html(samples.bare()),
    "resolved": lambda: question_html(samples.resolved(Outcome.VOID)),
    "held": lambda: question_html(samples.full(history=samples.history(103))),
    "hostile": hostile_page,
    "watch": watch_page,
    "empty watch": lambda: watch_html(build_watch("Desk", [], now=samples.NOW)),
    "backtest": lambda: backtest_html([backtest_samples.result()]),
    "backtests": lambda: backtest_html(backtest_samples.several()),
    "hostile backtests": lambda: backtest_html([backtest_samples.hostile(HOSTILE)] * 2),
    "nothing scored": lambda: backtest_html([backtest_samples.nothing_scored()]),
    "no backtest": lambda: backtest_html([]),
}


@pytest.fixture(scope="module", params=PAGES)
def page(request: pytest.FixtureRequest) -> str:
    make: Callable[[], str] = PAGES[request.param]
    return make()


def test_every_page_is_strict_html_without_scripts_styles_or_requests(page: str) -> None:
    root = parsed(page)
    for element in root.iter():
        assert element.tag not in {"script", "img", "iframe", "object", "link", "base", "form"}
        for name, value in element.attrib.items():
            assert not str(name).startswith("on")
            assert name not in {"style", "src", "srcset", "action"}
            if name == "href":
                assert re.match(r"https?://|#|q\d\.html$", value), value
    assert "url(" not in page
    assert "@import" not in page


def test_links_out_tell_nothing_of_where_they_are_read(page: str) -> None:
    for element in parsed(page).iter("a"):
        if element.get("href", "").startswith("http"):
            assert element.get("rel") == "noopener noreferrer"


def test_headings_are_in_order_and_there_is_one_first(page: str) -> None:
    levels = [int(e.tag[1]) for e in parsed(page).iter() if re.fullmatch("h[1-6]", str(e.tag))]
    assert levels.count(1) == 1
    assert levels[0] == 1
    assert all(b <= a + 1 for a, b in pairwise(levels))


def test_ids_are_unique_and_every_reference_has_its_target(page: str) -> None:
    root = parsed(page)
    ids = [e.get("id") for e in root.iter() if e.get("id")]
    assert len(ids) == len(set(ids))
    for element in root.iter():
        for target in element.get("aria-labelledby", "").split():
            assert target in ids
        if element.get("href", "").startswith("#"):
            assert element.get("href", "")[1:] in ids


def test_the_policy_allows_our_style_sheet_and_nothing_else(page: str) -> None:
    root = parsed(page)
    (policy,) = [e.get("content", "") for e in root.iter("meta") if e.get("http-equiv")]
    (style,) = [e.text or "" for e in root.iter("style")]
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert policy == (
        f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    )


def test_the_page_names_its_language_and_can_be_encoded(page: str) -> None:
    assert parsed(page).get("lang") == "en"
    page.encode("utf-8")


def test_the_report_says_everything_in_its_order() -> None:
    text = text_of(question_html(samples.full()))
    places = [
        text.index(words)
        for words in (
            "Will the United States strike",
            "Unlikely: 31 % (90 % band 22–41 %) that this happens by the end of 31 Dec 2025 UTC",
            "Checks All 6 checks pass.",
            "How it got here",
            "A boat is struck in international waters",
            "Example Market",
            "Alert rules",
            "By when",
            "What moved it",
            "Up 12 points in 7 days",
            "Last update: down 1 point in 1 day",
            "Evidence now",
            "struck in one night Harbour Wire, Coast Daily , 2 reports, graded B2, 3 days",
            "Others said",
            "down 11 points",
            "Prior against posterior",
            "one in 8..30 years",
            "✓ pass gates",
            "weights (k-hat)",
            "a71ea71e",
            "3f9c3f9c",
            "Caveats",
            "All times are UTC.",
        )
    ]
    assert places == sorted(places)
    assert text.count("The timeline was compiled with hindsight") == 2


def test_every_chart_is_drawn_wide_and_narrow_with_its_numbers_in_a_table() -> None:
    root = parsed(question_html(samples.full()))
    figures = list(root.iter("figure"))
    svg = "{http://www.w3.org/2000/svg}svg"
    drawn = [len([e for e in f.iter() if e.tag in ("svg", svg)]) for f in figures]
    assert drawn == [2] * 7
    tables = [d for d in root.iter("details") if d.find(".//table") is not None]
    assert len(tables) == 7


def test_the_table_of_the_last_move_shows_its_whole_sum() -> None:
    root = parsed(question_html(samples.full()))
    feet = [[cell.text for cell in foot.iter("td")] for foot in root.iter("tfoot")]
    assert feet == [["×1.8", "+0.568"], ["×0.97", "−0.029"]]


def test_numbers_are_written_as_people_write_them() -> None:
    text = text_of(question_html(samples.full()))
    assert re.findall(r"\d\.\d{5,}", text) == []


def test_a_held_report_is_hollow_and_says_why() -> None:
    page = question_html(samples.full(history=samples.history(103)))
    text = text_of(page)
    assert "unlikely, held" in text
    assert "held since 10 Sep 2025, the last good number stands: k-hat 0.83 is above 0.70" in text
    assert "passed every gate" not in text


def test_without_an_estimate_there_are_words_and_no_empty_sections() -> None:
    page = question_html(samples.bare(None))
    assert "No estimate yet" in text_of(page)
    assert "<svg" not in page
    for heading in ("How it got here", "By when", "What moved it", "Evidence now", "Checks"):
        assert heading not in text_of(page)


def test_hostile_text_is_shown_as_text_and_kept_short() -> None:
    page = hostile_page()
    text = text_of(page)
    assert "<script>alert(1)</script>" in text
    assert "{{ 7*7 }}" in text
    assert not re.search("[\u202a-\u202e\u2066-\u2069\x00\x1b]", page)
    assert len(page) < 600_000
    title = parsed(page).find(".//h1")
    assert title is not None
    assert title.get("dir") == "auto"
    assert len("".join(title.itertext())) == 300


def test_a_watch_groups_its_questions_and_links_to_their_reports() -> None:
    root = parsed(watch_page())
    headings = ["".join(e.itertext()).split()[0] for e in root.iter("h2")]
    assert headings == ["Moved", "Quiet", "■"]
    assert [e.get("href") for e in root.iter("a")] == ["q0.html", "q1.html", "q2.html"]
    text = text_of(watch_page())
    assert "resolved yes 1 Dec 2025" in text
    assert "no estimate" in text
    assert "up 12 points in 7 days" in text


def test_a_watch_without_links_has_none() -> None:
    watch = build_watch("Desk", [samples.full()], now=samples.NOW)
    assert list(parsed(watch_html(watch)).iter("a")) == []


def test_the_same_facts_give_the_same_bytes() -> None:
    assert question_html(samples.full()) == question_html(samples.full())


@pytest.mark.parametrize(
    "text", [HOSTILE, '"; } @import "//evil.example', "</style>\\\n", "Ünï 50 %"]
)
def test_a_title_at_the_foot_of_a_printed_page_stays_inside_its_string(text: str) -> None:
    told = css_string(text)
    assert re.fullmatch(r"(?:[A-Za-z0-9 ,.-]|\\[0-9a-f]{6} )*", told)
    read = re.sub(r"\\([0-9a-f]{6}) ", lambda found: chr(int(found[1], 16)), told)
    assert read == clean(text, 200)


def test_every_printed_page_names_the_question_and_its_moment() -> None:
    (style,) = [e.text or "" for e in parsed(question_html(samples.full())).iter("style")]
    foot = f"{samples.QUESTION.title} · as of 28 Nov 2025, 06:00 UTC"
    assert f'@bottom-left {{ content: "{css_string(foot)}"; }}' in style
