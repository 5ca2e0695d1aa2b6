"""Binance, spot, USD-M and COIN-M: the letter of its documentation."""

import json
from decimal import Decimal
from typing import Any

import pytest
from tests.support.conversation import Conversation, instrument

from tidegauge.core.errors import MalformedFrame, SubscriptionRejected, VenueRefused
from tidegauge.core.events import BookDelta, BookLost, BookSnapshot, FeedEvent
from tidegauge.core.instrument import SECOND, Nanos
from tidegauge.core.side import Side
from tidegauge.core.trust import TrustReason
from tidegauge.venues import load
from tidegauge.wire.feed import Listing, VenueFeed
from tidegauge.wire.protocol import BOOK_LINK, Fetch, Note, Output, Response, Retire, Send

SPOT, FUTURES, COIN_M = (load()[f"binance{market}"] for market in ("", "-futures", "-coinm"))


def spot(*names: str) -> Conversation:
    chosen = names or ("BTCUSDT",)
    conversation = Conversation(SPOT, [instrument(SPOT, name) for name in chosen])
    conversation.open_all(0)
    return conversation


def diff(
    first: int,
    last: int,
    name: str = "BTCUSDT",
    bids: list[list[str]] | None = None,
    **more: Any,
) -> dict[str, Any]:
    told = {"e": "depthUpdate", "E": 1672515782136, "s": name, "U": first, "u": last}
    return {**told, "b": bids or [], "a": [], **more}


def wrapped(payload: dict[str, Any]) -> str:
    stream = f"{payload['s'].lower()}@depth@100ms"
    return json.dumps({"stream": stream, "data": payload})


def book(last: int) -> str:
    levels = {"bids": [["10", "1"]], "asks": [["11", "1"]]}
    return json.dumps({"lastUpdateId": last, **levels})


def live(last: int = 100) -> Conversation:
    conversation = spot()
    conversation.receive(BOOK_LINK, wrapped(diff(last, last)), 0)
    conversation.answer(book(last - 1), 0)
    assert conversation.live("BTCUSDT")
    return conversation


def kinds(outputs: list[Output]) -> list[type]:
    return [type(output) for output in outputs]


# -- links and subscriptions ---------------------------------------------------------------------


def test_streams_are_named_in_the_path() -> None:
    """Lower case, 100 ms; USD-M has a route for books and one for the rest, COIN-M has none."""
    names = ["BTCUSDT", "ETHUSDT"]
    assert SPOT.links([instrument(SPOT, name) for name in names]) == {
        "book": "/stream?streams=btcusdt@depth@100ms/ethusdt@depth@100ms"
        "/btcusdt@aggTrade/ethusdt@aggTrade"
    }
    beside = "btcusdt@aggTrade/btcusdt@markPrice@1s/btcusdt@forceOrder"
    assert FUTURES.links([instrument(FUTURES, "BTCUSDT")]) == {
        "book": "/public/stream?streams=btcusdt@depth@100ms",
        "market": f"/market/stream?streams={beside}",
    }
    coin_margined = COIN_M.links([instrument(COIN_M, "BTCUSD_PERP")])
    assert coin_margined.keys() == {"book"}
    assert coin_margined["book"].count("btcusd_perp@") == 4


def test_what_does_not_fit_the_path_is_subscribed_to_on_opening() -> None:
    """250 instruments: 100 streams in the path, and the other 400 in four requests."""
    instruments = [instrument(SPOT, f"C{number}USDT") for number in range(250)]
    assert SPOT.links(instruments)["book"].count("@") == 2 * 100
    sends = Conversation(SPOT, instruments).open_all(0)
    asked = [json.loads(send.text)["params"] for send in sends if isinstance(send, Send)]
    assert [len(params) for params in asked] == [100, 100, 100, 100]
    assert (asked[0][0], asked[-1][-1]) == ("c100usdt@depth@100ms", "c249usdt@aggTrade")


