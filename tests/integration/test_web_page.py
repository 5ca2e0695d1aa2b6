"""The dashboard in a real browser: live, honest about what is old, and for everybody to use."""

import re
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

import pytest
import pytest_asyncio
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Browser, Page, async_playwright, expect
from tests.support.programs import require_program
from tests.support.served_app import ServedApp
from tests.support.stand_in import StandIn, create_stand_in
from tests.support.stand_in_market import DAEMON, LOST

pytestmark = pytest.mark.asyncio(loop_scope="module")

PAGES = {
    "": "Stressed",
    "symbol/BTCUSDT": "BTCUSDT",
    "incidents": "Incidents",
    "incident/INC-1": "BTCUSDT liquidity",
    "venues": "Venues",
    "drills": "Fire drills",
}
HOSTILE = "<img src=x onerror=\"document.title='taken'\"><script>document.title='taken'</script>"
PHONE = {"width": 360, "height": 740}
Open = Callable[..., Awaitable["Opened"]]


@dataclass(slots=True)
class Opened:
    """A page, and what it complained of or asked for."""

    page: Page
    complaints: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)


@pytest.fixture(scope="module")
def state() -> StandIn:
    return StandIn()


@pytest.fixture(scope="module")
def served(state: StandIn) -> Iterator[ServedApp]:
    app = ServedApp(create_stand_in(state))
    app.start()
    yield app
    app.stop()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser() -> AsyncIterator[Browser]:
    chromium = require_program("chromium")
    async with async_playwright() as playwright:
        # As root, which CI may be, Chromium runs without its sandbox or not at all.
        started = await playwright.chromium.launch(
            executable_path=str(chromium), args=["--no-sandbox"]
        )
        yield started
        await started.close()


@pytest_asyncio.fixture(loop_scope="module")
async def opened(browser: Browser, state: StandIn, served: ServedApp) -> AsyncIterator[Open]:
    """Open one of the pages, in a context of its own."""
    state.reset()
    contexts = []

    async def open_it(about: str = "", **options: Any) -> Opened:
        context = await browser.new_context(**options)
        contexts.append(context)
        found = Opened(await context.new_page())
        found.page.set_default_timeout(15_000)
        found.page.on("console", lambda said: found.complaints.append(said.text))
        found.page.on("pageerror", lambda error: found.complaints.append(str(error)))
        found.page.on("request", lambda request: found.requests.append(request.url))
        found.page.on("websocket", lambda each: found.requests.append(each.url))
        await found.page.goto(f"{served.url}/#/{about}")
        return found

    yield open_it
    for context in contexts:
        await context.close()


def change(state: StandIn, part: str, key: str, **changes: Any) -> None:
    """Change one record of the picture."""
    records = {**getattr(state.picture, part)}
    records[key] = replace(records[key], **changes)
    state.picture = replace(state.picture, **{part: records})


async def live(page: Page) -> None:
    """Wait until the page says that it is live."""
    await expect(page.locator(".link.live")).to_be_visible()


async def serious(page: Page) -> list[str]:
    """Return what axe finds that keeps somebody out."""
    found = await Axe().run(page)
    return [
        f"{each['id']}: {each['nodes'][0]['html'][:200]}"
        for each in found.response["violations"]
        if each["impact"] in ("serious", "critical")
    ]


@pytest.mark.parametrize("about", PAGES)
async def test_each_page_is_reached_by_its_address_and_keeps_to_this_origin(
    opened: Open, served: ServedApp, about: str
) -> None:
    """Without a complaint, and with nothing that axe calls serious, in light and in dark."""
    found = await opened(about)
    await live(found.page)
    await expect(found.page.get_by_role("heading", level=1)).to_have_text(PAGES[about])
    assert await serious(found.page) == []
    await found.page.emulate_media(color_scheme="dark")
    assert await serious(found.page) == []
    assert found.complaints == []
    here = served.url.removeprefix("http")
    assert len(found.requests) > 20
    assert [url for url in found.requests if not url.startswith(("http" + here, "ws" + here))] == []


async def test_what_is_shown_moves_by_itself(opened: Open) -> None:
    """The score of the overview, and the prices of a ladder."""
    page = (await opened()).page
    score = page.locator("tr", has_text="BTCUSDT").locator(".score-head b")
    await expect(score).to_have_text("47")
    before = await page.locator(".clock").inner_text()
    await expect(page.locator(".clock")).not_to_have_text(before)
    await page.get_by_role("link", name="BTCUSDT", exact=True).click()
    mid = page.get_by_label("Ladder of binance").locator(".middle b")
    first = await mid.inner_text()
    await expect(mid).not_to_have_text(first)


