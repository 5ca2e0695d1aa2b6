"""A simulated venue without sockets: one client, wall time by hand, frames as they would arrive."""

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import msgspec

from tidegauge.core.book import OrderBook
from tidegauge.core.instrument import MILLISECOND, SECOND, Nanos, VenueName
from tidegauge.core.side import Side
from tidegauge.simulator.dialect import Answer, Close, Request, Say
from tidegauge.simulator.exchange import Stage
from tidegauge.simulator.faults import Troubled
from tidegauge.simulator.market import MarketBook
from tidegauge.simulator.scenario import CALM, Scenario
from tidegauge.simulator.venues import simulate

START: Nanos = 1_790_000_000 * SECOND


class Simulated:
    """One venue and its only client (more can be opened). `heard` is every frame told so far."""

    def __init__(
        self,
        venue: VenueName,
        symbols: Sequence[str] = ("BTCUSDT",),
        *,
        seed: int = 1,
        scenario: Scenario = CALM,
        speed: float = 1.0,
    ) -> None:
        self.now = START
        self.stage = Stage(origin=START, speed=speed, scenario=scenario)
        inner, self.exchange = simulate(venue, symbols, stage=self.stage, seed=seed)
        self.dialect = Troubled(inner)
        self.heard: list[str] = []
        self.closed: dict[int, bool] = {}

    def open(self, address: str, connection: int = 1) -> list[Any]:
        """Connect; return what the server says at once."""
        parts = urlsplit(address)
        assert self.dialect.admit(parts.path, self.now) is None
        query = dict(parse_qsl(parts.query))
        return self._hear(self.dialect.connected(connection, parts.path, query, self.now))

    def say(self, message: object, connection: int = 1) -> list[Any]:
        """Send a message (JSON unless it is text already); return what is said at once."""
        text = message if isinstance(message, str) else msgspec.json.encode(message).decode()
        return self._hear(self.dialect.received(connection, text, self.now))

    def run(self, seconds: float) -> list[Any]:
        """Let time pass in beats of 50 ms; return what was told meanwhile."""
        heard = []
        for _ in range(round(seconds * 20)):
            self.now += 50 * MILLISECOND
            heard.extend(self._hear(self.dialect.advance(self.now)))
        return heard

    def rest(self, address: str, *, body: object = None) -> Answer:
        """Make a request; a body makes it a POST."""
        parts = urlsplit(address)
        return self.dialect.rest(
            Request(
                method="GET" if body is None else "POST",
                path=parts.path,
                query=dict(parse_qsl(parts.query)),
                body="" if body is None else msgspec.json.encode(body).decode(),
            ),
            self.now,
        )

    def json(self, address: str, *, body: object = None) -> Any:
        """Make a request that succeeds, and return what it says."""
        answer = self.rest(address, body=body)
        assert answer.status == 200, answer
        return msgspec.json.decode(answer.body)

    def market(self, name: str = "BTCUSDT") -> MarketBook:
        """Return the generated book behind it all."""
        return self.exchange.books[name]

    def _hear(self, replies: Sequence[Say | Close]) -> list[Any]:
        heard = []
        for reply in replies:
            if isinstance(reply, Close):
                self.closed[reply.connection] = reply.abrupt
                self.dialect.disconnected(reply.connection)
            else:
                self.heard.append(reply.text)
                heard.append(msgspec.json.decode(reply.text))
        return heard


def exact(market: MarketBook) -> dict[Side, list[tuple[Any, Any]]]:
    """Return a generated book as (price, size), best first."""
    tick, step = market.listing.tick, market.listing.step
    return {
        side: [(ticks * tick, lots * step) for ticks, lots in market.ladder(side)] for side in Side
    }


def levels(book: OrderBook) -> dict[Side, list[tuple[Any, Any]]]:
    """Return a rebuilt book as (price, size), best first."""
    return {side: list(book.walk(side)) for side in Side}


def depth(market: MarketBook, bps: float = 10.0) -> dict[Side, float]:
    """Return the quote that rests within `bps` of the mid, by side."""
    middle = (market.best_bid + market.best_ask) / 2
    unit = float(market.listing.tick * market.listing.step)
    return {
        side: unit
        * sum(
            ticks * lots
            for ticks, lots in market.quotes[side].lots.items()
            if abs(ticks - middle) <= middle * bps / 1e4
        )
        for side in Side
    }


def same_keys(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Whether two JSON objects have the same fields with values of the same kinds."""
    return one.keys() == other.keys() and all(
        type(value) is type(other[key]) for key, value in one.items()
    )
