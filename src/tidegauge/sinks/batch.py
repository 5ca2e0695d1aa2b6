"""Decides when to write and what to give up. Pure: time is an argument, nothing is written here."""

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass

from tidegauge.core.instrument import SECOND, Nanos

from .rows import Kind
from .slips import CODES, Slip

WORTH = tuple(Kind)
"""In which order records are written: a reading may wait for an alert, never the other way."""

SPARED = tuple(
    CODES[kind] for kind in (Kind.READING, Kind.MARKET, Kind.FEED_EVENT, Kind.INSTRUMENT)
)
"""In which order records are given up when there is no room. What is not here never is."""

URGENT = frozenset(
    CODES[kind] for kind in (Kind.RUN, Kind.ALERT, Kind.TRANSITION, Kind.SILENCE, Kind.OUTCOME)
)


@dataclass(frozen=True, slots=True, kw_only=True)
class WriterLimits:
    """How much the writer holds, and how long it waits.

    `batch`: records in one transaction. `age_s`: how long a lone record waits for others.
    `capacity`: records held in memory while neither the disk nor the database takes them.
    `roll_up_s`: the deadline of a roll-up, which reads all readings of its minutes.
    """

    batch: int = 250
    age_s: float = 1.0
    capacity: int = 20_000
    connect_s: float = 5.0
    command_s: float = 10.0
    roll_up_s: float = 120.0
    backoff_s: float = 0.1
    longest_backoff_s: float = 5.0


class Backlog:
    """What waits in memory: for each kind, first in, first out.

    Batches laid end to end are, kind by kind, the slips that went in, less those given up.
    """

    __slots__ = ("_age", "_batch", "_capacity", "_since", "_urgent", "_waiting", "size")

    def __init__(self, batch: int, age_s: float, capacity: int) -> None:
        self._batch = batch
        self._age: Nanos = int(age_s * SECOND)
        self._capacity = capacity
        self._waiting: dict[int, deque[Slip]] = {CODES[kind]: deque() for kind in WORTH}
        self._since: Nanos | None = None
        self._urgent = False
        self.size = 0

    def __len__(self) -> int:
        return self.size

    def add(self, slip: Slip, now: Nanos) -> Slip | None:
        """Take a slip in. Returns the one given up for it, if one was."""
        self._waiting[slip.code].append(slip)
        self.size += 1
        if self._since is None:
            self._since = now
        if slip.code in URGENT:
            self._urgent = True
        return None if self.size <= self._capacity else self._give_up()

    def _give_up(self) -> Slip | None:
        for spared in SPARED:
            if self._waiting[spared]:
                self.size -= 1
                return self._waiting[spared].popleft()
        return None

    def due_at(self) -> Nanos | None:
        """Return when the next batch is to be written; None: nothing waits."""
        if self._since is None:
            return None
        return self._since if self._urgent or self.size >= self._batch else self._since + self._age

    def due(self, now: Nanos) -> bool:
        """Whether to write now: something urgent waits, a batch is full, or a slip is old."""
        due_at = self.due_at()
        return due_at is not None and due_at <= now

    def take(self) -> list[Slip]:
        """Take the next batch out."""
        batch: list[Slip] = []
        for queue in self._waiting.values():
            room = self._batch - len(batch)
            if len(queue) <= room:
                batch += queue
                queue.clear()
            else:
                batch += [queue.popleft() for _ in range(room)]
        self.size -= len(batch)
        if not self.size:
            self._since = None
        self._urgent = any(self._waiting[code] for code in URGENT)
        return batch

    def put_back(self, batch: Iterable[Slip]) -> None:
        """Return slips that were taken and not written, to where they were."""
        for slip in reversed(list(batch)):
            self._waiting[slip.code].appendleft(slip)
            self.size += 1
            self._since = -self._age  # it has waited long enough
            self._urgent = self._urgent or slip.code in URGENT
