"""Local venues over real sockets: a client finds what the real venues would have said."""

import asyncio
import socket as kernel
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import msgspec
import pytest
from tests.support.recordings import BINANCE, BYBIT_FILE, Recording, tape_lines
from tests.support.simulated import exact, levels

from tidegauge.core.book import OrderBook
from tidegauge.core.instrument import SECOND
from tidegauge.core.side import Side
from tidegauge.runtime.local_venues import LocalVenues
from tidegauge.simulator.recorded import recorded as recorded_venue
from tidegauge.simulator.scenario import crunch
from tidegauge.simulator.venues import VENUES

DEADLINE = 120.0

BOOKS: dict[str, tuple[str, tuple[Any, ...]]] = {
    "binance": ("/stream?streams=btcusdt@depth@100ms", ()),
    "binance-futures": ("/public/stream?streams=btcusdt@depth@100ms", ()),
    "binance-coinm": ("/stream?streams=btcusd_perp@depth@100ms", ()),
    "bybit-spot": (
        "/v5/public/spot",
        ({"req_id": "s1", "op": "subscribe", "args": ["orderbook.1000.BTCUSDT"]},),
    ),
    "bybit-linear": (
        "/v5/public/linear",
        ({"req_id": "s1", "op": "subscribe", "args": ["orderbook.1000.BTCUSDT"]},),
    ),
    "okx": (
        "/ws/v5/public",
        ({"id": "1", "op": "subscribe", "args": [{"channel": "books", "instId": "BTC-USDT"}]},),
    ),
    "deribit": (
        "/ws/api/v2",
        (
            {
                "jsonrpc": "2.0",
                "id": 1,
                "method": "public/subscribe",
                "params": {"channels": ["book.BTC_USDC-PERPETUAL.100ms"]},
            },
        ),
    ),
    "coinbase": (
        "/",
        ({"type": "subscribe", "product_ids": ["BTC-USDT"], "channel": "level2"},),
    ),
    "coinbase-exchange": (
        "/",
        ({"type": "subscribe", "product_ids": ["BTC-USDT"], "channels": ["level2_batch"]},),
    ),
    "kraken": (
        "/v2",
        ({"method": "subscribe", "params": {"channel": "book", "symbol": ["BTC/USDT"]}},),
    ),
    "hyperliquid": (
        "/ws",
        ({"method": "subscribe", "subscription": {"type": "l2Book", "coin": "BTC"}},),
    ),
}
"""Where some venues tell a book, and what to ask; the conformance kit goes through all of them."""


@asynccontextmanager
async def socket(venues: LocalVenues, venue: str, path: str) -> AsyncIterator[Any]:
    async with (
        asyncio.timeout(DEADLINE),
        aiohttp.ClientSession() as session,
        session.ws_connect(venues.endpoints[venue].ws_url + path, max_msg_size=0) as ws,
    ):
        yield ws


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(DEADLINE):
        while not condition():
            await asyncio.sleep(0.01)


async def get(venues: LocalVenues, venue: str, address: str) -> tuple[int, Any]:
    async with (
        aiohttp.ClientSession() as session,
        session.get(venues.endpoints[venue].rest_url + address) as answer,
    ):
        return answer.status, msgspec.json.decode(await answer.read())


async def read(ws: Any) -> Any:
    return msgspec.json.decode(await ws.receive_str())


@pytest.mark.parametrize("venue", BOOKS)
async def test_a_venue_tells_its_book_to_a_plain_client(venue: str) -> None:
    """Subscribe as its documents say, and updates come."""
    path, requests = BOOKS[venue]
    async with LocalVenues(venues=[venue]) as venues, socket(venues, venue, path) as ws:
        for request in requests:
            await ws.send_str(msgspec.json.encode(request).decode())
        frames = [await read(ws) for _ in range(3 if venue != "hyperliquid" else 2)]
        assert "BTC" in msgspec.json.encode(frames[-1]).decode()
        if requests:
            assert frames[0].keys() & {"success", "event", "result", "channel", "channels"}
            assert frames[0].get("success", True)
            assert "error" not in frames[0].values()


