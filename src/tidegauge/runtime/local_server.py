"""One simulated venue behind a real port: WebSocket and REST, on 127.0.0.1."""

import asyncio
import socket
import time
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass

from aiohttp import WSMsgType, web

from tidegauge.core.instrument import Nanos, VenueName
from tidegauge.simulator.dialect import Answer, Close, ConnectionId, Dialect, Reply, Request, Say

HOST = "127.0.0.1"
MOST_WAITING = 16 * 1024 * 1024
"""Characters that may wait for a client; one that takes them more slowly than that is cut."""

_SEND_BUFFER = 256 * 1024
"""The kernel's share of what waits for a client, so that a slow one is felt soon."""

_GRACE_SECONDS = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """Where a venue is served: scheme, host and port, without a path."""

    ws_url: str
    rest_url: str


class Outbox:
    """What waits to be written to one connection, bounded."""

    def __init__(self, most_waiting: int) -> None:
        self._most_waiting = most_waiting
        self._waiting: deque[Say | Close] = deque()
        self._size = 0
        self._filled = asyncio.Event()
        self._emptied = asyncio.Event()
        self._emptied.set()
        self.ended = False

    def put(self, reply: Reply) -> bool:
        """Add a frame; return whether there was room for it."""
        if isinstance(reply, Say):
            self._size += len(reply.text)
        self._waiting.append(reply)
        self._filled.set()
        self._emptied.clear()
        return self._size <= self._most_waiting

    async def take(self) -> Say | Close:
        """Wait for a frame."""
        while not self._waiting:
            self._filled.clear()
            self._emptied.set()
            await self._filled.wait()
        reply = self._waiting.popleft()
        if isinstance(reply, Say):
            self._size -= len(reply.text)
        return reply

    def end(self) -> None:
        """Nobody will take anything any more."""
        self.ended = True
        self._waiting.clear()
        self._size = 0
        self._emptied.set()

    async def emptied(self) -> None:
        """Wait until everything was written."""
        await self._emptied.wait()


@dataclass(slots=True)
class Connection:
    """An open socket."""

    ws: web.WebSocketResponse
    transport: asyncio.BaseTransport | None
    outbox: Outbox

    def abort(self) -> None:
        """Cut the socket without a goodbye."""
        self.outbox.end()
        if isinstance(self.transport, asyncio.Transport):
            self.transport.abort()


class LocalServer:
    """Serves one dialect. Drive it with `advance` (time passes) or, if it is eager, with `run`."""

    def __init__(
        self, venue: VenueName, dialect: Dialect, *, most_waiting: int = MOST_WAITING
    ) -> None:
        self.venue = venue
        self.dialect = dialect
        self.most_waiting = most_waiting
        self.cut_for_slowness = 0
        self._connections: dict[ConnectionId, Connection] = {}
        self._next: ConnectionId = 1
        self._stirred = asyncio.Event()
        application = web.Application()
        application.router.add_route("*", "/{path:.*}", self._handle)
        self._runner = web.AppRunner(
            application, access_log=None, handle_signals=False, shutdown_timeout=_GRACE_SECONDS
        )
        self._port = 0

    @property
    def endpoint(self) -> Endpoint:
        """Where clients find it, once it is open."""
        return Endpoint(ws_url=f"ws://{HOST}:{self._port}", rest_url=f"http://{HOST}:{self._port}")

    @property
    def connections(self) -> int:
        """Return how many sockets are open."""
        return len(self._connections)

    async def open(self, port: int = 0) -> None:
        """Listen; port 0 takes a free one."""
        await self._runner.setup()
        site = web.TCPSite(self._runner, HOST, port)
        await site.start()
        address = self._runner.addresses[0]
        self._port = int(address[1])

    async def close(self) -> None:
        """Cut every socket and stop listening."""
        for connection in list(self._connections.values()):
            connection.abort()
        await self._runner.cleanup()

    def advance(self, now: Nanos) -> None:
        """Let time pass, and hand out what the venue has to say."""
        self._hand_out(self.dialect.advance(now))

    async def run(self) -> None:
        """Drive an eager dialect: as fast as its clients take what it says."""
        while True:
            self._stirred.clear()
            replies = self.dialect.advance(time.time_ns())
            self._hand_out(replies)
            if replies:
                for connection in list(self._connections.values()):
                    await connection.outbox.emptied()
            else:
                await self._stirred.wait()

    def _hand_out(self, replies: Iterable[Reply]) -> None:
        for reply in replies:
            connection = self._connections.get(reply.connection)
            if connection is None or connection.outbox.ended:
                continue
            if not connection.outbox.put(reply):
                self.cut_for_slowness += 1
                connection.abort()

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        if request.headers.get("Upgrade", "").lower() == "websocket":
            return await self._converse(request)
        asked = Request(
            method=request.method,
            path=request.path,
            query=dict(request.query),
            body=await request.text(),
        )
        answer = self.dialect.rest(asked, time.time_ns())
        self._stirred.set()
        return _response(answer)

    async def _converse(self, request: web.Request) -> web.StreamResponse:
        refusal = self.dialect.admit(request.path, time.time_ns())
        if refusal is not None:
            return _response(refusal)
        ws = web.WebSocketResponse(
            heartbeat=self.dialect.ping_seconds, compress=False, max_msg_size=1024 * 1024
        )
        await ws.prepare(request)
        if request.transport is not None:
            kernel_socket = request.transport.get_extra_info("socket")
            kernel_socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _SEND_BUFFER)
        identifier, self._next = self._next, self._next + 1
        connection = Connection(ws, request.transport, Outbox(self.most_waiting))
        self._connections[identifier] = connection
        try:
            async with asyncio.TaskGroup() as tasks:
                writer = tasks.create_task(_write(connection))
                self._hand_out(
                    self.dialect.connected(
                        identifier, request.path, dict(request.query), time.time_ns()
                    )
                )
                self._stirred.set()
                await self._listen(identifier, ws)
                writer.cancel()
        finally:
            del self._connections[identifier]
            connection.outbox.end()
            self.dialect.disconnected(identifier)
            self._stirred.set()
        return ws

    async def _listen(self, identifier: ConnectionId, ws: web.WebSocketResponse) -> None:
        async for message in ws:
            if message.type is WSMsgType.TEXT:
                self._hand_out(self.dialect.received(identifier, message.data, time.time_ns()))
                self._stirred.set()


async def _write(connection: Connection) -> None:
    """Write what the outbox holds, at the pace the client reads."""
    try:
        while True:
            reply = await connection.outbox.take()
            if isinstance(reply, Say):
                await connection.ws.send_str(reply.text)
            elif reply.abrupt:
                connection.abort()
                return
            else:
                await connection.ws.close()
                return
    except ConnectionError:
        connection.abort()
    finally:
        connection.outbox.end()


def _response(answer: Answer) -> web.Response:
    return web.Response(status=answer.status, body=answer.body, headers=dict(answer.headers))
