"""A file of a lane that SQLite does not read: gives up its readable rows, and is then put aside."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from tidegauge.core.instrument import HOUR, Nanos

from ..slips import Slip
from .paths import put_aside, remove_files, size_of
from .salvage import salvage
from .segment import ROLLED_UP, Chunk, Span

ASIDE = "damaged"


class Salvaged:
    """Stands in the place of a `Segment`. Blocking; its rows are in memory while they are read.

    `damaged`: or else it is sound as far as is known, and lies where SQLite cannot open it.
    """

    def __init__(
        self,
        path: Path,
        first: int,
        *,
        damaged: bool = True,
        stored: int = 0,
        last: int | None = None,
        known: Mapping[int, Slip] | None = None,
    ) -> None:
        """`stored`, `last`: as far as they are known. `known`: series of other files of the lane.

        Read at once unless `last` is known. Raises `OSError` when we are out of something.
        """
        self.path = path
        self.first = first
        self.damaged = damaged
        self.stored = max(first - 1, stored)
        self.last = self.stored if last is None else max(self.stored, last)
        self.kept_ns = _changed_ns(path)
        self._until = last
        self._known: Mapping[int, Slip] = {} if known is None else known
        self._slips: list[Slip] | None = None
        self._spans: list[Span] = []
        if last is None:
            self.scan()
            self._slips = None

    def scan(self) -> Sequence[Slip]:
        """Return what can be read, and learn how far it was stored. Raises `OSError`."""
        if self._slips is None:
            found = salvage(self.path)
            slips = found.in_order(self._known)
            if self._until is None:
                self.last = max(self.last, found.last, slips[-1].seq if slips else 0)
            self._slips = [slip for slip in slips if self.first <= slip.seq <= self.last]
            self.stored = max(self.stored, min(found.stored, self.last))
            if found.kept_ns is None:
                self.damaged = True  # any sound file knows of itself
            else:
                self.kept_ns = found.kept_ns
            self._spans = _spans_of(self._slips)
        return self._slips

    @property
    def waiting(self) -> int:
        """Rows between the mark and the last one known of, the lost among them."""
        return self.last - self.stored

    @property
    def size(self) -> int:
        return size_of(self.path)

    def read(self, limit: int) -> Chunk:
        """Return the next readable rows. Raises `OSError` when we are out of something."""
        slips = [slip for slip in self.scan() if slip.seq > self.stored][:limit]
        upto = slips[-1].seq if slips else self.last
        lost = upto - self.stored - len(slips)
        if lost:
            self.damaged = True
        return Chunk(slips, upto, lost)

    def mark(self, stored: int) -> None:
        """Note how far it is stored; it is not written anywhere."""
        self.stored = max(self.stored, stored)

    def write_mark(self) -> None:
        """There is nowhere to write it: a restart sends its rows again."""

    def spans(self) -> Sequence[Span]:
        """Return the earliest and the latest time of what is rolled up, hour by hour."""
        return self._spans

    @property
    def is_open(self) -> bool:
        """Whether its rows are in memory."""
        return self._slips is not None

    def shut(self) -> None:
        """Let go of the rows; they are read again when it is asked for something."""
        self._slips = None

    def close(self) -> None:
        """Let go of the rows."""
        self.shut()

    def remove(self) -> None:
        """Put the file aside, for somebody to look at; delete one that was not damaged."""
        self.close()
        if self.damaged:
            folder = self.path.parent
            try:
                put_aside(self.path, folder.parent / ASIDE, folder.name)
            except OSError:
                return  # a disk that takes no writes keeps it where it is
        with suppress(OSError):
            remove_files(self.path)


def _changed_ns(path: Path) -> Nanos:
    try:
        return path.stat().st_mtime_ns
    except OSError:
        return 0


def _spans_of(slips: Sequence[Slip]) -> list[Span]:
    hours: dict[int, Span] = {}
    for slip in slips:
        if slip.code in ROLLED_UP:
            since, until = hours.get(slip.at // HOUR, (slip.at, slip.at))
            hours[slip.at // HOUR] = min(since, slip.at), max(until, slip.at)
    return [hours[hour] for hour in sorted(hours)]
