"""Decides when to write and what to give up. Pure: time is an argument, nothing is written here."""

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar, TypeAlias

from msgspec import Struct

from tidegauge.core.instrument import SECOND, Nanos

from .rows import Kind, Rare
from .series import Series

WORTH = (*(Kind.RUN, Kind.INSTRUMENT, Kind.ALERT, Kind.FEED_EVENT, Kind.MARKET, Kind.READING),)
"""In which order records are written: a reading may wait for an alert, never the other way."""

SPARED = (Kind.READING, Kind.MARKET, Kind.FEED_EVENT, Kind.INSTRUMENT)
"""In which order records are given up when there is no room. What is not here never is."""

URGENT = frozenset({Kind.RUN, Kind.ALERT})


@dataclass(frozen=True, slots=True, kw_only=True)
class WriterLimits:
    """How much the writer holds, and how long it waits.

    `batch`: records in one transaction. `age_s`: how long a lone record waits for others.
    `capacity`: records held while the database is away.
    """

    batch: int = 250
    age_s: float = 1.0
    capacity: int = 20_000
    connect_s: float = 5.0
    command_s: float = 10.0
    backoff_s: float = 0.1
    longest_backoff_s: float = 5.0


class Told(Struct, frozen=True, gc=False):
    """A record that waits, and since when."""

    kind: Kind
    record: Rare
    at: Nanos


class Measured(Struct, frozen=True, gc=False):
    """A reading that waits, as the row it will be."""

    kind: ClassVar[Kind] = Kind.READING

    row: bytes
    series: Series
    at: Nanos


Entry: TypeAlias = Told | Measured


class Backlog:
    """What waits to be written: for each kind, first in, first out.

    Batches laid end to end are, kind by kind, the records that went in, less those given up.
    """

    __slots__ = ("_age", "_batch", "_capacity", "_waiting", "size")

    def __init__(self, limits: WriterLimits) -> None:
        self._batch = limits.batch
        self._age: Nanos = int(limits.age_s * SECOND)
        self._capacity = limits.capacity
        self._waiting: dict[Kind, deque[Entry]] = {kind: deque() for kind in WORTH}
        self.size = 0

    def __len__(self) -> int:
        return self.size

    def add(self, entry: Entry) -> Kind | None:
        """Take a record in. Returns the kind of the record given up for it, if one was."""
        self._waiting[entry.kind].append(entry)
        self.size += 1
        return None if self.size <= self._capacity else self._give_up()

    def _give_up(self) -> Kind | None:
        for spared in SPARED:
            if self._waiting[spared]:
                self._waiting[spared].popleft()
                self.size -= 1
                return spared
        return None

    def due_at(self) -> Nanos | None:
        """Return when the next batch is to be written; None: nothing waits."""
        oldest = min((queue[0].at for queue in self._waiting.values() if queue), default=None)
        if oldest is None:
            return None
        if any(self._waiting[kind] for kind in URGENT) or self.size >= self._batch:
            return oldest
        return oldest + self._age

    def due(self, now: Nanos) -> bool:
        """Whether to write now: something urgent waits, a batch is full, or a record is old."""
        due_at = self.due_at()
        return due_at is not None and due_at <= now

    def take(self) -> list[Entry]:
        """Take the next batch out."""
        batch: list[Entry] = []
        for kind in WORTH:
            queue = self._waiting[kind]
            count = min(len(queue), self._batch - len(batch))
            batch += [queue.popleft() for _ in range(count)]
        self.size -= len(batch)
        return batch

    def put_back(self, batch: Iterable[Entry]) -> None:
        """Return records that were taken and not written, to where they were."""
        for entry in reversed(list(batch)):
            self._waiting[entry.kind].appendleft(entry)
            self.size += 1
