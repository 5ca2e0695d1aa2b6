"""What is measured of a book."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from decimal import Decimal

BPS = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class MeasurePlan:
    """What a reading holds beside the touch.

    `bands` and `max_size_bps` are in basis points, below 10,000; `notionals` in quote; all are kept
    sorted and without repeats. Raises `ValueError` for a number that asks nothing.
    """

    bands: tuple[int, ...] = (10, 50, 100)
    imbalance_levels: int = 10
    notionals: tuple[Decimal, ...] = (Decimal(100_000), Decimal(500_000), Decimal(1_000_000))
    max_size_bps: tuple[int, ...] = (10,)

    def __post_init__(self) -> None:
        if not all(0 < bps < BPS for bps in (*self.bands, *self.max_size_bps)):
            raise ValueError("bands and max_size_bps must lie between 0 and 10,000 bps")
        if not all(notional.is_finite() and notional > 0 for notional in self.notionals):
            raise ValueError("a notional must be positive")
        if self.imbalance_levels < 1:
            raise ValueError("imbalance_levels must be positive")
        for name in ("bands", "notionals", "max_size_bps"):
            object.__setattr__(self, name, tuple(sorted(set(getattr(self, name)))))

    def adding(
        self, *, notionals: Iterable[Decimal] = (), bands: Iterable[int] = ()
    ) -> "MeasurePlan":
        """Return this plan with more to measure, such as a book's reference notional."""
        return replace(self, notionals=(*self.notionals, *notionals), bands=(*self.bands, *bands))
