"""The detector that textbooks and other monitors have, to compare ours with. It pages nobody.

A z-score over the last 300 samples, the judged one among them, beyond 3 on depth, spread or
imbalance, without a hold: what a crunch fills its own window with becomes normal within a minute.
"""

from ..core.instrument import Nanos
from ..core.reading import Reading
from .inputs import BandTracks
from .settings import CrunchSettings
from .window import MomentWindow

WINDOW = 300
LEAST = 30
LIMIT = 3.0


class TextbookDetector:
    """Judges one sample a second of one book, by the depth of both sides within `band` bps."""

    def __init__(self, band: int = 10) -> None:
        self._depth_of = BandTracks(band, CrunchSettings()).values
        self._depth, self._spread, self._imbalance = (
            MomentWindow(WINDOW, WINDOW * CrunchSettings().cadence) for _ in range(3)
        )

    def observe(self, reading: Reading, at: Nanos) -> bool:
        """Take a sample; return whether it alerts."""
        depth, _bid, _ask = self._depth_of(reading)
        low = self._z(self._depth, depth, at)
        wide = self._z(self._spread, reading.spread_bps, at)
        leaning = self._z(self._imbalance, reading.imbalance, at)
        return low < -LIMIT or wide > LIMIT or abs(leaning) > LIMIT

    def _z(self, window: MomentWindow, value: float | None, at: Nanos) -> float:
        """Return the z-score of a value within a window that holds it, 0 where there is none."""
        if value is None:
            return 0.0
        window.add(value, at)
        return 0.0 if len(window) < LEAST else window.z(value) or 0.0
