"""One book's windows, and the reading turned into what the crunch rules judge."""

from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from typing import NamedTuple

from ..core.instrument import Nanos
from ..core.reading import Quotability, Reading
from . import rules
from .choice import DAY, choose_band, choose_reference
from .glance import Glance
from .inputs import BandTracks, Harmful, Judged, Scale, SizeTracks, Track
from .kept import SharedTimes, TrackState, WindowsState
from .rules import Inputs
from .settings import CrunchSettings


class Wanted(NamedTuple):
    """What a detector needs measured: notionals in quote, bands in bps."""

    notionals: tuple[Decimal, ...] = ()
    bands: tuple[int, ...] = ()


class CrunchInputs:
    """The windows of every input, the band and the reference notional they are judged at.

    All bands that a reading offers are sampled, so that the band can change without warming up.
    """

    def __init__(self, settings: CrunchSettings) -> None:
        self.settings = settings
        self.band: int | None = None
        self.bands: dict[int, BandTracks] = {}
        self.spread = Track("spread", settings, harmful=Harmful.MORE)
        self.imbalance = Track("imbalance", settings, harmful=Harmful.AWAY, scale=Scale.PLAIN)
        self.size: SizeTracks | None = None
        self.next_size: SizeTracks | None = None
        self.too_large = False
        self._day: int | None = None
        self._narrow = False
        self._wanted: Wanted | None = None
        self._warming: bool | None = None
        self._one_sided: deque[bool] = deque(maxlen=settings.clear_samples)
        self._floored = _floored(settings, {})

    # -- what the caller must measure ------------------------------------------------------------

    def wanted(self) -> Wanted:
        """Return what each reading must hold; it changes with a sample, if at all."""
        if self._wanted is None:
            extra = self.settings.fallback_bands if self._narrow else ()
            # Until another is chosen: an alert clears only by the band it fired by.
            current = () if self.band is None else (self.band,)
            floors = self.settings.floors
            floor = () if floors.min_depth is None else (floors.depth_band,)
            self._wanted = Wanted(
                tuple(size.notional for size in (self.size, self.next_size) if size is not None),
                # Narrow bands as well, once the narrowest is not known.
                tuple(sorted({*self.settings.bands, *extra, *floor, *current})),
            )
        return self._wanted

    @property
    def warming(self) -> bool:
        """Whether no input can be judged yet, so that a book with two sides is calm whatever it shows."""
        if self._warming is None:
            self._warming = not any(track.normal.ready for track in self.tracks())
        return self._warming and not self._floored

    def glanced_at(self) -> tuple[int, Decimal] | None:
        """Return the band and the notional that a glance must look at; None: a glance will not do."""
        if self.band is None or self.size is None or self.next_size is not None or self._floored:
            return None
        return self.band, self.size.notional

    def calm(self, seen: Glance) -> bool:
        """Whether surely no rule breaches by what a glance has shown (`rules.quiet`)."""
        assert self.band is not None
        assert self.size is not None
        band, size = self.bands[self.band], self.size
        total = None if seen.bid is None or seen.ask is None else seen.bid + seen.ask
        for track, value in (
            (band.total, total), (band.bid, seen.bid), (band.ask, seen.ask),
            (self.spread, seen.spread_bps), (size.sell, seen.sell), (size.buy, seen.buy),
        ):  # fmt: skip
            if value is not None:
                harm = track.harm(value)
                if harm is not None and not rules.harmless(track, harm, self.settings):
                    return False
        return True

    # -- from a reading to inputs ----------------------------------------------------------------

    def read(self, reading: Reading) -> Inputs:
        """Judge a reading against the windows as they stand."""
        tracks = None if self.band is None else self.bands.get(self.band)
        depth = bid = ask = None
        if tracks is not None:
            depth, bid, ask = map(_judge, tracks.tracks(), tracks.values(reading))
        sell = buy = sell_fill = buy_fill = None
        if self.size is not None:
            sell, buy, sell_fill, buy_fill = map(
                _judge, self.size.tracks(), self.size.values(reading)
            )
        return Inputs(
            depth=depth,
            bid=bid,
            ask=ask,
            spread=self.spread.judge(reading.spread_bps),
            sell=sell,
            buy=buy,
            sell_fill=sell_fill,
            buy_fill=buy_fill,
            imbalance=self.imbalance.judge(reading.imbalance),
            one_sided=reading.quotability is Quotability.ONE_SIDED,
            floored={cause: self._floor_value(cause, reading) for cause in self._floored},
        )

    def _floor_value(self, cause: str, reading: Reading) -> float | None:
        """Return the value a user floor speaks of, None when it cannot be known."""
        if cause == rules.SPREAD_FLOOR:
            return reading.spread_bps
        if cause == rules.SLIPPAGE_FLOOR:
            if self.size is None:
                return None
            sell, buy, _sold, _bought = self.size.values(reading)
            return None if sell is None or buy is None else max(sell, buy)
        band = reading.band(self.settings.floors.depth_band)
        if band is None:
            return None
        total = float(band.bid_quote) + float(band.ask_quote)
        limit = rules.floor_limit(cause, self.settings)
        # What is known of an incomplete band may be enough already.
        return total if band.complete or (limit is not None and total >= limit) else None

    # -- samples ---------------------------------------------------------------------------------

    def sample(self, reading: Reading, now: Nanos, *, firing: bool) -> None:
        """Take a sample of everything. While an alert fires, nothing is chosen anew."""
        self._wanted = self._warming = None
        for band in reading.bands:
            self._sample_band(band.bps, reading, now)
        self.spread.sample(reading.spread_bps, now)
        self.imbalance.sample(reading.imbalance, now)
        for size in (self.size, self.next_size):
            if size is not None:
                for track, value in zip(size.tracks(), size.values(reading), strict=True):
                    track.sample(value, now)
        self._one_sided.append(reading.quotability is Quotability.ONE_SIDED)
        for cause, values in self._floored.items():
            value = self._floor_value(cause, reading)
            if value is not None:
                values.append(value)
        if reading.quotability is Quotability.QUOTED:
            self._choose(reading, now, firing=firing)

    def _sample_band(self, bps: int, reading: Reading, now: Nanos) -> None:
        if not self._watches(bps):
            return
        tracks = self.bands.setdefault(bps, BandTracks(bps, self.settings))
        for track, value in zip(tracks.tracks(), tracks.values(reading), strict=True):
            track.sample(value, now)

    def _choose(self, reading: Reading, now: Nanos, *, firing: bool) -> None:
        narrowest = reading.band(min(self.settings.bands))
        if narrowest is not None and not narrowest.complete:
            self._narrow = True
        if not firing or self.band is None:
            spread = self.spread.baseline()
            assert spread is not None
            before, self.band = self.band, choose_band(reading, spread, self.band, self.settings)
            if self.band != before:
                self._forget_bands()
        if not firing or self.size is None:
            self._choose_size(now)

    def _watches(self, bps: int) -> bool:
        settings = self.settings
        return bps in settings.bands or bps in settings.fallback_bands or bps == self.band

    def _forget_bands(self) -> None:
        """Drop the bands that are not set any more."""
        self.bands = {bps: tracks for bps, tracks in self.bands.items() if self._watches(bps)}

    def _choose_size(self, now: Nanos) -> None:
        """Choose the reference notional once a day; a new one first warms up beside the old."""
        day = now // DAY
        if day != self._day and (chosen := choose_reference(self.bands, self.settings)):
            notional, self.too_large = chosen
            self._day = day
            if self.size is None:
                self.size = SizeTracks(notional, self.settings)
            elif notional != self.size.notional:
                self.next_size = SizeTracks(notional, self.settings)
        following = self.next_size
        if following is not None and following.sell_fill.normal.ready:
            self.size, self.next_size = following, None

    # -- standing still --------------------------------------------------------------------------

    def tracks(self) -> Iterator[Track]:
        """Iterate over everything that has windows."""
        yield self.spread
        yield self.imbalance
        for band in self.bands.values():
            yield from band.tracks()
        for size in (self.size, self.next_size):
            if size is not None:
                yield from size.tracks()

    def freeze(self, at: Nanos) -> None:
        """Stand still; what is still warming up has nothing to lose, and goes on."""
        for track in self.tracks():
            if track.normal.ready:
                track.normal.freeze(at)

    def thaw(self, at: Nanos) -> None:
        """Go on."""
        for track in self.tracks():
            track.normal.thaw(at)

    def rebase(self, at: Nanos) -> None:
        """Take the second baselines for the first."""
        for track in self.tracks():
            track.rebase(at)

    def expire(self, at: Nanos) -> None:
        """Drop what grew too old while the book was not seen."""
        for track in self.tracks():
            track.normal.expire(at)

    # -- kept over a restart, and other settings -------------------------------------------------

    def adopt(self, settings: CrunchSettings) -> None:
        """Judge by other settings from now on, with the samples that there are."""
        before, self.settings = self.settings, settings
        if (settings.reference_notional, settings.reference_share) != (
            before.reference_notional, before.reference_share,
        ):  # fmt: skip
            self._day, self.next_size = None, None
        for track in self.tracks():
            track.adopt(settings)
        self._forget_bands()
        self._one_sided = deque(self._one_sided, maxlen=settings.clear_samples)
        self._floored = _floored(settings, self._floored)
        self._wanted = self._warming = None

    def snapshot(self) -> WindowsState:
        """Return all of it, to be restored later."""
        times = SharedTimes()

        def states(tracks: Iterable[Track]) -> tuple[TrackState, ...]:
            return tuple(track.snapshot(times) for track in tracks)

        spread, imbalance = states((self.spread, self.imbalance))
        bands = {bps: states(band.tracks()) for bps, band in self.bands.items()}
        sizes = [size for size in (self.size, self.next_size) if size is not None]
        kept = tuple((size.notional, states(size.tracks())) for size in sizes)
        return WindowsState(
            times=times.all,
            spread=spread,
            imbalance=imbalance,
            bands=bands,
            sizes=kept,
            band=self.band,
            day=self._day,
            narrow=self._narrow,
            too_large=self.too_large,
            one_sided=tuple(self._one_sided),
            floored={cause: tuple(values) for cause, values in self._floored.items()},
        )

    def restore(self, state: WindowsState) -> None:
        """Go on from what was kept. Raises `ValueError` if it does not belong together."""
        times = SharedTimes(state.times)
        self.band, self._day, self._narrow = state.band, state.day, state.narrow
        self.too_large = state.too_large
        self.bands = {bps: BandTracks(bps, self.settings) for bps in state.bands}
        sizes = [SizeTracks(notional, self.settings) for notional, _kept in state.sizes]
        self.size, self.next_size = (*sizes, None, None)[:2]
        kept = [state.spread, state.imbalance]
        kept += [track for tracks in state.bands.values() for track in tracks]
        kept += [track for _notional, tracks in state.sizes for track in tracks]
        for track, one in zip(self.tracks(), kept, strict=True):
            track.restore(one, times)
        self._forget_bands()
        self._one_sided.extend(state.one_sided)
        for cause, values in self._floored.items():
            values.extend(state.floored.get(cause, ()))

    # -- recovery --------------------------------------------------------------------------------

    def recovered(self, cause: str) -> bool | None:
        """Whether a cause that breached is harmless again, None when it could not be seen."""
        if cause == rules.ONE_SIDED:
            seen = self._one_sided
            return 2 * sum(seen) < len(seen) if seen else None
        if cause in rules.FLOORS:
            # A limit that was taken back is not exceeded any more.
            values = self._floored.get(cause)
            return values is None or rules.floor_recovered(cause, list(values), self.settings)
        track = self._track(cause)
        return None if track is None else rules.recovered(track, self.settings)

    def _track(self, cause: str) -> Track | None:
        """Return the input a cause speaks of; band and size do not change while an alert fires."""
        band = None if self.band is None else self.bands.get(self.band)
        judged = [self.spread]
        judged += () if band is None else band.tracks()
        judged += () if self.size is None else self.size.tracks()
        return next((track for track in judged if track.name == cause), None)


def _floored(
    settings: CrunchSettings, known: Mapping[str, Iterable[float]]
) -> dict[str, deque[float]]:
    """Return the last values of what the user set a limit for."""
    return {
        cause: deque(known.get(cause, ()), maxlen=settings.clear_samples)
        for cause in rules.FLOORS
        if rules.floor_limit(cause, settings) is not None
    }


def _judge(track: Track, value: float | None) -> Judged:
    return track.judge(value)
