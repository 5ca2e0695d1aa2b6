"""What a run of readings of one book has in common: stored once, named by each of them."""

from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from hashlib import blake2b
from typing import Any, TypeAlias

from tidegauge.core.instrument import Symbol, VenueName
from tidegauge.core.reading import Reading, Scales, Taker

from .table import Row, text

Asked: TypeAlias = tuple[Any, ...]
"""Instrument, scales, and what was asked of the book: flat, so that comparing two is one step."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Series:
    """A row of `tidegauge.series`. `max_sizes` are (taker, bps, scale). Two are the same by `id`."""

    run: str
    venue: VenueName
    symbol: Symbol
    instrument: str
    scales: Scales
    bands: tuple[int, ...]
    fills: tuple[tuple[Taker, Decimal], ...]
    max_sizes: tuple[tuple[Taker, int, int], ...]

    @classmethod
    def of(cls, reading: Reading, run: str) -> "Series":
        """Return the series that `reading` belongs to.

        Raises `ValueError` when its parts do not count in its scales.
        """
        scales = reading.scales
        if any(band.scales != scales for band in reading.bands) or any(
            fill.scales != scales for fill in reading.fills
        ):
            raise ValueError("a reading whose parts have other scales than its own")
        return cls(
            run=run,
            venue=reading.origin.venue,
            symbol=reading.origin.symbol,
            instrument=reading.origin.instrument,
            scales=scales,
            bands=tuple(band.bps for band in reading.bands),
            fills=tuple((fill.taker, fill.notional) for fill in reading.fills),
            max_sizes=tuple((each.taker, each.bps, each.scale) for each in reading.max_sizes),
        )

    @cached_property
    def id(self) -> int:
        """A 63-bit hash of all the rest."""
        digest = blake2b(repr(self.row_after_id).encode("utf-8", "replace"), digest_size=8).digest()
        return int.from_bytes(digest, "big") >> 1

    @property
    def row(self) -> Row:
        """The row, in the order of `rows.SERIES`."""
        return (self.id, *self.row_after_id)

    @cached_property
    def row_after_id(self) -> Row:
        return (
            *(text(self.run), text(self.venue), text(self.symbol), text(self.instrument)),
            *(self.scales.price, self.scales.base, self.scales.quote, list(self.bands)),
            [taker.value for taker, _notional in self.fills],
            [notional for _taker, notional in self.fills],
            [taker.value for taker, _bps, _scale in self.max_sizes],
            [bps for _taker, bps, _scale in self.max_sizes],
            [scale for _taker, _bps, scale in self.max_sizes],
        )


def asked_of(reading: Reading) -> Asked:
    """Return what tells one series of a book from another."""
    return (
        reading.origin.instrument,
        reading.scales,
        *(part for band in reading.bands for part in (band.bps, band.scales)),
        *(part for fill in reading.fills for part in (fill.taker, fill.notional, fill.scales)),
        *(part for each in reading.max_sizes for part in (each.taker, each.bps, each.scale)),
    )
