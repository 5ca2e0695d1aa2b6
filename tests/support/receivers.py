"""A receiver of pages that behaves as told: it answers, hangs, dribbles, resets, sends elsewhere."""

import asyncio
import json
import socket
import ssl
import struct
from collections import deque
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

HOST = "127.0.0.1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """How one request is answered. `taken`: the receiver has taken note of it, whatever it answers.

    `echo`: it says back all that it was sent, secrets too.
    """

    status: int = 200
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b"ok"
    hang: bool = False
    dribble: bool = False
    reset: bool = False
    taken: bool = True
    echo: bool = False


OK = Act()
BUSY = Act(status=429, headers=(("Retry-After", "1"),), taken=False)
BROKEN = Act(status=500, body=b"out of order", taken=False)
HANGING = Act(hang=True, taken=False)
RESET = Act(reset=True, taken=False)
DRIBBLING = Act(dribble=True)
LOST_ANSWER = Act(reset=True)
"""It took the page, and its answer never arrived: who sent it cannot know."""


@dataclass(slots=True)
class Receiver:
    """A web server on this machine. `acts` are used up one a request; then it does `then`."""

    port: int = 0
    scheme: str = "http"
    acts: deque[Act] = field(default_factory=deque)
    then: Act = OK
    requests: list[web.Request] = field(default_factory=list)
    at: list[float] = field(default_factory=list)
    taken: list[Any] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)
    """The Idempotency-Key of what was taken."""

    @property
    def url(self) -> str:
        return f"{self.scheme}://{HOST}:{self.port}"

    def told(self, acts: Iterable[Act], then: Act = OK) -> None:
        """Behave so from now on."""
        self.acts, self.then = deque(acts), then

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """Take a request as the next act says."""
        act = self.acts.popleft() if self.acts else self.then
        self.requests.append(request)
        self.at.append(asyncio.get_running_loop().time())
        body = await request.read()
        if act.taken:
            self.taken.append(json.loads(body) if body else None)
            self.keys.append(request.headers.get("Idempotency-Key", ""))
        if act.hang:
            await asyncio.sleep(3_600)
        if act.reset:
            _reset(request)
            return web.Response()
        if act.dribble:
            return await _dribble(request)
        said = act.body
        if act.echo:
            said = f"you sent {request.path_qs} {dict(request.headers)} {body!r}".encode()
        return web.Response(status=act.status, headers=dict(act.headers), body=said)


async def _dribble(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Length": "100000"})
    await response.prepare(request)
    with suppress(ConnectionError):
        for _ in range(1_000):
            await response.write(b".")
            await asyncio.sleep(0.05)
    return response


def _reset(request: web.Request) -> None:
    """Send a reset: a close with unsent data thrown away."""
    if request.transport is None:
        return
    kernel = request.transport.get_extra_info("socket")
    kernel.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    request.transport.abort()


@asynccontextmanager
async def receiving(
    acts: Sequence[Act] = (), *, tls: ssl.SSLContext | None = None, port: int = 0
) -> AsyncIterator[Receiver]:
    """Serve a receiver meanwhile."""
    receiver = Receiver(acts=deque(acts), scheme="http" if tls is None else "https")
    application = web.Application()
    application.router.add_route("*", "/{path:.*}", receiver.answer)
    runner = web.AppRunner(application, access_log=None, handle_signals=False, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, HOST, port, ssl_context=tls)
    await site.start()
    receiver.port = runner.addresses[0][1]
    try:
        yield receiver
    finally:
        await runner.cleanup()
