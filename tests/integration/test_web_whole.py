"""The page leaves nothing out: daemons that went, what fires, and that somebody logged out."""

from dataclasses import replace
from datetime import timedelta

import pytest
from playwright.async_api import expect
from tests.support import web
from tests.support.pictures import DAEMON
from tests.support.stand_in import StandIn
from tests.support.web import Open, change, live

# The fixtures of the page; loaded here, since few tests need a browser.
stand_in, web_served, web_browser, open_web = (
    web.stand_in,
    web.web_served,
    web.web_browser,
    web.open_web,
)
pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_a_symbol_whose_daemon_went_is_missed_and_not_forgotten(
    open_web: Open, stand_in: StandIn
) -> None:
    """In the list, in the words above it, and on its own page."""
    stand_in.frozen = True
    picture, at = stand_in.picture, stand_in.picture.at - timedelta(seconds=42)
    gone = replace(picture.daemons[DAEMON], id="9", symbols=("GONEUSDT",), at=at)
    stand_in.picture = replace(picture, daemons={**picture.daemons, "9": gone})
    page = (await open_web()).page
    row = page.locator("tr.old", has_text="GONEUSDT")
    await expect(row).to_contain_text("old: 42 s")
    await expect(row).to_contain_text("unknown")
    await expect(page.locator(".weather-said")).to_contain_text("1 symbol is old, and not counted")
    await row.get_by_role("link").click()
    await expect(page.locator("main")).to_contain_text(
        "Daemon 9, which watches GONEUSDT, was last heard of 42 s ago"
    )
    await page.goto(page.url.replace("GONEUSDT", "NOPE"))
    await expect(page.locator("main")).to_contain_text("Nobody watches NOPE.")


async def test_venues_of_two_daemons_are_told_apart_and_counted_once(
    open_web: Open, stand_in: StandIn
) -> None:
    """A daemon a symbol is how it is installed."""
    stand_in.frozen = True
    picture = stand_in.picture
    other = replace(picture.daemons[DAEMON], id="9", symbols=("ADAUSDT",))
    again = {f"{each.venue}@9": replace(each, daemon="9") for each in picture.venues.values()}
    stand_in.picture = replace(
        picture,
        daemons={**picture.daemons, "9": other},
        venues={**picture.venues, **again},
    )
    page = (await open_web()).page
    await expect(
        page.locator(".chip", has_text="binance").filter(has_text="ADAUSDT")
    ).to_have_count(1)
    well = page.locator(".tiles li", has_text="Venues well").locator("b")
    await expect(well).to_contain_text(f"/{len(picture.venues)}")


async def test_what_fires_is_not_hidden_by_what_is_over(open_web: Open, stand_in: StandIn) -> None:
    """The gravest first, however lately others were over; and what there is no room for is counted."""
    stand_in.frozen = True
    picture = stand_in.picture
    (fires,) = picture.alerts.values()
    later = picture.at + timedelta(seconds=1)
    over = replace(fires, state="resolved", ended_at=later, updated_at=later)
    alerts = {name: replace(over, id=name, venue=name) for name in "abcdefghij"}
    alerts |= {fires.id: fires, "z": replace(fires, id="z", venue="kraken", severity="critical")}
    stand_in.picture = replace(picture, alerts=alerts)
    page = (await open_web()).page
    rows = page.get_by_role("table", name="The latest alerts").locator("tbody tr")
    await expect(rows.nth(0)).to_contain_text("kraken")
    await expect(rows.nth(1)).to_contain_text("BTCUSDT on binance")
    many = {f"{n}": replace(fires, id=f"{n}") for n in range(11)}
    stand_in.picture = replace(picture, alerts=many)
    await expect(page.get_by_text("3 more alerts not over.")).to_be_visible()


async def test_an_incident_of_all_symbols_is_told_on_the_page_of_each(
    open_web: Open, stand_in: StandIn
) -> None:
    """A venue that is down is no calm; its reason is told in words."""
    stand_in.frozen = True
    change(stand_in, "incidents", "INC-1", symbol="*", family="feed")
    change(stand_in, "alerts", "al-1", symbol="*")
    change(stand_in, "books", "binance/ETHUSDT", trust="untrusted", reason="venue_refused")
    page = (await open_web("symbol/ETHUSDT")).page
    await expect(page.locator(".symbol-head")).to_contain_text("All symbols feed")
    await expect(page.get_by_label("Ladder of binance")).to_contain_text("venue refused")


async def test_who_logs_out_leaves_nothing_on_the_screen(open_web: Open, stand_in: StandIn) -> None:
    """Neither numbers nor names."""
    page = (await open_web("symbol/BTCUSDT")).page
    await live(page)
    await page.get_by_role("button", name="Log out").click()
    await expect(page.locator("#banner")).to_contain_text("Not signed in.")
    await expect(page.locator(".ladder")).to_have_count(0)
    await expect(page.get_by_role("button", name="Log out")).to_have_count(0)
    assert not stand_in.admitted
