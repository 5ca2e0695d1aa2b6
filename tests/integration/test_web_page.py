"""The dashboard in a real browser: live, honest about what is old, and for everybody to use."""

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from playwright.async_api import expect
from tests.support import stand_in as the_stand_in
from tests.support import web
from tests.support.pictures import DAEMON
from tests.support.served_app import ServedApp
from tests.support.stand_in import StandIn
from tests.support.stand_in_books import LOST
from tests.support.web import Open, change, live, serious

from tidegauge.runtime.window.picture import Picture

# The fixtures of the page; loaded here, since few tests need a browser.
stand_in, web_served, web_browser, open_web = (
    web.stand_in,
    web.web_served,
    web.web_browser,
    web.open_web,
)
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


@pytest.mark.parametrize("about", PAGES)
async def test_each_page_is_reached_by_its_address_and_keeps_to_this_origin(
    open_web: Open, web_served: ServedApp, about: str
) -> None:
    """Without a complaint, and with nothing that axe calls serious, in light and in dark."""
    found = await open_web(about)
    await live(found.page)
    await expect(found.page.get_by_role("heading", level=1)).to_have_text(PAGES[about])
    assert await serious(found.page) == []
    await found.page.emulate_media(color_scheme="dark")
    assert await serious(found.page, "color-contrast") == []
    assert found.complaints == []
    here = web_served.url.removeprefix("http")
    assert len(found.requests) > 20
    assert [url for url in found.requests if not url.startswith(("http" + here, "ws" + here))] == []


async def test_an_address_that_names_no_page_leads_to_the_overview(open_web: Open) -> None:
    """Whatever else an object of the browser knows by that name."""
    for about in ("nowhere", "constructor"):
        found = await open_web(about)
        await live(found.page)
        await expect(found.page.get_by_role("heading", level=1)).to_have_text(PAGES[""])
        assert found.complaints == []


HEAT_OF_A_DAY = """async () => {
  const { Heat } = await import("/assets/heat.js");
  const heat = new Heat("BTCUSDT", { redraw() {} });
  heat.range = 300;
  for (let second = 0; second < 2000; second++) {
    const at = new Date(1.8e12 + second * 1000).toISOString();
    const bands = [{ bps: 10, bid: "5", ask: "5", bid_complete: true, ask_complete: true }];
    const reading = { at, bands, ...(second % 2 ? { mid: "100" } : {}) };
    const book = { venue: "one", symbol: "BTCUSDT", trust: "live", reading };
    heat.view({ at, books: { "one/BTCUSDT": book } }, { live: true, now: Date.parse(at) });
  }
  heat.end();
  return [...heat.columns.values()].map((column) => column.mid);
}"""


async def test_a_page_that_is_open_all_day_keeps_of_liquidity_what_it_draws(open_web: Open) -> None:
    """A column a second; none of a moment at which one side was empty, which has no mid."""
    page = (await open_web()).page
    await live(page)
    mids = await page.evaluate(HEAT_OF_A_DAY)
    assert 100 <= len(mids) <= 400
    assert set(mids) == {100}


async def test_what_is_shown_moves_by_itself(open_web: Open) -> None:
    """The score of the overview, and the prices of a ladder."""
    page = (await open_web()).page
    score = page.locator("tr", has_text="BTCUSDT").locator(".score-head b")
    await expect(score).to_have_text("47")
    before = await page.locator(".clock").inner_text()
    await expect(page.locator(".clock")).not_to_have_text(before)
    await page.get_by_role("link", name="BTCUSDT", exact=True).click()
    mid = page.get_by_label("Ladder of binance").locator(".middle b")
    first = await mid.inner_text()
    await expect(mid).not_to_have_text(first)


def nothing_happens(behind: timedelta = timedelta()) -> Callable[[Picture, datetime, int], Picture]:
    """Return how a picture moves in which only time goes on; its daemons are so far behind it."""

    def moved(picture: Picture, at: datetime, _tick: int) -> Picture:
        daemons = {id_: replace(each, at=at - behind) for id_, each in picture.daemons.items()}
        return replace(picture, at=at, daemons=daemons)

    return moved


