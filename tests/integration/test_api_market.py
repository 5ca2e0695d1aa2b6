"""The market over HTTP: what a daemon knows is what the API answers, and bad questions are told apart."""

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from structlog.testing import capture_logs
from tests.support.api_over import Api, api_over
from tests.support.database import PATIENCE_S, until
from tests.support.pictures import NOW, an_alert
from tests.support.windowed import VENUES, daemon

from tidegauge.core.instrument import BookId
from tidegauge.core.trust import TrustReason
from tidegauge.faces.api.drills import Drills
from tidegauge.faces.api.patches import patched
from tidegauge.faces.api.stream import SOONEST_S, Documents
from tidegauge.runtime.app import App
from tidegauge.runtime.window.picture import Picture

HOSTILE = "%3Cscript%3Ealert(1)%3C%2Fscript%3E"


@dataclass(frozen=True, slots=True)
class Asked:
    """A daemon, and its API."""

    app: App
    api: Api


@pytest.fixture
async def asked(tmp_path: Path) -> AsyncIterator[Asked]:
    async with daemon(tmp_path) as app, api_over(tmp_path, app.settings) as api:
        yield Asked(app, api)


async def test_everything_that_runs_is_told(asked: Asked) -> None:
    """One daemon and one market for all of the routes that only read."""
    api = asked.api
    status, daemons = await api.get("/daemons")
    assert (status, daemons[0]["run"]) == (200, asked.app.run_id)
    assert daemons[0]["feed_to_reading"]["count"] > 0
    _, venues = await api.get("/venues")
    assert {each["venue"] for each in venues} == set(VENUES)
    _, instruments = await api.get("/instruments")
    assert {each["base"] for each in instruments} == {"BTC"}
    _, symbols = await api.get("/symbols")
    assert [each["symbol"] for each in symbols] == ["BTCUSDT"]
    _, detail = await api.get("/symbols/btcusdt")
    assert {each["venue"] for each in detail["books"]} == set(VENUES)
    _, reading = await api.get("/readings/binance/BTCUSDT")
    assert isinstance(reading["reading"]["best_bid"], str)
    assert reading["reading"]["at"].endswith("Z")
    _, picture = await api.get("/picture?symbols=BTCUSDT")
    assert set(picture["books"]) == {f"{venue}/BTCUSDT" for venue in VENUES}
    assert (await api.get("/picture"))[1]["books"] == {}
    assert (await api.get("/readyz"))[1] == {"ready": True, "reasons": []}


async def test_a_book_is_told_level_by_level(asked: Asked) -> None:
    """And not at all once it may not be trusted, by any route."""
    status, ladder = await asked.api.get("/books/binance/BTCUSDT?levels=7")
    assert (status, len(ladder["bids"]), len(ladder["asks"])) == (200, 7, 7)
    prices = [Decimal(price) for price, _size in ladder["bids"]]
    assert prices == sorted(prices, reverse=True)
    assert ladder["bid_more"]
    watched = asked.app.monitor.watched_book(BookId("binance", "BTCUSDT"))
    assert watched is not None
    watched.keeper.lose(TrustReason.GAP, watched.keeper.updated_at or 0)
    while ladder["trust"] == "live":
        assert ladder["bids"]
        await asked.api.hub.changed(asked.api.hub.version, 5)
        status, ladder = await asked.api.get("/books/binance/BTCUSDT")
    assert (status, ladder["bids"], ladder["asks"], ladder.get("mid")) == (200, [], [], None)
    _, quote = await asked.api.get("/quote?symbol=BTCUSDT&side=sell&notional=1000")
    lost = next(each for each in quote["venues"] if each["venue"] == "binance")
    assert (lost["why"], lost["average"], quote["best"]) == ("gap", None, "bybit-linear")
    other = asked.app.monitor.watched_book(BookId("bybit-linear", "BTCUSDT"))
    assert other is not None
    other.keeper.lose(TrustReason.GAP, other.keeper.updated_at or 0)
    while (await asked.api.get("/readyz"))[0] == 200:
        await asked.api.hub.changed(asked.api.hub.version, 5)
    assert (await asked.api.get("/readyz"))[1]["reasons"] == ["no book can be believed now"]


