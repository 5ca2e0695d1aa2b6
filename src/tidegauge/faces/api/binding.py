"""The socket that the API is served at."""

import ipaddress
import socket

from tidegauge.core.errors import OperatorError
from tidegauge.runtime.settings_serve import ServeSettings

BACKLOG = 1_024


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
        at = socket.create_server((address, port), family=family, backlog=BACKLOG)
    except OSError as error:
        raise OperatorError(
            f"The API can't be served at {_shown(host)}:{port}: {error.strerror}",
            fix="Choose another port with --port or TIDEGAUGE_SERVE__PORT, or end what has this one",
        ) from None
    # Its connections have it too: else a head and its body are 40 ms apart.
    at.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return at


def url_of(at: socket.socket, settings: ServeSettings) -> str:
    """Return the address under which this machine reaches a socket."""
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(settings.host, settings.host)  # noqa: S104
    return f"http://{_shown(host)}:{at.getsockname()[1]}"


def _shown(host: str) -> str:
    return f"[{host}]" if ":" in host else host
