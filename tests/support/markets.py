"""Readings built by hand and markets generated from a seed, as `simulator` makes them."""

from tidegauge.core.instrument import Nanos
from tidegauge.core.reading import Quotability, Reading
from tidegauge.simulator.noise import Ar1, Market, Shape, bleed, calm, step
from tidegauge.simulator.readings import SCALES, START, band, fill, origin, reading, units

__all__ = [
    "SCALES", "START", "Ar1", "Market", "Shape", "band", "bleed", "calm", "fill", "one_sided", "origin",
    "reading", "step", "units",
]  # fmt: skip


def one_sided(at: Nanos = START) -> Reading:
    """Return a reading of a book without asks."""
    return Reading(
        origin=origin(at),
        quotability=Quotability.ONE_SIDED,
        scales=SCALES,
        bid_ticks=units(50_000, SCALES.price),
        bid_units=10**SCALES.base,
        ask_ticks=None,
        ask_units=None,
        microprice=None,
        spread_bps=None,
        bid_levels=500,
        ask_levels=0,
        imbalance=None,
        bands=(),
        fills=(),
        max_sizes=(),
    )
