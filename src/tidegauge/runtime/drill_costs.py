"""What an execution would cost while a drill runs: read from its books, against their calm."""

from collections import defaultdict
from collections.abc import Mapping
from decimal import Decimal
from statistics import median

from tidegauge.core.instrument import Nanos, VenueName
from tidegauge.core.reading import Taker
from tidegauge.risk.measure import MeasurePlan, measure
from tidegauge.simulator.drill_venue import DrillVenue

from .drill_outcome import Cost

BPS = 10_000


class DrillCosts:
    """Slippage of `size` quote on each venue; `learn` in calm, then ask for the `cost`."""

    def __init__(self, venues: Mapping[VenueName, DrillVenue], size: Decimal) -> None:
        self._venues = venues
        self._size = size
        self._plan = MeasurePlan(notionals=(size,))
        self._calm: dict[tuple[VenueName, Taker], list[float]] = defaultdict(list)

    def learn(self, now: Nanos) -> None:
        """Take what it costs now for usual."""
        for name in self._venues:
            for taker, bps in self._slippage(name, now).items():
                if bps is not None:
                    self._calm[name, taker].append(bps)

    def cost(self, venues: tuple[VenueName, ...], now: Nanos) -> Cost | None:
        """Return what it would cost now, on the worst of `venues` (all, if none is named); None where
        no book of them may be read."""
        costs = [
            self._cost(name, taker, bps)
            for name in venues or tuple(self._venues)
            for taker, bps in self._slippage(name, now).items()
        ]
        return max(costs, key=_badness, default=None)

    def _cost(self, venue: VenueName, taker: Taker, bps: float | None) -> Cost:
        calm = self._calm[venue, taker]
        usual = median(calm) if calm else None
        known = None if bps is None or usual is None else bps - usual
        return Cost(
            venue=venue,
            taker=taker,
            size=f"{self._size:f}",
            bps=bps,
            usual_bps=usual,
            extra=None if known is None else known * float(self._size) / BPS,
        )

    def _slippage(self, name: VenueName, now: Nanos) -> dict[Taker, float | None]:
        venue = self._venues.get(name)
        if venue is None or not venue.keeper.quotable:
            return {}
        reading = measure(venue.keeper.book, self._plan, venue.feed.origin(venue.keeper, now))
        return {} if reading is None else {each.taker: each.slippage_bps for each in reading.fills}


def _badness(cost: Cost) -> tuple[bool, float]:
    return cost.bps is None, cost.extra or 0.0
