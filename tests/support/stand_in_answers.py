"""What the stand-in answers: the routes of docs/api.md, of generated numbers."""

import json
from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import msgspec

from tidegauge.runtime.window.picture import Picture


def plain(shown: Any) -> Any:
    """Return a record as the API tells it: exact numbers as strings, and no nulls."""
    return _without_nulls(json.loads(msgspec.json.encode(shown)))


def _without_nulls(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _without_nulls(each) for name, each in value.items() if each is not None}
    return value


def told_curve(picture: Picture, symbol: str) -> Any:
    """Return an answer of `/curve`."""
    sizes = [Decimal(round(10 ** (3 + at / 10))) for at in range(40)]
    books = [book for book in picture.books.values() if book.symbol == symbol and book.reading]

    def cost(at: int, size: Decimal) -> float | None:
        return None if size > 2_000_000 * (at + 1) else 0.4 + float(size) ** 0.5 / (180 + 60 * at)

    venues = {
        book.venue: {side: [cost(at, size) for size in sizes] for side in ("buy", "sell")}
        for at, book in enumerate(books)
    }
    together = {
        side: [0.3 + float(size) ** 0.5 / 500 for size in sizes] for side in ("buy", "sell")
    }
    return json.loads(
        msgspec.json.encode(
            {
                "symbol": symbol,
                "at": picture.at,
                "sizes": sizes,
                "venues": venues,
                "together": together,
            }
        )
    )


def told_history(
    picture: Picture, venue: str, symbol: str, asked: dict[str, str]
) -> dict[str, Any]:
    """Return an answer of `/history`: a calm wave with a crunch in its last third."""
    since, until, step = (
        datetime.fromisoformat(asked["from"]),
        datetime.fromisoformat(asked["to"]),
        int(asked["step"]),
    )
    book = picture.books[f"{venue}/{symbol}"]
    rows = int((until - since).total_seconds() // step)
    points: list[dict[str, Any]] = []
    for at in range(rows):
        bad = 0.35 if 0.62 < at / rows < 0.7 else 1.0
        wave = ((at * 7919) % 101) / 101
        depth = Decimal(round(2_000_000 * bad * (0.9 + wave / 5)))
        mid = Decimal(61_000) + Decimal(at % 97) / 4
        points.append(
            {
                "at": (since + timedelta(seconds=at * step)).isoformat(),
                "mid": str(mid),
                "spread_bps": (0.15 + wave / 20) / bad,
                "imbalance": wave - 0.5,
                "bands": {"10": [str(depth), str(depth)], "25": [str(depth * 2), str(depth * 2)]},
                "slippage": {
                    "sell 100000": 0.5 / bad,
                    "sell 1000000": 2.5 / bad + wave,
                    "buy 1000000": 2.2 / bad,
                },
                "depth_z": 6.0 - wave if bad < 1 else wave * 2 - 1,
                "spread_z": 3.0 if bad < 1 else wave,
            }
        )
    span = until - since
    crunch = {
        "id": "old-alert",
        "signal": "liquidity_crunch",
        "severity": "high",
        "started_at": (since + span * 0.62).isoformat(),
        "ended_at": (since + span * 0.71).isoformat(),
        "sentence": "Depth fell.",
    }
    gap: dict[str, Any] = {
        "from": (since + span * 0.3).isoformat(),
        "to": (since + span * 0.36).isoformat(),
        "trust": "STALE",
        "reason": "silent",
    }
    first = book.venue == "binance"
    return {
        "venue": venue,
        "symbol": symbol,
        "step_s": step,
        "source": "readings",
        "points": points
        if not first
        else [p for p in points if not gap["from"] < p["at"] < gap["to"]],
        "alerts": [crunch],
        "trust": [gap] if first else [],
    }


def told_heat(picture: Picture, venue: str, symbol: str, asked: dict[str, str]) -> dict[str, Any]:
    """Return an answer of `/heat`."""
    told = told_history(picture, venue, symbol, asked)
    bands = [1, 2, 5, 10, 25, 50, 100]
    columns = []
    for at, point in enumerate(told["points"]):
        thin = 0.35 if point["spread_z"] == 3.0 else 1.0
        rests = [
            str(round(40_000 * width * thin * (1 + ((at * 31 + width) % 17) / 20)))
            for width in (1, 1, 3, 5, 15, 25, 50)
        ]
        columns.append({"at": point["at"], "mid": point["mid"], "bids": rests, "asks": rests})
    return {
        "venue": venue,
        "symbol": symbol,
        "step_s": told["step_s"],
        "bands": bands,
        "columns": columns,
    }


def told_quote(picture: Picture, symbol: str, side: str, notional: Decimal) -> Any:
    """Return an answer of `/quote`."""
    books = [book for book in picture.books.values() if book.symbol == symbol]
    live = [book for book in books if book.reading]
    venues = [
        {
            "venue": book.venue,
            "trust": "LIVE",
            "age_s": 0.2,
            "quote": "USDT",
            "rate": "1",
            "filled": at != 2,
            "filled_fraction": 1.0 if at != 2 else 0.61,
            "average": 60_998.25,
            "worst": "60990.1",
            "slippage_bps": 1.9 + at if at != 2 else None,
            "partial_slippage_bps": None,
            "cost": 190.5 + at,
            "floor": False,
            "why": None,
        }
        for at, book in enumerate(live)
    ]
    portions = [
        {
            "venue": book.venue,
            "quote": str(notional / len(live)),
            "share": 1 / len(live),
            "average": 60_999.1,
        }
        for book in live
    ]
    return {
        "symbol": symbol,
        "side": side,
        "notional": str(notional),
        "quote": "USDT",
        "at": picture.at.isoformat(),
        "venues": venues,
        "best": live[0].venue,
        "together": {
            "filled": True,
            "average": 60_999.2,
            "slippage_bps": 0.84,
            "portions": portions,
        },
        "left_out": [[book.venue, book.reason] for book in books if not book.reading],
    }


def told_incident(picture: Picture, orders: Sequence[tuple[str, dict[str, Any]]], id_: str) -> Any:
    """Return an answer of `/incidents/{id}`."""
    incident = picture.incidents[id_]
    alerts = [picture.alerts[each] for each in incident.alerts if each in picture.alerts]
    at = incident.opened_at.isoformat()
    timeline = [
        {
            "at": at,
            "kind": "opened",
            "actor": "tidegauge",
            "comment": None,
            "detail": incident.trigger,
        }
    ]
    timeline += [
        {
            "at": at,
            "kind": name.split()[0],
            "actor": body.get("by"),
            "comment": body.get("comment"),
            "detail": None,
        }
        for name, body in orders
    ]
    deliveries = [
        {
            "at": at,
            "channel": "slack",
            "kind": "opened",
            "arrival": "arrived",
            "attempts": 1,
            "said": "200",
        }
    ]
    return {
        "incident": plain(incident),
        "alerts": plain(alerts),
        "timeline": timeline,
        "deliveries": deliveries,
    }
