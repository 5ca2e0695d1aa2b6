"""Venues that quote one symbol, second by second, before a divergence that watches them."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from decimal import Decimal

from tidegauge.core.alert import Alert, AlertState, Severity
from tidegauge.core.instrument import SECOND, InstrumentKind, Nanos
from tidegauge.risk.divergence import Divergence, QuoteFacts, Touch
from tidegauge.risk.signal_settings import DivergenceSettings

SYMBOL = "BTCUSDT"
START: Nanos = 1_700_000_000 * SECOND
PRICE = 60_000.0
SCALE = 2

SPOT = QuoteFacts(InstrumentKind.SPOT, "USDT")
PERP = QuoteFacts(InstrumentKind.PERP, "USDT")

QUICK = replace(DivergenceSettings(), min_samples=20, slow=600)
FIVE = dict.fromkeys(("binance", "bybit", "coinbase", "kraken", "okx"), SPOT)


def touch(bps: float = 0.0, *, half_spread: int = 50, lots: int = 150_000_000) -> Touch:
    """A touch whose mid is so many bps from 60,000, 1 wide, and 1.5 of the base on each side."""
    mid = round(PRICE * (1 + bps / 10_000) * 10**SCALE)
    return Touch(mid - half_spread, mid + half_spread, lots, lots, SCALE, 8)


def opened(alerts: Iterable[Alert]) -> list[tuple[str, str, Severity]]:
    """What fired, of whom, and how badly."""
    firing = [alert for alert in alerts if alert.state is AlertState.FIRING]
    return [(alert.key.signal, alert.key.venue, alert.severity) for alert in firing]


class Venues:
    """Quotes once a second; `bps` moves a venue, None takes it away."""

    def __init__(
        self,
        facts: Mapping[str, QuoteFacts] = FIVE,
        settings: DivergenceSettings = QUICK,
        size: Decimal | None = Decimal(500_000),
    ) -> None:
        self.facts = dict(facts)
        self.watch = Divergence(SYMBOL, settings, facts, size)
        self.at = START
        self.bps: dict[str, float | None] = dict.fromkeys(facts, 0.0)
        self.issued: list[Alert] = []

    @property
    def second(self) -> int:
        return (self.at - START) // SECOND

    @property
    def trace(self) -> str:
        return f"binance/1/{(self.at - START) // 1_000_000}"

    def quote(self, venue: str, bps: float, **how: int) -> list[Alert]:
        """Quote at this instant; return what is issued."""
        self.bps[venue] = bps
        return self.note(self.watch.quoted(venue, touch(bps, **how), self.at, self.trace))

    def lose(self, venue: str) -> list[Alert]:
        """Take a venue away at this instant."""
        self.bps[venue] = None
        return self.note(self.watch.lost(venue, self.at, self.trace))

    def run(self, seconds: int, **bps: float | None) -> list[Alert]:
        """Move venues, and let so many seconds pass; return what was issued."""
        self.bps |= bps
        issued = []
        for _ in range(seconds):
            for venue, each in self.bps.items():
                issued += self.lose(venue) if each is None else self.quote(venue, each)
            issued += self.note(self.watch.sample(self.at, self.trace))
            self.at += SECOND
        return issued

    def note(self, alerts: object) -> list[Alert]:
        """Keep account of what is issued."""
        assert isinstance(alerts, list | tuple)
        self.issued += alerts
        return list(alerts)

    @property
    def open(self) -> dict[str, Alert]:
        """The last record of each alert that fires, by signal and venue."""
        last = {alert.id: alert for alert in self.issued}
        firing = [alert for alert in last.values() if alert.state is AlertState.FIRING]
        return {f"{alert.key.signal} {alert.key.venue}": alert for alert in firing}


def warm(facts: Mapping[str, QuoteFacts] = FIVE, settings: DivergenceSettings = QUICK) -> Venues:
    """Return venues that agreed for a minute."""
    venues = Venues(facts, settings)
    assert venues.run(60) == []
    return venues
