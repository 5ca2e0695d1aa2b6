"""Binance's `exchangeInfo`: spot, USD-M and COIN-M."""

from collections.abc import Mapping, Sequence

import msgspec

from tidegauge.core.instrument import MILLISECOND, Nanos
from tidegauge.simulator.dialect import Answer, json_answer
from tidegauge.simulator.listing import Listing

_RATE_LIMITS = {
    False: [
        {"rateLimitType": "REQUEST_WEIGHT", "interval": "MINUTE", "intervalNum": 1, "limit": 6000},
        {"rateLimitType": "RAW_REQUESTS", "interval": "MINUTE", "intervalNum": 5, "limit": 300000},
    ],
    True: [
        {"rateLimitType": "REQUEST_WEIGHT", "interval": "MINUTE", "intervalNum": 1, "limit": 2400},
    ],
}


def catalogue(
    listings: Sequence[Listing], query: Mapping[str, str], now: Nanos, *, universe: int | None
) -> Answer:
    """Answer an `exchangeInfo` request for all symbols, one, or some.

    `universe`: 1 USD-M, 2 COIN-M, None spot.
    """
    row = {None: _spot, 1: _perpetual, 2: _coin_margined}[universe]
    wanted = _wanted(query)
    known = {listing.name for listing in listings}
    if wanted is not None and not wanted <= known:
        return json_answer({"code": -1121, "msg": "Invalid symbol."}, status=400)
    return json_answer(
        {
            "timezone": "UTC",
            "serverTime": now // MILLISECOND,
            "rateLimits": _RATE_LIMITS[universe is not None],
            "exchangeFilters": [],
            "symbols": [
                row(listing) for listing in listings if wanted is None or listing.name in wanted
            ],
        }
    )


def _wanted(query: Mapping[str, str]) -> set[str] | None:
    if "symbol" in query:
        return {query["symbol"]}
    if "symbols" in query:
        try:
            return set(msgspec.json.decode(query["symbols"], type=list[str]))
        except msgspec.MsgspecError:
            return {""}
    return None


def _filters(listing: Listing) -> list[dict[str, object]]:
    places, sizes = listing.price_places, listing.size_places
    return [
        {
            "filterType": "PRICE_FILTER",
            "minPrice": f"{listing.tick:.{places}f}",
            "maxPrice": f"{1_000_000:.{places}f}",
            "tickSize": f"{listing.tick:.{places}f}",
        },
        {
            "filterType": "LOT_SIZE",
            "minQty": f"{listing.step:.{sizes}f}",
            "maxQty": f"{9_000:.{sizes}f}",
            "stepSize": f"{listing.step:.{sizes}f}",
        },
    ]


def _spot(listing: Listing) -> dict[str, object]:
    return {
        "symbol": listing.name,
        "status": "TRADING",
        "baseAsset": listing.base,
        "baseAssetPrecision": 8,
        "quoteAsset": listing.quote,
        "quotePrecision": 8,
        "quoteAssetPrecision": 8,
        "orderTypes": ["LIMIT", "LIMIT_MAKER", "MARKET"],
        "icebergAllowed": True,
        "isSpotTradingAllowed": True,
        "isMarginTradingAllowed": True,
        "filters": _filters(listing),
        "permissions": [],
        "permissionSets": [["SPOT"]],
    }


def _perpetual(listing: Listing) -> dict[str, object]:
    return {
        "symbol": listing.name,
        "pair": listing.name,
        "contractType": "PERPETUAL",
        "deliveryDate": 4133404800000,
        "onboardDate": 1569398400000,
        "status": "TRADING",
        "baseAsset": listing.base,
        "quoteAsset": listing.quote,
        "marginAsset": listing.quote,
        "pricePrecision": listing.price_places,
        "quantityPrecision": listing.size_places,
        "baseAssetPrecision": 8,
        "quotePrecision": 8,
        "underlyingType": "COIN",
        "filters": _filters(listing),
        "orderTypes": ["LIMIT", "MARKET", "STOP"],
        "timeInForce": ["GTC", "IOC", "FOK", "GTX"],
    }


def _coin_margined(listing: Listing) -> dict[str, object]:
    row = _perpetual(listing)
    status = row.pop("status")
    return row | {
        "pair": f"{listing.base}{listing.quote}",
        "contractStatus": status,
        "contractSize": int(listing.lot_quote or 1),
        "marginAsset": listing.base,
    }