async def test_nothing_is_called_calm_while_an_incident_fires(
    open_web: Open, stand_in: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Scores recover at once, an alert only after it held."""
    page = (await open_web()).page
    await live(page)
    monkeypatch.setattr(the_stand_in, "moved", nothing_happens())
    for name, each in stand_in.picture.symbols.items():
        change(
            stand_in,
            "symbols",
            name,
            score=replace(each.score, value=3.0, weather="calm", parts=()),
        )
    heading = page.get_by_role("heading", level=1)
    await expect(heading).to_have_text("Watch")
    await expect(page.get_by_text("but 1 incident still fires")).to_be_visible()
    change(stand_in, "incidents", "INC-1", firing=(), state="mitigated")
    await expect(heading).to_have_text("Calm")


async def test_the_browser_goes_back_to_where_one_was(open_web: Open) -> None:
    """The stream then gives what that page wants."""
    page = (await open_web("incidents")).page
    await page.get_by_role("link", name="BTCUSDT liquidity").click()
    await expect(page.get_by_role("heading", level=1)).to_have_text("BTCUSDT liquidity")
    assert await page.title() == "BTCUSDT liquidity · Tidegauge"
    await page.go_back()
    await expect(page.get_by_role("heading", level=1)).to_have_text("Incidents")
    await page.go_forward()
    await expect(page.get_by_role("heading", level=1)).to_have_text("BTCUSDT liquidity")


async def test_a_symbol_shows_its_books_its_costs_and_its_past(open_web: Open) -> None:
    """Ladders, depth, the curve, a quote, six plots, heat, and the inputs with their z."""
    page = (await open_web("symbol/BTCUSDT")).page
    await expect(page.locator(".ladder")).to_have_count(4)
    await expect(page.locator(".ladder .asks tr").first).to_contain_text("61,0")
    plots = page.locator(".plot-body")
    await expect(plots).to_have_count(8)
    for at in range(8):
        await plots.nth(at).scroll_into_view_if_needed()
        await expect(plots.nth(at)).to_have_attribute("aria-label", pattern("from .* to"))
    await expect(page.locator("canvas.depth")).to_have_attribute("aria-label", pattern("bids .*M"))
    await page.locator(".heat canvas").scroll_into_view_if_needed()
    await expect(page.locator(".heat canvas")).to_have_attribute("aria-label", pattern("per bp"))
    assert await page.get_by_role("table", name="Inputs of the crunch").count() == 1
    await expect(page.locator(".z", has_text="+6.1").first).to_be_visible()
    await page.get_by_role("button", name="24 h").first.click()
    await expect(page.locator(".plot-head", has_text="Mid")).to_contain_text("61,0")


def pattern(text: str) -> Any:

    return re.compile(text)


async def test_a_quote_names_the_best_venue_the_split_and_who_was_left_out(open_web: Open) -> None:
    """And what is wrong with a size that is none."""
    page = (await open_web("symbol/ETHUSDT")).page
    size = page.get_by_label("Size, in quote")
    await expect(page.locator("tr.best")).to_contain_text("binance")
    await size.fill("2.5M")
    await page.get_by_role("button", name="Quote", exact=True).click()
    await expect(page.locator(".split").first).to_contain_text("833k")
    await expect(page.locator("tr", has_text="coinbase").first).to_contain_text("a gap")
    await size.fill("a lot")
    await size.press("Enter")
    await expect(page.locator(".problem")).to_contain_text("250k or 1,000,000")
    await expect(page.locator("tr.best")).to_have_count(0)


async def test_a_book_that_is_not_trusted_shows_its_reason_and_no_number(open_web: Open) -> None:
    """Neither in its ladder nor in the table of books."""
    page = (await open_web(f"symbol/{LOST[1]}")).page
    lost = page.get_by_label(f"Ladder of {LOST[0]}")
    await expect(lost.locator(".untrusted")).to_contain_text("1120 follows 1115")
    assert await lost.locator("table").count() == 0
    row = page.get_by_role("table", name="Books and their feeds").locator("tr", has_text=LOST[0])
    assert (await row.locator("td").nth(3).inner_text()) == "\N{EN DASH}"


async def test_a_phone_shows_all_of_it_without_scrolling_sideways(
    open_web: Open, web_served: ServedApp
) -> None:
    """Each page, at the width of a small one."""
    page = (await open_web(viewport=PHONE, has_touch=True)).page
    await live(page)
    for about, heading in PAGES.items():
        await page.goto(f"{web_served.url}/#/{about}")
        await expect(page.get_by_role("heading", level=1)).to_have_text(heading)
        await live(page)
        assert await page.evaluate("document.documentElement.scrollWidth") == PHONE["width"], about


async def test_a_long_word_breaks_on_a_phone(open_web: Open, stand_in: StandIn) -> None:
    """As a comment of a person or a name of a venue may be."""
    long = "x" * 120
    change(stand_in, "incidents", "INC-1", trigger=long, symbol=long, acknowledged_by=long)
    change(stand_in, "silences", "sil-1", comment=long, author=long)
    page = (await open_web("incidents", viewport=PHONE)).page
    await expect(page.get_by_text(long).first).to_be_visible()
    assert await page.evaluate("document.documentElement.scrollWidth") == PHONE["width"]


async def test_the_switch_of_colours_is_remembered(open_web: Open) -> None:
    """The system's choice holds until another is made."""
    page = (await open_web(color_scheme="dark")).page
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
    open_web: Open, web_served: ServedApp
) -> None:
    """What was shown stays, grey, with its age; then it is live again without a touch."""
    found = await open_web()
    await live(found.page)
    web_served.stop()
    try:
        banner = found.page.locator("#banner")
        await expect(banner).to_contain_text("Disconnected.")
        await expect(banner).to_contain_text("old")
        await expect(found.page.locator(".link")).to_have_text("Disconnected")
        await expect(found.page.locator("html")).to_have_class("stale")
        await expect(found.page.locator("main")).to_have_css("filter", "grayscale(1)")
        await expect(found.page.get_by_role("heading", level=1)).to_have_text("Was stressed")
        assert await serious(found.page) == []
    finally:
        web_served.start()
    await live(found.page)
    await expect(banner).to_have_text("")
    await expect(found.page.locator("html")).not_to_have_class("stale")


