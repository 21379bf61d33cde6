"""A report as a file in a real browser: for every eye and hand, on a phone, and on paper."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from shutil import which

import pytest
from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]
from playwright.sync_api import Browser, Page, ViewportSize, expect

from forecast.reports.backtest.html import backtest_html
from forecast.reports.html import question_html, watch_html
from forecast.reports.watch import build_watch
from tests.forecast import backtest_samples
from tests.forecast import report_samples as samples
from tests.forecast.test_report_html import hostile_page, watch_page

pytestmark = pytest.mark.skipif(which("chromium") is None, reason="there is no Chromium")
PAGES: dict[str, Callable[[], str]] = {
    "question": lambda: question_html(
        samples.full(history=samples.history()[-40:], asides=["Levels are those of today."])
    ),
    "hostile": hostile_page,
    "watch": watch_page,
    "backtests": lambda: backtest_html(backtest_samples.several()),
}
REACHED = "a[href], summary, [tabindex='0']"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    found = tmp_path_factory.mktemp("reports")
    for name, make in PAGES.items():
        (found / f"{name}.html").write_text(make(), encoding="utf-8")
    return found


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    found = browser.new_page(viewport=ViewportSize(width=1280, height=900))
    yield found
    found.close()


@pytest.mark.parametrize(
    ("width", "scheme", "is_open"),
    [(390, "light", False), (390, "dark", True), (1280, "light", True), (1280, "dark", False)],
)
def test_axe_finds_nothing_serious(
    browser: Browser, folder: Path, width: int, scheme: str, is_open: bool
) -> None:
    context = browser.new_context(
        viewport=ViewportSize(width=width, height=900),
        color_scheme=scheme,  # type: ignore[arg-type]
        bypass_csp=True,  # axe is a script of its own
    )
    page = context.new_page()
    for name in ("question", "watch"):
        page.goto((folder / f"{name}.html").as_uri())
        page.evaluate(f"document.querySelectorAll('details').forEach(d => d.open = {is_open:d})")
        found = Axe().run(page).response["violations"]
        serious = [f"{name}: {one['id']}: {one['nodes'][0]['html']}" for one in found
                   if one["impact"] in ("serious", "critical")]  # fmt: skip
        assert serious == []
    context.close()


@pytest.mark.parametrize("width", [360, 1200])
@pytest.mark.parametrize("name", PAGES)
def test_no_page_is_wider_than_the_screen(page: Page, folder: Path, name: str, width: int) -> None:
    page.set_viewport_size(ViewportSize(width=width, height=900))
    page.goto((folder / f"{name}.html").as_uri())
    page.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)")
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_without_scripts_the_report_is_whole(browser: Browser, folder: Path) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto((folder / "question.html").as_uri())
    for heading in ("How it got here", "What moved it", "Evidence now", "Checks", "Caveats"):
        expect(page.get_by_role("heading", name=heading, exact=True)).to_be_visible()
    numbers = page.get_by_role("region", name="The numbers behind this chart").first
    expect(numbers).to_be_hidden()
    page.locator("summary").first.press("Enter")
    expect(numbers).to_be_visible()
    context.close()


@pytest.mark.parametrize("name", ["question", "watch"])
def test_every_link_and_list_is_reached_by_keyboard_and_seen_to_be(
    page: Page, folder: Path, name: str
) -> None:
    page.goto((folder / f"{name}.html").as_uri())
    reached = page.evaluate(f'[...document.querySelectorAll("{REACHED}")]'
                            ".filter(e => e.checkVisibility()).length")  # fmt: skip
    assert reached > 2
    seen = set()
    for _ in range(reached):
        page.keyboard.press("Tab")
        seen.add(page.evaluate(
            "(e => [getComputedStyle(e).outlineStyle, e.getBoundingClientRect().top + scrollY,"
            " e.getBoundingClientRect().left].join())(document.activeElement)"
        ))  # fmt: skip
    assert len(seen) == reached
    assert {one.partition(",")[0] for one in seen} == {"solid"}


def test_on_paper_it_is_a_few_pages_and_what_is_folded_stays_so(page: Page, folder: Path) -> None:
    page.goto((folder / "question.html").as_uri())
    printed = page.pdf(prefer_css_page_size=True)
    assert 1 < len(re.findall(rb"/Type\s*/Page\b", printed)) <= 5
    page.emulate_media(media="print")
    assert page.locator("details:visible").count() == 0
    for whole in ("figure", "tr", "li", ".incidents dd"):
        broken = page.locator(whole).evaluate_all(
            "all => all.map(e => getComputedStyle(e).breakInside).filter(b => b !== 'avoid')"
        )
        assert broken == [], whole


def test_a_list_of_many_questions_is_printed_with_none_of_them_split(
    page: Page, tmp_path: Path
) -> None:
    watch = build_watch("Desk", [samples.full()] * 40, now=samples.NOW)
    (tmp_path / "many.html").write_text(watch_html(watch), encoding="utf-8")
    page.goto((tmp_path / "many.html").as_uri())
    printed = page.pdf(prefer_css_page_size=True)
    pages = len(re.findall(rb"/Type\s*/Page\b", printed))
    assert 3 <= pages <= 5, "by the font: there are ten to fifteen on a page, and none on two"
    page.emulate_media(media="print")
    rows = page.locator("li:visible").evaluate_all(
        "all => all.map(e => getComputedStyle(e).breakInside)"
    )
    assert len(rows) >= 40
    assert set(rows) == {"avoid"}
