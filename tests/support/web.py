"""The dashboard in a real browser, over the stand-in of the API."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
import pytest_asyncio
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Browser, Page, async_playwright, expect
from tests.support.ports import kept_port
from tests.support.programs import require_program
from tests.support.served_app import ServedApp
from tests.support.stand_in import StandIn, create_stand_in

Open = Callable[..., Awaitable["Opened"]]
PATIENCE_MS = 60_000
expect.set_options(timeout=PATIENCE_MS)


@dataclass(slots=True)
class Opened:
    """A page, and what it complained of or asked for."""

    page: Page
    complaints: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)


@pytest.fixture(scope="module")
def stand_in() -> StandIn:
    return StandIn()


@pytest.fixture(scope="module")
def web_served(stand_in: StandIn) -> Iterator[ServedApp]:
    with kept_port() as port:
        app = ServedApp(create_stand_in(stand_in), port)
        app.start()
        yield app
        app.stop()


@asynccontextmanager
async def a_browser() -> AsyncIterator[Browser]:
    """Lend the system's Chromium."""
    chromium = require_program("chromium")
    async with async_playwright() as playwright:
        # As root, which CI may be, Chromium runs without its sandbox or not at all.
        started = await playwright.chromium.launch(
            executable_path=str(chromium), args=["--no-sandbox"]
        )
        yield started
        await started.close()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def web_browser() -> AsyncIterator[Browser]:
    async with a_browser() as browser:
        yield browser


@pytest_asyncio.fixture(loop_scope="module")
async def open_web(
    web_browser: Browser, stand_in: StandIn, web_served: ServedApp
) -> AsyncIterator[Open]:
    """Open one of the pages, in a context of its own."""
    stand_in.reset()
    contexts = []

    async def open_it(about: str = "", **options: Any) -> Opened:
        context = await web_browser.new_context(**options)
        contexts.append(context)
        found = Opened(await context.new_page())
        found.page.set_default_timeout(PATIENCE_MS)
        found.page.on("console", lambda said: found.complaints.append(said.text))
        found.page.on("pageerror", lambda error: found.complaints.append(str(error)))
        found.page.on("request", lambda request: found.requests.append(request.url))
        found.page.on("websocket", lambda each: found.requests.append(each.url))
        await found.page.goto(f"{web_served.url}/#/{about}")
        return found

    yield open_it
    for context in contexts:
        await context.close()


def change(stand_in: StandIn, part: str, key: str, **changes: Any) -> None:
    """Change one record of the picture."""
    with stand_in.changing:
        records = {**getattr(stand_in.picture, part)}
        records[key] = replace(records[key], **changes)
        changed: dict[str, Any] = {part: records}
        stand_in.picture = replace(stand_in.picture, **changed)


async def live(page: Page) -> None:
    """Wait until the page says that it is live."""
    await expect(page.locator(".link.live")).to_be_visible()


async def serious(page: Page, *rules: str) -> list[str]:
    """Return what axe finds that keeps somebody out; by these rules only, where some are named."""
    options: dict[str, Any] = {"resultTypes": ["violations"]}
    if rules:
        options["runOnly"] = {"type": "rule", "values": rules}
    found = await Axe().run(page, options=options)
    return [
        f"{each['id']}: {each['nodes'][0]['html'][:200]}"
        for each in found.response["violations"]
        if each["impact"] in ("serious", "critical")
    ]
