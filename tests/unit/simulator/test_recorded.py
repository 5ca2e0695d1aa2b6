"""Recorded venues: what was recorded is served, gated by the snapshot, and can lose updates."""

import itertools
from pathlib import Path
from typing import Any

import msgspec
import pytest
from tests.support.recordings import BYBIT_FILE, HYPERLIQUID_FILE, tape_lines

from tidegauge.core.book import OrderBook
from tidegauge.core.errors import OperatorError
from tidegauge.core.side import Side
from tidegauge.simulator.dialect import Reply, Request, Say
from tidegauge.simulator.recorded import RecordedVenue
from tidegauge.simulator.recorded import recorded as recorded_venue

SPOT_BTC = "binance_spot_BTCUSDT_2024-08-08"
USD_M_BTC = "binance_usdm_BTCUSDT_2024-08-08"
LINES = 8_000

pytestmark = pytest.mark.recorded


def play(venue: RecordedVenue[Any]) -> list[Any]:
    """Advance until there is nothing more to say."""
    heard = []
    while replies := venue.advance(0):
        heard.extend(said(replies))
    return heard


def said(replies: list[Reply]) -> list[Any]:
    return [msgspec.json.decode(reply.text) for reply in replies if isinstance(reply, Say)]


def fetch(venue: RecordedVenue[Any], path: str, **query: str) -> Any:
    answer = venue.rest(Request(method="GET", path=path, query=query), 0)
    assert answer.status == 200
    return msgspec.json.decode(answer.body)


def spot(folder: Path, *, drop: frozenset[int] = frozenset()) -> RecordedVenue[Any]:
    venue = recorded_venue("binance", tape_lines(folder, SPOT_BTC, most=LINES), drop=drop)
    venue.connected(1, "/stream", {"streams": "btcusdt@depth@100ms"}, 0)
    return venue


def test_updates_stop_at_the_gate_until_the_snapshot_is_asked_for(recorded: Path) -> None:
    """Then the recorded snapshot is served, and the rest follows."""
    venue = spot(recorded)
    before = play(venue)
    assert len(before) == 3
    snapshot = fetch(venue, "/api/v3/depth", symbol="BTCUSDT", limit="5000")
    assert snapshot["lastUpdateId"] == 50093239218
    after = play(venue)
    assert venue.finished
    assert len(after) > 300
    chain = [frame["data"] for frame in (*before, *after)]
    assert all(one["u"] + 1 == other["U"] for one, other in itertools.pairwise(chain))


def test_usd_m_is_served_under_the_stream_that_was_asked_for(recorded: Path) -> None:
    """It was recorded as @depth@0ms."""
    lines = tape_lines(recorded, USD_M_BTC, most=LINES)
    venue = recorded_venue("binance-futures", lines)
    venue.connected(1, "/public/stream", {"streams": "btcusdt@depth@100ms"}, 0)
    (first, *_) = play(venue)
    assert first["stream"] == "btcusdt@depth@100ms"
    assert first["data"]["pu"] == 5123107831937


def test_a_later_snapshot_is_of_the_book_as_played(recorded: Path) -> None:
    """It continues at the very next update."""
    venue = spot(recorded)
    early = play(venue)
    first = fetch(venue, "/api/v3/depth", symbol="BTCUSDT", limit="5000")
    book = OrderBook()
    book.apply_snapshot(first["bids"], first["asks"])
    for frame in (*early, *said(venue.advance(0))):
        if frame["data"]["u"] > first["lastUpdateId"]:
            book.apply_delta(frame["data"]["b"], frame["data"]["a"])
            last = frame["data"]["u"]
    second = fetch(venue, "/api/v3/depth", symbol="BTCUSDT", limit="5000")
    assert second["lastUpdateId"] == last
    again = OrderBook()
    again.apply_snapshot(second["bids"], second["asks"])
    for side in Side:
        assert again.top(side, 5000) == book.top(side, 5000)
    assert said(venue.advance(0))[0]["data"]["U"] == last + 1


