"""OKX from the server's side: a window of 400 levels, chained ids, and its own manners."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import pytest
from tests.support.simulated import Simulated, exact, levels, same_keys

from tidegauge.core.book import OrderBook
from tidegauge.core.instrument import SECOND
from tidegauge.core.side import Side
from tidegauge.simulator.dialect import Close, Say
from tidegauge.simulator.dialects.okx import Okx
from tidegauge.simulator.scenario import crunch

PATH = "/ws/v5/public"
BTC, SWAP = "BTC-USDT", "BTC-USDT-SWAP"

UPDATE = {
    "arg": {"channel": "books", "instId": "BTC-USDT"},
    "action": "update",
    "data": [
        {
            "asks": [["67500.2", "0", "0", "0"]],
            "bids": [["67500.1", "1.25", "0", "5"]],
            "ts": "1785096000130",
            "checksum": 0,
            "prevSeqId": 450001,
            "seqId": 450002,
        }
    ],
}


class Server(Simulated):
    """The local OKX and one client, whose `pong`s are no JSON."""

    def __init__(self, *symbols: str, **more: Any) -> None:
        super().__init__("okx", symbols or ("BTCUSDT",), **more)

    def _hear(self, replies: Sequence[Say | Close]) -> list[Any]:
        words = [each for each in replies if isinstance(each, Say) and each.text == "pong"]
        return ["pong" for _ in words] + super()._hear(
            [each for each in replies if each not in words]
        )

    @property
    def okx(self) -> Okx:
        assert isinstance(self.dialect.inner, Okx)
        return self.dialect.inner


def args(channel: str, *names: str) -> list[dict[str, str]]:
    return [{"channel": channel, "instId": name} for name in names]


def ask(server: Server, *wanted: dict[str, str], op: str = "subscribe") -> list[Any]:
    return server.say({"id": "1", "op": op, "args": [*wanted]})


def opened(*symbols: str, channel: str = "books", name: str = BTC, **more: Any) -> Server:
    server = Server(*symbols, **more)
    server.open(PATH)
    ask(server, *args(channel, name))
    return server


def frames(heard: list[Any], channel: str) -> list[Any]:
    told = [each for each in heard if each != "pong"]
    return [each for each in told if each.get("arg", {}).get("channel") == channel]


def follow(told: list[Any]) -> OrderBook:
    """Rebuild a book as the venue's procedure says, and check the chain on the way."""
    book, last = OrderBook(), -1
    for frame in told:
        (data,) = frame["data"]
        assert data["prevSeqId"] == last
        rows = ([(row[0], row[1]) for row in data[side]] for side in ("bids", "asks"))
        if frame["action"] == "snapshot":
            book.apply_snapshot(*rows)
        else:
            book.apply_delta(*rows)
        last = data["seqId"]
        # The server's own deletes keep the window: nothing is trimmed here.
        assert max(len(book.bids), len(book.asks)) <= 400
        assert not book.crossed
    return book


# -- books ---------------------------------------------------------------------------------------


def test_snapshot_and_updates_rebuild_the_window() -> None:
    """The best 400 levels of the market, exactly, after a crunch has come and gone."""
    server = opened(scenario=crunch(at=2 * SECOND, lasts=3 * SECOND))
    told = frames(server.run(10.0), "books")
    assert [frame["action"] for frame in told].count("snapshot") == 1
    market = exact(server.market(BTC))
    assert levels(follow(told)) == {side: market[side][:400] for side in Side}


def test_updates_look_as_they_are_documented() -> None:
    """The same fields with values of the same kinds."""
    server = opened()
    _snapshot, update, *_rest = frames(server.run(1.0), "books")
    assert same_keys(UPDATE, update)
    told, documented = update["data"][0], UPDATE["data"][0]  # type: ignore[index]
    assert same_keys(documented, told)
    assert all(len(row) == 4 for row in [*told["asks"], *told["bids"]])
    assert all(isinstance(text, str) for row in told["asks"] for text in row)


