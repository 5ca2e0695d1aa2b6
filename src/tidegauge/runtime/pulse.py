"""Whether the monitor works: its loop turns, and venues tell it something."""

from collections.abc import Callable

from tidegauge.core.instrument import SECOND, Nanos

TURN_WITHIN: Nanos = 10 * SECOND
FRAME_WITHIN: Nanos = 60 * SECOND


class Pulse:
    """Told at each turn how many frames came so far; `steady` is a clock that nobody sets."""

    def __init__(self, steady: Callable[[], Nanos]) -> None:
        self._steady = steady
        self._turned_at: Nanos | None = None
        self._heard_at: Nanos | None = None
        self._frames = 0

    def beat(self, frames: int) -> None:
        """The loop turned once more."""
        self._turned_at = self._steady()
        if frames != self._frames:
            self._frames, self._heard_at = frames, self._turned_at

    def turns(self) -> bool:
        """Whether it turned lately, whatever venues say: what a restart of this process could mend."""
        return self._turned_at is not None and self._steady() - self._turned_at < TURN_WITHIN

    def beats(self) -> bool:
        """Whether it turned lately, and venues told something lately."""
        heard = self._heard_at
        return self.turns() and heard is not None and self._steady() - heard < FRAME_WITHIN