async def test_a_book_is_rebuilt_over_the_wire() -> None:
    """REST snapshot and diffs of one server, level by level the market's own."""
    async with (
        LocalVenues(venues=["binance"], seed=3) as venues,
        socket(venues, "binance", BOOKS["binance"][0]) as ws,
    ):
        first = await read(ws)
        status, snapshot = await get(venues, "binance", "/api/v3/depth?symbol=BTCUSDT&limit=5000")
        assert status == 200
        book, last = OrderBook(), snapshot["lastUpdateId"]
        book.apply_snapshot(snapshot["bids"], snapshot["asks"])
        market = venues.exchanges["binance"].books["BTCUSDT"]
        frame, applied = first, 0
        # The market may be a slot ahead of what was told; it agrees as soon as ids do.
        while applied < 20 or last != market.last_id:
            data = frame["data"]
            if data["u"] > last:
                assert data["U"] <= last + 1
                book.apply_delta(data["b"], data["a"])
                last = data["u"]
                applied += 1
                if applied >= 20 and last == market.last_id:
                    break
            frame = await read(ws)
        assert levels(book) == exact(market)


async def test_pings_and_pongs_are_those_of_the_venues() -> None:
    """Field by field."""
    async with LocalVenues(venues=["bybit-linear", "hyperliquid"]) as venues:
        async with socket(venues, "bybit-linear", "/v5/public/linear") as ws:
            await ws.send_str('{"req_id":"100001","op":"ping"}')
            pong = await read(ws)
            assert pong.keys() == {"success", "ret_msg", "conn_id", "op"}
            assert (pong["success"], pong["ret_msg"], pong["op"]) == (True, "pong", "ping")
        async with socket(venues, "hyperliquid", "/ws") as ws:
            await ws.send_str('{"method":"ping"}')
            assert await read(ws) == {"channel": "pong"}


async def test_an_unknown_coin_cuts_the_socket() -> None:
    """1006: no closing handshake."""
    async with (
        LocalVenues(venues=["hyperliquid"]) as venues,
        socket(venues, "hyperliquid", "/ws") as ws,
    ):
        await ws.send_str('{"method":"subscribe","subscription":{"type":"l2Book","coin":"NOSUCH"}}')
        message = await ws.receive()
        assert message.type in (aiohttp.WSMsgType.CLOSED, aiohttp.WSMsgType.ERROR)
        assert ws.close_code == 1006
        await until(lambda: venues.servers["hyperliquid"].connections == 0)


async def test_catalogues_are_served_beside_the_sockets() -> None:
    """On the same port."""
    async with LocalVenues(symbols=["BTCUSDT", "ETHUSDT"]) as venues:
        status, info = await get(venues, "binance", "/api/v3/exchangeInfo")
        assert (status, len(info["symbols"])) == (200, 2)
        status, info = await get(venues, "binance-futures", "/fapi/v1/exchangeInfo")
        assert (status, len(info["symbols"])) == (200, 2)
        for category in ("spot", "linear"):
            address = f"/v5/market/instruments-info?category={category}"
            status, info = await get(venues, f"bybit-{category}", address)
            assert (status, len(info["result"]["list"])) == (200, 2)
        async with (
            aiohttp.ClientSession() as session,
            session.post(
                venues.endpoints["hyperliquid"].rest_url + "/info", json={"type": "meta"}
            ) as answer,
        ):
            universe = msgspec.json.decode(await answer.read())["universe"]
            assert [row["name"] for row in universe] == ["BTC", "ETH"]


async def test_a_refused_region_is_refused_at_the_handshake() -> None:
    """And by REST."""
    async with LocalVenues(venues=["binance"]) as venues:
        venues.dialects["binance"].refuse_with = 451
        with pytest.raises(aiohttp.WSServerHandshakeError) as refusal:
            async with socket(venues, "binance", BOOKS["binance"][0]):
                pass
        assert refusal.value.status == 451
        assert (await get(venues, "binance", "/api/v3/exchangeInfo"))[0] == 451