def test_no_socket_carries_more_streams_than_every_source_allows() -> None:
    """200, by the older documentation; the newer says 1,024."""
    for spec in (SPOT, FUTURES, COIN_M):
        most = [instrument(spec, f"C{number}USDT") for number in range(spec.limits.books_a_link)]
        conversation = Conversation(spec, most)
        conversation.open_all(0)
        for link, path in conversation.links.items():
            asked = [
                stream
                for send in conversation.said
                if isinstance(send, Send) and send.link == link
                for stream in json.loads(send.text)["params"]
            ]
            assert len(path.split("/")) - 1 + len(asked) <= 201


def test_the_other_link_does_not_touch_the_books() -> None:
    """Trades may come and go."""
    conversation = Conversation(FUTURES, [instrument(FUTURES, "BTCUSDT")])
    conversation.open_all(0)
    conversation.receive(BOOK_LINK, wrapped(diff(1, 5, pu=0, T=123)), 0)
    conversation.answer(book(4), 0)
    assert conversation.close("market", SECOND) == []
    assert conversation.open("market", 2 * SECOND) == []
    assert conversation.live("BTCUSDT")


def test_a_stream_that_says_nothing_is_subscribed_to_again() -> None:
    """An unknown symbol is acknowledged all the same; after three calls that is told."""
    conversation = spot("BTCUSDT", "NOPEUSDT")
    conversation.receive(BOOK_LINK, wrapped(diff(1, 1)), 0)
    conversation.said.clear()
    for second in range(60):
        conversation.tick(second * SECOND)
    sends = [json.loads(send.text) for send in conversation.said if isinstance(send, Send)]
    assert len(sends) == 3
    assert all(send["params"] == ["nopeusdt@depth@100ms"] for send in sends)
    assert Note(kind="never_heard_of", instrument="NOPEUSDT") in conversation.said


def test_nothing_is_sent_over_a_link_that_is_down() -> None:
    """The driver has nothing to write to."""
    conversation = spot()
    conversation.close(BOOK_LINK, SECOND)
    assert conversation.tick(100 * SECOND) == []


# -- frames --------------------------------------------------------------------------------------


def test_bare_and_wrapped_payloads_are_the_same() -> None:
    """/ws sends the one, /stream the other."""
    conversation = live()
    (bare,) = conversation.receive(BOOK_LINK, json.dumps(diff(101, 101)), 0)
    (boxed,) = conversation.receive(BOOK_LINK, wrapped(diff(102, 102)), 0)
    assert isinstance(bare, BookDelta)
    assert isinstance(boxed, BookDelta)
    assert (bare.sequence, boxed.sequence) == (101, 102)


def test_the_venues_time_is_in_nanoseconds() -> None:
    """Spot tells only when it pushed the event; futures, when it matched."""
    (delta,) = live().receive(BOOK_LINK, wrapped(diff(101, 101)), 0)
    assert isinstance(delta, BookDelta)
    assert delta.venue_time == 1672515782136 * 1_000_000
    futures = Conversation(FUTURES, [instrument(FUTURES, "BTCUSDT")])
    futures.open_all(0)
    futures.receive(BOOK_LINK, wrapped(diff(1, 5, pu=0, T=123)), 0)
    snapshot, delta = futures.answer(json.dumps({**json.loads(book(4)), "T": 120}), 0)
    assert isinstance(snapshot, BookSnapshot)
    assert isinstance(delta, BookDelta)
    assert (snapshot.venue_time, delta.venue_time) == (120_000_000, 123_000_000)


@pytest.mark.parametrize(
    "frame",
    [
        '{"stream":"btcusdt@bookTicker","data":{"u":4,"s":"BTCUSDT","b":"1","B":"1","a":"2","A":"1"}}',
        '{"stream":"btcusdt@kline_1m","data":{"e":"kline","s":"BTCUSDT"}}',
        '{"stream":"btcusdt@depth20@100ms","data":{"lastUpdateId":4,"bids":[],"asks":[]}}',
        '{"u":400900217,"s":"BTCUSDT","b":"25.3","B":"31.2","a":"25.4","A":"40.6"}',
        '{"e":"aggTrade","s":"XRPUSDT","a":1,"p":"0.001","q":"100","T":1,"m":true}',
    ],
)
def test_streams_we_do_not_use_are_passed_over(frame: str) -> None:
    """They may be on a recorded tape."""
    assert live().receive(BOOK_LINK, frame, 0) == []


