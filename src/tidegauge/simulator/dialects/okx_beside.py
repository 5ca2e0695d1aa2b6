"""What OKX tells beside its books, from the server's side: trades, marks, funding, liquidations."""

from collections.abc import Collection, Iterator
from typing import TypeAlias

from tidegauge.core.instrument import MILLISECOND, SECOND, Nanos
from tidegauge.simulator.dealings import FUNDING_EVERY, Deal, Dealings, dealings, next_funding
from tidegauge.simulator.dialect import json_text
from tidegauge.simulator.exchange import Exchange

from .okx_catalogue import SWAP, OkxSpeller, instrument_type

Key: TypeAlias = tuple[str, str]
"""Channel, and the instrument or the type of instruments it is about."""

Told: TypeAlias = tuple[Key, str, bool]
"""A channel, its frame, and whether it is for everybody or only for those who have heard nothing."""

EVERY = {"mark-price": SECOND, "funding-rate": 30 * SECOND, "open-interest": 3 * SECOND}


class OkxBeside:
    """The channels of one exchange that are no books."""

    def __init__(self, exchange: Exchange) -> None:
        self.exchange = exchange
        self.dealings = dealings(exchange)
        self.spellers = {name: OkxSpeller(book.listing) for name, book in exchange.books.items()}
        self.swaps = [
            name for name, book in exchange.books.items() if instrument_type(book.listing) == SWAP
        ]
        self.due: dict[str, Nanos] = dict.fromkeys(EVERY, 0)

    def advance(
        self, now: Nanos, wanted: Collection[Key], fresh: Collection[Key]
    ) -> Iterator[Told]:
        """Tell what is `wanted`; what is `fresh` is told its present state whenever that is."""
        at = self.exchange.stage.market_time(now)
        for name, each in self.dealings.items():
            deals = each.deals(at)
            if deals and ("trades", name) in wanted:
                yield ("trades", name), self._trades(name, deals, now), True
            forced = [deal for deal in deals if deal.liquidation and name in self.swaps]
            if forced and ("liquidation-orders", SWAP) in wanted:
                yield ("liquidation-orders", SWAP), self._liquidations(name, forced, now), True
        for channel, every in EVERY.items():
            due = at >= self.due[channel]
            if due:
                self.due[channel] = at - at % every + every
            for name in self.swaps:
                key = (channel, name)
                if key in wanted and (due or key in fresh):
                    yield key, self._state(channel, name, now), due

    def _trades(self, name: str, deals: list[Deal], now: Nanos) -> str:
        speller = self.spellers[name]
        rows: list[dict[str, object]] = [
            {
                "instId": name,
                "tradeId": str(deal.number),
                "px": speller.price(deal.tick),
                "sz": speller.size(deal.lots),
                "side": "buy" if deal.bought else "sell",
                "ts": str(now // MILLISECOND),
                "count": "1",
                "source": "0",
                "seqId": self.exchange.books[name].last_id,
            }
            for deal in deals
        ]
        return _frame({"channel": "trades", "instId": name}, rows)

    def _liquidations(self, name: str, deals: list[Deal], now: Nanos) -> str:
        speller, pair = self.spellers[name], name.removesuffix("-SWAP")
        details = [
            {
                "side": "buy" if deal.bought else "sell",
                "posSide": "short" if deal.bought else "long",
                "bkPx": speller.price(deal.tick),
                "sz": speller.size(deal.lots),
                "bkLoss": "0",
                "ccy": "",
                "ts": str(now // MILLISECOND),
            }
            for deal in deals
        ]
        row = {"instType": SWAP, "instFamily": pair, "instId": name, "uly": pair}
        arg = {"channel": "liquidation-orders", "instType": SWAP}
        return _frame(arg, [row | {"details": details}])

    def _state(self, channel: str, name: str, now: Nanos) -> str:
        told = self.dealings[name]
        row: dict[str, object] = {"instType": SWAP, "instId": name, "ts": str(now // MILLISECOND)}
        if channel == "mark-price":
            row["markPx"] = self.spellers[name].price(told.mark)
        elif channel == "open-interest":
            row |= self._interest(name, told)
        else:
            row |= _funding(told, now)
        return _frame({"channel": channel, "instId": name}, [row])

    def _interest(self, name: str, told: Dealings) -> dict[str, object]:
        base = told.open_interest * told.book.listing.step
        usd = base * told.mark * told.book.listing.tick
        contracts = self.spellers[name].size(told.open_interest)
        return {"oi": contracts, "oiCcy": f"{base:f}", "oiUsd": f"{usd:f}"}


def _funding(told: Dealings, now: Nanos) -> dict[str, object]:
    settles = next_funding(now)
    return {
        "fundingRate": told.funding,
        "fundingTime": str(settles // MILLISECOND),
        "nextFundingRate": "",
        "nextFundingTime": str((settles + FUNDING_EVERY) // MILLISECOND),
        "formulaType": "withRate",
        "method": "current_period",
        "settFundingRate": told.funding,
        "settState": "settled",
    }


def _frame(arg: dict[str, str], rows: list[dict[str, object]]) -> str:
    return json_text({"arg": arg, "data": rows})