async def test_the_browser_goes_back_to_where_one_was(opened: Open) -> None:
    """The stream then gives what that page wants."""
    page = (await opened("incidents")).page
    await page.get_by_role("link", name="BTCUSDT liquidity").click()
    await expect(page.get_by_role("heading", level=1)).to_have_text("BTCUSDT liquidity")
    assert await page.title() == "BTCUSDT liquidity · Tidegauge"
    await page.go_back()
    await expect(page.get_by_role("heading", level=1)).to_have_text("Incidents")
    await page.go_forward()
    await expect(page.get_by_role("heading", level=1)).to_have_text("BTCUSDT liquidity")


async def test_a_symbol_shows_its_books_its_costs_and_its_past(opened: Open) -> None:
    """Ladders, depth, the curve, a quote, six plots, heat, and the inputs with their z."""
    page = (await opened("symbol/BTCUSDT")).page
    await expect(page.locator(".ladder")).to_have_count(4)
    await expect(page.locator(".ladder .asks tr").first).to_contain_text("61,0")
    plots = page.locator(".plot-body")
    await expect(plots).to_have_count(7)
    for at in range(7):
        await expect(plots.nth(at)).to_have_attribute("aria-label", pattern("from .* to"))
    await expect(page.locator("canvas.depth")).to_have_attribute("aria-label", pattern("bids .*M"))
    await expect(page.locator(".heat canvas")).to_have_attribute("aria-label", pattern("per bp"))
    assert await page.get_by_role("table", name="Inputs of the crunch").count() == 1
    await expect(page.locator(".z", has_text="+6.1").first).to_be_visible()
    await page.get_by_role("button", name="24 h").first.click()
    await expect(page.locator(".plot-head", has_text="Mid")).to_contain_text("61,0")


def pattern(text: str) -> Any:

    return re.compile(text)


async def test_a_quote_names_the_best_venue_the_split_and_who_was_left_out(opened: Open) -> None:
    """And what is wrong with a size that is none."""
    page = (await opened("symbol/ETHUSDT")).page
    size = page.get_by_label("Size, in quote")
    await expect(page.locator("tr.best")).to_contain_text("binance")
    await size.fill("2.5M")
    await page.get_by_role("button", name="Quote", exact=True).click()
    await expect(page.locator(".split").first).to_contain_text("833k")
    await expect(page.locator(".left-out")).to_contain_text("coinbase left out: a gap")
    await size.fill("a lot")
    await size.press("Enter")
    await expect(page.locator(".problem")).to_contain_text("250k or 1,000,000")
    await expect(page.locator("tr.best")).to_have_count(0)


async def test_a_book_that_is_not_trusted_shows_its_reason_and_no_number(opened: Open) -> None:
    """Neither in its ladder nor in the table of books."""
    page = (await opened(f"symbol/{LOST[1]}")).page
    lost = page.get_by_label(f"Ladder of {LOST[0]}")
    await expect(lost.locator(".untrusted")).to_contain_text("1120 follows 1115")
    assert await lost.locator("table").count() == 0
    row = page.get_by_role("table", name="Books and their feeds").locator("tr", has_text=LOST[0])
    assert (await row.locator("td").nth(3).inner_text()) == "\N{EN DASH}"


@pytest.mark.parametrize("about", PAGES)
async def test_a_phone_shows_all_of_it_without_scrolling_sideways(opened: Open, about: str) -> None:
    """Also with names and sentences that have no place to break."""
    page = (await opened(about, viewport=PHONE, has_touch=True)).page
    await live(page)
    await expect(page.get_by_role("heading", level=1)).to_have_text(PAGES[about])
    assert await page.evaluate("document.documentElement.scrollWidth") == PHONE["width"]


async def test_a_long_word_breaks_on_a_phone(opened: Open, state: StandIn) -> None:
    """As a comment of a person or a name of a venue may be."""
    long = "x" * 120
    change(state, "incidents", "INC-1", trigger=long, symbol=long, acknowledged_by=long)
    change(state, "silences", "sil-1", comment=long, author=long)
    page = (await opened("incidents", viewport=PHONE)).page
    await expect(page.get_by_text(long).first).to_be_visible()
    assert await page.evaluate("document.documentElement.scrollWidth") == PHONE["width"]


