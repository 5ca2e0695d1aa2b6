"""A monitor over one plain venue, with time as an argument."""

from decimal import Decimal

from tests.support.plain_venue import SPEC, frame, instrument

from tidegauge.core.alert import Alert, Signal
from tidegauge.core.instrument import SECOND, BookId, Nanos
from tidegauge.core.reading import Reading
from tidegauge.risk.measure import MeasurePlan
from tidegauge.risk.ruleset import RuleSet
from tidegauge.risk.settings import CrunchSettings
from tidegauge.runtime.monitor import Monitor, MonitorPlan, Record
from tidegauge.wire.feed import Listing, VenueFeed
from tidegauge.wire.protocol import BOOK_LINK

BOOK = BookId("plain", "AAAUSDT")
PLAN = MonitorPlan(
    measure=MeasurePlan(notionals=(Decimal(1_000),)),
    rules=RuleSet(crunch=CrunchSettings(min_samples=60, clear_for=10 * SECOND)),
)


class Bench:
    """A monitor over one plain venue, and every record it emitted."""

    def __init__(self, plan: MonitorPlan = PLAN) -> None:
        self.records: list[Record] = []
        self.monitor = Monitor(plan, self.records.append)
        self.feed = VenueFeed(SPEC, [Listing(symbol="AAAUSDT", instrument=instrument())])
        self.monitor.watch(self.feed)
        self.number = 0
        self.left = self.monitor.handle(self.feed.opened(BOOK_LINK, 0), 0)

    def quote(self, now: Nanos, size: float = 100.0, *, bid: str = "99.99") -> None:
        """The venue tells its whole book: one level a side just off the touch."""
        self.number += 1
        text = f"{size:.3f}"
        told = frame(
            "snapshot",
            [(bid, "1"), ("99.95", text), ("95", text)],
            [("100.01", "1"), ("100.05", text), ("105", text)],
            number=self.number,
        )
        self.say(told, now)

    def change(self, now: Nanos, size: float = 100.0) -> None:
        """The venue tells of the levels just off the touch of its book."""
        self.number += 1
        text = f"{size:.3f}"
        told = [[("99.95", text), ("95", text)], [("100.05", text), ("105", text)]]
        self.say(frame("delta", *told, number=self.number), now)

    def say(self, told: str, now: Nanos) -> None:
        self.monitor.advance(now)
        self.left += self.monitor.handle(self.feed.received(BOOK_LINK, told, now), now)

    def readings(self) -> list[Reading]:
        return [record for record in self.records if isinstance(record, Reading)]

    def alerts(self) -> list[Alert]:
        alerts = [record for record in self.records if isinstance(record, Alert)]
        return [alert for alert in alerts if alert.key.signal == Signal.CRUNCH]
