"""What was seen in the last hour, kept small, and what is remembered of it as trends."""

from bisect import bisect_right
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

import msgspec
import zstandard

HOUR = timedelta(hours=1)
EVERY = timedelta(seconds=2)
MOST_BYTES = 64 * 1024 * 1024


class Memory:
    """One symbol's documents of the last hour, one every 2 s, each compressed; at most `most` bytes."""

    def __init__(self, most: int = MOST_BYTES) -> None:
        self._most = most
        self._kept: deque[tuple[datetime, bytes]] = deque()
        self._packer = zstandard.ZstdCompressor(level=3)
        self._unpacker = zstandard.ZstdDecompressor()
        self.size = 0
        """Bytes that are held."""

    def __len__(self) -> int:
        return len(self._kept)

    @property
    def instants(self) -> tuple[datetime, ...]:
        """Return when each was seen, the oldest first."""
        return tuple(at for at, _ in self._kept)

    def keep(self, at: datetime, document: Mapping[str, Any]) -> bool:
        """Keep a document, unless the last one is as good as new; True if it was kept."""
        if self._kept and at - self._kept[-1][0] < EVERY:
            return False
        packed = self._packer.compress(msgspec.json.encode(document))
        self._kept.append((at, packed))
        self.size += len(packed)
        while self._kept and (self._kept[0][0] < at - HOUR or self.size > self._most):
            self.size -= len(self._kept.popleft()[1])
        return True

    def seen_at(self, at: datetime) -> dict[str, Any] | None:
        """Return the last document that was seen by then; None where nothing was."""
        place = bisect_right(self._kept, at, key=lambda entry: entry[0])
        if not place:
            return None
        unpacked = self._unpacker.decompress(self._kept[place - 1][1])
        document: dict[str, Any] = msgspec.json.decode(unpacked)
        return document


class Trends:
    """Numbers of the last hour by name, for sparklines."""

    def __init__(self) -> None:
        self._kept: dict[tuple[str, str], deque[tuple[datetime, float]]] = {}
        self._last: datetime | None = None

    def add(self, at: datetime, values: Iterable[tuple[tuple[str, str], float | None]]) -> None:
        """Take the numbers of an instant; those of less than 2 s after the last are let go."""
        if self._last is not None and timedelta() <= at - self._last < EVERY:
            return
        self._last = at
        for name, value in values:
            if value is None:
                continue
            kept = self._kept.setdefault(name, deque())
            kept.append((at, value))
            while kept[0][0] < at - HOUR:
                kept.popleft()

    def put_before(self, name: tuple[str, str], points: Iterable[tuple[datetime, float]]) -> None:
        """Put what was known before the first number that is kept in front of it."""
        kept = self._kept.setdefault(name, deque())
        first = kept[0][0] if kept else None
        older = sorted(point for point in points if first is None or point[0] < first)
        kept.extendleft(reversed(older))

    def of(
        self, name: tuple[str, str], until: datetime, span: timedelta, bins: int
    ) -> list[float | None]:
        """Return the last value of each of so many stretches that end at `until`; None where none is."""
        found: list[float | None] = [None] * bins
        for at, value in self._within(name, until - span, until):
            found[min(bins - 1, int(bins * (1 - (until - at) / span)))] = value
        return found

    def _within(
        self, name: tuple[str, str], since: datetime, until: datetime
    ) -> Iterator[tuple[datetime, float]]:
        for at, value in self._kept.get(name, ()):
            if since < at <= until:
                yield at, value
