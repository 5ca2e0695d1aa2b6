"""Recorded sessions of real venues, replayed through protocol and keeper."""

import gzip
from bisect import bisect_right
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import NamedTuple

import msgspec
import pytest
from tests.support.conversation import Conversation, instrument

from tidegauge.core.events import BookLost
from tidegauge.core.instrument import SECOND
from tidegauge.core.keeper import BookKeeper
from tidegauge.core.trust import TrustReason
from tidegauge.venues import load
from tidegauge.wire.protocol import BOOK_LINK, Drop
from tidegauge.wire.tape import TapeKind, TapeLine, parse_line

DATA = Path(__file__).parents[3].parent / "shared" / "data"

pytestmark = [
    pytest.mark.recorded,
    pytest.mark.skipif(not DATA.is_dir(), reason="the recorded frames are not here"),
]


def tape(file: str, conn: str = "") -> Iterator[TapeLine]:
    """The lines of a recording, of one connection only if `conn` is given."""
    with gzip.open(DATA / f"{file}.frames.tsv.gz", "rt") as lines:
        for text in lines:
            line = parse_line(text)
            if conn in line.conn:
                yield line


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


class Best(NamedTuple):
    """A bookTicker: the venue's own word on its best bid and ask after update `u`."""

    u: int
    bid: Decimal
    bid_size: Decimal
    ask: Decimal
    ask_size: Decimal


class Ticker(msgspec.Struct):
    u: int
    b: str
    B: str
    a: str
    A: str


class Wrapped(msgspec.Struct):
    stream: str
    data: msgspec.Raw


class Oracle:
    """Compares each update of the book with the last bookTicker up to the update's id.

    The snapshot is no update. What came after the last bookTicker cannot be compared either: the
    next one, which the recording no longer holds, might already tell of it.
    """

    def __init__(self, file: str) -> None:
        wrapped, ticker = msgspec.json.Decoder(Wrapped), msgspec.json.Decoder(Ticker)
        self.bests: list[Best] = []
        for line in tape(file):
            if line.kind is TapeKind.RECV and "@bookTicker" in line.text[:60]:
                told = ticker.decode(wrapped.decode(line.text).data)
                self.bests.append(Best(told.u, *map(Decimal, (told.b, told.B, told.a, told.A))))
        self.bests.sort(key=lambda best: best.u)
        self.equal = self.different = self.crossed = 0

    def compare(self, keeper: BookKeeper) -> None:
        book = keeper.book
        self.crossed += book.crossed
        if keeper.updates == 1 or not self.bests[0].u <= keeper.sequence <= self.bests[-1].u:
            return
        index = bisect_right(self.bests, keeper.sequence, key=lambda best: best.u) - 1
        best, bid, ask = self.bests[index], book.best_bid, book.best_ask
        assert bid is not None
        assert ask is not None
        ours = (bid, book.size(bid), ask, book.size(ask))
        if ours == best[1:]:
            self.equal += 1
        else:
            self.different += 1


@pytest.mark.parametrize(
    ("venue", "file", "name", "equal", "different"),
    [
        ("binance", "binance_spot_BTCUSDT_2024-08-08", "BTCUSDT", 6490, 2),
        ("binance", "binance_spot_ETHUSDT_2024-08-08", "ETHUSDT", 6468, 0),
        ("binance", "binance_spot_NEXOUSDT_2024-07-23_14h", "NEXOUSDT", 42341, 0),
        ("binance-futures", "binance_usdm_BTCUSDT_2024-08-08", "BTCUSDT", 6546, 0),
        ("binance-futures", "binance_usdm_ETHUSDT_2024-08-08", "ETHUSDT", 6579, 0),
    ],
)
def test_a_recorded_book_agrees_with_the_venues_own_best_prices(
    venue: str, file: str, name: str, equal: int, different: int
) -> None:
    """After every update, best prices and sizes are those that bookTicker told."""
    spec = load()[venue]
    oracle = Oracle(file)
    conversation = Conversation(spec, [instrument(spec, name)], oracle.compare)
    replay(conversation, tape(file))
    assert conversation.live(name)
    assert oracle.crossed == 0
    assert conversation.count(BookLost) == 0
    assert (oracle.equal, oracle.different) == (equal, different)


@pytest.mark.parametrize(
    ("venue", "conn"), [("bybit-spot", "/v5/public/spot"), ("bybit-linear", "/v5/public/linear")]
)
def test_bybits_recorded_books_reach_the_last_frame(venue: str, conn: str) -> None:
    """Two books on each socket, every update in sequence and never crossed."""
    spec = load()[venue]
    names = ["BTCUSDT", "ETHUSDT"]
    crossed = []
    conversation = Conversation(
        spec,
        [instrument(spec, name) for name in names],
        lambda keeper: crossed.append(keeper.id) if keeper.book.crossed else None,
    )
    file = "bybit_v5_linear+spot_BTC_ETH_2026-08-09"
    replay(conversation, tape(file, conn))
    assert all(conversation.live(name) for name in names)
    assert conversation.count(BookLost) == conversation.count(Drop) == 0
    assert crossed == []
    last = {
        name: text["data"]["u"]
        for line in tape(file, conn)
        if line.kind is TapeKind.RECV and '"orderbook.' in line.text
        for text in [msgspec.json.decode(line.text)]
        for name in names
        if text["topic"].endswith(name)
    }
    assert {name: conversation.keepers[name].sequence for name in names} == last
    assert {name: conversation.keepers[name].book.bids.window for name in names} == {
        "BTCUSDT": 200,
        "ETHUSDT": 200,
    }


def test_hyperliquids_recorded_book_reaches_the_last_frame() -> None:
    """Every frame replaces the book, and the last one is what remains."""
    spec = load()["hyperliquid"]
    crossed: list[bool] = []
    conversation = Conversation(
        spec, [instrument(spec, "BTC")], lambda keeper: crossed.append(keeper.book.crossed)
    )
    file = "hyperliquid_BTC_l2Book_2025-01-26_first30"
    replay(conversation, tape(file))
    books = [line.text for line in tape(file) if '"l2Book"' in line.text]
    last = msgspec.json.decode(books[-1])["data"]
    assert conversation.lost(TrustReason.GAP) == 0
    assert len(crossed) == len(books) == 26
    assert not any(crossed)
    assert conversation.keepers["BTC"].sequence == last["time"]
    assert conversation.touch("BTC") == tuple(
        f"{Decimal(side[0]['px']).normalize():f}" for side in last["levels"]
    )