async def test_a_quote_names_every_venue_and_the_cheapest_split(asked: Asked) -> None:
    """The split is never dearer than the best venue, and adds up to the size."""
    status, quote = await asked.api.get("/quote?symbol=BTCUSDT&side=sell&notional=250000")
    assert (status, quote["notional"], quote["quote"]) == (200, "250000", "USDT")
    assert [each["venue"] for each in quote["venues"]] == sorted(VENUES)
    averages = {each["venue"]: each["average"] for each in quote["venues"]}
    assert quote["best"] == max(averages, key=averages.__getitem__)
    assert quote["together"]["average"] >= max(averages.values())
    told = [each["quote"] for each in quote["together"]["portions"]]
    assert sum(map(Decimal, told)) == 250_000
    assert not [each for each in told if "." in each and each.endswith("0")]


async def test_an_absurd_size_is_told_as_far_as_it_goes(asked: Asked) -> None:
    """A size no market holds is an answer, not an error."""
    status, quote = await asked.api.get("/quote?symbol=BTCUSDT&side=buy&notional=1e15")
    assert status == 200
    assert all(each["slippage_bps"] is None for each in quote["venues"])
    assert all(0 < each["filled_fraction"] < 1e-3 for each in quote["venues"])
    assert Decimal(quote["together"]["filled"]) < Decimal(10) ** 15
    assert quote["notional"] == "1" + "0" * 15


async def test_a_curve_rises_with_the_size(asked: Asked) -> None:
    """On every venue and side, a larger size never costs less."""
    _, curve = await asked.api.get("/curve?symbol=BTCUSDT&points=12")
    assert len(curve["sizes"]) <= 12
    for venue in VENUES:
        for side in ("buy", "sell"):
            known = [each for each in curve["venues"][venue][side] if each is not None]
            assert known
            assert known == sorted(known)
    together = curve["together"]["buy"]
    assert together[0] is not None


BAD: list[tuple[str, int, str | None]] = [
    ("/symbols/NOPE", 404, None),
    (f"/symbols/{HOSTILE}", 404, None),
    ("/books/binance/NOPE", 404, None),
    ("/books/nowhere/BTCUSDT", 404, None),
    ("/books/binance/BTCUSDT?levels=0", 422, "levels"),
    ("/books/binance/BTCUSDT?levels=1000000", 422, "levels"),
    ("/quote?symbol=BTCUSDT&side=sell", 422, "notional"),
    ("/quote?symbol=BTCUSDT&side=sideways&notional=1", 422, "side"),
    ("/quote?symbol=BTCUSDT&side=sell&notional=-1", 422, "notional"),
    ("/quote?symbol=BTCUSDT&side=sell&notional=NaN", 422, "notional"),
    ("/quote?symbol=BTCUSDT&side=sell&notional=1e400", 422, "notional"),
    ("/quote?symbol=BTCUSDT&side=sell&notional=1e-9", 422, "notional"),
    ("/quote?symbol=NOPE&side=sell&notional=1", 404, None),
    (f"/quote?symbol={HOSTILE}&side=sell&notional=1", 422, "symbol"),
    ("/curve?symbol=BTCUSDT&points=1", 422, "points"),
    ("/history/binance/BTCUSDT?from=yesterday", 422, "from"),
    ("/history/binance/BTCUSDT?from=2026-01-02T00:00:00Z&to=2026-01-01T00:00:00Z", 422, "from"),
    ("/history/binance/BTCUSDT?from=1970-01-01T00:00:00Z&to=2026-01-01T00:00:00Z", 422, "from"),
    ("/history/binance/BTCUSDT?to=0001-01-01T00:00:00Z", 422, "to"),
    ("/history/binance/BTCUSDT?from=9999-12-31T23:59:59-14:00", 422, "from"),
    ("/heat/binance/BTCUSDT?to=0001-01-01T00:00:00%2B14:00", 422, "to"),
    ("/history/binance/BTCUSDT?step=-1", 422, "step"),
    ("/alerts?most=1000000", 422, "most"),
    ("/alerts?since=%00", 422, "since"),
    ("/incidents?since=0001-01-01T00:00:00%2B14:00", 422, "since"),
    ("/picture?symbols=" + "X" * 5000, 422, "symbols"),
]


