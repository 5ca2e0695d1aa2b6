"""What Binance tells beside its books, from the server's side: trades, marks, liquidations."""

from collections.abc import Collection, Iterator, Mapping

from tidegauge.core.instrument import MILLISECOND, SECOND, Nanos
from tidegauge.simulator.dealings import Deal, Dealings, dealings, next_funding
from tidegauge.simulator.dialect import Answer, json_answer
from tidegauge.simulator.exchange import Exchange, Speller

Told = tuple[str, Mapping[str, object]]
"""The name of a stream, and what it says now."""


class BinanceBeside:
    """The streams of one market that are no books. `universe`: 1 USD-M, 2 COIN-M, None spot."""

    def __init__(self, exchange: Exchange, universe: int | None) -> None:
        self.exchange = exchange
        self.universe = universe
        self.dealings = dealings(exchange)
        self.spellers = {name: Speller(book.listing) for name, book in exchange.books.items()}
        self.marks_due: Nanos = 0

    def advance(self, now: Nanos, wanted: Collection[str]) -> Iterator[Told]:
        """Tell what is `wanted`, at wall time `now`."""
        at = self.exchange.stage.market_time(now)
        marks_due = at >= self.marks_due
        if marks_due:
            self.marks_due = at - at % SECOND + SECOND
        for name, each in self.dealings.items():
            stem = name.lower()
            for deal in each.deals(at):
                for kind in ("trade", "aggTrade"):
                    if f"{stem}@{kind}" in wanted:
                        yield f"{stem}@{kind}", self._deal(kind, name, deal, now)
                if deal.liquidation and f"{stem}@forceOrder" in wanted:
                    yield f"{stem}@forceOrder", self._forced(name, deal, now)
            if marks_due and self.universe is not None:
                for stream in (f"{stem}@markPrice@1s", f"{stem}@markPrice"):
                    if stream in wanted:
                        yield stream, self._mark(name, each, now)

    def open_interest(self, name: str, now: Nanos) -> Answer:
        """Answer `openInterest`."""
        lots = self.dealings[name].open_interest
        body: dict[str, object] = {
            "symbol": name,
            "openInterest": self.spellers[name].size(lots),
            "time": now // MILLISECOND,
        }
        if self.universe == 2:  # noqa: PLR2004
            body |= {"pair": name.partition("_")[0], "contractType": "PERPETUAL"}
        return json_answer(body)

    def _deal(self, kind: str, name: str, deal: Deal, now: Nanos) -> dict[str, object]:
        speller, stamp = self.spellers[name], now // MILLISECOND
        size = speller.size(deal.lots)
        payload: dict[str, object] = {"e": kind, "E": stamp, "s": name}
        payload["a" if kind == "aggTrade" else "t"] = deal.number
        payload |= {"p": speller.price(deal.tick), "q": size}
        if kind == "aggTrade":
            payload |= {"f": deal.number, "l": deal.number}
        payload |= {"T": stamp, "m": not deal.bought}
        if self.universe is None:
            return payload | {"M": True}
        if kind == "trade":
            return payload | {"X": "MARKET"}
        return payload | {"nq": size, "st": self.universe}

    def _mark(self, name: str, told: Dealings, now: Nanos) -> dict[str, object]:
        speller = self.spellers[name]
        mark = speller.price(told.mark)
        return {
            "e": "markPriceUpdate",
            "E": now // MILLISECOND,
            "s": name,
            "p": mark,
            "ap": mark,
            "i": speller.price(told.index),
            "P": mark,
            "r": told.funding,
            "T": next_funding(now) // MILLISECOND,
            "st": self.universe,
        }

    def _forced(self, name: str, deal: Deal, now: Nanos) -> dict[str, object]:
        speller, stamp = self.spellers[name], now // MILLISECOND
        size, price = speller.size(deal.lots), speller.price(deal.tick)
        order = {
            "s": name,
            "S": "BUY" if deal.bought else "SELL",
            "o": "LIMIT",
            "f": "IOC",
            "q": size,
            "p": price,
            "ap": price,
            "X": "FILLED",
            "l": size,
            "z": size,
            "T": stamp,
        }
        return {"e": "forceOrder", "E": stamp, "o": order}