async def test_a_picture_that_stands_still_is_called_old(open_web: Open, stand_in: StandIn) -> None:
    """Though the socket is open."""
    page = (await open_web()).page
    await live(page)
    stand_in.frozen = True
    await expect(page.locator("#banner")).to_contain_text("stands still", timeout=60_000)
    await expect(page.locator(".link")).to_have_text("Old")
    stand_in.frozen = False
    await live(page)


async def test_the_part_of_a_daemon_that_is_gone_is_called_old(
    open_web: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    """How it is now is then not known."""
    # The picture goes on without it: one that stands still would be all that is said.
    monkeypatch.setattr(the_stand_in, "moved", nothing_happens(timedelta(seconds=42)))
    page = (await open_web()).page
    await expect(page.locator("#banner")).to_contain_text("Part of this is old.")
    await expect(page.locator("#foot")).to_contain_text("last heard of 42 s ago")
    await expect(page.locator("tr.old").first).to_contain_text("old: 42 s")
    await expect(page.get_by_role("heading", level=1)).to_have_text("Unknown")


async def test_a_clock_on_its_way_to_one_that_was_set_makes_nothing_old(
    open_web: Open, stand_in: StandIn
) -> None:
    """The daemon says how far behind the machine's it is."""
    stand_in.frozen = True
    at = stand_in.picture.at - timedelta(seconds=42)
    change(stand_in, "daemons", DAEMON, at=at, clock_behind_s=40.0)
    page = (await open_web()).page
    await live(page)
    await expect(page.locator("main table").first).to_be_visible()
    await expect(page.locator("#banner")).to_have_text("")
    assert await page.locator("tr.old").count() == 0


async def test_a_picture_that_is_not_understood_is_said_so_and_comes_back(
    open_web: Open, stand_in: StandIn
) -> None:
    """As of an API of another version: nothing that was shown before stays as if it were live."""
    page = (await open_web()).page
    await live(page)
    stand_in.frozen = True
    score = stand_in.picture.symbols["BTCUSDT"].score
    change(stand_in, "symbols", "BTCUSDT", score=None)
    await expect(page.locator("main")).to_contain_text("cannot be drawn")
    assert await page.locator("main table").count() == 0
    change(stand_in, "symbols", "BTCUSDT", score=score)
    await expect(page.locator("main table").first).to_be_visible()


async def test_who_is_not_signed_in_is_told_how_to(open_web: Open, stand_in: StandIn) -> None:
    """And is let in as soon as that is done."""
    stand_in.admitted = False
    page = (await open_web()).page
    await expect(page.locator("#banner")).to_contain_text("tidegauge web")
    stand_in.admitted = True
    await live(page)


async def test_hostile_words_stay_words(
    open_web: Open, stand_in: StandIn, web_served: ServedApp
) -> None:
    """A symbol, a sentence, a reason, a comment, an author."""
    change(stand_in, "symbols", "BTCUSDT", symbol=HOSTILE)
    change(stand_in, "incidents", "INC-1", trigger=HOSTILE, symbol=HOSTILE)
    change(stand_in, "silences", "sil-1", comment=HOSTILE, author=HOSTILE)
    change(stand_in, "venues", f"binance@{DAEMON}", venue=HOSTILE, reasons={HOSTILE: 1})
    change(stand_in, "alerts", "al-1", sentence=HOSTILE, venue=HOSTILE)
    stand_in.orders.append(("comment INC-1", {"comment": HOSTILE, "by": HOSTILE}))
    found = await open_web()
    await live(found.page)
    for about in ("", "incidents", "incident/INC-1", "venues", "symbol/%3Cb%3Ebold%3C%2Fb%3E"):
        await found.page.goto(f"{web_served.url}/#/{about}")
        words = "<B>BOLD</B>" if "symbol" in about else "onerror="
        await expect(found.page.locator("main")).to_contain_text(words)
        assert await found.page.locator("main img, main script, main b > b").count() == 0
        assert await found.page.title() != "taken"
    assert found.complaints == []


async def test_the_first_tab_leads_past_the_links_to_the_content(open_web: Open) -> None:
    """And the address stays that of the page."""
    page = (await open_web("venues")).page
    await live(page)
    await page.keyboard.press("Tab")
    await expect(page.locator(".skip")).to_be_focused()
    await page.keyboard.press("Enter")
    await expect(page.locator("main")).to_be_focused()
    assert page.url.endswith("#/venues")


async def test_what_happens_is_told_aloud_once(open_web: Open, stand_in: StandIn) -> None:
    """An incident that is taken on; no number that ticks."""
    page = (await open_web()).page
    await live(page)
    spoken = page.get_by_role("log")
    await expect(spoken).to_have_text("")
    stand_in.acknowledge("INC-1", "ann")
    await expect(spoken).to_contain_text("Incident BTCUSDT liquidity: acknowledged")
