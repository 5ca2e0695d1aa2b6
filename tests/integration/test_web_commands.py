"""What a person can have done from the page: by keyboard, with the answer told, and never unasked."""

from typing import Any

import pytest
from playwright.async_api import Page, expect
from tests.support import web
from tests.support.stand_in import StandIn
from tests.support.web import Open, live, serious

# The fixtures of the page; loaded here, since few tests need a browser.
stand_in, web_served, web_browser, open_web = (
    web.stand_in,
    web.web_served,
    web.web_browser,
    web.open_web,
)
pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_an_incident_is_acknowledged_with_the_keyboard_alone(
    open_web: Open, stand_in: StandIn
) -> None:
    """From the overview, and the focus is where it was."""
    page = (await open_web()).page
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
    assert stand_in.orders == [
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


async def command(page: Page, name: str, comment: str) -> Any:
    """Give a command of the incident's page; return its dialog."""
    await page.get_by_role("button", name=f"{name} …").click()
    dialog = page.get_by_role("dialog")
    await dialog.get_by_label("Comment").fill(comment)
    await dialog.locator("button[type=submit]").click()
    return dialog


async def test_a_command_that_waits_says_so_and_one_that_is_refused_says_why(
    open_web: Open, stand_in: StandIn
) -> None:
    """Another had changed it meanwhile: it is read again."""
    stand_in.answers = [
        (202, {"done": False, "waits": True, "said": "", "version": None}),
        (409, {"done": False, "waits": False, "said": "It is at version 4 by now.", "version": 4}),
        (422, {"title": "Wrong", "errors": [{"field": "comment", "message": "too long"}]}),
    ]
    page = (await open_web("incident/INC-1")).page
    await live(page)
    dialog = await command(page, "Comment", "look at okx")
    await expect(dialog.locator(".answer")).to_contain_text("no daemon has answered yet")
    await dialog.get_by_role("button", name="Close").click()
    dialog = await command(page, "Resolve", "over")
    await expect(dialog.locator(".answer")).to_contain_text("version 4 by now.")
    await page.keyboard.press("Escape")
    dialog = await command(page, "Comment", "x")
    await expect(dialog.locator(".answer")).to_have_text("Wrong. comment: too long")
    assert await dialog.get_by_label("Comment").input_value() == "x"


async def test_a_silence_is_made_of_what_was_asked_for(open_web: Open, stand_in: StandIn) -> None:
    """A comment is wanted; names stand with commas between."""
    page = (await open_web("incidents")).page
    await page.get_by_role("button", name="Silence …").click()
    dialog = page.get_by_role("dialog", name="Silence")
    # What is always one of a list is not said to be left out.
    optional = dialog.locator("label", has_text="may be empty")
    assert await optional.count() == 4
    await expect(optional.filter(has_text="For")).to_have_count(0)
    await dialog.get_by_label("Symbols").fill("BTCUSDT, ETHUSDT")
    await dialog.get_by_label("For").select_option("14400")
    await dialog.locator("button[type=submit]").click()
    assert stand_in.orders == []
    await dialog.get_by_label("Comment").fill("a listing")
    await dialog.locator("button[type=submit]").click()
    await expect(dialog.locator(".answer")).to_have_text("It is done.")
    asked = stand_in.orders[0][1]
    assert asked["symbols"] == ["BTCUSDT", "ETHUSDT"]
    assert (asked["for_s"], asked["comment"], asked["venues"]) == (14400, "a listing", [])


async def test_a_drill_is_started_followed_and_judged(open_web: Open) -> None:
    """Its checks are told with whether they were met."""
    page = (await open_web("drills")).page
    await page.get_by_role("button", name="Start step-crunch").click()
    await page.get_by_role("dialog").get_by_role("button", name="Start").click()
    await page.get_by_role("dialog").get_by_role("button", name="Close").click()
    run = page.locator(".drill-run")
    await expect(run).to_contain_text("passed")
    await expect(run).to_contain_text("after 2.1 s")


async def test_without_drills_the_page_says_so(open_web: Open, stand_in: StandIn) -> None:
    """As an older API may be."""
    stand_in.drills = False
    page = (await open_web("drills")).page
    await expect(page.locator("main")).to_contain_text("not available")
