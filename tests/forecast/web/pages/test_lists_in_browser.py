"""The pages of lists in Chromium: what each is for is done with it, at phone width too."""

from collections.abc import Callable, Iterator
from shutil import which
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]
from playwright.sync_api import Browser, Page, ViewportSize, expect

from forecast.candidate import Status
from forecast.store import open_store
from tests.conftest import NewUrl
from tests.forecast.web.api_desk import NOW, ApiDesk
from tests.forecast.web.pages.full_desk import a_candidate, served

pytestmark = pytest.mark.skipif(which("chromium") is None, reason="there is no Chromium")
PATHS = (
    "/inbox",
    "/alerts",
    "/alerts/deliveries",
    "/alerts/deliveries/f00d",
    "/sources",
    "/sources/runs",
    "/sources/requests",
    "/priors",
    "/priors/strike",
    "/priors/strike/versions/2",
    "/record",
)
type SignIn = Callable[..., Page]


@pytest.fixture(scope="module")
def desk(
    new_sqlite_url: NewUrl, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[ApiDesk, str]]:
    folder = tmp_path_factory.mktemp("watch")
    with open_store(new_sqlite_url()) as store, served(store, folder, 6) as found:
        yield found


@pytest.fixture(scope="module")
def sessions(browser: Browser, desk: tuple[ApiDesk, str]) -> dict[str, Any]:
    """The cookies of somebody of each scope: signing in has a pace of its own."""
    found: dict[str, Any] = {}
    for scope in ("read", "write", "admin"):
        page = browser.new_page()
        page.goto(f"{desk[1]}/sign-in")
        page.fill("#token", desk[0].secrets[scope])
        page.click("main button")
        page.wait_for_url(f"{desk[1]}/")
        found[scope] = page.context.storage_state()
        page.context.close()
    return found


@pytest.fixture
def sign_in(
    browser: Browser, desk: tuple[ApiDesk, str], sessions: dict[str, Any]
) -> Iterator[SignIn]:
    """Has somebody who is signed in, by scope, look at a path."""
    made = []

    def signed_in(scope: str, path: str, width: int = 1280, **more: Any) -> Page:
        size: ViewportSize = {"width": width, "height": 900}
        context = browser.new_context(viewport=size, storage_state=sessions[scope], **more)
        made.append(context)
        page = context.new_page()
        page.set_default_timeout(10_000)
        page.goto(desk[1] + path)
        return page

    yield signed_in
    for context in made:
        context.close()


def id_of(number: int) -> str:
    return a_candidate(number).candidate_id


def test_what_is_confirmed_in_the_inbox_is_asked_for_and_becomes_a_report(
    desk: tuple[ApiDesk, str], sign_in: SignIn
) -> None:
    store = desk[0].store
    page = sign_in("write", "/inbox")
    card = page.locator(f"#c-{id_of(1)}")
    expect(card.locator("mark.m-hit")).to_have_text("ballot (union.ballot)")
    card.get_by_role("button", name="Confirm", exact=True).click()
    expect(page.locator(".said")).to_contain_text("1 candidate confirmed")
    expect(page.locator(f"#c-{id_of(1)}")).to_have_count(0)
    [asked] = store.pages.of("requests", 9, kind="confirm_candidate").rows
    assert (asked.author, asked.arguments) == ("write", {"candidate": id_of(1)})
    assert [report.report_id for report in store.reports("harbour", NOW.replace(year=2026))] == [
        a_candidate(1).report_id
    ]


def test_a_candidate_is_mended_and_another_rejected_by_keys_alone(
    desk: tuple[ApiDesk, str], sign_in: SignIn
) -> None:
    page = sign_in("write", "/inbox")
    expect(page.locator("#keys")).to_be_visible()
    page.keyboard.press("j")
    here = page.evaluate("document.activeElement.id")
    page.keyboard.press("e")
    page.keyboard.press("Escape")
    page.keyboard.press("j")
    page.keyboard.press("r")
    other = page.evaluate("document.activeElement.closest('li').id")
    assert here != other
    page.keyboard.type("of last year")
    page.keyboard.press("Enter")
    expect(page.locator(".said")).to_contain_text("1 candidate rejected")
    card = page.locator(f"#{here}")
    card.locator("summary", has_text="Edit").click()
    card.get_by_label("Value, 0 to 1").fill("0.9")
    card.get_by_role("button", name="Confirm so").click()
    expect(page.locator(".said")).to_contain_text("confirmed in your words")
    found = desk[0].store.tagging.named([here[2:], other[2:]])
    assert (found[here[2:]].value, found[here[2:]].status) == (0.9, Status.CONFIRMED)
    assert found[other[2:]].status is Status.REJECTED


