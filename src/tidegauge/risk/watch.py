"""How long two quotes have been apart, by each of some limits. No clock is read."""

from collections.abc import Mapping
from dataclasses import dataclass

from ..core.alert import Severity
from ..core.instrument import Nanos
from .kept import HoldState
from .lifecycle import Hold
from .pair import Pair

Limits = tuple[tuple[Severity, float], ...]
"""From where each severity counts, the mildest first."""


@dataclass(frozen=True, slots=True)
class DepartureSettings:
    """What breaches, for how long it must, below what it is over, and for how long that must last."""

    limits: Limits
    hold: Nanos
    clear_below: float
    clear_for: Nanos


class Watch:
    """How long a pair has been apart. `held`: the worst severity that has lasted for the hold;
    `waiting`: whether a worse one has not yet."""

    __slots__ = ("held", "holds", "pair", "value", "waiting")

    def __init__(self, pair: Pair, settings: DepartureSettings) -> None:
        self.pair = pair
        self.value: float | None = None
        self.held: Severity | None = None
        self.waiting = True
        self.holds = [(each, Hold(settings.hold)) for each, _limit in settings.limits]

    @property
    def running(self) -> bool:
        return self.holds[0][1].since is not None

    def look(self, value: float | None, limits: Limits, at: Nanos) -> bool:
        """Return whether another severity is held by now."""
        before, self.value, self.held = self.held, value, None
        if value is None:
            self.pause()
            return before is not None
        for (severity, limit), (_severity, hold) in zip(limits, self.holds, strict=True):
            if hold.observe(value >= limit, at):
                self.held = severity
        self.waiting = any(hold.since is not None and not hold.held for _each, hold in self.holds)
        return self.held is not before

    def resume(self, kept: Mapping[Severity, HoldState]) -> None:
        """Go on with holds of before a restart."""
        self.holds = [
            (severity, kept[severity].hold(hold.span) if severity in kept else hold)
            for severity, hold in self.holds
        ]

    def pause(self) -> None:
        """It cannot be seen: what passes does not count."""
        for _severity, hold in self.holds:
            hold.pause()
