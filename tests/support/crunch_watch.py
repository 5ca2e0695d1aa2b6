"""A crunch detector watching a market that is told second by second."""

from collections.abc import Iterable
from typing import Any

from tests.support.markets import START, reading

from tidegauge.core.alert import Alert, AlertKey
from tidegauge.core.instrument import SECOND
from tidegauge.core.reading import Reading
from tidegauge.risk.crunch import SIGNAL, CrunchDetector
from tidegauge.risk.settings import CrunchSettings
from tidegauge.risk.status import CrunchPhase

KEY = AlertKey(signal=SIGNAL, symbol="BTCUSDT", venue="binance")
QUICK = CrunchSettings(
    slow=100, fast=20, min_samples=20, reference_samples=5, clear_for=10 * SECOND
)


class Watched:
    """A detector and its market, a second at a time."""

    def __init__(self, settings: CrunchSettings = QUICK) -> None:
        self.detector = CrunchDetector(KEY, settings)
        self.second = 0
        self.changes: list[tuple[int, Alert]] = []

    def see(self, seconds: int = 1, **book: Any) -> list[Alert]:
        """Judge and sample the same book for some seconds; return what changed."""
        return self.see_each(reading(self.at, frame=self.second, **book) for _ in range(seconds))

    def see_each(self, readings: Iterable[Reading]) -> list[Alert]:
        """Judge and sample each reading, a second apart."""
        changes = []
        for one in readings:
            change = self.detector.observe(one)
            self.detector.sample(one, one.origin.received_at)
            self.note(change)
            if change is not None:
                changes.append(change)
            self.second += 1
        return changes

    def note(self, change: Alert | None) -> None:
        """Keep what changed."""
        if change is not None:
            self.changes.append((self.second, change))

    @property
    def at(self) -> int:
        return START + self.second * SECOND

    @property
    def phase(self) -> CrunchPhase:
        return self.detector.status().phase


def warm(settings: CrunchSettings = QUICK, seconds: int = 60, **book: Any) -> Watched:
    """Return a detector that knows its market."""
    watched = Watched(settings)
    assert watched.see(seconds, **book) == []
    return watched


def firing(**book: Any) -> Watched:
    """Return a detector whose alert fires because most of the depth went."""
    watched = warm()
    watched.see(4, **(book or {"bid": 1e6, "ask": 1e6}))
    assert watched.phase is CrunchPhase.FIRING
    return watched