@pytest.mark.parametrize(
    ("frame", "kind"),
    [
        ('{"result":null,"id":1}', "acknowledged"),
        ('{"code":2,"msg":"Invalid request: property name must be a string"}', "request_refused"),
        ('{"error":{"code":3,"msg":"Invalid JSON"},"id":1}', "request_refused"),
    ],
)
def test_answers_to_requests_are_counted(frame: str, kind: str) -> None:
    """They prove nothing: an unknown stream is acknowledged too."""
    (note,) = spot().receive(BOOK_LINK, frame, 0)
    assert isinstance(note, Note)
    assert note.kind == kind


@pytest.mark.parametrize(
    "frame",
    [
        '{"e":"serverShutdown","E":1770123456789}',
        '{"stream":"!serverShutdown","data":{"e":"serverShutdown","E":1770123456789}}',
    ],
)
def test_a_shutdown_notice_has_the_connection_replaced(frame: str) -> None:
    """How long it goes on is not promised; until it ends, its books are as good as they were."""
    assert kinds(live().receive(BOOK_LINK, frame, 0)) == [Retire]


def test_a_futures_update_without_its_previous_id_is_malformed() -> None:
    """An integrity field that disappears must not be read as all being well."""
    conversation = Conversation(FUTURES, [instrument(FUTURES, "BTCUSDT")])
    conversation.open_all(0)
    with pytest.raises(MalformedFrame):
        conversation.receive(BOOK_LINK, wrapped(diff(1, 2, T=1)), 0)


# -- snapshots -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("spec", "path", "limit", "weight"),
    [(SPOT, "/api/v3/depth", "5000", 250), (FUTURES, "/fapi/v1/depth", "1000", 20)],
)
def test_the_deepest_snapshot_is_asked_for(spec: Any, path: str, limit: str, weight: int) -> None:
    """With what it costs, and the limit told to the book."""
    conversation = Conversation(spec, [instrument(spec, "BTCUSDT")])
    conversation.open_all(0)
    conversation.receive(BOOK_LINK, wrapped(diff(100, 101, pu=99, T=1)), 0)
    (fetch,) = conversation.fetches
    assert (fetch.path, fetch.weight, fetch.instrument) == (path, weight, "BTCUSDT")
    assert fetch.params == (("symbol", "BTCUSDT"), ("limit", limit))
    snapshot = conversation.answer(book(99), 0)[0]
    assert isinstance(snapshot, BookSnapshot)
    assert (snapshot.limit, snapshot.window) == (int(limit), None)


def test_many_books_are_content_with_smaller_snapshots() -> None:
    """Ninety of 5,000 levels would cost four minutes of the address's weight."""
    conversation = spot(*(f"C{number}USDT" for number in range(90)))
    conversation.receive(BOOK_LINK, wrapped(diff(1, 1, "C7USDT")), 0)
    (fetch,) = conversation.fetches
    assert (dict(fetch.params)["limit"], fetch.weight) == ("1000", 50)
    assert 90 * fetch.weight <= 6000


def test_a_gap_starts_only_that_book_afresh() -> None:
    """Its update is the first of the new buffer."""
    conversation = spot("BTCUSDT", "ETHUSDT")
    for name in ("BTCUSDT", "ETHUSDT"):
        conversation.receive(BOOK_LINK, wrapped(diff(100, 100, name)), 0)
        conversation.answer(book(99), 0)
    later = 61 * SECOND
    outputs = conversation.receive(BOOK_LINK, wrapped(diff(102, 103)), later)
    assert kinds(outputs) == [BookLost, Fetch]
    assert conversation.live("ETHUSDT")
    assert not conversation.live("BTCUSDT")
    outputs = conversation.answer(book(101), later)
    assert kinds(outputs) == [BookSnapshot, BookDelta]
    assert conversation.live("BTCUSDT")


