"""One book under watch: what is measured of it, what judges it, and what a person may see of it."""

from decimal import Decimal

from msgspec import structs

from tidegauge.core.activity import Activity
from tidegauge.core.alert import AlertKey, Signal
from tidegauge.core.instrument import InstrumentKind, Nanos
from tidegauge.core.keeper import BookKeeper
from tidegauge.core.reading import Origin, Reading
from tidegauge.risk.crunch import CrunchDetector
from tidegauge.risk.crunch_inputs import Wanted
from tidegauge.risk.glance import glance
from tidegauge.risk.kept import DetectorState
from tidegauge.risk.measure import MeasurePlan, measure
from tidegauge.risk.plan import BPS
from tidegauge.risk.settings import CrunchSettings
from tidegauge.wire.feed import VenueFeed
from tidegauge.wire.protocol import Beside

from .view import BookView, MarketView

UNFILLED_BPS = 9_000.0
"""A slippage that stands for a size that cannot be filled, above what is usual."""


class WatchedBook:
    """One book, all that is judged of it, and what is told beside it.

    An option has no detector: its book is kept, and that is all (signals.md section 1, Units).
    """

    def __init__(
        self,
        feed: VenueFeed,
        keeper: BookKeeper,
        plan: MeasurePlan,
        crunch: CrunchSettings,
        kept: DetectorState | None = None,
    ) -> None:
        self.feed = feed
        self.keeper = keeper
        key = AlertKey(signal=Signal.CRUNCH, symbol=keeper.id.symbol, venue=keeper.id.venue)
        self.detector: CrunchDetector | None = None
        if keeper.instrument.kind is not InstrumentKind.OPTION:
            self.detector = detector_of(key, crunch, kept)
        self.activity = Activity(
            keeper.instrument, tells_liquidations=Beside.LIQUIDATIONS in feed.spec.beside
        )
        self.last: Reading | None = None
        self._measured: tuple[BookKeeper, int, MeasurePlan] | None = None
        self.read_at: Nanos | None = None
        self.written_at: Nanos | None = None
        self.summed_at: Nanos | None = None
        self._base = plan
        self._plan = plan
        self._wanted = Wanted()

    def measure(self, origin: Origin) -> Reading | None:
        """Read the book; None: it may not be read now. What has not changed is not measured again."""
        keeper = self.keeper
        if not keeper.quotable:
            return None
        measured = keeper, keeper.updates, self.plan()
        if self.last is not None and measured == self._measured:
            return structs.replace(self.last, origin=origin)
        reading = measure(keeper.book, measured[2], origin)
        self._measured = measured
        return reading

    def calm(self) -> bool:
        """Whether a glance shows that a reading would change nothing; if it cannot tell, it does not."""
        detector, keeper = self.detector, self.keeper
        if detector is None or self.last is None or not keeper.quotable or not detector.idle:
            return False
        if detector.warming:
            return keeper.book.two_sided
        looked_at = detector.glanced_at()
        if looked_at is None:
            return False
        seen = glance(keeper.book, self.plan(), *looked_at)
        return seen is not None and detector.calm(seen)

    def impact(self, reading: Reading) -> Decimal | None:
        """What taking the reference notional costs more than usual now, the dearer way; in quote.

        None: that is not known, or the size cannot be filled."""
        if self.detector is None or (inputs := self.detector.inputs) is None:
            return None
        notional = self.detector.reference_notional
        dearer = [
            judged.value - judged.baseline
            for judged in (inputs.sell, inputs.buy)
            if judged is not None and judged.value is not None and judged.baseline is not None
        ]
        if notional is None or not dearer or max(dearer) >= UNFILLED_BPS:
            return None
        share = Decimal(repr(max(0.0, *dearer))) / BPS
        return (notional * share).quantize(Decimal("0.01"))

    def plan(self) -> MeasurePlan:
        """The measure plan, with the sizes and bands that the detector judges by."""
        if self.detector is None:
            return self._plan
        wanted = self.detector.wanted()
        if wanted is not self._wanted:
            if wanted != self._wanted:
                self._plan = self._base.adding(notionals=wanted.notionals, bands=wanted.bands)
            self._wanted = wanted
        return self._plan


def detector_of(
    key: AlertKey, settings: CrunchSettings, kept: DetectorState | None
) -> CrunchDetector:
    """Return a detector that goes on with what was kept, where that can be read; else a new one."""
    if kept is not None:
        try:
            return CrunchDetector.restored(key, settings, kept, kept.at)
        except ValueError:
            pass  # it does not belong together: it warms up anew
    return CrunchDetector(key, settings)


def _market(activity: Activity, now: Nanos) -> MarketView:
    bought, sold = activity.last_minute(now)
    return MarketView(
        standing=activity.standing,
        total=activity.total,
        bought=bought,
        sold=sold,
        tells_liquidations=activity.tells_liquidations,
        malformed=activity.malformed,
    )


def view_of(book: WatchedBook, now: Nanos) -> BookView:
    keeper = book.keeper
    bid, ask = keeper.book.best_bid, keeper.book.best_ask
    return BookView(
        id=keeper.id,
        instrument=keeper.instrument.name,
        trust=keeper.trust,
        reason=keeper.reason,
        since=keeper.since,
        age=None if keeper.updated_at is None else now - keeper.updated_at,
        updates=keeper.updates,
        best_bid=None if bid is None else Decimal(bid),
        best_ask=None if ask is None else Decimal(ask),
        reading=book.last,
        crunch=None if book.detector is None else book.detector.status(),
        market=_market(book.activity, now) if book.activity.told else None,
    )
