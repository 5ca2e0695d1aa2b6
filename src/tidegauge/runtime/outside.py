"""The real outside: websockets and aiohttp behind the doors that `runtime.world` describes.

Their exceptions end here; nothing else in the program knows which client it talks through.
"""

import random
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from types import TracebackType
from typing import Self

import aiohttp
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus, WebSocketException

from tidegauge.core.instrument import SECOND
from tidegauge.wire.allowance import LONGEST_BAN
from tidegauge.wire.protocol import Fetch, Response

from .clock import SlewedClock
from .proxies import proxied_by_environment
from .redaction import mask_urls
from .world import Dial, HandshakeRefused, SocketClosed, Unreachable, World

UNCONNECTED = (OSError, TimeoutError, WebSocketException, ImportError, ValueError)
"""What a connection that does not come about raises; the last two are a proxy of the environment
that cannot be used."""

MAX_BODY = 64 * 1024 * 1024
TIMEOUT_S = 10.0
LONGEST_WAIT_S = LONGEST_BAN / SECOND
"""The longest Retry-After that is honoured."""


def real_world() -> World:
    """Return this machine's clock, chance, sockets and HTTP."""
    return World(
        clock=SlewedClock(),
        chance=random.SystemRandom().random,
        connect=open_socket,
        http=RestHost,
    )


class OpenSocket:
    """A `world.Socket` over a connection of the websockets library."""

    def __init__(self, connection: ClientConnection) -> None:
        self._connection = connection

    async def recv(self) -> bytes | str:
        """Wait for a frame; it comes undecoded: whether it is UTF-8 is the decoder's to judge."""
        try:
            return await self._connection.recv(decode=False)
        except ConnectionClosed as error:
            raise SocketClosed(str(error)[:200]) from None

    async def send(self, text: str) -> None:
        try:
            await self._connection.send(text)
        except ConnectionClosed as error:
            raise SocketClosed(str(error)[:200]) from None

    async def close(self) -> None:
        try:
            await self._connection.close()
        except WebSocketException as error:
            raise SocketClosed(str(error)[:200]) from None

    def abort(self) -> None:
        self._connection.transport.abort()


@asynccontextmanager
async def open_socket(dial: Dial) -> AsyncIterator[OpenSocket]:
    """Connect, with TLS verified where the address asks for it. See `World.connect`."""
    proxy = dial.proxy if dial.proxy is not None else proxied_by_environment(dial.url)
    try:
        connection = await connect(
            dial.url,
            compression=None,
            open_timeout=dial.open_timeout_s,
            close_timeout=dial.close_timeout_s,
            ping_interval=20,
            ping_timeout=20,
            max_size=dial.max_frame,
            max_queue=64,
            proxy=proxy or None,
            user_agent_header="tidegauge",
        )
    except InvalidStatus as error:
        answer = error.response
        wait = seconds_of(answer.headers.get("Retry-After"))
        raise HandshakeRefused(answer.status_code, wait) from None
    except UNCONNECTED as error:
        raise Unreachable(_said(error)) from None
    try:
        yield OpenSocket(connection)
    finally:
        await connection.close()


class RestHost:
    """A `world.Http` over aiohttp: deadlines, size limits and the proxy."""

    def __init__(self, rest_url: str, proxy: str | None = None) -> None:
        self._rest_url = rest_url.rstrip("/")
        self._proxy = proxy
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession(
            timeout=aiohttp.ClientTimeout(total=TIMEOUT_S),
            headers={"User-Agent": "tidegauge"},
            trust_env=self._proxy is None and proxied_by_environment(self._rest_url),
            # aiohttp's own context is made when it is imported: too early for SSL_CERT_FILE.
            connector=aiohttp.TCPConnector(ssl=ssl.create_default_context()),
        )
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._session is not None:
            await self._session.close()

    async def fetch(self, fetch: Fetch) -> Response:
        """Make one request and return its answer, whatever it is."""
        if self._session is None:
            raise RuntimeError("RestHost is used before it is entered")
        try:
            async with self._session.request(
                "GET" if fetch.body is None else "POST",
                self._rest_url + fetch.path,
                params=list(fetch.params) or None,
                data=fetch.body,
                headers={} if fetch.body is None else {"Content-Type": "application/json"},
                proxy=self._proxy,
            ) as answer:
                body = bytearray()
                while more := await answer.content.read(MAX_BODY + 1 - len(body)):
                    body += more
                    if len(body) > MAX_BODY:
                        return Response(status=0, body=b"the answer is too large")
                return Response(
                    status=answer.status,
                    body=bytes(body),
                    retry_after=seconds_of(answer.headers.get("Retry-After")),
                    headers={name.lower(): value for name, value in answer.headers.items()},
                )
        except (TimeoutError, aiohttp.ClientError, OSError, ValueError) as error:
            return Response(status=0, body=_said(error).encode())


def _said(error: Exception) -> str:
    """Say what went wrong, without the password of a proxy: the clients tell its whole address."""
    return mask_urls(f"{type(error).__name__}: {error}")[:200]


def seconds_of(text: str | None) -> float | None:
    """Read a Retry-After header in seconds (RFC 9110 section 10.2.3); a date is not honoured."""
    if text is None or not (text.isascii() and text.isdigit()):
        return None
    return min(float(text), LONGEST_WAIT_S)
