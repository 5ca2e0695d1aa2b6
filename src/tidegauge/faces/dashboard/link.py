"""The connection to the API's stream: kept up, begun again when it ends, with a reason for every pause."""

import asyncio
import os
import random
import ssl
import time
from collections.abc import Callable
from http import HTTPStatus
from typing import Any

import msgspec
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus, WebSocketException

from tidegauge.core.errors import OperatorError
from tidegauge.core.instrument import SECOND
from tidegauge.wire.backoff import Backoff

from .access import Access
from .mirror import Mirror, Misunderstood
from .state import Connection

OPEN_WITHIN_S = 10.0
SILENT_AFTER_S = 15.0
"""An API that is there says something every second."""

LARGEST = 64 * 1024 * 1024
FIRST_PAUSE, LONGEST_PAUSE = SECOND, 10 * SECOND
WORDS: dict[int, str] = {
    HTTPStatus.UNAUTHORIZED: "the token is WRONG: it is not one of this API",
    HTTPStatus.FORBIDDEN: "the API refuses us (403)",
    HTTPStatus.MISDIRECTED_REQUEST: "the API is not asked under this name: its `serve.allowed_hosts` lacks it (421)",
    HTTPStatus.NOT_FOUND: "WRONG VERSION or program: what answers has no /stream",
    HTTPStatus.TOO_MANY_REQUESTS: "the API has too many clients (429)",
    HTTPStatus.SERVICE_UNAVAILABLE: "the API has no stream to spare (503): see its `serve.streams`",
}


class _Connect(connect):
    """Goes nowhere else: whoever is redirected to would be told the token."""

    def process_redirect(self, exc: Exception) -> Exception | str:
        """Follow none."""
        return exc


class Link:
    """Keeps a `Mirror` up to date while `run` runs."""

    def __init__(self, access: Callable[[], Access]) -> None:
        self._access = access
        self._backoff = Backoff(FIRST_PAUSE, LONGEST_PAUSE, forgiven_after=5 * SECOND)
        self._wanted: dict[str, Any] = {"symbols": [], "ladders": 0}
        self._wants_other = asyncio.Event()
        self._retry_at: float | None = None
        self._moved_at = time.monotonic()
        self._down: str | None = "connecting"
        self._address = ""
        self.mirror = Mirror()
        self.version = 0
        """Counts what has been heard."""

    @property
    def connection(self) -> Connection:
        """Return how it stands now."""
        now = time.monotonic()
        return Connection(
            address=self._address,
            down=self._down,
            again_in_s=None if self._retry_at is None else max(0.0, self._retry_at - now),
            silent_s=now - self._moved_at,
            problem=self.mirror.problem,
        )

    def want(self, symbols: list[str], ladders: int) -> None:
        """Want the books of these symbols from now on, with so many levels a side."""
        wanted = {"symbols": symbols, "ladders": ladders}
        if wanted != self._wanted:
            self._wanted = wanted
            self._wants_other.set()

    async def run(self) -> None:
        """Look until cancelled."""
        while True:
            try:
                self._down = await self._look()
            except OperatorError as error:
                self._down = str(error)
            wait = self._backoff.wait(time.monotonic_ns(), random.uniform(0.5, 1.0))  # noqa: S311
            self._retry_at = time.monotonic() + wait / SECOND
            self.version += 1
            await asyncio.sleep(wait / SECOND)
            self._retry_at = None

    async def _look(self) -> str:
        """Connect, and listen to the end; return why it ended. Raises `OperatorError`."""
        access = self._access()
        self._address = access.url
        try:
            async with _Connect(
                access.stream,
                additional_headers=access.headers,
                open_timeout=OPEN_WITHIN_S,
                ping_interval=None,  # what it says each second is proof enough
                close_timeout=1,
                max_size=LARGEST,
                compression=None,
                proxy=None,
            ) as socket:
                return await self._converse(socket)
        except InvalidStatus as error:
            status = error.response.status_code
            return f"{WORDS.get(status, f'the API answers {status}')} ({access.url})"
        except (WebSocketException, EOFError, UnicodeError):
            return f"WRONG PROGRAM: what answers at {access.url} is no API of Tidegauge"
        except TimeoutError:
            return f"SLOW: {access.url} did not answer within {OPEN_WITHIN_S:.0f} s"
        except ssl.SSLError as error:
            return f"{access.url} is not trusted: {error.reason or 'no TLS'}"
        except OSError as error:
            return f"REFUSED: {access.url} ({os.strerror(error.errno) if error.errno else error})"

    async def _converse(self, socket: ClientConnection) -> str:
        self.mirror = Mirror()
        asking = asyncio.create_task(self._ask(socket))
        try:
            while True:
                async with asyncio.timeout(SILENT_AFTER_S):
                    text = await socket.recv()
                if self.mirror.hear(text):
                    self._moved_at = time.monotonic()
                    if self._down is not None:
                        self._down = None
                        self._backoff.opened(time.monotonic_ns())
                self.version += 1
        except TimeoutError:
            return f"SLOW: {self._address} said nothing for {SILENT_AFTER_S:.0f} s"
        except Misunderstood as error:
            return f"WRONG VERSION: {error}"
        except ConnectionClosed as error:
            said = error.rcvd.reason if error.rcvd is not None else ""
            return f"{self._address} ended the connection{f': {said}' if said else ''}"
        finally:
            asking.cancel()

    async def _ask(self, socket: ClientConnection) -> None:
        """Say what is wanted, at once and whenever that changes."""
        while True:
            self._wants_other.clear()
            try:
                await socket.send(msgspec.json.encode(self._wanted).decode())
            except ConnectionClosed:
                return  # whoever listens is told of it too
            await self._wants_other.wait()
