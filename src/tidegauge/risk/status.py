"""What a crunch detector shows of itself: frozen records for the faces."""

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from ..core.alert import Alert
from .inputs import Judged


class CrunchPhase(StrEnum):
    """WARMING: too few samples to judge by. PENDING: something breaches, not yet for its hold."""

    WARMING = "warming"
    CALM = "calm"
    PENDING = "pending"
    FIRING = "firing"


@dataclass(frozen=True, slots=True, kw_only=True)
class InputStatus:
    """One input as last judged; None is unknown, or warming up.

    `value`, `baseline` and `second_baseline` are in the input's own unit (quote, bps, or a plain
    number), `harm` and `noise` in logs; `robust_z` is harm / noise, `textbook_z` that of the fast
    window. `second_baseline` is what has become usual since a long alert froze the first.
    """

    name: str
    value: float | None
    baseline: float | None
    harm: float | None
    noise: float | None
    robust_z: float | None
    textbook_z: float | None
    samples: int
    frozen: bool
    second_baseline: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class CrunchStatus:
    """A detector at one instant.

    `samples` of `samples_needed`: how far it has warmed up. `noise_limited`: a fall of 60 % would
    lie inside this book's noise. `reference_too_large`: the configured size does not fit this book
    in its normal state, so that a smaller one is used. `alert` is the open one.
    """

    phase: CrunchPhase
    samples: int
    samples_needed: int
    noise_limited: bool
    band: int | None
    reference_notional: Decimal | None
    reference_too_large: bool
    inputs: tuple[InputStatus, ...]
    alert: Alert | None

    def input(self, name: str) -> InputStatus | None:
        """Return one input by name, None when there is no such."""
        return next((status for status in self.inputs if status.name == name), None)


def input_status(judged: Judged) -> InputStatus:
    """Return what is shown of one input."""
    track = judged.track
    second = None if track.normal.second is None else track.normal.second.quantiles()
    return InputStatus(
        name=track.name,
        value=judged.value,
        baseline=judged.baseline,
        harm=judged.harm,
        noise=judged.noise,
        robust_z=judged.robust_z,
        textbook_z=judged.z,
        samples=len(track.normal.slow),
        frozen=track.normal.frozen,
        second_baseline=None if second is None else track.scale.back(second.median),
    )
