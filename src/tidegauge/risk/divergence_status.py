"""What a divergence shows of itself, and what of it is kept over a restart: frozen records."""

from dataclasses import dataclass
from enum import StrEnum

from msgspec import Struct

from ..core.alert import Alert
from ..core.instrument import Symbol, VenueName
from .departures import DeparturesState
from .judged import JudgedState
from .kept import NormalState
from .pair import Executable


class DivergencePhase(StrEnum):
    """UNSEEN: one of the two is not fresh. BLIND: fewer than two of all are. WARMING: the usual
    premium is not known yet. PENDING: apart, not yet for its hold."""

    UNSEEN = "unseen"
    BLIND = "blind"
    WARMING = "warming"
    CALM = "calm"
    PENDING = "pending"
    FIRING = "firing"


@dataclass(frozen=True, slots=True, kw_only=True)
class PairStatus:
    """One pair of venues. `raw_bps`: how much dearer `one` is; None while it is not seen.

    `deviation_bps` is that beyond the usual `premium_bps`, None while this is unknown; of `alike`
    instruments it is the raw number itself. `samples` of `samples_needed`: how far the premium is
    known. `second_premium_bps`: what has become usual since a long alert froze the first.
    `executable`: None without both fees.
    """

    one: VenueName
    other: VenueName
    phase: DivergencePhase
    alike: bool
    raw_bps: float | None
    deviation_bps: float | None
    premium_bps: float | None
    second_premium_bps: float | None
    samples: int
    samples_needed: int
    frozen: bool
    executable: Executable | None

    @property
    def divergence_bps(self) -> float | None:
        """How far apart they are, whatever is usual."""
        return None if self.raw_bps is None else abs(self.raw_bps)

    @property
    def judged_bps(self) -> float | None:
        """What they are judged by."""
        return None if self.deviation_bps is None else abs(self.deviation_bps)


@dataclass(frozen=True, slots=True, kw_only=True)
class DivergenceStatus:
    """All venues of one symbol. `judged_bps`: of the widest pair; None while none is judged.
    `left`: the venues, or pairs of them, that alerts speak of."""

    symbol: Symbol
    phase: DivergencePhase
    venues: tuple[VenueName, ...]
    fresh: tuple[VenueName, ...]
    judged_bps: float | None
    left: tuple[VenueName, ...]
    pairs: tuple[PairStatus, ...]
    alerts: tuple[Alert, ...]

    def pair(self, one: VenueName, other: VenueName) -> PairStatus | None:
        """Return one pair, whichever comes first; None when there is no such."""
        wanted = {one, other}
        return next((pair for pair in self.pairs if {pair.one, pair.other} == wanted), None)


class DivergenceState(Struct, frozen=True, kw_only=True, tag="divergence/1"):
    """A divergence over a restart. `premiums`: what is usual, by pair; `times` those of its samples."""

    times: tuple[bytes, ...]
    premiums: dict[str, NormalState]
    divergence: DeparturesState
    executable: DeparturesState
    blind: JudgedState
