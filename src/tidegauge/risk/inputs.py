"""The inputs of a crunch: what is read from a reading, and what is normal for it.

Every input has a harm h, the difference from its median signed so that positive is harmful, and a
noise s (docs/signals.md §2).
"""

from array import array
from collections import deque
from collections.abc import Callable
from decimal import Decimal
from enum import Enum
from math import exp, log
from typing import NamedTuple

from ..core.instrument import Nanos
from ..core.reading import Fill, Reading, Taker
from .kept import SharedTimes, TrackState, doubles
from .settings import CrunchSettings
from .window import Normal

NO_DEPTH = 1e-12
"""Quote that stands for an empty band, whose log would be infinite."""

NO_FILL_BPS = 10_000.0
"""Slippage that stands for a size that cannot be filled: all of it is lost."""


class Scale(Enum):
    """How an input is judged: depth and spread in logs, slippage as ln(slippage + 1 bps)."""

    LOG = "log"
    SLIPPAGE = "slippage"
    PLAIN = "plain"

    @property
    def of(self) -> Callable[[float], float]:
        """What makes of a value the number that is judged."""
        return _SCALED[self]

    def back(self, judged: float) -> float:
        """Return the value in its own unit."""
        if self is Scale.LOG:
            return exp(judged)
        return exp(judged) - 1.0 if self is Scale.SLIPPAGE else judged


def _log(value: float) -> float:
    return log(value) if value > NO_DEPTH else log(NO_DEPTH)


def _log_of_slippage(value: float) -> float:
    return log(value + 1.0)


def _plain(value: float) -> float:
    return value


_SCALED: dict[Scale, Callable[[float], float]] = {
    Scale.LOG: _log,
    Scale.SLIPPAGE: _log_of_slippage,
    Scale.PLAIN: _plain,
}


class Harmful(Enum):
    """Which way is harmful: less depth, more spread, imbalance either way."""

    LESS = "less"
    MORE = "more"
    AWAY = "away"


class Judged(NamedTuple):
    """One input at one instant, against the window as it stood; None is unknown or warming up.

    `value` and `baseline` (the slow median) are in the input's own unit, `harm` and `noise` in
    logs; `z` is the textbook z over the fast window, shown for comparison and used by nothing.
    """

    track: "Track"
    value: float | None
    baseline: float | None
    harm: float | None
    noise: float | None
    z: float | None

    @property
    def robust_z(self) -> float | None:
        """Return h / s, None while either is unknown."""
        return None if self.harm is None or self.noise is None else self.harm / self.noise

    def at_harm(self, harm: float) -> float | None:
        """Return the value, in the input's own unit, whose harm would be `harm`."""
        if self.baseline is None:
            return None
        away = -harm if self.track.harmful is Harmful.LESS else harm
        return self.track.scale.back(self.track.scale.of(self.baseline) + away)


