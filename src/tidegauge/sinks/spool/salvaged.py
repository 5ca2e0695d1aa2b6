"""A damaged file of a lane: gives up its readable rows, and is then put aside."""

from contextlib import suppress
from pathlib import Path

from tidegauge.core.instrument import Nanos

from ..slips import Slip
from .salvage import salvage
from .segment import Chunk, files_of, remove_files, size_of

ASIDE = "damaged"


class Salvaged:
    """Stands in the place of a `Segment` that cannot be read. Blocking; holds its rows in memory."""

    full = True

    def __init__(self, path: Path, first: int, stored: int = 0, last: int = 0) -> None:
        """Read what can be read. `stored`, `last`: as far as they are known."""
        self.path = path
        self.first = first
        try:
            found = salvage(path).in_order()
        except OSError:
            found = []
        self._slips: list[Slip] = found
        self.stored = max(first - 1, stored)
        self.last = max(self.stored, last, found[-1].seq if found else 0)

    @property
    def waiting(self) -> int:
        """Rows between the mark and the last readable one, the lost among them."""
        return self.last - self.stored

    @property
    def size(self) -> int:
        return size_of(self.path)

    def read(self, limit: int) -> Chunk:
        """Return the next readable rows."""
        slips = [slip for slip in self._slips if slip.seq > self.stored][:limit]
        upto = slips[-1].seq if slips else self.last
        return Chunk(slips, upto, upto - self.stored - len(slips))

    def mark(self, stored: int) -> None:
        """Note how far it is stored; it is not written anywhere."""
        self.stored = stored

    def write_mark(self) -> None:
        """There is nowhere to write it: a restart sends its rows again."""

    def span(self) -> tuple[Nanos, Nanos] | None:
        """Return the earliest and the latest time of its rows."""
        times = [slip.at for slip in self._slips]
        return (min(times), max(times)) if times else None

    def close(self) -> None:
        """Nothing is open."""

    def remove(self) -> None:
        """Put the file aside, for somebody to look at."""
        aside = self.path.parent.parent / ASIDE
        try:
            aside.mkdir(mode=0o700, exist_ok=True)
            for each in files_of(self.path)[:2]:
                if each.exists():
                    each.rename(aside / f"{self.path.parent.name}-{each.name}")
        except OSError:
            return  # a disk that takes no writes keeps it where it is
        with suppress(OSError):
            remove_files(self.path)
