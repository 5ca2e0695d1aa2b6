"""A monitor over several plain venues of one symbol, with time as an argument."""

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal

from tests.support.plain_venue import SPEC, frame, instrument

from tidegauge.core.alert import Alert, AlertState, Signal
from tidegauge.core.desk import Order, OrderKind, Outcome, Page
from tidegauge.core.incident import Transition
from tidegauge.core.instrument import SECOND, BookId, Nanos
from tidegauge.risk.measure import MeasurePlan
from tidegauge.risk.ruleset import RuleSet
from tidegauge.risk.settings import CrunchSettings
from tidegauge.risk.signal_settings import DivergenceSettings, StressSettings
from tidegauge.runtime.kept import Kept
from tidegauge.runtime.monitor import Crashed, Monitor, MonitorPlan, Record
from tidegauge.wire.feed import Listing, VenueFeed
from tidegauge.wire.protocol import BOOK_LINK

SYMBOL = "AAAUSDT"
START: Nanos = 1_760_000_000 * SECOND
RULES = RuleSet(
    crunch=CrunchSettings(min_samples=60, clear_for=10 * SECOND),
    divergence=DivergenceSettings(min_samples=60, clear_for=10 * SECOND),
    stress=StressSettings(execution_size=Decimal(1_000), clear_for=10 * SECOND),
)
PLAN = MonitorPlan(measure=MeasurePlan(notionals=(Decimal(1_000),)), rules=RULES)


class Market:
    """One symbol on several venues, told of once a second by `live`."""

    def __init__(
        self,
        *venues: str,
        plan: MonitorPlan = PLAN,
        at: Nanos = START,
        kept: Kept | None = None,
        crashed: Crashed | None = None,
        first: Callable[[Monitor], None] = lambda _monitor: None,
    ) -> None:
        self.records: list[Record] = []
        self.monitor = Monitor(plan, self.records.append, crashed, kept)
        first(self.monitor)
        self.now = at
        self.mids = dict.fromkeys(venues, 100.0)
        self.sizes = dict.fromkeys(venues, 100.0)
        self._numbers = dict.fromkeys(venues, 0)
        self.feeds = {
            name: VenueFeed(
                replace(SPEC, name=name),
                [Listing(symbol=SYMBOL, instrument=replace(instrument(), venue=name))],
            )
            for name in venues
        }
        for feed in self.feeds.values():
            self.monitor.watch(feed)
            self.monitor.handle(feed.opened(BOOK_LINK, at), at)

    def live(self, seconds: int, *, without: str = "") -> None:
        """Let seconds pass in which every venue but one tells its book."""
        for _ in range(seconds):
            self.now += SECOND
            for name in self.feeds:
                if name != without:
                    self.tell(name)
            self.monitor.advance(self.now)

    def tell(self, venue: str) -> None:
        """A venue tells its whole book: one level a side at the touch, and two behind it."""
        mid = self.mids[venue]
        # Sizes that vary a little, as a market's do.
        size = f"{self.sizes[venue] * (1 + 0.01 * (self._numbers[venue] % 3)):.3f}"
        self._numbers[venue] += 1
        levels = [
            [(f"{mid * (1 + away):.2f}", size) for away in aways]
            for aways in ((-0.0001, -0.0005, -0.05), (0.0001, 0.0005, 0.05))
        ]
        self.say(venue, frame("snapshot", *levels, number=self._numbers[venue]))

    def say(self, venue: str, told: str) -> None:
        self.monitor.advance(self.now)
        effects = self.feeds[venue].received(BOOK_LINK, told, self.now)
        self.monitor.handle(effects, self.now)

    def cut(self, venue: str) -> None:
        """A venue's connection ends."""
        self.monitor.advance(self.now)
        effects = self.feeds[venue].closed(BOOK_LINK, self.now, "cut")
        self.monitor.handle(effects, self.now)

    def order(self, kind: OrderKind, **facts: object) -> Outcome:
        """Ann orders something of the desk."""
        number = sum(isinstance(record, Outcome) for record in self.records)
        order = Order(id=f"order-{number}", kind=kind, at=self.now, actor="ann", **facts)  # type: ignore[arg-type]
        return self.monitor.order(order, self.now)

    def alerts(self, signal: Signal) -> list[Alert]:
        """Every change of every alert of a signal."""
        found = [record for record in self.records if isinstance(record, Alert)]
        return [alert for alert in found if alert.key.signal == signal]

    def firing(self, signal: Signal) -> list[Alert]:
        """The alerts of a signal as they were last told, that still fire."""
        last = {alert.id: alert for alert in self.alerts(signal)}
        return [alert for alert in last.values() if alert.state is AlertState.FIRING]

    def transitions(self) -> list[Transition]:
        return [record for record in self.records if isinstance(record, Transition)]

    def pages(self) -> list[Page]:
        return [record for record in self.records if isinstance(record, Page)]


def book_of(venue: str) -> BookId:
    return BookId(venue, SYMBOL)
