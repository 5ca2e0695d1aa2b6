"""What Bybit tells beside its books, from the server's side: trades, tickers, liquidations."""

from collections.abc import Collection, Iterator

from tidegauge.core.instrument import MILLISECOND, SECOND, Nanos
from tidegauge.simulator.dealings import Deal, Dealings, dealings, next_funding
from tidegauge.simulator.dialect import json_text
from tidegauge.simulator.exchange import Exchange, Speller

Told = tuple[str, str]
"""A topic, and the frame it tells now."""

SIDES = {True: "Buy", False: "Sell"}


class BybitBeside:
    """The topics of one category that are no books."""

    def __init__(self, exchange: Exchange, category: str) -> None:
        self.exchange = exchange
        self.linear = category != "spot"
        self.dealings = dealings(exchange)
        self.spellers = {name: Speller(book.listing) for name, book in exchange.books.items()}
        self.tickers_due: Nanos = 0

    def advance(self, now: Nanos, wanted: Collection[str]) -> Iterator[Told]:
        """Tell what is `wanted`, at wall time `now`."""
        at = self.exchange.stage.market_time(now)
        tickers_due = at >= self.tickers_due
        if tickers_due:
            self.tickers_due = at - at % SECOND + SECOND
        for name, each in self.dealings.items():
            deals = each.deals(at)
            topic = f"publicTrade.{name}"
            if deals and topic in wanted:
                rows = [self._deal(name, deal, now) for deal in deals]
                yield topic, self._frame(topic, "snapshot", rows, now)
            forced = [self._forced(name, deal, now) for deal in deals if deal.liquidation]
            topic = f"allLiquidation.{name}"
            if forced and self.linear and topic in wanted:
                yield topic, self._frame(topic, "snapshot", forced, now)
            topic = f"tickers.{name}"
            if tickers_due and self.linear and topic in wanted:
                yield topic, self.ticker(name, "delta", now)

    def ticker(self, name: str, kind: str, now: Nanos) -> str:
        """Return a ticker: a delta leaves out what has not changed."""
        told, speller = self.dealings[name], self.spellers[name]
        data = {
            "symbol": name,
            "markPrice": speller.price(told.mark),
            "indexPrice": speller.price(told.index),
            "openInterest": speller.size(told.open_interest),
        }
        if kind == "snapshot":
            data |= self._rarely_changed(told, now)
        return self._frame(f"tickers.{name}", kind, data, now)

    def _rarely_changed(self, told: Dealings, now: Nanos) -> dict[str, str]:
        return {
            "fundingRate": told.funding,
            "nextFundingTime": str(next_funding(now) // MILLISECOND),
            "fundingIntervalHour": "8",
        }

    def _deal(self, name: str, deal: Deal, now: Nanos) -> dict[str, object]:
        return self._row(name, deal, now, side=SIDES[deal.bought]) | {
            "L": "PlusTick" if deal.bought else "MinusTick",
            "i": f"{deal.number:08x}",
            "BT": False,
            "RPI": False,
            "seq": self.exchange.books[name].last_id,
        }

    def _forced(self, name: str, deal: Deal, now: Nanos) -> dict[str, object]:
        # The side of the position: a long is closed by a sale.
        return self._row(name, deal, now, side=SIDES[not deal.bought])

    def _row(self, name: str, deal: Deal, now: Nanos, *, side: str) -> dict[str, object]:
        speller = self.spellers[name]
        size, price = speller.size(deal.lots), speller.price(deal.tick)
        return {"T": now // MILLISECOND, "s": name, "S": side, "v": size, "p": price}

    def _frame(self, topic: str, kind: str, data: object, now: Nanos) -> str:
        return json_text({"topic": topic, "type": kind, "ts": now // MILLISECOND, "data": data})