async def test_bad_questions_are_problems_that_name_the_field(asked: Asked) -> None:
    """Each is refused with its status, and never by a crash."""
    for path, status, field in BAD:
        got, problem = await asked.api.get(path)
        assert (got, problem["status"]) == (status, status), path
        assert problem["detail"]
        if field is not None:
            assert [each["field"] for each in problem["errors"]] == [field], path


async def test_without_a_database_the_past_is_refused_and_the_present_is_told(
    asked: Asked,
) -> None:
    """A monitor that stores nothing can still be looked at."""
    status, problem = await asked.api.get("/history/binance/BTCUSDT")
    assert status == 503
    assert "no database" in problem["detail"]
    assert (await asked.api.get("/incidents"))[0] == 200
    assert (await asked.api.get("/alerts"))[0] == 200


async def test_alerts_of_no_database_are_chosen_like_those_of_one(
    asked: Asked, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By symbol, however it is written, and by when they were open."""
    over = replace(an_alert("a1", "BTCUSDT", "resolved"), ended_at=NOW)
    alerts = {"a1": over, "a2": an_alert("a2", "BTCUSDT")}
    monkeypatch.setattr(asked.api.hub, "picture", lambda: Picture(at=NOW, alerts=alerts))
    for query, found in (
        ("symbol=btcusdt", {"a1", "a2"}),
        ("symbol=ethusdt", set()),
        (f"since={(NOW + timedelta(seconds=1)).isoformat().replace('+', '%2B')}", {"a2"}),
        ("since=2026-01-01T00:00:00Z&firing=true", {"a2"}),
    ):
        _status, told = await asked.api.get(f"/alerts?{query}")
        assert {each["id"] for each in told} == found, query


# -- the stream --------------------------------------------------------------------------------------


async def streamed(socket: aiohttp.ClientWebSocketResponse) -> dict[str, Any]:
    message: dict[str, Any] = json.loads(await socket.receive_str(timeout=PATIENCE_S))
    return message


async def test_a_stream_is_a_snapshot_and_then_what_changed(asked: Asked) -> None:
    """Patches lead to what the daemon shows, and what is not wanted any more goes."""
    async with asked.api.session.ws_connect(f"{asked.api.url}/stream") as socket:
        first = await streamed(socket)
        assert (first["type"], first["seq"]) == ("snapshot", 1)
        assert first["picture"]["books"] == {}
        view = {"picture": first["picture"], "ladders": first["ladders"]}
        await socket.send_str('{"symbols": ["btcusdt"], "ladders": 5}')
        seq = 1
        while len(view["ladders"]) < len(VENUES):
            message = await streamed(socket)
            seq += 1
            assert (message["type"], message["seq"]) == ("patch", seq)
            view = patched(view, message["patch"])
        book = view["picture"]["books"]["binance/BTCUSDT"]
        assert book["trust"] == "live"
        assert len(view["ladders"]["binance/BTCUSDT"]["bids"]) == 5
        # What was patched together is what a new client is given whole.
        async with asked.api.session.ws_connect(f"{asked.api.url}/stream") as other:
            await other.send_str('{"symbols": ["BTCUSDT"], "ladders": 5}')
            await streamed(other)
        trace = book["reading"]["trace"]
        while view["picture"]["books"]["binance/BTCUSDT"]["reading"]["trace"] == trace:
            view = patched(view, (await streamed(socket))["patch"])
        await socket.send_str('{"symbols": []}')
        while view["picture"]["books"]:
            view = patched(view, (await streamed(socket))["patch"])
        assert view["ladders"] == {}


async def test_what_cannot_be_understood_changes_nothing(asked: Asked) -> None:
    """It is answered as a problem, and the stream goes on."""
    async with asked.api.session.ws_connect(f"{asked.api.url}/stream") as socket:
        await streamed(socket)
        for nonsense in ("nonsense", "[]", '{"symbols": 7}', '{"ladders": 1e9}', '{"else": 1}'):
            await socket.send_str(nonsense)
            while (message := await streamed(socket))["type"] != "problem":
                pass
            assert message["detail"]
        assert (await streamed(socket))["type"] == "patch"


async def test_a_subscription_may_come_as_bytes_and_nonsense_too(asked: Asked) -> None:
    """Neither ends the stream."""
    async with asked.api.session.ws_connect(f"{asked.api.url}/stream") as socket:
        await streamed(socket)
        await socket.send_bytes(b"\xff\xfe")
        while (message := await streamed(socket))["type"] != "problem":
            pass
        await socket.send_bytes(b'{"symbols": ["BTCUSDT"]}')
        while not message.get("patch", {}).get("picture", {}).get("books"):
            message = await streamed(socket)


async def test_a_client_that_wants_something_else_all_the_time_is_told_no_faster(
    asked: Asked,
) -> None:
    """It would keep the API from all others."""
    async with asked.api.session.ws_connect(f"{asked.api.url}/stream") as socket:
        for number in range(400):
            await socket.send_str(f'{{"symbols": ["BTCUSDT"], "ladders": {number % 200}}}')
            if number % 40 == 0:
                await asyncio.sleep(0.01)
        seen = [await streamed(socket) for _ in range(6)]
        times = [datetime.fromisoformat(each["patch"]["picture"]["at"]) for each in seen[1:]]
        # A picture may be made a moment after its turn: of four spans one half is left for that.
        assert (times[-1] - times[0]).total_seconds() > 2 * SOONEST_S


async def test_a_client_that_does_not_read_is_not_waited_for(asked: Asked) -> None:
    """Another client is told at its own pace meanwhile."""
    api = asked.api
    async with api.session.ws_connect(f"{api.url}/stream", receive_timeout=None) as slow:
        await slow.send_str('{"symbols": ["BTCUSDT"], "ladders": 200}')
        async with api.session.ws_connect(f"{api.url}/stream") as quick:
            for _ in range(4):
                await streamed(quick)


async def test_a_bug_of_ours_ends_a_stream_and_is_told_in_the_log(
    asked: Asked, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is not taken for a client that left."""

    def broken(*_: Any) -> None:
        raise RuntimeError("dictionary changed size during iteration")

    with capture_logs() as logs:
        async with asked.api.session.ws_connect(f"{asked.api.url}/stream") as socket:
            await streamed(socket)
            monkeypatch.setattr(Documents, "of", broken)
            await until(lambda: any(each["event"] == "api_crashed" for each in logs))
            while not socket.closed:
                await socket.receive()
        monkeypatch.undo()
        async with asked.api.session.ws_connect(f"{asked.api.url}/stream") as socket:
            await streamed(socket)


# -- fire drills -------------------------------------------------------------------------------------


async def test_a_drill_is_started_and_judged(asked: Asked) -> None:
    """One at a time, in a process of its own."""
    api = asked.api
    _, known = await api.get("/drills")
    assert "calm" in {each["name"] for each in known}
    status, run = await api.post("/drills/spread-blow-out", {"seed": 3})
    assert (status, run["state"], run["seed"]) == (202, "running", 3)
    assert (await api.post("/drills/calm", {}))[0] == 409
    async with asyncio.timeout(240):
        while run["state"] == "running":
            await asyncio.sleep(0.1)
            _, run = await api.get(f"/drills/runs/{run['id']}")
    assert run["state"] == "passed", run["report"]
    assert all(check["met"] for check in run["checks"])
    assert "PASSED" in run["report"]
    assert [each["id"] for each in (await api.get("/drills/runs"))[1]] == [run["id"]]
    assert (await api.post("/drills/nothing", {}))[0] == 404
    assert (await api.post("/drills/calm", {"seed": -1}))[0] == 422
    assert (await api.get("/drills/runs/none"))[0] == 404


async def test_a_drill_that_cannot_be_started_is_broken_and_says_why(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It does not run for ever, nor does the API end by it."""
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    async with Drills().opened() as drills:
        run = drills.start("crunch", 1)
        await until(lambda: drills.runs[run.id].state != "running")
        ended = drills.runs[run.id]
        assert ended.state == "broken"
        assert "can't be started" in ended.report
        assert ended.ended_at is not None


async def test_a_drill_that_meets_a_bug_of_ours_does_not_seem_to_run(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The log has the bug, and another drill can be started."""

    async def broken(*_: Any) -> None:
        raise ZeroDivisionError

    with monkeypatch.context() as patch, capture_logs() as logs:
        patch.setattr(Drills, "_outcome", broken)
        async with Drills().opened() as drills:
            run = drills.start("crunch", 1)
            await until(lambda: drills.runs[run.id].state == "broken")
            assert drills.runs[run.id].ended_at is not None
    assert [each["event"] for each in logs] == ["drill_crashed"]
