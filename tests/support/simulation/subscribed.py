"""Reference venues that tell their books on the socket itself: Bybit and OKX."""

from collections.abc import Mapping
from typing import Any

from tidegauge.core.instrument import Nanos
from tidegauge.wire.protocol import Fetch, Response

from .market import STEP, TICK, Change, ReferenceBook, rows
from .network import Peer
from .reference import Client, ReferenceVenue, json_response, text_of


class Bybit(ReferenceVenue):
    """Snapshots and deltas numbered one by one, all on the socket."""

    handshakes: tuple[int, float] | None = (500, 300.0)
    restarted = False

    def restart(self, seconds: float) -> None:
        """A service that starts again counts from 1 (once: then ids would repeat)."""
        super().restart(seconds)
        if not self.restarted:
            self.restarted = True
            for book in self.books.values():
                book.renumber(1, self.now)

    def heard(self, socket: Peer, client: Client, said: Any) -> None:
        answer = {
            "success": True,
            "ret_msg": "",
            "req_id": said.get("req_id", ""),
            "op": said["op"],
        }
        if said["op"] == "ping":
            socket.say(text_of(answer | {"ret_msg": "pong"}))
            return
        for topic in said["args"]:
            name = topic.rpartition(".")[2]
            if name not in self.books or name in self.unlisted:
                refused = {"success": False, "ret_msg": f"Invalid topic: {topic}"}
                socket.say(text_of(answer | refused))
                return
        socket.say(text_of(answer))
        for topic in said["args"]:
            if said["op"] == "unsubscribe":
                client.wants.pop(topic, None)
            elif topic not in client.wants:
                client.wants[topic] = None
                client.deaf_to.discard(topic.rpartition(".")[2])
                if topic.startswith("orderbook.") and not client.deaf:
                    book = self.books[topic.rpartition(".")[2]]
                    self._frame(socket, book, "snapshot", book.picture.bids, book.picture.asks)

    def tell(self, socket: Peer, client: Client, book: ReferenceBook, change: Change) -> None:
        if f"orderbook.1000.{book.name}" in client.wants:
            self._frame(socket, book, "delta", change.bids, change.asks)

    def _frame(
        self,
        socket: Peer,
        book: ReferenceBook,
        kind: str,
        bids: Mapping[int, int],
        asks: Mapping[int, int],
    ) -> None:
        told = {"b": rows(dict(bids), falling=True), "a": rows(dict(asks))}
        data = {"s": book.name, **told, "u": book.last, "seq": book.last}
        frame = {"topic": f"orderbook.1000.{book.name}", "type": kind, "ts": self.millis}
        socket.say(text_of(frame | {"data": data, "cts": self.millis}))

    def catalogue(self, fetch: Fetch) -> object:
        listed = [
            {
                "symbol": name,
                "status": "Trading",
                "contractType": "LinearPerpetual",
                "baseCoin": name.removesuffix("USDT"),
                "quoteCoin": "USDT",
                "priceFilter": {"tickSize": TICK},
                "lotSizeFilter": {"qtyStep": STEP, "basePrecision": STEP},
            }
            for name in self.books
        ]
        return {"result": {"list": listed, "nextPageCursor": ""}}

    def rest(self, fetch: Fetch, lag: Nanos) -> Response:
        book = self.books.get(dict(fetch.params).get("symbol", ""))
        if not fetch.path.endswith("/orderbook") or book is None:
            return Response(status=404, body=b"")
        last = book.lagging(self.now, lag) if lag else book.last
        picture = book.history[last]
        told = {"b": rows(picture.bids, falling=True), "a": rows(picture.asks)}
        data = {"s": book.name, **told, "u": last, "seq": last, "cts": self.millis}
        return json_response({"result": data})


class Okx(ReferenceVenue):
    """Snapshots and updates on the socket; each update names the id before it, and ids jump."""

    step = (1, 40)

    def heard(self, socket: Peer, client: Client, said: Any) -> None:
        if said == "ping":
            socket.say("pong")
            return
        for arg in said["args"]:
            self._answer(socket, client, said, arg)

    def _answer(self, socket: Peer, client: Client, said: Any, arg: dict[str, str]) -> None:
        topic, name = f"{arg['channel']}/{arg['instId']}", arg["instId"]
        if name not in self.books or name in self.unlisted:
            message = f"Wrong URL or channel:{arg['channel']},instId:{name} doesn't exist."
            error = {"event": "error", "code": "60018", "msg": message, "id": said["id"]}
            socket.say(text_of(error))
            return
        socket.say(text_of({"event": said["op"], "arg": arg, "id": said["id"]}))
        if said["op"] == "unsubscribe":
            client.wants.pop(topic, None)
            return
        client.wants[topic] = None
        client.deaf_to.discard(name)
        if arg["channel"] == "books" and not client.deaf:
            book = self.books[name]
            told = self._told(book.picture.bids, book.picture.asks)
            self._frame(socket, arg, "snapshot", told | {"seqId": book.last, "prevSeqId": -1})

    def tell(self, socket: Peer, client: Client, book: ReferenceBook, change: Change) -> None:
        arg = {"channel": "books", "instId": book.name}
        if f"books/{book.name}" in client.wants:
            told = self._told(change.bids, change.asks)
            ids = {"seqId": change.last, "prevSeqId": change.before}
            self._frame(socket, arg, "update", told | ids)

    def _frame(self, socket: Peer, arg: object, action: str, told: dict[str, object]) -> None:
        socket.say(text_of({"arg": arg, "action": action, "data": [told | {"checksum": 0}]}))

    def _told(self, bids: Mapping[int, int], asks: Mapping[int, int]) -> dict[str, object]:
        told: dict[str, object] = {
            "bids": [[*row, "0", "1"] for row in rows(dict(bids), falling=True)],
            "asks": [[*row, "0", "1"] for row in rows(dict(asks))],
        }
        return told | {"ts": str(self.millis)}

    def catalogue(self, fetch: Fetch) -> object:
        spot = dict(fetch.params)["instType"] == "SPOT"
        listed = [
            {
                "instType": "SPOT",
                "instId": name,
                "state": "live",
                "tickSz": TICK,
                "lotSz": STEP,
                "baseCcy": name.partition("-")[0],
                "quoteCcy": name.partition("-")[2],
            }
            for name in self.books
        ]
        return {"code": "0", "data": listed if spot else []}

    def rest(self, fetch: Fetch, lag: Nanos) -> Response:
        book = self.books.get(dict(fetch.params).get("instId", ""))
        if not fetch.path.endswith("/market/books") or book is None:
            return Response(status=404, body=b"")
        last = book.lagging(self.now, lag) if lag else book.last
        picture = book.history[last]
        told = self._told(picture.bids, picture.asks) | {"seqId": last}
        return json_response({"code": "0", "msg": "", "data": [told]})
