"""What a crunch detector keeps over a restart: its windows, its alert, and what is on its way.

Plain records, to be written by whoever keeps state. The tag is the version: what was kept by another
one is refused when it is decoded (`msgspec.ValidationError`), and the detector starts anew.
"""

from array import array
from collections.abc import Iterable, Sequence
from decimal import Decimal

from msgspec import Struct

from ..core.alert import Alert
from ..core.instrument import Nanos
from .lifecycle import Hold


class Samples(Struct, frozen=True, array_like=True):
    """A window: `times` is a place in `DetectorState.times`; `values` are doubles, oldest first."""

    times: int
    values: bytes


class NormalState(Struct, frozen=True, array_like=True):
    """The windows of one number. The fast one is the last `fast` samples of the slow one."""

    slow: Samples
    fast: int
    second: Samples | None
    frozen_at: Nanos | None
    away: Nanos


class TrackState(Struct, frozen=True, array_like=True):
    """One input: what is normal for it, and the harms of its last samples, as doubles."""

    normal: NormalState
    harms: bytes
    seen: bool


class HoldState(Struct, frozen=True, array_like=True):
    """A condition that was seen to last since then, and for how long it was seen."""

    since: Nanos
    elapsed: Nanos

    @classmethod
    def of(cls, hold: Hold) -> "HoldState | None":
        return None if hold.since is None else cls(hold.since, hold.elapsed)

    def hold(self, span: Nanos) -> Hold:
        """Return the hold again, standing still until the next observation."""
        hold = Hold(span)
        hold.since, hold.elapsed = self.since, self.elapsed
        return hold


class WindowsState(Struct, frozen=True, kw_only=True):
    """The windows of one book, and what it is judged at.

    `bands`: total, bid and ask by bps. `sizes`: sell, buy, and the filled fraction of each, of the
    reference notional and of the one that is to follow it.
    """

    times: tuple[bytes, ...]
    spread: TrackState
    imbalance: TrackState
    bands: dict[int, tuple[TrackState, ...]]
    sizes: tuple[tuple[Decimal, tuple[TrackState, ...]], ...]
    band: int | None
    day: int | None
    narrow: bool
    too_large: bool
    one_sided: tuple[bool, ...]
    floored: dict[str, tuple[float, ...]]


class DetectorState(Struct, frozen=True, kw_only=True, tag="crunch/1"):
    """A detector as it stood when it had last seen its book, at `at` (0: never)."""

    at: Nanos
    windows: WindowsState
    holds: dict[str, HoldState]
    clear: HoldState | None
    harmless: bool | None
    causes: tuple[str, ...]
    alert: Alert | None
    sentence: str


class SharedTimes:
    """The times of many windows, most of which were sampled together: each is kept once."""

    def __init__(self, kept: Iterable[bytes] = ()) -> None:
        self._places = {times: place for place, times in enumerate(kept)}
        self._known: dict[int, Sequence[Nanos]] = {}

    @property
    def all(self) -> tuple[bytes, ...]:
        return tuple(self._places)

    def keep(self, times: Iterable[Nanos], values: Iterable[float]) -> Samples:
        """Keep samples."""
        place = self._places.setdefault(array("q", [*times]).tobytes(), len(self._places))
        return Samples(place, array("d", [*values]).tobytes())

    def samples(self, kept: Samples) -> tuple[Sequence[Nanos], Sequence[float]]:
        """Return times and values again. Raises `ValueError` if they do not belong together."""
        if kept.times not in self._known:
            self._known[kept.times] = array("q", self.all[kept.times])
        times, values = self._known[kept.times], doubles(kept.values)
        if len(times) != len(values):
            raise ValueError("A window has times of other samples than its own")
        return times, values


def doubles(kept: bytes) -> Sequence[float]:
    """Return numbers that were kept as doubles."""
    return array("d", kept)
