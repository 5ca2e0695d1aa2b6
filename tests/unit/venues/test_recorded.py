"""Recorded sessions of real venues, replayed through protocol and keeper."""

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest
from tests.support.conversation import Conversation, instrument
from tests.support.oracle import TouchOracle
from tests.support.recordings import BINANCE, BYBIT_FILE, HYPERLIQUID_FILE, tape_lines

from tidegauge.core.events import BookLost, Marks, Trade
from tidegauge.core.instrument import SECOND
from tidegauge.core.trust import TrustReason
from tidegauge.venues import load
from tidegauge.wire.protocol import BOOK_LINK, Drop
from tidegauge.wire.tape import TapeKind, TapeLine

pytestmark = pytest.mark.recorded

RECORDINGS = {each.file: each for each in BINANCE}


def of(lines: Iterator[TapeLine], conn: str) -> Iterator[TapeLine]:
    """The lines of one connection."""
    return (line for line in lines if conn in line.conn)


def replay(conversation: Conversation, lines: Iterator[TapeLine]) -> None:
    """Play a recording; an answer is given only once the protocol has asked."""
    held: list[str] = []
    ticked = 0
    for line in lines:
        if not ticked:
            ticked = line.at
            conversation.open_all(line.at)
        while line.at - ticked >= SECOND:
            ticked += SECOND
            conversation.tick(ticked)
        if line.kind is TapeKind.RECV:
            conversation.receive(BOOK_LINK, line.text, line.at)
        elif line.kind is TapeKind.HTTP:
            held.append(line.text)
        while held and conversation.fetches:
            conversation.answer(held.pop(0), line.at)


def payloads(lines: Iterator[TapeLine], marker: str) -> Iterator[Any]:
    """The received frames that hold `marker`, as plain JSON."""
    for line in lines:
        if line.kind is TapeKind.RECV and marker in line.text:
            yield msgspec.json.decode(line.text)


@pytest.mark.parametrize(
    ("file", "equal", "different"),
    [
        ("binance_spot_BTCUSDT_2024-08-08", 6490, 2),
        ("binance_spot_ETHUSDT_2024-08-08", 6468, 0),
        ("binance_spot_NEXOUSDT_2024-07-23_14h", 42341, 0),
        ("binance_usdm_BTCUSDT_2024-08-08", 6546, 0),
        ("binance_usdm_ETHUSDT_2024-08-08", 6579, 0),
    ],
)
def test_a_recorded_book_agrees_with_the_venues_own_best_prices(
    recorded: Path, file: str, equal: int, different: int
) -> None:
    """After every update, best prices and sizes are those that bookTicker told."""
    recording = RECORDINGS[file]
    name, spec = recording.instrument, load()[recording.venue]
    oracle = TouchOracle(tape_lines(recorded, file))
    conversation = Conversation(
        spec, [instrument(spec, name)], lambda keeper: oracle(keeper, keeper.updated_at or 0)
    )
    replay(conversation, tape_lines(recorded, file))
    assert conversation.live(name)
    assert oracle.crossed == 0
    assert conversation.count(BookLost) == 0
    assert (oracle.equal, len(oracle.different)) == (equal, different)
    told = [each.id for each in conversation.said if isinstance(each, Trade)]
    trades = payloads(tape_lines(recorded, file), '"e":"trade"')
    assert told == [str(frame["data"]["t"]) for frame in trades]


@pytest.mark.parametrize(
    ("venue", "conn"), [("bybit-spot", "/v5/public/spot"), ("bybit-linear", "/v5/public/linear")]
)
def test_bybits_recorded_books_reach_the_last_frame(recorded: Path, venue: str, conn: str) -> None:
    """Two books on each socket, every update in sequence and never crossed; every trade told."""
    spec = load()[venue]
    names = ["BTCUSDT", "ETHUSDT"]
    crossed = []
    conversation = Conversation(
        spec,
        [instrument(spec, name) for name in names],
        lambda keeper: crossed.append(keeper.id) if keeper.book.crossed else None,
    )
    replay(conversation, of(tape_lines(recorded, BYBIT_FILE), conn))
    assert all(conversation.live(name) for name in names)
    assert conversation.count(BookLost) == conversation.count(Drop) == 0
    assert crossed == []
    last = {
        frame["data"]["s"]: frame["data"]["u"]
        for frame in payloads(of(tape_lines(recorded, BYBIT_FILE), conn), '"orderbook.')
    }
    assert {name: conversation.keepers[name].sequence for name in names} == last
    assert {name: conversation.keepers[name].book.bids.window for name in names} == {
        "BTCUSDT": 200,
        "ETHUSDT": 200,
    }
    told = [each.id for each in conversation.said if isinstance(each, Trade)]
    trades = payloads(of(tape_lines(recorded, BYBIT_FILE), conn), '"publicTrade.')
    rows = [row for frame in trades if "data" in frame for row in frame["data"]]
    assert told == [row["i"] for row in rows if not row["BT"]]
    assert told
    tickers = payloads(of(tape_lines(recorded, BYBIT_FILE), conn), '"topic":"tickers.')
    tells = {"markPrice", "indexPrice", "fundingRate", "openInterest"}
    assert conversation.count(Marks) == sum(1 for each in tickers if tells & each["data"].keys())


def test_hyperliquids_recorded_book_reaches_the_last_frame(recorded: Path) -> None:
    """Every frame replaces the book, and the last one is what remains; each trade is told once."""
    spec = load()["hyperliquid"]
    crossed: list[bool] = []
    conversation = Conversation(
        spec, [instrument(spec, "BTC")], lambda keeper: crossed.append(keeper.book.crossed)
    )
    replay(conversation, tape_lines(recorded, HYPERLIQUID_FILE))
    books = [*payloads(tape_lines(recorded, HYPERLIQUID_FILE), '"l2Book","data"')]
    last = books[-1]["data"]
    assert conversation.lost(TrustReason.GAP) == 0
    assert len(crossed) == len(books) == 26
    assert not any(crossed)
    assert conversation.keepers["BTC"].sequence == last["time"]
    assert conversation.touch("BTC") == tuple(
        f"{Decimal(side[0]['px']).normalize():f}" for side in last["levels"]
    )
    trades = payloads(tape_lines(recorded, HYPERLIQUID_FILE), '"channel":"trades"')
    rows = [row for frame in trades for row in frame["data"]]
    told = [each.id for each in conversation.said if isinstance(each, Trade)]
    assert told == [f"{row['time']}-{row['tid']}" for row in rows]
    assert len(told) == 33
