"""TLS to a venue: a certificate that does not prove who answers ends the attempt, said plainly."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import trustme
from aiohttp import web
from tests.support.apps import settings_for, watching
from tests.support.database import until
from websockets.asyncio.server import ServerConnection, serve

from tidegauge.runtime.local_server import Endpoint
from tidegauge.runtime.local_venues import LocalVenues
from tidegauge.runtime.outside import RestHost, open_socket
from tidegauge.runtime.world import Dial, Unreachable
from tidegauge.wire.protocol import Fetch, Purpose

REQUEST = Fetch(purpose=Purpose.CATALOGUE, path="/instruments")
LONG_AGO = datetime.now(UTC) - timedelta(days=2)


def dial(url: str) -> Dial:
    return Dial(url=url, proxy=None, max_frame=1024, open_timeout_s=20, close_timeout_s=0.5)


@pytest.fixture
def authority(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> trustme.CA:
    """An authority that OpenSSL is told to trust, as an operator would (SSL_CERT_FILE)."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(tmp_path / "authority.pem")
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "authority.pem"))
    return authority


def server_context(certificate: trustme.LeafCert) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate.configure_cert(context)
    return context


@asynccontextmanager
async def served(context: ssl.SSLContext) -> AsyncIterator[tuple[int, int]]:
    """A venue's socket and REST host behind TLS; returns their ports."""

    async def speak(connection: ServerConnection) -> None:
        await connection.send("hello")
        await connection.wait_closed()

    async def answer(_: web.Request) -> web.Response:
        return web.Response(body=b"[]")

    application = web.Application()
    application.router.add_get("/instruments", answer)
    runner = web.AppRunner(application, access_log=None, handle_signals=False)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context)
    await site.start()
    try:
        async with serve(speak, "127.0.0.1", 0, ssl=context, close_timeout=0.1) as sockets:
            yield next(iter(sockets.sockets)).getsockname()[1], runner.addresses[0][1]
    finally:
        await runner.cleanup()


async def test_a_certificate_of_a_trusted_authority_is_accepted(authority: trustme.CA) -> None:
    """Else the refusals below would prove nothing."""
    context = server_context(authority.issue_cert("localhost"))
    async with served(context) as (sockets, rest):
        async with open_socket(dial(f"wss://localhost:{sockets}/")) as socket:
            assert await socket.recv() == b"hello"
        async with RestHost(f"https://localhost:{rest}") as host:
            assert (await host.fetch(REQUEST)).status == 200


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ("unknown authority", "certificate verify failed"),
        ("wrong host", "mismatch"),
        ("expired", "expired"),
    ],
)
async def test_a_certificate_that_proves_nothing_is_refused(
    authority: trustme.CA, wrong: str, said: str
) -> None:
    """By the socket and by REST, and the reason names what is wrong with it."""
    certificate = {
        "unknown authority": lambda: trustme.CA().issue_cert("localhost"),
        "wrong host": lambda: authority.issue_cert("venue.example"),
        "expired": lambda: authority.issue_cert("localhost", not_after=LONG_AGO),
    }[wrong]()
    async with served(server_context(certificate)) as (sockets, rest):
        with pytest.raises(Unreachable, match=said):
            async with open_socket(dial(f"wss://localhost:{sockets}/")):
                pass
        async with RestHost(f"https://localhost:{rest}") as host:
            response = await host.fetch(REQUEST)
        assert response.status == 0
        assert said in response.body.decode()


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion.TLSv1 is deprecated:DeprecationWarning")
async def test_an_outdated_tls_version_is_refused(authority: trustme.CA) -> None:
    """A server that speaks nothing newer than TLS 1.0 gets no connection."""
    context = server_context(authority.issue_cert("localhost"))
    context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1
    context.set_ciphers("ALL:@SECLEVEL=0")
    async with served(context) as (sockets, rest):
        with pytest.raises(Unreachable, match=r"SSL|protocol|Reset"):
            async with open_socket(dial(f"wss://localhost:{sockets}/")):
                pass
        async with RestHost(f"https://localhost:{rest}") as host:
            assert (await host.fetch(REQUEST)).status == 0


async def test_a_venue_with_a_wrong_certificate_is_tried_again_and_the_others_run(
    authority: trustme.CA, tmp_path: Path
) -> None:
    """It is the venue's trouble: told of with the reason, and nobody else's."""
    context = server_context(authority.issue_cert("venue.example"))
    names = ("binance", "bybit-spot")
    async with served(context) as (sockets, rest), LocalVenues(venues=names) as venues:
        impostor = Endpoint(
            ws_url=f"wss://localhost:{sockets}", rest_url=f"https://localhost:{rest}"
        )
        settings = settings_for({**venues.endpoints, "binance": impostor}, tmp_path)
        async with watching(settings, names, all_live=False) as watched:
            await until(lambda: watched.live("bybit-spot"))
            await until(lambda: "mismatch" in (watched.seen("binance").quarantined or ""))
            before = watched.seen("bybit-spot").updates
            await until(lambda: watched.seen("bybit-spot").updates > before + 5)
            await asyncio.sleep(0)
            assert not watched.live("binance")
