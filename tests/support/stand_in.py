"""A stand-in for the API: it speaks docs/api.md over generated data, for tests of what reads it.

`StandIn` holds a `Picture` that moves; a test changes it and looks at what a page makes of that.
"""

import asyncio
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from fastapi import FastAPI, Request, Response, WebSocket, WebSocketDisconnect
from fastapi.responses import JSONResponse
from tests.support.stand_in_answers import (
    plain,
    told_curve,
    told_heat,
    told_history,
    told_incident,
    told_quote,
)
from tests.support.stand_in_books import a_ladder
from tests.support.stand_in_market import a_picture, moved

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
        return told_history(state.picture, venue, symbol, dict(request.query_params))

    @app.get("/heat/{venue}/{symbol}")
    async def heat(venue: str, symbol: str, request: Request) -> Any:
        return told_heat(state.picture, venue, symbol, dict(request.query_params))

    @app.get("/curve")
    async def curve(symbol: str) -> Any:
        return told_curve(state.picture, symbol)

    @app.get("/quote")
    async def quote(symbol: str, side: str, notional: Decimal) -> Any:
        return told_quote(state.picture, symbol, side, notional)

    @app.get("/incidents/{id_}")
    async def incident(id_: str) -> Any:
        found = state.picture.incidents.get(id_)
        return (
            problem(404, "There is no such incident.")
            if found is None
            else told_incident(state.picture, state.orders, id_)
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
        done = state.runs[id_] > 1
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
            "progress": min(1.0, state.runs[id_] / 2),
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