async def test_a_limited_request_says_when_to_come_back() -> None:
    """429 and `Retry-After`."""
    async with LocalVenues(venues=["binance"]) as venues, aiohttp.ClientSession() as session:
        venues.dialects["binance"].limit_requests(1, retry_after=2)
        address = venues.endpoints["binance"].rest_url + "/api/v3/exchangeInfo"
        async with session.get(address) as answer:
            assert (answer.status, answer.headers["Retry-After"]) == (429, "2")
        async with session.get(address) as answer:
            assert answer.status == 200


async def test_a_cut_socket_can_be_opened_again() -> None:
    """The venue goes on."""
    async with LocalVenues(venues=["binance"]) as venues:
        async with socket(venues, "binance", BOOKS["binance"][0]) as ws:
            await read(ws)
            venues.dialects["binance"].cut()
            while not ws.closed:
                await ws.receive()
            assert ws.close_code == 1006
        async with socket(venues, "binance", BOOKS["binance"][0]) as ws:
            await read(ws)


async def test_a_client_that_does_not_read_is_cut() -> None:
    """Instead of letting what waits for it grow without bound."""
    async with LocalVenues(venues=["bybit-linear"], speed=40.0, most_waiting=20_000) as venues:
        server = venues.servers["bybit-linear"]
        host, port = venues.endpoints["bybit-linear"].ws_url.removeprefix("ws://").split(":")
        with kernel.socket() as plain:
            plain.setsockopt(kernel.SOL_SOCKET, kernel.SO_RCVBUF, 4096)
            plain.setblocking(False)
            loop = asyncio.get_running_loop()
            await loop.sock_connect(plain, (host, int(port)))
            await loop.sock_sendall(
                plain,
                f"GET /v5/public/linear HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\n"
                "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n".encode(),
            )
            await until(lambda: server.connections == 1)
            # Written by hand (masked with zeros), and never a byte is read.
            subscribe = b'{"op":"subscribe","args":["orderbook.1000.BTCUSDT"]}'
            await loop.sock_sendall(
                plain, bytes([0x81, 0x80 | len(subscribe), 0, 0, 0, 0]) + subscribe
            )
            await until(lambda: server.cut_for_slowness == 1)
            await until(lambda: server.connections == 0)


async def test_the_scenario_begins_with_the_first_subscription() -> None:
    """Not with the server; at ten times the speed it is soon there."""
    scenario = crunch(at=10 * SECOND, lasts=2_000 * SECOND)
    async with LocalVenues(venues=["binance"], scenario=scenario, speed=20.0) as venues:
        market = venues.exchanges["binance"].books["BTCUSDT"]
        await until(lambda: market.now > 12 * SECOND)
        assert market.best_ask - market.best_bid == 1
        async with socket(venues, "binance", BOOKS["binance"][0]) as ws:
            await read(ws)
            await until(lambda: market.quotes[Side.BID].factor <= 0.25)


@pytest.mark.recorded
@pytest.mark.parametrize("recording", [BINANCE[1], BINANCE[3]], ids=lambda each: each.file)
async def test_a_recording_is_served_as_fast_as_it_is_taken(
    recorded: Path, recording: Recording
) -> None:
    """Every update, in order, under the stream that was asked for, once the snapshot was."""
    lines = tape_lines(recorded, recording.file, most=30_000)
    dialect = recorded_venue(recording.venue, lines)
    expected = [update.update for update in dialect.reels[recording.instrument].updates]
    route = "/public" if recording.venue == "binance-futures" else ""
    stream = f"{recording.instrument.lower()}@depth@100ms"
    root = "/fapi/v1" if route else "/api/v3"
    async with (
        LocalVenues(venues=[], hosted={recording.venue: dialect}) as venues,
        socket(venues, recording.venue, f"{route}/stream?streams={stream}") as ws,
    ):
        seen = [(await read(ws))["data"]["u"]]
        status, snapshot = await get(
            venues, recording.venue, f"{root}/depth?symbol={recording.instrument}&limit=1000"
        )
        assert (status, len(snapshot["bids"])) == (200, 1000)
        while len(seen) < len(expected):
            frame = await read(ws)
            assert frame["stream"] == stream
            seen.append(frame["data"]["u"])
        assert seen == expected
        assert dialect.finished


