"""Watches whether the expected execution size of one symbol is safe to execute (docs/signals.md §8).

Once a sample, not for every frame. An alert is of the symbol and a side, not of a venue: what decides
is the cheapest split over the fresh books, for a size that one venue cannot take is safe where
others can. No clock is read.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from functools import partial

from msgspec import Struct

from ..core.alert import ALL, Action, Alert, AlertKey, Severity, Signal
from ..core.book import OrderBook
from ..core.exact import from_units
from ..core.instrument import Nanos, Symbol, VenueName, base_and_quote
from ..core.reading import Taker
from .judged import Finding, JudgedAlert, JudgedSettings, JudgedState
from .signal_settings import StressSettings
from .stress_report import Cost, Safety, StressReport, stress_report
from .stress_sentence import what_is_safe_again, what_is_stressed, what_was_left

SLIPPAGE = "slippage"
UNFILLABLE = "unfillable"

SEVERITIES = {Safety.ELEVATED: Severity.WARNING, Safety.UNSAFE: Severity.HIGH}
ACTIONS = {Severity.WARNING: Action.REDUCE, Severity.HIGH: Action.PAUSE_ASSET}


class StressState(Struct, frozen=True, kw_only=True, tag="stress-1"):
    """What must outlive a restart. The tag is the version: another one is refused when decoded."""

    sell: JudgedState
    buy: JudgedState


@dataclass(frozen=True, slots=True, kw_only=True)
class StressStatus:
    """The last report (None before the first), when it was made, and the alerts that fire."""

    symbol: Symbol
    at: Nanos | None
    report: StressReport | None
    alerts: tuple[Alert, ...]

    @property
    def share(self) -> float | None:
        """The worse of both sides, as a share of the notional, at the judged haircut: 1 where the
        size cannot be filled, None where it is not known."""
        if self.report is None:
            return None
        shares = [_share(self.report, taker) for taker in Taker]
        known = [share for share in shares if share is not None]
        return max(known) if len(known) == len(shares) else None


class Stress:
    """Judges `settings.execution_size` of one symbol by the books it is given.

    `quotes` says what each venue of the symbol is quoted in, `fees` what a taker pays there, in bps.
    """

    def __init__(
        self,
        symbol: Symbol,
        settings: StressSettings,
        quotes: Mapping[VenueName, str],
        fees: Mapping[VenueName, float] | None = None,
    ) -> None:
        self.symbol = symbol
        self._settings = settings
        self._quotes = dict(quotes)
        self._fees = dict(fees or {})
        judged = JudgedSettings(hold=settings.hold, clear_for=settings.clear_for)
        self._alerts = {
            taker: JudgedAlert(
                AlertKey(signal=Signal.STRESS, symbol=symbol, venue=ALL, side=taker), judged
            )
            for taker in (Taker.SELL, Taker.BUY)
        }
        self._at: Nanos | None = None
        self._report: StressReport | None = None

    def sample(self, fresh: Mapping[VenueName, OrderBook], at: Nanos, trace: str) -> list[Alert]:
        """Judge the books that are LIVE and not silent; return the alerts as they changed.

        The books are read before this returns, and nothing of them is kept.
        """
        settings = self._settings
        self._at = at
        self._report = report = stress_report(
            fresh,
            settings.execution_size,
            settings,
            quotes=self._quotes,
            quote=base_and_quote(self.symbol)[1],
            fees=self._fees,
        )
        changes = [self._judge(taker, report, at, trace) for taker in self._alerts]
        return [change for change in changes if change is not None]

    def _judge(self, taker: Taker, report: StressReport, at: Nanos, trace: str) -> Alert | None:
        together, alert = report.of(taker).together, self._alerts[taker]
        if together is None or together.judged.safety is Safety.UNKNOWN:
            return alert.unseen(at, trace)
        return alert.observe(
            self._finding(taker, report, together.judged),
            at,
            trace,
            cleared=partial(what_is_safe_again, self.symbol, taker, report.size),
        )

    def _finding(self, taker: Taker, report: StressReport, judged: Cost) -> Finding:
        settings = self._settings
        severity = SEVERITIES.get(judged.safety)
        unfillable = judged.slippage is None and not judged.floor
        calm = settings.clear_share * settings.elevated
        return Finding(
            severity=severity,
            clear=judged.slippage is not None and judged.slippage < calm,
            cause=UNFILLABLE if unfillable else SLIPPAGE,
            value=judged.slippage if not judged.floor else judged.at_least,
            threshold=settings.unsafe if severity is Severity.HIGH else settings.elevated,
            baseline=None,
            action=Action.MONITOR if severity is None else ACTIONS[severity],
            said=lambda: what_is_stressed(
                self.symbol, report, taker, settings, severity or Severity.INFO
            ),
        )

    def impact(self, taker: Taker) -> Decimal | None:
        """Return what the size would lose at the judged haircut, in quote, None where that is unknown
        or the size does not fill."""
        together = None if self._report is None else self._report.of(taker).together
        if self._report is None or together is None or together.judged.slippage is None:
            return None
        lost = Fraction(self._report.size) * Fraction(together.judged.slippage)
        return from_units(round(lost * 100), 2)

    def know(self, venue: VenueName, quote: str) -> None:
        """Count on a venue of the symbol."""
        self._quotes[venue] = quote

    def forget(self, venue: VenueName) -> None:
        """Count on a venue no more."""
        self._quotes.pop(venue, None)

    def leave(self, at: Nanos, trace: str) -> list[Alert]:
        """End the alerts because the symbol is watched no more."""
        ended = [
            alert.leave(at, trace, what_was_left(self.symbol, taker))
            for taker, alert in self._alerts.items()
        ]
        return [each for each in ended if each is not None]

    def adopt(
        self, settings: StressSettings, fees: Mapping[VenueName, float] | None = None
    ) -> None:
        """Judge by other settings from the next sample on; alerts that fire go on."""
        self._settings = settings
        if fees is not None:
            self._fees = dict(fees)
        judged = JudgedSettings(hold=settings.hold, clear_for=settings.clear_for)
        for alert in self._alerts.values():
            alert.adopt(judged)

    def snapshot(self) -> StressState:
        alerts = self._alerts
        return StressState(sell=alerts[Taker.SELL].snapshot(), buy=alerts[Taker.BUY].snapshot())

    def restore(self, state: StressState, at: Nanos) -> None:
        """Go on with what fired, and what was on its way, before a restart."""
        self._alerts[Taker.SELL].resume(state.sell, at)
        self._alerts[Taker.BUY].resume(state.buy, at)

    def status(self) -> StressStatus:
        return StressStatus(
            symbol=self.symbol, at=self._at, report=self._report, alerts=self._firing()
        )

    def _firing(self) -> tuple[Alert, ...]:
        return tuple(each.alert for each in self._alerts.values() if each.alert is not None)


def _share(report: StressReport, taker: Taker) -> float | None:
    together = report.of(taker).together
    if together is None:
        return None
    judged = together.judged
    if judged.slippage is None and not judged.floor and judged.safety is Safety.UNSAFE:
        return 1.0
    return judged.slippage
