"""Serving the application: uvicorn around a socket, and its end."""

import asyncio
import contextlib
import logging
import resource
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from tidegauge.runtime.settings_serve import ServeSettings

from .binding import BACKLOG
from .connections import Patience, guarded

LARGEST_MESSAGE = 16 * 1024
"""What a client may say on a stream at once."""

KEEP_ALIVE_S = 30
CLOSE_WITHIN_S = 3
SPARE_FILES = 256
"""Files that are open beside connections."""


class _Server(uvicorn.Server):
    """A server that leaves signals to whoever runs it, and says when it has begun."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.begun = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to serve."""
        try:
            await super().startup(sockets)
        finally:
            self.begun.set()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Capture none."""
        yield


@asynccontextmanager
async def serving(
    app: ASGIApp,
    at: socket.socket,
    settings: ServeSettings,
    patience: Patience | None = None,
) -> AsyncIterator[None]:
    """Serve `app` at `at` while the block runs; it is closed with it."""
    patience = patience or Patience(connections=settings.connections)
    _have_files(patience.connections + SPARE_FILES)
    config = uvicorn.Config(
        app,
        http=guarded(patience),
        ws=WebSocketsSansIOProtocol,
        ws_max_size=LARGEST_MESSAGE,
        ws_per_message_deflate=False,
        lifespan="off",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        backlog=BACKLOG,
        timeout_keep_alive=KEEP_ALIVE_S,
        timeout_graceful_shutdown=CLOSE_WITHIN_S,
    )
    # What is no HTTP is answered, and no news; addresses of streams are nobody's business.
    logging.getLogger("uvicorn.error").setLevel(logging.ERROR)
    server = _Server(config)
    task = asyncio.create_task(server.serve(sockets=[at]), name="serving")
    try:
        await server.begun.wait()
        yield
    finally:
        server.should_exit = True
        await task


def _have_files(wanted: int) -> None:
    """See to it that so many files may be open, as far as this process may say so itself."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    if soft != resource.RLIM_INFINITY and soft < most:
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
