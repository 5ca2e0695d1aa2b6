"""What the monitor learned before a restart, and goes on with after it."""

from typing import NamedTuple, Protocol

from msgspec import Struct

from tidegauge.core.instrument import BookId, Nanos, Symbol, VenueName
from tidegauge.risk.caps import CapsState
from tidegauge.risk.composite import CompositeState
from tidegauge.risk.divergence_status import DivergenceState
from tidegauge.risk.health import HealthState
from tidegauge.risk.kept import DetectorState
from tidegauge.risk.stress import StressState


class SymbolState(Struct, frozen=True, kw_only=True, tag="symbol/1"):
    """What a restart must not lose of one symbol, over all of its venues."""

    venues: tuple[VenueName, ...]
    divergence: DivergenceState
    stress: StressState
    composite: CompositeState
    health: HealthState


class KeptCaps(NamedTuple):
    """What was kept of exposures, and when."""

    at: Nanos
    state: CapsState


class Kept(Protocol):
    """What was learned before. None: nothing was, or it cannot be read. `left` is told of a book that is
    watched no more: what was kept of it is of no use."""

    def detector(self, book: BookId) -> DetectorState | None: ...

    def symbol(self, symbol: Symbol) -> SymbolState | None: ...

    def venue(self, venue: VenueName) -> HealthState | None: ...

    def left(self, book: BookId) -> None: ...

    def caps(self) -> KeptCaps | None: ...