async def test_the_switch_of_colours_is_remembered(opened: Open) -> None:
    """The system's choice holds until another is made."""
    page = (await opened(color_scheme="dark")).page
    await live(page)
    ground = "getComputedStyle(document.body).backgroundColor"
    dark = await page.evaluate(ground)
    await page.get_by_role("button", name="Colours: auto").click()
    light = await page.evaluate(ground)
    assert light != dark
    await page.reload()
    await live(page)
    assert await page.evaluate(ground) == light


async def test_a_lost_connection_is_told_at_once_and_comes_back(
    opened: Open, served: ServedApp
) -> None:
    """What was shown stays, grey, with its age; then it is live again without a touch."""
    found = await opened()
    await live(found.page)
    served.stop()
    try:
        banner = found.page.locator("#banner")
        await expect(banner).to_contain_text("Disconnected.")
        await expect(banner).to_contain_text("old")
        await expect(found.page.locator(".link")).to_have_text("Disconnected")
        await expect(found.page.locator("html")).to_have_class("stale")
        await expect(found.page.locator("main")).to_have_css("filter", "grayscale(1)")
        assert await serious(found.page) == []
    finally:
        served.start()
    await live(found.page)
    await expect(banner).to_have_text("")
    await expect(found.page.locator("html")).not_to_have_class("stale")


async def test_a_picture_that_stands_still_is_called_old(opened: Open, state: StandIn) -> None:
    """Though the socket is open."""
    page = (await opened()).page
    await live(page)
    state.frozen = True
    await expect(page.locator("#banner")).to_contain_text("stands still", timeout=12_000)
    await expect(page.locator(".link")).to_have_text("Old")
    state.frozen = False
    await live(page)


async def test_the_part_of_a_daemon_that_is_gone_is_called_old(
    opened: Open, state: StandIn
) -> None:
    """The rest is not."""
    state.frozen = True
    at = state.picture.at - timedelta(seconds=42)
    change(state, "daemons", DAEMON, at=at)
    page = (await opened()).page
    await expect(page.locator("#banner")).to_contain_text("Part of this is old.")
    await expect(page.locator("tr.old").first).to_contain_text("old: 42 s")


async def test_who_is_not_signed_in_is_told_how_to(opened: Open, state: StandIn) -> None:
    """And is let in as soon as that is done."""
    state.admitted = False
    page = (await opened()).page
    await expect(page.locator("#banner")).to_contain_text("tidegauge web")
    state.admitted = True
    await live(page)


async def test_hostile_words_stay_words(opened: Open, state: StandIn) -> None:
    """A symbol, a sentence, a reason, a comment, an author."""
    change(state, "symbols", "BTCUSDT", symbol=HOSTILE)
    change(state, "incidents", "INC-1", trigger=HOSTILE, symbol=HOSTILE)
    change(state, "silences", "sil-1", comment=HOSTILE, author=HOSTILE)
    change(state, "venues", f"binance@{DAEMON}", venue=HOSTILE, reasons={HOSTILE: 1})
    change(state, "alerts", "al-1", sentence=HOSTILE, venue=HOSTILE)
    state.orders.append(("comment INC-1", {"comment": HOSTILE, "by": HOSTILE}))
    for about in ("", "incidents", "incident/INC-1", "venues", "symbol/%3Cb%3Ebold%3C%2Fb%3E"):
        found = await opened(about)
        await live(found.page)
        words = "<b>bold</b>" if "symbol" in about else "onerror="
        await expect(found.page.locator("main")).to_contain_text(words)
        assert await found.page.locator("main img, main script, main b > b").count() == 0
        assert "taken" not in (await found.page.title()).replace("document.title='taken'", "")
        assert found.complaints == []


async def test_an_incident_is_acknowledged_with_the_keyboard_alone(
    opened: Open, state: StandIn
) -> None:
    """From the overview, and the focus is where it was."""
    page = (await opened()).page
    await live(page)
    await tabbed_to(page, "BTCUSDT liquidity")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("heading", level=1)).to_have_text("BTCUSDT liquidity")
    await tabbed_to(page, "Acknowledge …")
    await page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog", name="Acknowledge")
    await expect(dialog).to_be_visible()
    assert await serious(page) == []
    await page.keyboard.press("Tab")
    await page.keyboard.type("I have it")
    await page.keyboard.press("Tab")
    await page.keyboard.type("ann")
    await page.keyboard.press("Enter")
    await expect(dialog.locator(".answer")).to_have_text("It is done.")
    assert state.orders == [
        ("acknowledge INC-1", {"version": 1, "comment": "I have it", "by": "ann"})
    ]
    await page.keyboard.press("Enter")
    await expect(dialog).to_have_count(0)
    await expect(page.locator(".incident-head")).to_contain_text("ann has it")
    await expect(page.locator(".timeline")).to_contain_text("I have it")


