"""Kraken's side of a book, told with its true checksum, and a client to tell it to."""

import json
import zlib
from collections.abc import Iterable, Sequence
from typing import Any

from tests.support.conversation import Conversation, instrument

from tidegauge.core.book import OrderBook
from tidegauge.core.instrument import Instrument, Nanos
from tidegauge.core.side import Side
from tidegauge.venues import load
from tidegauge.wire.protocol import BOOK_LINK, Note, Output, Send

SPEC = load()["kraken"]
BTC = "BTC/USD"
AT = "2026-10-06T17:35:55.440295Z"

Rows = Sequence[tuple[str, str]]


def venues_crc(book: OrderBook) -> int:
    """The venue's own reckoning, from a book of numbers printed to the instrument's precision."""
    text = ""
    for side in (Side.ASK, Side.BID):
        for price, size in book.top(side, 10):
            for number, places in ((price, 1), (size, 8)):
                text += f"{number:.{places}f}".replace(".", "").lstrip("0")
    return zlib.crc32(text.encode())


class Server:
    """One book as the venue has it, told with its true checksum."""

    def __init__(self, name: str = BTC, depth: int = 10) -> None:
        self.name, self.depth, self.book = name, depth, OrderBook()

    def whole(self, bids: Rows = (("10.0", "1"),), asks: Rows = (("11.0", "1"),)) -> str:
        self.book.apply_snapshot(bids, asks, window=self.depth)
        return self.frame("snapshot", bids, asks)

    def change(self, bids: Rows = (), asks: Rows = ()) -> str:
        self.book.apply_delta(bids, asks)
        return self.frame("update", bids, asks)

    def frame(self, kind: str, bids: Rows, asks: Rows, crc: int | None = None) -> str:
        told = venues_crc(self.book) if crc is None else crc
        sides = ",".join(
            f'"{side}":[' + ",".join(f'{{"price":{p},"qty":{q}}}' for p, q in rows) + "]"
            for side, rows in (("bids", bids), ("asks", asks))
        )
        data = f'{{"symbol":"{self.name}",{sides},"checksum":{told},"timestamp":"{AT}"}}'
        return f'{{"channel":"book","type":"{kind}","data":[{data}]}}'


def btc(name: str = BTC) -> Instrument:
    return instrument(SPEC, name, tick="0.1", step="0.00000001")


def opened(*names: str) -> Conversation:
    conversation = Conversation(SPEC, [btc(name) for name in names or (BTC,)])
    conversation.open_all(0)
    return conversation


def hear(conversation: Conversation, told: str | dict[str, Any], now: Nanos = 0) -> list[Output]:
    text = told if isinstance(told, str) else json.dumps(told)
    return conversation.receive(BOOK_LINK, text, now)


def ack(name: str = BTC, depth: int = 1000, *, number: int = 1) -> dict[str, Any]:
    result = {"channel": "book", "symbol": name, "depth": depth, "snapshot": True}
    return {"method": "subscribe", "result": result, "success": True, "req_id": number}


def live(*names: str) -> tuple[Conversation, Server]:
    conversation = opened(*names)
    servers = [Server(name) for name in conversation.keepers]
    for server in servers:
        hear(conversation, server.whole())
        assert conversation.live(server.name)
    conversation.said.clear()
    return conversation, servers[0]


def requests(outputs: list[Output]) -> list[dict[str, Any]]:
    return [json.loads(output.text) for output in outputs if isinstance(output, Send)]


def notes(outputs: Iterable[Output]) -> list[str]:
    return [output.kind for output in outputs if isinstance(output, Note)]
