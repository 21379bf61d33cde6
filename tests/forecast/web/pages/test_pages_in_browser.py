"""What people do on the overview and on the page of a question, in a real browser."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from shutil import which

import pytest
from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]
from playwright.sync_api import Browser, Page, expect
from uvicorn import Server

from forecast.access import Scope
from forecast.store import Store, open_store
from forecast.watch import Watch
from forecast.web.server import server_of
from jobs.app import App
from jobs.requests import answer_due
from tests.conftest import NewUrl
from tests.forecast.web.api_desk import ApiDesk
from tests.forecast.web.pages.reader import fill

pytestmark = pytest.mark.skipif(which("chromium") is None, reason="there is no Chromium")
PATIENCE = 20.0  # seconds
QUESTION = "/questions/strike-by-christmas"


@contextmanager
def served(store: Store) -> Iterator[tuple[ApiDesk, str]]:
    """The pages of a store, and somebody who does what they ask for."""
    desk = ApiDesk(store, pulse=lambda: 1.0)
    server = server_of(desk.app)
    server.config.port = 0
    answering = threading.Thread(target=_answer, args=(desk, server))
    threads = [threading.Thread(target=server.run), answering]
    for thread in threads:
        thread.start()
    try:
        end = time.monotonic() + PATIENCE
        while not server.started and time.monotonic() < end:
            time.sleep(0.01)
        port = server.servers[0].sockets[0].getsockname()[1]
        yield desk, f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = server.force_exit = True
        for thread in threads:
            thread.join()


def _answer(desk: ApiDesk, server: Server) -> None:
    while not server.should_exit:
        answer_due(App(Watch(Path(), desk.config), desk.store), lambda: desk.now, "tests")
        time.sleep(0.02)


@pytest.fixture(scope="module")
def site(new_sqlite_url: NewUrl) -> Iterator[tuple[ApiDesk, str]]:
    with open_store(new_sqlite_url()) as store:
        fill(store, others=30)
        with served(store) as found:
            yield found


@pytest.fixture
def page(browser: Browser, site: tuple[ApiDesk, str]) -> Iterator[Page]:
    """A window of its own; an error in a script, or against the policy, fails the test."""
    context = browser.new_context(viewport={"width": 1280, "height": 900}, base_url=site[1])
    opened = context.new_page()
    opened.set_default_timeout(1000 * PATIENCE)
    wrong: list[str] = []
    opened.on("pageerror", lambda error: wrong.append(str(error)))
    opened.on("console", lambda line: wrong.append(line.text) if "Security" in line.text else None)
    yield opened
    context.close()
    assert wrong == []


def sign_in(page: Page, secret: str, path: str = "/") -> None:
    """As a person does who wanted to look at a path."""
    page.goto(path)
    page.get_by_label("Token").fill(secret)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(f"**{path}")


def test_somebody_signs_in_by_keyboard_looks_and_signs_out(
    page: Page, site: tuple[ApiDesk, str]
) -> None:
    page.goto(QUESTION)
    page.keyboard.type("tocsin_wrong")  # the field has the focus
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_have_text("This token is not known.")
    page.keyboard.type(site[0].secrets["read"])
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text(
        "A strike at the harbour by Christmas?"
    )
    page.keyboard.press("Tab")
    expect(page.get_by_text("Skip to the content")).to_be_focused()
    page.get_by_role("button", name="Sign out").click()
    page.wait_for_url("**/sign-in")
    page.go_back()
    page.wait_for_url("**/sign-in*")


def test_a_token_that_is_revoked_ends_the_session_on_the_next_click(
    page: Page, site: tuple[ApiDesk, str]
) -> None:
    desk = site[0]
    sign_in(page, desk.token("leaver", Scope.READ, desk.now + timedelta(days=1)))
    desk.store.access.revoke_token("leaver", desk.now)
    page.get_by_role("link", name="A strike at the harbour by Christmas?").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Sign in")


def test_a_question_is_found_by_its_words(page: Page, site: tuple[ApiDesk, str]) -> None:
    sign_in(page, site[0].secrets["read"])
    expect(page.locator(".watch h3")).to_have_count(25)
    page.get_by_label("Words in the title or id").fill("number 17")
    page.keyboard.press("Enter")
    expect(page.locator(".watch h3")).to_have_text(["A quiet thing number 17?"])
    page.get_by_role("link", name="A quiet thing number 17?").click()
    page.wait_for_url("**/questions/quiet/17")


def test_the_chart_is_zoomed_moved_and_read_by_buttons_keys_and_mouse(
    page: Page, site: tuple[ApiDesk, str]
) -> None:
    sign_in(page, site[0].secrets["read"], QUESTION)
    shown, read = page.locator(".plot output"), page.locator(".plot .reading")
    expect(shown).to_have_text("24 Jul 2025 to 20 Nov 2025")
    page.get_by_role("button", name="Zoom in").click()
    expect(shown).not_to_have_text("24 Jul 2025 to 20 Nov 2025")
    half = shown.inner_text()
    page.get_by_role("button", name="Later").click()
    expect(shown).not_to_have_text(half)
    chart = page.get_by_role("group", name="Probability over time.")
    chart.focus()
    page.keyboard.press("0")
    expect(shown).to_have_text("24 Jul 2025 to 20 Nov 2025")
    last = read.inner_text()
    assert "on 20 Nov 2025, 11:00 UTC, 90 % band" in last.replace("\u00a0", " ")
    for _ in range(9):
        page.keyboard.press("ArrowLeft")
    expect(read).to_contain_text("11 Nov 2025")
    expect(read).to_contain_text("likely fired")
    page.locator(".u-over").hover(position={"x": 60, "y": 100})
    expect(read).to_contain_text("2025")
    expect(read).not_to_contain_text("11 Nov 2025")
    box = page.locator(".u-over").bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + 100, box["y"] + 50)
    page.mouse.down()
    page.mouse.move(box["x"] + 200, box["y"] + 60)
    page.mouse.up()
    expect(shown).not_to_have_text("24 Jul 2025 to 20 Nov 2025")
    expect(page.locator("#history > .wide")).to_be_hidden()


def test_without_scripts_everything_is_there(browser: Browser, site: tuple[ApiDesk, str]) -> None:
    context = browser.new_context(java_script_enabled=False, base_url=site[1])
    page = context.new_page()
    sign_in(page, site[0].secrets["write"], QUESTION)
    assert page.locator("#history > .wide svg").is_visible()
    page.get_by_text("Silence it here").click()
    page.get_by_label("Why").fill("maintenance of the port")
    page.get_by_role("button", name="Silence").click()
    assert "likely is silenced here for 2 hours." in page.locator(".said").inner_text()
    [silence] = [one for one in site[0].store.alerts.silences() if "port" in one.reason]
    assert silence.author == "write"
    context.close()


def test_a_question_is_embedded_and_followed(page: Page, site: tuple[ApiDesk, str]) -> None:
    sign_in(page, site[0].secrets["read"], QUESTION)
    embed = page.locator(".embed")
    badge = embed.get_by_role("img", name="The badge of this question as it is now")
    badge.scroll_into_view_if_needed()
    assert badge.evaluate("image => image.decode().then(() => image.naturalWidth)") > 0
    embed.get_by_text("The badge in another page").click()
    expect(embed.get_by_text('public_badges = ["strike-by-christmas"]')).to_be_visible()
    expect(embed.get_by_text("tocsin tokens link NAME /badges/")).to_be_visible()
    embed.get_by_text("The feed of what moves").click()
    to = embed.get_by_role("link", name="here").get_attribute("href")
    assert to == page.locator("link[rel=alternate]").get_attribute("href")
    feed = page.request.get(f"{site[1]}{to}")
    assert feed.headers["content-type"].startswith("application/atom+xml")


def test_a_permalink_keeps_the_report_as_it_stood(page: Page, site: tuple[ApiDesk, str]) -> None:
    sign_in(page, site[0].secrets["write"], f"{QUESTION}?as_of=2025-11-05")
    expect(page.get_by_role("note")).to_contain_text("as it stood 5 Nov 2025")
    past = page.locator("#h-history + figure").inner_text()
    assert page.locator("main form[method=post]").count() == 0
    expect(page.locator(".plot output")).to_have_text("24 Jul 2025 to 5 Nov 2025")
    page.get_by_role("link", name="See it as it is now").click()
    expect(page.locator(".plot output")).to_have_text("24 Jul 2025 to 20 Nov 2025")
    assert page.locator("#h-history + figure").inner_text() != past


def test_an_alert_is_acknowledged(page: Page, site: tuple[ApiDesk, str]) -> None:
    sign_in(page, site[0].secrets["write"], QUESTION)
    page.get_by_role("button", name="Acknowledge").click()
    expect(page.get_by_role("status").first).to_contain_text("Acknowledged likely.")
    expect(page.locator(".acts")).to_contain_text("acknowledged by write")
    expect(page.get_by_role("button", name="Acknowledge")).to_have_count(0)


def test_a_form_that_is_changed_on_the_way_is_refused(
    page: Page, site: tuple[ApiDesk, str]
) -> None:
    sign_in(page, site[0].secrets["write"])
    page.evaluate("document.querySelector('.who [name=csrf]').value = '0'.repeat(64)")
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("This is not allowed")
    page.get_by_role("link", name="Go to the overview").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Overview")


@pytest.mark.parametrize(("width", "scheme"), [(390, "dark"), (1280, "light")])
def test_nothing_keeps_anybody_out_and_nothing_is_wider_than_the_screen(
    browser: Browser, site: tuple[ApiDesk, str], width: int, scheme: str
) -> None:
    context = browser.new_context(
        viewport={"width": width, "height": 900},
        color_scheme=scheme,  # type: ignore[arg-type]
        base_url=site[1],
        bypass_csp=True,  # axe is a script of its own
    )
    page = context.new_page()
    for path in ("/sign-in", "/", QUESTION):
        if path == "/":
            sign_in(page, site[0].secrets["write"])
        page.goto(path)
        if path == QUESTION:
            page.locator(".plot canvas").wait_for()
        found = Axe().run(page).response["violations"]
        serious = [f"{one['id']}: {one['nodes'][0]['html']}" for one in found
                   if one["impact"] in ("serious", "critical")]  # fmt: skip
        assert serious == []
        assert page.evaluate("document.documentElement.scrollWidth") <= width
    context.close()