def test_several_are_rejected_at_once(desk: tuple[ApiDesk, str], sign_in: SignIn) -> None:
    page = sign_in("write", "/inbox")
    for number in (5, 6):
        page.locator(f"#c-{id_of(number)} input[type=checkbox]").check()
    several = page.locator("#several")
    several.get_by_label("Why they are not so").fill("the same old story")
    several.get_by_role("button", name="Reject").click()
    expect(page.locator(".said")).to_contain_text("2 candidates rejected")
    found = desk[0].store.tagging.named([id_of(5), id_of(6)])
    assert {one.status for one in found.values()} == {Status.REJECTED}


def test_an_alert_is_acknowledged_with_a_note_and_silenced_with_a_reason(
    desk: tuple[ApiDesk, str], sign_in: SignIn
) -> None:
    alerts, page = desk[0].store.alerts, sign_in("write", "/alerts")
    page.locator("summary", has_text="Acknowledge").click()
    page.get_by_label("Note, if you like").fill("ann looks at it")
    page.get_by_role("button", name="Acknowledge").click()
    expect(page.locator(".said")).to_contain_text("Acknowledged likely")
    expect(page.locator("main")).to_contain_text("Acknowledged by write")
    [word] = alerts.acknowledgements()
    assert (word.author, word.note) == ("write", "ann looks at it")
    page.locator("summary", has_text="Silence").click()
    page.get_by_label("Why").fill("the port is closed")
    page.get_by_role("button", name="Silence", exact=True).click()
    expect(page.locator("#silences")).to_contain_text("the port is closed")
    [made] = [silence for silence in alerts.silences(NOW) if silence.reason != "maintenance"]
    assert made.selector.questions == ("strike-by-christmas",)


def test_a_message_is_read_with_every_attempt_and_sent_again(
    desk: tuple[ApiDesk, str], sign_in: SignIn
) -> None:
    page = sign_in("write", "/alerts", 390)
    page.get_by_role("link", name="Any US strike on Venezuelan territory").first.click()
    expect(page.locator(".message")).to_contain_text("FIRING · Any US strike")
    attempts = page.get_by_role("region", name="Attempts").locator("tbody tr")
    expect(attempts).to_have_count(1)
    expect(attempts).to_contain_text("given up: the pager said 410 Gone")
    page.locator("summary", has_text="The facts, as a webhook gets them").click()
    expect(page.locator("pre code").first).to_contain_text('"kind": "firing"')
    page.get_by_role("button", name="Send it again").click()
    expect(page.locator(".said").first).to_contain_text("1 message will be sent again")
    expect(page.get_by_role("button", name="Send it again")).to_have_count(0)
    assert desk[0].store.deliveries_named("f00d")[0].status == "due"


def test_messages_that_were_given_up_are_ticked_first(
    desk: tuple[ApiDesk, str], sign_in: SignIn
) -> None:
    store = desk[0].store
    page = sign_in("write", "/alerts/deliveries?status=dead")
    expect(page.locator("main .cards li")).to_have_count(1)
    page.get_by_role("button", name="Send the ticked ones again").click()
    expect(page.locator(".said.bad")).to_contain_text("Tick the messages first")
    page.get_by_role("checkbox").check()
    page.get_by_role("button", name="Send the ticked ones again").click()
    expect(page.locator(".said")).to_contain_text("1 message will be sent again")
    assert store.deliveries_named("dead")[0].status == "due"


def test_a_schedule_is_paused_for_a_reason_by_an_admin_alone(
    desk: tuple[ApiDesk, str], sign_in: SignIn
) -> None:
    page = sign_in("write", "/sources")
    expect(page.get_by_role("button", name="Pull gazette now")).to_be_visible()
    assert page.locator("summary", has_text="Pause").count() == 0
    page = sign_in("admin", "/sources")
    expect(page.locator("main")).to_contain_text("failed 3 times in a row: the feed is no XML")
    page.locator("summary", has_text="Pause").first.click()
    page.get_by_label("Why").first.fill("a holiday")
    page.get_by_role("button", name="Pause daily").click()
    expect(page.locator(".said")).to_contain_text("daily is paused.")
    assert desk[0].store.schedules.standings(NOW)["daily"].row.reason == "a holiday"
    page.get_by_role("button", name="Resume daily").click()
    expect(page.locator(".said")).to_contain_text("daily goes on.")
    expect(page.locator("section", has_text="asked for lately")).to_contain_text("pause a schedule")