async def tabbed_to(page: Page, name: str) -> None:
    """Press Tab until what has the focus is called so."""
    for _ in range(60):
        await page.keyboard.press("Tab")
        if (await page.evaluate("document.activeElement.innerText ?? ''")).strip() == name:
            return
    pytest.fail(f"{name} cannot be reached with Tab")


async def test_the_first_tab_leads_past_the_links_to_the_content(opened: Open) -> None:
    """And the address stays that of the page."""
    page = (await opened("venues")).page
    await live(page)
    await page.keyboard.press("Tab")
    await expect(page.locator(".skip")).to_be_focused()
    await page.keyboard.press("Enter")
    await expect(page.locator("main")).to_be_focused()
    assert page.url.endswith("#/venues")


async def command(page: Page, name: str, comment: str) -> Any:
    """Give a command of the incident's page; return its dialog."""
    await page.get_by_role("button", name=f"{name} …").click()
    dialog = page.get_by_role("dialog")
    await dialog.get_by_label("Comment").fill(comment)
    await dialog.locator("button[type=submit]").click()
    return dialog


async def test_a_command_that_waits_says_so_and_one_that_is_refused_says_why(
    opened: Open, state: StandIn
) -> None:
    """Another had changed it meanwhile: it is read again."""
    state.answers = [
        (202, {"done": False, "waits": True, "said": "", "version": None}),
        (409, {"done": False, "waits": False, "said": "It is at version 4 by now.", "version": 4}),
        (422, {"title": "Wrong", "errors": [{"field": "comment", "message": "too long"}]}),
    ]
    page = (await opened("incident/INC-1")).page
    await live(page)
    dialog = await command(page, "Comment", "look at okx")
    await expect(dialog.locator(".answer")).to_contain_text("no daemon has answered yet")
    await dialog.get_by_role("button", name="Close").click()
    dialog = await command(page, "Resolve", "over")
    await expect(dialog.locator(".answer")).to_contain_text("version 4 by now.")
    await page.keyboard.press("Escape")
    dialog = await command(page, "Comment", "x")
    await expect(dialog.locator(".answer")).to_contain_text("comment: too long")
    assert await dialog.get_by_label("Comment").input_value() == "x"


async def test_a_silence_is_made_of_what_was_asked_for(opened: Open, state: StandIn) -> None:
    """A comment is wanted; names stand with commas between."""
    page = (await opened("incidents")).page
    await page.get_by_role("button", name="Silence …").click()
    dialog = page.get_by_role("dialog", name="Silence")
    await dialog.get_by_label("Symbols").fill("BTCUSDT, ETHUSDT")
    await dialog.get_by_label("For").select_option("14400")
    await dialog.locator("button[type=submit]").click()
    assert state.orders == []
    await dialog.get_by_label("Comment").fill("a listing")
    await dialog.locator("button[type=submit]").click()
    await expect(dialog.locator(".answer")).to_have_text("It is done.")
    asked = state.orders[0][1]
    assert asked["symbols"] == ["BTCUSDT", "ETHUSDT"]
    assert (asked["for_s"], asked["comment"], asked["venues"]) == (14400, "a listing", [])


async def test_a_drill_is_started_followed_and_judged(opened: Open) -> None:
    """Its checks are told with whether they were met."""
    page = (await opened("drills")).page
    await page.get_by_role("button", name="Start step-crunch").click()
    await page.get_by_role("dialog").get_by_role("button", name="Start").click()
    await page.get_by_role("dialog").get_by_role("button", name="Close").click()
    run = page.locator(".drill-run")
    await expect(run).to_contain_text("passed")
    await expect(run).to_contain_text("after 2.1 s")


async def test_without_drills_the_page_says_so(opened: Open, state: StandIn) -> None:
    """As an older API may be."""
    state.drills = False
    page = (await opened("drills")).page
    await expect(page.locator("main")).to_contain_text("not available")


async def test_what_happens_is_told_aloud_once(opened: Open, state: StandIn) -> None:
    """An incident that is taken on; no number that ticks."""
    page = (await opened()).page
    await live(page)
    spoken = page.get_by_role("log")
    await expect(spoken).to_have_text("")
    state.acknowledge("INC-1", "ann")
    await expect(spoken).to_contain_text("Incident BTCUSDT liquidity: acknowledged")
