"""One WebSocket to a venue, kept open: connect, read, reconnect with full-jitter backoff."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import structlog

from tidegauge.core.instrument import SECOND, Nanos
from tidegauge.wire.allowance import Pacer
from tidegauge.wire.backoff import Backoff
from tidegauge.wire.protocol import Rate

from .budget import VenueBudget
from .settings import FeedSettings
from .world import Dial, HandshakeRefused, Socket, SocketClosed, Unreachable, World

log = structlog.get_logger(__name__)

REFUSALS = frozenset({401, 403, 451})
"""HTTP statuses by which a venue refuses a client: key or region (signals.md section 6)."""

GOODBYE_S = 0.5
"""How long a venue may take to answer our goodbye when the monitor stops."""

CROWD = 0.1
"""How much longer, at most, than need be a link waits for its turn to connect."""

OUTBOX = 1000
"""Frames that may wait to be written before the link is given up."""


def backoff_of(settings: FeedSettings) -> Backoff:
    """The waits between attempts, as set."""
    return Backoff(
        base=int(settings.reconnect_base_s * SECOND),
        cap=int(settings.reconnect_cap_s * SECOND),
        forgiven_after=int(settings.healthy_after_s * SECOND),
    )


@dataclass(frozen=True, slots=True)
class LinkOpened:
    link: str
    at: Nanos


@dataclass(frozen=True, slots=True)
class LinkClosed:
    link: str
    reason: str
    at: Nanos


@dataclass(frozen=True, slots=True)
class LinkRefused:
    link: str
    reason: str
    at: Nanos


@dataclass(frozen=True, slots=True)
class FrameCame:
    link: str
    frame: str | bytes
    at: Nanos


LinkItem = LinkOpened | LinkClosed | LinkRefused | FrameCame


class Link:
    """Keeps one socket open for as long as `run` runs, and puts what it hears into an inbox.

    Frames to send are queued and written by the link's own task, so that no caller ever waits for
    a socket. `drop` closes the present connection; a new one follows. After each frame the link
    waits for `room`: meanwhile the socket is not read.
    """

    def __init__(
        self,
        name: str,
        *,
        venue: str,
        url: str,
        put: Callable[[FrameCame], None],
        tell: Callable[[LinkItem], None],
        settings: FeedSettings,
        world: World,
        budget: VenueBudget,
        messages: Rate | None = None,
        proxy: str | None,
        max_frame: int,
        room: Callable[[], Awaitable[None]] | None = None,
    ) -> None:
        self.name = name
        self.connected = False
        self.attempts = 0
        self.ended: str | None = None
        """Why the last connection ended, or did not come about."""
        self.ended_at: Nanos = 0
        self.retry_at: Nanos | None = None
        """When the next one is tried, while there is none."""
        self._venue = venue
        self.url = url
        self._put = put
        self._tell = tell
        self._room = room
        self._settings = settings
        self._world = world
        self._budget = budget
        self._messages = messages
        self._proxy = proxy
        self._max_frame = max_frame
        self._outbox: asyncio.Queue[str] = asyncio.Queue(OUTBOX)
        self._socket: Socket | None = None
        self._drop_reason: str | None = None

    def send(self, text: str) -> None:
        """Queue a text frame; forgotten if the link is closed before it is written."""
        if not self.connected:
            return
        try:
            self._outbox.put_nowait(text)
        except asyncio.QueueFull:
            self.drop("the venue does not read what we send")

    def drop(self, reason: str) -> None:
        """Close the connection at once; `run` opens the next one."""
        if self._socket is not None and self._drop_reason is None:
            self._drop_reason = reason
            self._socket.abort()

    async def run(self) -> None:
        """Connect for ever. Returns only when the venue refuses us."""
        backoff, clock = backoff_of(self._settings), self._world.clock
        while True:
            await self._slot()
            self.attempts += 1
            self.retry_at = None
            try:
                async with self._world.connect(self._dial()) as socket:
                    backoff.opened(clock.steady())
                    reason = await self._converse(socket)
            except HandshakeRefused as error:
                reason = str(error)
                self._budget.refused(error.status, error.retry_after)
                if error.status in REFUSALS:
                    self._tell(LinkRefused(self.name, reason, clock.now()))
                    return
            except Unreachable as error:
                reason = str(error)
            wait = backoff.wait(clock.steady(), self._world.chance())
            self.ended, self.ended_at = reason, clock.now()
            self.retry_at = self.ended_at + wait
            log.warning(
                "link_closed",
                venue=self._venue,
                link=self.name,
                reason=reason,
                retry_in_s=round(wait / SECOND, 2),
            )
            await asyncio.sleep(wait / SECOND)

    async def _slot(self) -> None:
        """Wait until the venue's budget has room for one more connection."""
        waited = False
        while wait := self._budget.connect_wait():
            if not waited:
                waited = True
                log.info("link_waits_for_budget", venue=self._venue, link=self.name)
            # Scattered, so that those who wait do not all come at once.
            wait += int(wait * CROWD * self._world.chance())
            self.retry_at = self._world.clock.now() + wait
            await asyncio.sleep(wait / SECOND)

    def _dial(self) -> Dial:
        return Dial(
            url=self.url,
            proxy=self._proxy,
            max_frame=self._max_frame,
            open_timeout_s=self._settings.open_timeout_s,
            close_timeout_s=self._settings.close_timeout_s,
        )

    async def _converse(self, socket: Socket) -> str:
        """Read until the connection ends; return why it did."""
        self._socket, self._drop_reason, self.connected = socket, None, True
        self._outbox = asyncio.Queue(OUTBOX)
        self._tell(LinkOpened(self.name, self._world.clock.now()))
        writer = asyncio.create_task(self._write(socket, self._outbox))
        try:
            while True:
                frame = await socket.recv()
                self._put(FrameCame(self.name, frame, self._world.clock.now()))
                if self._room is not None:
                    await self._room()
        except SocketClosed as error:
            reason = self._drop_reason or str(error)[:200]
            self._tell(LinkClosed(self.name, reason, self._world.clock.now()))
            return reason
        except asyncio.CancelledError:
            await _say_goodbye(socket)
            raise
        except Exception as error:
            self._tell(LinkClosed(self.name, type(error).__name__, self._world.clock.now()))
            raise
        finally:
            self.connected, self._socket = False, None
            writer.cancel()
            # Waited for, not awaited: its cancellation must not be taken for our own.
            await asyncio.wait([writer])

    async def _write(self, socket: Socket, outbox: asyncio.Queue[str]) -> None:
        pacer, clock = Pacer(self._messages), self._world.clock
        with contextlib.suppress(SocketClosed):
            while True:
                text = await outbox.get()
                while wait := pacer.wait(clock.steady()):  # noqa: ASYNC110 (time is no event)
                    await asyncio.sleep(wait / SECOND)
                pacer.sent(clock.steady())
                await socket.send(text)


async def _say_goodbye(socket: Socket) -> None:
    """Close politely, but never let a venue hold up our end."""
    with contextlib.suppress(TimeoutError, SocketClosed):
        async with asyncio.timeout(GOODBYE_S):
            await socket.close()
    socket.abort()