def test_an_unchanged_book_is_confirmed_once_a_minute(monkeypatch: pytest.MonkeyPatch) -> None:
    """With empty sides, and the id of the last update twice."""
    server = opened()
    told = frames(server.run(1.0), "books")
    last = told[-1]["data"][0]["seqId"]
    monkeypatch.setattr(server.exchange, "advance", lambda _now: [])
    still = []
    for _ in range(4):
        server.say("ping")
        still += frames(server.run(20.0), "books")
    (alive,) = still
    data = alive["data"][0]
    assert (data["prevSeqId"], data["seqId"]) == (last, last)
    assert data["asks"] == data["bids"] == []


def test_a_late_subscriber_joins_the_same_chain() -> None:
    """It is given a snapshot, then the updates that everyone gets."""
    server = opened()
    server.open(PATH, 2)
    server.run(2.0)
    server.say({"id": "1", "op": "subscribe", "args": args("books", BTC)}, 2)
    both = frames(server.run(2.0), "books")
    snapshot = next(each for each in both if each["action"] == "snapshot")
    begun = snapshot["data"][0]["seqId"]
    later = {each["data"][0]["seqId"]: each for each in both if each["action"] == "update"}
    chain = [each for last, each in sorted(later.items()) if last > begun]
    market = exact(server.market(BTC))
    assert levels(follow([snapshot, *chain])) == {side: market[side][:400] for side in Side}


def test_subscribing_again_brings_a_new_snapshot_only_after_unsubscribing() -> None:
    """The way to resync one book."""
    server = opened()
    server.run(1.0)
    ask(server, *args("books", BTC))
    assert all(each["action"] == "update" for each in frames(server.run(1.0), "books"))
    ask(server, *args("books", BTC), op="unsubscribe")
    assert frames(server.run(1.0), "books") == []
    ask(server, *args("books", BTC))
    assert frames(server.run(1.0), "books")[0]["action"] == "snapshot"


def test_ids_can_be_set_back_while_the_chain_holds() -> None:
    """As after maintenance: the book stays what it was."""
    server = opened()
    first = frames(server.run(1.0), "books")
    server.okx.reset_ids()
    told = first + frames(server.run(2.0), "books")
    market = exact(server.market(BTC))
    assert levels(follow(told)) == {side: market[side][:400] for side in Side}
    ids = [each["data"][0]["seqId"] for each in told]
    assert ids[len(first)] == 1


def test_without_snapshots_a_subscription_begins_with_an_update() -> None:
    """As was once announced; REST then has the book, with the id it is of."""
    server = Server()
    server.okx.snapshots = False
    server.open(PATH)
    ask(server, *args("books", BTC))
    first = frames(server.run(1.0), "books")
    assert {each["action"] for each in first} == {"update"}
    (data,) = server.json(f"/api/v5/market/books?instId={BTC}&sz=400")["data"]
    assert data["seqId"] == first[-1]["data"][0]["seqId"]


# -- manners -------------------------------------------------------------------------------------


def test_each_argument_is_answered_by_itself() -> None:
    """With the number of the request; unknown ones by an error that names them."""
    server = Server()
    server.open(PATH)
    said = ask(server, *args("books", BTC, "NOPE-USDT"), *args("mark-price", BTC))
    assert [each["event"] for each in said] == ["subscribe", "error", "error"]
    assert said[0]["arg"] == {"channel": "books", "instId": BTC}
    assert all(each["id"] == "1" for each in said)
    assert said[1]["code"] == said[2]["code"] == "60018"
    assert "channel:books,instId:NOPE-USDT doesn't exist" in said[1]["msg"]


@pytest.mark.parametrize("text", ["[]", "nonsense", '{"op":"subscribe"}', '{"op":"x","args":[]}'])
def test_what_is_malformed_is_refused(text: str) -> None:
    """60012, and the connection stays."""
    server = Server()
    server.open(PATH)
    (error,) = server.say(text)
    assert (error["event"], error["code"]) == ("error", "60012")


