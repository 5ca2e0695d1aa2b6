"""A stand-in for the API: a real server that speaks docs/api.md, with numbers that move by themselves."""

import asyncio
import math
import random
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import msgspec
from aiohttp import WSMsgType, web
from tests.support.pictured import VENUES, picture_at
from tests.support.ports import kept_port

from tidegauge.faces.api.patches import document_of, patch_of

TOKEN = "a-token-that-opens-it"


@dataclass
class StandIn:
    """What it tells, and what it was asked for; change it while it runs."""

    every_s: float = 0.05
    refuses: int | None = None
    """Answer a stream with this status."""
    silent: bool = False
    """Accept streams, and say nothing."""
    frozen: bool = False
    """Say nothing new."""
    untrusted: frozenset[str] = frozenset()
    spoil: Any = None
    """Called with each document before it is told."""
    answer: tuple[int, Mapping[str, Any]] = (
        200,
        {"done": True, "waits": False, "said": "done by it"},
    )
    orders: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    subscriptions: list[dict[str, Any]] = field(default_factory=list)
    history: Mapping[str, Any] | None = None
    streams: set[web.WebSocketResponse] = field(default_factory=set)
    step: int = 0
    port: int = 0
    _runner: web.AppRunner | None = None

    @property
    def url(self) -> str:
        """Where it is."""
        return f"http://127.0.0.1:{self.port}"

    async def start(self) -> None:
        """Serve, at its port."""
        app = web.Application(middlewares=[_gate])
        app.router.add_get("/stream", self._stream)
        app.router.add_get("/history/{venue}/{symbol}", self._history)
        app.router.add_post("/{path:.*}", self._order)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", self.port)
        await site.start()

    async def stop(self) -> None:
        """End, with every stream."""
        if self._runner is not None:
            for each in list(self.streams):
                await each.close()
            await self._runner.cleanup()
            self._runner = None

    def document(self, wanted: Mapping[str, Any]) -> dict[str, Any]:
        """Return what a client should see now."""
        self.step += 1
        picture, ladders = picture_at(self.step, datetime.now(UTC), untrusted=self.untrusted)
        names = set(wanted.get("symbols", ()))
        books = {key: each for key, each in picture.books.items() if each.symbol in names}
        shown = {key: each for key, each in ladders.items() if each.symbol in names}
        found = {
            "picture": document_of(replace(picture, books=books)),
            "ladders": document_of(shown) if wanted.get("ladders") else {},
        }
        if self.spoil is not None:
            self.spoil(found)
        return found

    async def _stream(self, request: web.Request) -> web.StreamResponse:
        if self.refuses is not None:
            elsewhere = {"Location": "/elsewhere"}
            return web.json_response({"title": "no"}, status=self.refuses, headers=elsewhere)
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        self.streams.add(socket)
        wanted: dict[str, Any] = {}
        telling = asyncio.create_task(self._tell(socket, wanted))
        try:
            async for message in socket:
                if message.type is WSMsgType.TEXT:
                    wanted.clear()
                    wanted.update(msgspec.json.decode(message.data))
                    self.subscriptions.append(dict(wanted))
        finally:
            telling.cancel()
            self.streams.discard(socket)
        return socket

    async def _tell(self, socket: web.WebSocketResponse, wanted: Mapping[str, Any]) -> None:
        before: dict[str, Any] | None = None
        seq = 0
        while not socket.closed:
            if not self.silent and not (self.frozen and before is not None):
                after, seq = self.document(wanted), seq + 1
                if before is None:
                    message = {"type": "snapshot", "seq": seq, **after}
                else:
                    message = {"type": "patch", "seq": seq, "patch": patch_of(before, after)}
                await socket.send_str(msgspec.json.encode(message).decode())
                before = after
            await asyncio.sleep(self.every_s)

    async def _order(self, request: web.Request) -> web.Response:
        self.orders.append((f"/{request.match_info['path']}", await request.json()))
        status, body = self.answer
        return web.json_response(body, status=status)

    async def _history(self, _request: web.Request) -> web.Response:
        if self.history is None:
            return web.json_response({"title": "nothing is stored"}, status=503)
        return web.json_response(self.history)


@web.middleware
async def _gate(request: web.Request, handler: Any) -> web.StreamResponse:
    if request.headers.get("Authorization") != f"Bearer {TOKEN}":
        return web.json_response({"title": "Unauthorized"}, status=401)
    answer: web.StreamResponse = await handler(request)
    return answer


@asynccontextmanager
async def standing_in(**more: Any) -> AsyncIterator[StandIn]:
    """Serve a stand-in until the block ends; its port is kept for it while it is stopped."""
    with kept_port() as port:
        served = StandIn(port=port, **more)
        await served.start()
        try:
            yield served
        finally:
            await served.stop()


def stored_history(minutes: int = 30) -> dict[str, Any]:
    """Return what `GET /history` answers for a book, up to now."""
    now = datetime.now(UTC)
    points = [
        {
            "at": (now - timedelta(seconds=10 * n)).isoformat(),
            "mid": str(Decimal(63_000) + n),
            "spread_bps": 0.5 + 0.1 * math.sin(n / 9),
            "spread_z": random.Random(n).gauss(0, 1),
            "depth_z": random.Random(-n).gauss(0, 1),
            "imbalance": 0.1,
            "bands": {"10": ["1000000", "1200000"]},
            "slippage": {"sell 100000": 0.4, "buy 100000": None},
        }
        for n in range(minutes * 6, 0, -1)
    ]
    return {"venue": VENUES[0], "symbol": "BTCUSDT", "points": points, "alerts": [], "trust": []}