@pytest.mark.recorded
async def test_a_client_that_missed_an_update_can_start_afresh(recorded: Path) -> None:
    """A later snapshot continues with the next frame, and leads to the recording's last book."""
    lines = list(tape_lines(recorded, BINANCE[0].file, most=8_000))
    whole = recorded_venue("binance", lines).reels["BTCUSDT"]
    lost = whole.updates[100].update
    dialect = recorded_venue("binance", lines, drop=frozenset({lost}))
    address = "/api/v3/depth?symbol=BTCUSDT&limit=5000"
    async with (
        LocalVenues(venues=[], hosted={"binance": dialect}) as venues,
        socket(venues, "binance", BOOKS["binance"][0]) as ws,
    ):
        book, last, gaps = OrderBook(), 0, 0
        while last < whole.updates[-1].update:
            data = (await read(ws))["data"]
            if data["U"] > last + 1:
                gaps += bool(last)
                _status, snapshot = await get(venues, "binance", address)
                book.apply_snapshot(snapshot["bids"], snapshot["asks"])
                last = snapshot["lastUpdateId"]
            if data["u"] > last:
                book.apply_delta(data["b"], data["a"])
                last = data["u"]
        assert gaps == 1
    whole.resynced()
    whole.play(len(whole.updates))
    _last, expected = whole.book()
    assert levels(book) == levels(expected)


@pytest.mark.recorded
async def test_both_bybit_markets_of_one_recording_are_served(recorded: Path) -> None:
    """Each by its own server, each with its own frames."""
    hosted = {
        f"bybit-{category}": recorded_venue(f"bybit-{category}", tape_lines(recorded, BYBIT_FILE))
        for category in ("spot", "linear")
    }
    async with LocalVenues(venues=[], hosted=hosted) as venues:
        for category, expected in (("spot", 300), ("linear", 414)):
            async with socket(venues, f"bybit-{category}", f"/v5/public/{category}") as ws:
                await ws.send_str('{"op":"subscribe","args":["orderbook.1000.BTCUSDT"]}')
                assert (await read(ws))["success"] is True
                book = OrderBook()
                for _ in range(expected):
                    frame = await read(ws)
                    data = frame["data"]
                    if frame["type"] == "snapshot":
                        book.apply_snapshot(data["b"], data["a"], window=200)
                    else:
                        book.apply_delta(data["b"], data["a"])
                assert not book.crossed


async def test_the_process_says_where_it_is_and_ends_with_its_parent() -> None:
    """One line of JSON; closing its standard input stops it."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "tidegauge.runtime.local_venues", "--symbols", "BTCUSDT,ETHUSDT"),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    async with asyncio.timeout(DEADLINE):
        ready = msgspec.json.decode(await process.stdout.readline())
        assert ready["endpoints"].keys() == set(VENUES)
        async with (
            aiohttp.ClientSession() as session,
            session.get(ready["endpoints"]["binance"]["rest_url"] + "/api/v3/ping") as answer,
        ):
            assert answer.status == 200
        process.stdin.close()
        assert await process.wait() == 0
        assert await process.stdout.read() == b""


async def test_the_process_stops_when_it_is_told_to() -> None:
    """SIGTERM, also where standard input is nothing that could end."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "tidegauge.runtime.local_venues", "--scenario", "calm"),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    async with asyncio.timeout(DEADLINE):
        assert await process.stdout.readline()
        process.terminate()
        assert await process.wait() == 0


async def test_the_process_refuses_an_unknown_venue() -> None:
    """By name, with the ones there are."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "tidegauge.runtime.local_venues", "--venues", "nosuch"),
        stdin=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
    )
    async with asyncio.timeout(DEADLINE):
        _out, error = await process.communicate()
    assert process.returncode == 2
    assert b"unknown venue nosuch" in error
