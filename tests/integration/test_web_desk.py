"""The page, the API, a monitor and PostgreSQL together: what is done in a browser is done."""

import re
from pathlib import Path

from playwright.async_api import expect
from tests.support.api_over import api_over
from tests.support.database import until
from tests.support.web import a_browser, live
from tests.support.windowed import daemon_over_venues

from tidegauge.core.instrument import SECOND
from tidegauge.risk.ruleset import DeskRules, RuleSet
from tidegauge.risk.signal_settings import HealthSettings
from tidegauge.sinks.connect import Database

QUICK = RuleSet(
    health=HealthSettings(
        degraded_after=SECOND // 10, down_after=SECOND // 5, clear_for=SECOND // 10
    ),
    desk=DeskRules(settle_for=SECOND // 2, reopen_within=5 * SECOND),
)


async def test_an_incident_is_acknowledged_from_the_page_and_seen_in_postgresql(
    database: Database, tmp_path: Path
) -> None:
    """Who logs in by a link sees the market live, takes the incident on, and it is in the database."""
    async with (
        daemon_over_venues(tmp_path, database, rules=QUICK) as (app, venues),
        api_over(tmp_path, app.settings) as api,
        a_browser() as browser,
    ):
        page = await browser.new_page()
        complaints: list[str] = []
        page.on("console", lambda said: complaints.append(said.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        status, link = await api.post("/login-links", {"scope": "operate"})
        assert status == 201
        await page.goto(link["url"])
        await live(page)
        await page.get_by_role("link", name="BTCUSDT", exact=True).click()
        curve = re.compile("Selling. binance: from")
        ladder = page.get_by_label("Ladder of bybit-linear")
        await expect(ladder.locator(".bids tr").first).to_contain_text(",")
        await expect(page.locator(".plot-body").first).to_have_attribute("aria-label", curve)
        assert complaints == []

        venues.dialects["binance"].refuse_with = 503
        venues.dialects["binance"].cut()
        await expect(page.get_by_label("Ladder of binance").locator(".untrusted")).to_be_visible()
        await page.get_by_role("link", name="Incidents").click()
        await page.locator("tbody").get_by_role("link").first.click()
        await page.get_by_role("button", name="Acknowledge …").click()
        dialog = page.get_by_role("dialog")
        await dialog.get_by_label("Comment").fill("it is theirs")
        await dialog.get_by_label("Your name").fill("ann")
        await dialog.locator("button[type=submit]").click()
        await expect(dialog.locator(".answer.done")).to_be_visible()
        async with database.session() as connection:
            row = await connection.fetchrow(
                "SELECT state, acknowledged_by FROM tidegauge.incidents WHERE resolved_at IS NULL"
            )
        assert tuple(row) == ("acknowledged", "ann")
        await page.keyboard.press("Escape")
        await until(lambda: any(i.acknowledged_by for i in api.hub.picture().incidents.values()))
        await expect(page.locator(".incident-head")).to_contain_text("ann has it")
        await expect(page.locator(".timeline")).to_contain_text("it is theirs")