class Track:
    """One input: its windows, and the harms of its last samples."""

    __slots__ = (
        "_baseline",
        "_harms",
        "_learned_from",
        "_median",
        "_medians",
        "_noise",
        "_of",
        "_ready",
        "_sign",
        "_version",
        "alarm",
        "harmful",
        "least_noise",
        "name",
        "normal",
        "scale",
        "seen",
    )

    def __init__(
        self, name: str, settings: CrunchSettings, *, harmful: Harmful, scale: Scale = Scale.LOG
    ) -> None:
        self.name = name
        self.harmful = harmful
        self.scale = scale
        self.least_noise = settings.least_noise
        self.normal = Normal(
            slow=settings.slow,
            fast=settings.fast,
            cadence=settings.cadence,
            min_samples=settings.min_samples,
            max_freeze=settings.max_freeze,
        )
        self.seen = False
        self.alarm: float | None = None
        """The harm from which a rule may breach; None: to be worked out (`rules.alarm_of`)."""
        self._harms: deque[float] = deque(maxlen=settings.bleed_long)
        self._medians: dict[int, float | None] = {}
        self._baseline: float | None = None
        self._noise = settings.least_noise
        self._median = 0.0
        self._ready = False
        self._of = scale.of
        # Away from the median is harmful this way; 0: either way.
        self._sign = {Harmful.LESS: -1, Harmful.MORE: 1, Harmful.AWAY: 0}[harmful]
        self._learned_from = self.normal.slow
        self._version = -1

    def judge(self, value: float | None) -> Judged:
        """Judge a value against the windows as they stand."""
        normal = self.normal
        if normal.slow.version != self._version or normal.slow is not self._learned_from:
            self._learn()
        noise = self._noise if self._ready else None
        if value is None or noise is None:
            return Judged(self, value, self._baseline, None, noise, None)
        judged = self._of(value)
        z = normal.fast.z(judged)
        return Judged(self, value, self._baseline, self._away(judged), noise, z)

    def harm(self, value: float) -> float | None:
        """Return how far a value lies on the harmful side; None while warming up."""
        slow = self.normal.slow
        if slow.version != self._version or slow is not self._learned_from:
            self._learn()
        return self._away(self._of(value)) if self._ready else None

    def noise(self) -> float | None:
        """Return s: half the middle 68 %, or its harmful half where that is wider."""
        self._learn()
        return self._noise if self._ready else None

    def baseline(self) -> float | None:
        """Return the slow median in the input's own unit, None while there is none."""
        self._learn()
        return self._baseline

    def _away(self, judged: float) -> float:
        """Return how far `judged` lies on the harmful side of the median."""
        away = judged - self._median
        return away * self._sign if self._sign else abs(away)

    def _learn(self) -> None:
        """Work out what follows from the slow window, if it has moved."""
        slow = self.normal.slow
        if slow.version == self._version and slow is self._learned_from:
            return
        self._version, self._learned_from, self.alarm = slow.version, slow, None
        self._ready = self.normal.ready
        quantiles = slow.quantiles()
        if quantiles is None:
            self._baseline = None
            return
        self._median = quantiles.median
        self._baseline = self.scale.back(quantiles.median)
        below, above = quantiles.median - quantiles.low, quantiles.high - quantiles.median
        worse = max(below, above) if self.harmful is Harmful.AWAY else above
        worse = below if self.harmful is Harmful.LESS else worse
        self._noise = max(self.least_noise, (below + above) / 2, worse)

    def sample(self, value: float | None, at: Nanos) -> None:
        """Take a sample at the cadence; None when the input is unknown."""
        self.seen = value is not None
        if value is None:
            return
        judged = self._of(value)
        self._learn()
        if self._ready:
            self._harms.append(self._away(judged))
            self._medians.clear()
            self.alarm = None
        self.normal.sample(judged, at)

    def median_harm(self, samples: int) -> float | None:
        """Return the median harm of the last `samples` samples, None when there are fewer."""
        if len(self._harms) < samples:
            return None
        if samples not in self._medians:
            last = sorted(list(self._harms)[-samples:])
            self._medians[samples] = (last[(samples - 1) // 2] + last[samples // 2]) / 2
        return self._medians[samples]

    def rebase(self, at: Nanos) -> None:
        """Take the second baseline, and forget the harms that were against the first."""
        self.normal.rebase(at)
        self._harms.clear()
        self._medians.clear()
        self.alarm = None

    def adopt(self, settings: CrunchSettings) -> None:
        """Judge by other settings from now on, with the samples that there are."""
        self.least_noise = settings.least_noise
        self.normal.resize(
            slow=settings.slow,
            fast=settings.fast,
            cadence=settings.cadence,
            min_samples=settings.min_samples,
            max_freeze=settings.max_freeze,
        )
        self._harms = deque(self._harms, maxlen=settings.bleed_long)
        self._medians.clear()

    def snapshot(self, times: SharedTimes) -> TrackState:
        """Return all of it, to be restored later."""
        harms = array("d", self._harms).tobytes()
        return TrackState(self.normal.snapshot(times), harms, self.seen)

    def restore(self, state: TrackState, times: SharedTimes) -> None:
        """Go on from what was kept. Raises `ValueError` if it does not belong together."""
        self.normal.restore(state.normal, times)
        self._harms.extend(doubles(state.harms))
        self.seen = state.seen


class BandTracks:
    """Depth within one band: both sides together, and each."""

    __slots__ = ("ask", "bid", "bps", "total")

    def __init__(self, bps: int, settings: CrunchSettings) -> None:
        self.bps = bps
        self.total = Track("depth", settings, harmful=Harmful.LESS)
        self.bid = Track("bid_depth", settings, harmful=Harmful.LESS)
        self.ask = Track("ask_depth", settings, harmful=Harmful.LESS)

    def values(self, reading: Reading) -> tuple[float | None, float | None, float | None]:
        """Return (total, bid, ask) in quote; a depth that is only a floor is unknown."""
        band = reading.band(self.bps)
        if band is None:
            return None, None, None
        unit: int = 10**band.scales.quote
        bid = band.bid_quote_units / unit if band.bid_complete else None
        ask = band.ask_quote_units / unit if band.ask_complete else None
        return (None if bid is None or ask is None else bid + ask), bid, ask

    def tracks(self) -> tuple[Track, Track, Track]:
        return self.total, self.bid, self.ask


class SizeTracks:
    """Taking one reference notional: slippage and filled fraction of a sell and of a buy."""

    __slots__ = ("buy", "buy_fill", "notional", "sell", "sell_fill")

    def __init__(self, notional: Decimal, settings: CrunchSettings) -> None:
        self.notional = notional
        self.sell = Track("sell_slippage", settings, harmful=Harmful.MORE, scale=Scale.SLIPPAGE)
        self.buy = Track("buy_slippage", settings, harmful=Harmful.MORE, scale=Scale.SLIPPAGE)
        self.sell_fill = Track("sell_fill", settings, harmful=Harmful.LESS, scale=Scale.PLAIN)
        self.buy_fill = Track("buy_fill", settings, harmful=Harmful.LESS, scale=Scale.PLAIN)

    def values(
        self, reading: Reading
    ) -> tuple[float | None, float | None, float | None, float | None]:
        """Return (sell slippage, buy slippage, sell fraction, buy fraction)."""
        sell = reading.fill(Taker.SELL, self.notional)
        buy = reading.fill(Taker.BUY, self.notional)
        return slippage_of(sell), slippage_of(buy), fraction_of(sell), fraction_of(buy)

    def tracks(self) -> tuple[Track, Track, Track, Track]:
        return self.sell, self.buy, self.sell_fill, self.buy_fill


def slippage_of(fill: Fill | None) -> float | None:
    """Return the slippage that is judged: unknown where the walk left the known range."""
    if fill is None or fill.floor:
        return None
    # Not filled, though all is known: it must read as dearer than anything that was.
    return fill.slippage_bps if fill.slippage_bps is not None else NO_FILL_BPS


def fraction_of(fill: Fill | None) -> float | None:
    """Return the share that was filled, None when it was not measured."""
    return None if fill is None else fill.filled_fraction