def test_a_ping_is_answered_and_silence_is_cut() -> None:
    """Thirty seconds over which nothing came or went."""
    server = Server()
    server.open(PATH)
    assert server.say("ping") == ["pong"]
    server.run(29.0)
    assert server.closed == {}
    server.run(2.0)
    assert server.closed == {1: False}


def test_a_connection_may_ask_480_times_an_hour() -> None:
    """Then it is told to stop, and a new connection may ask again."""
    server = Server()
    server.open(PATH)
    for _ in range(480):
        assert ask(server, *args("trades", BTC))[0]["event"] == "subscribe"
    assert ask(server, *args("trades", BTC))[0]["code"] == "60014"
    server.open(PATH, 2)
    (answer,) = server.say({"op": "subscribe", "args": args("trades", BTC)}, 2)
    assert answer["event"] == "subscribe"


def test_the_end_of_a_connection_is_announced() -> None:
    """64008, to everybody."""
    server = opened()
    server.okx.announce_the_end()
    (notice,) = [each for each in server.run(1.0) if "event" in each]
    assert (notice["event"], notice["code"]) == ("notice", "64008")


def test_there_is_one_path() -> None:
    """Everything public is on one socket."""
    server = Server()
    refused = server.dialect.admit("/ws/v5/private", server.now)
    assert refused is not None
    assert refused.status == 404


# -- beside the book -----------------------------------------------------------------------------


def test_swaps_are_counted_in_contracts() -> None:
    """100 contracts of 0.01 BTC stand where the market has 1 BTC."""
    server = opened("BTC-USDT-SWAP", name=SWAP)
    (snapshot,) = frames(server.run(0.05), "books")
    (row,) = server.json("/api/v5/public/instruments?instType=SWAP")["data"]
    assert (row["instId"], row["ctVal"], row["ctValCcy"]) == (SWAP, "0.01", "BTC")
    book = OrderBook(contract_value=Decimal(row["ctVal"]))
    bids, asks = (
        [(level[0], level[1]) for level in snapshot["data"][0][side]] for side in ("bids", "asks")
    )
    book.apply_snapshot(bids, asks)
    market = exact(server.market(SWAP))
    assert levels(book) == {side: market[side][:400] for side in Side}


def test_marks_come_at_once_and_then_at_their_pace() -> None:
    """The mark each second, open interest each three, funding each thirty."""
    server = Server("BTC-USDT-SWAP")
    server.open(PATH)
    ask(
        server,
        *(
            arg
            for each in ("mark-price", "funding-rate", "open-interest")
            for arg in args(each, SWAP)
        ),
    )
    first = server.run(0.1)
    assert len(first) == 3
    heard = first + server.run(31.0)
    counts = {
        channel: len(frames(heard, channel))
        for channel in ("mark-price", "funding-rate", "open-interest")
    }
    assert counts == {"mark-price": 32, "funding-rate": 2, "open-interest": 11}


def test_trades_happen_at_the_touch() -> None:
    """Whoever buys pays the ask."""
    server = opened(channel="trades")
    told = frames(server.run(20.0), "trades")
    rows = [row for frame in told for row in frame["data"]]
    assert len(rows) > 5
    assert len({row["tradeId"] for row in rows}) == len(rows)
    assert {row["side"] for row in rows} <= {"buy", "sell"}


# -- REST ----------------------------------------------------------------------------------------


def test_the_catalogue_is_by_type() -> None:
    """And an unknown instrument is an error inside an answer of 200."""
    server = Server("BTCUSDT", "BTC-USDT-SWAP")
    (spot,) = server.json("/api/v5/public/instruments?instType=SPOT")["data"]
    assert (spot["instId"], spot["baseCcy"], spot["tickSz"]) == (BTC, "BTC", "0.1")
    assert server.json("/api/v5/public/instruments?instType=FUTURES")["data"] == []
    assert server.json("/api/v5/market/books?instId=NOPE&sz=400")["code"] == "51001"
    assert server.rest("/nothing").status == 404
    assert server.json("/api/v5/public/time")["code"] == "0"
