"""A stand-in for the API: it speaks docs/api.md over generated data, for tests of what reads it.

`StandIn` holds a `Picture` that moves; a test changes it and looks at what a page makes of that.
"""

import asyncio
import json
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import msgspec
from fastapi import FastAPI, Request, Response, WebSocket, WebSocketDisconnect
from fastapi.responses import JSONResponse
from tests.support.stand_in_market import a_ladder, a_picture, moved

from tidegauge.faces.web.page import router
from tidegauge.runtime.window.books import ShownLadder
from tidegauge.runtime.window.picture import Picture

STEP_S = 0.25


class StandIn:
    """The state behind the stand-in. `frozen`: nothing moves. `admitted`: who asks is let in.
    `orders` are the commands that came, with their bodies; `answers` what the next ones are told."""

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Begin anew."""
        self.picture: Picture = a_picture(datetime.now(UTC))
        self.ticks = 0
        self.frozen = False
        self.admitted = True
        self.drills = True
        self.orders: list[tuple[str, dict[str, Any]]] = []
        self.answers: list[tuple[int, dict[str, Any]]] = []
        self.runs: dict[str, int] = {}

    def step(self) -> None:
        """Let the numbers move."""
        if not self.frozen:
            self.ticks += 1
            self.picture = moved(self.picture, datetime.now(UTC), self.ticks)

    def ladders(self, symbols: list[str], levels: int) -> dict[str, ShownLadder]:
        """Return the ladders of the books of these symbols."""
        books = self.picture.books.items()
        return {
            key: a_ladder(book, levels, self.picture.at, self.ticks)
            for key, book in books
            if book.symbol in symbols and levels
        }

    def ordered(self, name: str, body: dict[str, Any]) -> JSONResponse:
        """Note a command, and answer it."""
        self.orders.append((name, body))
        status, told = (
            self.answers.pop(0)
            if self.answers
            else (200, {"done": True, "waits": False, "said": "It is done.", "version": 2})
        )
        return JSONResponse(told, status)

    def acknowledge(self, id_: str, by: str | None) -> None:
        """Do to the picture what the command does to the daemon."""
        incident = self.picture.incidents[id_]
        taken = replace(
            incident,
            state="acknowledged",
            acknowledged_by=by or "web",
            acknowledged_at=self.picture.at,
            version=incident.version + 1,
        )
        self.picture = replace(self.picture, incidents={**self.picture.incidents, id_: taken})


def plain(shown: Any) -> Any:
    """Return a record as the API tells it: exact numbers as strings, and no nulls."""
    return _without_nulls(json.loads(msgspec.json.encode(shown)))


def _without_nulls(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _without_nulls(each) for name, each in value.items() if each is not None}
    return value


def difference(before: Any, after: Any) -> Any:
    """Return the merge patch (RFC 7386) from one to the other."""
    found = {}
    for name, value in after.items():
        if name not in before:
            found[name] = value
        elif isinstance(value, dict) and isinstance(before[name], dict):
            if inner := difference(before[name], value):
                found[name] = inner
        elif value != before[name]:
            found[name] = value
    return found | dict.fromkeys(before.keys() - after.keys())


def problem(status: int, detail: str) -> JSONResponse:
    """Return problem details (RFC 9457)."""
    return JSONResponse(
        {"type": "about:blank", "title": detail, "status": status, "detail": detail},
        status,
        media_type="application/problem+json",
    )


def create_stand_in(state: StandIn) -> FastAPI:
    """Return the app."""
    app = FastAPI()
    app.include_router(router)

    @app.middleware("http")
    async def guard(request: Request, call_next: Any) -> Response:
        page = request.url.path == "/" or request.url.path.startswith("/assets/")
        if not (page or state.admitted):
            return problem(401, "A token is wanted.")
        answer: Response = await call_next(request)
        return answer

    _looks(app, state)
    _commands(app, state)
    _stream(app, state)
    return app


def _looks(app: FastAPI, state: StandIn) -> None:
    @app.get("/daemons")
    async def daemons() -> Any:
        return plain(list(state.picture.daemons.values()))

    @app.get("/history/{venue}/{symbol}")
    async def history(venue: str, symbol: str, request: Request) -> Any:
        return told_history(state, venue, symbol, dict(request.query_params))

    @app.get("/heat/{venue}/{symbol}")
    async def heat(venue: str, symbol: str, request: Request) -> Any:
        return told_heat(state, venue, symbol, dict(request.query_params))

    @app.get("/curve")
    async def curve(symbol: str) -> Any:
        sizes = [Decimal(round(10 ** (3 + at / 10))) for at in range(40)]
        books = [
            book for book in state.picture.books.values() if book.symbol == symbol and book.reading
        ]

        def cost(at: int, size: Decimal) -> float | None:
            return (
                None if size > 2_000_000 * (at + 1) else 0.4 + float(size) ** 0.5 / (180 + 60 * at)
            )

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
                    "at": state.picture.at,
                    "sizes": sizes,
                    "venues": venues,
                    "together": together,
                }
            )
        )

    @app.get("/quote")
    async def quote(symbol: str, side: str, notional: Decimal) -> Any:
        return told_quote(state, symbol, side, notional)

    @app.get("/incidents/{id_}")
    async def incident(id_: str) -> Any:
        found = state.picture.incidents.get(id_)
        return (
            problem(404, "There is no such incident.")
            if found is None
            else told_incident(state, id_)
        )

    @app.get("/drills")
    async def drills() -> Any:
        if not state.drills:
            return problem(404, "Not Found")
        return [
            {
                "name": "step-crunch",
                "said": "Both sides of one book lose 65 % of their depth at once.",
            },
            {"name": "calm", "said": "Nothing happens, on four venues."},
        ]

    @app.get("/drills/runs/{id_}")
    async def run(id_: str) -> Any:
        state.runs[id_] += 1
        done = state.runs[id_] > 2
        checks = [
            {
                "expected": "liquidity_crunch on binance fires within 4 s",
                "came": "after 2.1 s",
                "met": True,
            }
        ]
        return {
            "id": id_,
            "state": "done" if done else "running",
            "progress": min(1.0, state.runs[id_] / 3),
            "passed": True if done else None,
            "checks": checks if done else [],
        }


def _commands(app: FastAPI, state: StandIn) -> None:
    @app.post("/incidents/{id_}/{name}")
    async def command(id_: str, name: str, request: Request) -> Any:
        body = await request.json()
        answer = state.ordered(f"{name} {id_}", body)
        if name == "acknowledge" and answer.status_code == 200:
            state.acknowledge(id_, body.get("by"))
        return answer

    @app.post("/silences")
    async def silence(request: Request) -> Any:
        return state.ordered("silence", await request.json())

    @app.delete("/silences/{id_}")
    async def unsilence(id_: str) -> Any:
        return state.ordered(f"unsilence {id_}", {})

    @app.post("/drills/{name}")
    async def start(name: str) -> Any:
        state.orders.append((f"drill {name}", {}))
        state.runs["run-1"] = 0
        return JSONResponse({"id": "run-1", "state": "running"}, 202)


def _stream(app: FastAPI, state: StandIn) -> None:
    @app.websocket("/stream")
    async def stream(socket: WebSocket) -> None:
        if not state.admitted:
            await socket.close(4401)
            return
        await socket.accept()
        with suppress(WebSocketDisconnect, RuntimeError):
            await _tell(socket, state)


async def _tell(socket: WebSocket, state: StandIn) -> None:
    wanted = await socket.receive_json()
    asked = asyncio.ensure_future(socket.receive_json())
    sequence, before = 1, _shown(state, wanted)
    await socket.send_json({"type": "snapshot", "seq": sequence, **before})
    try:
        while True:
            await asyncio.wait((asked,), timeout=STEP_S)
            if asked.done():
                wanted = asked.result()
                asked = asyncio.ensure_future(socket.receive_json())
            state.step()
            after = _shown(state, wanted)
            if patch := difference(before, after):
                sequence += 1
                await socket.send_json({"type": "patch", "seq": sequence, "patch": patch})
            before = after
    finally:
        asked.cancel()


def _shown(state: StandIn, wanted: dict[str, Any]) -> dict[str, Any]:
    symbols = wanted["symbols"]
    books = {key: book for key, book in state.picture.books.items() if book.symbol in symbols}
    return {
        "picture": plain(replace(state.picture, books=books)),
        "ladders": plain(state.ladders(symbols, wanted["ladders"])),
    }


def told_history(state: StandIn, venue: str, symbol: str, asked: dict[str, str]) -> dict[str, Any]:
    """Return an answer of `/history`: a calm wave with a crunch in its last third."""
    since, until, step = (
        datetime.fromisoformat(asked["from"]),
        datetime.fromisoformat(asked["to"]),
        int(asked["step"]),
    )
    book = state.picture.books[f"{venue}/{symbol}"]
    rows = int((until - since).total_seconds() // step)
    points = []
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
    gap = {
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


def told_heat(state: StandIn, venue: str, symbol: str, asked: dict[str, str]) -> dict[str, Any]:
    """Return an answer of `/heat`."""
    told = told_history(state, venue, symbol, asked)
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


def told_quote(state: StandIn, symbol: str, side: str, notional: Decimal) -> Any:
    """Return an answer of `/quote`."""
    books = [book for book in state.picture.books.values() if book.symbol == symbol]
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
        "at": state.picture.at.isoformat(),
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


def told_incident(state: StandIn, id_: str) -> Any:
    """Return an answer of `/incidents/{id}`."""
    incident = state.picture.incidents[id_]
    alerts = [
        state.picture.alerts[each] for each in incident.alerts if each in state.picture.alerts
    ]
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
        for name, body in state.orders
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
