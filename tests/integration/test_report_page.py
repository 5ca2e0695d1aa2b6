"""A report in a real browser: it asks for nothing, draws everything, and can be looked into."""

import struct
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest_asyncio
from playwright.async_api import Browser, Page, async_playwright
from tests.support.postmortems import (
    CRUNCH,
    a_book,
    a_happening,
    a_loss,
    a_postmortem,
    an_alert_story,
    span,
)
from tests.support.programs import require_program

from tidegauge.faces.report.page import render
from tidegauge.sinks.postmortem.records import Cost, Metric, Postmortem

HOSTILE = "</script><script>document.title='taken'</script><img src=x onerror=alert(1)>"
Open = Callable[..., Awaitable["Opened"]]


@dataclass(slots=True)
class Opened:
    """A page, and what it complained of or asked for."""

    page: Page
    complaints: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)


def the_story() -> Postmortem:
    """Two venues, one of which is lost for a while and has a hostile name."""
    lost = a_loss(30, 40, HOSTILE)
    short = Cost(taker="sell", asked=60, unfilled=3, unfilled_spans=(span(25, 28),))
    books = (a_book(), a_book(HOSTILE, unknown=(lost.span,), costs=(short,)))
    return a_postmortem(
        books=books,
        alerts=(an_alert_story(), an_alert_story(HOSTILE, sentence=HOSTILE)),
        unknown=(lost,),
        happenings=(a_happening(30, venue=HOSTILE, detail=HOSTILE),),
    )


@asynccontextmanager
async def a_browser() -> AsyncIterator[Browser]:
    chromium = require_program("chromium")
    async with async_playwright() as playwright:
        # As root, which CI may be, Chromium runs without its sandbox or not at all.
        browser = await playwright.chromium.launch(
            executable_path=str(chromium), args=["--no-sandbox"]
        )
        yield browser
        await browser.close()


@pytest_asyncio.fixture
async def opened(tmp_path: Path) -> AsyncIterator[Open]:
    """Open a report from a file, as a reader does."""
    async with a_browser() as browser:

        async def open_it(postmortem: Postmortem | None = None, **options: Any) -> Opened:
            path = tmp_path / "report.html"
            path.write_text(render(postmortem or the_story()), encoding="utf-8")
            context = await browser.new_context(**options)
            found = Opened(await context.new_page())
            found.page.on("console", lambda said: found.complaints.append(said.text))
            found.page.on("pageerror", lambda error: found.complaints.append(str(error)))
            found.page.on("request", lambda request: found.requests.append(request.url))
            await found.page.goto(path.as_uri())
            return found

        yield open_it


def pixels(png: bytes) -> list[bytes]:
    """Return the rows of an 8-bit PNG, unfiltered, as red, green, blue (and alpha)."""
    place, head, packed = 8, b"", b""
    while place < len(png):
        (length,) = struct.unpack(">I", png[place : place + 4])
        kind, body = png[place + 4 : place + 8], png[place + 8 : place + 8 + length]
        head = body if kind == b"IHDR" else head
        packed += body if kind == b"IDAT" else b""
        place += length + 12
    width, height, _, colour = struct.unpack(">IIBB", head[:10])
    size = {2: 3, 6: 4}[colour]
    raw, rows, before = zlib.decompress(packed), [], bytes(width * size)
    for row in range(height):
        start = row * (width * size + 1)
        before = _unfiltered(raw[start], raw[start + 1 : start + 1 + width * size], before, size)
        rows.append(before)
    return rows


