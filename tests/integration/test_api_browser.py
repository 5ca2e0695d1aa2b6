"""A real browser at the API: it logs in by a link, and the documentation works under the policy."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest_asyncio
from playwright.async_api import Page, expect
from tests.support.api import Served, an_api
from tests.support.database import until
from tests.support.web import a_browser

from tidegauge.faces.api.app import ROUTERS
from tidegauge.faces.api.binding import bound, url_of
from tidegauge.faces.api.serving import serving
from tidegauge.faces.api.sessions import Scope
from tidegauge.runtime.settings_serve import ServeSettings


@dataclass(slots=True)
class Visit:
    """A page of a browser at an API, what it complained of, and what it asked for."""

    served: Served
    address: str
    page: Page
    complaints: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)

    def link(self) -> str:
        """Return a link that logs in."""
        sessions = self.served.app.state.access.sessions
        return f"{self.address}/login?code={sessions.code(Scope.OPERATE)[0]}"


@pytest_asyncio.fixture
async def visit(tmp_path: Path) -> AsyncIterator[Visit]:
    """Serve the API, and open a browser that has not logged in."""
    settings = ServeSettings(port=0)
    served = an_api(tmp_path, settings, routers=ROUTERS)
    with contextlib.closing(bound(settings)) as at:
        async with serving(served.app, at, settings), a_browser() as browser:
            page = await browser.new_page()
            found = Visit(served, url_of(at, settings), page)
            page.on("console", lambda said: found.complaints.append(said.text))
            page.on("pageerror", lambda error: found.complaints.append(str(error)))
            page.on("request", lambda request: found.requests.append(request.url))
            yield found


async def test_the_documentation_works_under_the_policy(visit: Visit) -> None:
    """Every route is shown, one is tried, and nothing is complained of or asked for elsewhere."""
    page = visit.page
    # Without the page that a link leads to, whose complaints are its own.
    await page.context.request.get(visit.link(), max_redirects=0)
    await page.goto(f"{visit.address}/docs")
    await expect(page.locator(".opblock")).to_have_count(
        sum(map(len, visit.served.app.openapi()["paths"].values()))
    )
    health = page.locator("#operations-health-readyz_readyz_get")
    await health.locator(".opblock-summary-control").click()
    await health.locator(".execute").click()
    await expect(health.locator(".live-responses-table")).to_contain_text("no daemon is seen")
    assert visit.complaints == [
        "Failed to load resource: the server responded with a status of 503 (Service Unavailable)"
    ]
    assert all(url.startswith((f"{visit.address}/", "data:")) for url in visit.requests)


async def test_a_browser_is_let_in_by_a_link_and_out_by_a_page(visit: Visit) -> None:
    """Its scripts see no cookie, may ask as they are of our origin, and stream."""
    page = visit.page
    answer = await page.goto(f"{visit.address}/docs")
    assert answer is not None
    assert answer.status == 401
    await expect(page.locator("h1")).to_have_text("Log in to Tidegauge")
    await page.goto(visit.link())
    await page.goto(f"{visit.address}/docs")
    assert await page.evaluate("document.cookie") == ""
    asked = "async () => (await fetch('/login-links', {method: 'POST'})).status"
    assert await page.evaluate(asked) == 201
    streamed = """() => new Promise((tell) => {
        const stream = new WebSocket(location.origin.replace('http', 'ws') + '/stream');
        stream.onmessage = (said) => tell(JSON.parse(said.data).type);
        stream.onerror = () => tell('refused');
    })"""
    assert await page.evaluate(streamed) == "snapshot"
    out = "async () => (await fetch('/logout', {method: 'POST'})).status"
    assert await page.evaluate(out) == 204
    answer = await page.goto(f"{visit.address}/docs")
    assert answer is not None
    assert answer.status == 401


@asynccontextmanager
async def a_page_elsewhere() -> AsyncIterator[str]:
    """Serve a page at another port: another origin, but to a browser the same site."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(
            b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nConnection: close\r\n\r\n<p>hi"
        )
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"


async def test_a_page_of_elsewhere_gets_nothing(visit: Visit) -> None:
    """Though its browser is logged in, and sends the cookie along."""
    page, access = visit.page, visit.served.app.state.access
    await page.goto(visit.link())
    before = dict(access.sessions._codes)
    async with a_page_elsewhere() as elsewhere:
        await page.goto(elsewhere)
        asked = f"""async () => {{
            const asked = {{method: 'POST', credentials: 'include', mode: 'no-cors'}};
            try {{ return (await fetch('{visit.address}/login-links', asked)).type; }}
            catch (error) {{ return 'refused'; }}
        }}"""
        assert await page.evaluate(asked) == "refused"
        read = f"""async () => {{
            try {{ return await (await fetch('{visit.address}/picture')).text(); }}
            catch (error) {{ return 'refused'; }}
        }}"""
        assert await page.evaluate(read) == "refused"
        streamed = f"""() => new Promise((tell) => {{
            const stream = new WebSocket('{visit.address.replace("http", "ws")}/stream');
            stream.onopen = () => tell('open');
            stream.onerror = () => tell('refused');
        }})"""
        assert await page.evaluate(streamed) == "refused"
    assert access.sessions._codes == before
    await until(lambda: any("403" in each for each in visit.complaints))