def test_an_unknown_symbol_is_rejected_when_its_snapshot_is_refused() -> None:
    """Code -1121; the others go on."""
    conversation = spot("NOPEUSDT", "BTCUSDT")
    conversation.receive(BOOK_LINK, wrapped(diff(1, 1, "NOPEUSDT")), 0)
    conversation.receive(BOOK_LINK, wrapped(diff(1, 1)), 0)
    (rejected,) = conversation.answer('{"code":-1121,"msg":"Invalid symbol."}', 0, status=400)
    assert isinstance(rejected, SubscriptionRejected)
    assert rejected.instrument == "NOPEUSDT"
    assert conversation.answer(book(0), 0)[1:]
    assert conversation.live("BTCUSDT")
    assert conversation.receive(BOOK_LINK, wrapped(diff(2, 2, "NOPEUSDT")), 0) == []


def test_a_refused_country_is_told() -> None:
    """HTTP 451 is for the operator, not for a retry loop."""
    conversation = spot()
    conversation.receive(BOOK_LINK, wrapped(diff(1, 1)), 0)
    assert kinds(conversation.answer("restricted location", 0, status=451)) == [VenueRefused]
    assert conversation.tick(100 * SECOND) == []


def test_a_snapshot_that_cannot_be_read_is_asked_for_again() -> None:
    """And reported."""
    conversation = spot()
    conversation.receive(BOOK_LINK, wrapped(diff(1, 1)), 0)
    assert kinds(conversation.answer("<html>", 0)) == [MalformedFrame]
    conversation.tick(SECOND)
    assert len(conversation.fetches) == 1


def test_numbers_no_market_has_lose_the_book_and_bring_a_new_one() -> None:
    """The book finds them; the protocol then starts that book afresh."""
    conversation = live()
    conversation.receive(BOOK_LINK, wrapped(diff(101, 101, bids=[["1e999", "1"]])), SECOND)
    assert conversation.lost(TrustReason.MALFORMED) == 1
    conversation.receive(BOOK_LINK, wrapped(diff(102, 102)), 2 * SECOND)
    conversation.answer(book(101), 2 * SECOND)
    assert conversation.live("BTCUSDT")


# -- told anew ------------------------------------------------------------------------------------


def test_a_live_book_is_told_anew_as_the_price_leaves_its_snapshot() -> None:
    """A USD-M snapshot covers a fixed span; a second one is joined beside the live book."""
    listing = Listing(symbol="BTCUSDT", instrument=instrument(FUTURES, "BTCUSDT"))
    feed = VenueFeed(FUTURES, [listing])
    feed.opened(BOOK_LINK, 0)
    (first,) = _received(feed, 0, previous=99, last=101, b=[["90", "1"]])
    feed.fetched(first, _depth(100, middle=100), 0)
    book = feed.keepers["BTCUSDT"].book
    traded = [[f"{100 + step / 100:.2f}", "0"] for step in range(1, 700)]
    _received(feed, SECOND, previous=101, last=110, a=traded, b=[["106.9", "2"]])
    narrow, later = book.reach_bps(), 60 * SECOND
    feed.tick(later)
    (second,) = _received(feed, later, previous=110, last=111, b=[["106.8", "3"]])
    effects = feed.fetched(second, _depth(110, middle=107), later)
    assert feed.counts.refreshes == 1
    assert not any(isinstance(effect, FeedEvent) for effect in effects), "its trust never moved"
    wide = book.reach_bps()
    assert narrow is not None
    assert wide is not None
    assert wide > 2 * narrow
    assert (Decimal("106.8"), Decimal(3)) in book.top(Side.BID, 30), "what followed it holds"


def _received(
    feed: VenueFeed, now: Nanos, *, previous: int, last: int, **sides: Any
) -> list[Fetch]:
    update = diff(previous + 1, last, T=1, pu=previous) | sides
    effects = feed.received(BOOK_LINK, json.dumps(update), now)
    return [effect for effect in effects if isinstance(effect, Fetch)]


def _depth(last: int, *, middle: int) -> Response:
    """A snapshot of a thousand levels a side, a hundredth apart."""
    bids = [[f"{middle - step / 100:.2f}", "1"] for step in range(1, 1001)]
    asks = [[f"{middle + step / 100:.2f}", "1"] for step in range(1, 1001)]
    body = {"lastUpdateId": last, "E": 1, "T": 1, "bids": bids, "asks": asks}
    return Response(status=200, body=json.dumps(body).encode())
