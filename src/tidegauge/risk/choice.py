"""Which band a book is judged by, and at which size (docs/signals.md §3)."""

from collections.abc import Mapping
from decimal import ROUND_FLOOR, Context, Decimal

from ..core.instrument import SECOND, Nanos
from ..core.reading import Reading
from .inputs import BandTracks, Track
from .settings import CrunchSettings

DAY: Nanos = 86_400 * SECOND

TWO_DIGITS = Context(prec=2, rounding=ROUND_FLOOR)
"""A reference notional is a round number: it is told to people."""


def choose_band(
    reading: Reading, spread: float, current: int | None, settings: CrunchSettings
) -> int | None:
    """Return the band to judge by: the smallest that is complete and wide for the spread.

    `spread` is the median in bps. The current band is kept while it is complete and at least
    `band_stay` as wide as it would have to be, so that a spread near the edge does not flap. With
    none wide enough, or none complete, the largest complete one; with none at all the current.
    """
    offered = {band.bps for band in reading.bands if band.complete}
    wide = settings.band_spreads * spread
    fit = [bps for bps in settings.bands if bps in offered and bps >= wide]
    if fit:
        smallest = min(fit)
        if current in offered and current in settings.bands and current < smallest:
            return current if current >= settings.band_stay * wide else smallest
        return smallest
    complete = offered & {*settings.bands, *settings.fallback_bands}
    return max(complete) if complete else current


def choose_reference(
    bands: Mapping[int, BandTracks], settings: CrunchSettings
) -> tuple[Decimal, bool] | None:
    """Return (reference notional, whether the configured one is too large), None: not known yet.

    The configured size, or `reference_share` of the median depth of the thinner side within the
    widest band of which there are samples enough (100 bps, where the venue tells that much).
    """
    depth = widest_depth(bands, settings)
    if depth is None:
        return None
    # A median that went through logs may miss a round number by its last digit.
    most = TWO_DIGITS.create_decimal(Decimal(depth * settings.reference_share * (1 + 1e-9)))
    configured = settings.reference_notional
    if configured <= most:
        return configured, False
    return (_plain(most), True) if most >= 1 else None


def widest_depth(bands: Mapping[int, BandTracks], settings: CrunchSettings) -> float | None:
    """Return the median depth of the thinner side of the widest known band, in quote."""
    for bps in sorted(bands, reverse=True):
        tracks = bands[bps]
        bid, ask = _median(tracks.bid, settings), _median(tracks.ask, settings)
        if bid is not None and ask is not None:
            return min(bid, ask)
    return None


def _median(track: Track, settings: CrunchSettings) -> float | None:
    if len(track.normal.slow) < settings.reference_samples:
        return None
    return track.baseline()


def _plain(notional: Decimal) -> Decimal:
    """Return the whole number without an exponent."""
    return Decimal(int(notional))
