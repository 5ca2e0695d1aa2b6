"""Serving the application: the socket, uvicorn around it, and its end."""

import asyncio
import contextlib
import ipaddress
import logging
import resource
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from tidegauge.core.errors import OperatorError
from tidegauge.runtime.settings_serve import ServeSettings

from .connections import Patience, guarded

BACKLOG = 1_024
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


def bound(settings: ServeSettings) -> socket.socket:
    """Return the socket to serve at. Raises `OperatorError` where there is none, or others would reach it."""
    host, port = settings.host, settings.port
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except OSError as error:
        raise OperatorError(
            f"The host {host} (serve.host) is not known here: {error.strerror}",
            fix="Use an address of this machine; 127.0.0.1 is for itself",
        ) from None
    family, address = found[0][0], str(found[0][4][0])
    if not ipaddress.ip_address(address.partition("%")[0]).is_loopback and not settings.exposed:
        raise OperatorError(
            f"Other machines would reach the API at {host} (serve.host), unencrypted",
            fix="Leave it at 127.0.0.1 behind a proxy that speaks TLS, or set serve.exposed (--exposed) "
            "if that is meant",
        )
    try:
        return socket.create_server((address, port), family=family, backlog=BACKLOG)
    except OSError as error:
        raise OperatorError(
            f"The API can't be served at {_shown(host)}:{port}: {error.strerror}",
            fix="Choose another port with --port or TIDEGAUGE_SERVE__PORT, or end what has this one",
        ) from None


def url_of(at: socket.socket, settings: ServeSettings) -> str:
    """Return the address under which this machine reaches a socket."""
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(settings.host, settings.host)  # noqa: S104
    return f"http://{_shown(host)}:{at.getsockname()[1]}"


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


def _shown(host: str) -> str:
    return f"[{host}]" if ":" in host else host
