"""A stand-in for the API: it speaks docs/api.md over generated data, for tests of what reads it.

`StandIn` holds a `Picture` that moves; a test changes it and looks at what a page makes of that.
"""

import asyncio
import threading
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from fastapi import FastAPI, Request, Response, WebSocket, WebSocketDisconnect
from fastapi.responses import JSONResponse
from tests.support.stand_in_answers import (
    DRILLS,
    told_curve,
    told_heat,
    told_history,
    told_incident,
    told_quote,
    told_run,
)
from tests.support.stand_in_books import a_ladder
from tests.support.stand_in_market import a_picture, moved

from tidegauge.faces.api.answers import answer
from tidegauge.faces.api.desk import Carried
from tidegauge.faces.api.patches import document_of, patch_of
from tidegauge.faces.web.page import router
from tidegauge.runtime.window.books import ShownLadder
from tidegauge.runtime.window.picture import Picture

STEP_S = 0.25
DONE = Carried(done=True, waits=False, said="It is done.", version=2)


class StandIn:
    """The state behind the stand-in. `frozen`: nothing moves. `admitted`: who asks is let in.
    `orders` are the commands that came, with their bodies; `answers` what the next ones are told.
    Whoever changes the picture holds `changing`: it moves in the thread of the server."""

    def __init__(self) -> None:
        self.changing = threading.Lock()
        self.reset()

    def reset(self) -> None:
        """Begin anew."""
        with self.changing:
            self.picture: Picture = a_picture(datetime.now(UTC))
            self.ticks = 0
            self._frozen = False
        self.admitted = True
        self.drills = True
        self.looks = 0
        self.orders: list[tuple[str, dict[str, Any]]] = []
        self.answers: list[tuple[int, Any]] = []

    @property
    def frozen(self) -> bool:
        return self._frozen

    @frozen.setter
    def frozen(self, frozen: bool) -> None:
        with self.changing:
            self._frozen = frozen

    def step(self) -> None:
        """Let the numbers move."""
        with self.changing:
            if not self._frozen:
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

    def ordered(self, name: str, body: dict[str, Any]) -> Response:
        """Note a command, and answer it."""
        self.orders.append((name, body))
        status, told = self.answers.pop(0) if self.answers else (200, DONE)
        return answer(told, status)

    def acknowledge(self, id_: str, by: str | None) -> None:
        """Do to the picture what the command does to the daemon."""
        with self.changing:
            incident = self.picture.incidents[id_]
            taken = replace(
                incident,
                state="acknowledged",
                acknowledged_by=by or "browser",
                acknowledged_at=self.picture.at,
                version=incident.version + 1,
            )
            self.picture = replace(self.picture, incidents={**self.picture.incidents, id_: taken})


def problem(status: int, detail: str) -> Response:
    """Return problem details (RFC 9457)."""
    told = {"type": "about:blank", "title": detail, "status": status, "detail": detail}
    return JSONResponse(told, status, media_type="application/problem+json")


def create_stand_in(state: StandIn) -> FastAPI:
    """Return the app."""
    app = FastAPI()
    app.include_router(router)

    @app.middleware("http")
    async def guard(request: Request, call_next: Any) -> Response:
        page = request.url.path == "/" or request.url.path.startswith("/assets/")
        if not (page or state.admitted):
            return problem(401, "A token is wanted.")
        found: Response = await call_next(request)
        return found

    _looks(app, state)
    _drills(app, state)
    _commands(app, state)
    _stream(app, state)
    return app


def _looks(app: FastAPI, state: StandIn) -> None:
    @app.get("/daemons")
    async def daemons() -> Response:
        return answer(list(state.picture.daemons.values()))

    @app.get("/history/{venue}/{symbol}")
    async def history(venue: str, symbol: str, request: Request) -> Response:
        return answer(told_history(state.picture, venue, symbol, dict(request.query_params)))

    @app.get("/heat/{venue}/{symbol}")
    async def heat(venue: str, symbol: str, request: Request) -> Response:
        return answer(told_heat(state.picture, venue, symbol, dict(request.query_params)))

    @app.get("/curve")
    async def curve(symbol: str) -> Response:
        return answer(told_curve(state.picture, symbol))

    @app.get("/quote")
    async def quote(symbol: str, side: str, notional: Decimal) -> Response:
        return answer(told_quote(state.picture, symbol, side, notional))

    @app.get("/incidents/{id_}")
    async def incident(id_: str) -> Response:
        if id_ not in state.picture.incidents:
            return problem(404, "There is no such incident.")
        return answer(told_incident(state.picture, state.orders, id_))


def _drills(app: FastAPI, state: StandIn) -> None:
    @app.post("/logout", status_code=204)
    async def log_out() -> None:
        state.admitted = False

    @app.get("/drills")
    async def drills() -> Response:
        return answer(DRILLS) if state.drills else problem(404, "Not Found")

    @app.get("/drills/runs")
    async def runs() -> Response:
        return answer([])

    @app.get("/drills/runs/run-1")
    async def run() -> Response:
        state.looks += 1
        return answer(told_run(state.picture.at, over=state.looks > 1))

    @app.post("/drills/{name}")
    async def start(name: str) -> Response:
        state.orders.append((f"drill {name}", {}))
        return answer(told_run(state.picture.at, over=False), 202)


def _commands(app: FastAPI, state: StandIn) -> None:
    @app.post("/incidents/{id_}/{name}")
    async def command(id_: str, name: str, request: Request) -> Response:
        body = await request.json()
        told = state.ordered(f"{name} {id_}", body)
        if name == "acknowledge" and told.status_code == 200:
            state.acknowledge(id_, body.get("by"))
        return told

    @app.post("/silences")
    async def silence(request: Request) -> Response:
        return state.ordered("silence", await request.json())

    @app.delete("/silences/{id_}")
    async def unsilence(id_: str) -> Response:
        return state.ordered(f"unsilence {id_}", {})


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
            if patch := patch_of(before, after):
                sequence += 1
                await socket.send_json({"type": "patch", "seq": sequence, "patch": patch})
            before = after
    finally:
        asked.cancel()


def _shown(state: StandIn, wanted: dict[str, Any]) -> dict[str, Any]:
    symbols = wanted["symbols"]
    books = {key: book for key, book in state.picture.books.items() if book.symbol in symbols}
    return {
        "picture": document_of(replace(state.picture, books=books)),
        "ladders": document_of(state.ladders(symbols, wanted["ladders"])),
    }
