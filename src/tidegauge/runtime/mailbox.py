"""The bounded mailbox between a venue's sockets and its books.

Each stage has a policy for when its reader is slow: states conflate (a view is made when it is
looked at), deltas overflow into a resync (here), alerts never drop (the writer's queue sees to it).
"""

import asyncio
import contextlib
from collections import deque
from dataclasses import dataclass
from typing import Generic, TypeVar

Item = TypeVar("Item")

HELD_BACK_S = 30.0
"""How long on end the sockets wait for a reader that stays behind, before frames are dropped."""


@dataclass(frozen=True, slots=True)
class InboxStatistics:
    depth: int
    limit: int
    deepest: int
    dropped: int


class Inbox(Generic[Item]):
    """A bounded queue of things whose order matters.

    Who puts frames waits for `room`: a burst is held back at the sockets while the reader works it
    off. What is held back ages, so this ends with a reader that stays behind. When the queue is
    full, every frame in it is dropped and counted: a sequence with a hole is worth nothing, and the
    reader is told how much was lost so that its books start afresh. Items put by `put_always` stay.
    """

    def __init__(self, limit: int) -> None:
        self._items: deque[tuple[bool, Item]] = deque()
        self._limit = limit
        self._half = max(1, limit // 2)
        self._ready = asyncio.Event()
        self._taken = asyncio.Event()
        self._behind_since: float | None = None
        self._lost = 0
        self._deepest = 0
        self._dropped = 0

    def put(self, item: Item) -> None:
        """Add a frame; never blocks. Drops every waiting frame when there is no room."""
        if len(self._items) >= self._limit:
            kept = [entry for entry in self._items if entry[0]]
            lost = len(self._items) - len(kept)
            self._lost += lost
            self._dropped += lost
            self._items = deque(kept)
        self._items.append((False, item))
        self._deepest = max(self._deepest, len(self._items))
        self._ready.set()

    def put_always(self, item: Item) -> None:
        """Add one of the few things that must arrive: a link opened or closed, a REST answer."""
        self._items.append((True, item))
        self._ready.set()

    async def room(self) -> None:
        """Return at once while less than half is used; else wait until the reader has come."""
        if len(self._items) < self._half:
            return
        now = asyncio.get_running_loop().time()
        if self._behind_since is None:
            self._behind_since = now
        left = self._behind_since + HELD_BACK_S - now
        if left > 0:
            self._taken.clear()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(left):
                    await self._taken.wait()

    async def take(self) -> tuple[list[Item], int]:
        """Wait for items; return all of them, and how many frames were lost before them."""
        await self._ready.wait()
        self._ready.clear()
        items, lost = [item for _, item in self._items], self._lost
        if len(items) < self._half and not lost:
            self._behind_since = None
        self._items.clear()
        self._lost = 0
        self._taken.set()
        return items, lost

    def statistics(self) -> InboxStatistics:
        return InboxStatistics(len(self._items), self._limit, self._deepest, self._dropped)
