"""Which addresses may be spoken to: those of the internet, and those that are listed.

A name is resolved here, its addresses are checked, and the connection goes to one that was: a name
that means something else a moment later (rebinding) leads nowhere.
"""

import asyncio
import socket
from collections.abc import Iterable
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Any

from aiohttp.abc import AbstractResolver, ResolveResult

Address = IPv4Address | IPv6Address

NEVER_BY_NAME: tuple[IPv4Network | IPv6Network, ...] = tuple(
    ip_network(each)
    for each in ("169.254.0.0/16", "fe80::/10", "100.100.100.200/32", "fd00:ec2::/32")
)
"""Where clouds hand out credentials. A listed name does not open these: only the address itself."""

NAT64 = ip_network("64:ff9b::/96")


class Forbidden(Exception):
    """An address that is not to be spoken to."""


class Guard:
    """`allowed`: names, and addresses, that may be private."""

    def __init__(self, allowed: Iterable[str] = ()) -> None:
        self._names = frozenset(plain_host(each) for each in allowed)

    def lists(self, host: str) -> bool:
        """Whether a name or address is listed as it stands."""
        return plain_host(host) in self._names

    async def addresses(self, host: str, port: int) -> list[tuple[socket.AddressFamily, str]]:
        """Resolve a name. Raises `Forbidden` if it means any address that may not be spoken to, and
        `OSError` when there is none."""
        loop = asyncio.get_running_loop()
        found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        addresses: list[tuple[socket.AddressFamily, str]] = [
            (family, str(sockaddr[0])) for family, _, _, _, sockaddr in found
        ]
        for _family, address in addresses:
            self.check(host, address)
        return addresses

    def check_literal(self, host: str) -> None:
        """Check a host that is an address, which no client resolves. Raises `Forbidden`."""
        try:
            ip_address(plain_host(host))
        except ValueError:
            return
        self.check(host, plain_host(host))

    def check(self, host: str, address: str) -> None:
        """Raise `Forbidden` unless `address`, which `host` means, may be spoken to."""
        meant = _meant(ip_address(address.partition("%")[0]))
        if plain_host(str(meant)) in self._names or plain_host(address) in self._names:
            return
        if any(meant in network for network in NEVER_BY_NAME):
            raise Forbidden(f"{host} is at {meant}, a link-local or metadata address")
        if self.lists(host) or (meant.is_global and not meant.is_multicast):
            return
        raise Forbidden(f"{host} is at {meant}, which is not on the internet")


class GuardedResolver(AbstractResolver):
    """Gives an HTTP client only addresses that the guard lets pass."""

    def __init__(self, guard: Guard) -> None:
        self._guard = guard

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        """Resolve a name. Raises `Forbidden`, `OSError`."""
        return [
            ResolveResult(
                hostname=host,
                host=address,
                port=port,
                family=kind,
                proto=socket.IPPROTO_TCP,
                flags=socket.AI_NUMERICHOST,
            )
            for kind, address in await self._guard.addresses(host, port)
            if family in (socket.AF_UNSPEC, kind)
        ]

    async def close(self) -> None:
        """Nothing is open."""


def plain_host(host: str) -> str:
    """Return a host as it is compared: small letters, no brackets, no dot at the end."""
    return host.strip().strip("[]").rstrip(".").lower()


def _meant(address: Address) -> Address:
    """Return the address that an IPv6 one carries inside, if it does."""
    if isinstance(address, IPv4Address):
        return address
    inside: Any = address.ipv4_mapped or address.sixtofour
    if inside is None and address in NAT64:
        inside = IPv4Address(int(address) & 0xFFFFFFFF)
    return address if inside is None else inside