def _unfiltered(how: int, line: bytes, above: bytes, size: int) -> bytes:
    done = bytearray(line)
    for place in range(len(done)):
        left = done[place - size] if place >= size else 0
        corner = above[place - size] if place >= size else 0
        up = above[place]
        paeth = min((left, up, corner), key=lambda each: abs(left + up - corner - each))
        done[place] = (done[place] + (0, left, up, (left + up) // 2, paeth)[how]) % 256
    return bytes(done)


async def colours(page: Page, metric: Metric) -> int:
    """Return how many colours a plot is drawn with."""
    frame = page.locator(f"#plot-{metric.value} .frame")
    rows = pixels(await frame.screenshot())
    size = 3
    return len({row[at : at + size] for row in rows for at in range(0, len(row) - size + 1, size)})


async def test_the_page_asks_for_nothing_and_complains_of_nothing(opened: Open) -> None:
    """One request, for itself; and no word of a venue was run."""
    found = await opened()
    assert found.complaints == []
    assert len(found.requests) == 1
    assert found.requests[0].startswith("file://")
    assert await found.page.title() == "BTCUSDT postmortem, 2026-11-28 12:00:00 UTC"
    assert await found.page.locator("img").count() == 0
    assert HOSTILE in await found.page.locator("#timeline").inner_text()


async def test_every_plot_is_drawn_with_its_shades(opened: Open) -> None:
    """Lines, an alert's shade and a hatch where a book was lost."""
    page = (await opened()).page
    for metric in Metric:
        plot = page.locator(f"#plot-{metric.value}")
        assert await plot.locator("path.line").count() == 2, metric
        assert await plot.locator(".shade.critical").count() == 1, metric
        assert await plot.locator(".shade.unknown").count() == 1, metric
    assert await colours(page, Metric.DEPTH) > 20
    filled = await page.evaluate(
        "getComputedStyle(document.querySelector('#plot-depth .shade.critical')).fill"
    )
    assert filled not in ("none", "rgb(0, 0, 0)")
    assert await page.locator("#plot-sell rect.unfilled").count() == 1


async def test_a_drag_looks_closer_at_all_plots_and_a_double_click_goes_back(opened: Open) -> None:
    """The windows of all plots move together; the scale follows what is seen."""
    page = (await opened()).page
    spread = page.locator("#plot-spread .frame")
    await spread.scroll_into_view_if_needed()
    whole = await views(page)
    box = await spread.bounding_box()
    assert box is not None
    await page.mouse.move(box["x"] + box["width"] * 0.1, box["y"] + 40)
    await page.mouse.down()
    await page.mouse.move(box["x"] + box["width"] * 0.3, box["y"] + 50, steps=4)
    await page.mouse.up()
    closer = await views(page)
    assert len(set(closer)) >= 1
    for before, after_it in zip(whole, closer, strict=True):
        assert float(after_it.split()[0]) > float(before.split()[0])
        assert float(after_it.split()[2]) < float(before.split()[2]) / 4
    highest = page.locator("#plot-spread .values text").last
    assert float(await highest.text_content() or "") <= 0.6
    await spread.dblclick()
    assert await views(page) == whole


async def views(page: Page) -> list[str]:
    """Return the window of each plot."""
    found: list[str] = await page.evaluate(
        "[...document.querySelectorAll('svg.lines')].map(each => each.getAttribute('viewBox'))"
    )
    return found


async def test_the_cursor_tells_the_values_of_all_plots(opened: Open) -> None:
    """At one instant; a dash where a book was lost."""
    page = (await opened()).page
    depth = page.locator("#plot-depth .frame")
    await depth.scroll_into_view_if_needed()
    box = await depth.bounding_box()
    assert box is not None
    await page.mouse.move(box["x"] + box["width"] * 35 / 60, box["y"] + 30)
    told = await page.locator("#plot-depth .key output").all_inner_texts()
    assert told == ["100k", "\N{EN DASH}"]
    assert await page.locator("#plot-mid .key output").first.inner_text() == "61,000.15"
    assert (await page.locator(".tools .now").inner_text()).startswith("2026-11-28 12:00:3")
    await page.mouse.move(5, 5)
    assert await page.locator("#plot-depth .key output").all_inner_texts() == ["1M", "1M"]


async def test_the_keyboard_does_what_the_mouse_does(opened: Open) -> None:
    """A plot can be reached, its cursor moved, and its window changed."""
    page = (await opened()).page
    await page.locator("#plot-depth .frame").focus()
    await page.keyboard.press("ArrowRight")
    assert await page.locator("#plot-depth .cursor").get_attribute("visibility") == "visible"
    whole = await views(page)
    await page.keyboard.press("+")
    assert await views(page) != whole
    await page.keyboard.press("0")
    assert await views(page) == whole
    await page.get_by_role("button", name="Zoom in").click()
    assert await views(page) != whole


async def test_a_phone_shows_all_of_it_without_scrolling_sideways(opened: Open) -> None:
    """Also with names and words that have no place to break."""
    long = "x" * 90
    books = tuple(a_book(name) for name in ("binance", long, "c", "d", "e", "f", "g", "h", "i"))
    story = a_postmortem(books=books, alerts=(an_alert_story(long, sentence=long * 3),))
    for postmortem in (the_story(), story):
        page = (await opened(postmortem, viewport={"width": 390, "height": 844})).page
        assert await page.evaluate("document.documentElement.scrollWidth") == 390
        assert await colours(page, Metric.DEPTH) > 20


async def test_without_a_script_the_plots_the_numbers_and_the_story_are_there(opened: Open) -> None:
    """A reader of mail runs none."""
    page = (await opened(java_script_enabled=False)).page
    assert await page.locator(".tools").is_hidden()
    assert await colours(page, Metric.SPREAD) > 20
    assert "9.00" in await page.locator("#numbers").inner_text()
    assert "Fires:" in await page.locator("#timeline").inner_text()


async def test_print_is_light_whatever_the_reader_likes(opened: Open) -> None:
    """And leaves out what only a screen can do."""
    page = (await opened(color_scheme="dark")).page
    card = "getComputedStyle(document.querySelector('.card')).backgroundColor"
    assert await page.evaluate(card) == "rgb(21, 28, 37)"
    await page.emulate_media(media="print", color_scheme="dark")
    assert await page.evaluate(card) == "rgb(255, 255, 255)"
    assert await page.locator(".tools").is_hidden()
    assert (await page.pdf(format="A4")).startswith(b"%PDF")


async def test_a_calm_report_with_little_data_complains_of_nothing(opened: Open) -> None:
    """A single reading is a dot; what is missing is a sentence."""
    book = a_book(values={Metric.MID: CRUNCH[Metric.MID][:1]}, costs=(), readings=1)
    found = await opened(a_postmortem(books=(book,), alerts=(), size=None))
    assert found.complaints == []
    assert await colours(found.page, Metric.MID) > 3
    assert "Nothing to draw" in await found.page.locator("#plot-depth").inner_text()
