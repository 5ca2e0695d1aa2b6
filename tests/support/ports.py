"""Ports of this machine that are free, and stay so until somebody comes who names them."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def kept_port(port: int = 0) -> Iterator[int]:
    """Keep a port, by default any, from all who ask for any; a server that names it can have it.

    A socket that is bound and does not listen does that: servers bind with SO_REUSEADDR.
    """
    with socket.socket() as kept:
        kept.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        kept.bind(("127.0.0.1", port))
        number: int = kept.getsockname()[1]
        yield number
