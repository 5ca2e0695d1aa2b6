"""What systemd is told of this process (`sd_notify`); nothing where nobody asked to be told."""

import asyncio
import os
import socket
import time
from collections.abc import Callable, MutableMapping
from typing import Self

LOOK_EVERY_S = 5.0
"""How often the status is told where no watchdog waits."""
MOST = 200
"""Characters of a status."""


class Service:
    """This process, as its service manager sees it. Telling never waits, and never fails the teller.

    `watchdog_s` is the silence after which the manager kills it; None: it does not watch.
    """

    def __init__(self, address: str | None, watchdog_s: float | None = None) -> None:
        # An abstract socket is written with an @, and begins with a zero byte.
        self._address = f"\0{address[1:]}" if address and address[0] == "@" else address
        self._every_s = LOOK_EVERY_S if watchdog_s is None else watchdog_s / 3
        self._watched = watchdog_s is not None

    @classmethod
    def of(cls, environ: MutableMapping[str, str] = os.environ) -> Self:
        """Return what the environment says, and take it out of it: no child is to speak for us."""
        address = environ.pop("NOTIFY_SOCKET", None)
        period_us = environ.pop("WATCHDOG_USEC", "")
        ours = environ.pop("WATCHDOG_PID", str(os.getpid())) == str(os.getpid())
        watched = ours and period_us.isdecimal() and int(period_us) > 0
        return cls(address, int(period_us) / 1e6 if watched else None)

    def tell(self, **said: object) -> bool:
        """Send what is said, as `NAME=value` lines; return whether it was taken."""
        if not self._address:
            return False
        lines = "\n".join(
            f"{name}={' '.join(str(value).split())[:MOST]}" for name, value in said.items()
        )
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
            sender.setblocking(False)
            try:
                sender.sendto(lines.encode(), self._address)
            except OSError:
                return False
        return True

    def ready(self, status: str) -> bool:
        """It works, from the start or again after `reloading`."""
        return self.tell(READY=1, STATUS=status)

    def reloading(self) -> None:
        """It reads what it is ruled by anew; `ready` says when it has."""
        self.tell(RELOADING=1, MONOTONIC_USEC=time.monotonic_ns() // 1_000)

    def stopping(self) -> None:
        """It ends, by itself or because it was told to."""
        self.tell(STOPPING=1, STATUS="stopping")

    async def keep_telling(self, alive: Callable[[], bool], status: Callable[[], str]) -> None:
        """Be ready at the first look at which `alive`, then feed the watchdog while it stays so; for ever."""
        if not self._address:
            return
        ready = False
        while True:
            if alive():
                if not ready:
                    ready = self.ready(status())
                elif self._watched:
                    self.tell(WATCHDOG=1, STATUS=status())
                else:
                    self.tell(STATUS=status())
            await asyncio.sleep(self._every_s if ready else min(self._every_s, 0.1))