def test_an_update_can_be_left_out_and_still_happened(recorded: Path) -> None:
    """Its successor does not follow; the rebuilt book has it."""
    whole = spot(recorded)
    play(whole)
    fetch(whole, "/api/v3/depth", symbol="BTCUSDT")
    lost = play(whole)[10]["data"]["u"]
    venue = spot(recorded, drop=frozenset({lost}))
    play(venue)
    fetch(venue, "/api/v3/depth", symbol="BTCUSDT")
    frames = [frame["data"] for frame in play(venue)]
    # Three more were told; the rest waits for the client to have noticed.
    assert frames[-4]["u"] + 1 < frames[-3]["U"]
    assert not venue.finished
    assert fetch(venue, "/api/v3/depth", symbol="BTCUSDT")["lastUpdateId"] == frames[-1]["u"]
    frames += [frame["data"] for frame in play(venue)]
    assert venue.finished
    assert lost not in {frame["u"] for frame in frames}
    broken = [other for one, other in itertools.pairwise(frames) if one["u"] + 1 != other["U"]]
    assert [frame["U"] for frame in broken] == [lost + 1]
    answers = [fetch(each, "/api/v3/depth", symbol="BTCUSDT") for each in (whole, venue)]
    assert answers[0] == answers[1]


def test_the_catalogue_is_made_from_what_was_seen(recorded: Path) -> None:
    """Tick and step by the decimals of recorded prices and sizes."""
    info = fetch(spot(recorded), "/api/v3/exchangeInfo")
    filters = {row["filterType"]: row for row in info["symbols"][0]["filters"]}
    assert float(filters["PRICE_FILTER"]["tickSize"]) == 0.01
    assert float(filters["LOT_SIZE"]["stepSize"]) <= 0.00001


def test_bybit_is_served_by_category_whatever_depth_was_asked_for(recorded: Path) -> None:
    """The recorded topic is kept; a second subscription starts with a snapshot of now."""
    venue = recorded_venue("bybit-linear", tape_lines(recorded, BYBIT_FILE))
    venue.connected(1, "/v5/public/linear", {}, 0)
    subscribe = '{"op":"subscribe","args":["orderbook.1000.BTCUSDT"]}'
    (ack,) = said(venue.received(1, subscribe, 0))
    assert ack["success"] is True
    frames = play(venue)
    assert len(frames) == 414
    assert frames[0]["type"] == "snapshot"
    assert {frame["topic"] for frame in frames} == {"orderbook.200.BTCUSDT"}
    venue.received(1, '{"op":"unsubscribe","args":["orderbook.1000.BTCUSDT"]}', 0)
    _ack, snapshot = said(venue.received(1, subscribe, 0))
    assert snapshot["type"] == "snapshot"
    assert snapshot["data"]["u"] == frames[-1]["data"]["u"]
    listed = fetch(venue, "/v5/market/instruments-info", category="linear")["result"]["list"]
    assert [row["symbol"] for row in listed] == ["BTCUSDT", "ETHUSDT"]


def test_bybit_waits_for_a_client_that_missed_an_update(recorded: Path) -> None:
    """Until it subscribes again; then it goes on from there."""
    lines = list(tape_lines(recorded, BYBIT_FILE))
    whole = recorded_venue("bybit-spot", lines)
    lost = whole.reels["ETHUSDT"].updates[40].update
    venue = recorded_venue("bybit-spot", lines, drop=frozenset({lost}))
    venue.connected(1, "/v5/public/spot", {}, 0)
    topic = "orderbook.200.ETHUSDT"
    venue.received(1, f'{{"op":"subscribe","args":["{topic}"]}}', 0)
    assert len(play(venue)) == 43
    venue.received(1, f'{{"op":"unsubscribe","args":["{topic}"]}}', 0)
    _ack, snapshot = said(venue.received(1, f'{{"op":"subscribe","args":["{topic}"]}}', 0))
    rest = play(venue)
    assert snapshot["data"]["u"] + 1 == rest[0]["data"]["u"]
    assert len(rest) == 250 - 44


def test_hyperliquid_is_served_book_by_book(recorded: Path) -> None:
    """As recorded, the duplicate included."""
    venue = recorded_venue("hyperliquid", tape_lines(recorded, HYPERLIQUID_FILE))
    venue.connected(1, "/ws", {}, 0)
    venue.received(1, '{"method":"subscribe","subscription":{"type":"l2Book","coin":"BTC"}}', 0)
    assert len(play(venue)) == 26
    answer = venue.rest(Request(method="POST", path="/info", body='{"type":"meta"}'), 0)
    assert b'"szDecimals":5' in answer.body


def test_other_venues_cannot_be_served() -> None:
    """And say so."""
    with pytest.raises(OperatorError, match="kraken"):
        recorded_venue("kraken", ())