def test_a_digest_is_paused_resumed_and_sent(desk: tuple[ApiDesk, str], sign_in: SignIn) -> None:
    schedules = desk[0].store.schedules
    page = sign_in("admin", "/sources", 390)
    digests = page.locator("#digests")
    digests.locator("summary", has_text="Pause").click()
    digests.get_by_label("Why").fill("everybody is away")
    digests.get_by_role("button", name="Pause monday").click()
    expect(digests).to_contain_text("by admin since 20 Nov 2025, 12:00 UTC: everybody is away")
    assert schedules.standings(NOW)["digest:monday"].row.reason == "everybody is away"
    digests.get_by_role("button", name="Resume monday").click()
    expect(digests).to_contain_text("waits for its time")
    digests.get_by_role("button", name="Send monday now").click()
    expect(page.locator(".said")).to_contain_text("is on its way")
    [sent] = desk[0].store.pages.of("deliveries", 9, channel="desk").rows
    page.goto(f"{desk[1]}/alerts/deliveries/{sent.delivery_id}")
    expect(page.locator("main h1")).to_have_text("The digest monday")
    expect(page.locator(".message")).to_contain_text("REPORT · Harbour desk")


def test_a_version_of_a_prior_says_which_estimates_moved_with_it(sign_in: SignIn) -> None:
    page = sign_in("read", "/priors/strike", 390)
    page.get_by_role("link", name="Version 2").click()
    expect(page.locator("main h1")).to_have_text("Version 2 of 2")
    expect(page.locator(".diff ins").first).to_have_text("put in: 30%..60% per quarter, 90% sure")
    moved = page.locator("section", has_text="What moved with it").locator("li")
    expect(moved).to_have_count(1)
    expect(moved).to_contain_text("24 % → 31 %, up 7 points")
    expect(moved).to_contain_text("the prior alone ×1.3")
    page.get_by_role("link", name="← Version 1").click()
    expect(page.locator("main")).to_contain_text("No estimate was made under it.")
    page.get_by_label("Beside version").select_option("2")
    page.get_by_role("button", name="Compare").click()
    expect(page.locator(".diff ins").first).to_have_text("put in: 10%..30%")
    page.locator("summary", has_text="Go back to it").click()
    expect(page.locator("pre code")).to_have_text('tocsin priors rollback strike 1 --reason "why"')


def test_a_prior_shows_who_changed_which_words_and_why(sign_in: SignIn) -> None:
    page = sign_in("read", "/priors")
    page.locator("main").get_by_role("link", name="strike").click()
    newest = page.locator("#v-2")
    expect(newest).to_contain_text("the union is stronger than we knew")
    expect(newest.locator("del")).to_have_text("taken out: 10%..30%")
    expect(newest.locator("ins").first).to_have_text("put in: 30%..60% per quarter, 90% sure")


def test_the_record_says_how_good_the_forecasts_were_and_what_a_backtest_gained(
    sign_in: SignIn,
) -> None:
    page = sign_in("read", "/record")
    main = page.locator("main")
    expect(main).to_contain_text("Of 36 questions that ended 18 came true.")
    expect(main.get_by_role("img", name="Reliability diagram").first).to_be_visible()
    expect(main).to_contain_text("at 36 moments when both had spoken")
    counts = main.get_by_role("region", name="Forecast and what came true")
    numbers = counts.locator("tbody tr td:last-child").all_inner_texts()
    assert sum(map(int, numbers)) == 36
    early = main.get_by_role("region", name="Scores by lead time").locator("tbody tr")
    expect(early.first).to_contain_text("14 days")
    classes = main.get_by_role("region", name="Scores by class").locator("tbody tr")
    expect(classes).to_have_count(1)
    expect(main).to_contain_text("its code has changed since it was tested")
    backtests = main.get_by_role("region", name="The newest backtests")
    expect(backtests.locator("tbody tr")).to_have_count(1)


def test_who_may_only_read_sees_no_button_and_is_refused(
    desk: tuple[ApiDesk, str], sign_in: SignIn
) -> None:
    page = sign_in("read", "/inbox")
    for path in PATHS:
        page.goto(desk[1] + path)
        assert page.locator("main form[method=post]").count() == 0
    status = page.evaluate(
        """async (candidate) => {
            const csrf = document.querySelector("[name=csrf]").value;
            const body = new URLSearchParams({csrf, what: "confirm", candidate});
            return (await fetch("/inbox", {method: "POST", body})).status;
        }""",
        id_of(4),
    )
    assert status == 403
    assert desk[0].store.tagging.named([id_of(4)])[id_of(4)].status is Status.WAITING


@pytest.mark.parametrize("path", PATHS)
def test_a_page_is_found_in_order_by_axe_and_no_phone_scrolls_sideways(
    desk: tuple[ApiDesk, str], sign_in: SignIn, path: str
) -> None:
    page = sign_in("admin", path, 390, color_scheme="dark", bypass_csp=True)
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    found = Axe().run(page).response["violations"]
    assert [v["id"] for v in found if v["impact"] in ("serious", "critical")] == []
