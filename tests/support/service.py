"""The other end of sd_notify: a datagram socket, as systemd has it."""

import asyncio
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field


@dataclass(slots=True)
class Manager:
    """What the service has told so far; each datagram is a dictionary of its lines."""

    end: socket.socket
    address: str
    told: list[dict[str, str]] = field(default_factory=list)

    def look(self) -> list[dict[str, str]]:
        """Take in what lies in the socket; return all that was told."""
        while True:
            try:
                lines = self.end.recv(65_536).decode().splitlines()
            except BlockingIOError:
                return self.told
            self.told.append(dict(line.split("=", 1) for line in lines))

    def count(self, name: str) -> int:
        """How often `name` was told."""
        return sum(name in each for each in self.look())

    async def heard(self, name: str, times: int = 1, within_s: float = 60.0) -> None:
        """Wait until `name` was told so often in all."""
        async with asyncio.timeout(within_s):
            while self.count(name) < times:
                await asyncio.sleep(0.01)


@contextmanager
def manager(address: str) -> Iterator[Manager]:
    """Listen at a path, or at an abstract address (`@name`)."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as end:
        end.setblocking(False)
        end.bind(f"\0{address[1:]}" if address.startswith("@") else address)
        yield Manager(end, address)
